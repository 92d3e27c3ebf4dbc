// The structures of a cfs v1 image, field by field. The core says where they are, and has checked them. Not here: EROFS
// (erofs-fields.ts).

import {
  CFS_V1_DIR_HEADER,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../format/cfs-v1-structs.js'
import { Fault, type Outcome } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import type { Struct } from '../format/struct.js'
import type { Image } from '../image/image.js'
import { KIND_LABELS } from './image-map.js'
import { CFS_INODE_MEANINGS, CFS_SUPERBLOCK_MEANINGS } from './meanings.js'
import { bytesAt, bytesField, type Field, type Piece, rangeField, type Structure, structFields } from './structures.js'

const REFERENCES = ['variable_data', 'xattrs', 'digest'] as const

/** The inode, in which each reference is two fields. */
function inodeStruct(): Struct {
  const fields: Record<string, { offset: number; width: number }> = { ...CFS_V1_INODE.fields }
  for (const name of REFERENCES) {
    const { offset } = CFS_V1_INODE.fields[name]
    delete fields[name]
    for (const [part, field] of Object.entries(CFS_V1_REFERENCE.fields))
      fields[`${name}.${part}`] = { offset: offset + field.offset, width: field.width }
  }
  return { ...CFS_V1_INODE, fields }
}

/** Elements first, then each one's key and value; lengths as the core has checked them. */
function xattrFields(image: Image, bytes: Uint8Array, start: number, nid: number): Outcome<Field[]> {
  const stored = image.core.xattrs(nid)
  if (typeof stored === 'number') return image.fault(stored, 'xattrs')
  const fields = structFields(CFS_V1_XATTR_HEADER, bytes, start, {})
  let at = CFS_V1_XATTR_HEADER.size
  for (let i = 0; i < stored.length; i++, at += CFS_V1_XATTR.size)
    fields.push(...structFields(CFS_V1_XATTR, bytes.subarray(at), start + at, {}, `[${i}].`))
  for (const [i, { rest, value }] of stored.entries()) {
    fields.push(bytesField(`[${i}].key`, start + at, rest))
    at += rest.length
    if (value.length > 0) fields.push(bytesField(`[${i}].value`, start + at, value))
    at += value.length
  }
  return fields
}

function fieldsIn(image: Image, { kind, start, length }: Piece, nid: number | undefined): Outcome<Field[]> {
  const bytes = bytesAt(image, start, length)
  if (bytes instanceof Fault) return bytes
  if (kind === 'superblock') return structFields(CFS_V1_SUPERBLOCK, bytes, start, CFS_SUPERBLOCK_MEANINGS)
  if (kind === 'inode-cfs') return structFields(inodeStruct(), bytes, start, CFS_INODE_MEANINGS)
  if (kind === 'cfs-xattrs' && nid !== undefined) return xattrFields(image, bytes, start, nid)
  if (kind === 'cfs-digest') return [{ name: 'digest', offset: start, width: length, value: toHex(bytes), meaning: '' }]
  if (kind === 'cfs-entries') {
    const fields = structFields(CFS_V1_DIR_HEADER, bytes, start, {})
    const rest = rangeField(image, 'entries', start + CFS_V1_DIR_HEADER.size, length - CFS_V1_DIR_HEADER.size)
    return rest instanceof Fault ? rest : [...fields, rest]
  }
  const name = kind === 'cfs-target' ? 'target' : kind === 'cfs-backing-path' ? 'path' : 'data'
  const field = rangeField(image, name, start, length)
  return field instanceof Fault ? field : [field]
}

/** The structure that a piece holds. `nid` is that of its inode. */
export function cfsStructureOf(image: Image, piece: Piece, nid: number | undefined): Outcome<Structure> {
  const fields = fieldsIn(image, piece, nid)
  if (fields instanceof Fault) return fields
  const { kind, start, length } = piece
  return { name: KIND_LABELS[kind], kind, start, length, at: undefined, fields }
}
