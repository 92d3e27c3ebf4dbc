// The bytes of a composefs image, in the order in which they lie: header, superblock, inodes, shared xattrs, data blocks
// (spec composefs-image.md section 7). Not here: what lies where (erofs-plan.ts).

import type { Field } from '../format/structs.js'
import { COMPOSEFS_HEADER, CONSTANTS, DIRENT, INODE_COMPACT, INODE_EXTENDED, SUPERBLOCK } from '../format/structs.js'
import { chunkBits } from '../tree/chunks.js'
import type { Tree } from '../tree/tree.js'
import { BLOCK, DOT_ENTRY, DOTDOT_ENTRY, type ErofsOptions, ErofsPlan } from './erofs-plan.js'
import { OutBuffer } from './out-buffer.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS
const { EROFS_SUPER_OFFSET, EROFS_SUPER_MAGIC_V1, LCFS_EROFS_MAGIC, LCFS_EROFS_VERSION } = CONSTANTS
const { EROFS_INODE_FLAT_PLAIN, EROFS_INODE_FLAT_INLINE, EROFS_INODE_CHUNK_BASED, EROFS_I_DATALAYOUT_SHIFT } = CONSTANTS
const EROFS_FEATURE_COMPAT_MTIME = 0x2
const LCFS_EROFS_FLAGS_HAS_ACL = 1
const BLOCK_BITS = 12
const NULL_POINTER = 0xff

/** EROFS_FT_* by the type bits of a mode over 0o10000. */
const FILE_TYPES = new Uint8Array(16)
for (const [at, mode] of [S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK].entries()) {
  FILE_TYPES[mode >> 12] = at + 1
}

/** An image of a tree, ready to be written. */
export class ErofsImage {
  readonly #plan: ErofsPlan
  readonly #tree: Tree
  readonly #out = new OutBuffer()
  /** Block that the next inode's data will be in. */
  #nextBlock: number

  /** Plans it; throws a TreeError for what can not be written. */
  constructor(tree: Tree, options: ErofsOptions = {}) {
    this.#plan = new ErofsPlan(tree, options)
    this.#tree = tree
    this.#nextBlock = this.#plan.dataStart / BLOCK
  }

  /** Bytes of the image. */
  get size(): number {
    return this.#plan.size
  }

  /** composefs_version. */
  get version(): number {
    return this.#plan.version
  }

  /** The image piece by piece; a piece is good until the next one is asked for. Can be asked for once. */
  *pieces(): Generator<Uint8Array> {
    const out = this.#out
    this.#head()
    for (let ino = 0; ino < this.#plan.inodeCount; ) {
      ino = this.#inodes(ino)
      yield out.take()
    }
    yield* this.#sharedXattrs()
    yield* this.#data()
  }

  #head(): void {
    const plan = this.#plan
    const out = this.#out
    out.zeroes(EROFS_SUPER_OFFSET + SUPERBLOCK.size)
    const { view } = out
    const set = (base: number, field: Field, value: number) => {
      if (field.width === 1) view.setUint8(base + field.offset, value)
      else if (field.width === 2) view.setUint16(base + field.offset, value, true)
      else view.setUint32(base + field.offset, value, true)
    }
    const header = COMPOSEFS_HEADER.fields
    set(0, header.magic, LCFS_EROFS_MAGIC)
    set(0, header.version, LCFS_EROFS_VERSION)
    set(0, header.flags, plan.xattrs.hasAcl ? LCFS_EROFS_FLAGS_HAS_ACL : 0)
    set(0, header.composefs_version, plan.version)
    const superblock = SUPERBLOCK.fields
    const at = EROFS_SUPER_OFFSET
    set(at, superblock.magic, EROFS_SUPER_MAGIC_V1)
    set(at, superblock.feature_compat, EROFS_FEATURE_COMPAT_MTIME | CONSTANTS.EROFS_FEATURE_COMPAT_XATTR_FILTER)
    set(at, superblock.blkszbits, BLOCK_BITS)
    set(at, superblock.rootnid_2b, plan.nid[0])
    set(at, superblock.inos, plan.inodeCount)
    view.setUint32(at + superblock.epoch.offset, plan.mtimeLow, true)
    view.setInt32(at + superblock.epoch.offset + 4, plan.mtimeHigh, true)
    set(at, superblock.fixed_nsec, plan.mtimeNsec)
    set(at, superblock.blocks_lo, plan.size / BLOCK)
    set(at, superblock.xattr_blkaddr, Math.floor(plan.inodesEnd / BLOCK))
  }

  /** Writes inodes from one on until a piece is full; answers the next one. */
  #inodes(from: number): number {
    const plan = this.#plan
    const out = this.#out
    let ino = from
    for (; ino < plan.inodeCount && !out.full; ino++) {
      out.padTo(plan.nid[ino] * 32)
      const node = plan.node(ino)
      const type = plan.mode[ino] & S_IFMT
      const external = type === S_IFREG && !plan.added(ino) && this.#isExternal(ino, node)
      this.#inode(ino, node, type, external)
      const size = plan.xattrSize[ino]
      if (size > 0) {
        plan.xattrs.write(ino, plan.inodesEnd % BLOCK, out.bytes, out.view, out.length)
        out.length += size
      }
      this.#tail(ino, node, type, external)
    }
    if (ino === plan.inodeCount) out.padTo(plan.inodesEnd)
    return ino
  }

  /** A regular file of the image whose data is an object's; a whiteout is one without data. */
  #isExternal(ino: number, node: number): boolean {
    return (this.#tree.mode[node] & S_IFMT) === (this.#plan.mode[ino] & S_IFMT) && this.#plan.isExternal(node)
  }

  #inode(ino: number, node: number, type: number, external: boolean): void {
    const plan = this.#plan
    const tree = this.#tree
    const { view } = this.#out
    const at = this.#out.length
    const extended = plan.extended[ino]
    const tail = plan.tail[ino]
    const inline = tail > 0 ? EROFS_INODE_FLAT_INLINE : EROFS_INODE_FLAT_PLAIN
    const layout = external ? EROFS_INODE_CHUNK_BASED : inline
    const head = INODE_EXTENDED.fields
    // Format, xattr count and mode lie the same in both.
    view.setUint16(at + head.i_format.offset, (layout << EROFS_I_DATALAYOUT_SHIFT) | extended, true)
    const size = plan.xattrSize[ino]
    view.setUint16(at + head.i_xattr_icount.offset, size === 0 ? 0 : (size - 12) / 4 + 1, true)
    view.setUint16(at + head.i_mode.offset, plan.mode[ino], true)
    let sizeLow = 0
    let sizeHigh = 0
    if (type === S_IFREG && (tree.mode[node] & S_IFMT) === S_IFREG) {
      sizeLow = tree.sizeLow[node]
      sizeHigh = tree.sizeHigh[node]
    } else if (type === S_IFDIR) {
      const bytes = plan.blocks[ino] * BLOCK + tail
      sizeLow = bytes >>> 0
      sizeHigh = Math.floor(bytes / 2 ** 32)
    } else if (type === S_IFLNK) sizeLow = tree.payloadLength[node]
    const u = this.#union(ino, node, type, external)
    if (extended === 0) {
      const fields = INODE_COMPACT.fields
      view.setUint16(at + fields.i_nb.offset, plan.nlink[ino], true)
      view.setUint32(at + fields.i_size.offset, sizeLow, true)
      view.setUint32(at + fields.i_mtime.offset, 0, true)
      view.setUint32(at + fields.i_u.offset, u, true)
      view.setUint32(at + fields.i_ino.offset, ino, true)
      view.setUint16(at + fields.i_uid.offset, tree.uid[node], true)
      view.setUint16(at + fields.i_gid.offset, tree.gid[node], true)
      view.setUint32(at + 28, 0, true)
      this.#out.length += INODE_COMPACT.size
      return
    }
    view.setUint16(at + head.i_nb.offset, 0, true)
    view.setUint32(at + head.i_size.offset, sizeLow, true)
    view.setUint32(at + head.i_size.offset + 4, sizeHigh, true)
    view.setUint32(at + head.i_u.offset, u, true)
    view.setUint32(at + head.i_ino.offset, ino, true)
    view.setUint32(at + head.i_uid.offset, tree.uid[node], true)
    view.setUint32(at + head.i_gid.offset, tree.gid[node], true)
    view.setUint32(at + head.i_mtime.offset, tree.mtimeLow[node], true)
    view.setInt32(at + head.i_mtime.offset + 4, tree.mtimeHigh[node], true)
    view.setUint32(at + head.i_mtime_nsec.offset, tree.mtimeNsec[node], true)
    view.setUint32(at + head.i_nlink.offset, plan.nlink[ino], true)
    for (let i = 48; i < INODE_EXTENDED.size; i += 4) view.setUint32(at + i, 0, true)
    this.#out.length += INODE_EXTENDED.size
  }

  /** i_u: the first data block, a device number, or the chunk size; takes the blocks. */
  #union(ino: number, node: number, type: number, external: boolean): number {
    const plan = this.#plan
    const tree = this.#tree
    if (type === S_IFCHR || type === S_IFBLK) return plan.added(ino) ? 0 : tree.rdev[node]
    let block = 0
    if (plan.blocks[ino] > 0) {
      block = this.#nextBlock
      this.#nextBlock += plan.blocks[ino]
    }
    if (!external) return block
    return ((block & 0xffff0000) | (chunkBits(tree.sizeLow[node], tree.sizeHigh[node]) - BLOCK_BITS)) >>> 0
  }

  #tail(ino: number, node: number, type: number, external: boolean): void {
    const tail = this.#plan.tail[ino]
    if (tail === 0) return
    const out = this.#out
    const tree = this.#tree
    if (external) {
      out.bytes.fill(NULL_POINTER, out.length, out.length + tail)
      out.length += tail
    } else if (type === S_IFDIR) this.#lastDirents(ino)
    else if (type === S_IFLNK) out.raw(tree.arena.bytes, tree.payloadAt[node], tree.payloadAt[node] + tail)
    else {
      const end = tree.contentAt[node] + tree.contentLength[node]
      out.raw(tree.arena.bytes, end - tail, end)
    }
  }

  /** The entries of a directory from one on that fit in a block; answers where the next block's begin. */
  #chunkEnd(from: number, to: number): number {
    const plan = this.#plan
    const entries = plan.order.entries.values
    let used = 0
    let at = from
    for (; at < to; at++) {
      used += DIRENT.size + plan.nameLength(entries[at])
      if (used > BLOCK) break
    }
    return at
  }

  #lastDirents(ino: number): void {
    const { entriesAt, entryCount } = this.#plan.order
    const to = entriesAt.values[ino] + entryCount.values[ino]
    let from = entriesAt.values[ino]
    for (let next = this.#chunkEnd(from, to); next < to; next = this.#chunkEnd(from, to)) from = next
    this.#dirents(ino, from, to)
  }

  /** One chunk: records of nid, offset of the name, type; then the names. */
  #dirents(ino: number, from: number, to: number): void {
    const plan = this.#plan
    const out = this.#out
    const entries = plan.order.entries.values
    const { nid, nameoff, file_type } = DIRENT.fields
    const { view } = out
    let at = out.length
    let name = DIRENT.size * (to - from)
    for (let i = from; i < to; i++) {
      const entry = entries[i]
      const target = this.#target(ino, entry)
      view.setUint32(at + nid.offset, plan.nid[target], true)
      view.setUint32(at + nid.offset + 4, 0, true)
      view.setUint16(at + nameoff.offset, name, true)
      view.setUint16(at + file_type.offset, FILE_TYPES[plan.mode[target] >> 12], true)
      at += DIRENT.size
      name += plan.nameLength(entry)
    }
    out.length = at
    for (let i = from; i < to; i++) {
      const entry = entries[i]
      const start = plan.nameAt(entry)
      out.raw(plan.nameBytes(entry), start, start + plan.nameLength(entry))
    }
  }

  /** Inode that an entry of a directory leads to. */
  #target(directory: number, entry: number): number {
    const { order } = this.#plan
    if (entry >= 0) return order.inodes[this.#tree.resolved(entry)]
    if (entry === DOT_ENTRY) return directory
    if (entry === DOTDOT_ENTRY) return order.inodes[this.#tree.parent[order.nodes.values[directory]]]
    return this.#plan.addedInode(entry)
  }

  *#sharedXattrs(): Generator<Uint8Array> {
    const { xattrs, dataStart } = this.#plan
    const out = this.#out
    for (let i = 0; i < xattrs.sharedCount; i++) {
      out.length = xattrs.writeShared(i, out.bytes, out.view, out.length)
      if (out.full) yield out.take()
    }
    out.padTo(dataStart)
    if (out.length > 0) yield out.take()
  }

  *#data(): Generator<Uint8Array> {
    const plan = this.#plan
    const out = this.#out
    const { entriesAt, entryCount } = plan.order
    for (let ino = this.#withBlocks(0); ino < plan.inodeCount; ino = this.#withBlocks(ino + 1)) {
      if ((plan.mode[ino] & S_IFMT) === S_IFDIR) {
        const to = entriesAt.values[ino] + entryCount.values[ino]
        let from = entriesAt.values[ino]
        for (let block = 0; block < plan.blocks[ino]; block++) {
          const next = this.#chunkEnd(from, to)
          const end = out.length + BLOCK
          this.#dirents(ino, from, next)
          out.zeroes(end - out.length)
          from = next
          if (out.full) yield out.take()
        }
      } else this.#block(ino)
      if (out.full) yield out.take()
    }
    if (out.length > 0) yield out.take()
  }

  /** The first inode from one on that has data blocks. */
  #withBlocks(from: number): number {
    const { blocks, inodeCount } = this.#plan
    let ino = from
    while (ino < inodeCount && blocks[ino] === 0) ino++
    return ino
  }

  /** The data block of what is no directory: it has one at most. */
  #block(ino: number): void {
    const plan = this.#plan
    const tree = this.#tree
    const out = this.#out
    const node = plan.node(ino)
    const type = plan.mode[ino] & S_IFMT
    if (type === S_IFREG && this.#isExternal(ino, node)) {
      out.bytes.fill(NULL_POINTER, out.length, out.length + BLOCK)
      out.length += BLOCK
      return
    }
    const at = type === S_IFLNK ? tree.payloadAt[node] : tree.contentAt[node]
    const length = Math.min(type === S_IFLNK ? tree.payloadLength[node] : tree.contentLength[node], BLOCK)
    out.raw(tree.arena.bytes, at, at + length)
    out.zeroes(BLOCK - length)
  }
}
