// The tree that an upper and the layers below it make: look-ups, paths, attributes, listings and reads. By itself it is the
// read-only overlay of a stack of images. Not here: any change (overlay.ts), the search below (search.ts).
// Follows fs/overlayfs/{namei,inode,readdir}.c; spec overlayfs.md 3-5. A subtree that the upper has never touched is resolved
// inside its layer in one call.

import { binaryPath, callPath } from '../format/call-path.js'
import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import { DirectPaths } from './direct.js'
import { type Attr, type Bytes, type DirList, type FsInfo, type Layer, newAttr, type OpenFile } from './layer.js'
import { fullList, mergedList, namesOf } from './listing.js'
import {
  AT_LINK,
  isDirectory,
  type LayerNode,
  Lower,
  type LowerPart,
  lowerXattr,
  type PlainWalk,
  shownXattr,
} from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import { OverlayFile } from './overlay-file.js'
import { NOTHING, redirectFault, Search } from './search.js'
import type { Upper } from './upper.js'
import { statUpper, upperInfo } from './upper-attr.js'
import type { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFCHR, S_IFLNK, S_IFREG, S_IFDIR } = CONSTANTS
const MAXSYMLINKS = 40
const PATH_MAX = 4096
const NAME_MAX = 255
/** Merged directories that are remembered at a time. */
const MAX_REMEMBERED = 4096
const NO_PARTS: readonly LowerPart[] = []

export interface OverlayOptions {
  /** redirect_dir=on: a renamed lower directory is found again by a redirect; otherwise its rename is EXDEV. */
  readonly redirectDir: boolean
  /** metacopy=on: a change of metadata copies metadata only. */
  readonly metacopy: boolean
}

export class MergedTree implements Layer<OverlayNode> {
  readonly root: UpperInode
  readonly lowers: readonly Lower[]
  readonly #roots: readonly LowerPart[]
  /** The only layer below, if it can be asked for whole paths as long as the upper is empty. */
  readonly #only: (Layer<LayerNode> & PlainWalk) | undefined
  readonly #rootIno: number
  /** Handles that open files hold; they follow what becomes of their entries. */
  readonly opened = new Set<LowerNode>()
  /** Upper directories by the number of the lower one that they merge with: no two may have the same. */
  #merged = new WeakMap<readonly LowerPart[], Map<string, readonly LowerPart[]>>()
  #remembered = 0
  readonly direct: DirectPaths
  readonly #merging = new Map<number, UpperInode>()

  constructor(
    layers: readonly Layer<LayerNode>[],
    readonly upper: Upper,
    readonly options: OverlayOptions,
  ) {
    this.lowers = layers.map((layer, index) => new Lower(layer, index, layers.length))
    this.#roots = this.lowers.map(lower => lower.root)
    this.root = upper.root
    this.root.below = this.#roots
    this.#rootIno = this.root.ino
    this.direct = new DirectPaths(this.root, this.lowers, (parts, name) => {
      const found = this.#searchKnown(parts, name)
      return !(found instanceof Fault) && found.length > 0 && isDirectory(found[0].node) ? found : NOTHING
    })
    const only = layers.length === 1 && this.lowers[0].plain !== undefined ? layers[0] : undefined
    this.#only = only as (Layer<LayerNode> & PlainWalk) | undefined
  }

  /** Whether the only layer below answers for all but the root itself. */
  get #untouched(): (Layer<LayerNode> & PlainWalk) | undefined {
    return this.root.children?.size === 0 ? this.#only : undefined
  }

  // Paths.

  resolve(path: Bytes, follow: boolean): Outcome<OverlayNode> {
    if (path.length === 0) return NOTHING
    if (path.length >= PATH_MAX) return fault('ENAMETOOLONG')
    const direct = typeof path === 'string' ? this.#resolveDirect(path, follow) : AT_LINK
    if (direct !== AT_LINK) return direct
    const text = binaryPath(path)
    return text.length >= PATH_MAX ? fault('ENAMETOOLONG') : this.#walk(text, follow)
  }

  /** AT_LINK where it takes a walk. */
  #resolveDirect(path: string, follow: boolean): Outcome<OverlayNode> {
    const { direct } = this
    if (!direct.find(path)) return AT_LINK
    const { lower, base, from } = direct
    const way = path.slice(from)
    if (lower !== undefined) {
      const node = (lower.plain as PlainWalk).resolveDirect(path, follow)
      if (node instanceof Fault) return node
      const whiteout = (node.mode & S_IFMT) === S_IFCHR && lower.isWhiteout(node)
      if (whiteout !== false) return whiteout instanceof Fault ? whiteout : NOTHING
      return new LowerNode([{ lower, node }], base, way)
    }
    const found = this.#search(direct.parts as readonly LowerPart[], path.slice(direct.last), 'none')
    if (found instanceof Fault) return found
    if (found.length === 0) return NOTHING
    return follow && (found[0].node.mode & S_IFMT) === S_IFLNK ? AT_LINK : new LowerNode(found, base, way)
  }

  #walk(path: string, follow: boolean): Outcome<OverlayNode> {
    let text = path
    let dir: OverlayNode = this.root
    let links = 0
    for (let at = 0; ; ) {
      while (text.charCodeAt(at) === 0x2f) at++
      if (at === text.length) return dir
      const slash = text.indexOf('/', at)
      const end = slash === -1 ? text.length : slash
      const name = text.slice(at, end)
      let node: Outcome<OverlayNode>
      let left = text.length - end
      let parent: OverlayNode = dir
      const plain = name === '.' || name === '..' ? undefined : this.#plainBelow(dir, name)
      if (plain !== undefined && text.indexOf('..', at) === -1) {
        const walked = this.#walkBelow(dir, plain, text.slice(at), follow)
        if (walked instanceof Fault) return walked
        node = walked.node
        left = walked.left
        parent = walked.parent
        if (left < 0) return node
      } else {
        node = this.lookupBinary(dir, name)
        if (node instanceof Fault) return node
      }
      const isLink = (node.mode & S_IFMT) === S_IFLNK
      if (isLink && (left > 0 || follow)) {
        if (++links > MAXSYMLINKS) return fault('ELOOP')
        const target = this.readlink(node)
        if (target instanceof Fault) return target
        dir = target[0] === 0x2f ? this.root : parent
        text = binaryString(target) + text.slice(text.length - left)
        at = 0
        continue
      }
      if (left === 0) return node
      if (!isDirectory(node)) return fault('ENOTDIR')
      dir = node
      at = text.length - left
    }
  }

  /** The single lower directory in which a name would be found plainly, with nothing of the upper in its way. */
  #plainBelow(dir: OverlayNode, name: string): LowerPart | undefined {
    const upper = upperOf(dir)
    if (upper === undefined) {
      const { parts } = dir as LowerNode
      return parts.length === 1 && parts[0].lower.plain !== undefined ? parts[0] : undefined
    }
    const below = upper.below as readonly LowerPart[] | undefined
    if (below?.length !== 1 || below[0].lower.plain === undefined || upper.children?.has(name)) return undefined
    return below[0]
  }

  #walkBelow(
    dir: OverlayNode,
    { lower, node }: LowerPart,
    path: string,
    follow: boolean,
  ): Outcome<{ node: OverlayNode; left: number; parent: OverlayNode }> {
    const walked = (lower.plain as PlainWalk).walk(node, callPath(path), follow)
    if (walked instanceof Fault) return walked
    if ((walked.node.mode & S_IFMT) === S_IFCHR) {
      const whiteout = lower.isWhiteout(walked.node)
      if (whiteout !== false) return whiteout instanceof Fault ? whiteout : NOTHING
    }
    const way = walked.left < 0 ? path : path.slice(0, path.length - walked.left)
    const found = this.#lowerNode([{ lower, node: walked.node }], dir, way)
    if (walked.parent === undefined) return { node: found, left: walked.left, parent: dir }
    const names = found.names()
    const above = way.slice(0, way.lastIndexOf(names[names.length - 1]))
    const inDir = above.replace(/\/+$/, '') === ''
    const parent = inDir ? dir : this.#lowerNode([{ lower, node: walked.parent }], dir, above)
    return { node: found, left: walked.left, parent }
  }

  #lowerNode(parts: readonly LowerPart[], dir: OverlayNode, way: string): LowerNode {
    const upper = upperOf(dir)
    if (upper !== undefined) return new LowerNode(parts, upper, way)
    const above = dir as LowerNode
    return new LowerNode(parts, above.base, `${above.way}/${way}`)
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const only = this.#untouched
    if (only !== undefined) {
      const failed = only.statPath(path, follow, out)
      if (failed !== undefined) return failed
      if (out.ino === this.#rootIno) return this.stat(this.root, out)
      return (out.mode & S_IFMT) === S_IFCHR && out.rdev === 0 ? NOTHING : undefined
    }
    if (
      typeof path === 'string' &&
      path.length < PATH_MAX &&
      this.direct.find(path) &&
      this.direct.lower !== undefined
    ) {
      const { lower } = this.direct
      const failed = (lower.plain as PlainWalk).statDirect(path, follow, out)
      if (failed === undefined) {
        out.ino = lower.ino(out.ino)
        return (out.mode & S_IFMT) === S_IFCHR && out.rdev === 0 ? NOTHING : undefined
      }
      if (failed !== AT_LINK) return failed
    }
    const node = this.resolve(path, follow)
    return node instanceof Fault ? node : this.stat(node, out)
  }

  namesAt(path: Bytes): Outcome<string[]> {
    const only = this.#untouched
    // A lower directory that nothing is merged with is listed as it is, whiteouts and all; the root is merged.
    if (only?.mayHoldDevices === false) return only.namesAt(path)
    if (
      typeof path === 'string' &&
      path.length < PATH_MAX &&
      this.direct.find(path) &&
      this.direct.lower !== undefined
    ) {
      const names = (this.direct.lower.plain as PlainWalk).namesDirect(path)
      if (names !== AT_LINK) return names
    }
    const dir = this.resolve(path, true)
    if (dir instanceof Fault) return dir
    const list = this.readdir(dir)
    return list instanceof Fault ? list : list.names
  }

  // Entries.

  lookup(dir: OverlayNode, name: Bytes): Outcome<OverlayNode> {
    return this.lookupBinary(dir, binaryPath(name))
  }

  /** As lookup, with a name of a character a byte. */
  lookupBinary(dir: OverlayNode, name: string): Outcome<OverlayNode> {
    if (!isDirectory(dir)) return fault('ENOTDIR')
    if (name === '') return NOTHING
    if (name === '.') return dir
    if (name === '..') return this.parent(dir)
    if (name.length > NAME_MAX) return fault('ENAMETOOLONG')
    const upper = upperOf(dir)
    if (upper === undefined) return this.#lookupBelow(dir, (dir as LowerNode).parts, name)
    const entry = upper.children?.get(name)
    if (entry === null || entry?.whiteout === true) return NOTHING
    const parts = this.below(upper)
    if (parts instanceof Fault) return parts
    if (entry === undefined) return this.#lookupBelow(upper, parts, name)
    const below = this.#belowEntry(entry, parts, name)
    return below instanceof Fault ? below : entry
  }

  #lookupBelow(dir: OverlayNode, parts: readonly LowerPart[], name: string): Outcome<OverlayNode> {
    if (parts.length === 0) return NOTHING
    const found = this.#searchKnown(parts, name)
    if (found instanceof Fault) return found
    return found.length === 0 ? NOTHING : this.#lowerNode(found, dir, name)
  }

  /** What a name has below; of directories that several layers have, what they merge is remembered. */
  #searchKnown(parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    if (parts.length === 1) return this.#search(parts, name, 'none')
    const known = this.#merged.get(parts)
    const before = known?.get(name)
    if (before !== undefined) return before
    const found = this.#search(parts, name, 'none')
    if (found instanceof Fault || found.length === 0 || !isDirectory(found[0].node)) return found
    if (this.#remembered++ >= MAX_REMEMBERED) {
      this.#merged = new WeakMap()
      this.#remembered = 0
    }
    if (known === undefined) this.#merged.set(parts, new Map([[name, found]]))
    else known.set(name, found)
    return found
  }

  #search(parts: readonly LowerPart[], name: string, upper: 'none' | 'directory' | 'metacopy'): Outcome<LowerPart[]> {
    return new Search(this.#roots, this.options.metacopy, { name, upper }).run(parts)
  }

  /** The lower directories that an upper one is merged with, topmost first. */
  below(dir: UpperInode): Outcome<readonly LowerPart[]> {
    if (dir.below !== undefined) return dir.below as readonly LowerPart[]
    if (dir.parent === undefined) return NO_PARTS
    const parts = this.below(dir.parent)
    return parts instanceof Fault ? parts : this.#belowEntry(dir, parts, dir.name)
  }

  #belowEntry(entry: UpperInode, parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    if (entry.below !== undefined) return entry.below as readonly LowerPart[]
    const found = this.#findBelow(entry, parts, name)
    if (!(found instanceof Fault)) entry.below = found
    return found
  }

  #findBelow(entry: UpperInode, parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    if (!entry.isDirectory && entry.metacopy === undefined) return NO_PARTS
    if (entry.isDirectory && entry.opaque === 'y') return NO_PARTS
    if (entry.metacopy !== undefined && entry.metacopy.length > 0 && entry.metacopy.length < 4) return fault('EIO')
    const redirect = entry.redirect
    const wrong = redirect === undefined ? undefined : redirectFault(redirect)
    if (wrong !== undefined) return wrong
    const found = this.#search(parts, redirect ?? name, entry.isDirectory ? 'directory' : 'metacopy')
    if (found instanceof Fault || !entry.isDirectory || found.length === 0) return found
    return this.#claim(entry, found[0]) ?? found
  }

  /** ESTALE for a lower directory that another upper one is merged with already. */
  #claim(entry: UpperInode, { lower, node }: LowerPart): Fault | undefined {
    const attr = newAttr()
    const failed = lower.stat(node, attr)
    if (failed !== undefined) return failed
    const other = this.#merging.get(attr.ino)
    if (other !== undefined && other !== entry && other.parent !== undefined) return fault('ESTALE')
    this.#merging.set(attr.ino, entry)
    return undefined
  }

  parent(dir: OverlayNode): Outcome<OverlayNode> {
    const upper = upperOf(dir)
    if (upper !== undefined) return upper.parent ?? this.root
    const { base, way } = dir as LowerNode
    const names = way.split('/').filter(name => name !== '' && name !== '.')
    let node: Outcome<OverlayNode> = base
    for (const name of names.slice(0, -1)) {
      node = this.lookupBinary(node, name)
      if (node instanceof Fault) return node
    }
    return node
  }

  // What is known of an inode.

  stat(node: OverlayNode, out: Attr): Fault | undefined {
    const upper = upperOf(node)
    if (upper !== undefined) return statUpper(upper, out)
    const { parts } = node as LowerNode
    const failed = parts[0].lower.stat(parts[0].node, out)
    if (failed === undefined && parts.length > 1 && (out.mode & S_IFMT) === S_IFDIR) out.nlink = 1
    return failed
  }

  readdir(dir: OverlayNode): Outcome<DirList> {
    if (!isDirectory(dir)) return fault('ENOTDIR')
    const upper = upperOf(dir)
    const parts = upper === undefined ? (dir as LowerNode).parts : this.below(upper)
    if (parts instanceof Fault) return parts
    if (upper === undefined && parts.length === 1) return parts[0].lower.layer.readdir(parts[0].node)
    return parts.length === 0 ? fullList(namesOf(upper as UpperInode, true)) : mergedList(upper, parts)
  }

  readlink(node: OverlayNode): Outcome<Uint8Array> {
    const upper = upperOf(node)
    if (upper !== undefined) return upper.target?.slice() ?? fault('EINVAL')
    const { lower, node: below } = (node as LowerNode).parts[0]
    return lower.layer.readlink(below)
  }

  listxattr(node: OverlayNode): Outcome<Uint8Array[]> {
    const upper = upperOf(node)
    if (upper !== undefined) return Array.from(upper.xattrs?.keys() ?? [], binaryBytes)
    const { lower, node: below } = (node as LowerNode).parts[0]
    const names = lower.layer.listxattr(below)
    if (names instanceof Fault) return names
    const shown = names.map(name => shownXattr(binaryString(name)))
    return shown.flatMap(name => (name === undefined ? [] : [binaryBytes(name)]))
  }

  getxattr(node: OverlayNode, name: Bytes): Outcome<Uint8Array> {
    const upper = upperOf(node)
    if (upper !== undefined) return upper.xattrs?.get(binaryPath(name))?.slice() ?? fault('ENODATA')
    const { lower, node: below } = (node as LowerNode).parts[0]
    return lower.layer.getxattr(below, binaryBytes(lowerXattr(binaryPath(name))))
  }

  open(node: OverlayNode, wait: boolean): Outcome<OpenFile> {
    const type = node.mode & S_IFMT
    if (type !== S_IFREG) return fault(type === S_IFDIR ? 'EISDIR' : type === S_IFLNK ? 'ELOOP' : 'ENXIO')
    return OverlayFile.open(this, node, wait)
  }

  statfs(): FsInfo {
    return upperInfo(this.upper)
  }
}
