// The tree that images are written from: what composefs can say about files and directories, in columns, a row a node.
// The root is node 0; a hard link is a node of its own that has a name and a target. Rules and limits are those of
// libcomposefs (spec composefs-image.md section 1), and are kept in the build core (asm/build), whose memory the tree lies
// in: a million entries are text, not objects. Not here: where a tree comes from (the sources beside this file, and
// tree-builder.ts for people), what becomes of it in an image (src/writer).

import { LIMITS } from '../format/build-layout.js'
import { accepted } from './reasons.js'
import { Columns } from './tree-columns.js'
import { TreeError } from './tree-error.js'
import { XATTR_SPACE_MAX } from './xattr-table.js'

/** Bytes of a fs-verity SHA-256 digest. */
export const DIGEST_SIZE = LIMITS.DIGEST_SIZE
export const ROOT = 0
/** No node, or nothing at a place. */
export const NONE = -1

const SLASH = 0x2f

function hasNul(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === 0) return true
  return false
}

/** Methods throw a TreeError (EINVAL) for a node that is not there. */
export class Tree extends Columns {
  /** Adds the root, a directory. Throws a TreeError (EINVAL, ENOTDIR). */
  addRoot(mode: number): number {
    return this.#answer(this.core.exports.addRoot(mode))
  }

  /**
   * Adds a node below a directory; its name is copied in, or stays where it lies in the arena. Throws a TreeError:
   * EINVAL for what is no name or no file type, ENAMETOOLONG, ENOTDIR for a parent that is none, EEXIST.
   */
  add(parent: number, source: Uint8Array, from: number, to: number, mode: number): number {
    const { core } = this
    this.#known(parent)
    for (let at = from; at < to; at++) {
      if (source[at] === SLASH || source[at] === 0) throw new TreeError('EINVAL', 'a name can have no slash and no NUL')
    }
    const at = this.#place(source, from, to)
    const node = this.#answer(core.exports.addNode(parent, at, to - from, mode))
    core.take(at, to - from)
    return node
  }

  /** Child of that name, or NONE. */
  child(parent: number, source: Uint8Array, from: number, to: number): number {
    return this.#found(this.core.exports.findChild(parent, this.#place(source, from, to), to - from))
  }

  /** Node at a path from the root, by names alone: no `..`, no symlinks; runs of slashes count as one. NONE if none. */
  lookup(source: Uint8Array, from: number, to: number): number {
    const at = this.#place(source, from, to)
    return this.#found(this.core.exports.findPath(at, at + to - from))
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
    if (this.ctime === undefined) this.#answer(this.core.exports.reserveCtimes())
    const { ctime } = this
    if (ctime === undefined) return
    ctime.low[node] = low
    ctime.high[node] = high
    ctime.nsec[node] = nsec
  }

  /**
   * Sets what a symlink points to or which file backs a regular one, from bytes that are copied in or lie in the arena.
   * A symlink's size becomes the length. Throws a TreeError (ENAMETOOLONG beyond 4095, EINVAL for an empty target).
   */
  setPayload(node: number, source: Uint8Array, from: number, to: number): void {
    this.#known(node)
    if (hasNul(source, from, to)) throw new TreeError('EINVAL', 'a path can have no NUL')
    const at = this.#place(source, from, to)
    accepted(this.core, this.core.exports.setPayload(node, at, to - from))
    this.core.take(at, to - from)
  }

  /** Sets bytes that the image holds itself; the size becomes theirs. Throws a TreeError (EINVAL) beyond 5000. */
  setContent(node: number, source: Uint8Array, from: number, to: number): void {
    this.#known(node)
    const at = this.#place(source, from, to)
    accepted(this.core, this.core.exports.setContent(node, at, to - from))
    this.core.take(at, to - from)
  }

  /** Sets the fs-verity SHA-256 digest of the backing file: the 32 bytes at `from`. */
  setDigest(node: number, source: Uint8Array, from: number): void {
    this.#known(node)
    const at = this.#place(source, from, from + DIGEST_SIZE)
    this.core.exports.setDigest(node, at)
    this.core.take(at, DIGEST_SIZE)
  }

  /**
   * Sets an attribute; `limit` is the space that all of a node's may take. The last value of a key counts. Throws a
   * TreeError (ERANGE, EINVAL) for a length that no attribute can have, or when the limit is passed.
   */
  setXattr(
    node: number,
    source: Uint8Array,
    key: { from: number; to: number },
    value: { from: number; to: number },
    limit: number = XATTR_SPACE_MAX,
  ): void {
    const { core } = this
    this.#known(node)
    if (hasNul(source, key.from, key.to)) throw new TreeError('EINVAL', 'the name of an attribute can have no NUL')
    const keyLength = key.to - key.from
    const length = value.to - value.from
    const bytes = new Uint8Array(keyLength + length)
    bytes.set(source.subarray(key.from, key.to))
    bytes.set(source.subarray(value.from, value.to), keyLength)
    const { keyCount, pairCount } = this.xattrs
    const at = this.#place(bytes, 0, bytes.length)
    const answer = core.exports.setXattr(node, at, keyLength, at + keyLength, length, limit)
    // What is known already needs no second place.
    if (this.xattrs.keyCount + this.xattrs.pairCount > keyCount + pairCount) core.take(at, bytes.length)
    this.#answer(answer)
  }

  /** Makes a node a hard link. Throws a TreeError: EINVAL for a link of or to a directory, ELOOP. */
  setLink(node: number, target: number): void {
    this.#known(node)
    this.#known(target)
    accepted(this.core, this.core.exports.setLink(node, target))
  }

  /** The node that a chain of hard links ends in; the node itself when it is none. */
  resolved(node: number): number {
    const { link } = this
    return link[node] === NONE ? node : this.core.exports.resolveLink(node)
  }

  isLink(node: number): boolean {
    return this.link[node] !== NONE
  }

  /** Order of two nodes' names, as C's strcmp has it: below 0, 0, above 0. */
  compareNames(a: number, b: number): number {
    return this.core.exports.compareNodes(a, b)
  }

  /** Puts the children of a directory into `into` from its front, in byte order of their names; answers how many. */
  sortedChildren(directory: number, into: number[] | Int32Array): number {
    const count = this.#answer(this.core.exports.sortChildren(directory))
    const children = this.core.children(count)
    for (let i = 0; i < count; i++) into[i] = children[i]
    return count
  }

  /** Absolute path, a character a byte. */
  path(node: number): string {
    this.#known(node)
    if (node === ROOT) return '/'
    let path = ''
    for (let at = node; at !== ROOT; at = this.parent[at]) {
      path = `/${String.fromCharCode(...this.arena.view(this.nameAt[at], this.nameLength[at]))}${path}`
    }
    return path
  }

  /** Throws a TreeError (EINVAL) for a number that no node has. */
  #known(node: number): void {
    if (!(node >= 0 && node < this.count)) throw new TreeError('EINVAL', `there is no node ${node}`)
  }

  /** Address of bytes for a call. */
  #place(source: Uint8Array, from: number, to: number): number {
    const at = this.core.place(source, from, to)
    return at < 0 ? accepted(this.core, at) : at
  }

  #answer(answer: number): number {
    this.core.settle()
    return accepted(this.core, answer)
  }

  /** Answers of look-ups are shifted: NONE is no refusal. */
  #found(answer: number): number {
    this.core.settle()
    return answer < NONE ? accepted(this.core, answer + 1) : answer
  }
}
