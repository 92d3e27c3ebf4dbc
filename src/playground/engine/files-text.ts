// Parts of a text, cut where lines end: small texts are one part, large ones are read a part at a time, so that none is ever
// loaded whole. Not here: how a file is read.

import { type Encoding, TEXT_PART, TEXT_WHOLE, type TextPart } from '../contents-protocol.js'

/** A line's end is looked for this far; beyond, a line is cut. Bytes. */
const SEARCH = 64 << 10
const NEWLINE = 10

export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>

/** How many parts a text has. */
export function textParts(size: number): number {
  return size <= TEXT_WHOLE ? 1 : Math.ceil(size / TEXT_PART)
}

/** The part of a number, from 0 on. */
export async function textPart(read: ReadBytes, size: number, encoding: Encoding, part: number): Promise<TextPart> {
  const parts = textParts(size)
  const number = Math.max(0, Math.min(part, parts - 1))
  const start = parts === 1 ? 0 : await beginOf(read, size, encoding, number)
  const end = number === parts - 1 ? size : await beginOf(read, size, encoding, number + 1)
  const bytes = await read(start, end - start)
  const text = new TextDecoder(encoding).decode(bytes)
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return { text, start, end, lines }
}

/** Where a part begins: behind the first line's end at its place, else at the first whole character. */
async function beginOf(read: ReadBytes, size: number, encoding: Encoding, number: number): Promise<number> {
  if (number === 0) return 0
  const place = Math.min(number * TEXT_PART, size)
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return place
  const bytes = await read(place - 1, SEARCH)
  const at = bytes.indexOf(NEWLINE)
  if (at >= 0) return place + at
  if (encoding !== 'utf-8') return place
  let skip = 1
  while (skip < 4 && (bytes[skip] & 0xc0) === 0x80) skip++
  return place + skip - 1
}
