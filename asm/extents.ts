// Extents of compressed inodes: the one found last, and what extents decode to, of which the last ones are kept. Not here: finding
// them (compressed.ts, records.ts), the decoders (codec/).
// Follows z_erofs_decompress_pcluster and the decompressors of fs/erofs; section 9 of the project's spec of EROFS.
//
//   pcluster:  zeros  [stream]        right-aligned, but for LZ4 in images without the feature for it:  [stream] anything
//   ring:      [what an extent decoded to][slack] ...      the oldest goes first; HUGE has room for a single larger one

import { gathered, zerosBefore } from './bytes'
import { decode } from './codec/decode'
import { image } from './image'
import {
  AT_COMPRESSED_DATA,
  EROFS_FEATURE_INCOMPAT_ZERO_PADDING,
  EUCLEAN,
  Z_EROFS_COMPRESSION_LZ4,
  Z_EROFS_PCLUSTER_MAX_DSIZE,
  Z_EROFS_PCLUSTER_MAX_SIZE,
} from './layout'
import { fail, ownU16, ownU32, ownU64 } from './scratch'

/** The extent found last: the bytes of the file that it is, where and how it is stored (Z_EROFS_*). */
export let eStart: u64 = 0
export let eEnd: u64 = 0
export let eAddress: u64 = 0
export let eLength: u32 = 0
export let eForm: u32 = 0
/** Where it begins in the packed inode's data, if it is there. */
export let eFragment: u64 = 0

export function setExtent(start: u64, end: u64, form: u32, address: u64, length: u32): void {
  eStart = start
  eEnd = end
  eForm = form
  eAddress = address
  eLength = length
}

export function setFragment(start: u64, end: u64, form: u32, at: u64): void {
  setExtent(start, end, form, 0, 0)
  eFragment = at
}

const KEPT_EXTENT: usize = memory.data(FULL ? 48 : 8, 8)

/** Keeps the extent found last while another inode's are looked at. */
export function keepExtent(): void {
  store<u64>(KEPT_EXTENT, eStart)
  store<u64>(KEPT_EXTENT, eEnd, 8)
  store<u64>(KEPT_EXTENT, eAddress, 16)
  store<u64>(KEPT_EXTENT, eFragment, 24)
  store<u32>(KEPT_EXTENT, eLength, 32)
  store<u32>(KEPT_EXTENT, eForm, 36)
}

export function takeExtent(): void {
  eStart = ownU64(KEPT_EXTENT)
  eEnd = ownU64(KEPT_EXTENT + 8)
  eAddress = ownU64(KEPT_EXTENT + 16)
  eFragment = ownU64(KEPT_EXTENT + 24)
  eLength = ownU32(KEPT_EXTENT + 32)
  eForm = ownU32(KEPT_EXTENT + 36)
}

/** Bytes that a decoder may touch behind its output, rounded up. */
const SLACK_OUT: u32 = 64

const INPUT: usize = memory.data(FULL ? Z_EROFS_PCLUSTER_MAX_SIZE + 64 : 8, 64)
const RING_BYTES: u32 = 1 << 22
const RING: usize = memory.data(FULL ? 1 << 22 : 8, 64)
const HUGE: usize = memory.data(FULL ? Z_EROFS_PCLUSTER_MAX_DSIZE + 128 : 8, 64)

/** Extents that are kept, in the order in which they came: [address u64][image u32][length u32][form u32][decoded u32][at u32]. */
const SLOT: usize = 32
const AT: usize = 24
const SLOTS: u32 = 1024
const KEPT: usize = memory.data(FULL ? 32 * 1024 : 8, 64)
const HUGE_SLOT: usize = memory.data(FULL ? 32 : 8, 8)
/** Slots by address: a guess, which is compared. */
const BY_ADDRESS: usize = memory.data(FULL ? 2 * 4096 : 8, 64)
const HASH_BITS: u64 = 12

/** The oldest slot and the next one, both counted for ever; where the next one's bytes may begin. */
let oldest: u32 = 0
let newest: u32 = 0
let ringAt: u32 = 0

@inline
function slotAt(n: u32): usize {
  return KEPT + <usize>(n & (SLOTS - 1)) * SLOT
}

@inline
function guessAt(address: u64): usize {
  return BY_ADDRESS + (<usize>((address * 0x9e3779b97f4a7c15) >> (64 - HASH_BITS)) << 1)
}

/** Is what the slot holds the beginning of what the current extent decodes to? */
@inline
function holds(slot: usize, decodedLength: u32): bool {
  return (
    ownU64(slot) == eAddress &&
    ownU32(slot + 8) == image.number &&
    ownU32(slot + 12) == eLength &&
    ownU32(slot + 16) == eForm &&
    ownU32(slot + 20) >= decodedLength &&
    ownU32(slot + AT) != 0
  )
}

/** Forgets the oldest. */
@inline
function dropOldest(): void {
  store<u32>(slotAt(oldest), 0, AT)
  oldest++
}

/** Room in the ring: what lies there is forgotten. That is the oldest, since all stand in the order in which they came. */
function ringRoom(bytes: u32): usize {
  const top = <u32>RING + ringAt
  if (ringAt + bytes > RING_BYTES) {
    while (oldest != newest && ownU32(slotAt(oldest) + AT) >= top) dropOldest()
    ringAt = 0
  }
  const from = <u32>RING + ringAt
  while (oldest != newest) {
    const at = ownU32(slotAt(oldest) + AT)
    if (newest - oldest < SLOTS && (at < from || at >= from + bytes)) break
    dropOldest()
  }
  ringAt += bytes
  return from
}

function keep(slot: usize, at: usize, decodedLength: u32): void {
  store<u64>(slot, eAddress)
  store<u32>(slot, image.number, 8)
  store<u32>(slot, eLength, 12)
  store<u32>(slot, eForm, 16)
  store<u32>(slot, decodedLength, 20)
  store<u32>(slot, <u32>at, AT)
}

function bad(): usize {
  fail(EUCLEAN, AT_COMPRESSED_DATA, eAddress)
  return 0
}

/** Pointer to what the extent found last decodes to, all of it; 0 after `fail`. Good until the next one is decoded. */
export function decoded(): usize {
  const length = <u32>(eEnd - eStart)
  const isHuge = length > RING_BYTES / 4
  const guess = isHuge ? HUGE_SLOT : slotAt(ownU16(guessAt(eAddress)))
  if (holds(guess, length)) return <usize>ownU32(guess + AT)
  const input = gathered(eAddress, eLength, INPUT)
  if (!input) return bad()
  const padded = eForm != Z_EROFS_COMPRESSION_LZ4 || (image.featureIncompat & EROFS_FEATURE_INCOMPAT_ZERO_PADDING) != 0
  const zeros = padded ? <u32>zerosBefore(input, eLength) : 0
  if (zeros == eLength) return bad()
  const to = isHuge ? HUGE : ringRoom((length + SLACK_OUT + 63) & ~63)
  if (isHuge) store<u32>(HUGE_SLOT, 0, AT)
  const n = decode(eForm, input + zeros, eLength - zeros, to, length, image.dictSize)
  if (n != <i32>length) return bad()
  if (isHuge) {
    keep(HUGE_SLOT, to, length)
  } else {
    keep(slotAt(newest), to, length)
    store<u16>(guessAt(eAddress), <u16>(newest & (SLOTS - 1)))
    newest++
  }
  return to
}
