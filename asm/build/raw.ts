// The only file of the build core that loads and stores: numbers, byte strings, their order and their hash. Every pointer
// that it gets was given out by heap.ts or lies in static data; heap.ts leaves room behind each region for an eight-byte
// load that begins in it. Not here: what the bytes mean.

@inline
export function u8At(p: usize): u32 {
  return <u32>load<u8>(p)
}

@inline
export function u16At(p: usize): u32 {
  return <u32>load<u16>(p)
}

@inline
export function u32At(p: usize): u32 {
  return load<u32>(p)
}

@inline
export function i32At(p: usize): i32 {
  return load<i32>(p)
}

@inline
export function u64At(p: usize): u64 {
  return load<u64>(p)
}

@inline
export function put8(p: usize, value: u32): void {
  store<u8>(p, <u8>value)
}

@inline
export function put16(p: usize, value: u32): void {
  store<u16>(p, <u16>value)
}

@inline
export function put32(p: usize, value: u32): void {
  store<u32>(p, value)
}

@inline
export function put64(p: usize, value: u64): void {
  store<u64>(p, value)
}

@inline
export function putF64(p: usize, value: f64): void {
  store<f64>(p, value)
}

/** Copies; a call costs more than copying a name. There is room for eight bytes more behind `to`. */
@inline
export function copyName(to: usize, from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i))
}

@inline
export function copy(to: usize, from: usize, length: usize): void {
  memory.copy(to, from, length)
}

@inline
export function fill(to: usize, byte: u8, length: usize): void {
  memory.fill(to, byte, length)
}

/** The first `n` (1…7) bytes of eight. */
@inline
export function firstBytes(x: u64, n: u32): u64 {
  return x & (((<u64>1) << (<u64>n << 3)) - 1)
}

/** Are the byte strings the same? */
export function same(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false
  return i == length || firstBytes(load<u64>(a + i) ^ load<u64>(b + i), length - i) == 0
}

/** Order as C's strcmp has it: unsigned bytes, a prefix first. Below 0, 0, above 0. */
export function compare(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const shorter = min(aLength, bLength)
  for (let i: u32 = 0; i < shorter; i += 8) {
    let x = load<u64>(a + i)
    let y = load<u64>(b + i)
    if (shorter - i < 8) {
      x = firstBytes(x, shorter - i)
      y = firstBytes(y, shorter - i)
    }
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1
  }
  return <i32>aLength - <i32>bLength
}

const ONES: u64 = 0x0101010101010101
const HIGHS: u64 = 0x8080808080808080

/** Eight times the same byte. */
@inline
export function eight(byte: u64): u64 {
  return byte * ONES
}

/** Not 0 where x has a zero byte; the lowest bit that is set belongs to the first one. */
@inline
export function zeroes(x: u64): u64 {
  return (x - ONES) & ~x & HIGHS
}

/** A bit for each zero byte of x, and none else. */
@inline
export function exactZeroes(x: u64): u64 {
  return ~(((x & ~HIGHS) + ~HIGHS) | x) & HIGHS
}

/** Random words that the loader puts here, so that no one can make names that collide in every process. */
const BLOCK: u32 = 256
export const SEED_BYTES: u32 = BLOCK + 16
export const SEED: usize = memory.data(256 + 16, 8)

@inline
function product(x: u64, key: u64): u64 {
  return <u64>(<u32>x + <u32>key) * <u64>(<u32>(x >> 32) + <u32>(key >> 32))
}

/** NH of UMAC (RFC 4418) over up to BLOCK bytes: two strings of one length meet once in 2^32 seeds. */
@inline
function nh(p: usize, length: u32): u64 {
  let sum: u64 = 0
  let i: u32 = 0
  for (; i + 8 <= length; i += 8) sum += product(load<u64>(p + i), load<u64>(SEED + i))
  if (i < length) sum += product(firstBytes(load<u64>(p + i), length - i), load<u64>(SEED + i))
  return sum
}

@inline
function mixed(x: u64): u64 {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93
  return x ^ (x >> 32)
}

/** Hash of a byte string. `space` tells apart what must not meet: equal names in different directories. */
export function hashBytes(p: usize, length: u32, space: u32): u32 {
  let h = <u64>space * load<u64>(SEED + BLOCK) + <u64>length * load<u64>(SEED + BLOCK + 8)
  while (length > BLOCK) {
    h = mixed(h + nh(p, BLOCK))
    p += BLOCK
    length -= BLOCK
  }
  return <u32>mixed(h + nh(p, length))
}
