// What an inspector says of one inode: what it is, how and where it is stored, its xattrs as they are stored, where its data
// lies or what it says instead. All plain values. Not here: what a mount shows of it (src/overlay), its fields (fields.ts).

import { CfsDetails } from '../../wasm/cfs-details.js'
import type { StoredXattr } from '../../wasm/core-image.js'
import { inodeOffset } from '../../wasm/core-pieces.js'
import { PIECE_FLAGS, type PieceKind } from '../format/anatomy-structs.js'
import { Fault, isUnread, type Outcome } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { metacopyDigest } from '../format/metacopy.js'
import { CONSTANTS, INODE_COMPACT, RECORD_FLAGS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import { fullXattrName, METACOPY, REDIRECT } from '../image/view.js'
import { type CompressedFacts, compressedFacts, isCompressed } from './compressed-facts.js'
import { nameText } from './erofs-fields.js'
import { LAYOUT_NAMES } from './meanings.js'
import { bytesAt, type InodePieces, inodePieces, type Piece } from './structures.js'

/** Pieces of data that facts list at most. */
const EXTENTS_MOST = 1000
const DATA = new Set<PieceKind>([
  'inline-entries',
  'inline-target',
  'inline-data',
  'directory-block',
  'symlink-block',
  'file-data',
  'cfs-entries',
  'cfs-target',
])

export interface StoredXattrFacts {
  /** Full name as it is stored, before any view; what is no printable ASCII as \xHH. */
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly value: Uint8Array
  readonly where: 'inline' | 'shared'
  /** Place of its entry in the image; undefined where it stands among others (cfs v1). */
  readonly offset: number | undefined
  readonly length: number
}

export interface DataExtent {
  /** Byte offset in the image, and bytes. */
  readonly offset: number
  readonly length: number
  /** Byte of the file that it begins with; holes are what is left out. */
  readonly at: number
  /** Behind the inode, rather than in blocks elsewhere. */
  readonly inline: boolean
}

export interface InodeFacts {
  readonly nid: number
  /** Byte offset of the inode in the image (in the metabox's data from BOX_BASE on), and bytes: the inode alone, and its xattrs. */
  readonly offset: number
  readonly inodeSize: number
  readonly xattrSize: number
  readonly form: 'compact' | 'extended' | 'cfs-v1'
  /** `flat-plain`, `flat-inline`, `chunk-based`, `compressed-full`, `compressed-compact`; `backed` in cfs v1. */
  readonly layout: string
  /** i_ino: what 32-bit programs are told; undefined in cfs v1. */
  readonly ino: number | undefined
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  /** Bytes. */
  readonly size: number
  readonly mtimeSec: number
  readonly mtimeNsec: number
  readonly xattrs: readonly StoredXattrFacts[]
  /** Why the xattrs can't be read. */
  readonly xattrFault: Fault | undefined
  /** Where the data is in a store: trusted.overlay.redirect, or a backing path of cfs v1; escaped text. */
  readonly redirect: string | undefined
  /** fs-verity digest that the data must have, hex; undefined where none is said. */
  readonly digest: string | undefined
  /** What is wrong with the metacopy xattr. */
  readonly metacopyFault: Fault | undefined
  readonly data: readonly DataExtent[]
  /** Bytes of a chunk; undefined for other layouts. */
  readonly chunkSize: number | undefined
  /** How compressed data is stored; undefined for other layouts. Its pieces are not in `data`. */
  readonly compressed: CompressedFacts | undefined
  /** Whether data has more pieces than are given. */
  readonly more: boolean
  /** What is wrong with a part of the inode, which is left out. */
  readonly fault: Fault | undefined
}

function extentOf({ kind, start, length, at }: Piece): DataExtent {
  return { offset: start, length, at, inline: kind.startsWith('inline-') }
}

function xattrsOf(image: Image, nid: number, pieces: readonly Piece[]): Outcome<StoredXattrFacts[]> {
  const stored = image.core.xattrs(nid)
  if (typeof stored === 'number') return image.fault(stored, 'xattrs')
  const places = pieces.filter(({ kind }) => kind === 'xattr-entry' || kind === 'shared-xattr')
  return stored.map((one, i) => xattrFacts(one, places[i]))
}

function xattrFacts({ index, rest, value }: StoredXattr, place: Piece | undefined): StoredXattrFacts {
  const name = fullXattrName(index, binaryString(rest))
  return {
    name: nameText(name),
    nameBytes: Uint8Array.from(name, character => character.charCodeAt(0)),
    value,
    where: place?.kind === 'shared-xattr' ? 'shared' : 'inline',
    offset: place?.start,
    length: place?.length ?? 0,
  }
}

interface Backing {
  readonly redirect: string | undefined
  readonly digest: string | undefined
  readonly fault: Fault | undefined
}

/** What the xattrs of EROFS say of data elsewhere. */
function marksOf(xattrs: readonly StoredXattrFacts[]): Backing {
  const value = (name: string): Uint8Array | undefined => xattrs.find(one => one.name === name)?.value
  const redirect = value(REDIRECT)
  const metacopy = value(METACOPY)
  const digest = metacopy === undefined ? undefined : metacopyDigest(metacopy)
  return {
    redirect: redirect === undefined ? undefined : nameText(binaryString(redirect)),
    digest: digest === undefined || digest instanceof Fault ? undefined : toHex(digest),
    fault: digest instanceof Fault ? digest : undefined,
  }
}

/** What an inode of cfs v1 says of it itself. */
function backingOf(image: Image, nid: number): Outcome<Backing> {
  const { core } = image
  const details = new CfsDetails()
  const r = details.load(core, nid)
  if (r < 0) return image.fault(r, 'inode')
  const bytes = ({ from, to }: { from: number; to: number }): Uint8Array | undefined =>
    from < 0 ? undefined : core.core.copy(from, to - from)
  const path = bytes(details.payload)
  const digest = bytes(details.digest)
  const isLink = (core.mode() & CONSTANTS.S_IFMT) === CONSTANTS.S_IFLNK
  return {
    redirect: path === undefined || isLink ? undefined : nameText(binaryString(path)),
    digest: digest === undefined ? undefined : toHex(digest),
    fault: undefined,
  }
}

/** i_ino, and bytes of a chunk, which no record of the core has. Both forms of an inode have these fields at one place. */
function furtherFields(image: Image, offset: number, layout: string): Outcome<{ ino: number; chunkSize?: number }> {
  const bytes = bytesAt(image, offset, INODE_COMPACT.size)
  if (bytes instanceof Fault) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { i_ino, i_u } = INODE_COMPACT.fields
  const ino = view.getUint32(i_ino.offset, true)
  if (layout !== 'chunk-based') return { ino }
  const bits = view.getUint32(i_u.offset, true) & CONSTANTS.EROFS_CHUNK_FORMAT_BLKBITS_MASK
  return { ino, chunkSize: image.superblock.blockSize * 2 ** bits }
}

function layoutName(image: Image, flags: number): string {
  if (image.format === 'cfs-v1') return 'backed'
  const layout = flags & RECORD_FLAGS.RF_LAYOUT_MASK
  return LAYOUT_NAMES[layout] ?? `layout ${layout}`
}

function formOf(image: Image, flags: number): InodeFacts['form'] {
  if (image.format === 'cfs-v1') return 'cfs-v1'
  return (flags & RECORD_FLAGS.RF_EXTENDED) !== 0 ? 'extended' : 'compact'
}

function sizeOf(pieces: readonly Piece[], test: (kind: PieceKind) => boolean): number {
  return pieces.reduce((sum, { kind, length }) => (test(kind) ? sum + length : sum), 0)
}

/** Bytes of an inode's xattrs, those that are shared left out. */
function xattrSizeOf({ pieces }: InodePieces): number {
  return sizeOf(pieces, kind => kind.startsWith('xattr-') || kind === 'cfs-xattrs')
}

/** Facts of an inode. A Miss for what is not here of a lazy image: ask again when it has loaded. */
export function factsOf(image: Image, nid: number): Outcome<InodeFacts> {
  const { core } = image
  const r = core.stat(nid)
  if (r < 0) return image.fault(r, 'inode')
  const attr = { ino: 0, mode: 0, nlink: 0, uid: 0, gid: 0, rdev: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 }
  core.attr(attr)
  const flags = core.flags()
  const offset = inodeOffset(core, nid)
  const layout = layoutName(image, flags)
  const found = inodePieces(image, nid, PIECE_FLAGS.PF_ENTRIES)
  if (found instanceof Fault) return found
  const xattrs = xattrsOf(image, nid, found.pieces)
  if (xattrs instanceof Fault && isUnread(xattrs)) return xattrs
  const cfs = image.format === 'cfs-v1'
  const stored = xattrs instanceof Fault ? [] : xattrs
  const backing = cfs ? backingOf(image, nid) : marksOf(stored)
  if (backing instanceof Fault) return backing
  const further = cfs ? { ino: undefined, chunkSize: undefined } : furtherFields(image, offset, layout)
  if (further instanceof Fault) return further
  const compressed = isCompressed(layout) ? compressedFacts(image, { nid, size: attr.size, layout }) : undefined
  if (compressed instanceof Fault && isUnread(compressed)) return compressed
  const data = found.pieces.filter(({ kind }) => DATA.has(kind))
  return {
    ...attr,
    nid,
    offset,
    inodeSize: sizeOf(found.pieces, kind => kind.startsWith('inode-')),
    xattrSize: xattrSizeOf(found),
    form: formOf(image, flags),
    layout,
    ino: further.ino,
    xattrs: stored,
    xattrFault: xattrs instanceof Fault ? xattrs : undefined,
    redirect: backing.redirect,
    digest: backing.digest,
    metacopyFault: backing.fault,
    data: data.slice(0, EXTENTS_MOST).map(extentOf),
    chunkSize: further.chunkSize,
    compressed: compressed instanceof Fault ? undefined : compressed,
    more: found.more || data.length > EXTENTS_MOST,
    fault: found.fault ?? (compressed instanceof Fault ? compressed : undefined),
  }
}
