// Zstandard's finite state entropy codes (RFC 8878, 4.1): the distribution of symbols as a block gives it, and the table of
// states made of it. Not here: which code stands where (zstd-sequences.ts, zstd-huffman.ts).
//
//   entry of a state: [bits to the next state u8][extra bits of the symbol u8][next state's least offset in the table u16]
//                     [baseline of the symbol u32]

export const KIND_LL: u32 = 0
export const KIND_OF: u32 = 1
export const KIND_ML: u32 = 2
/** Weights of a Huffman tree: the baseline is the symbol. */
export const KIND_WEIGHT: u32 = 3

const MAX_SYMBOLS: u32 = 53
/** How often each symbol stands in the table; -1 for once, at its end. */
const COUNTS: usize = memory.data(53 * 2 + 2, 8)
const NEXT: usize = memory.data(53 * 2 + 2, 8)
const SPREAD: usize = memory.data(512, 8)

const LL_BASES: usize = memory.data<u32>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048,
  4096, 8192, 16384, 32768, 65536,
])
const LL_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
])
const ML_BASES: usize = memory.data<u32>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34,
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
])
const ML_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4,
  4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
])
const LL_DEFAULT: usize = memory.data<i8>([
  4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
])
const OF_DEFAULT: usize = memory.data<i8>([
  1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
])
const ML_DEFAULT: usize = memory.data<i8>([
  1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
])
const LL_SYMBOLS: u32 = 36
const OF_SYMBOLS: u32 = 32
const ML_SYMBOLS: u32 = 53
/** Bits of a weight are four, and no weight is above eleven. */
const WEIGHT_SYMBOLS: u32 = 16
/** Offsets with more bits lead before any output there can be: no room is so large. */
const MAX_OFFSET_BITS: u32 = 24

let log: u32 = 0
let symbols: u32 = 0

/** Of the distribution that was read last. */
@inline
export function lastLog(): u32 {
  return log
}

@inline
export function symbolsOf(kind: u32): u32 {
  return kind == KIND_LL ? LL_SYMBOLS : kind == KIND_OF ? OF_SYMBOLS : kind == KIND_ML ? ML_SYMBOLS : WEIGHT_SYMBOLS
}

@inline
function extraOf(kind: u32, symbol: u32): u32 {
  if (kind == KIND_LL) return <u32>load<u8>(LL_EXTRA + symbol)
  if (kind == KIND_ML) return <u32>load<u8>(ML_EXTRA + symbol)
  return kind == KIND_WEIGHT || symbol > MAX_OFFSET_BITS ? 0 : symbol
}

@inline
function baseOf(kind: u32, symbol: u32): u32 {
  if (kind == KIND_LL) return load<u32>(LL_BASES + (symbol << 2))
  if (kind == KIND_ML) return load<u32>(ML_BASES + (symbol << 2))
  if (kind == KIND_WEIGHT) return symbol
  // One that is refused wherever it is used.
  return symbol > MAX_OFFSET_BITS ? 0xffffffff : 1 << symbol
}

/** Reads a distribution. Bytes that it takes, 0 where it is bad. */
export function readDistribution(kind: u32, from: usize, end: usize, maxLog: u32): usize {
  if (from >= end) return 0
  const limit = <u32>(end - from) << 3
  log = (<u32>load<u8>(from) & 15) + 5
  if (log > maxLog) return 0
  const most = symbolsOf(kind)
  memory.fill(COUNTS, 0, MAX_SYMBOLS * 2)
  let at: u32 = 4
  let left: i32 = 1 << log
  let symbol: u32 = 0
  while (left > 0) {
    if (symbol >= most || at > limit) return 0
    const word = load<u32>(from + (at >> 3)) >> (at & 7)
    // Values up to left + 1: the lower ones take a bit less.
    const width = 32 - clz<u32>(left + 1)
    const low = (<u32>1 << (width - 1)) - 1
    const shorter = (<u32>1 << width) - 1 - <u32>(left + 1)
    let value = word & low
    if (value < shorter) {
      at += width - 1
    } else {
      value = word & ((low << 1) | 1)
      if (value > low) value -= shorter
      at += width
    }
    const n = <i32>value - 1
    store<i16>(COUNTS + (symbol++ << 1), n)
    left -= abs(n)
    if (n != 0) continue
    // How many further symbols have none, by threes.
    for (let more: u32 = 3; more == 3; at += 2) {
      if (at > limit) return 0
      more = (load<u32>(from + (at >> 3)) >> (at & 7)) & 3
      symbol += more
    }
  }
  if (left != 0 || at > limit || symbol > most) return 0
  symbols = symbol
  return (at + 7) >> 3
}

/** What every decoder knows (RFC 8878, 3.1.1.3.2.2). */
export function useDefault(kind: u32): void {
  const p = kind == KIND_LL ? LL_DEFAULT : kind == KIND_OF ? OF_DEFAULT : ML_DEFAULT
  symbols = kind == KIND_LL ? 36 : kind == KIND_OF ? 29 : 53
  log = kind == KIND_OF ? 5 : 6
  for (let i: u32 = 0; i < symbols; i++) store<i16>(COUNTS + (i << 1), load<i8>(p + i))
}

/** Gives the states their symbols. */
function spread(): void {
  const size: u32 = 1 << log
  const mask = size - 1
  let high = size
  for (let i: u32 = 0; i < symbols; i++) {
    const n = load<i16>(COUNTS + (i << 1))
    store<u16>(NEXT + (i << 1), n < 0 ? 1 : n)
    if (n < 0) store<u8>(SPREAD + --high, i)
  }
  const step = (size >> 1) + (size >> 3) + 3
  let at: u32 = 0
  for (let i: u32 = 0; i < symbols; i++) {
    for (let n = load<i16>(COUNTS + (i << 1)); n > 0; n--) {
      store<u8>(SPREAD + at, i)
      do at = (at + step) & mask
      while (at >= high)
    }
  }
}

/** The table of the distribution read last. */
export function buildStates(kind: u32, table: usize): void {
  spread()
  const size: u32 = 1 << log
  for (let i: u32 = 0; i < size; i++) {
    const symbol = <u32>load<u8>(SPREAD + i)
    const x = <u32>load<u16>(NEXT + (symbol << 1))
    store<u16>(NEXT + (symbol << 1), x + 1)
    const width = log - (31 - clz<u32>(x))
    const least = ((x << width) - size) << 3
    store<u32>(table + (i << 3), width | (extraOf(kind, symbol) << 8) | (least << 16))
    store<u32>(table + (i << 3), baseOf(kind, symbol), 4)
  }
}

/** A table of one state, for one symbol; false where there is no such symbol. */
export function buildSingle(kind: u32, table: usize, symbol: u32): bool {
  if (symbol >= symbolsOf(kind)) return false
  log = 0
  store<u32>(table, extraOf(kind, symbol) << 8)
  store<u32>(table, baseOf(kind, symbol), 4)
  return true
}

/** The first `e & 63` of the bits that stand at the top. */
@inline
export function top(bits: u64, e: u32): u64 {
  return (bits >> 1) >> <u64>~e
}

/** Eight bytes of a stream that is read backwards, of which the first n & 7 bits are gone; a mark tells how many. */
@inline
export function reload(at: usize, n: u32): u64 {
  return (load<u64>(at) | 1) << (<u64>n & 7)
}

/** Bits before the first one of a stream that is read backwards, by its last byte. */
@inline
export function padding(last: u32): u32 {
  return clz<u32>(last) - 23
}

/** Bits of a stream that are left, below 0 where more were read than there are. */
@inline
export function bitsLeft(start: usize, at: usize, bits: u64): i32 {
  return (<i32>(at + 8 - start) << 3) - <i32>ctz<u64>(bits)
}
