// The entries that an upper and the layers below it make: look-ups, attributes, listings and reads, by inode. Not here: paths
// (merged-tree.ts), any change (overlay.ts), the search below (search.ts). Follows fs/overlayfs/{namei,inode,readdir}.c; spec
// overlayfs.md 3-5.

import { binaryPath } from '../format/call-path.js'
import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import {
  type Attr,
  type Bytes,
  type DirList,
  type FsInfo,
  type KnownObject,
  knowsObjects,
  type Layer,
  newAttr,
  type OpenFile,
  type Patiently,
} from './layer.js'
import { fullList, mergedList, namesOf } from './listing.js'
import { isDirectory, type LayerNode, Lower, type LowerPart, lowerXattr, shownXattr } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import { dataBelow, holdOpen, OverlayFile } from './overlay-file.js'
import { NOTHING, redirectFault, Search } from './search.js'
import type { Upper } from './upper.js'
import { statUpper, upperInfo } from './upper-attr.js'
import type { UpperInode } from './upper-inode.js'
import { xattrReadFault } from './upper-xattr.js'

const { S_IFMT, S_IFLNK, S_IFREG, S_IFDIR } = CONSTANTS
const NAME_MAX = 255
/** Merged directories that are remembered at a time. */
const MAX_REMEMBERED = 4096
const NO_PARTS: readonly LowerPart[] = []

export interface OverlayOptions {
  /** redirect_dir=on: a renamed lower directory is found again by a redirect; otherwise its rename is EXDEV. */
  readonly redirectDir: boolean
  /** metacopy=on: a change of metadata copies metadata only. */
  readonly metacopy: boolean
  /** Symlinks that are followed on the way of one path; 40 unless given, as in the kernel. */
  readonly maxSymlinks?: number
}

/** The handle of what was found below a directory. */
export function lowerNode(parts: readonly LowerPart[], dir: OverlayNode, way: string): LowerNode {
  const upper = upperOf(dir)
  if (upper !== undefined) return new LowerNode(parts, upper, way)
  const above = dir as LowerNode
  return new LowerNode(parts, above.base, `${above.way}/${way}`)
}

/** That of all layers that have any. */
function patienceOf(layers: readonly Layer<LayerNode>[]): Patiently | undefined {
  const all = layers.flatMap(({ patiently }) => (patiently === undefined ? [] : [patiently]))
  if (all.length === 0) return undefined
  return <T>(question: () => T) => all.reduce((ask, patiently) => () => patiently(ask), question)()
}

export class MergedEntries {
  readonly root: UpperInode
  readonly lowers: readonly Lower[]
  readonly overlays: number
  readonly #roots: readonly LowerPart[]
  /** Handles that open files hold; they follow what becomes of their entries. */
  readonly opened = new Set<LowerNode>()
  /** What directories of several layers merge under a name. */
  #merged = new WeakMap<readonly LowerPart[], Map<string, readonly LowerPart[]>>()
  #remembered = 0
  /** Upper directories by the number of the lower one that they merge with: no two may have the same. */
  readonly #merging = new Map<number, UpperInode>()

  readonly patiently: Patiently | undefined

  constructor(
    layers: readonly Layer<LayerNode>[],
    readonly upper: Upper,
    readonly options: OverlayOptions,
  ) {
    this.lowers = layers.map((layer, index) => new Lower(layer, index, layers.length))
    this.patiently = patienceOf(layers)
    this.overlays = 1 + Math.max(...layers.map(({ overlays = 0 }) => overlays))
    this.#roots = this.lowers.map(lower => lower.root)
    this.root = upper.root
    this.root.below = this.#roots
  }

  get waits(): boolean {
    return this.lowers.some(({ layer }) => layer.waits === true)
  }

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
    const found = this.searchKnown(parts, name)
    if (found instanceof Fault) return found
    return found.length === 0 ? NOTHING : lowerNode(found, dir, name)
  }

  /** What a name has below; of directories that several layers have, what they merge is remembered. */
  protected searchKnown(parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    if (parts.length === 1) return this.search(parts, name, 'none')
    const known = this.#merged.get(parts)
    const before = known?.get(name)
    if (before !== undefined) return before
    const found = this.search(parts, name, 'none')
    if (found instanceof Fault || found.length === 0 || !isDirectory(found[0].node)) return found
    if (this.#remembered++ >= MAX_REMEMBERED) {
      this.#merged = new WeakMap()
      this.#remembered = 0
    }
    if (known === undefined) this.#merged.set(parts, new Map([[name, found]]))
    else known.set(name, found)
    return found
  }

  /** What a name stands for in lower directories by themselves; of a directory all that it merges. Empty for nothing. */
  searchBelow(parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    return parts.length === 0 ? parts : this.searchKnown(parts, name)
  }

  protected search(
    parts: readonly LowerPart[],
    name: string,
    upper: 'none' | 'directory' | 'metacopy',
  ): Outcome<LowerPart[]> {
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
    const found = this.search(parts, redirect ?? name, entry.isDirectory ? 'directory' : 'metacopy')
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
    if (upper === undefined && parts.length === 1) return parts[0].lower.readdir(parts[0].node)
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
    const text = binaryPath(name)
    const wrong = xattrReadFault(node.mode, text)
    if (wrong !== undefined) return wrong
    const upper = upperOf(node)
    if (upper !== undefined) return upper.xattrs?.get(text)?.slice() ?? fault('ENODATA')
    const { lower, node: below } = (node as LowerNode).parts[0]
    return lower.layer.getxattr(below, binaryBytes(lowerXattr(text)))
  }

  hold(node: OverlayNode): () => void {
    return holdOpen(this, node)
  }

  open(node: OverlayNode, wait: boolean): Outcome<OpenFile> {
    const type = node.mode & S_IFMT
    if (type !== S_IFREG) return fault(type === S_IFDIR ? 'EISDIR' : type === S_IFLNK ? 'ELOOP' : 'ENXIO')
    return OverlayFile.open(this, node, wait)
  }

  objectOf(node: OverlayNode): Outcome<KnownObject | undefined> {
    if (upperOf(node)?.body !== undefined || (node.mode & S_IFMT) !== S_IFREG) return undefined
    const { lower, node: data } = dataBelow(node)
    return knowsObjects(lower.layer) ? lower.layer.objectOf(data) : undefined
  }

  dataFault(node: OverlayNode): Fault | undefined {
    if (upperOf(node)?.body !== undefined || (node.mode & S_IFMT) !== S_IFREG) return undefined
    const { lower, node: data } = dataBelow(node)
    return knowsObjects(lower.layer) ? lower.layer.dataFault(data) : undefined
  }

  statfs(): FsInfo {
    return upperInfo(this.upper)
  }
}
