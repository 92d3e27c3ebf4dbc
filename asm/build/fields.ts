// Fields of one line of composefs dump text: cutting, unescaping in place (spec composefs-dump.md section 2). Fields are
// taken from left to right; one that lacks because the line has ended is empty. The text ends in an LF, so every line does,
// and a search for one needs no other limit. Not here: integers (integers.ts), what the fields mean (dump.ts).

import { atField, fail } from './failure'
import { EINVAL, NO_BAD_ESCAPE, NO_BAD_HEX_ESCAPE } from './layout'
import { hexInPlace, isHex } from './hex'
import { eight, firstBytes, put8, u64At, u8At, zeroes } from './raw'

export const SPACE: u32 = 0x20
export const NEWLINE: u32 = 0x0a
export const BACKSLASH: u32 = 0x5c
export const DASH: u32 = 0x2d
const SPACES = eight(0x20)
const NEWLINES = eight(0x0a)
const BACKSLASHES = eight(0x5c)

/** Number of the line, from 1. */
export let line: u32 = 0
/** Where the next field begins: behind a blank, or at the LF that ends the line. */
export let at: usize = 0
/** The field that was taken last, and whether it is the one character `-`. */
export let from: usize = 0
export let to: usize = 0
export let absent: bool = false

/** Goes to the line that begins at an address; the first one has number 1. */
export function beginLine(p: usize, number: u32): void {
  at = p
  line = number
}

/** Goes on at an address in the line. */
export function goTo(p: usize): void {
  at = p
}

/** -EINVAL for the line. */
export function wrong(field: u32, reason: u32, a: f64 = 0, b: f64 = 0): i32 {
  return here(fail(EINVAL, reason, a, b), field)
}

/** Adds the line to a failure. */
export function here(result: i32, field: u32): i32 {
  return atField(result, line, field, <i32>line - 1)
}

@inline
function isEnd(byte: u32): bool {
  return byte == SPACE || byte == NEWLINE
}

/** Where the LF of a line is. */
export function lineEnd(p: usize): usize {
  let found = zeroes(u64At(p) ^ NEWLINES)
  while (found == 0) {
    p += 8
    found = zeroes(u64At(p) ^ NEWLINES)
  }
  return p + <usize>(ctz(found) >> 3)
}

/** Where the field that an address lies in ends. */
export function fieldEnd(p: usize): usize {
  while (!isEnd(u8At(p))) p++
  return p
}

@inline
function take(stop: usize): void {
  from = at
  to = stop
  at = u8At(stop) == NEWLINE ? stop : stop + 1
}

/** Takes a field without looking into it. */
export function skipField(): void {
  take(fieldEnd(at))
}

/** Takes a field and unescapes it where it lies. */
export function textField(field: u32): i32 {
  let p = at
  let escapes: u64 = 0
  for (;;) {
    const x = u64At(p)
    const stop = zeroes(x ^ SPACES) | zeroes(x ^ NEWLINES)
    const escape = zeroes(x ^ BACKSLASHES)
    if (stop != 0) {
      const n = <u32>(ctz(stop) >> 3)
      escapes |= firstBytes(escape, n)
      p += n
      break
    }
    escapes |= escape
    p += 8
  }
  take(p)
  absent = p - from == 1 && u8At(from) == DASH
  return escapes == 0 ? 0 : unescapeField(field)
}

function unescapeField(field: u32): i32 {
  const end = unescape(from, to, field)
  if (end == 0) return -(<i32>EINVAL)
  to = end
  return 0
}

/** The same of a field that ends, as a C string does, at its first NUL, which can only come out of an escape. */
export function stringField(field: u32): i32 {
  const r = textField(field)
  if (r == 0 && !isEnd(u8At(to))) to = upToNul(from, to)
  return r
}

/** Address of the first NUL between two addresses, or the second of them. */
export function upToNul(p: usize, end: usize): usize {
  while (p < end && u8At(p) != 0) p++
  return p
}

/** Value of a hex digit, negative for what is none. */
@inline
export function hexDigit(byte: u32): i32 {
  const digit = <i32>byte - 0x30
  if (<u32>digit <= 9) return digit
  const letter = <i32>(byte | 0x20) - 0x61
  return <u32>letter <= 5 ? letter + 10 : -1
}

/** Takes a field that is `count` bytes in hex and no more, and puts them where it begins; false when it is not. */
export function hexField(count: u32): bool {
  const end = at + 2 * count
  // The field may end before that, but what is there can be read.
  if (!isEnd(u8At(end)) || !isHex(at, count)) return false
  hexInPlace(at, count)
  take(end)
  absent = false
  return true
}

/** What a letter behind a backslash stands for; 0 when for nothing. */
@inline
function escaped(letter: u32): u32 {
  if (letter == BACKSLASH) return BACKSLASH
  if (letter == 0x6e) return NEWLINE
  if (letter == 0x72) return 0x0d
  return letter == 0x74 ? 0x09 : 0
}

/** Unescapes bytes where they lie; answers their new end, or 0 with the failure in its record. */
export function unescape(p: usize, end: usize, field: u32): usize {
  let into = p
  while (p < end) {
    let byte = u8At(p++)
    if (byte == BACKSLASH) {
      const letter = p < end ? u8At(p++) : 0
      if (letter == 0x78) {
        const high = p + 1 < end ? hexDigit(u8At(p)) : -1
        const low = high < 0 ? -1 : hexDigit(u8At(p + 1))
        if (low < 0) {
          wrong(field, NO_BAD_HEX_ESCAPE)
          return 0
        }
        byte = (high << 4) | low
        p += 2
      } else {
        byte = escaped(letter)
        if (byte == 0) {
          wrong(field, NO_BAD_ESCAPE)
          return 0
        }
      }
    }
    put8(into++, byte)
  }
  return into
}
