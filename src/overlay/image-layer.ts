// An image with its store as a Layer: the kernel's composefs mount, or its EROFS mount where the image has no composefs
// header. Look-ups go to the core; directories by path are cached by the image. Not here: writable trees.
// Follows fs/erofs (inode.c, namei.c) and, for data in a store, ovl_maybe_lookup_lowerdata of fs/overlayfs.

import type { CoreImage } from '../../wasm/core-image.js'
import { errnoName, Fault, fault, type Outcome } from '../format/errno.js'
import { metacopyDigest } from '../format/metacopy.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import {
  binaryBytes,
  binaryString,
  splitXattrName,
  XATTR_INDEX_LUSTRE,
  XATTR_INDEX_TRUSTED,
} from '../format/xattr-name.js'
import type { DentryCache, DirectoryHandle } from '../image/dentry-cache.js'
import type { Image } from '../image/image.js'
import { fullXattrName, type View } from '../image/view.js'
import { canonicalObjectName } from '../store/object-name.js'
import type { VerifiedObjects } from '../store/verified.js'
import { ImageFile } from './image-file.js'
import type { Attr, Bytes, DirList, FsInfo, Layer, OpenFile } from './layer.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS
const { Q_FOLLOW, Q_HIDE_DEV0 } = QUERY_FLAGS
/** Paths up to this many UTF-16 units are shorter than PATH_MAX in UTF-8 too. */
const SHORT_PATH = 1365
const SLASH = 0x2f
const DOT = 0x2e
const OVERLAYFS_SUPER_MAGIC = 0x794c7630
/** What statfs says of files that an image could hold: ULLONG_MAX, as the kernel does. */
const NO_LIMIT = 2 ** 64

/** An inode, and the directory that led to it (none above the root): `..` and loops are decided by those. */
export interface ImageNode extends DirectoryHandle {
  readonly mode: number
}

export type Verity = 'off' | 'on' | 'require'

export class ImageLayer implements Layer<ImageNode> {
  readonly root: ImageNode
  readonly image: Image
  readonly #core: CoreImage
  readonly #view: View
  readonly #flags: number
  readonly #blockSize: number
  readonly #objects: VerifiedObjects | undefined
  readonly #verity: Verity

  constructor(image: Image, objects: VerifiedObjects | undefined, verity: Verity) {
    this.image = image
    this.#core = image.core
    this.#view = image.view
    this.#flags = this.#view.hideDev0 ? Q_HIDE_DEV0 : 0
    this.#blockSize = image.superblock.blockSize
    this.#objects = objects
    this.#verity = verity
    this.root = { nid: image.rootNid, parent: undefined, mode: S_IFDIR }
  }

  resolve(path: Bytes, follow: boolean): Outcome<ImageNode> {
    const quick = typeof path === 'string' ? this.#lookupLast(path, follow) : undefined
    const r = quick ?? this.#resolveAll(path, follow)
    if (r < 0) return this.#fault(r, path)
    const parent = quick === undefined ? this.#chain() : this.#found
    return { nid: this.#core.nid(), parent, mode: this.#core.mode() }
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const r = (typeof path === 'string' ? this.#lookupLast(path, follow) : undefined) ?? this.#resolveAll(path, follow)
    if (r < 0) return this.#fault(r, path)
    this.#fill(out)
    return undefined
  }

  /** The directory in which lookupLast found its answer. */
  #found: DirectoryHandle | undefined

  /**
   * The answer of the core's look-up of a path's last name in the directory before it; undefined where it takes more
   * than that (a symlink to follow, `.`, `..`, a trailing slash, the root, an error on the way).
   */
  #lookupLast(path: string, follow: boolean): number | undefined {
    const length = path.length
    const slash = path.lastIndexOf('/')
    const from = slash + 1
    if (from === length || length > SHORT_PATH) return undefined
    const first = path.charCodeAt(from)
    if (first === DOT && (length - from === 1 || (length - from === 2 && path.charCodeAt(from + 1) === DOT)))
      return undefined
    const dir = slash <= 0 ? this.root : this.#directory(path, slash)
    if (dir === undefined) return undefined
    const core = this.#core
    const r = core.lookup(dir.nid, path, from, length, this.#flags)
    if (r < 0) return r
    const type = core.mode() & S_IFMT
    if (type === S_IFLNK && follow) return undefined
    if (type === S_IFDIR) {
      const nid = core.nid()
      if (leadsTo(dir, nid)) return -CONSTANTS.ELOOP
      // Who asks for a directory goes on to ask for what is in it.
      this.image.dentries.set(path, length, { nid, parent: dir })
    }
    this.#found = dir
    return 0
  }

  /** The directory that the first `length` characters name: from the cache, its parent, or the core's path walk. */
  #directory(path: string, length: number): DirectoryHandle | undefined {
    const cache: DentryCache = this.image.dentries
    const known = cache.get(path, length)
    if (known !== undefined) return known
    const handle = this.#subdirectory(path, length) ?? this.#walked(path.slice(0, length))
    if (handle !== undefined) cache.set(path, length, handle)
    return handle
  }

  /** A directory by its name in the one before it; undefined where the name is a symlink, `.`, `..` or not there. */
  #subdirectory(path: string, length: number): DirectoryHandle | undefined {
    const slash = path.lastIndexOf('/', length - 1)
    if (slash + 1 === length || path.charCodeAt(slash + 1) === DOT) return undefined
    const parent = slash <= 0 ? this.root : this.#directory(path, slash)
    const core = this.#core
    if (parent === undefined || core.lookup(parent.nid, path, slash + 1, length, this.#flags) < 0) return undefined
    const nid = core.nid()
    return (core.mode() & S_IFMT) !== S_IFDIR || leadsTo(parent, nid) ? undefined : { nid, parent }
  }

  #walked(path: string): DirectoryHandle | undefined {
    const core = this.#core
    const r = core.resolve(this.image.rootNid, path, this.#flags | Q_FOLLOW)
    if (r < 0 || (core.mode() & S_IFMT) !== S_IFDIR) return undefined
    return { nid: core.nid(), parent: this.#chain() }
  }

  /** The directory that the core's last resolve came through, with those above it. */
  #chain(): DirectoryHandle | undefined {
    let parent: DirectoryHandle | undefined
    for (const nid of this.#core.chain()) parent = { nid, parent }
    return parent
  }

  #resolveAll(path: Bytes, follow: boolean): number {
    return this.#core.resolve(this.image.rootNid, path, this.#flags | (follow ? Q_FOLLOW : 0))
  }

  #fill(out: Attr): void {
    this.#core.attr(out)
    // EROFS keeps one time, and the kernel shows it as all of them.
    out.atimeSec = out.ctimeSec = out.birthtimeSec = out.mtimeSec
    out.atimeNsec = out.ctimeNsec = out.birthtimeNsec = out.mtimeNsec
    const bs = this.#blockSize
    out.blksize = bs
    out.blocks = Math.ceil(out.size / bs) * (bs / 512)
  }

  #fault(answer: number, what: Bytes): Fault {
    const detail = this.#core.errorDetail()
    if (detail === '') return fault(errnoName(-answer))
    return this.image.fault(answer, typeof what === 'string' ? what : binaryString(what))
  }

  lookup(dir: ImageNode, name: Bytes): Outcome<ImageNode> {
    if ((dir.mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
    const bytes = typeof name === 'string' ? undefined : name
    const text = typeof name === 'string' ? name : binaryString(name)
    if (text === '') return fault('ENOENT')
    if (text === '.') return dir
    if (text === '..') return this.#parent(dir)
    const core = this.#core
    const r =
      bytes === undefined
        ? core.lookup(dir.nid, text, 0, text.length, this.#flags)
        : core.lookupBytes(dir.nid, bytes, this.#flags)
    if (r < 0) return this.#fault(r, name)
    const nid = core.nid()
    const mode = core.mode()
    if ((mode & S_IFMT) === S_IFDIR && leadsTo(dir, nid)) return fault('ELOOP')
    return { nid, parent: dir, mode }
  }

  #parent(dir: ImageNode): ImageNode {
    const { parent } = dir
    return parent === undefined ? dir : { nid: parent.nid, parent: parent.parent, mode: S_IFDIR }
  }

  stat(node: ImageNode, out: Attr): Fault | undefined {
    const r = this.#core.stat(node.nid)
    if (r < 0) return this.#fault(r, 'inode')
    this.#fill(out)
    return undefined
  }

  readdir(dir: ImageNode): Outcome<DirList> {
    const list = this.#core.readdir(dir.nid, this.#flags)
    return typeof list === 'number' ? this.#fault(list, 'readdir') : list
  }

  readlink(node: ImageNode): Outcome<Uint8Array> {
    const target = this.#core.readlink(node.nid)
    return typeof target === 'number' ? this.#fault(target, 'readlink') : target
  }

  listxattr(node: ImageNode): Outcome<Uint8Array[]> {
    const stored = this.#core.xattrs(node.nid)
    if (typeof stored === 'number') return this.#fault(stored, 'listxattr')
    const names: Uint8Array[] = []
    for (const { index, rest } of stored) {
      const shown = this.#view.xattrName(index, fullXattrName(index, binaryString(rest)))
      if (shown !== undefined) names.push(binaryBytes(shown))
    }
    return names
  }

  getxattr(node: ImageNode, name: Bytes): Outcome<Uint8Array> {
    const text = typeof name === 'string' ? binaryString(new TextEncoder().encode(name)) : binaryString(name)
    const stored = this.#view.storedName(text)
    if (stored === undefined) return fault('ENODATA')
    return this.#stored(node, stored)
  }

  /** Value of an xattr by its stored name. */
  #stored(node: ImageNode, name: string): Outcome<Uint8Array> {
    const { index, rest } = splitXattrName(name)
    if (index === 0 || index === XATTR_INDEX_LUSTRE) return fault('ENOTSUP')
    const value = this.#core.xattr(node.nid, index, binaryBytes(rest))
    return typeof value === 'number' ? this.#fault(value, 'getxattr') : value
  }

  open(node: ImageNode, wait: boolean): Outcome<OpenFile> {
    const type = node.mode & S_IFMT
    if (type === S_IFDIR) return fault('EISDIR')
    if (type !== S_IFREG) return fault(type === S_IFLNK ? 'ELOOP' : 'ENXIO')
    const core = this.#core
    const r = core.stat(node.nid)
    if (r < 0) return this.#fault(r, 'open')
    const size = core.fileSize()
    if (this.#view.redirects) {
      const metacopy = core.xattr(node.nid, XATTR_INDEX_TRUSTED, 'overlay.metacopy')
      if (typeof metacopy !== 'number') return this.#openObject(node, size, metacopy, wait)
      if (metacopy !== -CONSTANTS.ENODATA) return this.#fault(metacopy, 'open')
    }
    return new ImageFile(this.image, node.nid, size)
  }

  #openObject(node: ImageNode, size: number, metacopy: Uint8Array, wait: boolean): Outcome<OpenFile> {
    const redirect = this.#core.xattr(node.nid, XATTR_INDEX_TRUSTED, 'overlay.redirect')
    if (typeof redirect === 'number') {
      const none = redirect === -CONSTANTS.ENODATA
      return none ? new Fault('EIO', 'metacopy without redirect') : this.#fault(redirect, 'open')
    }
    if (redirect[0] !== SLASH) return new Fault('EIO', 'redirect is not an absolute path')
    const name = new TextDecoder().decode(redirect.subarray(1))
    const digest = this.#verity === 'off' ? undefined : metacopyDigest(metacopy)
    if (digest instanceof Fault) return digest
    if (digest === undefined && this.#verity === 'require') {
      return new Fault('EIO', `object ${name}: the image gives no digest, and verity is 'require'`)
    }
    const objects = this.#objects
    if (objects === undefined) {
      const checked = canonicalObjectName(name)
      return checked instanceof Fault ? checked : new Fault('ENOENT', `object ${name}: no store was given`)
    }
    return objects.open(name, { digest, size }, wait)
  }

  statfs(): FsInfo {
    const { superblock } = this.image
    const composefs = this.#view.redirects
    return {
      type: composefs ? OVERLAYFS_SUPER_MAGIC : CONSTANTS.EROFS_SUPER_MAGIC_V1,
      bsize: superblock.blockSize,
      blocks: superblock.blocks,
      bfree: 0,
      bavail: 0,
      files: NO_LIMIT,
      ffree: NO_LIMIT - superblock.inos,
    }
  }
}

/** Is a directory itself, or one above it, the inode of that nid? */
function leadsTo(dir: DirectoryHandle, nid: number): boolean {
  for (let at: DirectoryHandle | undefined = dir; at !== undefined; at = at.parent) if (at.nid === nid) return true
  return false
}
