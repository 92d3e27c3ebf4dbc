// Copy-up: an upper inode for an entry that is only below, and the data of a metacopy file. What can miss or fail is gathered
// first and changes nothing, for all that an operation copies up; then the copies are put in their places. Not here: which
// operation copies up what (overlay.ts), the bytes (copy-data.ts). Follows fs/overlayfs/copy_up.c; spec overlayfs.md 6.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { shownXattrs, takeOver } from './copied-inode.js'
import { DataCopies, type Extent } from './copy-data.js'
import { type Attr, newAttr } from './layer.js'
import { isDirectory, type LowerPart } from './lower.js'
import { type LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { MergedTree } from './merged-tree.js'
import { now } from './upper.js'
import { type UpperInode, xattrCost } from './upper-inode.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
const NO_DIGEST = new Uint8Array(0)

/** A copy that is not in its place yet. */
interface Pending {
  /** The directory that it goes into; a pending one is its copy. */
  readonly dir: UpperInode
  readonly name: string
  readonly copy: UpperInode
  /** Whose data it gets, once all else is known: that may have to be waited for often. */
  readonly dataOf?: LowerNode
}

/** By where they go: the id of the upper directory nearest above, and the path from there. */
type Gathered = Map<string, Pending>

export class CopyUp {
  readonly #tree: MergedTree
  readonly #attr: Attr = newAttr()
  readonly #data: DataCopies

  constructor(tree: MergedTree) {
    this.#tree = tree
    this.#data = new DataCopies(tree.upper)
  }

  /** The tree is at its end: copies that wait for data go. */
  forget(): void {
    this.#data.forget()
  }

  /** The upper directory of a directory, made with those above it where need be. ENOENT for one that has been removed. */
  directory(dir: OverlayNode): Outcome<UpperInode> {
    const upper = upperOf(dir)
    if (upper !== undefined && upper.parent === undefined && upper !== this.#tree.root) return fault('ENOENT')
    return upper ?? this.#one(dir, 'metadata', true)
  }

  /** The upper inode of anything. A Miss for data that is not here; ENOENT, EIO, ENOSPC: nothing has changed then. */
  node(node: OverlayNode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    const upper = upperOf(node)
    if (upper === undefined) return this.#one(node, extent, wait)
    return extent === 'metadata' || upper.metacopy === undefined ? upper : this.#laterData(upper, extent, wait)
  }

  #one(node: OverlayNode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    return this.#copies([node], extent, wait) ?? (upperOf(node) as UpperInode)
  }

  /** Gives all of them an upper inode, regular files without data where that is allowed; or none, as `node` fails. */
  metadata(nodes: readonly OverlayNode[], wait: boolean): Fault | undefined {
    return this.#copies(nodes, 'metadata', wait)
  }

  #copies(nodes: readonly OverlayNode[], extent: Extent, wait: boolean): Fault | undefined {
    const gathered: Gathered = new Map()
    let failed: Fault | undefined
    for (const node of nodes) failed ??= this.#gather(gathered, node, extent)
    failed ??= this.#gatherData(gathered, extent, wait)
    const { upper } = this.#tree
    if (failed !== undefined) {
      for (const { copy } of [...gathered.values()].reverse()) upper.unmake(copy)
      return failed
    }
    for (const { dir, name, copy } of gathered.values()) {
      upper.changed(copy)
      upper.put(dir, name, copy)
      this.#adopt(dir, name, copy)
    }
    return undefined
  }

  #gatherData(gathered: Gathered, extent: Extent, wait: boolean): Fault | undefined {
    for (const { copy, dataOf } of gathered.values()) {
      if (dataOf === undefined) continue
      const body = this.#data.body(dataOf, extent, wait)
      if (body instanceof Fault) return body
      copy.body = body
    }
    return undefined
  }

  #gather(gathered: Gathered, node: OverlayNode, extent: Extent): Fault | undefined {
    const upper = upperOf(node)
    if (upper !== undefined) {
      const isThere = !upper.isDirectory || upper.parent !== undefined || upper === this.#tree.root
      return isThere ? undefined : fault('ENOENT')
    }
    const lower = node as LowerNode
    if (lower.removed) return this.#removed(lower)
    const names = lower.names()
    const last = isDirectory(node) ? undefined : names.pop()
    const dir = this.#gatherDirectories(gathered, lower.base, names)
    if (dir instanceof Fault) return dir
    if (last === undefined) return undefined
    const copy = this.#file(lower, extent)
    if (copy instanceof Fault) return copy
    const isFile = (node.mode & S_IFMT) === S_IFREG
    const dataOf = isFile && copy.metacopy === undefined ? lower : undefined
    gathered.set(`${lower.base.id} ${[...names, last].join('/')}`, { dir, name: last, copy, dataOf })
    return undefined
  }

  /** The directory at the end of a path from an upper one, in its place or pending. */
  #gatherDirectories(gathered: Gathered, base: UpperInode, names: readonly string[]): Outcome<UpperInode> {
    let at: OverlayNode = base
    let dir = base
    let path = ''
    for (const name of names) {
      path = path === '' ? name : `${path}/${name}`
      const found: Outcome<OverlayNode> = this.#tree.lookupBinary(at, name)
      if (found instanceof Fault) return found
      if (!isDirectory(found)) return fault('ENOTDIR')
      const key = `${base.id} ${path}`
      const known: UpperInode | undefined = upperOf(found) ?? gathered.get(key)?.copy
      const copy: Outcome<UpperInode> = known ?? this.#directory(found as LowerNode)
      if (copy instanceof Fault) return copy
      if (known === undefined) gathered.set(key, { dir, name, copy })
      at = found
      dir = copy
    }
    return dir
  }

  #directory({ parts }: LowerNode): Outcome<UpperInode> {
    const copy = this.#inode(parts[0])
    if (!(copy instanceof Fault)) copy.below = parts
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
    const xattrs = shownXattrs({ lower, node }, 'all')
    if (xattrs instanceof Fault) return xattrs
    const copy = upper.make(attr.mode, attr.uid, attr.gid, keeps ? attr.ino : undefined)
    if (copy instanceof Fault) return copy
    takeOver(copy, attr, xattrs)
    if (upper.charge(copy, xattrCost(xattrs))) return copy
    upper.unmake(copy)
    return fault('ENOSPC')
  }

  /**
   * Why what has been removed while it was held open can't be copied: its place is taken, mostly by its whiteout. The kernel
   * says so too (and for a directory whose name has been given to another goes on with that, which is not done here).
   */
  #removed(node: LowerNode): Fault {
    const { base } = node
    const isGone = base.parent === undefined && base !== this.#tree.root
    const place = isGone ? undefined : base.children?.get(node.names()[0])
    if (!isDirectory(node)) return fault(isGone ? 'ENOENT' : 'EEXIST')
    return fault(place === null ? 'ENOTDIR' : 'ENOENT')
  }

  /** All but the data. */
  #file(node: LowerNode, extent: Extent): Outcome<UpperInode> {
    const isFile = (node.mode & S_IFMT) === S_IFREG
    const metadataOnly = isFile && extent === 'metadata' && this.#tree.options.metacopy
    // The kernel looks for the data of what it copies up, also where it reads none of it (ovl_verify_lowerdata).
    const gone = isFile && (metadataOnly || extent === 'emptied') ? this.#tree.dataFault(node) : undefined
    if (gone !== undefined) return gone
    const copy = this.#fileInode(node)
    if (copy instanceof Fault) return copy
    if (metadataOnly) copy.metacopy = NO_DIGEST
    copy.below = metadataOnly ? [node.data] : []
    return copy
  }

  #fileInode({ parts }: LowerNode): Outcome<UpperInode> {
    const [{ lower, node }] = parts
    const target = (node.mode & S_IFMT) === S_IFLNK ? lower.layer.readlink(node) : undefined
    if (target instanceof Fault) return target
    const copy = this.#inode(parts[0])
    if (!(copy instanceof Fault)) copy.target = target
    return copy
  }

  /** The data of a metacopy file follows. Its mtime becomes now, as the kernel has it. */
  #laterData(inode: UpperInode, extent: Extent, wait: boolean): Outcome<UpperInode> {
    const body = this.#data.body(inode, extent, wait)
    if (body instanceof Fault) return body
    inode.body = body
    inode.metacopy = undefined
    inode.below = []
    inode.modified(now())
    this.#tree.upper.changed(inode)
    return inode
  }
}
