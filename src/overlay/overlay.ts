// The overlay that can be written to: what every change does to the upper, as the kernel's overlay does it. Not here: look-ups
// (merged-tree.ts), copy-up (copy-up.ts), rename (rename.ts). Follows fs/overlayfs/{dir,inode}.c; spec overlayfs.md 6, 7.

import { binaryPath } from '../format/call-path.js'
import { Fault, fault, Miss, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes } from '../format/xattr-name.js'
import { ChangeFeed } from './change-feed.js'
import type { Extent } from './copy-data.js'
import { CopyUp } from './copy-up.js'
import {
  type AttrChange,
  type Bytes,
  type ChangeListener,
  type Layer,
  type NewInode,
  newAttr,
  type WritableFile,
  type WritableLayer,
  XATTR_CREATE,
  XATTR_REPLACE,
} from './layer.js'
import { isDirectory, type LayerNode } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { OverlayOptions } from './merged-entries.js'
import { MergedTree } from './merged-tree.js'
import { NameEdits } from './name-edits.js'
import { dropPrivileges } from './privileges.js'
import { rename } from './rename.js'
import { now, type Upper } from './upper.js'
import { UpperFile } from './upper-file.js'
import { type UpperInode, xattrCost } from './upper-inode.js'
import { xattrFault } from './upper-xattr.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR } = CONSTANTS
const S_ISGID = 0o2000
const PERMISSIONS = 0o7777
const NAME_MAX = 255

export class Overlay extends MergedTree implements WritableLayer<OverlayNode> {
  readonly writable = true
  readonly copyUp: CopyUp
  readonly #feed = new ChangeFeed()
  readonly #names: NameEdits

  constructor(layers: readonly Layer<LayerNode>[], upper: Upper, options: OverlayOptions) {
    super(layers, upper, options)
    this.copyUp = new CopyUp(this)
    this.#names = new NameEdits(this, this.copyUp, this.#feed)
  }

  // Names.

  create(dir: OverlayNode, nameBytes: Bytes, inode: NewInode, wait: boolean): Outcome<OverlayNode> {
    void wait
    return this.upper.ended(this.#create(dir, binaryPath(nameBytes), inode))
  }

  #create(dir: OverlayNode, name: string, inode: NewInode): Outcome<OverlayNode> {
    const found = this.lookupBinary(dir, name)
    if (!(found instanceof Fault)) return fault('EEXIST')
    if (found.code !== 'ENOENT') return found
    if (name.length > NAME_MAX) return fault('ENAMETOOLONG')
    if ((inode.mode & S_IFMT) === S_IFCHR && (inode.rdev ?? 0) === 0) {
      return new Fault('EPERM', 'a character device 0:0 is a whiteout')
    }
    const made = this.#make(dir, inode)
    if (made instanceof Fault) return made
    const parent = this.copyUp.directory(dir)
    if (parent instanceof Fault) {
      this.upper.unmake(made)
      return parent
    }
    const before = parent.children?.get(name)
    if (made.isDirectory && (before !== undefined || this.#marksNew(parent))) made.opaque = 'y'
    this.upper.changed(made)
    this.upper.put(parent, name, made)
    this.#names.changed(parent, name)
    return made
  }

  /** Whether a new directory is marked opaque though nothing is in its way: a short cut for later look-ups. */
  #marksNew(parent: UpperInode): boolean {
    return (parent.below?.length ?? 0) > 0 && (this.options.redirectDir || this.options.metacopy)
  }

  #make(dir: OverlayNode, { mode, umask, uid, gid, rdev, target }: NewInode): Outcome<UpperInode> {
    const parent = newAttr()
    const failed = this.stat(dir, parent)
    if (failed !== undefined) return failed
    const inherits = (parent.mode & S_ISGID) !== 0
    const type = mode & S_IFMT
    const permissions = type === S_IFLNK ? 0o777 : mode & PERMISSIONS & ~umask
    const setgid = inherits && type === S_IFDIR ? S_ISGID : 0
    const made = this.upper.make(type | permissions | setgid, uid, inherits ? parent.gid : gid)
    if (made instanceof Fault) return made
    made.born(now())
    made.below = []
    made.rdev = rdev ?? 0
    made.target = target === undefined ? undefined : new Uint8Array(target)
    if (type !== S_IFREG) return made
    const body = this.upper.bodies.create()
    if (!(body instanceof Fault)) {
      made.body = body
      return made
    }
    this.upper.unmake(made)
    return body
  }

  link(node: OverlayNode, dir: OverlayNode, name: Bytes, wait: boolean): Fault | undefined {
    return this.upper.ended(this.#link(node, dir, binaryPath(name), wait))
  }

  #link(node: OverlayNode, dir: OverlayNode, name: string, wait: boolean): Fault | undefined {
    const found = this.lookupBinary(dir, name)
    if (!(found instanceof Fault)) return fault('EEXIST')
    if (found.code !== 'ENOENT') return found
    if (isDirectory(node)) return fault('EPERM')
    if (node instanceof LowerNode ? node.removed && node.upper === undefined : node.nlink === 0) return fault('ENOENT')
    const stopped = this.copyUp.metadata([node, dir], wait)
    if (stopped !== undefined) return stopped
    const [inode, parent] = [upperOf(node) as UpperInode, upperOf(dir) as UpperInode]
    if (inode.metacopy !== undefined) {
      const failed = this.#names.redirect(inode, false, true, inode.parent as UpperInode, inode.name)
      if (failed !== undefined) return failed
    }
    inode.nlink++
    inode.changed(now())
    this.upper.changed(inode)
    this.upper.put(parent, name, inode)
    this.#names.changed(parent, name)
    return undefined
  }

  unlink(dir: OverlayNode, nameBytes: Bytes): Fault | undefined {
    const name = binaryPath(nameBytes)
    const node = this.lookupBinary(dir, name)
    if (node instanceof Fault) return node
    return isDirectory(node) ? fault('EISDIR') : this.upper.ended(this.#remove(dir, name, node))
  }

  rmdir(dir: OverlayNode, nameBytes: Bytes): Fault | undefined {
    const name = binaryPath(nameBytes)
    const node = this.lookupBinary(dir, name)
    if (node instanceof Fault) return node
    if (!isDirectory(node)) return fault('ENOTDIR')
    return this.#names.notEmpty(node) ?? this.upper.ended(this.#remove(dir, name, node))
  }

  lacksToRemove(dir: OverlayNode, name: Bytes): Fault | undefined {
    const hides = this.#names.showsBelow(dir, binaryPath(name))
    return hides instanceof Miss ? hides : undefined
  }

  #remove(dir: OverlayNode, name: string, node: OverlayNode): Fault | undefined {
    const hides = this.#names.showsBelow(dir, name)
    if (hides instanceof Fault) return hides
    if (!hides && this.#names.holdsWhiteouts(node)) return fault('ENOTEMPTY')
    const parent = this.copyUp.directory(dir)
    if (parent instanceof Fault) return parent
    const inode = upperOf(node)
    this.#names.vacate(parent, name, hides)
    this.#names.unname(parent, name, inode)
    this.#names.changed(parent, name)
    return undefined
  }

  rename(
    from: OverlayNode,
    name: Bytes,
    to: OverlayNode,
    newName: Bytes,
    flags: number,
    wait: boolean,
  ): Fault | undefined {
    const source = { dir: from, name: binaryPath(name) }
    const target = { dir: to, name: binaryPath(newName) }
    return this.upper.ended(rename(this.#names, source, target, flags, wait))
  }

  // What is known of an inode.

  setAttr(node: OverlayNode, change: AttrChange, wait: boolean): Fault | undefined {
    const inode = this.copyUp.node(node, 'metadata', wait)
    if (inode instanceof Fault) return inode
    const { mode, uid, gid, atime, mtime } = change
    if (mode !== undefined) inode.mode = (inode.mode & S_IFMT) | (mode & PERMISSIONS)
    if (uid !== undefined) inode.uid = uid
    if (gid !== undefined) inode.gid = gid
    if (atime !== undefined) {
      inode.atimeSec = atime.sec
      inode.atimeNsec = atime.nsec
    }
    if (mtime !== undefined) {
      inode.mtimeSec = mtime.sec
      inode.mtimeNsec = mtime.nsec
    }
    const isOwnerChange = mode === undefined && atime === undefined && mtime === undefined
    if (isOwnerChange && !inode.isDirectory) dropPrivileges(this.upper, inode, true)
    return this.#noted(inode)
  }

  #noted(inode: UpperInode): Fault | undefined {
    inode.changed(now())
    this.upper.changed(inode)
    this.#feed.tellOf(inode)
    return this.upper.ended(undefined)
  }

  setxattr(node: OverlayNode, nameBytes: Bytes, value: Uint8Array, flags: number, wait: boolean): Fault | undefined {
    const name = binaryPath(nameBytes)
    const wrong = xattrFault(node.mode, name, value.length)
    if (wrong !== undefined && wrong.code !== 'ENOTSUP') return wrong
    const had = this.getxattr(node, binaryBytes(name))
    const isSet = !(had instanceof Fault)
    if (wrong === undefined && !isSet && had.code !== 'ENODATA') return had
    if (isSet && (flags & XATTR_CREATE) !== 0) return fault('EEXIST')
    if (!isSet && (flags & XATTR_REPLACE) !== 0) return fault('ENODATA')
    const room = wrong === undefined ? Math.max(0, value.length + (isSet ? -had.length : name.length)) : 0
    if (!this.upper.quota.take(room)) return fault('ENOSPC')
    const inode = this.copyUp.node(node, 'metadata', wait)
    this.upper.quota.give(room)
    if (inode instanceof Fault) return inode
    // A namespace that does not exist is found out about only by the upper.
    if (wrong !== undefined) return wrong
    inode.xattrs ??= new Map()
    // A Buffer's slice would be the caller's own bytes.
    inode.xattrs.set(name, new Uint8Array(value))
    this.upper.charge(inode, xattrCost(inode.xattrs))
    return this.#noted(inode)
  }

  removexattr(node: OverlayNode, nameBytes: Bytes, wait: boolean): Fault | undefined {
    const name = binaryPath(nameBytes)
    const wrong = xattrFault(node.mode, name, 0)
    if (wrong !== undefined) return wrong
    const had = this.getxattr(node, binaryBytes(name))
    if (had instanceof Fault) return had
    const inode = this.copyUp.node(node, 'metadata', wait)
    if (inode instanceof Fault) return inode
    inode.xattrs?.delete(name)
    this.upper.charge(inode, xattrCost(inode.xattrs))
    return this.#noted(inode)
  }

  // Content.

  openWritable(node: OverlayNode, truncate: boolean, wait: boolean): Outcome<WritableFile> {
    const type = node.mode & S_IFMT
    if (type !== S_IFREG) return fault(type === S_IFDIR ? 'EISDIR' : type === S_IFLNK ? 'ELOOP' : 'ENXIO')
    const extent: Extent = truncate ? 'emptied' : 'all'
    const inode = this.copyUp.node(node, extent, wait)
    if (inode instanceof Fault) return inode
    const file = new UpperFile(this, inode, this.#feed)
    const failed = truncate ? file.truncate(0) : this.upper.ended(undefined)
    if (failed === undefined) return file
    file.close()
    return failed
  }

  sync(node?: OverlayNode): Fault | undefined {
    const inode = node === undefined ? undefined : upperOf(node)
    return node !== undefined && inode === undefined ? undefined : this.upper.sync(inode)
  }

  // Watching.

  watch(listener: ChangeListener): () => void {
    return this.#feed.listen(listener)
  }
}
