// Where the structures of an EROFS image are, as far as they can be found: read without trust, by rules of its own and not by the core's,
// since it is the core that is fuzzed. Not here: what is changed there (mutate-erofs.ts).

import {
  CHUNK_INDEX,
  COMPOSEFS_HEADER,
  CONSTANTS,
  DIRENT,
  type Field,
  INODE_COMPACT,
  INODE_EXTENDED,
  type Struct,
  SUPERBLOCK,
  XATTR_ENTRY,
  XATTR_IBODY,
} from '../format/structs.js'

const C = CONSTANTS
const SLOT = 32
/** Inodes that are looked at, and entries of one directory. */
const INODES_MAX = 512
const ENTRIES_MAX = 256

export interface Place {
  readonly struct: Struct
  /** Byte offset in the image. */
  readonly at: number
}

export interface ErofsPlaces {
  readonly blockSize: number
  /** Byte offset of nid 0. */
  readonly meta: number
  /** Superblock, inodes, dirents, xattr bodies and entries, chunk indexes; the composefs header. */
  readonly structs: readonly Place[]
  readonly inodes: readonly Place[]
  readonly dirents: readonly Place[]
  /** Byte ranges of names and of what lies behind inodes. */
  readonly ranges: readonly { readonly at: number; readonly length: number }[]
}

/** Unsigned, little-endian; what is beyond the end is 0. */
export function readField(bytes: Uint8Array, at: number, { offset, width }: Field): number {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + offset + i] ?? 0)
  return value
}

class Finder {
  readonly #bytes: Uint8Array
  readonly #block: number
  readonly #meta: number
  readonly #seen = new Set<number>()
  readonly structs: Place[] = []
  readonly inodes: Place[] = []
  readonly dirents: Place[] = []
  readonly ranges: { at: number; length: number }[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    const { blkszbits, meta_blkaddr } = SUPERBLOCK.fields
    this.#block = 2 ** Math.min(readField(bytes, C.EROFS_SUPER_OFFSET, blkszbits) & 31, C.EROFS_MAX_BLKSZBITS)
    this.#meta = readField(bytes, C.EROFS_SUPER_OFFSET, meta_blkaddr) * this.#block
  }

  find(): ErofsPlaces {
    this.structs.push({ struct: SUPERBLOCK, at: C.EROFS_SUPER_OFFSET })
    if (readField(this.#bytes, 0, COMPOSEFS_HEADER.fields.magic) === C.LCFS_EROFS_MAGIC) {
      this.structs.push({ struct: COMPOSEFS_HEADER, at: 0 })
    }
    const queue = [readField(this.#bytes, C.EROFS_SUPER_OFFSET, SUPERBLOCK.fields.rootnid_2b)]
    for (let nid = queue.shift(); nid !== undefined && this.inodes.length < INODES_MAX; nid = queue.shift()) {
      if (this.#seen.has(nid)) continue
      this.#seen.add(nid)
      queue.push(...this.#inode(this.#meta + nid * SLOT))
    }
    const { structs, inodes, dirents, ranges } = this
    return { blockSize: this.#block, meta: this.#meta, structs, inodes, dirents, ranges }
  }

  /** Takes an inode in; answers the nids of a directory's entries. */
  #inode(at: number): number[] {
    const bytes = this.#bytes
    if (!(at + INODE_COMPACT.size <= bytes.length)) return []
    const format = readField(bytes, at, INODE_COMPACT.fields.i_format)
    const struct = (format & C.EROFS_I_VERSION_MASK) === 0 ? INODE_COMPACT : INODE_EXTENDED
    const place = { struct, at }
    this.structs.push(place)
    this.inodes.push(place)
    const icount = readField(bytes, at, INODE_COMPACT.fields.i_xattr_icount)
    const body = at + struct.size
    const end = body + (icount === 0 ? 0 : XATTR_IBODY.size + 4 * (icount - 1))
    if (icount > 0) this.#xattrs(body, Math.min(end, bytes.length))
    const layout = (format >> C.EROFS_I_DATALAYOUT_SHIFT) & C.EROFS_I_DATALAYOUT_MASK
    if (layout === C.EROFS_INODE_CHUNK_BASED) this.structs.push({ struct: CHUNK_INDEX, at: Math.ceil(end / 8) * 8 })
    this.ranges.push({ at: body, length: 64 })
    const mode = readField(bytes, at, INODE_COMPACT.fields.i_mode)
    if ((mode & C.S_IFMT) !== C.S_IFDIR) return []
    const size = readField(bytes, at, struct.fields.i_size)
    const start = readField(bytes, at, struct.fields.i_u) * this.#block
    const inline = layout === C.EROFS_INODE_FLAT_INLINE
    const whole = inline ? Math.ceil(size / this.#block) - 1 : Math.ceil(size / this.#block)
    const nids: number[] = []
    for (let i = 0; i < Math.min(whole, 8); i++) nids.push(...this.#entries(start + i * this.#block))
    if (inline) nids.push(...this.#entries(end))
    return nids
  }

  #xattrs(body: number, end: number): void {
    const bytes = this.#bytes
    this.structs.push({ struct: XATTR_IBODY, at: body })
    const { h_shared_count } = XATTR_IBODY.fields
    let at = body + XATTR_IBODY.size + 4 * readField(bytes, body, h_shared_count)
    for (let left = 16; left > 0 && at + XATTR_ENTRY.size <= end; left--) {
      this.structs.push({ struct: XATTR_ENTRY, at })
      const name = readField(bytes, at, XATTR_ENTRY.fields.e_name_len)
      const value = readField(bytes, at, XATTR_ENTRY.fields.e_value_size)
      this.ranges.push({ at: at + XATTR_ENTRY.size, length: name + value })
      at += Math.ceil((XATTR_ENTRY.size + name + value) / 4) * 4
    }
  }

  #entries(at: number): number[] {
    const bytes = this.#bytes
    if (!(at + DIRENT.size <= bytes.length)) return []
    const count = Math.min(Math.floor(readField(bytes, at, DIRENT.fields.nameoff) / DIRENT.size), ENTRIES_MAX)
    const nids: number[] = []
    for (let i = 0; i < count; i++) {
      const entry = at + i * DIRENT.size
      const place = { struct: DIRENT, at: entry }
      this.structs.push(place)
      this.dirents.push(place)
      nids.push(readField(bytes, entry, DIRENT.fields.nid))
    }
    this.ranges.push({ at: at + count * DIRENT.size, length: 32 })
    return nids
  }
}

export function erofsPlaces(bytes: Uint8Array): ErofsPlaces {
  return new Finder(bytes).find()
}
