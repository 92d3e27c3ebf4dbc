// Names of directory entries as strings.

import { RECORD_FLAGS, SCRATCH } from '../src/format/structs.js'
import type { Core } from './core.js'
import { FLAGS, NAME, NAME_LEN, WORDS } from './record-fields.js'

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

/** Names, types (mode >> 12) and numbers of a directory's entries, and the bytes of the names that are not UTF-8, by index. */
export interface Names {
  readonly names: string[]
  readonly types: number[]
  readonly inos: number[]
  readonly raw: Map<number, Uint8Array> | null
}

export function joinNames(lists: readonly Names[]): Names {
  const names: string[] = []
  const types: number[] = []
  const inos: number[] = []
  let raw: Map<number, Uint8Array> | null = null
  for (const list of lists) {
    for (const [i, bytes] of list.raw ?? []) {
      raw ??= new Map()
      raw.set(names.length + i, bytes)
    }
    for (const name of list.names) names.push(name)
    for (const type of list.types) types.push(type)
    for (const ino of list.inos) inos.push(ino)
  }
  return { names, types, inos, raw }
}

/**
 * Decodes the names of records `from`…`to` behind those in `names`. The core has copied the names of a table together:
 * where all of them are ASCII they are decoded at once and cut. Answers the bytes of those not in UTF-8, by index.
 */
export function decodeNames(core: Core, from: number, to: number, names: string[]): Map<number, Uint8Array> | null {
  if (from >= to) return null
  const { u8, u16, u32 } = core
  let w = (core.records >>> 2) + from * WORDS
  if (u32[(core.scratch + SCRATCH.fields.names_ascii.offset) >>> 2] === 0) return decodeEach(core, from, to, names)
  const first = core.names
  const text = ascii(u8, first, first + u32[(core.scratch + SCRATCH.fields.names_used.offset) >>> 2])
  let at = 0
  for (let v = core.records >>> 1; v < w * 2; v += WORDS * 2) at += u16[v + NAME_LEN]
  for (let i = from; i < to; i++, w += WORDS) {
    const next = at + u16[w * 2 + NAME_LEN]
    names.push(text.substring(at, next))
    at = next
  }
  return null
}

function decodeEach(core: Core, from: number, to: number, names: string[]): Map<number, Uint8Array> | null {
  const { u8, u16, u32 } = core
  let raw: Map<number, Uint8Array> | null = null
  for (let w = (core.records >>> 2) + from * WORDS, i = from; i < to; i++, w += WORDS) {
    const start = u32[w + NAME]
    const end = start + u16[w * 2 + NAME_LEN]
    if (u32[w + FLAGS] & RECORD_FLAGS.RF_ASCII) {
      names.push(ascii(u8, start, end))
      continue
    }
    const bytes = u8.slice(start, end)
    const name = utf8.decode(bytes)
    if (name.includes('\uFFFD') && !sameBytes(encoder.encode(name), bytes)) {
      raw ??= new Map()
      raw.set(names.length, bytes)
    }
    names.push(name)
  }
  return raw
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
