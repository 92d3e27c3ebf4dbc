// Zstandard's Huffman-coded literals (RFC 8878, 4.2): a tree's weights, the table by the next eleven bits, and the streams,
// which are read backwards from their ends. Not here: the header of the literals (zstd-literals.ts).
//
// Bounded: words are loaded at no less than eight bytes before a stream, where a frame's header and a block's always are.
// The fast loop goes on while each stream has all the bytes that a turn can eat; what is left is checked word by word, and
// each stream must end at its very first bit.
//
//   entry: [bits u8][symbol u8]      a stream: [.. symbols from the top down ..][1][zeros to the byte's edge]

import { bitsLeft, buildStates, KIND_WEIGHT, lastLog, padding, readDistribution, reload, top } from './zstd-fse'

const MAX_BITS: u32 = 11
const TABLE: usize = memory.data(2048 * 2, 64)
const WEIGHTS: usize = memory.data(256, 8)
const STATES: usize = memory.data(64 * 8, 8)
const RANKS: usize = memory.data(16 * 4, 8)
/** Bytes that five symbols can eat. */
const TURN: isize = 7

/** Weights coded by two states that take turns (RFC 8878, 4.2.1.2). How many, 0 where they are bad. */
function codedWeights(from: usize, end: usize): u32 {
  const taken = readDistribution(KIND_WEIGHT, from, end, 6)
  if (taken == 0 || from + taken >= end) return 0
  buildStates(KIND_WEIGHT, STATES)
  const start = from + taken
  const last = <u32>load<u8>(end - 1)
  if (last == 0) return 0
  const log = lastLog()
  let at = end - 8
  let b = reload(at, 0) << <u64>padding(last)
  let one = <usize>top(b, log) << 3
  b <<= log
  let two = <usize>top(b, log) << 3
  b <<= log
  if (bitsLeft(start, at, b) < 0) return 0
  for (let n: u32 = 0; n < 254; n++) {
    const e = load<u32>(STATES + one)
    store<u8>(WEIGHTS + n, load<u8>(STATES + one, 4))
    const k = <u32>ctz<u64>(b)
    at -= k >> 3
    b = reload(at, k)
    if (bitsLeft(start, at, b) < <i32>(e & 63)) {
      store<u8>(WEIGHTS + n + 1, load<u8>(STATES + two, 4))
      return n + 2
    }
    one = two
    two = <usize>(e >> 16) + (<usize>top(b, e) << 3)
    b <<= <u64>e
  }
  return 0
}

/** Four bits each, the first one on top. */
function plainWeights(from: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i += 2) {
    const pair = <u32>load<u8>(from + (i >> 1))
    store<u8>(WEIGHTS + i, pair >> 4)
    store<u8>(WEIGHTS + i + 1, pair & 15)
  }
}

/** The last weight, which makes the code complete, put behind `n` others. Bits of the longest code; 0 where there is none. */
function completed(n: u32): u32 {
  memory.fill(RANKS, 0, 64)
  let sum: u32 = 0
  for (let i: u32 = 0; i < n; i++) {
    const weight = <u32>load<u8>(WEIGHTS + i)
    if (weight > MAX_BITS) return 0
    const p = RANKS + (weight << 2)
    store<u32>(p, load<u32>(p) + 1)
    if (weight > 0) sum += 1 << (weight - 1)
  }
  if (sum == 0) return 0
  const longest: u32 = 32 - clz<u32>(sum)
  const rest = (<u32>1 << longest) - sum
  if (longest > MAX_BITS || popcnt<u32>(rest) != 1) return 0
  const weight = ctz<u32>(rest) + 1
  store<u8>(WEIGHTS + n, weight)
  const p = RANKS + (weight << 2)
  store<u32>(p, load<u32>(p) + 1)
  // Of the longest codes there are at least two.
  return load<u32>(RANKS + 4) < 2 ? 0 : longest
}

/** Reads a tree. Bytes that it takes, 0 where it is bad. */
export function readTree(from: usize, end: usize): usize {
  if (from >= end) return 0
  const head = <u32>load<u8>(from++)
  const size: usize = head < 128 ? head : (head - 126) >> 1
  if (size > end - from) return 0
  let n: u32 = head - 127
  if (head < 128) n = codedWeights(from, from + size)
  else plainWeights(from, n)
  const longest: u32 = n == 0 ? 0 : completed(n)
  if (longest == 0) return 0
  let at: u32 = 0
  for (let weight: u32 = 1; weight <= longest; weight++) {
    const width = weight - 1 + MAX_BITS - longest
    const p = RANKS + (weight << 2)
    const begin = at
    at += load<u32>(p) << width
    store<u32>(p, begin)
  }
  for (let symbol: u32 = 0; symbol <= n; symbol++) {
    const weight = <u32>load<u8>(WEIGHTS + symbol)
    if (weight > 0) fillSymbol(symbol, weight, longest)
  }
  return 1 + size
}

@inline
function fillSymbol(symbol: u32, weight: u32, longest: u32): void {
  const rank = RANKS + (weight << 2)
  const begin = load<u32>(rank)
  const slots = <u32>1 << (weight - 1 + MAX_BITS - longest)
  store<u32>(rank, begin + slots)
  const e = <u64>((symbol << 8) | (longest + 1 - weight))
  let p = TABLE + (begin << 1)
  if (slots == 1) {
    store<u16>(p, e)
  } else if (slots == 2) {
    store<u32>(p, e | (e << 16))
  } else {
    const stop = p + (slots << 1)
    for (; p < stop; p += 8) store<u64>(p, e * 0x0001000100010001)
  }
}

@inline
function entry(b: u64): u64 {
  return <u64>load<u16>(TABLE + (<usize>(b >> 53) << 1))
}

/** Five symbols from the top of at least 55 bits; the bits that are left. */
@inline
function five(b: u64, to: usize): u64 {
  let e = entry(b)
  store<u8>(to, e >> 8)
  b <<= e
  e = entry(b)
  store<u8>(to, e >> 8, 1)
  b <<= e
  e = entry(b)
  store<u8>(to, e >> 8, 2)
  b <<= e
  e = entry(b)
  store<u8>(to, e >> 8, 3)
  b <<= e
  e = entry(b)
  store<u8>(to, e >> 8, 4)
  return b << e
}

/** The rest of a stream that is to fill to .. end; does it end at its first bit? */
function finish(start: usize, at: usize, b: u64, to: usize, end: usize): bool {
  while (<isize>(at - start) >= TURN && end - to >= 5) {
    b = five(b, to)
    to += 5
    const n = <u32>ctz<u64>(b)
    at -= n >> 3
    b = reload(at, n)
  }
  while (to < end) {
    if (bitsLeft(start, at, b) < 0) return false
    const n = <u32>ctz<u64>(b)
    at -= n >> 3
    b = reload(at, n)
    for (const stop = min(end, to + 5); to < stop; to++) {
      const e = entry(b)
      store<u8>(to, e >> 8)
      b <<= e
    }
  }
  return bitsLeft(start, at, b) == 0
}

/** One stream that fills to .. end. */
export function decodeOne(start: usize, stop: usize, to: usize, end: usize): bool {
  if (start >= stop) return false
  const last = <u32>load<u8>(stop - 1)
  return last != 0 && finish(start, stop - 8, reload(stop - 8, 0) << <u64>padding(last), to, end)
}

/** Turns that a stream has the bytes for. */
@inline
function turns(at: usize, start: usize): isize {
  return <isize>(at - start) / TURN
}

/** Four streams behind the sizes of the first three, each of which fills a quarter of to .. end. */
export function decodeFour(from: usize, stop: usize, to: usize, end: usize): bool {
  if (stop - from < 10) return false
  const start1 = from + 6
  const start2 = start1 + load<u16>(from)
  const start3 = start2 + load<u16>(from, 2)
  const start4 = start3 + load<u16>(from, 4)
  const quarter = (end - to + 3) >> 2
  if (start2 == start1 || start3 == start2 || start4 == start3 || start4 >= stop || quarter * 3 > end - to) return false
  let at1 = start2 - 8
  let at2 = start3 - 8
  let at3 = start4 - 8
  let at4 = stop - 8
  const last1 = <u32>load<u8>(at1, 7)
  const last2 = <u32>load<u8>(at2, 7)
  const last3 = <u32>load<u8>(at3, 7)
  const last4 = <u32>load<u8>(at4, 7)
  if (last1 == 0 || last2 == 0 || last3 == 0 || last4 == 0) return false
  let b1 = reload(at1, 0) << <u64>padding(last1)
  let b2 = reload(at2, 0) << <u64>padding(last2)
  let b3 = reload(at3, 0) << <u64>padding(last3)
  let b4 = reload(at4, 0) << <u64>padding(last4)
  const to2 = to + quarter
  const to3 = to2 + quarter
  const to4 = to3 + quarter
  let done: usize = 0
  for (;;) {
    let n = min(turns(at1, start1), turns(at2, start2))
    n = min(n, min(turns(at3, start3), turns(at4, start4)))
    n = min(n, <isize>((end - to4 - done) / 5))
    if (n <= 0) break
    const last = done + 5 * <usize>n
    do {
      b1 = five(b1, to + done)
      b2 = five(b2, to2 + done)
      b3 = five(b3, to3 + done)
      b4 = five(b4, to4 + done)
      const n1 = <u32>ctz<u64>(b1)
      const n2 = <u32>ctz<u64>(b2)
      const n3 = <u32>ctz<u64>(b3)
      const n4 = <u32>ctz<u64>(b4)
      at1 -= n1 >> 3
      at2 -= n2 >> 3
      at3 -= n3 >> 3
      at4 -= n4 >> 3
      b1 = reload(at1, n1)
      b2 = reload(at2, n2)
      b3 = reload(at3, n3)
      b4 = reload(at4, n4)
      done += 5
    } while (done < last)
  }
  const whole1 = finish(start1, at1, b1, to + done, to2)
  const whole2 = finish(start2, at2, b2, to2 + done, to3)
  const whole3 = finish(start3, at3, b3, to3 + done, to4)
  return whole1 && whole2 && whole3 && finish(start4, at4, b4, to4 + done, end)
}
