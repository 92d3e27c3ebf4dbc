// What composefs' marks mean, as one table: mark × view. Every reader of an image asks here and nowhere else.
// Marks: spec composefs-image.md 3 and 9, overlayfs.md 2; views: README "What a mount shows".
//
// | mark                                   | composefs mount | EROFS mount | tree                                  |
// | -------------------------------------- | --------------- | ----------- | ------------------------------------- |
// | character device 0:0                   | absent          | shown       | absent                                |
// | trusted.overlay.redirect, .metacopy    | data in a store | shown       | payload, digest (regular files only)  |
// | other trusted.overlay.X                | hidden          | shown       | dropped                               |
// | trusted.overlay.overlay.whiteout       | unescaped       | shown       | a regular file becomes a device 0:0   |
// | trusted.overlay.overlay.whiteouts      | unescaped       | shown       | dropped                               |
// | other trusted.overlay.overlay.X        | unescaped       | shown       | unescaped                             |
// | user.overlay.whiteout, .whiteouts      | shown           | shown       | dropped                               |
// | names without a base prefix, lustre.*  | hidden          | hidden      | shown                                 |
//
// In cfs v1 no mark means anything, to a mount or as a tree: all of the above are shown as they are stored. What EROFS says
// by redirect and metacopy, an inode says there itself:
//
// | of an inode                            | cfs v1 mount    |             | cfs v1 tree                           |
// | -------------------------------------- | --------------- | ----------- | ------------------------------------- |
// | backing path, digest                   | data in a store |             | payload, digest                       |
// | ctime                                  | shown           |             | ctime                                 |

import { OVERLAY_ESCAPED_PREFIX, OVERLAY_PREFIX, XATTR_INDEX_LUSTRE, XATTR_PREFIXES } from '../format/xattr-name.js'

export interface View {
  readonly name: 'composefs' | 'erofs' | 'cfs-v1' | 'tree'
  /** Character devices 0:0 are not there. */
  readonly hideDev0: boolean
  /** Redirect and metacopy say where a regular file's data is. */
  readonly redirects: boolean
  /** A regular file's inode itself says where its data is. */
  readonly backed: boolean
  /** xattrs whose names have no base prefix can be read. */
  readonly anyName: boolean
  /** The name under which a stored xattr is shown; undefined where it is not. */
  xattrName(index: number, fullName: string): string | undefined
  /** The stored name of an xattr that is shown under a name; undefined where nothing is shown so. */
  storedName(name: string): string | undefined
}

function unlisted(index: number): boolean {
  return index === 0 || index === XATTR_INDEX_LUSTRE
}

function unescaped(name: string): string {
  return OVERLAY_PREFIX + name.slice(OVERLAY_ESCAPED_PREFIX.length)
}

/** As the kernel's composefs mount: overlay over EROFS, the store a data-only layer. */
export const COMPOSEFS_VIEW: View = {
  name: 'composefs',
  hideDev0: true,
  redirects: true,
  backed: false,
  anyName: false,
  xattrName(index, name) {
    if (unlisted(index)) return undefined
    if (name.startsWith(OVERLAY_ESCAPED_PREFIX)) return unescaped(name)
    return name.startsWith(OVERLAY_PREFIX) ? undefined : name
  },
  storedName(name) {
    return name.startsWith(OVERLAY_PREFIX) ? OVERLAY_ESCAPED_PREFIX + name.slice(OVERLAY_PREFIX.length) : name
  },
}

/** As `mount -t erofs`. */
export const EROFS_VIEW: View = {
  name: 'erofs',
  hideDev0: false,
  redirects: false,
  backed: false,
  anyName: false,
  xattrName: (index, name) => (unlisted(index) ? undefined : name),
  storedName: name => name,
}

/** A cfs v1 image, both as its kernel module mounts it and as a tree: nothing in it stands for something else. */
export const CFS_V1_VIEW: View = {
  name: 'cfs-v1',
  hideDev0: false,
  redirects: false,
  backed: true,
  anyName: true,
  xattrName: (_index, name) => name,
  storedName: name => name,
}

/** Names that say that a directory holds whiteouts, or that a file is one: derived, so no part of the tree. */
const DERIVED = new Set([`${OVERLAY_ESCAPED_PREFIX}whiteouts`, 'user.overlay.whiteout', 'user.overlay.whiteouts'])
export const ESCAPED_WHITEOUT = `${OVERLAY_ESCAPED_PREFIX}whiteout`
export const REDIRECT = `${OVERLAY_PREFIX}redirect`
export const METACOPY = `${OVERLAY_PREFIX}metacopy`

/** As dumps, diffs and writers see the image: what mkcomposefs was given. */
export const TREE_VIEW: View = {
  name: 'tree',
  hideDev0: true,
  redirects: true,
  backed: false,
  anyName: false,
  xattrName(_index, name) {
    if (DERIVED.has(name)) return undefined
    if (name.startsWith(OVERLAY_ESCAPED_PREFIX)) return unescaped(name)
    return name.startsWith(OVERLAY_PREFIX) ? undefined : name
  },
  storedName: COMPOSEFS_VIEW.storedName,
}

/** Full name of a stored xattr, a character a byte. */
export function fullXattrName(index: number, rest: string): string {
  return (XATTR_PREFIXES[index] ?? '') + rest
}
