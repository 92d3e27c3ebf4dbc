// How the data of a compressed inode is stored: its extents, what each is stored in, and what that sums up to. Plain values. Not
// here: the fields of the structures that say so (compressed-fields.ts), decoding.

import { BOX_BASE, Pieces, peek } from '../../wasm/core-pieces.js'
import { EXTENT_SHIFT, PIECE_FLAGS, PIECE_KINDS, type PieceKind } from '../format/anatomy-structs.js'
import { Fault, type Outcome } from '../format/errno.js'
import { COMPRESSION_CONSTANTS, MAP_HEADER } from '../format/structs.js'
import type { Image } from '../image/image.js'

/** Extents that are looked at, and those that are listed unless more are wanted. */
const LOOKS_MOST = 1 << 20
const LISTED_MOST = 1000

/** By Z_EROFS_COMPRESSION_*; what is stored as it is comes behind them. */
export const ALGORITHMS = ['LZ4', 'MicroLZMA', 'DEFLATE', 'Zstandard'] as const
const HEADER = PIECE_KINDS.indexOf('compression-header')
export const FORMS = [...ALGORITHMS, 'plain', 'plain, interlaced']

/**
 * Where the bytes of an extent are: in blocks of the image or a further device behind it, behind the inode's indexes, among the
 * metabox's data, among the packed inode's data, or nowhere, since they are zeros.
 */
export type ExtentPlace = 'image' | 'inline' | 'metabox' | 'packed' | 'hole'

export interface CompressedExtent {
  /** Byte of the file that it begins with, and bytes of the file. */
  readonly at: number
  readonly length: number
  readonly place: ExtentPlace
  /** Byte offset there (of the image, of the metabox's data, of the packed inode's); undefined for a hole. */
  readonly offset: number | undefined
  /** Bytes that it takes there; 0 for a hole. */
  readonly stored: number
  /** What it is stored as; undefined where that is not said here: of fragments and holes. */
  readonly form: string | undefined
}

export interface CompressedFacts {
  /** How extents are told: `full indexes`, `compact indexes`, `extent records`, `one fragment`. */
  readonly indexes: string
  /** Bytes of a logical cluster; undefined where there are none. */
  readonly clusterSize: number | undefined
  /** Those that some extent is stored by, in the order in which they come. */
  readonly algorithms: readonly string[]
  /** Bytes of the file. */
  readonly size: number
  /** Bytes of all pclusters, those that several extents share counted once, and bytes that are in fragments. */
  readonly stored: number
  readonly fragments: number
  readonly extents: number
  /** The first of them. */
  readonly list: readonly CompressedExtent[]
  /** Whether there are more than were looked at: then the sums are of the first ones. */
  readonly more: boolean
  /** Why the rest can't be told. */
  readonly fault: Fault | undefined
}

/** Is that the name of the layout of compressed inodes (meanings.ts)? */
export function isCompressed(layout: string): boolean {
  return layout.startsWith('compressed')
}

function placeOf(kind: PieceKind, start: number): ExtentPlace {
  if (kind === 'fragment') return 'packed'
  if (kind === 'hole') return 'hole'
  if (start >= BOX_BASE) return 'metabox'
  return kind === 'compressed-inline' ? 'inline' : 'image'
}

/** What pclusters take, as a share of the bytes of the file that they hold; undefined where all of it is fragments. */
export function ratioOf({ size, stored, fragments }: CompressedFacts): number | undefined {
  return size <= fragments ? undefined : stored / (size - fragments)
}

/** Sums up extents, one after the other. */
class Sum {
  extents = 0
  stored = 0
  fragments = 0
  readonly algorithms = new Set<string>()
  readonly list: CompressedExtent[] = []
  readonly #seen = new Set<number>()
  readonly #listed: number

  constructor(listed: number) {
    this.#listed = listed
  }

  /** `start` is where the core says that it is, which tells pclusters apart. */
  add(start: number, extent: CompressedExtent): void {
    const { place } = extent
    this.extents++
    if (place === 'packed') this.fragments += extent.length
    else if (place !== 'hole' && !this.#seen.has(start)) {
      this.#seen.add(start)
      this.stored += extent.stored
    }
    if (extent.form !== undefined) this.algorithms.add(extent.form)
    if (this.list.length < this.#listed) this.list.push(extent)
  }
}

function extentOf(kind: PieceKind, start: number, at: number, bytes: number, detail: number): CompressedExtent {
  const place = placeOf(kind, start)
  if (place === 'hole') return { at, length: bytes, place, offset: undefined, stored: 0, form: undefined }
  if (place === 'packed') return { at, length: bytes, place, offset: start, stored: bytes, form: undefined }
  const offset = place === 'metabox' ? start - BOX_BASE : start
  const form = FORMS[detail % 2 ** EXTENT_SHIFT]
  return { at, length: detail >>> EXTENT_SHIFT, place, offset, stored: bytes, form }
}

/** Adds the extents of a compressed inode. Whether there are more, or a Fault. */
function addAll(image: Image, nid: number, sum: Sum): Outcome<{ more: boolean; fault?: Fault }> {
  const pieces = new Pieces(image.core)
  for (let at = 0; at >= 0; at = pieces.cookie) {
    if (sum.extents >= LOOKS_MOST) return { more: true }
    const r = pieces.load(nid, at, PIECE_FLAGS.PF_EXTENTS)
    if (r < 0) return image.fault(r, 'extents')
    const fault = pieces.error === 0 ? undefined : image.fault(-pieces.error, 'extents')
    for (let i = 0; i < r; i++) {
      const start = pieces.start(i)
      const kind = PIECE_KINDS[pieces.kind(i)]
      sum.add(start, extentOf(kind, start, pieces.at(i), pieces.size(i), pieces.detail(i)))
    }
    if (fault !== undefined) return { more: false, fault }
  }
  return { more: false }
}

/** How extents are told, and bytes of a cluster, as the map header behind the inode says it. */
function headerFacts(image: Image, nid: number, layout: string): Outcome<{ indexes: string; clusterSize?: number }> {
  const pieces = new Pieces(image.core)
  const r = pieces.load(nid, 0, PIECE_FLAGS.PF_NO_CHUNKS)
  if (r < 0) return image.fault(r, 'inode')
  const found = Array.from({ length: r }, (_, i) => i).find(i => pieces.kind(i) === HEADER)
  if (found === undefined) return new Fault('EUCLEAN', 'no compression header')
  const bytes = peek(image.core, pieces.start(found), MAP_HEADER.size)
  if (typeof bytes === 'number') return image.fault(bytes, 'compression header')
  const { h_advise, h_clusterbits } = MAP_HEADER.fields
  const [advise, bits] = [bytes[h_advise.offset], bytes[h_clusterbits.offset]]
  if (bits >= 0x80) return { indexes: 'one fragment' }
  const records = layout === 'compressed-full' && (advise & COMPRESSION_CONSTANTS.Z_EROFS_ADVISE_EXTENTS) !== 0
  const clusterSize = image.superblock.blockSize * 2 ** (bits & 15)
  if (!records) return { indexes: `${layout.slice('compressed-'.length)} indexes`, clusterSize }
  // Of larger records each says where it begins.
  return ((advise >> 1) & 3) > 1 ? { indexes: 'extent records' } : { indexes: 'extent records', clusterSize }
}

/** Facts of a compressed inode of `size` bytes. A Miss for what is not here. */
export function compressedFacts(
  image: Image,
  { nid, size, layout }: { readonly nid: number; readonly size: number; readonly layout: string },
  listed = LISTED_MOST,
): Outcome<CompressedFacts> {
  const told = headerFacts(image, nid, layout)
  if (told instanceof Fault) return told
  const sum = new Sum(listed)
  const end = addAll(image, nid, sum)
  if (end instanceof Fault) return end
  const { extents, stored, fragments, algorithms, list } = sum
  return {
    ...told,
    clusterSize: told.clusterSize,
    algorithms: [...algorithms],
    size,
    stored,
    fragments,
    extents,
    list,
    more: end.more,
    fault: end.fault,
  }
}
