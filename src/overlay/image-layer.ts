// An image with its store as a Layer: the kernel's composefs mount, or its EROFS mount where the image has no composefs
// header; for cfs v1 what the kernel module of its time showed. Look-ups go to the core; directories by path are cached by the image. Not here: writable trees.
// Follows fs/erofs (inode.c, namei.c) and, for data in a store, ovl_maybe_lookup_lowerdata of fs/overlayfs.

import { CfsDetails, readCtime } from '../../wasm/cfs-details.js'
import type { CoreImage, StoredXattr } from '../../wasm/core-image.js'
import { errnoName, Fault, fault, Miss, type Outcome } from '../format/errno.js'
import { objectName } from '../format/hex.js'
import { type Limits, tooBig, tooManyXattrBytes } from '../format/limits.js'
import { metacopyDigest } from '../format/metacopy.js'
import { CONSTANTS, QUERY_FLAGS, STOP } from '../format/structs.js'
import {
  binaryBytes,
  binaryString,
  OVERLAY_PREFIX,
  splitXattrName,
  XATTR_INDEX_LUSTRE,
  XATTR_INDEX_TRUSTED,
  XATTR_PREFIXES,
} from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import { fullXattrName, type View } from '../image/view.js'
import { canonicalObjectName } from '../store/object-name.js'
import type { VerifiedObjects } from '../store/verified.js'
import { ImageFile } from './image-file.js'
import type { Attr, Bytes, DirList, FsInfo, KnownObject, Layer, ObjectLayer, OpenFile, Patiently } from './layer.js'
import { LazyFile } from './lazy-file.js'
import { AT_LINK, type PlainWalk, type Walked } from './lower.js'
import { isUnreadUser, xattrReadFault } from './upper-xattr.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS
const { Q_FOLLOW, Q_STOP_SYMLINK } = QUERY_FLAGS
const SLASH = 0x2f
const DOT = 0x2e
const NO_ID = 0xffffffff
/** Xattr names without their prefix. */
const METACOPY = binaryBytes('overlay.metacopy')
const REDIRECT = binaryBytes('overlay.redirect')
const OVERFLOW_ID = 65534
const OVERLAYFS_SUPER_MAGIC = 0x794c7630
/** What statfs says of files that an image could hold: ULLONG_MAX in the kernel, which as 64 signed bits is this. */
const NO_LIMIT = -1

/** An inode, and how it was found: by a path, in a directory, or as the root. `..` and loops are decided by that. */
export interface ImageNode {
  readonly nid: number
  readonly mode: number
  readonly way: Bytes | ImageNode | undefined
}

export type Verity = 'off' | 'on' | 'require'

/** Bytes of xattrs, their names as a whole and their values. */
export function xattrBytes(stored: readonly StoredXattr[]): number {
  let sum = 0
  for (const { index, rest, value } of stored) {
    sum += (XATTR_PREFIXES[index]?.length ?? 0) + rest.length + value.length
  }
  return sum
}

export class ImageLayer implements Layer<ImageNode>, ObjectLayer<ImageNode>, PlainWalk {
  readonly root: ImageNode
  readonly image: Image
  readonly #core: CoreImage
  readonly #view: View
  readonly #backed: boolean
  readonly #flags: number
  readonly #blockSize: number
  readonly #objects: VerifiedObjects | undefined
  readonly #verity: Verity
  readonly #maxXattrBytes: number
  readonly #maxObjectBytes: number

  constructor(image: Image, objects: VerifiedObjects | undefined, verity: Verity, limits: Limits = image.limits) {
    this.image = image
    this.#core = image.core
    this.root = { nid: image.rootNid, mode: S_IFDIR, way: undefined }
    this.#view = image.view
    this.#backed = image.view.backed
    this.#flags = image.queryFlags
    this.#blockSize = image.superblock.blockSize
    this.#objects = objects
    this.#verity = verity
    this.#maxXattrBytes = limits.maxXattrBytes
    this.#maxObjectBytes = limits.maxObjectBytes
  }

  get waits(): boolean {
    return this.image.lazy
  }

  get patiently(): Patiently | undefined {
    return this.image.pager?.patiently
  }

  get unmarked(): boolean {
    return !this.image.mayHoldMarks
  }

  get mayHoldDevices(): boolean {
    return !this.#view.hideDev0
  }

  walk(dir: ImageNode, path: Bytes, follow: boolean): Outcome<Walked> {
    const core = this.#core
    const r = core.resolve(dir.nid, path, this.#flags | Q_STOP_SYMLINK | (follow ? Q_FOLLOW : 0))
    if (r < 0) return this.#fault(r, path)
    const found = { nid: core.nid(), mode: core.mode() }
    const { why, rest } = core.stopped()
    const stopped = why === STOP.STOP_SYMLINK
    let way: Bytes | ImageNode = path
    let parent = dir
    if (dir !== this.root || stopped) {
      for (const nid of core.chain().slice(1)) parent = { nid, mode: S_IFDIR, way: parent }
      way = parent
    }
    const node: ImageNode = { ...found, way }
    return { node, left: stopped ? rest.length : -1, parent: stopped ? parent : undefined }
  }

  resolveDirect(path: Bytes, follow: boolean): Outcome<ImageNode> {
    const core = this.#core
    const r = core.statPath(path, this.#flags | Q_STOP_SYMLINK | (follow ? Q_FOLLOW : 0))
    if (r < 0) return this.#fault(r, path)
    return core.atLink ? AT_LINK : { nid: core.nid(), mode: core.mode(), way: path }
  }

  statDirect(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const core = this.#core
    const r = core.statPath(path, this.#flags | Q_STOP_SYMLINK | (follow ? Q_FOLLOW : 0))
    if (r < 0) return this.#fault(r, path)
    if (core.atLink) return AT_LINK
    this.#fill(out)
    return undefined
  }

  namesDirect(path: Bytes): Outcome<string[]> {
    const names = this.#core.namesAt(path, this.#flags | Q_STOP_SYMLINK)
    if (typeof names !== 'number') return names
    return names === -CONSTANTS.ENOTDIR && this.#core.atLink ? AT_LINK : this.#fault(names, path)
  }

  resolve(path: Bytes, follow: boolean): Outcome<ImageNode> {
    const core = this.#core
    const r = core.statPath(path, this.#flags | (follow ? Q_FOLLOW : 0))
    return r < 0 ? this.#fault(r, path) : { nid: core.nid(), mode: core.mode(), way: path }
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const r = this.#core.statPath(path, this.#flags | (follow ? Q_FOLLOW : 0))
    if (r < 0) return this.#fault(r, path)
    this.#fill(out)
    return undefined
  }

  #fill(out: Attr): void {
    this.#core.attr(out)
    // EROFS keeps one time, which the kernel shows as all of them but the birth time: that it does not give (0).
    out.atimeSec = out.ctimeSec = out.mtimeSec
    out.atimeNsec = out.ctimeNsec = out.mtimeNsec
    if (this.#backed) readCtime(this.#core.core, out)
    out.birthtimeSec = out.birthtimeNsec = 0
    // The id that means none is shown as nobody's (overflowuid), as the kernel does.
    if (out.uid === NO_ID) out.uid = OVERFLOW_ID
    if (out.gid === NO_ID) out.gid = OVERFLOW_ID
    const bs = this.#blockSize
    out.blksize = bs
    out.blocks = Math.ceil(out.size / bs) * (bs / 512)
  }

  #fault(answer: number, what: Bytes): Fault {
    // What then was noted last is of no account.
    const unread = answer === -CONSTANTS.EAGAIN || answer === -CONSTANTS.ENOMEM
    if (!unread && this.#core.errorDetail() === '' && !this.image.closed) return fault(errnoName(-answer))
    return this.image.fault(answer, typeof what === 'string' ? what : binaryString(what))
  }

  lookup(dir: ImageNode, name: Bytes): Outcome<ImageNode> {
    if ((dir.mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
    const bytes = typeof name === 'string' ? new TextEncoder().encode(name) : name
    if (bytes.length === 0) return fault('ENOENT')
    const dots = bytes.length <= 2 && bytes.every(byte => byte === DOT) ? bytes.length : 0
    if (dots === 1) return dir
    if (dots === 2) return this.#parent(dir)
    const core = this.#core
    const r = core.lookup(dir.nid, bytes, this.#flags)
    if (r < 0) return this.#fault(r, name)
    const node = { nid: core.nid(), mode: core.mode(), way: dir }
    if ((node.mode & S_IFMT) !== S_IFDIR) return node
    const above = this.#above(dir)
    if (above instanceof Fault) return above
    return above.includes(node.nid) || dir.nid === node.nid ? fault('ELOOP') : node
  }

  #parent(dir: ImageNode): Outcome<ImageNode> {
    if (typeof dir.way === 'object' && 'nid' in dir.way) return dir.way
    const above = this.#above(dir)
    if (above instanceof Fault) return above
    let node = this.root
    for (const nid of above.slice(1)) node = { nid, mode: S_IFDIR, way: node }
    return node
  }

  /** nids of the directories above a directory on the way by which it was found, the root's first. */
  #above(dir: ImageNode): Outcome<number[]> {
    const { way } = dir
    if (way === undefined) return []
    if (typeof way === 'object' && 'nid' in way) {
      const above = this.#above(way)
      return above instanceof Fault ? above : [...above, way.nid]
    }
    const core = this.#core
    const r = core.resolve(this.image.rootNid, way, this.#flags | Q_FOLLOW)
    if (r === -CONSTANTS.EAGAIN) return this.#fault(r, way)
    return r < 0 ? [] : core.chain()
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

  namesAt(path: Bytes): Outcome<string[]> {
    const names = this.#core.namesAt(path, this.#flags)
    return typeof names === 'number' ? this.#fault(names, path) : names
  }

  readlink(node: ImageNode): Outcome<Uint8Array> {
    const target = this.#core.readlink(node.nid)
    return typeof target === 'number' ? this.#fault(target, 'readlink') : target
  }

  listxattr(node: ImageNode): Outcome<Uint8Array[]> {
    const stored = this.#core.xattrs(node.nid)
    if (typeof stored === 'number') return this.#fault(stored, 'listxattr')
    if (xattrBytes(stored) > this.#maxXattrBytes) return tooManyXattrBytes(this.#maxXattrBytes)
    const names: Uint8Array[] = []
    for (const { index, rest } of stored) {
      const shown = this.#view.xattrName(index, fullXattrName(index, binaryString(rest)))
      if (shown !== undefined) names.push(binaryBytes(shown))
    }
    return names
  }

  getxattr(node: ImageNode, name: Bytes): Outcome<Uint8Array> {
    const text = typeof name === 'string' ? binaryString(new TextEncoder().encode(name)) : binaryString(name)
    const wrong = this.#unread(node.mode, text)
    if (wrong !== undefined) return wrong
    const stored = this.#view.storedName(text)
    if (stored === undefined) return fault('ENODATA')
    return this.#stored(node, stored)
  }

  /** Why the kernel asks no file system for an xattr. */
  #unread(mode: number, name: string): Fault | undefined {
    const { anyName, redirects } = this.#view
    if (anyName) return isUnreadUser(mode, name) ? fault('ENODATA') : undefined
    // A name like any other to who is no overlay.
    return name === OVERLAY_PREFIX && !redirects ? undefined : xattrReadFault(mode, name)
  }

  /** Value of an xattr by its stored name. */
  #stored(node: ImageNode, name: string): Outcome<Uint8Array> {
    const { index, rest } = splitXattrName(name)
    if ((index === 0 || index === XATTR_INDEX_LUSTRE) && !this.#view.anyName) return fault('ENOTSUP')
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
    if (this.#backed && size > 0) return this.#openBacked(node, size, wait)
    if (this.#view.redirects) {
      const metacopy = core.xattr(node.nid, XATTR_INDEX_TRUSTED, METACOPY)
      if (typeof metacopy !== 'number') return this.#openObject(node, size, metacopy, wait)
      if (metacopy !== -CONSTANTS.ENODATA) return this.#fault(metacopy, 'open')
    }
    const { image } = this
    return image.pager === undefined
      ? new ImageFile(image, node.nid, size)
      : new LazyFile(image, image.pager, node.nid, size)
  }

  objectOf(node: ImageNode): Outcome<KnownObject | undefined> {
    const core = this.#core
    if (this.#backed || !this.#view.redirects || (node.mode & S_IFMT) !== S_IFREG) return undefined
    const metacopy = core.xattr(node.nid, XATTR_INDEX_TRUSTED, METACOPY)
    if (metacopy === -CONSTANTS.ENODATA) return undefined
    // At once, since the next question forgets what this one lacked.
    const failed = typeof metacopy === 'number' ? this.#fault(metacopy, 'objectOf') : undefined
    if (failed instanceof Miss) return failed
    const redirect = core.xattr(node.nid, XATTR_INDEX_TRUSTED, REDIRECT)
    if (redirect === -CONSTANTS.ENODATA) return undefined
    if (typeof metacopy === 'number') return failed
    if (typeof redirect === 'number') return this.#fault(redirect, 'objectOf')
    const digest = metacopyDigest(metacopy)
    if (digest === undefined || digest instanceof Fault) return digest
    const name = objectName(digest)
    return binaryString(redirect) === `/${name}` ? { name, digest } : undefined
  }

  dataFault(node: ImageNode): Fault | undefined {
    if (this.#objects?.store.openSync === undefined) return undefined
    const lacks = this.image.lazy ? this.#dataMiss(node) : undefined
    if (lacks !== undefined) return lacks
    const file = this.open(node, true)
    if (file instanceof Fault) return file.code === 'ENOENT' ? file : undefined
    file.close()
    return undefined
  }

  /** What the image itself lacks to tell where a file's data is, as against what the store does. */
  #dataMiss(node: ImageNode): Fault | undefined {
    for (const mark of [METACOPY, REDIRECT]) {
      const value = this.#core.xattr(node.nid, XATTR_INDEX_TRUSTED, mark)
      if (value === -CONSTANTS.EAGAIN) return this.#fault(value, 'open')
    }
    return undefined
  }

  #openObject(node: ImageNode, size: number, metacopy: Uint8Array, wait: boolean): Outcome<OpenFile> {
    const redirect = this.#core.xattr(node.nid, XATTR_INDEX_TRUSTED, REDIRECT)
    if (typeof redirect === 'number') {
      const none = redirect === -CONSTANTS.ENODATA
      return none ? new Fault('EIO', 'metacopy without redirect') : this.#fault(redirect, 'open')
    }
    if (redirect[0] !== SLASH) return new Fault('EIO', 'redirect is not an absolute path')
    const name = new TextDecoder().decode(redirect.subarray(1))
    const digest = this.#verity === 'off' ? undefined : metacopyDigest(metacopy)
    return digest instanceof Fault ? digest : this.#openNamed(name, digest, size, wait)
  }

  /** By the backing path of a cfs v1 inode, which a base directory is the root of even where it is absolute. */
  #openBacked(node: ImageNode, size: number, wait: boolean): Outcome<OpenFile> {
    const details = new CfsDetails()
    const core = this.#core
    const r = details.load(core, node.nid)
    if (r < 0) return this.#fault(r, 'open')
    const { payload, digest } = details
    const name = new TextDecoder().decode(core.core.copy(payload.from, payload.to - payload.from)).replace(/^\/+/, '')
    const wanted =
      this.#verity === 'off' || digest.from < 0 ? undefined : core.core.copy(digest.from, digest.to - digest.from)
    return this.#openNamed(name, wanted, size, wait)
  }

  #openNamed(name: string, digest: Uint8Array | undefined, size: number, wait: boolean): Outcome<OpenFile> {
    if (digest === undefined && this.#verity === 'require') {
      return new Fault('EIO', `object ${name}: the image gives no digest, and verity is 'require'`)
    }
    if (size > this.#maxObjectBytes) {
      return tooBig(`object ${name}`, size, 'maxObjectBytes', this.#maxObjectBytes)
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
    if (this.#backed) {
      const nothing = { blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0 }
      return { type: CONSTANTS.CFS_V1_MAGIC, bsize: superblock.blockSize, ...nothing }
    }
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
