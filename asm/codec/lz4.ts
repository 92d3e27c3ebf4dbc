// LZ4 blocks, without frame, size or checksum: what a cluster of an image holds behind its padding. Follows the format's
// description of a block (and stops as fs/erofs/decompressor.c wants it to, as soon as the wanted bytes are there). Not
// here: the padding, and whether fewer bytes than wanted are an error.
//
//   sequence: [token u8: literals 4 bits, match 4 bits][more literals u8 ...][literals][offset u16][more match u8 ...]
//             the last one ends behind its literals; a length of 15 goes on in bytes that are added up, until one is not 255
//
// Bounded by construction: a load or store never begins further than the end of its area, and what it may touch behind is
// the slack that callers leave, 16 bytes behind the input and 32 behind the room. So the usual sequence needs no check
// before its copies. The input is at most 1 MiB: no length comes to 2^28, and each is cut to what is left of the room before
// a pointer is advanced by it. Words of 64 bits copy nearly as fast as vectors here, so nothing asks an engine for SIMD.

import { EUCLEAN } from '../layout'

const BAD: i32 = -(<i32>EUCLEAN)
const MORE: u32 = 15
const MATCH_MIN: u32 = 4
/** From here on the engine's own copy is faster than a loop of 16 bytes a turn. */
const LONG: u32 = 256

/** By offset below 8: what repeats its bytes over eight, which of those are its own, how far eight bytes bring it on. */
const REPEATS: usize = memory.data<u64>([
  0, 0x0101010101010101, 0x0001000100010001, 0x0001000001000001,
  0x0000000100000001, 0x0000010000000001, 0x0001000000000001, 0x0100000000000001,
])
const STEPS: usize = memory.data<u8>([0, 8, 8, 6, 8, 5, 6, 7])

@inline
function copy16(to: usize, from: usize): void {
  const low = load<u64>(from)
  const high = load<u64>(from, 8)
  store<u64>(to, low)
  store<u64>(to, high, 8)
}

/** Copies literals, up to 15 bytes more than asked. */
@inline
function copyLiterals(to: usize, from: usize, length: u32): void {
  if (length >= LONG) {
    memory.copy(to, from, length)
    return
  }
  const end = to + length
  do {
    copy16(to, from)
    to += 16
    from += 16
  } while (to < end)
}

/** Copies a match of an offset below 8, whose bytes repeat; up to 7 bytes more than asked. */
function copyRepeat(to: usize, offset: u32, length: u32): void {
  const own = load<u64>(to - offset) & ((<u64>1 << (offset << 3)) - 1)
  if (offset == 1 && length >= LONG) {
    memory.fill(to, <u8>own, length)
    return
  }
  const bytes = own * load<u64>(REPEATS + (offset << 3))
  const step = <usize>load<u8>(STEPS + offset)
  const end = to + length
  do {
    store<u64>(to, bytes)
    to += step
  } while (to < end)
}

/** Copies a match, which may overlap what it makes; up to 31 bytes more than asked. */
@inline
function copyMatch(to: usize, offset: u32, length: u32): void {
  const end = to + length
  if (offset >= 16) {
    if (length >= LONG && length <= offset) {
      memory.copy(to, to - offset, length)
      return
    }
    do {
      copy16(to, to - offset)
      copy16(to + 16, to + 16 - offset)
      to += 32
    } while (to < end)
  } else if (offset >= 8) {
    do {
      store<u64>(to, load<u64>(to - offset))
      to += 8
    } while (to < end)
  } else copyRepeat(to, offset, length)
}

/** The answer where fewer than three bytes are left behind literals, which may be too many for input or room. */
function last(token: u32, p: usize, end: usize, out: usize, to: usize, full: usize): i32 {
  if (out > full) {
    p -= out - full
    out = full
  }
  if (p > end) return BAD
  if (p == end || out == full) return <i32>(out - to)
  // An offset that ends the input is good where its match fills the room.
  if (p + 2 > end) return BAD
  const offset = <u32>load<u16>(p)
  const code = token & MORE
  const left = <u32>(full - out)
  if (offset - 1 >= <u32>(out - to) || code == MORE || code + MATCH_MIN < left) return BAD
  copyMatch(out, offset, left)
  return <i32>(full - to)
}

/** Decodes a block of `length` bytes at `from` into at most `room` bytes at `to`: bytes written, or -EUCLEAN. */
export function decodeLz4(from: usize, length: usize, to: usize, room: usize): i32 {
  if (room == 0) return 0
  if (length == 0) return BAD
  let p = from
  let out = to
  const end = from + length
  const full = to + room
  while (true) {
    // Here there is a byte of input at least, and room for one.
    const token = <u32>load<u8>(p++)
    let literals = token >> 4
    if (literals != MORE) {
      copy16(out, p)
    } else {
      let more: u32 = 255
      while (more == 255) {
        if (p >= end) return BAD
        more = <u32>load<u8>(p++)
        literals += more
      }
      literals = min(literals, <u32>(full - out))
      if (literals > <u32>(end - p)) return BAD
      copyLiterals(out, p, literals)
    }
    p += literals
    out += literals
    if (p + 3 > end) return last(token, p, end, out, to, full)
    // Few literals can have filled the room, which is seen below: the slack is enough for them and a short match.
    const offset = <u32>load<u16>(p)
    p += 2
    // An offset of 0 is none.
    if (offset - 1 >= <u32>(out - to)) return out >= full ? <i32>room : BAD
    let count = (token & MORE) + MATCH_MIN
    if (count != MORE + MATCH_MIN && offset >= 8) {
      const match = out - offset
      store<u64>(out, load<u64>(match))
      store<u64>(out, load<u64>(match, 8), 8)
      store<u16>(out, load<u16>(match, 16), 16)
      out += count
      if (out >= full) return <i32>room
    } else {
      if (out >= full) return <i32>room
      if (count == MORE + MATCH_MIN) {
        let more: u32 = 255
        while (more == 255) {
          if (p >= end) return BAD
          more = <u32>load<u8>(p++)
          count += more
        }
      }
      if (count >= <u32>(full - out)) {
        copyMatch(out, offset, <u32>(full - out))
        return <i32>room
      }
      // Only literals end a block.
      if (p >= end) return BAD
      copyMatch(out, offset, count)
      out += count
    }
  }
}
