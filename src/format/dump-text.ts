// Writing composefs dump text, byte by byte (spec composefs-dump.md section 5). Not here: reading it; finding entries.

import type { TextBuffer } from './text-buffer.js'

/** Bytes `from`…`to` of `bytes`; absent where `from` is negative. */
export interface Span {
  bytes: Uint8Array
  from: number
  to: number
}

/** One extended attribute: a prefix, the rest of its name, its value. */
export interface XattrSpan {
  prefix: Uint8Array
  readonly name: Span
  readonly value: Span
}

/** What a line says behind the path. */
export interface DumpEntry {
  /** Bytes. */
  readonly size: number
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  /** Seconds since the epoch: low and (signed) high word of 64 bits. */
  readonly mtimeLow: number
  readonly mtimeHigh: number
  readonly mtimeNsec: number
  /** A further name of an inode; `payload` is its first name then. */
  readonly hardLink: boolean
  readonly payload: Span
  readonly content: Span
  /** 32 bytes. */
  readonly digest: Span
  readonly xattrs: readonly XattrSpan[]
  /** How many of `xattrs` count. */
  readonly xattrCount: number
}

const SPACE = 0x20
const DASH = 0x2d
const DOT = 0x2e
const EQUALS = 0x3d
const AT = 0x40
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const LETTER_N = 0x6e
const LETTER_R = 0x72
const LETTER_T = 0x74
const LETTER_X = 0x78

// What becomes of a byte: 0 as it is, 1 \xHH, else the letter behind the backslash.
const AS_IS = 0
const HEX = 1

function table(alsoHex: readonly number[], asIs: readonly number[] = []): Uint8Array {
  const out = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) out[byte] = byte > 0x20 && byte < 0x7f ? AS_IS : HEX
  out[BACKSLASH] = BACKSLASH
  out[0x0a] = LETTER_N
  out[0x0d] = LETTER_R
  out[0x09] = LETTER_T
  for (const byte of alsoHex) out[byte] = HEX
  for (const byte of asIs) out[byte] = AS_IS
  return out
}

const STANDARD = table([])
const WITH_EQUALS = table([EQUALS])
const KEEP_SPACE = table([], [SPACE])
const DIGITS = new TextEncoder().encode('0123456789abcdef')

function escapeWith(out: TextBuffer, source: Uint8Array, from: number, to: number, actions: Uint8Array): void {
  out.reserve((to - from) * 4)
  const { bytes } = out
  let at = out.length
  for (let i = from; i < to; i++) {
    const byte = source[i]
    const action = actions[byte]
    if (action === AS_IS) {
      bytes[at++] = byte
      continue
    }
    bytes[at++] = BACKSLASH
    if (action === HEX) {
      bytes[at++] = LETTER_X
      bytes[at++] = DIGITS[byte >> 4]
      bytes[at++] = DIGITS[byte & 15]
    } else bytes[at++] = action
  }
  out.length = at
}

/** Writes a path, or anything that can't be a lone dash, escaped. */
export function writeEscaped(out: TextBuffer, source: Uint8Array, from: number, to: number): void {
  escapeWith(out, source, from, to, STANDARD)
}

/** The same with blanks left as they are: the paths of `composefs-info ls`. */
export function writeEscapedPath(out: TextBuffer, source: Uint8Array, from: number, to: number): void {
  escapeWith(out, source, from, to, KEEP_SPACE)
}

/** Writes an optional field: a dash where it is absent, so that a dash itself is escaped. */
export function writeOptional(out: TextBuffer, { bytes, from, to }: Span): void {
  if (from < 0) out.byte(DASH)
  else if (to - from === 1 && bytes[from] === DASH) out.latin1('\\x2d')
  else escapeWith(out, bytes, from, to, STANDARD)
}

/** Writes bytes as lower-case hex, or a dash. */
export function writeDigest(out: TextBuffer, { bytes, from, to }: Span): void {
  if (from < 0) {
    out.byte(DASH)
    return
  }
  out.reserve((to - from) * 2)
  for (let i = from; i < to; i++) {
    out.bytes[out.length++] = DIGITS[bytes[i] >> 4]
    out.bytes[out.length++] = DIGITS[bytes[i] & 15]
  }
}

function writeXattr(out: TextBuffer, { prefix, name, value }: XattrSpan): void {
  out.byte(SPACE)
  escapeWith(out, prefix, 0, prefix.length, WITH_EQUALS)
  escapeWith(out, name.bytes, name.from, name.to, WITH_EQUALS)
  out.byte(EQUALS)
  escapeWith(out, value.bytes, value.from, value.to, WITH_EQUALS)
}

function writeNumber(out: TextBuffer, value: number): void {
  out.decimal(value)
  out.byte(SPACE)
}

/** Writes what follows the path in an entry's line, the blank before it and the line's end included. */
export function writeDumpFields(out: TextBuffer, entry: DumpEntry): void {
  out.byte(SPACE)
  writeNumber(out, entry.size)
  if (entry.hardLink) out.byte(AT)
  out.octal(entry.mode)
  out.byte(SPACE)
  writeNumber(out, entry.nlink)
  writeNumber(out, entry.uid)
  writeNumber(out, entry.gid)
  writeNumber(out, entry.rdev)
  out.signed64(entry.mtimeLow, entry.mtimeHigh)
  out.byte(DOT)
  writeNumber(out, entry.mtimeNsec)
  writeOptional(out, entry.payload)
  out.byte(SPACE)
  writeOptional(out, entry.content)
  out.byte(SPACE)
  writeDigest(out, entry.digest)
  for (let i = 0; i < entry.xattrCount; i++) writeXattr(out, entry.xattrs[i])
  out.byte(NEWLINE)
}
