// Copy-up: an upper inode for an entry that is only below, and the data of a metacopy file. What can miss or fail is gathered
// first and changes nothing; then the copy is put in its place. Not here: which operation copies up what (overlay.ts).
// Follows fs/overlayfs/copy_up.c; spec overlayfs.md 6.

import { Fault, fault, Miss, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Body } from './body.js'
import { shownXattrs, takeOver } from './copied-inode.js'
import { type Attr, newAttr, type OpenFile } from './layer.js'
import { isDirectory, type LowerPart } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { MergedTree } from './merged-tree.js'
import { dataBelow } from './overlay-file.js'
import { now } from './upper.js'
import type { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
/** Bytes copied at a time. */
const PIECE = 1 << 20
const NO_DIGEST = new Uint8Array(0)

/** Copies that wait for data are kept so that they go on; those of callers who gave up are dropped when there are so many. */
const MAX_WAITING = 64

/** How much of a regular file is copied: its metadata where that is allowed, all of it, or all but its content. */
export type Extent = 'metadata' | 'all' | 'emptied'

/** A copy of data that had to wait for more of it. */
interface Copying {
  readonly file: OpenFile
  readonly body: Body
  done: number
}

export class CopyUp {
  readonly #tree: MergedTree
  readonly #attr: Attr = newAttr()
  /** By the lower file that is copied. */
  readonly #waiting = new Map<string, Copying>()

  constructor(tree: MergedTree) {
    this.#tree = tree
  }

  /** The upper directory of a directory, made with those above it where need be. ENOENT for one that has been removed. */
  directory(dir: OverlayNode): Outcome<UpperInode> {
    const upper = upperOf(dir)
    if (upper !== undefined) {
      const isThere = upper.parent !== undefined || upper === this.#tree.root
      return isThere ? upper : fault('ENOENT')
    }
    const node = dir as LowerNode
    if (node.removed) return fault('ENOENT')
    let at = node.base
    for (const name of node.names()) {
      const next = this.#childDirectory(at, name)
      if (next instanceof Fault) return next
      at = next
    }
    node.upper = at
    return at
  }

  #childDirectory(dir: UpperInode, name: string): Outcome<UpperInode> {
    const tree = this.#tree
    const found = tree.lookupBinary(dir, name)
    if (found instanceof Fault) return found
    if (!isDirectory(found)) return fault('ENOTDIR')
    const upper = upperOf(found)
    if (upper !== undefined) return upper
    const { parts } = found as LowerNode
    const copy = this.#inode(parts[0])
    if (copy instanceof Fault) return copy
    copy.below = parts
    tree.upper.changed(copy)
    tree.upper.put(dir, name, copy)
    this.#adopt(dir, name, copy)
    return copy
  }

  /** Handles that are held below a directory which is upper from now on, or of the entry itself, go on with the copy. */
  #adopt(dir: UpperInode, name: string, copy: UpperInode): void {
    for (const node of this.#tree.opened) {
      if (node.base !== dir || node.upper !== undefined || node.removed) continue
      const names = node.names()
      if (names[0] !== name) continue
      if (names.length === 1) node.upper = copy
      else if (copy.isDirectory) {
        node.base = copy
        node.way = names.slice(1).join('/')
      }
    }
  }

  /** An inode with all that is known of a lower one but its data, without a name yet. */
  #inode({ lower, node }: LowerPart): Outcome<UpperInode> {
    const { upper } = this.#tree
    const attr = this.#attr
    const failed = lower.stat(node, attr)
    if (failed !== undefined) return failed
    // Names of one lower file become files of their own: they can't all keep its number.
    const keeps = isDirectory(node) || attr.nlink === 1
    const xattrs = shownXattrs({ lower, node })
    if (xattrs instanceof Fault) return xattrs
    const copy = upper.make(attr.mode, attr.uid, attr.gid, keeps ? attr.ino : undefined)
    if (copy instanceof Fault) return copy
    takeOver(copy, attr, xattrs)
    return copy
  }

  /** The upper inode of anything. A Miss for data that is not here; ENOENT, EIO, ENOSPC: nothing has changed then. */
  node(node: OverlayNode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    if (isDirectory(node)) return this.directory(node)
    const upper = upperOf(node)
    if (upper === undefined) return this.#file(node as LowerNode, extent, wait)
    if (extent === 'metadata' || upper.metacopy === undefined) return upper
    return this.#data(upper, extent, wait)
  }

  #file(node: LowerNode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    const tree = this.#tree
    const isFile = (node.mode & S_IFMT) === S_IFREG
    const metadataOnly = isFile && extent === 'metadata' && tree.options.metacopy
    const body = isFile && !metadataOnly ? this.#body(node, extent, wait) : undefined
    if (body instanceof Fault) return body
    const copy = this.#fileInode(node)
    if (copy instanceof Fault) {
      body?.free()
      return copy
    }
    if (metadataOnly) copy.metacopy = NO_DIGEST
    copy.below = metadataOnly ? [node.data] : []
    copy.body = body
    const failed = this.#place(node, copy)
    if (failed === undefined) return copy
    copy.nlink = 0
    tree.upper.release(copy)
    return failed
  }

  #fileInode({ parts }: LowerNode): Outcome<UpperInode> {
    const [{ lower, node }] = parts
    const target = (node.mode & S_IFMT) === S_IFLNK ? lower.layer.readlink(node) : undefined
    if (target instanceof Fault) return target
    const copy = this.#inode(parts[0])
    if (!(copy instanceof Fault)) copy.target = target
    return copy
  }

  #place(node: LowerNode, copy: UpperInode): Fault | undefined {
    const { upper } = this.#tree
    const names = node.names()
    const name = names.pop() as string
    if (node.removed) {
      // An entry that is only held open: nobody finds the copy by a name.
      copy.nlink = 0
      node.upper = copy
      return undefined
    }
    const above = new LowerNode(node.parts, node.base, names.join('/'))
    const dir = names.length === 0 ? node.base : this.directory(above)
    if (dir instanceof Fault) return dir
    upper.changed(copy)
    upper.put(dir, name, copy)
    this.#adopt(dir, name, copy)
    node.upper = copy
    return undefined
  }

  /** The data of a metacopy file follows. Its mtime becomes now, as the kernel has it. */
  #data(inode: UpperInode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    const body = this.#body(inode, extent, wait)
    if (body instanceof Fault) return body
    inode.body = body
    inode.metacopy = undefined
    inode.below = []
    inode.modified(now())
    this.#tree.upper.changed(inode)
    return inode
  }

  /** A body with what is below a node, or an empty one. */
  #body(node: OverlayNode, extent: Extent, wait: boolean): Outcome<Body> {
    const { upper } = this.#tree
    if (extent === 'emptied') return upper.bodies.create(upperOf(node)?.ino ?? upper.nextIno)
    const { lower, node: data } = dataBelow(node)
    const failed = lower.stat(data, this.#attr)
    if (failed !== undefined) return failed
    const key = `${this.#attr.ino} ${node instanceof LowerNode ? `${node.base.ino} ${node.way}` : node.ino}`
    const copying = this.#waiting.get(key) ?? this.#begin(data, lower, wait)
    if (copying instanceof Fault) return copying
    this.#waiting.delete(key)
    const stopped = this.#copy(copying, wait)
    if (stopped === undefined) {
      copying.file.close()
      return copying.body
    }
    if (stopped instanceof Miss) this.#keep(key, copying)
    else drop(copying)
    return stopped
  }

  #keep(key: string, copying: Copying): void {
    this.#waiting.set(key, copying)
    if (this.#waiting.size <= MAX_WAITING) return
    const [[oldest, given]] = this.#waiting
    this.#waiting.delete(oldest)
    drop(given)
  }

  #begin(data: LowerPart['node'], lower: LowerPart['lower'], wait: boolean): Outcome<Copying> {
    const file = lower.layer.open(data, wait)
    if (file instanceof Fault) return file
    const body = this.#tree.upper.bodies.create(this.#tree.upper.nextIno)
    if (body instanceof Fault) {
      file.close()
      return body
    }
    return { file, body, done: 0 }
  }

  #copy(copying: Copying, wait: boolean): Fault | undefined {
    const { file, body } = copying
    const buffer = new Uint8Array(Math.min(PIECE, Math.max(1, file.size)))
    while (copying.done < file.size) {
      const count = file.read(buffer, copying.done, wait)
      if (typeof count !== 'number') return count
      if (count === 0) break
      const failed = this.#write(body, buffer.subarray(0, count), copying.done)
      if (failed !== undefined) return failed
      copying.done += count
    }
    return body.size === file.size ? undefined : body.truncate(file.size)
  }

  /** Zeros stay a hole. */
  #write(body: Body, bytes: Uint8Array, position: number): Fault | undefined {
    return bytes.every(byte => byte === 0) ? undefined : body.write(bytes, position)
  }
}

function drop({ file, body }: Copying): void {
  file.close()
  body.free()
}
