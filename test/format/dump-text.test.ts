// Dump text: every escape of spec composefs-dump.md section 5, and numbers at the edges of their width.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type DumpEntry,
  type Span,
  writeDumpFields,
  writeEscaped,
  writeEscapedPath,
} from '../../src/format/dump-text.js'
import { digitsOf, TextBuffer } from '../../src/format/text-buffer.js'

const dump = suite('dump text')
const NONE: Span = { bytes: new Uint8Array(0), from: -1, to: -1 }

function span(text: string): Span {
  const bytes = Buffer.from(text, 'latin1')
  return { bytes, from: 0, to: bytes.length }
}

function text(buffer: TextBuffer): string {
  return Buffer.from(buffer.content()).toString('latin1')
}

function line(entry: Partial<DumpEntry>): string {
  const out = new TextBuffer(1)
  writeDumpFields(out, {
    size: 0,
    mode: 0o100644,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    mtimeLow: 0,
    mtimeHigh: 0,
    mtimeNsec: 0,
    hardLink: false,
    payload: NONE,
    content: NONE,
    digest: NONE,
    xattrs: [],
    xattrCount: entry.xattrs?.length ?? 0,
    ...entry,
  })
  return text(out)
}

/** The reading of an escape, written down apart from its writing: spec section 2.1. */
function readBack(escaped: string): string {
  const letters: Record<string, string> = { '\\': '\\', n: '\n', r: '\r', t: '\t' }
  return escaped.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? letters[letter] : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

dump('every byte is escaped so that it reads back, and only printable ones stand as they are', () => {
  for (let byte = 0; byte < 256; byte++) {
    const source = Uint8Array.of(0x61, byte, 0x62)
    const out = new TextBuffer(1)
    writeEscaped(out, source, 0, 3)
    const escaped = text(out)
    assert.is(readBack(escaped), String.fromCharCode(...source), `byte ${byte}`)
    assert.match(escaped, /^[\x21-\x7e]+$/)
    if (byte > 0x20 && byte < 0x7f && byte !== 0x5c) assert.is(escaped.length, 3)
  }
})

dump('a blank stays in the paths of ls', () => {
  const out = new TextBuffer()
  const source = Buffer.from('a b\t')
  writeEscapedPath(out, source, 0, source.length)
  assert.is(text(out), 'a b\\t')
})

dump('a lone dash is escaped where a dash means absent; an empty value prints as nothing', () => {
  assert.is(line({ payload: span('-') }), ' 0 100644 1 0 0 0 0.0 \\x2d - -\n')
  assert.is(line({ payload: span('--'), content: span('-') }), ' 0 100644 1 0 0 0 0.0 -- \\x2d -\n')
  assert.is(line({ content: span('') }), ' 0 100644 1 0 0 0 0.0 -  -\n')
})

dump('xattrs: equals signs are escaped in keys and values', () => {
  const xattrs = [{ prefix: Buffer.from('user.'), name: span('a=b'), value: span('=\n ') }]
  assert.is(line({ xattrs }), ' 0 100644 1 0 0 0 0.0 - - - user.a\\x3db=\\x3d\\n\\x20\n')
})

dump('hard links and digests', () => {
  const digest = { bytes: Uint8Array.from({ length: 34 }, (_, i) => i * 7), from: 1, to: 33 }
  const hex = Buffer.from(digest.bytes.subarray(1, 33)).toString('hex')
  assert.is(line({ hardLink: true, payload: span('/x'), digest }), ` 0 @100644 1 0 0 0 0.0 /x - ${hex}\n`)
})

dump('times are signed numbers of 64 bits', () => {
  const times = [0n, 1n, -1n, 4294967295n, 4294967296n, -4294967296n, -4294967297n, 2n ** 63n - 1n, -(2n ** 63n)]
  for (const time of times) {
    const mtimeLow = Number(BigInt.asUintN(32, time))
    const mtimeHigh = Number(BigInt.asIntN(32, time >> 32n))
    assert.is(line({ mtimeLow, mtimeHigh, mtimeNsec: 7 }), ` 0 100644 1 0 0 0 ${time}.7 - - -\n`)
  }
})

dump('numbers: as String writes them, at every power of ten', () => {
  for (let exponent = 0; exponent < 16; exponent++) {
    for (const value of [10 ** exponent - 1, 10 ** exponent, 10 ** exponent + 1, 2 ** 53, 2 ** 32 - 1, 2 ** 32]) {
      const out = new TextBuffer(1)
      out.decimal(value)
      assert.is(text(out), String(value))
      assert.is(digitsOf(value), String(value).length)
    }
  }
  for (const value of [0, 7, 8, 0o777, 0o100644, 0xffffffff]) {
    const out = new TextBuffer(1)
    out.octal(value)
    assert.is(text(out), value.toString(8))
  }
})

dump('bytes of any length are copied whole, from any place', () => {
  const source = Uint8Array.from({ length: 200 }, (_, i) => (i * 37) & 255)
  for (let length = 0; length < 100; length++) {
    const out = new TextBuffer(1)
    out.raw(source, length & 7, (length & 7) + length)
    out.raw(source, 3, 3 + length)
    const wanted = [...source.subarray(length & 7, (length & 7) + length), ...source.subarray(3, 3 + length)]
    assert.equal([...out.content()], wanted)
  }
})

dump.run()
