// The structures of compressed inodes and of further devices, field by field: map header, indexes of logical clusters, records of
// extents, slots of devices. Not here: what the extents are (compressed-facts.ts), other structures (erofs-fields.ts).

import { Fault, type Outcome } from '../format/errno.js'
import { COMPRESSION_CONSTANTS, DEVICE_SLOT, EXTENT, LCLUSTER_INDEX, MAP_HEADER } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { FORMS } from './compressed-facts.js'
import { bytesAt, bytesField, type Field, type Meanings, type Piece, rangeField, structFields } from './structures.js'

const C = COMPRESSION_CONSTANTS
/** Indexes that are told one by one. */
const LISTED_MOST = 256
/** Bytes of a pack of compact indexes of either form; the longer one is aligned to its size. */
const PACK = 8
const TYPES = ['plain', 'head', 'not a head', 'head of the second algorithm']
const ADVICE = ['big pclusters', 'big pclusters of the second algorithm', 'inline pcluster', 'interlaced', 'fragment']

/** What the bits above the lowest one mean to indexes; the lowest one says how these are. */
function adviceText(value: number): string {
  const found = ADVICE.filter((_, bit) => Math.floor(value / 2 ** (bit + 1)) % 2 === 1)
  if (value % 2 === 1) found.unshift('indexes of 2 bytes, or records')
  return found.join(', ')
}

function algorithmText(value: number): string {
  const [first, second] = [FORMS[value & 15] ?? value & 15, FORMS[value >> 4] ?? value >> 4]
  return first === second ? String(first) : `${first}, ${second}`
}

const HEADER_MEANINGS: Meanings = {
  h_advise: adviceText,
  h_algorithmtype: algorithmText,
  h_clusterbits: value => (value & 0x80 ? 'all of the file is a fragment' : `clusters of ${2 ** (value & 15)} blocks`),
}

/** Its first word is one of two things. */
function headerFields(bytes: Uint8Array, start: number): Field[] {
  const { h_fragmentoff, h_idata_size, h_advise, ...rest } = MAP_HEADER.fields
  const inline = (bytes[h_advise.offset] & C.Z_EROFS_ADVISE_INLINE_PCLUSTER) !== 0
  const fields = { ...(inline ? { h_idata_size } : { h_fragmentoff }), h_advise, ...rest }
  return structFields({ ...MAP_HEADER, fields }, bytes, start, HEADER_MEANINGS)
}

/** A record in the struct of the longest one, of which it is the beginning, or what it is. */
function recordFields(bytes: Uint8Array, start: number, prefix: string): Field[] {
  const meanings: Meanings = {
    plen: value => {
      const format = Math.floor(value / 2 ** C.Z_EROFS_EXTENT_PLEN_FMT_BIT)
      const length = value % (C.Z_EROFS_EXTENT_PLEN_MASK + 1)
      return length === 0 ? 'a hole' : `${length} bytes, ${format === 0 ? 'plain' : (FORMS[format - 1] ?? 'unknown')}`
    },
  }
  return structFields({ ...EXTENT, size: Math.min(EXTENT.size, bytes.length) }, bytes, start, meanings, prefix)
}

function clusterFields(bytes: Uint8Array, start: number, prefix: string, blockSize: number): Field[] {
  const isHead = (bytes[0] & C.Z_EROFS_LI_LCLUSTER_TYPE_MASK) !== C.Z_EROFS_LCLUSTER_TYPE_NONHEAD
  const { di_advise, di_clusterofs, blkaddr, delta_0, delta_1 } = LCLUSTER_INDEX.fields
  const fields = { di_advise, di_clusterofs, ...(isHead ? { blkaddr } : { delta_0, delta_1 }) }
  const meanings: Meanings = {
    di_advise: value => TYPES[value & C.Z_EROFS_LI_LCLUSTER_TYPE_MASK],
    blkaddr: value => `byte ${value * blockSize}`,
    delta_0: value =>
      value & C.Z_EROFS_LI_D0_CBLKCNT ? `${value - C.Z_EROFS_LI_D0_CBLKCNT} blocks` : `its head is ${value} before`,
    delta_1: value => `the next head is ${value} on`,
  }
  return structFields({ ...LCLUSTER_INDEX, fields }, bytes, start, meanings, prefix)
}

/** What `compression-indexes` holds; its detail says of which form (src/format/anatomy-structs.ts). */
function indexFields(image: Image, { start, length, detail }: Piece): Outcome<Field[]> {
  const unit = detail === 0 ? PACK : detail === 1 ? LCLUSTER_INDEX.size : detail
  // Before the shortest records stands where the first extent is.
  const lead = detail === 4 ? 8 : 0
  const told = Math.min(Math.floor((length - lead) / unit), LISTED_MOST)
  const end = lead + Math.max(told, 0) * unit
  const bytes = bytesAt(image, start, Math.min(end, length))
  if (bytes instanceof Fault) return bytes
  const fields = lead === 0 ? [] : [bytesField('pstart', start, bytes.subarray(0, lead), 'where the first extent is')]
  for (let i = 0, at = lead; i < told; i++, at += unit) {
    const [part, prefix] = [bytes.subarray(at, at + unit), `[${i}]`]
    if (detail === 0)
      fields.push({ ...bytesField(prefix, start + at, part), meaning: 'two indexes, or part of sixteen' })
    else if (detail === 1) fields.push(...clusterFields(part, start + at, `${prefix}.`, image.superblock.blockSize))
    else fields.push(...recordFields(part, start + at, `${prefix}.`))
  }
  if (length <= end) return fields
  const rest = rangeField(image, `[${told}…]`, start + end, length - end)
  return rest instanceof Fault ? rest : [...fields, rest]
}

function deviceFields(image: Image, { start, detail }: Piece): Outcome<Field[]> {
  const fields: Field[] = []
  for (let i = 0; i < Math.min(detail, LISTED_MOST); i++) {
    const bytes = bytesAt(image, start + i * DEVICE_SLOT.size, DEVICE_SLOT.size)
    if (bytes instanceof Fault) return bytes
    const meanings: Meanings = {
      blocks_lo: value => `${value * image.superblock.blockSize} bytes`,
      uniaddr_lo: value => (value === 0 ? '' : `stands for byte ${value * image.superblock.blockSize}`),
    }
    fields.push(...structFields(DEVICE_SLOT, bytes, start + i * DEVICE_SLOT.size, meanings, `[${i + 1}].`))
  }
  return fields
}

/** Fields of what only such images have; undefined for a piece of another kind. */
export function compressedFields(image: Image, piece: Piece): Outcome<Field[]> | undefined {
  const { kind, start, length, detail } = piece
  if (kind === 'compression-indexes') return indexFields(image, piece)
  if (kind === 'device-table') return deviceFields(image, piece)
  if (kind === 'compression-header') {
    const bytes = bytesAt(image, start, Math.min(length, MAP_HEADER.size))
    return bytes instanceof Fault ? bytes : headerFields(bytes, start)
  }
  if (kind !== 'compressed-data' && kind !== 'compressed-inline') return undefined
  const data = rangeField(image, 'pcluster', start, length, FORMS[detail])
  return data instanceof Fault ? data : [data]
}
