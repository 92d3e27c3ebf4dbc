// The map of an image: ranges that cover its file exactly once, each with what it holds and whose it is. Kept in typed arrays,
// some nine bytes a range. Not here: making it (survey.ts, cover.ts), what is inside a structure (fields.ts).

import { PIECE_KINDS, type PieceKind } from '../format/anatomy-structs.js'
import { type Claims, nidOf, offsetArray } from './claims.js'

export type { PieceKind } from '../format/anatomy-structs.js'

/** A range of the image file, or a claim on one. */
export interface MapRange {
  /** Byte offsets; `end` is behind the last byte. */
  readonly start: number
  readonly end: number
  readonly kind: PieceKind
  /** Of the inode that it belongs to; undefined for what belongs to none or to several. */
  readonly nid: number | undefined
  /** In words: "inode, compact". */
  readonly label: string
}

/** A structure that could not be read, or that says what can't be. */
export interface MapFault {
  readonly nid: number | undefined
  /** errno's name. */
  readonly code: string
  /** One sentence without a full stop. */
  readonly what: string
}

export interface KindTotal {
  readonly kind: PieceKind
  readonly label: string
  readonly ranges: number
  readonly bytes: number
}

/** What a kind is called. */
export const KIND_LABELS: Readonly<Record<PieceKind, string>> = {
  padding: 'zeros that nothing uses',
  unclaimed: 'bytes that nothing refers to',
  unread: 'bytes that may be those of inodes that can’t be read',
  'composefs-header': 'composefs header',
  superblock: 'superblock',
  'compression-configuration': 'compression configuration',
  'xattr-prefix': 'long prefix of xattr names',
  'shared-xattr': 'shared xattr',
  'inode-compact': 'inode, compact',
  'inode-extended': 'inode, extended',
  'inode-xattrs': 'xattrs of an inode',
  'chunk-indexes': 'chunk indexes',
  'compression-header': 'compression header of an inode',
  'compression-indexes': 'compression indexes',
  'compressed-data': 'compressed data',
  'compressed-inline': 'compressed data behind its inode',
  fragment: 'fragment in the packed inode',
  hole: 'hole',
  'device-table': 'table of further devices',
  'inline-entries': 'directory entries behind their inode',
  'inline-target': 'symlink target behind its inode',
  'inline-data': 'file data behind its inode',
  'directory-block': 'directory blocks',
  'symlink-block': 'block of a symlink target',
  'file-data': 'file data',
  'inode-cfs': 'inode',
  'cfs-entries': 'directory entries',
  'cfs-target': 'symlink target',
  'cfs-backing-path': 'path of an object',
  'cfs-xattrs': 'xattrs',
  'cfs-digest': 'fs-verity digest',
  'xattr-header': 'header of xattrs',
  'xattr-shared-ids': 'ids of shared xattrs',
  'xattr-entry': 'xattr',
  dirent: 'directory entry',
}

/** Claims that `alsoAt` gives at most, and how many it looks at for them. */
const ALSO_MOST = 16
const ALSO_LOOKS = 4096

export class ImageMap {
  /** Bytes of the image file, all of which the ranges cover. */
  readonly byteLength: number
  /** Ranges. */
  readonly count: number
  /** Inodes that were reached from the root. */
  readonly inodes: number
  /** What could not be read, at most a hundred; `faultCount` counts all. */
  readonly faults: readonly MapFault[]
  readonly faultCount: number
  readonly #starts: Uint32Array | Float64Array
  readonly #kinds: Uint8Array
  readonly #owners: Uint32Array
  readonly #also: Claims
  /** The furthest end of the claims up to one. */
  readonly #reach: Uint32Array | Float64Array

  /** `ranges` are in order and leave nothing out. */
  constructor(
    byteLength: number,
    ranges: Claims,
    also: Claims,
    found: { inodes: number; faults: readonly MapFault[]; faultCount: number },
  ) {
    this.byteLength = byteLength
    this.count = ranges.length
    this.inodes = found.inodes
    this.faults = found.faults
    this.faultCount = found.faultCount
    this.#starts = ranges.starts.slice(0, ranges.length)
    this.#kinds = ranges.kinds.slice(0, ranges.length)
    this.#owners = ranges.owners.slice(0, ranges.length)
    this.#also = also
    this.#reach = offsetArray(byteLength, also.length)
    let reach = 0
    for (let i = 0; i < also.length; i++) {
      reach = Math.max(reach, also.ends[i])
      this.#reach[i] = reach
    }
  }

  /** Claims that did not get all their bytes, since others have them. */
  get overlaps(): number {
    return this.#also.length
  }

  /** One of these claims, in the order of their starts: all that was claimed, whoever has it. */
  claim(i: number): MapRange {
    const { starts, ends, kinds, owners } = this.#also
    const kind = PIECE_KINDS[kinds[i]]
    return { start: starts[i], end: ends[i], kind, nid: nidOf(owners[i]), label: KIND_LABELS[kind] }
  }

  /** Bytes that the map itself takes. */
  get memory(): number {
    const also = this.#also.length
    const offset = this.#starts.BYTES_PER_ELEMENT
    return this.count * (offset + 5) + also * (3 * offset + 5)
  }

  start(i: number): number {
    return this.#starts[i]
  }

  end(i: number): number {
    return i + 1 < this.count ? this.#starts[i + 1] : this.byteLength
  }

  kind(i: number): PieceKind {
    return PIECE_KINDS[this.#kinds[i]]
  }

  nid(i: number): number | undefined {
    return nidOf(this.#owners[i])
  }

  range(i: number): MapRange {
    const kind = this.kind(i)
    return { start: this.start(i), end: this.end(i), kind, nid: this.nid(i), label: KIND_LABELS[kind] }
  }

  /** Index of the range that holds a byte of the image; -1 outside of it. */
  indexAt(offset: number): number {
    if (!(offset >= 0 && offset < this.byteLength)) return -1
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#starts[middle] <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  rangeAt(offset: number): MapRange | undefined {
    const i = this.indexAt(offset)
    return i < 0 ? undefined : this.range(i)
  }

  /** What else claims a byte: sixteen at most, those that begin last first, of the 4096 that begin last before it. */
  alsoAt(offset: number): MapRange[] {
    const own = this.rangeAt(offset)
    const { starts, length } = this.#also
    let low = 0
    let high = length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle] <= offset) low = middle + 1
      else high = middle
    }
    const found: MapRange[] = []
    const last = Math.max(0, low - ALSO_LOOKS)
    for (let i = low - 1; i >= last && this.#reach[i] > offset && found.length < ALSO_MOST; i--) {
      const claim = this.claim(i)
      if (claim.end <= offset || (claim.kind === own?.kind && claim.nid === own.nid)) continue
      found.push(claim)
    }
    return found
  }

  /** Index in PIECE_KINDS of what takes most of each block of that many bytes; the last block may be shorter. */
  kinds(blockSize: number): Uint8Array {
    const blocks = new Uint8Array(Math.ceil(this.byteLength / blockSize))
    const bytes = new Float64Array(PIECE_KINDS.length)
    let i = 0
    for (let block = 0; block < blocks.length; block++) {
      const from = block * blockSize
      const to = Math.min(from + blockSize, this.byteLength)
      bytes.fill(0)
      // The last range of a block may be the first one of the next.
      for (; i < this.count; i++) {
        const end = this.end(i)
        bytes[this.#kinds[i]] += Math.min(end, to) - Math.max(this.#starts[i], from)
        if (end > to) break
      }
      blocks[block] = bytes.indexOf(Math.max(...bytes))
    }
    return blocks
  }

  /** Ranges and bytes of each kind that there is. */
  totals(): KindTotal[] {
    const ranges = new Float64Array(PIECE_KINDS.length)
    const bytes = new Float64Array(PIECE_KINDS.length)
    for (let i = 0; i < this.count; i++) {
      ranges[this.#kinds[i]]++
      bytes[this.#kinds[i]] += this.end(i) - this.#starts[i]
    }
    return PIECE_KINDS.map((kind, k) => ({
      kind,
      label: KIND_LABELS[kind],
      ranges: ranges[k],
      bytes: bytes[k],
    })).filter(total => total.ranges > 0)
  }
}
