// An image as a Layer whose readers have narrower limits than the formats and the core have: paths are walked here name by name, so
// that names, depth and symlinks are counted, and an inode's xattrs are all looked at before one of them is answered. Slower than
// ImageLayer, which is what a mount without such limits has. Not here: which limits there are (src/format/limits.ts).

import { binaryPath } from '../format/call-path.js'
import { Fault, fault, type Outcome } from '../format/errno.js'
import {
  DEFAULT_LIMITS,
  type Limits,
  looksAtEntries,
  nameTooLong,
  tooDeep,
  tooManyXattrBytes,
} from '../format/limits.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import type { VerifiedObjects } from '../store/verified.js'
import { ImageLayer, type ImageNode, type Verity, xattrBytes } from './image-layer.js'
import type { Attr, Bytes, DirList } from './layer.js'

const { S_IFMT, S_IFDIR, S_IFLNK, PATH_MAX } = CONSTANTS

/** Does a look-up have to go name by name to keep to the limits? */
export function limitsPaths(limits: Limits): boolean {
  const looks = looksAtEntries({ ...limits, maxEntries: DEFAULT_LIMITS.maxEntries })
  return looks || limits.maxSymlinks < DEFAULT_LIMITS.maxSymlinks
}

/** The layer of an image that keeps to the limits, whichever takes least for it. */
export function imageLayer(
  image: Image,
  objects: VerifiedObjects | undefined,
  verity: Verity,
  limits: Limits,
): ImageLayer {
  const { maxXattrBytes } = limits
  const narrow = limitsPaths(limits) || maxXattrBytes < DEFAULT_LIMITS.maxXattrBytes
  return narrow ? new LimitedLayer(image, objects, verity, limits) : new ImageLayer(image, objects, verity, limits)
}

export class LimitedLayer extends ImageLayer {
  readonly #limits: Limits

  constructor(image: Image, objects: VerifiedObjects | undefined, verity: Verity, limits: Limits) {
    super(image, objects, verity, limits)
    this.#limits = limits
  }

  /** An overlay above is to ask name by name as well. */
  override get unmarked(): boolean {
    return false
  }

  override resolve(path: Bytes, follow: boolean): Outcome<ImageNode> {
    if (path.length === 0) return fault('ENOENT')
    let text = binaryPath(path)
    if (text.length >= PATH_MAX) return fault('ENAMETOOLONG')
    let dir = this.root
    let links = 0
    for (let at = 0; ; ) {
      while (text.charCodeAt(at) === 0x2f) at++
      if (at === text.length) return dir
      const slash = text.indexOf('/', at)
      const end = slash === -1 ? text.length : slash
      const node = this.lookup(dir, binaryBytes(text.slice(at, end)))
      if (node instanceof Fault) return node
      const type = node.mode & S_IFMT
      if (type === S_IFLNK && (end < text.length || follow)) {
        if (++links > this.#limits.maxSymlinks) {
          return new Fault('ELOOP', `more than ${this.#limits.maxSymlinks} symlinks (maxSymlinks)`)
        }
        const target = this.readlink(node)
        if (target instanceof Fault) return target
        if (target.length >= PATH_MAX) return fault('ENAMETOOLONG')
        if (target[0] === 0x2f) dir = this.root
        text = binaryString(target) + text.slice(end)
        at = 0
        continue
      }
      if (end === text.length) return node
      if (type !== S_IFDIR) return fault('ENOTDIR')
      dir = node
      at = end
    }
  }

  override lookup(dir: ImageNode, name: Bytes): Outcome<ImageNode> {
    const { maxNameBytes, maxDepth } = this.#limits
    const length = byteLength(name)
    if (length > maxNameBytes) return nameTooLong(length, maxNameBytes)
    const node = super.lookup(dir, name)
    if (node instanceof Fault || node === dir || node.way !== dir) return node
    return depthOf(node) > maxDepth ? tooDeep(maxDepth) : node
  }

  override statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const node = this.resolve(path, follow)
    return node instanceof Fault ? node : this.stat(node, out)
  }

  override readdir(dir: ImageNode): Outcome<DirList> {
    const list = super.readdir(dir)
    if (list instanceof Fault) return list
    const { maxNameBytes } = this.#limits
    for (const [i, name] of list.names.entries()) {
      const length = list.raw?.get(i)?.length ?? byteLength(name)
      if (length > maxNameBytes) return nameTooLong(length, maxNameBytes)
    }
    return list
  }

  override namesAt(path: Bytes): Outcome<string[]> {
    const node = this.resolve(path, true)
    if (node instanceof Fault) return node
    const list = this.readdir(node)
    return list instanceof Fault ? list : list.names
  }

  override getxattr(node: ImageNode, name: Bytes): Outcome<Uint8Array> {
    const stored = this.image.core.xattrs(node.nid)
    // What can't be read is told of by the question itself.
    const { maxXattrBytes } = this.#limits
    if (typeof stored !== 'number' && xattrBytes(stored) > maxXattrBytes) return tooManyXattrBytes(maxXattrBytes)
    return super.getxattr(node, name)
  }
}

/** Names of the path by which an inode was found. */
export function depthOf(node: ImageNode): number {
  let depth = 0
  for (let { way } = node; typeof way === 'object' && 'nid' in way; way = way.way) depth++
  return depth
}

function byteLength(name: Bytes): number {
  return typeof name === 'string' ? new TextEncoder().encode(name).length : name.length
}
