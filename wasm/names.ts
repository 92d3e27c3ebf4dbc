// Names of directory entries as strings.

import { RECORD, RECORD_FLAGS } from '../src/format/structs.js'
import type { Core } from './core.js'

const FLAGS = RECORD.fields.flags.offset >> 2
const NAME = RECORD.fields.name.offset >> 2
const NAME_LEN = RECORD.fields.name_len.offset >> 1
const WORDS = RECORD.size >> 2

const encoder = new TextEncoder()
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

interface Latin1 {
  latin1Slice(from: number, to: number): string
}

/** Bytes `from`…`to`, all ASCII, as a string. Most directories are small, and Node's Buffer starts faster there. */
const ascii: (u8: Uint8Array, from: number, to: number) => string =
  typeof Buffer === 'function' && 'latin1Slice' in Buffer.prototype
    ? (u8, from, to) => (Buffer.prototype as unknown as Latin1).latin1Slice.call(u8, from, to)
    : (u8, from, to) => utf8.decode(u8.subarray(from, to))

/**
 * Decodes the names of records `from`…`to` behind those in `names`. Names of one directory block lie back to back, so a
 * run of ASCII ones is decoded at once and cut. Answers the bytes of the names that are not UTF-8, by index.
 */
export function decodeNames(core: Core, from: number, to: number, names: string[]): Map<number, Uint8Array> | null {
  const { u8, u16, u32 } = core
  const words = core.records >>> 2
  let raw: Map<number, Uint8Array> | null = null
  for (let i = from; i < to; ) {
    const w = words + i * WORDS
    const start = u32[w + NAME]
    if ((u32[w + FLAGS] & RECORD_FLAGS.RF_ASCII) === 0) {
      const bytes = u8.slice(start, start + u16[w * 2 + NAME_LEN])
      const name = utf8.decode(bytes)
      if (name.includes('\uFFFD') && !sameBytes(encoder.encode(name), bytes)) {
        raw ??= new Map()
        raw.set(names.length, bytes)
      }
      names.push(name)
      i++
      continue
    }
    let end = start
    let j = i
    for (let v = w; j < to && u32[v + NAME] === end && u32[v + FLAGS] & RECORD_FLAGS.RF_ASCII; j++, v += WORDS) {
      end += u16[v * 2 + NAME_LEN]
    }
    const run = ascii(u8, start, end)
    let at = 0
    for (let v = w * 2; i < j; i++, v += WORDS * 2) {
      const next = at + u16[v + NAME_LEN]
      names.push(run.substring(at, next))
      at = next
    }
  }
  return raw
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
