// Fields of one line of composefs dump text: cutting, unescaping in place, integers as strtoull reads them
// (spec composefs-dump.md section 2). Not here: what the fields mean (dump-source.ts).

import { TreeError } from './tree-error.js'

const SPACE = 0x20
const NEWLINE = 0x0a
const ZERO = 0x30
const BACKSLASH = 0x5c
const DASH = 0x2d
const PLUS = 0x2b
const AT_SIGN = 0x40
const LETTER_N = 0x6e
const LETTER_R = 0x72
const LETTER_T = 0x74
const LETTER_X = 0x78
const LOW = 2 ** 32
/** Digits that a double holds exactly, whichever they are. */
const EXACT_DIGITS = 15
/** More digits than these, leading zeros aside, are beyond 64 bits in either base. */
const MAX_DIGITS = 22
const MAX_U64 = (1n << 64n) - 1n

const DIGITS = '0123456789abcdef'
const HEX = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * A cursor over lines. Fields are taken from left to right; one that lacks because the line has ended is empty. `from`
 * and `to` bound the field that was taken last, `low` and `high` are the number in it.
 */
export class DumpFields {
  readonly bytes: Uint8Array
  /** Number of the line, from 1. */
  line = 0
  from = 0
  to = 0
  low = 0
  high = 0
  /** Whether the field that was taken last is the one character `-`. */
  absent = false
  /** Where the next field begins: behind a blank, or at the LF that ends the line. */
  #at = 0

  /** Text of `length` bytes, behind which `bytes` must have room for one more: an LF, so that every line ends. */
  constructor(bytes: Uint8Array, length: number) {
    this.bytes = bytes
    bytes[length] = NEWLINE
  }

  /** Goes to the line that begins at a position. */
  begin(at: number): void {
    this.line++
    this.#at = at
  }

  /** Goes to the end of the line, its LF, which the caller has found. */
  finish(at: number): void {
    this.#at = at
  }

  /** Leaves out what is left of the line; answers where its LF is. */
  end(): number {
    return this.bytes[this.#at] === NEWLINE ? this.#at : this.bytes.indexOf(NEWLINE, this.#at)
  }

  error(field: string, why: string, cause?: unknown): TreeError {
    const code = cause instanceof TreeError ? cause.code : 'EINVAL'
    return new TreeError(code, why, { line: this.line, field, node: this.line - 1, cause })
  }

  /** Takes a field without looking into it. */
  skip(): void {
    this.#take(this.#stop(this.#at))
  }

  /** Takes a field and unescapes it where it lies. */
  text(field: string): void {
    const { bytes } = this
    const from = this.#at
    let at = from
    let escaped = false
    for (;;) {
      const byte = bytes[at]
      if (byte <= SPACE && (byte === SPACE || byte === NEWLINE)) break
      if (byte === BACKSLASH) escaped = true
      at++
    }
    this.#take(at)
    this.absent = at - from === 1 && bytes[from] === DASH
    if (escaped) this.to = this.unescape(from, at, field)
  }

  /** The same of a field that ends, as a C string does, at its first NUL. */
  cString(field: string): void {
    this.text(field)
    // A NUL can only have come out of an escape.
    if (this.bytes[this.to] !== SPACE && this.bytes[this.to] !== NEWLINE) this.to = this.upToNul(this.from, this.to)
  }

  /**
   * Takes a field that begins with `count` bytes in hex, and puts them where it begins. Where it does not, false: then
   * the field has not been taken.
   */
  hex(count: number): boolean {
    const { bytes } = this
    const from = this.#at
    for (let done = 0; done < count; done++) {
      const at = from + 2 * done
      const high = HEX[bytes[at]]
      const low = high < 0 ? -1 : HEX[bytes[at + 1]]
      if (low < 0) {
        this.#unhex(from, done)
        return false
      }
      bytes[from + done] = (high << 4) | low
    }
    this.#take(this.#stop(from + 2 * count))
    this.absent = false
    return true
  }

  /** Takes an integer; `separator` ends it, a blank unless it is the dot of a time. Throws unless it is one. */
  integer(field: string, separator: number = SPACE): void {
    const { bytes } = this
    const from = this.#at
    let at = from
    let value = 0
    let digit = bytes[at] - ZERO
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      digit = bytes[++at] - ZERO
    }
    const end = bytes[at]
    if (at === from || at - from > EXACT_DIGITS || (end !== separator && (end !== NEWLINE || separator !== SPACE))) {
      this.#oddInteger(field, separator, 10)
      return
    }
    this.#at = end === NEWLINE ? at : at + 1
    this.low = value >>> 0
    this.high = value < LOW ? 0 : (value / LOW) >>> 0
  }

  /** Takes a file mode, its `@` not; answers whether there was one. */
  mode(field: string): boolean {
    const { bytes } = this
    const link = bytes[this.#at] === AT_SIGN
    if (link) this.#at++
    const from = this.#at
    let at = from
    let value = 0
    let digit = bytes[at] - ZERO
    while (digit >= 0 && digit <= 7) {
      value = value * 8 + digit
      digit = bytes[++at] - ZERO
    }
    if (at === from || at - from > EXACT_DIGITS || (bytes[at] !== SPACE && bytes[at] !== NEWLINE)) {
      this.#oddInteger(field, SPACE, 8)
    } else {
      this.#take(at)
      this.low = value >>> 0
    }
    return link
  }

  /** Where the next field begins, negative where the line has ended. */
  next(): number {
    return this.bytes[this.#at] === NEWLINE ? -1 : this.#at
  }

  /** Unescapes bytes where they lie; answers their new end. */
  unescape(from: number, to: number, field: string): number {
    const { bytes } = this
    let into = from
    for (let at = from; at < to; into++) {
      const byte = bytes[at++]
      if (byte !== BACKSLASH) {
        bytes[into] = byte
        continue
      }
      const letter = at < to ? bytes[at++] : 0
      if (letter === LETTER_X) {
        const value = at + 1 < to ? (HEX[bytes[at]] << 4) | HEX[bytes[at + 1]] : -1
        if (value < 0) throw this.error(field, 'bad \\x escape')
        bytes[into] = value
        at += 2
      } else if (letter === BACKSLASH) bytes[into] = BACKSLASH
      else if (letter === LETTER_N) bytes[into] = NEWLINE
      else if (letter === LETTER_R) bytes[into] = 0x0d
      else if (letter === LETTER_T) bytes[into] = 0x09
      else throw this.error(field, 'bad escape')
    }
    return into
  }

  /** Position of the first NUL between two positions, or the second of them. */
  upToNul(from: number, to: number): number {
    const { bytes } = this
    for (let at = from; at < to; at++) if (bytes[at] === 0) return at
    return to
  }

  #take(stop: number): void {
    this.from = this.#at
    this.to = stop
    this.#at = this.bytes[stop] === NEWLINE ? stop : stop + 1
  }

  /** Makes bytes the digits again that they were. */
  #unhex(from: number, count: number): void {
    const { bytes } = this
    for (let i = count - 1; i >= 0; i--) {
      const byte = bytes[from + i]
      bytes[from + 2 * i] = DIGITS.charCodeAt(byte >> 4)
      bytes[from + 2 * i + 1] = DIGITS.charCodeAt(byte & 15)
    }
  }

  /** Where the field that `at` lies in ends. */
  #stop(at: number): number {
    const { bytes } = this
    while (bytes[at] !== SPACE && bytes[at] !== NEWLINE) at++
    return at
  }

  /** All that strtoull takes and no one writes: blanks in front, signs, numbers that do not fit. */
  #oddInteger(field: string, separator: number, base: 8 | 10): void {
    const { bytes } = this
    const stop = this.#stop(this.#at)
    let to = this.#at
    while (to < stop && bytes[to] !== separator) to++
    if (separator !== SPACE && to === stop) throw this.error(field, 'no seconds.nanoseconds')
    let at = this.#at
    while (at < to && bytes[at] >= 0x09 && bytes[at] <= 0x0d) at++
    const negative = bytes[at] === DASH
    if (at < to && (negative || bytes[at] === PLUS)) at++
    const last = ZERO + base - 1
    for (let i = at; i < to; i++) if (bytes[i] < ZERO || bytes[i] > last) throw this.error(field, 'invalid integer')
    if (at === to) throw this.error(field, 'invalid integer')
    while (at < to - 1 && bytes[at] === ZERO) at++
    const digits = String.fromCharCode(...bytes.subarray(at, Math.min(to, at + MAX_DIGITS)))
    const value = to - at > MAX_DIGITS ? MAX_U64 + 1n : BigInt(base === 8 ? `0o${digits}` : digits)
    const stored = value > MAX_U64 ? MAX_U64 : negative ? BigInt.asUintN(64, -value) : value
    this.#at = bytes[to] === NEWLINE ? to : to + 1
    this.low = Number(stored & 0xffffffffn)
    this.high = Number(stored >> 32n)
  }
}
