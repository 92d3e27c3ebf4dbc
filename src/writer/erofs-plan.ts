// What a composefs image will hold and where, before a byte of it is written: the tree as it is rewritten (external files,
// whiteouts, the 256 root entries that hide a store's directories), and the place of every inode
// (spec composefs-image.md sections 2 to 6). Not here: xattrs (erofs-xattrs.ts), the bytes (erofs-image.ts).

import { CONSTANTS, INODE_COMPACT, INODE_EXTENDED, SUPERBLOCK } from '../format/structs.js'
import { compareBytes } from '../tree/byte-arena.js'
import { chunkCount } from '../tree/chunks.js'
import { NONE, ROOT, type Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { breadthFirst, type NumberList, type Order } from './breadth-first.js'
import { ErofsXattrs } from './erofs-xattrs.js'

const { S_IFMT, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG, EROFS_SUPER_OFFSET } = CONSTANTS

export const BLOCK = 4096
const SLOT = 32
const DIRENT_COST = 12
const INLINE_TAIL_MAX = BLOCK / 2
const CHUNK_POINTER = 4
const PERMISSIONS_MASK = 0o7777
const TABLE_MODE = S_IFCHR | 0o644
const TABLE_SIZE = 256

/** Entries that are no nodes of the tree: `.`, `..`, and entry i of the table at FIRST_TABLE_ENTRY - i. */
export const DOT_ENTRY = -1
export const DOTDOT_ENTRY = -2
const FIRST_TABLE_ENTRY = -3

export interface ErofsOptions {
  /** Lowest composefs_version that the image may have: 0 (default) or 1. */
  readonly minVersion?: number
  /** Highest one: 0 or 1 (default); a lower one than the lowest counts as that. */
  readonly maxVersion?: number
}

/** Bytes and length of the names that the image itself adds, `.` `..` `00` … `ff`, by -1 - entry. */
const ADDED_NAMES = Array.from({ length: 2 + TABLE_SIZE }, (_, i) =>
  i < 2 ? '..'.slice(0, i + 1) : (i - 2).toString(16).padStart(2, '0'),
)
const ADDED_BYTES = new TextEncoder().encode(ADDED_NAMES.map(name => name.padEnd(2, '\0')).join(''))

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

export class ErofsPlan {
  readonly tree: Tree
  readonly order: Order
  readonly xattrs: ErofsXattrs
  /** composefs_version. */
  readonly version: number
  readonly inodeCount: number
  /** Per inode. Modes are those of the image: a whiteout is a regular file. */
  readonly mode: Uint16Array
  readonly nlink: Uint32Array
  readonly extended: Uint8Array
  readonly xattrSize: Int32Array
  /** Bytes behind the inode and its xattrs, and blocks in the data area. */
  readonly tail: Uint16Array
  readonly blocks: Uint32Array
  /** Disk slot: position in the image over 32. */
  readonly nid: Uint32Array
  /** The least mtime, which compact inodes have. */
  mtimeLow = 0
  mtimeHigh = 0
  mtimeNsec = 0
  readonly #table = new Int32Array(TABLE_SIZE)
  /** Positions in the image, in bytes. */
  inodesEnd = 0
  dataStart = 0
  /** Bytes of the whole image. */
  size = 0

  /** Throws a TreeError: EINVAL for a version, EFBIG, ERANGE, ENOTDIR for what can not be written. */
  constructor(tree: Tree, { minVersion = 0, maxVersion = 1 }: ErofsOptions = {}) {
    for (const version of [minVersion, maxVersion]) {
      if (version !== 0 && version !== 1) throw new TreeError('EINVAL', `version ${version} is neither 0 nor 1`)
    }
    if (tree.count === 0) throw new TreeError('EINVAL', 'the tree has no root')
    this.tree = tree
    this.version = minVersion < maxVersion && hasWhiteout(tree) ? 1 : minVersion
    this.order = breadthFirst(tree, this.#list, entry => entry <= FIRST_TABLE_ENTRY)
    const count = this.order.nodes.length
    this.inodeCount = count
    this.mode = new Uint16Array(count)
    this.nlink = new Uint32Array(count)
    this.extended = new Uint8Array(count)
    this.xattrSize = new Int32Array(count)
    this.tail = new Uint16Array(count)
    this.blocks = new Uint32Array(count)
    this.nid = new Uint32Array(count)
    for (let ino = 0; ino < count; ino++) {
      const entry = this.order.nodes.values[ino]
      if (entry < 0) this.#table[FIRST_TABLE_ENTRY - entry] = ino
    }
    this.xattrs = new ErofsXattrs(tree)
    for (let ino = 0; ino < count; ino++) this.#rewrite(ino)
    this.xattrs.place()
    this.#leastMtime()
    this.#layout()
  }

  /** Node whose owner and times an inode has: its own, or the root for one of the table. */
  node(ino: number): number {
    return Math.max(this.order.nodes.values[ino], ROOT)
  }

  /** Whether the image itself adds the inode. */
  added(ino: number): boolean {
    return this.order.nodes.values[ino] < 0
  }

  /** Inode of an entry of the table. */
  addedInode(entry: number): number {
    return this.#table[FIRST_TABLE_ENTRY - entry]
  }

  /** Whether the data is an object's. */
  isExternal(node: number): boolean {
    const { tree } = this
    return (tree.sizeLow[node] | tree.sizeHigh[node]) !== 0 && tree.contentAt[node] === NONE
  }

  nameBytes(entry: number): Uint8Array {
    return entry < 0 ? ADDED_BYTES : this.tree.arena.bytes
  }

  nameAt(entry: number): number {
    return entry < 0 ? 2 * (-1 - entry) : this.tree.nameAt[entry]
  }

  nameLength(entry: number): number {
    return entry >= 0 ? this.tree.nameLength[entry] : entry === DOT_ENTRY ? 1 : 2
  }

  /** A directory's entries in the image: `.` and `..` among its children, the root's table too. */
  readonly #list = (entries: NumberList, directory: number, children: Int32Array, count: number): void => {
    const added = directory === ROOT ? 2 + TABLE_SIZE : 2
    let next = -1
    for (let i = 0; i < count; i++) {
      while (next >= -added) {
        const order = this.#compareNames(next, children[i])
        if (order > 0) break
        // A child of the tree takes the place of one of the table.
        if (order < 0) entries.push(next)
        next--
      }
      entries.push(children[i])
    }
    while (next >= -added) entries.push(next--)
  }

  #compareNames(a: number, b: number): number {
    const length = this.nameLength(a)
    return compareBytes(
      this.nameBytes(a),
      this.nameAt(a),
      length,
      this.nameBytes(b),
      this.nameAt(b),
      this.nameLength(b),
    )
  }

  /** What the image makes of a node: its mode, links, data and xattrs. */
  #rewrite(ino: number): void {
    const { tree, xattrs } = this
    if (this.added(ino)) {
      this.mode[ino] = TABLE_MODE
      this.nlink[ino] = 1
      xattrs.beginWithLabel(ROOT)
      xattrs.end()
      return
    }
    const node = this.order.nodes.values[ino]
    const mode = tree.mode[node]
    const type = mode & S_IFMT
    this.mode[ino] = mode
    this.nlink[ino] = tree.nlink[node]
    xattrs.begin(node)
    if (type === S_IFREG && this.isExternal(node)) {
      const chunks = chunkCount(tree.sizeLow[node], tree.sizeHigh[node])
      if (chunks < 0) throw new TreeError('EFBIG', 'file too large', { node })
      xattrs.markExternal(
        tree.payloadAt[node],
        tree.payloadAt[node] === NONE ? 0 : tree.payloadLength[node],
        tree.digestAt[node],
      )
      this.tail[ino] = CHUNK_POINTER * chunks
    } else if (type === S_IFREG) this.#split(ino, tree.sizeLow[node])
    else if (type === S_IFLNK) {
      if (tree.payloadAt[node] === NONE) throw new TreeError('EINVAL', 'a symlink needs a target', { node })
      this.tail[ino] = tree.payloadLength[node]
    } else if (isWhiteout(tree, node)) {
      this.mode[ino] = S_IFREG | (mode & PERMISSIONS_MASK)
      xattrs.markWhiteout()
    } else if (type === S_IFDIR) this.#directory(ino)
    xattrs.end()
  }

  #directory(ino: number): void {
    const { tree } = this
    const entries = this.order.entries.values
    const from = this.order.entriesAt.values[ino]
    const to = from + this.order.entryCount.values[ino]
    let directories = 0
    let whiteouts = false
    let blocks = 0
    let used = 0
    for (let i = from; i < to; i++) {
      const entry = entries[i]
      const cost = DIRENT_COST + this.nameLength(entry)
      if (used + cost > BLOCK) {
        blocks++
        used = 0
      }
      used += cost
      if (entry < 0 || tree.isLink(entry)) continue
      if ((tree.mode[entry] & S_IFMT) === S_IFDIR) directories++
      else if (isWhiteout(tree, entry)) whiteouts = true
    }
    this.#split(ino, used)
    this.blocks[ino] += blocks
    this.nlink[ino] = 2 + directories
    if (whiteouts) this.xattrs.markWhiteouts(this.version >= 1)
    if (ino === 0) this.xattrs.markRoot()
  }

  /** Blocks and tail of data: a tail of more than half a block becomes one. */
  #split(ino: number, size: number): void {
    const tail = size % BLOCK
    const whole = tail > INLINE_TAIL_MAX
    this.blocks[ino] = Math.floor(size / BLOCK) + (whole ? 1 : 0)
    this.tail[ino] = whole ? 0 : tail
  }

  #leastMtime(): void {
    const { mtimeLow, mtimeHigh, mtimeNsec } = this.tree
    let least = ROOT
    for (let ino = 1; ino < this.inodeCount; ino++) {
      const node = this.node(ino)
      if (mtimeHigh[node] > mtimeHigh[least]) continue
      if (mtimeHigh[node] === mtimeHigh[least]) {
        if (mtimeLow[node] > mtimeLow[least]) continue
        if (mtimeLow[node] === mtimeLow[least] && mtimeNsec[node] >= mtimeNsec[least]) continue
      }
      least = node
    }
    this.mtimeLow = mtimeLow[least]
    this.mtimeHigh = mtimeHigh[least]
    this.mtimeNsec = mtimeNsec[least]
  }

  #isCompact(ino: number, node: number): boolean {
    const { tree } = this
    if (tree.mtimeLow[node] !== this.mtimeLow || tree.mtimeNsec[node] !== this.mtimeNsec) return false
    if (tree.mtimeHigh[node] !== this.mtimeHigh) return false
    if (this.nlink[ino] > 0xffff || tree.uid[node] > 0xffff || tree.gid[node] > 0xffff) return false
    const type = this.mode[ino] & S_IFMT
    if (type === S_IFDIR) return this.blocks[ino] * BLOCK + this.tail[ino] <= 0xffffffff
    // The node's size decides, also where the inode's own will be 0; that of whiteouts has been set to 0.
    return this.added(ino) || isWhiteout(tree, node) || tree.sizeHigh[node] === 0
  }

  #layout(): void {
    let position = EROFS_SUPER_OFFSET + SUPERBLOCK.size
    let dataBlocks = 0
    for (let ino = 0; ino < this.inodeCount; ino++) {
      const node = this.node(ino)
      const compact = this.#isCompact(ino, node)
      this.extended[ino] = compact ? 0 : 1
      try {
        this.xattrSize[ino] = this.xattrs.size(ino)
      } catch (error) {
        throw error instanceof TreeError ? new TreeError(error.code, error.why, { node }) : error
      }
      const head = (compact ? INODE_COMPACT.size : INODE_EXTENDED.size) + this.xattrSize[ino]
      position = roundUp(position, SLOT)
      position += this.#placeTail(ino, position, head)
      this.nid[ino] = position / SLOT
      dataBlocks += this.blocks[ino]
      position += head + this.tail[ino]
    }
    this.inodesEnd = roundUp(position, SLOT)
    this.dataStart = roundUp(this.inodesEnd + this.xattrs.sharedSize, BLOCK)
    this.size = this.dataStart + dataBlocks * BLOCK
    if (this.inodesEnd / SLOT > 0xffffffff) throw new TreeError('EFBIG', 'more inodes than one image can hold')
  }

  /** Keeps a tail in one block, or makes it one; answers the padding before the inode. */
  #placeTail(ino: number, position: number, head: number): number {
    const tail = this.tail[ino]
    if ((this.mode[ino] & S_IFMT) === S_IFLNK) {
      const total = head + tail
      if (total >= BLOCK) this.#moveOut(ino)
      const crosses = Math.floor(position / BLOCK) !== Math.floor((position + total - 1) / BLOCK)
      // Also when the target has just been moved out: libcomposefs pads all the same.
      return crosses ? roundUp(position, BLOCK) - position : 0
    }
    const room = BLOCK - ((position + head) % BLOCK)
    if (room >= tail) return 0
    const padding = roundUp(room, SLOT)
    if (tail <= BLOCK - ((position + head + padding) % BLOCK)) return padding
    this.#moveOut(ino)
    return roundUp(position, BLOCK) - position
  }

  #moveOut(ino: number): void {
    this.blocks[ino]++
    this.tail[ino] = 0
  }
}

/** Whether a node is an overlay's mark that a name is gone: a character device 0:0. */
export function isWhiteout(tree: Tree, node: number): boolean {
  return (tree.mode[node] & S_IFMT) === S_IFCHR && tree.rdev[node] === 0
}

function hasWhiteout(tree: Tree): boolean {
  for (let node = 0; node < tree.count; node++) if (!tree.isLink(node) && isWhiteout(tree, node)) return true
  return false
}
