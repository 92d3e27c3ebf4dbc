// open: what a path and flags lead to. Not here: argument forms (file-ops.ts).
// Follows do_open, open_last_lookups and may_open of the kernel's fs/namei.c, and the order of errors that overlayfs
// without an upper layer shows (spec overlayfs.md section 11).

import { Fault, fault, isUnread, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { constants } from './constants.js'
import type { Core } from './core.js'
import type { Description } from './fd-table.js'
import { newInode } from './make-ops.js'
import { below, concat, lastName } from './path-arg.js'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_TRUNC } = constants
const O_TMPFILE = 0o20000000
/** The file itself is not opened: it can be asked for by stat, neither read nor written. */
const O_PATH = 0o10000000
const ACCESS = 3
const S_IFMT = 0o170000
const S_IFREG = 0o100000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000
const LINK_LIMIT = 40

/**
 * Makes a file at the end of a path that leads nowhere: what is wrong on the way to it, or EROFS. A link at the end is followed
 * to where the file is to be.
 */
function create(core: Core, start: Bytes, mode: number, follow: boolean): Outcome<object> {
  let path = start
  for (let links = 0; links <= LINK_LIMIT; links++) {
    const last = lastName(path)
    const dir = core.directory(last.parent)
    if (dir instanceof Fault) return dir
    if (last.kind !== 'name' || last.slash) return fault('EISDIR')
    const node = core.layer.lookup(dir, last.name)
    if (node instanceof Fault) return node.code === 'ENOENT' ? makeFile(core, dir, last.name, mode) : node
    const target = follow ? core.layer.readlink(node) : fault('EEXIST')
    if (target instanceof Fault) return target.code === 'EEXIST' || isUnread(target) ? target : fault('EROFS')
    path = target[0] === 0x2f ? target : last.parent.length === 0 ? concat('/', target) : below(last.parent, target)
  }
  return fault('ELOOP')
}

function makeFile(core: Core, dir: object, name: Bytes, mode: number): Outcome<object> {
  if (core.writable === undefined) return fault('EROFS')
  const inode = newInode(core, S_IFREG | (mode & 0o7777))
  return inode instanceof Fault ? inode : core.writable.create(dir, name, inode, true)
}

/** The inode to open and whether it has just been made, or why it cannot be opened so. */
function target(core: Core, path: Bytes, flags: number, mode: number): Outcome<{ node: object; made: boolean }> {
  const creates = (flags & O_CREAT) !== 0
  if (creates && (flags & O_DIRECTORY) !== 0) return fault('EINVAL')
  const last = path.length === 0 ? undefined : lastName(path)
  if (creates && last?.slash && last.kind === 'name') {
    const dir = core.directory(last.parent)
    return dir instanceof Fault ? dir : fault('EISDIR')
  }
  const exclusive = creates && (flags & O_EXCL) !== 0
  const follow = (flags & O_NOFOLLOW) === 0 && !exclusive
  const node = core.layer.resolve(path, follow)
  if (!(node instanceof Fault)) return exclusive ? fault('EEXIST') : { node, made: false }
  if (!creates || node.code !== 'ENOENT' || path.length === 0) return node
  const made = create(core, path, mode, follow)
  return made instanceof Fault ? made : { node: made, made: true }
}

function openPlace(core: Core, path: Bytes, flags: number): Outcome<Description> {
  const node = core.layer.resolve(path, (flags & O_NOFOLLOW) === 0)
  if (node instanceof Fault) return node
  const mode = core.modeOf(node)
  if (mode instanceof Fault) return mode
  if ((flags & O_DIRECTORY) !== 0 && (mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
  return { node, path, cursor: 0, reads: false, writes: false, append: false, file: null }
}

/** Opens a file or directory; on a tree that cannot change every way of writing fails with what the kernel says. */
export function openPath(core: Core, path: Bytes, flags: number, wait: boolean, newMode = 0o666): Outcome<Description> {
  if ((flags & O_PATH) !== 0) return openPlace(core, path, flags)
  const found = target(core, path, flags, newMode)
  if (found instanceof Fault) return found
  const { node, made } = found
  const mode = core.modeOf(node)
  if (mode instanceof Fault) return mode
  const type = mode & S_IFMT
  const truncates = (flags & O_TRUNC) !== 0 && !made
  const writes = (flags & ACCESS) !== 0
  if ((flags & O_TMPFILE) !== 0) return fault(tmpfileCode(core, type, writes))
  if ((flags & O_CREAT) !== 0 && type === S_IFDIR) return fault('EISDIR')
  if ((flags & O_DIRECTORY) !== 0 && type !== S_IFDIR) return fault('ENOTDIR')
  if (type === S_IFLNK) return fault('ELOOP')
  const ways = { node, path, cursor: 0, reads: (flags & ACCESS) !== 1, writes, append: (flags & O_APPEND) !== 0 }
  if (type === S_IFDIR) return writes || truncates ? fault('EISDIR') : { ...ways, file: null }
  if (type !== S_IFREG || !(writes || truncates)) {
    const file = core.layer.open(node, wait)
    return file instanceof Fault ? file : { ...ways, file }
  }
  if (core.writable === undefined) return fault('EROFS')
  const file = core.writable.openWritable(node, truncates, wait)
  return file instanceof Fault ? file : { ...ways, file }
}

/** Files without a name are not made. */
function tmpfileCode(core: Core, type: number, writes: boolean): 'ENOTDIR' | 'EINVAL' | 'EROFS' | 'ENOTSUP' {
  if (type !== S_IFDIR) return 'ENOTDIR'
  if (!writes) return 'EINVAL'
  return core.writable === undefined ? 'EROFS' : 'ENOTSUP'
}
