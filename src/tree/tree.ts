// The tree that images are written from: what composefs can say about files and directories, in columns, a row a node.
// The root is node 0; a hard link is a node of its own that has a name and a target. Rules and limits are those of
// libcomposefs (spec composefs-image.md section 1). Not here: where a tree comes from (the sources beside this file, and
// tree-builder.ts for people), what becomes of it in an image (src/writer).

import { CONSTANTS } from '../format/structs.js'
import { ByteArena, compareBytes, sameBytes } from './byte-arena.js'
import { HashIndex, hashBytes } from './hash-index.js'
import { TreeError } from './tree-error.js'
import { grown, XATTR_SPACE_MAX, XattrTable } from './xattr-table.js'

const { S_IFMT, S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK, S_IFSOCK, EROFS_NAME_LEN } = CONSTANTS

/** Longest payload in bytes, a symlink's target included. */
export const PAYLOAD_MAX = 4095
/** Longest content in bytes that an image holds itself. */
export const CONTENT_MAX = 5000
/** Bytes of a fs-verity SHA-256 digest. */
export const DIGEST_SIZE = 32
export const ROOT = 0
/** No node, or nothing at a place. */
export const NONE = -1

const FIRST_ROWS = 256
const SLASH = 0x2f
const DOT = 0x2e

export function isFileType(mode: number): boolean {
  switch (mode & S_IFMT) {
    case S_IFIFO:
    case S_IFCHR:
    case S_IFDIR:
    case S_IFBLK:
    case S_IFREG:
    case S_IFLNK:
    case S_IFSOCK:
      return true
    default:
      return false
  }
}

/**
 * Columns are read by their owner's number. They are replaced when rows are added, so hold none across an `add`; writing
 * to them is for sources, which keep to what the methods check.
 */
export class Tree {
  readonly arena: ByteArena
  readonly xattrs: XattrTable
  /** Nodes, hard links included. */
  count = 0
  mode = new Uint32Array(FIRST_ROWS)
  /** As it was given; directories' are counted when an image is written. */
  nlink = new Uint32Array(FIRST_ROWS)
  uid = new Uint32Array(FIRST_ROWS)
  gid = new Uint32Array(FIRST_ROWS)
  /** Low 32 bits of the user-space device number; devices only. */
  rdev = new Uint32Array(FIRST_ROWS)
  /** Bytes, as low and high word: a dump may name any 64-bit number. */
  sizeLow = new Uint32Array(FIRST_ROWS)
  sizeHigh = new Uint32Array(FIRST_ROWS)
  /** Seconds since the epoch, as low and signed high word. */
  mtimeLow = new Uint32Array(FIRST_ROWS)
  mtimeHigh = new Int32Array(FIRST_ROWS)
  mtimeNsec = new Uint32Array(FIRST_ROWS)
  /** The same of ctime, which only cfs v1 images hold; undefined where none was set. */
  ctime: { low: Uint32Array; high: Int32Array; nsec: Uint32Array } | undefined
  nameAt = new Int32Array(FIRST_ROWS)
  nameLength = new Uint8Array(FIRST_ROWS)
  parent = new Int32Array(FIRST_ROWS)
  firstChild = new Int32Array(FIRST_ROWS)
  lastChild = new Int32Array(FIRST_ROWS)
  nextSibling = new Int32Array(FIRST_ROWS)
  /** Backing file of a regular file, target of a symlink; NONE where it has none. */
  payloadAt = new Int32Array(FIRST_ROWS)
  payloadLength = new Uint16Array(FIRST_ROWS)
  contentAt = new Int32Array(FIRST_ROWS)
  contentLength = new Uint16Array(FIRST_ROWS)
  /** Where 32 bytes lie; NONE where there are none. */
  digestAt = new Int32Array(FIRST_ROWS)
  /** Target of a hard link, which may be one itself; NONE in what is none. */
  link = new Int32Array(FIRST_ROWS)
  readonly #names = new HashIndex()

  constructor(arena = new ByteArena()) {
    this.arena = arena
    this.xattrs = new XattrTable(arena)
  }

  /** Adds the root, a directory. Throws a TreeError (EINVAL, ENOTDIR). */
  addRoot(mode: number): number {
    if (this.count > 0) throw new TreeError('EINVAL', 'there is a root already')
    if ((mode & S_IFMT) !== S_IFDIR) throw new TreeError('ENOTDIR', 'the root must be a directory')
    const node = this.#row(mode)
    this.parent[node] = node
    return node
  }

  /**
   * Adds a node below a directory; its name is copied in, or stays where it lies in the arena. Throws a TreeError:
   * EINVAL for what is no name or no file type, ENAMETOOLONG, ENOTDIR for a parent that is none, EEXIST.
   */
  add(parent: number, source: Uint8Array, from: number, to: number, mode: number): number {
    const length = to - from
    if (length === 0) throw new TreeError('EINVAL', 'empty name')
    if (length > EROFS_NAME_LEN) throw new TreeError('ENAMETOOLONG', `name of ${length} bytes, more than 255`)
    if (source[from] === DOT && (length === 1 || (length === 2 && source[from + 1] === DOT))) {
      throw new TreeError('EINVAL', 'name is . or ..')
    }
    if (!isFileType(mode)) throw new TreeError('EINVAL', `mode ${mode.toString(8)} has no file type`)
    if ((this.mode[parent] & S_IFMT) !== S_IFDIR || this.link[parent] !== NONE) {
      throw new TreeError('ENOTDIR', 'what it is in is not a directory')
    }
    const hash = hashBytes(source, from, to, this.#names.seed ^ Math.imul(parent, 0x9e3779b1))
    if (this.#find(parent, source, from, length, hash) !== NONE)
      throw new TreeError('EEXIST', 'the name exists already')
    const at = source === this.arena.bytes ? from : this.arena.append(source, from, to)
    const node = this.#row(mode)
    this.nameAt[node] = at
    this.nameLength[node] = length
    this.parent[node] = parent
    const before = this.lastChild[parent]
    if (before === NONE) this.firstChild[parent] = node
    else this.nextSibling[before] = node
    this.lastChild[parent] = node
    this.#names.add(hash, node)
    return node
  }

  /** Child of that name, or NONE. */
  child(parent: number, source: Uint8Array, from: number, to: number): number {
    const hash = hashBytes(source, from, to, this.#names.seed ^ Math.imul(parent, 0x9e3779b1))
    return this.#find(parent, source, from, to - from, hash)
  }

  /** Node at a path from the root, by names alone: no `..`, no symlinks; runs of slashes count as one. NONE if none. */
  lookup(source: Uint8Array, from: number, to: number): number {
    let node = ROOT
    for (let at = from; at < to && node !== NONE; ) {
      let end = at
      while (end < to && source[end] !== SLASH) end++
      if (end > at) node = this.child(node, source, at, end)
      at = end + 1
    }
    return node
  }

  /** Number of bytes; exact to 2^53. */
  size(node: number): number {
    return this.sizeHigh[node] * 2 ** 32 + this.sizeLow[node]
  }

  setSize(node: number, size: number): void {
    this.sizeLow[node] = size % 2 ** 32
    this.sizeHigh[node] = Math.floor(size / 2 ** 32)
  }

  /** Seconds (a whole number below 2^53, either sign) and nanoseconds. */
  setMtime(node: number, seconds: number, nsec: number): void {
    this.mtimeLow[node] = seconds
    this.mtimeHigh[node] = Math.floor(seconds / 2 ** 32)
    this.mtimeNsec[node] = nsec
  }

  setCtime(node: number, low: number, high: number, nsec: number): void {
    const rows = this.mode.length
    this.ctime ??= { low: new Uint32Array(rows), high: new Int32Array(rows), nsec: new Uint32Array(rows) }
    this.ctime.low[node] = low
    this.ctime.high[node] = high
    this.ctime.nsec[node] = nsec
  }

  /**
   * Sets what a symlink points to or which file backs a regular one, from bytes that are copied in or lie in the arena.
   * A symlink's size becomes the length. Throws a TreeError (ENAMETOOLONG beyond 4095, EINVAL for an empty target).
   */
  setPayload(node: number, source: Uint8Array, from: number, to: number): void {
    const length = to - from
    const symlink = (this.mode[node] & S_IFMT) === S_IFLNK
    if (length > PAYLOAD_MAX) throw new TreeError('ENAMETOOLONG', `${length} bytes, more than ${PAYLOAD_MAX}`)
    if (symlink && length === 0) throw new TreeError('EINVAL', 'a symlink needs a target')
    this.payloadAt[node] = source === this.arena.bytes ? from : this.arena.append(source, from, to)
    this.payloadLength[node] = length
    if (symlink) this.setSize(node, length)
  }

  /** Sets bytes that the image holds itself; the size becomes theirs. Throws a TreeError (EINVAL) beyond 5000. */
  setContent(node: number, source: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (length > CONTENT_MAX) throw new TreeError('EINVAL', `content of ${length} bytes, more than ${CONTENT_MAX}`)
    this.setSize(node, length)
    // Nothing to hold is the same as not to hold it.
    if (length === 0) return
    this.contentAt[node] = source === this.arena.bytes ? from : this.arena.append(source, from, to)
    this.contentLength[node] = length
  }

  /** Sets the fs-verity SHA-256 digest of the backing file: the 32 bytes at `from`. */
  setDigest(node: number, source: Uint8Array, from: number): void {
    this.digestAt[node] = source === this.arena.bytes ? from : this.arena.append(source, from, from + DIGEST_SIZE)
  }

  /** Sets an attribute, see XattrTable; `limit` is the space that all of a node's may take. */
  setXattr(
    node: number,
    source: Uint8Array,
    key: { from: number; to: number },
    value: { from: number; to: number },
    limit = XATTR_SPACE_MAX,
  ): void {
    this.xattrs.set(node, this.xattrs.pair(source, key.from, key.to, value.from, value.to), limit)
  }

  /** Makes a node a hard link. Throws a TreeError (EINVAL) for a link to a directory, or that leads to itself. */
  setLink(node: number, target: number): void {
    if (((this.mode[node] | 0) & S_IFMT) === S_IFDIR)
      throw new TreeError('EINVAL', 'a directory can not be hard linked')
    for (let at = target, steps = 0; this.link[at] !== NONE || at === node; at = this.link[at]) {
      if (at === node || steps++ > this.count) throw new TreeError('ELOOP', 'the hard link leads back to itself')
    }
    if ((this.mode[this.resolved(target)] & S_IFMT) === S_IFDIR) {
      throw new TreeError('EINVAL', 'the target is a directory, which can have no second name')
    }
    this.link[node] = target
  }

  /** The node that a chain of hard links ends in; the node itself when it is none. */
  resolved(node: number): number {
    let at = node
    while (this.link[at] !== NONE) at = this.link[at]
    return at
  }

  isLink(node: number): boolean {
    return this.link[node] !== NONE
  }

  /** Puts the children of a directory into `into` from its front, in byte order of their names; answers how many. */
  sortedChildren(directory: number, into: number[] | Int32Array): number {
    const { nameAt, nameLength, nextSibling } = this
    const { bytes } = this.arena
    const order = (a: number, b: number) =>
      compareBytes(bytes, nameAt[a], nameLength[a], bytes, nameAt[b], nameLength[b])
    let count = 0
    let sorted = true
    for (let node = this.firstChild[directory]; node !== NONE; node = nextSibling[node]) {
      if (count > 0 && sorted && order(into[count - 1], node) > 0) sorted = false
      into[count++] = node
    }
    if (sorted) return count
    if (into instanceof Int32Array) into.subarray(0, count).sort(order)
    else {
      into.length = count
      into.sort(order)
    }
    return count
  }

  /** Absolute path, a character a byte. */
  path(node: number): string {
    if (node === ROOT) return '/'
    let path = ''
    for (let at = node; at !== ROOT; at = this.parent[at]) {
      path = `/${String.fromCharCode(...this.arena.view(this.nameAt[at], this.nameLength[at]))}${path}`
    }
    return path
  }

  #find(parent: number, source: Uint8Array, from: number, length: number, hash: number): number {
    const names = this.#names
    const { bytes } = this.arena
    for (let slot = names.start(hash); ; slot = names.after(slot)) {
      const node = names.at(slot)
      if (node < 0) return NONE
      if (!names.hashIs(slot, hash) || this.parent[node] !== parent || this.nameLength[node] !== length) continue
      if (sameBytes(bytes, this.nameAt[node], source, from, length)) return node
    }
  }

  #row(mode: number): number {
    if (this.count === this.mode.length) this.#grow()
    const node = this.count++
    this.mode[node] = mode
    this.nlink[node] = 1
    this.firstChild[node] = this.lastChild[node] = this.nextSibling[node] = NONE
    this.payloadAt[node] = this.contentAt[node] = this.digestAt[node] = this.link[node] = NONE
    return node
  }

  #grow(): void {
    const rows = 2 * this.mode.length
    this.mode = grown(this.mode, rows)
    this.nlink = grown(this.nlink, rows)
    this.uid = grown(this.uid, rows)
    this.gid = grown(this.gid, rows)
    this.rdev = grown(this.rdev, rows)
    this.sizeLow = grown(this.sizeLow, rows)
    this.sizeHigh = grown(this.sizeHigh, rows)
    this.mtimeLow = grown(this.mtimeLow, rows)
    this.mtimeHigh = grown(this.mtimeHigh, rows)
    this.mtimeNsec = grown(this.mtimeNsec, rows)
    if (this.ctime !== undefined) {
      const { low, high, nsec } = this.ctime
      this.ctime = { low: grown(low, rows), high: grown(high, rows), nsec: grown(nsec, rows) }
    }
    this.nameAt = grown(this.nameAt, rows)
    this.nameLength = grown(this.nameLength, rows)
    this.parent = grown(this.parent, rows)
    this.firstChild = grown(this.firstChild, rows)
    this.lastChild = grown(this.lastChild, rows)
    this.nextSibling = grown(this.nextSibling, rows)
    this.payloadAt = grown(this.payloadAt, rows)
    this.payloadLength = grown(this.payloadLength, rows)
    this.contentAt = grown(this.contentAt, rows)
    this.contentLength = grown(this.contentLength, rows)
    this.digestAt = grown(this.digestAt, rows)
    this.link = grown(this.link, rows)
  }
}
