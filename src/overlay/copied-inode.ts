// What an upper inode takes over from the lower one that it is the copy of. Not here: when, and its data (copy-up.ts).
// Follows ovl_copy_xattr and ovl_set_attr of fs/overlayfs/copy_up.c; spec overlayfs.md 6.2.

import { Fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { type Attr, type Layer, newAttr } from './layer.js'
import { type LayerNode, Lower, type LowerPart, shownXattr } from './lower.js'
import { now, ROOT_ID } from './upper.js'
import { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFREG } = CONSTANTS

/**
 * All xattrs but the marks, under the names that the overlay shows; undefined where there is none. What is listed but not to be
 * read (`user.*` of a symlink) is ENODATA, with which a copy-up fails in the kernel too; unless only what can be read is wanted.
 */
export function shownXattrs(
  { lower, node }: LowerPart,
  wanted: 'all' | 'readable',
): Outcome<Map<string, Uint8Array> | undefined> {
  const names = lower.layer.listxattr(node)
  if (names instanceof Fault) return names
  let xattrs: Map<string, Uint8Array> | undefined
  for (const name of names) {
    const shown = shownXattr(binaryString(name))
    if (shown === undefined) continue
    const value = lower.layer.getxattr(node, name)
    if (value instanceof Fault && value.code === 'ENODATA' && wanted === 'readable') continue
    if (value instanceof Fault) return value
    xattrs ??= new Map()
    xattrs.set(shown, value)
  }
  return xattrs
}

/** Makes an inode the copy of a lower one, its data apart. Only ctime and birth time are its own. */
export function takeOver(copy: UpperInode, attr: Attr, xattrs: Map<string, Uint8Array> | undefined): void {
  copy.origin = attr.ino
  copy.xattrs = xattrs
  copy.rdev = attr.rdev
  copy.size = (attr.mode & S_IFMT) === S_IFREG ? attr.size : 0
  copy.born(now())
  copy.atimeSec = attr.atimeSec
  copy.atimeNsec = attr.atimeNsec
  copy.mtimeSec = attr.mtimeSec
  copy.mtimeNsec = attr.mtimeNsec
}

/** The root of a new upper over layers, topmost first: a copy of the topmost one's, so that nothing seems changed. */
export function rootOver(layers: readonly Layer<LayerNode>[]): Outcome<UpperInode> {
  const lower = new Lower(layers[0], 0, layers.length)
  const { node } = lower.root
  const attr = newAttr()
  const failed = lower.stat(node, attr)
  if (failed !== undefined) return failed
  const xattrs = shownXattrs(lower.root, 'all')
  if (xattrs instanceof Fault) return xattrs
  const root = new UpperInode(ROOT_ID, attr.ino, attr.mode, attr.uid, attr.gid)
  takeOver(root, attr, xattrs)
  return root
}
