// Random valid EROFS images: a tree written in any of the ways that the format has for it, uncompressed. Small on purpose (blocks of 512
// bytes mostly): a fuzzer runs them a hundred thousand times a second. Not here: the tree (random-tree.ts), compressed layouts, the images
// that mkcomposefs writes (src/writer). Follows the project's spec of EROFS, sections 1 to 6.
//
//   superblock | inodes with xattrs, chunk tables, inline tails | shared xattrs | blocks of data

import type { Field } from '../format/struct.js'
import { CHUNK_INDEX, CONSTANTS, INODE_COMPACT, INODE_EXTENDED, SUPERBLOCK, XATTR_IBODY } from '../format/structs.js'
import { dirBytes, ErofsBytes, entryBytes, isDeviceMode, sealSuperblock, up, withDots } from './erofs-bytes.js'
import type { Random } from './random.js'
import { type RandomTreeOptions, randomTree, type TreeInode, type TreeXattr } from './random-tree.js'

const C = CONSTANTS
const SLOT = 32
const HOLE = 0xffffffff
const EPOCH = 1_000_000_000

/** One inode on its way into the image. */
interface Placed {
  readonly inode: TreeInode
  readonly extended: boolean
  layout: number
  nlink: number
  /** Of a directory once all have places. */
  data: Uint8Array
  readonly size: number
  readonly xattrBytes: number
  /** Of chunks: their bits above those of a block, and whether each has an index of eight bytes. */
  readonly chunkBits: number
  readonly indexes: boolean
  at: number
  parent: Placed | undefined
}

export interface RandomErofs {
  readonly bytes: Uint8Array
  readonly root: TreeInode
}

class ErofsMaker {
  readonly #random: Random
  readonly #blockBits: number
  readonly #block: number
  readonly #placed = new Map<TreeInode, Placed>()
  readonly #shared: TreeXattr[] = []
  readonly #nsec: number

  constructor(random: Random) {
    this.#random = random
    this.#blockBits = random.once(4) ? random.pick([10, 12]) : 9
    this.#block = 2 ** this.#blockBits
    this.#nsec = random.once(2) ? 0 : random.below(1e9)
  }

  make(root: TreeInode): Uint8Array {
    this.#take(root, undefined)
    const first = up(C.EROFS_SUPER_OFFSET + SUPERBLOCK.size, this.#block)
    let at = first
    for (const placed of this.#placed.values()) at = this.#place(placed, at)
    const shared = up(at, this.#block)
    const sharedBytes = this.#shared.reduce((sum, xattr) => sum + entryBytes(xattr), 0)
    const data = up(shared + sharedBytes, this.#block)
    const blocks = [...this.#placed.values()].reduce((sum, placed) => sum + this.#wholeBlocks(placed), 0)
    const image = new ErofsBytes(new Uint8Array(data + blocks * this.#block))
    this.#directories(first)
    let next = data / this.#block
    for (const placed of this.#placed.values()) next = this.#write(image, placed, next)
    let offset = shared
    for (const xattr of this.#shared) offset = image.xattr(offset, xattr)
    this.#superblock(image, { root: this.#nid(root, first), first, shared })
    return image.bytes
  }

  #nid(inode: TreeInode, first: number): number {
    return ((this.#placed.get(inode) as Placed).at - first) / SLOT
  }

  #take(inode: TreeInode, parent: Placed | undefined): void {
    const known = this.#placed.get(inode)
    if (known !== undefined) {
      known.nlink++
      return
    }
    const random = this.#random
    const directory = (inode.mode & C.S_IFMT) === C.S_IFDIR
    const size = directory ? dirBytes(withDots(inode, 0, 0), this.#block).length : inode.data.length
    const children = inode.entries.filter(({ inode: child }) => (child.mode & C.S_IFMT) === C.S_IFDIR).length
    const placed: Placed = {
      inode,
      extended: this.#needsExtended(inode) || random.once(2),
      layout: this.#layout(inode, size),
      nlink: directory ? 2 + children : 1,
      data: inode.data,
      size,
      xattrBytes: this.#xattrBytes(inode.xattrs),
      chunkBits: random.below(3),
      indexes: random.once(2),
      at: 0,
      parent,
    }
    this.#placed.set(inode, placed)
    for (const { inode: child } of inode.entries) this.#take(child, placed)
  }

  #needsExtended({ uid, gid, sec, nsec }: TreeInode): boolean {
    const offset = sec - EPOCH
    return uid > 0xffff || gid > 0xffff || offset < 0 || offset >= 2 ** 32 || nsec !== this.#nsec
  }

  #layout(inode: TreeInode, size: number): number {
    const regular = (inode.mode & C.S_IFMT) === C.S_IFREG
    const chosen = this.#random.below(regular ? 3 : 2)
    if (size === 0 || chosen === 0) return C.EROFS_INODE_FLAT_PLAIN
    return chosen === 1 ? C.EROFS_INODE_FLAT_INLINE : C.EROFS_INODE_CHUNK_BASED
  }

  /** Bytes of an inode's xattrs. Some of them become shared ones. */
  #xattrBytes(xattrs: readonly TreeXattr[]): number {
    if (xattrs.length === 0) return 0
    let bytes: number = XATTR_IBODY.size
    for (const xattr of xattrs) {
      const shares = this.#random.once(3)
      if (shares) this.#shared.push(xattr)
      bytes += shares ? 4 : entryBytes(xattr)
    }
    return bytes
  }

  /** Gives an inode its place at or behind a position, and answers where the next one may be. */
  #place(placed: Placed, from: number): number {
    const head = (placed.extended ? INODE_EXTENDED.size : INODE_COMPACT.size) + placed.xattrBytes
    let at = up(from, SLOT)
    if (placed.layout === C.EROFS_INODE_FLAT_INLINE) {
      const tail = this.#tail(placed)
      if (((at + head) % this.#block) + tail > this.#block) {
        // Where the tail is at the beginning of a block, or all of it at that of the next one.
        at = up(at, this.#block)
        if ((head % this.#block) + tail > this.#block) placed.layout = C.EROFS_INODE_FLAT_PLAIN
      }
    }
    placed.at = at
    if (placed.layout === C.EROFS_INODE_FLAT_INLINE) return at + head + this.#tail(placed)
    if (placed.layout !== C.EROFS_INODE_CHUNK_BASED) return at + head
    const entry = placed.indexes ? CHUNK_INDEX.size : 4
    return up(at + head, entry) + this.#chunks(placed) * entry
  }

  #tail({ size }: Placed): number {
    return size - (Math.ceil(size / this.#block) - 1) * this.#block
  }

  #chunks({ size, chunkBits }: Placed): number {
    return Math.ceil(size / (this.#block << chunkBits))
  }

  /** Blocks that an inode's data takes at most. */
  #wholeBlocks(placed: Placed): number {
    const whole = Math.ceil(placed.size / this.#block)
    return placed.layout === C.EROFS_INODE_FLAT_INLINE ? whole - 1 : whole
  }

  #directories(first: number): void {
    for (const placed of this.#placed.values()) {
      if ((placed.inode.mode & C.S_IFMT) !== C.S_IFDIR) continue
      const above = placed.parent ?? placed
      const entries = withDots(placed.inode, (placed.at - first) / SLOT, (above.at - first) / SLOT)
      placed.data = dirBytes(entries, this.#block, inode => this.#nid(inode, first))
    }
  }

  /** Writes an inode, and its data from a block on; answers the block behind it. */
  #write(image: ErofsBytes, placed: Placed, block: number): number {
    const { inode, extended, layout } = placed
    const head = placed.at + (extended ? INODE_EXTENDED.size : INODE_COMPACT.size)
    this.#xattrs(image, head, inode.xattrs)
    const end = head + placed.xattrBytes
    const inline = layout === C.EROFS_INODE_FLAT_INLINE
    const whole = this.#wholeBlocks(placed)
    const cut = inline ? whole * this.#block : placed.size
    image.bytes.set(placed.data.subarray(0, cut), block * this.#block)
    if (inline) image.bytes.set(placed.data.subarray(cut), end)
    const chunked = layout === C.EROFS_INODE_CHUNK_BASED
    if (chunked) this.#chunkTable(image, placed, end, block)
    const format = placed.chunkBits | (placed.indexes ? C.EROFS_CHUNK_FORMAT_INDEXES : 0)
    const start = whole === 0 ? 0 : block
    this.#inode(image, placed, chunked ? format : isDeviceMode(inode.mode) ? inode.rdev : start)
    return block + whole
  }

  #chunkTable(image: ErofsBytes, placed: Placed, end: number, block: number): void {
    const entry = placed.indexes ? CHUNK_INDEX.size : 4
    const chunk = this.#block << placed.chunkBits
    for (let i = 0; i < this.#chunks(placed); i++) {
      const bytes = placed.data.subarray(i * chunk, (i + 1) * chunk)
      const hole = bytes.every(byte => byte === 0)
      const at = up(end, entry) + i * entry
      const address = hole ? HOLE : block + (i << placed.chunkBits)
      const field = placed.indexes ? CHUNK_INDEX.fields.startblk_lo : { offset: 0, width: 4 }
      image.put(at, field, address)
    }
  }

  #inode(image: ErofsBytes, placed: Placed, u: number): void {
    const { inode, extended, at, layout, nlink, size, xattrBytes } = placed
    const icount = xattrBytes === 0 ? 0 : (xattrBytes - XATTR_IBODY.size) / 4 + 1
    const format = (extended ? 1 : 0) | (layout << C.EROFS_I_DATALAYOUT_SHIFT)
    const { fields } = extended ? INODE_EXTENDED : INODE_COMPACT
    image.put(at, fields.i_format, format)
    image.put(at, fields.i_xattr_icount, icount)
    image.put(at, fields.i_mode, inode.mode)
    image.put(at, fields.i_size, size)
    image.put(at, fields.i_u, u)
    image.put(at, fields.i_ino, at / SLOT)
    image.put(at, fields.i_uid, inode.uid)
    image.put(at, fields.i_gid, inode.gid)
    if (!extended) {
      image.put(at, INODE_COMPACT.fields.i_nb, nlink)
      image.put(at, INODE_COMPACT.fields.i_mtime, inode.sec - EPOCH)
      return
    }
    image.put(at, INODE_EXTENDED.fields.i_mtime, inode.sec)
    image.put(at, INODE_EXTENDED.fields.i_mtime_nsec, inode.nsec)
    image.put(at, INODE_EXTENDED.fields.i_nlink, nlink)
  }

  #xattrs(image: ErofsBytes, at: number, xattrs: readonly TreeXattr[]): void {
    if (xattrs.length === 0) return
    const shared = xattrs.filter(xattr => this.#shared.includes(xattr))
    image.put(at, XATTR_IBODY.fields.h_shared_count, shared.length)
    let next: number = at + XATTR_IBODY.size
    for (const xattr of shared) {
      const before = this.#shared.slice(0, this.#shared.indexOf(xattr))
      image.put(next, { offset: 0, width: 4 }, before.reduce((sum, one) => sum + entryBytes(one), 0) / 4)
      next += 4
    }
    for (const xattr of xattrs) if (!shared.includes(xattr)) next = image.xattr(next, xattr)
  }

  #superblock(image: ErofsBytes, { root, first, shared }: { root: number; first: number; shared: number }): void {
    const { fields } = SUPERBLOCK
    const put = (field: Field, value: number) => image.put(C.EROFS_SUPER_OFFSET, field, value)
    const sealed = this.#random.once(2)
    put(fields.magic, C.EROFS_SUPER_MAGIC_V1)
    put(fields.feature_compat, sealed ? C.EROFS_FEATURE_COMPAT_SB_CHKSUM : 0)
    put(fields.blkszbits, this.#blockBits)
    put(fields.rootnid_2b, root)
    put(fields.inos, this.#placed.size)
    put(fields.epoch, EPOCH)
    put(fields.fixed_nsec, this.#nsec)
    put(fields.blocks_lo, image.bytes.length / this.#block)
    put(fields.meta_blkaddr, first / this.#block)
    put(fields.xattr_blkaddr, shared / this.#block)
    put(fields.feature_incompat, C.EROFS_FEATURE_INCOMPAT_CHUNKED_FILE)
    if (sealed) sealSuperblock(image.bytes)
  }
}

/** A valid image, and the tree that is in it. */
export function randomErofs(random: Random, options: RandomTreeOptions = {}): RandomErofs {
  const root = randomTree(random, options)
  return { bytes: new ErofsMaker(random).make(root), root }
}
