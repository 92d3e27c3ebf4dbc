// The map header of a compressed inode, as far as what finds extents goes by it. Not here: reading it (compressed.ts).
// Section 7 of the project's spec of EROFS.

import { NOWHERE, onDevice } from './devices'
import { setExtent } from './extents'
import { AT_COMPRESSION_INDEX, EIO, EUCLEAN } from './layout'
import { fail, ownU32, ownU64 } from './scratch'

/** The map header taken last: where it stands, and the bits of a logical cluster. */
export let hAt: u64 = 0
export let hAdvise: u32 = 0
export let hBits: u64 = 0
export let hAlgorithms: u32 = 0

export function setHeader(at: u64, advise: u32, algorithms: u32, bits: u64): void {
  hAt = at
  hAdvise = advise
  hAlgorithms = algorithms
  hBits = bits
}

const KEPT_HEADER: usize = memory.data(FULL ? 32 : 8, 8)

/** Keeps the header taken last while another inode is looked at. */
export function keepHeader(): void {
  store<u64>(KEPT_HEADER, hAt)
  store<u64>(KEPT_HEADER, hBits, 8)
  store<u32>(KEPT_HEADER, hAdvise, 16)
  store<u32>(KEPT_HEADER, hAlgorithms, 20)
}

export function takeHeader(): void {
  hAt = ownU64(KEPT_HEADER)
  hBits = ownU64(KEPT_HEADER + 8)
  hAdvise = ownU32(KEPT_HEADER + 16)
  hAlgorithms = ownU32(KEPT_HEADER + 20)
}

export function badIndex(): i32 {
  return fail(EUCLEAN, AT_COMPRESSION_INDEX, hAt)
}

/** The extent is one whose bytes lie on a device. */
export function place(start: u64, end: u64, form: u32, address: u64, length: u32): i32 {
  const offset = onDevice(0, address, length)
  if (offset == NOWHERE) return fail(EIO, AT_COMPRESSION_INDEX, hAt)
  setExtent(start, end, form, offset, length)
  return 0
}
