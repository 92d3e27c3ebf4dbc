// open: what a path and flags lead to in a tree that cannot change. Not here: argument forms (file-ops.ts).
// Follows do_open, open_last_lookups and may_open of the kernel's fs/namei.c, and the order of errors that overlayfs
// without an upper layer shows (spec overlayfs.md section 11).

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { constants } from './constants.js'
import type { Core } from './core.js'
import type { Description } from './fd-table.js'
import { below, concat, lastName } from './path-arg.js'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_TRUNC } = constants
const O_TMPFILE = 0o20000000
const ACCESS = 3
const S_IFMT = 0o170000
const S_IFREG = 0o100000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000
const LINK_LIMIT = 40

/**
 * Why a name cannot be created at the end of a path that leads nowhere: what is wrong on the way to it, else EROFS. A
 * link at the end is followed to where the file would be made.
 */
function createFault(core: Core, start: Bytes): Fault {
  let path = start
  for (let links = 0; links <= LINK_LIMIT; links++) {
    const last = lastName(path)
    const dir = core.directory(last.parent)
    if (dir instanceof Fault) return dir
    if (last.kind !== 'name') return fault('EISDIR')
    const node = core.layer.lookup(dir, last.name)
    if (node instanceof Fault) return node.code === 'ENOENT' ? fault('EROFS') : node
    const target = core.layer.readlink(node)
    if (target instanceof Fault) return fault('EROFS')
    path = target[0] === 0x2f ? target : last.parent.length === 0 ? concat('/', target) : below(last.parent, target)
  }
  return fault('ELOOP')
}

/** The inode to open, or why it cannot be opened so. */
function target(core: Core, path: Bytes, flags: number): Outcome<object> {
  const create = (flags & O_CREAT) !== 0
  if (create && (flags & O_DIRECTORY) !== 0) return fault('EINVAL')
  const last = path.length === 0 ? undefined : lastName(path)
  if (create && last?.slash && last.kind === 'name') {
    const dir = core.directory(last.parent)
    return dir instanceof Fault ? dir : fault('EISDIR')
  }
  const exclusive = create && (flags & O_EXCL) !== 0
  const node = core.layer.resolve(path, (flags & O_NOFOLLOW) === 0 && !exclusive)
  if (!(node instanceof Fault)) return exclusive ? fault('EEXIST') : node
  return create && node.code === 'ENOENT' && path.length > 0 ? createFault(core, path) : node
}

/** Opens a file or directory for reading; every other way of opening fails with what the kernel says. */
export function openPath(core: Core, path: Bytes, flags: number, wait: boolean): Outcome<Description> {
  const node = target(core, path, flags)
  if (node instanceof Fault) return node
  const mode = core.modeOf(node)
  if (mode instanceof Fault) return mode
  const type = mode & S_IFMT
  const writes = (flags & ACCESS) !== 0 || (flags & O_TRUNC) !== 0
  if ((flags & O_TMPFILE) !== 0)
    return fault(type !== S_IFDIR ? 'ENOTDIR' : (flags & ACCESS) === 0 ? 'EINVAL' : 'EROFS')
  if ((flags & O_CREAT) !== 0 && type === S_IFDIR) return fault('EISDIR')
  if ((flags & O_DIRECTORY) !== 0 && type !== S_IFDIR) return fault('ENOTDIR')
  if (type === S_IFLNK) return fault('ELOOP')
  if (type === S_IFDIR) return writes ? fault('EISDIR') : { node, file: null, path, cursor: 0 }
  if (type === S_IFREG && writes) return fault('EROFS')
  const file = core.layer.open(node, wait)
  return file instanceof Fault ? file : { node, file, path, cursor: 0 }
}
