// What lists show of one entry: its numbers, where a symlink leads, and its badges. Not here: rows and their order.

import { Fault, Miss, type Outcome } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { type Attr, type Layer, newAttr } from '../../overlay/layer.js'
import { pathText } from '../path-text.js'
import type { Badge, Entry, EntryType } from '../protocol.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'dir'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'chr'],
  [S_IFBLK, 'blk'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'sock'],
])

const XATTR_BADGES: ReadonlyMap<string, Badge> = new Map([
  ['trusted.overlay.whiteout', 'whiteout'],
  ['user.overlay.whiteout', 'whiteout'],
  ['trusted.overlay.opaque', 'opaque'],
  ['user.overlay.opaque', 'opaque'],
  ['security.capability', 'capability'],
  ['system.posix_acl_access', 'acl'],
  ['system.posix_acl_default', 'acl'],
])

export function entryType(mode: number): EntryType {
  return TYPES.get(mode & S_IFMT) ?? 'unknown'
}

function modeBadges({ mode, nlink, rdev }: Attr): Badge[] {
  const type = mode & S_IFMT
  const badges: Badge[] = []
  if (type !== S_IFDIR && nlink > 1) badges.push('hard-link')
  if (type === S_IFCHR && rdev === 0) badges.push('whiteout')
  if ((mode & 0o4000) !== 0) badges.push('setuid')
  if ((mode & 0o2000) !== 0) badges.push('setgid')
  if ((mode & 0o1000) !== 0) badges.push('sticky')
  return badges
}

/** Facts of what a node is; its path is the caller's to know. A Miss where something has to be waited for. */
export function nodeFacts(layer: Layer, node: object): Outcome<Omit<Entry, 'path' | 'name'>> {
  const attr = newAttr()
  const failed = layer.stat(node, attr)
  if (failed !== undefined) return failed
  const badges = modeBadges(attr)
  const names = layer.listxattr(node)
  if (names instanceof Fault) {
    if (names instanceof Miss) return names
    badges.push('broken')
  } else {
    for (const name of names) {
      const badge = XATTR_BADGES.get(pathText(name))
      if (badge !== undefined && !badges.includes(badge)) badges.push(badge)
    }
  }
  const target = (attr.mode & S_IFMT) === S_IFLNK ? layer.readlink(node) : undefined
  if (target instanceof Fault && target instanceof Miss) return target
  const { mode, size, nlink, uid, gid, mtimeSec } = attr
  const type = entryType(mode)
  const leads = target === undefined || target instanceof Fault ? undefined : pathText(target)
  return { type, mode, size, nlink, uid, gid, mtime: mtimeSec, target: leads, badges }
}

/** What is shown of an entry that can't be read. */
export const BROKEN: Omit<Entry, 'path' | 'name'> = {
  type: 'unknown',
  mode: 0,
  size: 0,
  nlink: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  badges: ['broken'],
}

/** Facts of the entry of a directory. Only a Miss is a fault here: a damaged entry is shown as such. */
export function entryFacts(
  layer: Layer,
  dir: object,
  name: string | Uint8Array,
): Outcome<Omit<Entry, 'path' | 'name'>> {
  const node = layer.lookup(dir, name)
  if (node instanceof Fault) return node instanceof Miss ? node : BROKEN
  const facts = nodeFacts(layer, node)
  return facts instanceof Fault && !(facts instanceof Miss) ? BROKEN : facts
}
