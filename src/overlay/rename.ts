// rename and renameat2. Not here: what removing a name takes (name-edits.ts).
// Follows do_renameat2 and vfs_rename of fs/namei.c for the order of errors, ovl_rename of fs/overlayfs/dir.c for what
// happens; spec overlayfs.md 7.5.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from './layer.js'
import { isDirectory } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { NameEdits } from './name-edits.js'
import { now } from './upper.js'
import { type UpperInode, upperPath } from './upper-inode.js'

/** A name in a directory. */
export interface Place {
  readonly dir: OverlayNode
  readonly name: string
}

/** The path of a directory, a character a byte; empty for the root. */
function pathOf(dir: OverlayNode): string {
  const upper = upperOf(dir)
  if (upper !== undefined) return upperPath(upper)
  const { base } = dir as LowerNode
  return [upperPath(base), ...(dir as LowerNode).names()].join('/')
}

function contains(path: string, other: string): boolean {
  return other === path || other.startsWith(`${path}/`)
}

/** Whether a directory has something below, so that its place there must stay known. */
function hasBelow(node: OverlayNode): boolean {
  return node instanceof LowerNode && node.upper === undefined ? true : (upperOf(node)?.below?.length ?? 0) > 0
}

class Rename {
  constructor(
    readonly edits: NameEdits,
    readonly from: Place,
    readonly to: Place,
    readonly source: OverlayNode,
    readonly target: OverlayNode | undefined,
    readonly exchange: boolean,
    readonly leavesWhiteout: boolean,
  ) {}

  /** What stands against it; `done` where there is nothing to do. */
  check(): Fault | 'done' | undefined {
    const { source, target, exchange, edits, from, to } = this
    const sourcePath = `${pathOf(from.dir)}/${from.name}`
    const targetPath = `${pathOf(to.dir)}/${to.name}`
    if (isDirectory(source) && contains(sourcePath, pathOf(to.dir))) {
      return sourcePath === targetPath ? 'done' : fault('EINVAL')
    }
    if (target !== undefined && isDirectory(target) && contains(targetPath, pathOf(from.dir))) {
      return fault(exchange ? 'EINVAL' : 'ENOTEMPTY')
    }
    if (sourcePath === targetPath) return 'done'
    if (target !== undefined && upperOf(source) !== undefined && upperOf(source) === upperOf(target)) return 'done'
    if (target !== undefined && !exchange) {
      if (isDirectory(source) && !isDirectory(target)) return fault('ENOTDIR')
      if (!isDirectory(source) && isDirectory(target)) return fault('EISDIR')
    }
    // The kernel's overlay refuses it, as the last of what can be wrong with the names.
    if (this.leavesWhiteout) return fault('EINVAL')
    if (!this.#canMove(source) || (exchange && !this.#canMove(target as OverlayNode))) return fault('EXDEV')
    const replaced = target !== undefined && !exchange && isDirectory(target)
    return replaced && hasBelow(target) ? edits.notEmpty(target) : undefined
  }

  /**
   * Of a target directory that is only upper, the kernel's upper file system finds out that it is not empty, when copies and
   * marks have been made and the whiteout is at its place: they stay, and so does the source directory's new mtime.
   */
  #upperNotEmpty(from: UpperInode, whiteout: boolean): Fault | undefined {
    const { target, exchange, edits } = this
    const replaced = target === undefined || exchange ? undefined : upperOf(target)
    if (replaced?.isDirectory !== true || replaced.children?.size === 0) return undefined
    if (hasBelow(replaced)) return undefined
    if (!whiteout) return fault('ENOTEMPTY')
    from.modified(now())
    edits.tree.upper.changed(from)
    return fault('ENOTEMPTY')
  }

  #canMove(node: OverlayNode): boolean {
    return this.edits.tree.options.redirectDir || !isDirectory(node) || !hasBelow(node)
  }

  run(wait: boolean): Fault | undefined {
    const { copyUp, tree } = this.edits
    const hides = this.edits.showsBelow(this.from.dir, this.from.name)
    if (hides instanceof Fault) return hides
    const exchanged = this.exchange ? [this.target as OverlayNode] : []
    const linked = this.#linked([this.source, ...exchanged])
    if (linked instanceof Fault) return linked
    const stopped = copyUp.metadata([this.source, ...exchanged, this.from.dir, this.to.dir], wait)
    if (stopped !== undefined) return stopped
    const [inode, from, to] = [this.source, this.from.dir, this.to.dir].map(node => upperOf(node) as UpperInode)
    const other = this.exchange ? (upperOf(this.target as OverlayNode) as UpperInode) : undefined
    const same = from === to
    const failed =
      this.#mark(inode, same, linked[0], from, this.from.name, to) ??
      (other === undefined ? undefined : this.#mark(other, same, linked[1], to, this.to.name, from))
    const refused = failed ?? this.#upperNotEmpty(from, hides)
    if (refused !== undefined) return refused
    const replaced = this.target === undefined ? undefined : upperOf(this.target)
    tree.upper.put(to, this.to.name, inode)
    if (other === undefined) {
      this.edits.vacate(from, this.from.name, hides)
      if (this.target !== undefined) this.edits.unname(to, this.to.name, replaced)
    } else tree.upper.put(from, this.from.name, other)
    for (const moved of other === undefined ? [inode] : [inode, other]) {
      moved.changed(now())
      tree.upper.changed(moved)
    }
    this.edits.changed(from, this.from.name)
    this.edits.changed(to, this.to.name)
    return undefined
  }

  /** Of each whether its redirect has to be absolute within its directory too. */
  #linked(nodes: readonly OverlayNode[]): Outcome<boolean[]> {
    const linked: boolean[] = []
    for (const node of nodes) {
      const has = this.edits.hasNamesBelow(node)
      if (has instanceof Fault) return has
      linked.push(has)
    }
    return linked
  }

  /** Redirect or opaque mark of what is about to move from a directory to another. */
  #mark(
    inode: UpperInode,
    same: boolean,
    linked: boolean,
    from: UpperInode,
    name: string,
    to: UpperInode,
  ): Fault | undefined {
    const below = (inode.below?.length ?? 0) > 0
    if (inode.isDirectory ? below : inode.metacopy !== undefined) {
      return this.edits.redirect(inode, same, linked, from, name)
    }
    if (!inode.isDirectory || inode.opaque === 'y' || (to.below?.length ?? 0) === 0) return undefined
    inode.opaque = 'y'
    return undefined
  }
}

/** renameat2. A Miss or Fault of the copy-up leaves all names as they were. */
export function rename(edits: NameEdits, from: Place, to: Place, flags: number, wait: boolean): Fault | undefined {
  const exchange = (flags & RENAME_EXCHANGE) !== 0
  const leavesWhiteout = (flags & RENAME_WHITEOUT) !== 0
  if (exchange && (leavesWhiteout || (flags & RENAME_NOREPLACE) !== 0)) return fault('EINVAL')
  const source = edits.tree.lookupBinary(from.dir, from.name)
  if (source instanceof Fault) return source
  const found: Outcome<OverlayNode> = edits.tree.lookupBinary(to.dir, to.name)
  if (found instanceof Fault && found.code !== 'ENOENT') return found
  const target = found instanceof Fault ? undefined : found
  if (target === undefined && exchange) return fault('ENOENT')
  if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) return fault('EEXIST')
  const job = new Rename(edits, from, to, source, target, exchange, leavesWhiteout)
  const answer = job.check()
  return answer === 'done' ? undefined : (answer ?? job.run(wait))
}
