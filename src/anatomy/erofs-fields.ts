// The structures of an EROFS image, field by field: an inode and what follows it, shared xattrs, dirents, the superblock. The
// core says where they are, and has checked them. Not here: cfs v1 (cfs-fields.ts), which structure is at a byte (fields.ts).

import { Fault, type Outcome } from '../format/errno.js'
import {
  CHUNK_INDEX,
  COMPOSEFS_HEADER,
  CONSTANTS,
  INODE_COMPACT,
  INODE_EXTENDED,
  SUPERBLOCK,
  XATTR_ENTRY,
  XATTR_IBODY,
} from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import { fullXattrName } from '../image/view.js'
import { ALGORITHMS } from './compressed-facts.js'
import { compressedFields } from './compressed-fields.js'
import { escaped } from './escaped.js'
import { KIND_LABELS } from './image-map.js'
import {
  blockMeaning,
  HEADER_MEANINGS,
  inodeMeanings,
  superblockMeanings,
  XATTR_ENTRY_MEANINGS,
  XATTR_HEADER_MEANINGS,
} from './meanings.js'
import { bytesAt, bytesField, type Field, type Piece, rangeField, type Structure, structFields } from './structures.js'

/** Chunk indexes and ids that are told one by one. */
const LISTED_MOST = 256

/** Full names of an inode's xattrs in the order of their pieces; undefined where they can't be listed. */
export function xattrNames(image: Image, nid: number): Outcome<string[] | undefined> {
  const stored = image.core.xattrs(nid)
  if (typeof stored !== 'number') return stored.map(({ index, rest }) => fullXattrName(index, binaryString(rest)))
  return stored === -CONSTANTS.EAGAIN ? image.fault(stored, 'xattrs') : undefined
}

/** Text of a name that is a character a byte. */
export function nameText(name: string | undefined): string {
  return name === undefined
    ? ''
    : escaped(
        Uint8Array.from(name, character => character.charCodeAt(0)),
        512,
      )
}

/** Fields of the struct, or whatever it is, that a piece holds. `name` is that of an xattr. */
function fieldsIn(image: Image, piece: Piece, name: string | undefined): Outcome<Field[]> {
  const { kind, start, length } = piece
  const compressed = compressedFields(image, piece)
  if (compressed !== undefined) return compressed
  const { blockSize, epochSec, fixedNsec } = image.superblock
  switch (kind) {
    case 'chunk-indexes':
      return chunkFields(image, piece)
    case 'composefs-header':
    case 'superblock':
    case 'inode-compact':
    case 'inode-extended':
    case 'xattr-header':
    case 'xattr-shared-ids':
    case 'xattr-entry':
    case 'shared-xattr':
    case 'compression-configuration':
    case 'xattr-prefix':
      break
    default: {
      const data = rangeField(image, kind === 'inline-target' ? 'target' : 'data', start, length)
      return data instanceof Fault ? data : [data]
    }
  }
  const bytes = bytesAt(image, start, length)
  if (bytes instanceof Fault) return bytes
  if (kind === 'composefs-header') return structFields(COMPOSEFS_HEADER, bytes, start, HEADER_MEANINGS)
  if (kind === 'superblock') return superblockFields(bytes, start, blockSize)
  if (kind === 'inode-compact' || kind === 'inode-extended') {
    const struct = kind === 'inode-compact' ? INODE_COMPACT : INODE_EXTENDED
    return structFields(struct, bytes, start, inodeMeanings(blockSize, epochSec, fixedNsec))
  }
  if (kind === 'xattr-header') return structFields(XATTR_IBODY, bytes, start, XATTR_HEADER_MEANINGS)
  if (kind === 'xattr-shared-ids') return sharedIdFields(bytes, start)
  if (kind === 'xattr-entry' || kind === 'shared-xattr') return xattrFields(bytes, start, name)
  if (kind === 'xattr-prefix') return prefixFields(bytes, start)
  return configurationFields(bytes, start, piece.detail)
}

/** The structure that a piece holds. */
export function structureOf(image: Image, piece: Piece, name?: string): Outcome<Structure> {
  const fields = fieldsIn(image, piece, name)
  if (fields instanceof Fault) return fields
  const { kind, start, length } = piece
  const isData = /^(?:inline|directory|symlink|file|compressed)-/.test(kind)
  return { name: KIND_LABELS[kind], kind, start, length, at: isData ? piece.at : undefined, fields }
}

/** Fields with offset and width in a struct that is none of the table: `[offset, width]` by name. */
function listed(bytes: Uint8Array, start: number, places: Record<string, readonly [number, number]>): Field[] {
  const fields = Object.fromEntries(
    Object.entries(places).map(([name, [offset, width]]) => [name, { offset, width }] as const),
  )
  return structFields({ prefix: '', size: bytes.length, fields }, bytes, start, {})
}

function superblockFields(bytes: Uint8Array, start: number, blockSize: number): Field[] {
  const fields = structFields(SUPERBLOCK, bytes, start, superblockMeanings(blockSize))
  const slots = bytes.subarray(SUPERBLOCK.size)
  if (slots.length > 0) fields.push(bytesField('extension slots', start + SUPERBLOCK.size, slots))
  return fields
}

function sharedIdFields(bytes: Uint8Array, start: number): Field[] {
  const width = Uint32Array.BYTES_PER_ELEMENT
  return listed(
    bytes,
    start,
    Object.fromEntries(
      Array.from({ length: Math.floor(bytes.length / width) }, (_, i) => [`h_shared_xattrs[${i}]`, [i * width, width]]),
    ),
  )
}

function xattrFields(bytes: Uint8Array, start: number, name: string | undefined): Field[] {
  const fields = structFields(XATTR_ENTRY, bytes, start, XATTR_ENTRY_MEANINGS)
  const [nameLength, , valueLength] = fields.map(field => Number(field.value))
  const value = XATTR_ENTRY.size + nameLength
  const end = value + valueLength
  const part = (what: string, from: number, to: number, meaning = ''): void => {
    if (to > from) fields.push(bytesField(what, start + from, bytes.subarray(from, to), meaning))
  }
  part('e_name', XATTR_ENTRY.size, value, nameText(name))
  part('value', value, end)
  part('padding', end, bytes.length)
  return fields
}

function prefixFields(bytes: Uint8Array, start: number): Field[] {
  const fields = listed(bytes.subarray(0, 3), start, { length: [0, 2], base_index: [2, 1] })
  if (bytes.length > 3) fields.push(bytesField('infix', start + 3, bytes.subarray(3)))
  return fields
}

function configurationFields(bytes: Uint8Array, start: number, algorithm: number): Field[] {
  const fields = listed(bytes.subarray(0, 2), start, { length: [0, 2] })
  const name = ALGORITHMS[algorithm] ?? `algorithm ${algorithm}`
  if (bytes.length > 2) fields.push(bytesField('record', start + 2, bytes.subarray(2), name))
  return fields
}

function chunkFields(image: Image, { start, length, detail }: Piece): Outcome<Field[]> {
  const width = detail === CHUNK_INDEX.size ? CHUNK_INDEX.size : Uint32Array.BYTES_PER_ELEMENT
  const count = Math.floor(length / width)
  const told = Math.min(count, LISTED_MOST)
  const bytes = bytesAt(image, start, told * width)
  if (bytes instanceof Fault) return bytes
  const fields: Field[] = []
  const { blockSize } = image.superblock
  for (let i = 0; i < told; i++) {
    const entry = bytes.subarray(i * width, (i + 1) * width)
    const at = start + i * width
    const meaning = (value: number): string => blockMeaning(value, blockSize, 0xffffffff)
    if (width === CHUNK_INDEX.size)
      fields.push(...structFields(CHUNK_INDEX, entry, at, { startblk_lo: meaning }, `[${i}].`))
    else
      fields.push(
        ...listed(entry, at, { [`[${i}]`]: [0, width] }).map(f => ({ ...f, meaning: meaning(Number(f.value)) })),
      )
  }
  if (count > told) {
    const rest = rangeField(image, `[${told}…${count - 1}]`, start + told * width, length - told * width)
    if (rest instanceof Fault) return rest
    fields.push(rest)
  }
  return fields
}
