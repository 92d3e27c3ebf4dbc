// Where the structures of an EROFS image with compressed files are, as far as they can be found without decoding any: inodes are looked for
// in every slot behind the metadata's begin, since directories may be compressed. Not here: what is changed there (mutate-compressed.ts).

import {
  CONSTANTS,
  DEVICE_SLOT,
  EXTENT,
  INODE_COMPACT,
  INODE_EXTENDED,
  LCLUSTER_INDEX,
  MAP_HEADER,
  type Struct,
  SUPERBLOCK,
  XATTR_IBODY,
} from '../format/structs.js'
import { type Place, readField } from './erofs-places.js'

const C = CONSTANTS
const SLOT = 32
const INODES_MAX = 128
/** Entries of one index that are looked at. */
const ENTRIES_MAX = 24
const TYPES = new Set<number>([C.S_IFREG, C.S_IFDIR, C.S_IFLNK, C.S_IFCHR, C.S_IFBLK, C.S_IFIFO, C.S_IFSOCK])

export interface CompressedInode {
  readonly inode: Place
  /** Byte offset of the map header. */
  readonly header: number
  readonly kind: 'full' | 'compact' | 'records'
  /** Where its entries, packs or records begin, and bytes of each. */
  readonly table: number
  readonly unit: number
  readonly count: number
}

export interface CompressedPlaces {
  readonly blockSize: number
  readonly compressed: readonly CompressedInode[]
  /** Configurations behind the superblock: offset and length. */
  readonly configurations: { readonly at: number; readonly length: number }
  readonly slots: readonly Place[]
  /** Byte offsets of pclusters, as indexes have them. */
  readonly pclusters: readonly number[]
}

class Finder {
  readonly #bytes: Uint8Array
  readonly #block: number
  readonly compressed: CompressedInode[] = []
  readonly pclusters: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    const bits = this.#super('blkszbits') & 31
    this.#block = 2 ** Math.min(Math.max(bits, C.EROFS_MIN_BLKSZBITS), C.EROFS_MAX_BLKSZBITS)
  }

  #super(name: keyof typeof SUPERBLOCK.fields): number {
    return readField(this.#bytes, C.EROFS_SUPER_OFFSET, SUPERBLOCK.fields[name])
  }

  find(): CompressedPlaces {
    const from = this.#super('meta_blkaddr') * this.#block
    for (let at = from; at + SLOT <= this.#bytes.length && this.compressed.length < INODES_MAX; at += SLOT)
      this.#inode(at)
    const behind = C.EROFS_SUPER_OFFSET + SUPERBLOCK.size + this.#super('sb_extslots') * C.EROFS_SB_EXTSLOT_SIZE
    const table = this.#super('devt_slotoff') * DEVICE_SLOT.size
    const count = Math.min(this.#super('extra_devices'), 4)
    const slots = Array.from({ length: count }, (_, i) => ({ struct: DEVICE_SLOT, at: table + i * DEVICE_SLOT.size }))
    const { compressed, pclusters } = this
    return { blockSize: this.#block, compressed, configurations: { at: behind, length: 64 }, slots, pclusters }
  }

  #inode(at: number): void {
    const bytes = this.#bytes
    const format = readField(bytes, at, INODE_COMPACT.fields.i_format)
    const type = readField(bytes, at, INODE_COMPACT.fields.i_mode) & C.S_IFMT
    const layout = (format >> C.EROFS_I_DATALAYOUT_SHIFT) & C.EROFS_I_DATALAYOUT_MASK
    const full = layout === C.EROFS_INODE_COMPRESSED_FULL
    if (!TYPES.has(type) || format >> 5 !== 0 || (!full && layout !== C.EROFS_INODE_COMPRESSED_COMPACT)) return
    const struct: Struct = (format & C.EROFS_I_VERSION_MASK) === 0 ? INODE_COMPACT : INODE_EXTENDED
    const size = readField(bytes, at, struct.fields.i_size)
    const icount = readField(bytes, at, INODE_COMPACT.fields.i_xattr_icount)
    const end = at + struct.size + (icount === 0 ? 0 : XATTR_IBODY.size + 4 * (icount - 1))
    const header = Math.ceil(end / 8) * 8
    const advise = readField(bytes, header, MAP_HEADER.fields.h_advise)
    const kind = full ? ((advise & 1) === 0 ? 'full' : 'records') : 'compact'
    const record = 4 << ((advise >> 1) & 3)
    const unit = kind === 'full' ? LCLUSTER_INDEX.size : kind === 'compact' ? 8 : record
    const table = kind === 'records' ? Math.ceil((header + 8) / record) * record : header + (full ? 16 : 8)
    const clusters = Math.max(1, Math.ceil(size / this.#block))
    const count = Math.min(kind === 'compact' ? Math.ceil(clusters / 2) : clusters, ENTRIES_MAX)
    this.compressed.push({ inode: { struct, at }, header, kind, table, unit, count })
    for (let i = 0; i < count; i++) this.#pcluster(kind, table + i * unit, record)
  }

  #pcluster(kind: string, at: number, record: number): void {
    const bytes = this.#bytes
    if (kind === 'full') this.pclusters.push(readField(bytes, at, LCLUSTER_INDEX.fields.blkaddr) * this.#block)
    else if (kind === 'compact') this.pclusters.push(readField(bytes, at, { offset: 4, width: 4 }) * this.#block)
    else if (record >= 8) this.pclusters.push(readField(bytes, at, EXTENT.fields.pstart_lo))
  }
}

export function compressedPlaces(bytes: Uint8Array): CompressedPlaces {
  return new Finder(bytes).find()
}
