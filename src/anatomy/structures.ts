// A structure of an image with its fields, read by the table of structs (src/format). Not here: where structures are (the core
// says), what their fields mean (meanings.ts).

import { Pieces, peek } from '../../wasm/core-pieces.js'
import { PIECE_KINDS, type PieceKind } from '../format/anatomy-structs.js'
import { Fault, type Outcome } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import type { Struct } from '../format/struct.js'
import type { Image } from '../image/image.js'
import { escaped } from './escaped.js'

export interface Field {
  /** In the kernel's spelling. */
  readonly name: string
  /** Byte offset in the image, and bytes. */
  readonly offset: number
  readonly width: number
  /** A number (bigint where it is none that JavaScript has); hex digits of a longer field; escaped text of names and data. */
  readonly value: number | bigint | string
  /** In words; '' where the value says all. */
  readonly meaning: string
}

export interface Structure {
  /** In words: "inode, compact". */
  readonly name: string
  readonly kind: PieceKind
  /** Byte offset in the image, and bytes. */
  readonly start: number
  readonly length: number
  /** Byte of the file's data that it begins with; undefined for what is no data. */
  readonly at: number | undefined
  readonly fields: readonly Field[]
}

/** A piece, copied out of the core's table. */
export interface Piece {
  readonly kind: PieceKind
  readonly start: number
  readonly length: number
  readonly at: number
  readonly detail: number
}

/** Values of a struct's fields that came before. */
export type Values = Readonly<Record<string, number | bigint | string>>
export type Meanings = Readonly<Record<string, (value: number, all: Values) => string>>

const NUMBER_WIDTH = 8

/** The pieces that the last question left. */
export function copied(pieces: Pieces): Piece[] {
  return Array.from({ length: pieces.length }, (_, i) => ({
    kind: PIECE_KINDS[pieces.kind(i)],
    start: pieces.start(i),
    length: pieces.size(i),
    at: pieces.at(i),
    detail: pieces.detail(i),
  }))
}

export interface InodePieces {
  readonly pieces: readonly Piece[]
  /** Whether the inode's data has more of them. */
  readonly more: boolean
  /** What is wrong with a part of the inode, which is left out. */
  readonly fault: Fault | undefined
}

/** What the pieces of an inode are, as many as one answer holds. */
export function inodePieces(image: Image, nid: number, flags: number): Outcome<InodePieces> {
  const pieces = new Pieces(image.core)
  const r = pieces.load(nid, 0, flags)
  if (r < 0) return image.fault(r, 'inode')
  const fault = pieces.error === 0 ? undefined : image.fault(-pieces.error, 'a part of the inode is left out')
  return { pieces: copied(pieces), more: pieces.cookie >= 0, fault }
}

/** Bytes of the image, at most 128 KiB. */
export function bytesAt(image: Image, offset: number, length: number): Outcome<Uint8Array> {
  const bytes = peek(image.core, offset, length)
  return typeof bytes === 'number' ? image.fault(bytes, 'bytes') : bytes
}

/** An unsigned number of up to eight bytes, little-endian. */
function numberAt(bytes: Uint8Array, at: number, width: number): number | bigint {
  let value = 0n
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i])
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** Fields of a struct whose first byte in the image is `start`; what the table leaves out is `reserved`. */
export function structFields(
  { fields, size }: Struct,
  bytes: Uint8Array,
  start: number,
  meanings: Meanings,
  prefix = '',
): Field[] {
  const out: Field[] = []
  const values: Record<string, number | bigint | string> = {}
  const most = Math.min(size, bytes.length)
  const add = (name: string, offset: number, width: number): void => {
    const number = width <= NUMBER_WIDTH && name !== 'reserved'
    const value = number ? numberAt(bytes, offset, width) : toHex(bytes.subarray(offset, offset + width))
    values[name] = value
    out.push({ name: prefix + name, offset: start + offset, width, value, meaning: '' })
  }
  let at = 0
  const places = Object.entries(fields).sort(([, a], [, b]) => a.offset - b.offset)
  for (const [name, { offset, width }] of places) {
    if (offset + width > most) break
    if (offset > at) add('reserved', at, offset - at)
    add(name, offset, width)
    at = offset + width
  }
  if (at < most) add('reserved', at, most - at)
  return out.map(field => {
    const tell = meanings[field.name.slice(prefix.length)]
    return tell === undefined ? field : { ...field, meaning: tell(Number(field.value), values) }
  })
}

/** A field that is bytes: a name, a value, data. */
export function bytesField(name: string, offset: number, bytes: Uint8Array, meaning = ''): Field {
  return { name, offset, width: bytes.length, value: escaped(bytes), meaning }
}

/** A field for a long range, of which only the first bytes are read. */
export function rangeField(image: Image, name: string, offset: number, width: number, meaning = ''): Outcome<Field> {
  const bytes = bytesAt(image, offset, Math.min(width, 257))
  if (bytes instanceof Fault) return bytes
  return { name, offset, width, value: escaped(bytes), meaning }
}
