// Zstandard's sequences (RFC 8878, 3.1.1.3.2 and 3.1.1.4): the codes of a block's literal lengths, offsets and match
// lengths, and what they say to do, in one loop. Not here: literals (zstd-literals.ts), blocks and frames (zstd.ts).
//
// Bounded: a sequence eats at most 56 bits of lengths and offset between two loads, and 26 of states; words are loaded at
// no less than eight bytes before the stream. An offset leads nowhere but into what the frame has put out, a run of
// literals not behind the last of them. A sequence that does not fit is copied byte by byte, as far as there is room.
// The window's size is not held against offsets, as in zstd's own decoder: all output is there.
//
//   section: [how many u8 .. u24][modes u8: LL u2 OF u2 ML u2 0 u2][tables ..][stream]
//   modes:   0 default, 1 one symbol, 2 a distribution, 3 the table before

import { copyLiterals, copyMatch } from './match-copy'
import { bitsLeft, buildSingle, buildStates, KIND_LL, KIND_ML, KIND_OF, lastLog } from './zstd-fse'
import { padding, readDistribution, reload, top, useDefault } from './zstd-fse'

const LLS: usize = memory.data(512 * 8, 64)
const OFS: usize = memory.data(256 * 8, 64)
const MLS: usize = memory.data(512 * 8, 64)
/** Bits of each kind's first state: of LL, OF, ML. */
const LOGS: usize = memory.data(4 * 4, 4)

/** Kinds whose table is the default one, and those that have one in this frame: a bit each. */
let defaults: u32 = 0
let known: u32 = 0
// The offsets before.
let offset1: u32 = 1
let offset2: u32 = 4
let offset3: u32 = 8

/** First byte of the frame's output; where this block's must end, and where the room does. */
let base: usize = 0
let blockEnd: usize = 0
let roomEnd: usize = 0
/** First literal that no sequence has taken. */
let litNext: usize = 0

export function startFrame(out: usize, end: usize): void {
  base = out
  roomEnd = end
  known = 0
  offset1 = 1
  offset2 = 4
  offset3 = 8
}

export function startBlock(end: usize): void {
  blockEnd = end
}

@inline
function tableOf(kind: u32): usize {
  return kind == KIND_LL ? LLS : kind == KIND_OF ? OFS : MLS
}

/** Makes ready the table of one kind. Where the next one begins, 0 where it is bad. */
function readTable(kind: u32, mode: u32, from: usize, end: usize): usize {
  const bit: u32 = 1 << kind
  if (mode == 3) return known & bit ? from : 0
  known |= bit
  if (mode == 0) {
    if (!(defaults & bit)) {
      useDefault(kind)
      buildStates(kind, tableOf(kind))
      store<u32>(LOGS + (kind << 2), lastLog())
      defaults |= bit
    }
    return from
  }
  defaults &= ~bit
  let taken: usize = 1
  if (mode == 1) {
    if (from >= end || !buildSingle(kind, tableOf(kind), load<u8>(from))) return 0
  } else {
    taken = readDistribution(kind, from, end, kind == KIND_OF ? 8 : 9)
    if (taken == 0) return 0
    buildStates(kind, tableOf(kind))
  }
  store<u32>(LOGS + (kind << 2), lastLog())
  return from + taken
}

/** Says that the output ends where the room does; a block's own end is no place to go beyond. */
@inline
function full(): usize {
  return blockEnd == roomEnd ? roomEnd : 0
}

/** A sequence that does not fit, as far as there is room. The end of what was put out, 0 where none may follow. */
function copyPart(to: usize, lit: usize, lits: usize, offset: usize, match: usize): usize {
  const some = min(lits, blockEnd - to)
  memory.copy(to, lit, some)
  to += some
  const stop = to + min(match, blockEnd - to)
  for (; to < stop; to++) store<u8>(to, load<u8>(to - offset))
  return full()
}

/** The offset that a value means (RFC 8878, 3.1.1.5), which is then the newest one; 0 is a bad one. */
@inline
function offsetOf(value: u32, lits: u32): u32 {
  let offset = value - 3
  if (value > 3) {
    offset3 = offset2
    offset2 = offset1
    offset1 = offset
    return offset
  }
  const again = lits == 0 ? value : value - 1
  if (again == 0) return offset1
  offset = again == 1 ? offset2 : again == 2 ? offset3 : offset1 - 1
  if (again != 1) offset3 = offset2
  offset2 = offset1
  offset1 = offset
  return offset
}

/** Reads and does `count` sequences from the stream start .. stop; where the output ends then, 0 where they are bad. */
function runSequences(count: u32, start: usize, stop: usize, lit: usize, litEnd: usize, out: usize): usize {
  const begin = base
  const end = blockEnd
  const last = <u32>load<u8>(stop - 1)
  if (last == 0) return 0
  let at = stop - 8
  let b = reload(at, 0) << <u64>padding(last)
  let llAt = <usize>top(b, load<u32>(LOGS, 0)) << 3
  b <<= <u64>load<u32>(LOGS, 0)
  let ofAt = <usize>top(b, load<u32>(LOGS, 4)) << 3
  b <<= <u64>load<u32>(LOGS, 4)
  let mlAt = <usize>top(b, load<u32>(LOGS, 8)) << 3
  b <<= <u64>load<u32>(LOGS, 8)
  while (count-- > 0) {
    let n = <u32>ctz<u64>(b)
    at -= n >> 3
    if (at + 8 < start) return 0
    b = reload(at, n)
    const ofE = load<u32>(OFS + ofAt)
    const mlE = load<u32>(MLS + mlAt)
    const llE = load<u32>(LLS + llAt)
    const value = load<u32>(OFS + ofAt, 4) + <u32>top(b, ofE >> 8)
    b <<= <u64>(ofE >> 8)
    let match = load<u32>(MLS + mlAt, 4)
    let lits = load<u32>(LLS + llAt, 4)
    if ((mlE | llE) & 0xff00) {
      match += <u32>top(b, mlE >> 8)
      b <<= <u64>(mlE >> 8)
      lits += <u32>top(b, llE >> 8)
      b <<= <u64>(llE >> 8)
    }
    n = <u32>ctz<u64>(b)
    if (n > 37) {
      at -= n >> 3
      if (at + 8 < start) return 0
      b = reload(at, n)
    }
    if (count > 0) {
      llAt = <usize>(llE >> 16) + (<usize>top(b, llE) << 3)
      const b2 = b << <u64>llE
      mlAt = <usize>(mlE >> 16) + (<usize>top(b2, mlE) << 3)
      ofAt = <usize>(ofE >> 16) + (<usize>top(b2 << <u64>mlE, ofE) << 3)
      b <<= <u64>(llE + mlE + ofE)
    }
    const offset = offsetOf(value, lits)
    if (<usize>lits > litEnd - lit || <usize>(offset - 1) >= out + lits - begin) return 0
    if (<usize>(lits + match) > end - out) {
      return bitsLeft(start, at, b) < 0 ? 0 : copyPart(out, lit, lits, offset, match)
    }
    copyLiterals(out, lit, lits)
    out += lits
    copyMatch(out, offset, match)
    out += match
    lit += lits
  }
  litNext = lit
  return bitsLeft(start, at, b) == 0 ? out : 0
}

/**
 * Decodes the sequences of a block, which stand at from .. end, with the literals lit .. litEnd. Where the output ends
 * then, 0 where they are bad; it goes on from `out`.
 */
export function decodeSequences(from: usize, end: usize, lit: usize, litEnd: usize, out: usize): usize {
  litNext = lit
  if (from >= end) return 0
  let count = <u32>load<u8>(from++)
  if (count >= 128) {
    const wide: usize = count == 255 ? 2 : 1
    if (end - from < wide) return 0
    count = wide == 2 ? <u32>load<u16>(from) + 0x7f00 : ((count - 128) << 8) + <u32>load<u8>(from)
    from += wide
  }
  if (count == 0) {
    if (from != end) return 0
  } else {
    if (from >= end) return 0
    const modes = <u32>load<u8>(from++)
    if (modes & 3) return 0
    from = readTable(KIND_LL, modes >> 6, from, end)
    if (from != 0) from = readTable(KIND_OF, (modes >> 4) & 3, from, end)
    if (from != 0) from = readTable(KIND_ML, (modes >> 2) & 3, from, end)
    if (from == 0 || from >= end) return 0
    out = runSequences(count, from, end, lit, litEnd, out)
    if (out == 0 || out == roomEnd) return out
  }
  const rest = litEnd - litNext
  const some = min(rest, blockEnd - out)
  memory.copy(out, litNext, some)
  return some < rest ? full() : out + some
}
