// What removing and renaming have in common: whiteouts where something below would show, inodes that lose a name, redirects.
// Not here: the operations (overlay.ts, rename.ts). Follows fs/overlayfs/dir.c; spec overlayfs.md 7.

import { Fault, fault, isUnread, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { ChangeFeed } from './change-feed.js'
import type { CopyUp } from './copy-up.js'
import { newAttr } from './layer.js'
import type { LowerPart } from './lower.js'
import { type LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { MergedTree } from './merged-tree.js'
import { showsBelow } from './search.js'
import { now } from './upper.js'
import type { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFREG } = CONSTANTS
/** Bytes of an absolute redirect that the kernel writes. */
const OVL_REDIRECT_MAX = 256

export class NameEdits {
  constructor(
    readonly tree: MergedTree,
    readonly copyUp: CopyUp,
    readonly feed: ChangeFeed,
  ) {}

  /** ENOTEMPTY for a directory in which something can be found. */
  notEmpty(dir: OverlayNode): Fault | undefined {
    const { tree } = this
    const list = tree.readdir(dir)
    if (list instanceof Fault) return list
    for (let i = 0; i < list.names.length; i++) {
      const found = tree.lookup(dir, list.raw?.get(i) ?? list.names[i])
      if (!(found instanceof Fault)) return fault('ENOTEMPTY')
      if (found.code !== 'ENOENT') return isUnread(found) ? found : fault('ENOTEMPTY')
    }
    return undefined
  }

  /**
   * Whether a directory that only the upper has holds whiteouts, as none that was made here does. The kernel leaves it to the
   * upper file system to find it empty, and that does not.
   */
  holdsWhiteouts(node: OverlayNode): boolean {
    const upper = upperOf(node)
    return upper?.isDirectory === true && upper.below?.length === 0 && upper.children?.size !== 0
  }

  /** Whether a name of a directory would show something of the layers below if the upper had nothing there. */
  showsBelow(dir: OverlayNode, name: string): Outcome<boolean> {
    const upper = upperOf(dir)
    const parts = upper === undefined ? (dir as LowerNode).parts : this.tree.below(upper)
    return parts instanceof Fault ? parts : showsBelow(parts, name)
  }

  /** Takes away what a name stands for; a whiteout stays where something below would show. */
  vacate(parent: UpperInode, name: string, hides: boolean): void {
    if (hides) this.tree.upper.put(parent, name, null)
    else this.tree.upper.remove(parent, name)
  }

  /** What stood under a name has lost it: an upper inode, or nothing but what is below. */
  unname(parent: UpperInode, name: string, inode: UpperInode | undefined): void {
    const { opened, upper } = this.tree
    for (const held of opened) {
      if (held.base === parent && held.upper === undefined && held.names().join('/') === name) held.removed = true
    }
    if (inode === undefined) return
    if (inode.isDirectory) {
      inode.nlink = 0
      // What is left in it are whiteouts.
      inode.children?.clear()
    } else inode.nlink--
    inode.changed(now())
    upper.changed(inode)
    upper.release(inode)
  }

  /** A directory has another entry under a name than before. */
  changed(dir: UpperInode, name: string): void {
    dir.modified(now())
    this.tree.upper.changed(dir)
    this.feed.tell('rename', dir, name)
  }

  /**
   * ovl_set_redirect: says under which name or path an inode with something below is found there. EXDEV for a path that is
   * longer than the kernel takes. `dir` and `name` are where it is now; `linked` as hasNamesBelow has
   * answered before anything was changed.
   */
  redirect(
    inode: UpperInode,
    sameDirectory: boolean,
    linked: boolean,
    dir: UpperInode,
    name: string,
  ): Fault | undefined {
    const known = inode.redirect
    if (known !== undefined && (sameDirectory || known.startsWith('/'))) return undefined
    const isAbsolute = !sameDirectory || linked
    let path = known ?? name
    for (let at = dir; isAbsolute && !path.startsWith('/') && at.parent !== undefined; at = at.parent) {
      path = `${at.redirect ?? at.name}/${path}`
    }
    if (isAbsolute && !path.startsWith('/')) path = `/${path}`
    if (path.length > OVL_REDIRECT_MAX) return new Fault('EXDEV', 'the path below is too long for a redirect')
    inode.redirect = path
    this.tree.upper.changed(inode)
    return undefined
  }

  /** Whether the file below that has, or will have, the data of a metacopy file has several names. Asked before anything is changed. */
  hasNamesBelow(node: OverlayNode): Outcome<boolean> {
    if ((node.mode & S_IFMT) !== S_IFREG) return false
    const upper = upperOf(node)
    if (upper !== undefined && upper.metacopy === undefined) return false
    const part = upper === undefined ? (node as LowerNode).data : (upper.below as readonly LowerPart[])[0]
    const attr = newAttr()
    const failed = part.lower.stat(part.node, attr)
    if (failed === undefined) return attr.nlink > 1
    return isUnread(failed) ? failed : false
  }
}
