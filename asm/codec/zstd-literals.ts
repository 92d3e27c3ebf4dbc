// The literals of a Zstandard block (RFC 8878, 3.1.1.3.1): raw, one byte again and again, or Huffman-coded with a tree of
// their own or the one before. Not here: the code itself (zstd-huffman.ts).
//
//   section: [type u2][size format u2][regenerated size u5 .. u20][compressed size u10 .. u18][tree][streams]

import { decodeFour, decodeOne, readTree } from './zstd-huffman'

const RAW: u32 = 0
const RLE: u32 = 1
const TREELESS: u32 = 3

/** No block has more of them; and what wide loads may touch behind. */
export const MAX_BLOCK: usize = 1 << 17
const LITERALS: usize = memory.data((1 << 17) + 32, 64)

/** Has the frame had a tree? */
let tree: bool = false
let first: usize = 0
let last: usize = 0

export function forgetTree(): void {
  tree = false
}

/** The literals that were read last: their first byte, and where they end. */
export function literalsAt(): usize {
  return first
}

export function literalsEnd(): usize {
  return last
}

/** Raw ones stay where they are; one byte is spread. Where the section ends, 0 where it is bad. */
function simple(type: u32, from: usize, end: usize, most: usize): usize {
  const format = (<u32>load<u8>(from) >> 2) & 3
  const head: usize = format & 1 ? <usize>((format + 3) >> 1) : 1
  if (end - from < head) return 0
  const word = load<u32>(from)
  const size = <usize>(format & 1 ? (word & (format == 1 ? 0xffff : 0xffffff)) >> 4 : (word & 0xff) >> 3)
  from += head
  if (size > most || end - from < (type == RAW ? size : 1)) return 0
  first = from
  last = from + size
  if (type == RAW) return last
  memory.fill(LITERALS, load<u8>(from), size)
  first = LITERALS
  last = LITERALS + size
  return from + 1
}

/** Reads the section at from .. end, of at most `most` literals. Where it ends, 0 where it is bad. */
export function readLiterals(from: usize, end: usize, most: usize): usize {
  if (from >= end) return 0
  const type = <u32>load<u8>(from) & 3
  const format = (<u32>load<u8>(from) >> 2) & 3
  if (type == RAW || type == RLE) return simple(type, from, end, most)
  const head: usize = format < 2 ? 3 : format + 2
  if (end - from < head) return 0
  const width = format < 2 ? 10 : format == 2 ? 14 : 18
  const word = load<u64>(from) >> 4
  const mask = (<u64>1 << width) - 1
  const size = <usize>(word & mask)
  const packed = <usize>((word >> width) & mask)
  from += head
  if (size == 0 || size > most || packed > end - from) return 0
  const stop = from + packed
  if (type != TREELESS) {
    const taken = readTree(from, stop)
    tree = taken != 0
    from += taken
  }
  if (!tree) return 0
  first = LITERALS
  last = LITERALS + size
  const whole = format == 0 ? decodeOne(from, stop, first, last) : decodeFour(from, stop, first, last)
  return whole ? stop : 0
}
