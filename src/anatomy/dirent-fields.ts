// The structure of an entry of a directory, of either format: its fields, and its name, which stands elsewhere. Not here: where
// entries are (fields.ts).

import { Fault, type Outcome } from '../format/errno.js'
import { CFS_V1_DIRENT, DIRENT } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { KIND_LABELS } from './image-map.js'
import { CFS_DIRENT_MEANINGS, DIRENT_MEANINGS } from './meanings.js'
import { bytesAt, bytesField, type Piece, type Structure, structFields } from './structures.js'

export function direntStructure(image: Image, piece: Piece): Outcome<Structure> {
  const [struct, meanings] =
    image.format === 'cfs-v1' ? ([CFS_V1_DIRENT, CFS_DIRENT_MEANINGS] as const) : ([DIRENT, DIRENT_MEANINGS] as const)
  const { kind, start, length, at, detail } = piece
  const bytes = bytesAt(image, start, struct.size)
  if (bytes instanceof Fault) return bytes
  const name = bytesAt(image, at, detail)
  if (name instanceof Fault) return name
  const fields = structFields(struct, bytes, start, meanings)
  fields.push(bytesField('name', at, name))
  return { name: KIND_LABELS.dirent, kind, start, length, at: undefined, fields }
}
