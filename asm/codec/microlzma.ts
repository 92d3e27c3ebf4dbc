// MicroLZMA: a raw LZMA1 stream whose first byte, which is always zero, is given up for its properties. Follows the format
// as lib/xz of the kernel and xz read it. Not here: the padding before it, whether fewer bytes than wanted are an error, and
// whether input is left when the room is full.
//
//   stream: [~((pb * 5 + lp) * 9 + lc) u8][first code u32, big-endian][range coded bits ...]       no size, no end marker
//
// As in the kernel, lc + lp is at most 4, which bounds the probabilities, and an end marker is an error.
//
// Bounded by construction: a symbol takes at most SYMBOL_BYTES of input. Where fewer are left, the rest is decoded from a
// copy with zeros behind it, and what took some of those is void. A match begins inside the room and may write up to 15
// bytes behind it, which callers leave.
//
// Range, code and place in the input are globals between functions and locals in their loops: engines keep globals in
// memory. For the same reason literals are decoded in runs.

import { EUCLEAN } from '../layout'
import { copyMatch } from './match-copy'
import { ALIGN, ALIGN_BITS, DISTANCES, LENGTHS, LITERAL_BYTES, LITERALS, REP_LENGTHS, SLOTS } from './microlzma-model'
import { HIGH, IS_MATCH, IS_REP, IS_REP0_LONG, IS_REP_G0, IS_REP_G1, IS_REP_G2, LOW, MID } from './microlzma-model'
import { boundOf, grown, LC_LP_MAX, PB_MAX, resetModel, shrunk } from './microlzma-model'

const BAD: i32 = -(<i32>EUCLEAN)
/** Properties and first code. */
const HEAD_BYTES: usize = 5
const SYMBOL_BYTES: usize = 24
/** Below it the range takes another byte. */
const RANGE_MIN: u32 = 1 << 24
/** States from here on follow something else than a literal. */
const AFTER_MATCH: u32 = 7
const MATCH_MIN: u32 = 2
/** Slots of distances: from here on they have further bits, from there on some without a probability. */
const SLOT_REVERSE: u32 = 4
const SLOT_DIRECT: u32 = 14
/** The last bytes of the input, and zeros. */
const TAIL_BYTES: usize = 64
const TAIL: usize = memory.data(<i32>TAIL_BYTES, 8)

let range: u32 = 0
let code: u32 = 0
let next: usize = 0
let end: usize = 0
/** Up to here a whole symbol is in the input. */
let limit: usize = 0
let first: usize = 0
let out: usize = 0
let full: usize = 0
let lc: u32 = 0
let lpMask: u32 = 0
let pbMask: u32 = 0
let state: u32 = 0
/** The last distances, less one. */
let rep0: u32 = 0
let rep1: u32 = 0
let rep2: u32 = 0
let rep3: u32 = 0

/** A decision by the probability at `at`. */
function bit(at: usize): u32 {
  if (range < RANGE_MIN) {
    range <<= 8
    code = (code << 8) | <u32>load<u8>(next++)
  }
  const p = <u32>load<u16>(at)
  const bound = boundOf(range, p)
  if (code < bound) {
    range = bound
    store<u16>(at, grown(p))
    return 0
  }
  range -= bound
  code -= bound
  store<u16>(at, shrunk(p))
  return 1
}

/** Bits from the top of a tree, as many as make `top` of 1. */
function tree(at: usize, top: u32): u32 {
  let r = range
  let c = code
  let n = next
  let symbol: u32 = 1
  do {
    const place = at + (symbol << 1)
    const p = <u32>load<u16>(place)
    if (r < RANGE_MIN) {
      r <<= 8
      c = (c << 8) | <u32>load<u8>(n++)
    }
    const bound = boundOf(r, p)
    symbol <<= 1
    if (c < bound) {
      r = bound
      store<u16>(place, grown(p))
    } else {
      r -= bound
      c -= bound
      store<u16>(place, shrunk(p))
      symbol |= 1
    }
  } while (symbol < top)
  range = r
  code = c
  next = n
  return symbol - top
}

/** A literal after a match, whose next byte chooses among three trees as long as the bits agree with it. */
function likeTree(at: usize, byte: u32): u32 {
  let r = range
  let c = code
  let n = next
  let like = byte << 1
  let among: u32 = 0x100
  let symbol: u32 = 1
  do {
    const likely = like & among
    const place = at + ((among + likely + symbol) << 1)
    const p = <u32>load<u16>(place)
    if (r < RANGE_MIN) {
      r <<= 8
      c = (c << 8) | <u32>load<u8>(n++)
    }
    const bound = boundOf(r, p)
    like <<= 1
    symbol <<= 1
    if (c < bound) {
      r = bound
      store<u16>(place, grown(p))
      among ^= likely
    } else {
      r -= bound
      c -= bound
      store<u16>(place, shrunk(p))
      symbol |= 1
      among = likely
    }
  } while (symbol < 0x100)
  range = r
  code = c
  next = n
  return symbol
}

/** The same, but the lowest bit comes first. */
function reverseTree(at: usize, bits: u32): u32 {
  let r = range
  let c = code
  let n = next
  let symbol: u32 = 1
  let value: u32 = 0
  let one: u32 = 1
  const top: u32 = 1 << bits
  do {
    const place = at + (symbol << 1)
    const p = <u32>load<u16>(place)
    if (r < RANGE_MIN) {
      r <<= 8
      c = (c << 8) | <u32>load<u8>(n++)
    }
    const bound = boundOf(r, p)
    symbol <<= 1
    if (c < bound) {
      r = bound
      store<u16>(place, grown(p))
    } else {
      r -= bound
      c -= bound
      store<u16>(place, shrunk(p))
      symbol |= 1
      value |= one
    }
    one <<= 1
  } while (one < top)
  range = r
  code = c
  next = n
  return value
}

/** Bits that are as often 0 as 1. */
function direct(bits: u32): u32 {
  let r = range
  let c = code
  let n = next
  let value: u32 = 0
  do {
    if (r < RANGE_MIN) {
      r <<= 8
      c = (c << 8) | <u32>load<u8>(n++)
    }
    r >>= 1
    const one = <u32>(c >= r)
    c -= r & (0 - one)
    value = (value << 1) | one
  } while (--bits)
  range = r
  code = c
  next = n
  return value
}

/**
 * Decodes literals until the room is full, a whole symbol may not be in the input any more, or one is a match: then true. At
 * least one symbol in any case.
 */
function literals(): bool {
  let r = range
  let c = code
  let n = next
  let o = out
  let s = state
  const last = limit
  let previous = o > first ? <u32>load<u8>(o - 1) : 0
  let isMatch = false
  do {
    const position = <u32>(o - first)
    const decision = IS_MATCH + (s << 5) + ((position & pbMask) << 1)
    const decided = <u32>load<u16>(decision)
    if (r < RANGE_MIN) {
      r <<= 8
      c = (c << 8) | <u32>load<u8>(n++)
    }
    const match = boundOf(r, decided)
    if (c >= match) {
      r -= match
      c -= match
      store<u16>(decision, shrunk(decided))
      isMatch = true
      break
    }
    r = match
    store<u16>(decision, grown(decided))
    const at = LITERALS + (((position & lpMask) << lc) + (previous >> (8 - lc))) * LITERAL_BYTES
    let symbol: u32 = 1
    if (s >= AFTER_MATCH) {
      range = r
      code = c
      next = n
      symbol = likeTree(at, <u32>load<u8>(o - rep0 - 1))
      r = range
      c = code
      n = next
    } else {
      do {
        const place = at + (symbol << 1)
        const p = <u32>load<u16>(place)
        if (r < RANGE_MIN) {
          r <<= 8
          c = (c << 8) | <u32>load<u8>(n++)
        }
        const bound = boundOf(r, p)
        symbol <<= 1
        if (c < bound) {
          r = bound
          store<u16>(place, grown(p))
        } else {
          r -= bound
          c -= bound
          store<u16>(place, shrunk(p))
          symbol |= 1
        }
      } while (symbol < 0x100)
    }
    previous = symbol & 255
    store<u8>(o++, previous)
    s = s < 4 ? 0 : s < 10 ? s - 3 : s - 6
  } while (o < full && n <= last)
  range = r
  code = c
  next = n
  out = o
  state = s
  return isMatch
}

function lengthBy(at: usize, ps: u32): u32 {
  if (bit(at) == 0) return MATCH_MIN + tree(at + LOW + (ps << 4), 8)
  if (bit(at + 2) == 0) return MATCH_MIN + 8 + tree(at + MID + (ps << 4), 8)
  return MATCH_MIN + 16 + tree(at + HIGH, 256)
}

/** A new distance, less one. */
function distanceBy(length: u32): u32 {
  const slot = tree(SLOTS + (<usize>min<u32>(length - MATCH_MIN, 3) << 7), 64)
  if (slot < SLOT_REVERSE) return slot
  const bits = (slot >> 1) - 1
  const high = 2 | (slot & 1)
  if (slot < SLOT_DIRECT) return (high << bits) + reverseTree(DISTANCES + (((high << bits) - slot) << 1), bits)
  const low = direct(bits - ALIGN_BITS) << ALIGN_BITS
  return (high << bits) + low + reverseTree(ALIGN, ALIGN_BITS)
}

/** Which of the last distances: it comes first. False where it is the last one, for one byte. */
function chooseRep(ps: u32): bool {
  if (bit(IS_REP_G0 + (state << 1)) == 0) return bit(IS_REP0_LONG + (state << 5) + (ps << 1)) != 0
  const last = rep0
  if (bit(IS_REP_G1 + (state << 1)) == 0) {
    rep0 = rep1
  } else {
    if (bit(IS_REP_G2 + (state << 1)) == 0) {
      rep0 = rep2
    } else {
      rep0 = rep3
      rep3 = rep2
    }
    rep2 = rep1
  }
  rep1 = last
  return true
}

/** Decodes what follows the decision for a match, and copies it: false where it would begin before what may be used. */
function match(dictSize: u32): bool {
  const position = <u32>(out - first)
  const ps = position & pbMask
  const isLater = state >= AFTER_MATCH
  let length: u32 = 1
  if (bit(IS_REP + (state << 1)) == 0) {
    rep3 = rep2
    rep2 = rep1
    rep1 = rep0
    length = lengthBy(LENGTHS, ps)
    rep0 = distanceBy(length)
    state = isLater ? 10 : 7
  } else if (chooseRep(ps)) {
    length = lengthBy(REP_LENGTHS, ps)
    state = isLater ? 11 : 8
  } else {
    state = isLater ? 11 : 9
  }
  if (rep0 >= min(position, dictSize)) return false
  length = min(length, <u32>(full - out))
  copyMatch(out, <usize>rep0 + 1, length)
  out += length
  return true
}

/** Reads the head of a stream: false where it has none. */
function begin(from: usize, length: usize): bool {
  if (length < HEAD_BYTES) return false
  const properties = <u32>load<u8>(from) ^ 255
  lc = properties % 9
  const lp = (properties / 9) % 5
  const pb = properties / 45
  if (lc + lp > LC_LP_MAX || pb > PB_MAX) return false
  lpMask = (1 << lp) - 1
  pbMask = (1 << pb) - 1
  resetModel(lc + lp)
  range = 0xffffffff
  code = bswap<u32>(load<u32>(from, 1))
  next = from + HEAD_BYTES
  end = from + length
  limit = length > SYMBOL_BYTES ? end - SYMBOL_BYTES : 0
  state = 0
  rep0 = rep1 = rep2 = rep3 = 0
  return true
}

/** Goes on in a copy of the rest of the input. */
function toTail(): void {
  const left = end - next
  memory.fill(TAIL, 0, TAIL_BYTES)
  memory.copy(TAIL, next, left)
  next = TAIL
  end = TAIL + left
  limit = 0
}

/**
 * Decodes a stream of `length` bytes at `from` into at most `room` bytes at `to`: bytes written, or -EUCLEAN. A stream does
 * not say where it ends: it may have ended, and fewer bytes are an answer, where all input is used up and nothing is left in
 * the code. Zeros may follow that cost no input; they count.
 */
export function decodeMicroLzma(from: usize, length: usize, to: usize, room: usize, dictSize: u32): i32 {
  if (room == 0) return 0
  if (!begin(from, length)) return BAD
  first = to
  out = to
  full = to + room
  /** What to answer where the next symbol is not in the input. */
  let ended = BAD
  let isTail = false
  while (out < full) {
    if (next > limit) {
      if (!isTail) toTail()
      isTail = true
      if (range < RANGE_MIN) {
        range <<= 8
        code = (code << 8) | <u32>load<u8>(next++)
      }
      if (next > end) return ended
      ended = next == end && code == 0 ? <i32>(out - first) : BAD
    }
    if (literals() && !match(dictSize)) return BAD
  }
  return next <= end ? <i32>room : ended
}
