// The only file that loads image bytes, and only after `span` has checked that they are there. Everything else in asm/
// holds pointers that came from here. Not here: what the bytes mean.
// Compiled twice. A resident image (PAGED 0) has all its bytes in this memory, followed by TAIL bytes of zeros, so that a
// name can be read eight bytes at a time past its end. Of a paged one only some pages are here (pages.ts): then span
// answers 0 as well, and the whole call is void: `settled` makes -EAGAIN of its answer.
// The core that reads compressed images (FULL 1) has the metabox's data behind all that an image can have: what stands there is
// asked for like anything else (box.ts).

import { beginPages, copyPages, offsetInPages, pageSpan, want } from './pages'
import { fail } from './scratch'
import { beginSpill, isSpilt, missed, spiltOffset } from './spill'

/** First byte of the current image in memory, and its length. */
let base: usize = 0
let size: u64 = 0

export function useBytes(first: usize, length: u64): void {
  base = first
  size = length
}

/** The first byte of the metabox's data, as an offset in the image. */
export const BOX_BASE: u64 = 1 << 52

/** Bytes of the current image's metabox, and what gives a pointer to some of them (box.ts, which needs this file). */
let boxSize: u64 = 0
let boxReader: ((at: u64, length: u64) => usize) | null = null

export function useBox(length: u64): void {
  boxSize = length
}

export function setBoxReader(reader: (at: u64, length: u64) => usize): void {
  boxReader = reader
}

function spanInBox(at: u64, length: u64): usize {
  const reader = boxReader
  return reader && at <= boxSize && length <= boxSize - at ? reader(at, length) : 0
}

/** Begins a call, or its next part after a good one. */
@inline
export function beginCall(): void {
  if (SPILLS) beginSpill()
  if (PAGED) beginPages()
}

/** Are `length` bytes at `offset` inside the image, here or not? */
@inline
export function inside(offset: u64, length: u64): bool {
  if (FULL && offset >= BOX_BASE) return inBox(offset - BOX_BASE, length)
  return offset <= size && length <= size - offset
}

function inBox(at: u64, length: u64): bool {
  return at <= boxSize && length <= boxSize - at
}

/** Pointer to `length` bytes at `offset` of the image; 0 when they are not all inside, or not here. */
@inline
export function span(offset: u64, length: u64): usize {
  if (offset > size || length > size - offset) return FULL && offset >= BOX_BASE ? spanInBox(offset - BOX_BASE, length) : 0
  if (PAGED) return pageSpan(offset, length)
  return base + <usize>offset
}

/** Byte offset in the image of a pointer that span gave. */
@inline
export function offsetOf(p: usize): u64 {
  if (PAGED) return offsetInPages(p)
  return SPILLS && isSpilt(p) ? spiltOffset(p) : <u64>(p - base)
}

/** The answer where span gave 0. */
export function outside(where: u32, offset: u64, errno: i32): i32 {
  return fail(errno, where, offset)
}

/** What a call answers: -EAGAIN where it came upon a page that is not here, whatever it made of that. */
@inline
export function settled(answer: i32): i32 {
  return SPILLS && missed != 0 ? -missed : answer
}

@inline
export function u8At(p: usize, field: usize): u32 {
  return <u32>load<u8>(p + field)
}

@inline
export function u16At(p: usize, field: usize): u32 {
  return <u32>load<u16>(p + field)
}

@inline
export function u32At(p: usize, field: usize): u32 {
  return load<u32>(p + field)
}

@inline
export function u64At(p: usize, field: usize): u64 {
  return load<u64>(p + field)
}

/**
 * Pointer to `length` bytes on the device at `offset`, which may be more than the spill holds: of a paged image they are copied to
 * `to` then. 0 where they are not all inside, or not here.
 */
export function gathered(offset: u64, length: u64, to: usize): usize {
  if (!PAGED || offset >= BOX_BASE) return span(offset, length)
  if (length == 0 || !inside(offset, length) || !want(offset, length)) return 0
  return copyPages(offset, length, to) ? to : 0
}

export function copyOut(to: usize, p: usize, length: usize): void {
  memory.copy(to, p, length)
}

/** Length of the bytes before the first NUL, at most `most`. */
export function lengthToNul(p: usize, most: u32): u32 {
  let n: u32 = 0
  while (n < most && load<u8>(p + n) != 0) n++
  return n
}

/** Byte order of two names of up to 255 bytes, a proper prefix first: below 0, 0, above 0. */
export function compareNames(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const shorter = min(aLength, bLength)
  let i: u32 = 0
  while (i < shorter) {
    let x = load<u64>(a + i)
    let y = load<u64>(b + i)
    const left = shorter - i
    if (left < 8) {
      const mask = (<u64>1 << (<u64>left << 3)) - 1
      x &= mask
      y &= mask
    }
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1
    i += 8
  }
  return <i32>aLength - <i32>bLength
}

/** Does a name come before another one? Most neighbours differ in their first eight bytes. */
@inline
export function comesBefore(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  if (aLength >= 8 && bLength >= 8) {
    const x = load<u64>(a)
    const y = load<u64>(b)
    if (x != y) return bswap<u64>(x) < bswap<u64>(y)
  }
  return compareNames(a, aLength, b, bLength) < 0
}

/** Some 64-bit hash of a name, to file it under. */
export function hashName(p: usize, length: u32, seed: u64): u64 {
  let h = seed ^ length
  for (let i: u32 = 0; i < length; i += 8) {
    let x = load<u64>(p + i)
    const left = length - i
    if (left < 8) x &= (<u64>1 << (<u64>left << 3)) - 1
    h = (h ^ x) * 0x9e3779b97f4a7c15
    h ^= h >> 29
  }
  return h * 0x9e3779b97f4a7c15
}

/** What the bytes of names are: NAME_BAD when one is NUL or a slash, else NAME_ASCII or NAME_OTHER. */
export const NAME_BAD: u32 = 0
export const NAME_ASCII: u32 = 1
export const NAME_OTHER: u32 = 2

const ONES: u64 = 0x0101010101010101
const HIGHS: u64 = 0x8080808080808080
const SLASHES: u64 = 0x2f2f2f2f2f2f2f2f
const DOTS: u64 = 0x2e2e2e2e2e2e2e2e

/** Not 0 where x has a zero byte. */
@inline
function zeroBytes(x: u64): u64 {
  return (x - ONES) & ~x & HIGHS
}

/** Class of `length` bytes of names that stand back to back. */
export function nameClass(p: usize, length: u32): u32 {
  let bad: u64 = 0
  let seen: u64 = 0
  let i: u32 = 0
  for (; i + 8 <= length; i += 8) {
    const x = load<u64>(p + i)
    bad |= zeroBytes(x) | zeroBytes(x ^ SLASHES)
    seen |= x
  }
  if (i < length) {
    // Bytes past the end are made dots, which are in no class that matters.
    const mask = ((<u64>1) << (<u64>(length - i) << 3)) - 1
    const x = (load<u64>(p + i) & mask) | (~mask & DOTS)
    bad |= zeroBytes(x) | zeroBytes(x ^ SLASHES)
    seen |= x
  }
  if (bad != 0) return NAME_BAD
  return (seen & HIGHS) != 0 ? NAME_OTHER : NAME_ASCII
}

/** What four steps of the division by 0x82f63b78 leave of each four bits. */
const NIBBLES: usize = memory.data<u32>([
  0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
  0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
])

@inline
function afterNibble(crc: u32): u32 {
  return (crc >> 4) ^ load<u32>(NIBBLES + ((crc & 15) << 2))
}

/** CRC-32C (Castagnoli, reflected), no final inversion, of bytes of which those of the u32 at `skip` count as zero. */
export function crc32c(p: usize, length: usize, skip: usize): u32 {
  let crc: u32 = 0xffffffff
  for (let i: usize = 0; i < length; i++) {
    crc ^= i - skip < 4 ? 0 : <u32>load<u8>(p + i)
    crc = afterNibble(afterNibble(crc))
  }
  return crc
}

/** Are `length` bytes of the image at `p` those at `other` (of the image or of a question)? */
@inline
export function sameBytes(p: usize, other: usize, length: usize): bool {
  return memory.compare(p, other, length) == 0
}

/** Bytes before the first one that is not zero; `length` where all are. */
export function zerosBefore(p: usize, length: usize): usize {
  let n: usize = 0
  while (n + 8 <= length && load<u64>(p + n) == 0) n += 8
  while (n < length && load<u8>(p + n) == 0) n++
  return n
}

/** Bytes up to and with the last one that is not zero; 0 where all are. */
export function lengthToZeros(p: usize, length: usize): usize {
  let n = length
  while (n >= 8 && load<u64>(p + n - 8) == 0) n -= 8
  while (n > 0 && load<u8>(p + n - 1) == 0) n--
  return n
}
