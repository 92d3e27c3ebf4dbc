// Which structures there are, field by field: those of an inode, those of the image itself, the entries of a directory, and the
// one at a byte of the image. Answers are Faults where something can't be read, a Miss for bytes of a lazy image that are not
// here: call again when it has loaded. Not here: the fields of each kind (erofs-fields.ts, cfs-fields.ts).

import { Pieces } from '../../wasm/core-pieces.js'
import { PIECE_FLAGS } from '../format/anatomy-structs.js'
import { Fault, isUnread, type Outcome } from '../format/errno.js'
import type { Image } from '../image/image.js'
import { cfsStructureOf } from './cfs-fields.js'
import { direntStructure } from './dirent-fields.js'
import { structureOf, xattrNames } from './erofs-fields.js'
import { type ImageMap, KIND_LABELS } from './image-map.js'
import { copied, inodePieces, type Piece, rangeField, type Structure } from './structures.js'

/** Structures that an inode's answer has at most; a file can have its data in any number of pieces. */
const STRUCTURES_MOST = 1024

export interface InodeStructures {
  readonly nid: number
  /** In the order: inode, xattrs, what follows them, data elsewhere. */
  readonly structures: readonly Structure[]
  /** Whether there are more than are given. */
  readonly more: boolean
  /** What is wrong with a part of the inode, which is left out. */
  readonly fault: Fault | undefined
}

function isXattr({ kind }: Piece): boolean {
  return kind === 'xattr-entry' || kind === 'shared-xattr'
}

/** The structures of an inode. */
export function fieldsOf(image: Image, nid: number): Outcome<InodeStructures> {
  const found = inodePieces(image, nid, PIECE_FLAGS.PF_ENTRIES)
  if (found instanceof Fault) return found
  const cfs = image.format === 'cfs-v1'
  const names = !cfs && found.pieces.some(isXattr) ? xattrNames(image, nid) : undefined
  if (names instanceof Fault) return names
  const structures: Structure[] = []
  let xattr = 0
  for (const piece of found.pieces.slice(0, STRUCTURES_MOST)) {
    const name = isXattr(piece) ? names?.[xattr++] : undefined
    const structure = cfs ? cfsStructureOf(image, piece, nid) : structureOf(image, piece, name)
    if (structure instanceof Fault) return structure
    structures.push(structure)
  }
  return { nid, structures, more: found.more || found.pieces.length > structures.length, fault: found.fault }
}

function framePieces(image: Image): Outcome<Piece[]> {
  const pieces = new Pieces(image.core)
  const r = pieces.frame()
  return r < 0 ? image.fault(r, 'superblock') : copied(pieces)
}

/** The structures that belong to no inode: header, superblock and what goes with it. */
export function frameFields(image: Image): Outcome<Structure[]> {
  const pieces = framePieces(image)
  if (pieces instanceof Fault) return pieces
  const out: Structure[] = []
  for (const piece of pieces) {
    const structure = anyStructure(image, piece, undefined)
    if (structure instanceof Fault) return structure
    out.push(structure)
  }
  return out
}

function anyStructure(image: Image, piece: Piece, nid: number | undefined): Outcome<Structure> {
  return image.format === 'cfs-v1' ? cfsStructureOf(image, piece, nid) : structureOf(image, piece)
}

interface Entries {
  /** Blocks of the directory. */
  readonly blocks: number
  readonly pieces: readonly Piece[]
}

function direntPieces(image: Image, nid: number, block: number): Outcome<Entries> {
  const pieces = new Pieces(image.core)
  const r = pieces.dirents(nid, block)
  return r < 0 ? image.fault(r, 'directory') : { blocks: pieces.cookie, pieces: copied(pieces) }
}

/** The entries in a block of a directory, and the number of its blocks (of cfs v1: of 512 entries each). */
export function entriesOf(image: Image, nid: number, block: number): Outcome<{ blocks: number; entries: Structure[] }> {
  const found = direntPieces(image, nid, block)
  if (found instanceof Fault) return found
  const entries: Structure[] = []
  for (const piece of found.pieces) {
    const entry = direntStructure(image, piece)
    if (entry instanceof Fault) return entry
    entries.push(entry)
  }
  return { blocks: found.blocks, entries }
}

function holds({ start, length }: { start: number; length: number }, offset: number): boolean {
  return offset >= start && offset < start + length
}

/** The entry of a directory that a byte of its data belongs to, by its dirent or by its name. */
function entryAt(image: Image, nid: number, data: Structure, offset: number): Outcome<Structure | undefined> {
  const isHit = (piece: Piece): boolean =>
    holds(piece, offset) || holds({ start: piece.at, length: piece.detail }, offset)
  const inBlock = (block: number): Outcome<Entries> => direntPieces(image, nid, block)
  const first = data.at === undefined ? 0 : Math.floor((data.at + offset - data.start) / image.superblock.blockSize)
  for (let block = first; ; block++) {
    const found = inBlock(block)
    // A bad block has no entries to tell of.
    if (found instanceof Fault) return isUnread(found) ? found : undefined
    const piece = found.pieces.find(isHit)
    if (piece !== undefined) return direntStructure(image, piece)
    if (image.format !== 'cfs-v1' || block + 1 >= found.blocks) return undefined
  }
}

const ENTRIES = new Set(['inline-entries', 'directory-block', 'cfs-entries'])

/** What a byte of the image is part of, and what inode that belongs to. */
export interface StructureAt {
  readonly nid: number | undefined
  readonly structure: Structure
}

/**
 * The structure at a byte of the image, the innermost one: an xattr, an entry of a directory. Without a map (of a lazy image
 * there is none) only what belongs to no inode is found. Undefined where nothing is.
 */
export function fieldsAt(image: Image, offset: number, map: ImageMap | undefined): Outcome<StructureAt | undefined> {
  const range = map?.rangeAt(offset)
  if (range === undefined) {
    const frame = frameFields(image)
    if (frame instanceof Fault) return frame
    const structure = frame.find(one => holds(one, offset))
    return structure === undefined ? undefined : { nid: undefined, structure }
  }
  const { kind, start, end, nid } = range
  if (nid === undefined) return frameOrGap(image, { kind, start, length: end - start, at: 0, detail: 0 }, offset)
  const found = fieldsOf(image, nid)
  if (found instanceof Fault) return found
  const structure = found.structures.find(one => holds(one, offset))
  if (structure === undefined) {
    const data = anyStructure(image, { kind, start, length: end - start, at: 0, detail: 0 }, nid)
    return data instanceof Fault ? data : { nid, structure: data }
  }
  const entry = ENTRIES.has(kind) ? entryAt(image, nid, structure, offset) : undefined
  if (entry instanceof Fault) return entry
  return { nid, structure: entry ?? structure }
}

function frameOrGap(image: Image, piece: Piece, offset: number): Outcome<StructureAt> {
  const frame = framePieces(image)
  if (frame instanceof Fault) return frame
  const own = frame.find(one => holds(one, offset)) ?? (piece.kind === 'shared-xattr' ? piece : undefined)
  if (own !== undefined) {
    const structure = anyStructure(image, own, undefined)
    return structure instanceof Fault ? structure : { nid: undefined, structure }
  }
  const { kind, start, length } = piece
  const field = rangeField(image, 'bytes', start, length)
  if (field instanceof Fault) return field
  return { nid: undefined, structure: { name: KIND_LABELS[kind], kind, start, length, at: undefined, fields: [field] } }
}
