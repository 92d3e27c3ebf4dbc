// Integers in a line of dump text, as strtoull reads them (spec composefs-dump.md section 2.3).

import { at, DASH, fieldEnd, goTo, NEWLINE, SPACE, wrong } from './fields'
import { NO_BAD_INTEGER, NO_NO_DOT } from './layout'
import { u8At } from './raw'

const ZERO: u32 = 0x30
const PLUS: u32 = 0x2b
const AT_SIGN: u32 = 0x40
export const DOT: u32 = 0x2e
/** Digits that 64 bits hold, whichever they are. */
const SAFE_DECIMAL: usize = 19
const SAFE_OCTAL: usize = 21

/** The number that was taken last. */
export let value: u64 = 0

@inline
function digits(base: u32, safe: usize, separator: u32, field: u32): i32 {
  let p = at
  let sum: u64 = 0
  let digit = u8At(p) - ZERO
  while (digit < base) {
    sum = sum * base + digit
    digit = u8At(++p) - ZERO
  }
  const length = p - at
  const end = digit + ZERO
  const ended = end == separator || (end == NEWLINE && separator == SPACE)
  if (length == 0 || length > safe || !ended) return oddInteger(field, separator, base)
  value = sum
  goTo(end == NEWLINE ? p : p + 1)
  return 0
}

/** Takes an integer that ends at a blank. */
export function integerField(field: u32): i32 {
  return digits(10, SAFE_DECIMAL, SPACE, field)
}

/** Takes an integer that ends at a dot, which must be in the field. */
export function secondsField(field: u32): i32 {
  return digits(10, SAFE_DECIMAL, DOT, field)
}

/** Takes a file mode; answers 1 when there was an `@` before it, which makes a hard link. */
export function modeField(field: u32): i32 {
  const link = u8At(at) == AT_SIGN
  if (link) goTo(at + 1)
  const r = digits(8, SAFE_OCTAL, SPACE, field)
  return r < 0 ? r : link ? 1 : 0
}

/** All that strtoull takes and no one writes: blanks in front, signs, numbers that do not fit. */
function oddInteger(field: u32, separator: u32, base: u32): i32 {
  const stop = fieldEnd(at)
  let end = at
  while (end < stop && u8At(end) != separator) end++
  if (separator != SPACE && end == stop) return wrong(field, NO_NO_DOT)
  let p = at
  while (p < end && u8At(p) - 0x09 <= 4) p++
  const negative = p < end && u8At(p) == DASH
  if (p < end && (negative || u8At(p) == PLUS)) p++
  if (p == end) return wrong(field, NO_BAD_INTEGER)
  let sum: u64 = 0
  let tooMuch = false
  for (; p < end; p++) {
    const digit = u8At(p) - ZERO
    if (digit >= base) return wrong(field, NO_BAD_INTEGER)
    if (sum > (u64.MAX_VALUE - digit) / base) tooMuch = true
    sum = sum * base + digit
  }
  value = tooMuch ? u64.MAX_VALUE : negative ? 0 - sum : sum
  goTo(u8At(end) == NEWLINE ? end : end + 1)
  return 0
}
