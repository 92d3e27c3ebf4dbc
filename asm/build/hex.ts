// Hex digits into bytes, eight at a time: digests are a third of a dump, and a branch a digit is guessed wrong half the time.

import { eight, put32, u64At } from './raw'

const HIGHS = eight(0x80)

/** The high bit of each byte of x that is at least `least`; no byte of x has its own. */
@inline
function atLeast(x: u64, least: u64): u64 {
  return x + eight(0x80 - least)
}

@inline
function areDigits(x: u64): bool {
  const letters = x | eight(0x20)
  const decimal = atLeast(x, 0x30) & ~atLeast(x, 0x3a)
  const hex = atLeast(letters, 0x61) & ~atLeast(letters, 0x67)
  return ((decimal | hex) & ~x & HIGHS) == HIGHS
}

/** Are these the digits of `count` bytes, a multiple of four? */
export function isHex(p: usize, count: u32): bool {
  for (let i: u32 = 0; i < 2 * count; i += 8) if (!areDigits(u64At(p + i))) return false
  return true
}

/** Turns them into the bytes where they lie. */
export function hexInPlace(p: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 4) {
    const x = u64At(p + 2 * i)
    const values = (x & eight(0x0f)) + ((x >> 6) & eight(1)) * 9
    const pairs = ((values << 4) | (values >> 8)) & 0x00ff00ff00ff00ff
    const halves = (pairs | (pairs >> 8)) & 0x0000ffff0000ffff
    put32(p + i, <u32>(halves | (halves >> 16)))
  }
}
