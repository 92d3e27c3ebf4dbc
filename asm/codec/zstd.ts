// Decodes one Zstandard frame (RFC 8878), as fs/erofs/decompressor_zstd.c has zstd do it: no dictionary, no skippable
// frame. A window of more than 128 MiB is refused, as there; the window takes no memory, since all output is there.
// A checksum is not verified: mkfs.erofs writes none, and the kernel, which stops when it has what it asked for, does not
// come to it. Not here: what is in a block (zstd-literals.ts, zstd-sequences.ts); which bytes of an image make a frame.
//
// Bounded by construction. Input is loaded at from .. from + length and up to 16 bytes behind, which are never taken for
// what they are not: every size is held against what there is. A block makes at most 128 KiB, and no more than there is
// room for; wide stores go up to 15 bytes beyond. Each turn eats a block's header at least.
//
//   frame: [0xfd2fb528][descriptor u8][window u8, unless single][dictionary u0 .. u32][content's size u0 .. u64]
//          block .. block [checksum u32]
//   descriptor: [dictionary u2][checksum u1][0 u1][any u1][single u1][content's size u2]
//   block: [last u1][type u2][size u21][bytes]        type: 0 raw, 1 one byte again and again, 2 compressed

import { EUCLEAN } from '../layout'
import { forgetTree, literalsAt, literalsEnd, MAX_BLOCK, readLiterals } from './zstd-literals'
import { decodeSequences, startBlock, startFrame } from './zstd-sequences'

const BAD: i32 = -(<i32>EUCLEAN)
const MAGIC: u32 = 0xfd2fb528
const MAX_WINDOW: u64 = 1 << 27
/** Size of a content that is not given. */
const UNKNOWN: u64 = u64.MAX_VALUE

let window: u64 = 0
let content: u64 = 0
let checksum: bool = false

/** Reads the header of a frame. Where its blocks begin, 0 where it is bad. */
function readHeader(from: usize, end: usize): usize {
  if (end - from < 6 || load<u32>(from) != MAGIC) return 0
  const flags = <u32>load<u8>(from, 4)
  if (flags & 8) return 0
  checksum = (flags & 4) != 0
  const single = (flags >> 5) & 1
  const dictionary: u32 = (1 << (flags & 3)) >> 1
  const width = flags >> 6 == 0 ? single : 1 << (flags >> 6)
  if (end - from < 6 - single + dictionary + width) return 0
  from += 5
  if (!single) {
    const exponent = <u64>load<u8>(from) >> 3
    window = (<u64>1 << (10 + exponent)) + ((<u64>load<u8>(from) & 7) << (7 + exponent))
    from++
  }
  // Number 0 is none.
  if (dictionary != 0 && (load<u32>(from) & (<u32>-1 >> (32 - (dictionary << 3)))) != 0) return 0
  from += dictionary
  content = UNKNOWN
  if (width == 1) content = <u64>load<u8>(from)
  else if (width == 2) content = <u64>load<u16>(from) + 256
  else if (width == 4) content = <u64>load<u32>(from)
  else if (width == 8) content = load<u64>(from)
  if (single) window = content
  return window > MAX_WINDOW ? 0 : from + width
}

/** The content of a block. Where the output ends then, 0 where it is bad. */
function readBlock(type: u32, from: usize, size: usize, out: usize, room: usize, most: usize): usize {
  if (type == 2) {
    startBlock(out + min(most, room))
    const next = readLiterals(from, from + size, most)
    return next == 0 ? 0 : decodeSequences(next, from + size, literalsAt(), literalsEnd(), out)
  }
  const n = min(size, room)
  if (type == 0) memory.copy(out, from, n)
  else memory.fill(out, load<u8>(from), n)
  return out + n
}

/**
 * Decodes a frame of `length` bytes at `from` into at most `room` bytes at `to`. Bytes written, or -EUCLEAN where the input
 * is bad; decoding stops as soon as the room is full, whatever follows. Up to 16 bytes behind the input may be read, and up
 * to 32 behind the room written.
 */
export function decodeZstd(from: usize, length: usize, to: usize, room: usize): i32 {
  const end = from + length
  const roomEnd = to + room
  if (room == 0) return 0
  let p = readHeader(from, end)
  if (p == 0) return BAD
  const most = <usize>min(window, <u64>MAX_BLOCK)
  forgetTree()
  startFrame(to, roomEnd)
  let out = to
  for (let last: u32 = 0; last == 0; ) {
    if (end - p < 3) return BAD
    const head = (<u32>load<u8>(p, 2) << 16) | <u32>load<u16>(p)
    const type = (head >> 1) & 3
    const size = <usize>(head >> 3)
    last = head & 1
    p += 3
    // One byte stands for as many as are meant.
    const taken: usize = type == 1 ? 1 : size
    if (type == 3 || size > most || taken > end - p) return BAD
    out = readBlock(type, p, size, out, roomEnd - out, most)
    if (out == 0) return BAD
    if (out == roomEnd) return <i32>room
    p += taken
  }
  if (content != UNKNOWN && content != <u64>(out - to)) return BAD
  return checksum && end - p < 4 ? BAD : <i32>(out - to)
}
