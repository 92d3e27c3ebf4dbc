// The instance's fixed areas, by which questions come in and answers go out: a scratch record, a table of records, a
// name, and the work buffer of path resolution. Not here: image bytes (bytes.ts).

import {
  AT_IMAGE,
  MAX_DEPTH,
  MAXSYMLINKS,
  PATH_MAX,
  REC_SIZE,
  SCR_ERROR_OFFSET,
  SCR_ERROR_WHERE,
  SCR_SIZE,
} from './layout'

/** A directory block has at most 2^16 / 13 entries; the record of the directory itself may stand before them. */
export const MAX_RECORDS: u32 = 5120
/** A name of 255 bytes or an xattr's full name, and what an eight-byte load may touch past it. */
const NAME_BYTES: usize = 512
/** Every followed symlink can put PATH_MAX bytes before what is left. */
export const WORK_BYTES: usize = (<usize>MAXSYMLINKS + 2) * <usize>PATH_MAX

export const SCRATCH: usize = memory.data(<i32>SCR_SIZE, 8)
/** The names of the records, back to back; room for those of any one block. */
export const NAMES_BYTES: u32 = 1 << 18
export const NAMES: usize = memory.data((1 << 18) + 16, 64)
export const RECORDS: usize = memory.data(<i32>(MAX_RECORDS * REC_SIZE), 64)
export const NAME: usize = memory.data(<i32>NAME_BYTES, 8)
/** A path as it comes in, and what an eight-byte load may touch past it. */
export const PATH: usize = memory.data(<i32>PATH_MAX + 16, 8)
export const WORK: usize = memory.data(<i32>WORK_BYTES, 8)
/** No symlink is longer than a page where images are made; bytes. */
export const MAX_LINK: u32 = 4096
export const LINK: usize = memory.data(<i32>MAX_LINK + 16, 8)
export const CHAIN: usize = memory.data(<i32>(MAX_DEPTH * 8), 8)

let failed: i32 = 0

/** -errno of the last fail or answer: for callers of a function whose failure is a null pointer. */
export function lastError(): i32 {
  return -failed
}

/** Notes which structure at which byte offset of the image was wrong, and answers -errno. */
export function fail(errno: i32, where: u32, offset: u64): i32 {
  failed = errno
  store<u32>(SCRATCH + SCR_ERROR_WHERE, where)
  store<f64>(SCRATCH + SCR_ERROR_OFFSET, <f64>offset)
  return -errno
}

/** -errno of an answer in which nothing is wrong with the image (a name that is not there, say). */
export function answer(errno: i32): i32 {
  failed = errno
  store<u32>(SCRATCH + SCR_ERROR_WHERE, AT_IMAGE)
  store<f64>(SCRATCH + SCR_ERROR_OFFSET, -1)
  return -errno
}

/** What the core itself wrote: records, its tables, a walk's stack. */
@inline
export function ownU8(p: usize): u32 {
  return <u32>load<u8>(p)
}

@inline
export function ownU16(p: usize): u32 {
  return <u32>load<u16>(p)
}

@inline
export function ownU32(p: usize): u32 {
  return load<u32>(p)
}

@inline
export function ownU64(p: usize): u64 {
  return load<u64>(p)
}

@inline
export function ownF64(p: usize): f64 {
  return load<f64>(p)
}

/** One byte of what came in (a path). */
@inline
export function inputByte(p: usize): u32 {
  return <u32>load<u8>(p)
}

/** Eight bytes of what came in, and the first `n` (1…7) of eight. */
@inline
export function loadWord(p: usize): u64 {
  return load<u64>(p)
}

@inline
export function maskedWord(p: usize, n: u32): u64 {
  return load<u64>(p) & ((<u64>1 << (<u64>n << 3)) - 1)
}
