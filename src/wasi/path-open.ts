// path_open: what a path and flags lead to, and what may be done with it. Not here: other calls on paths (path-calls.ts).
// Rights as Node's own WASI gives them: no more than the directory may pass on, no more than the type of file has. Errors in the
// order of Linux' open.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { isWritable, newAttr } from '../overlay/layer.js'
import {
  DIRECTORY_INHERITING,
  DIRECTORY_RIGHTS,
  FDFLAGS_ALL,
  FDFLAGS_APPEND,
  FDFLAGS_DSYNC,
  FDFLAGS_RSYNC,
  FDFLAGS_SYNC,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_EXCL,
  OFLAGS_TRUNC,
  REGULAR_FILE_RIGHTS,
  RIGHTS,
} from './abi.js'
import type { Descriptor, OpenDirectory } from './descriptors.js'
import { WASI } from './errno.js'
import type { Answer, Guest } from './guest.js'
import { asText } from './guest-memory.js'
import { isTreeRoot, type Place, walk } from './walk.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = CONSTANTS
/** Those of them that want a file opened for writing. */
const WRITING = RIGHTS.FD_DATASYNC | RIGHTS.FD_WRITE | RIGHTS.FD_ALLOCATE | RIGHTS.FD_FILESTAT_SET_SIZE
const READING = RIGHTS.FD_READ | RIGHTS.FD_READDIR

export interface OpenRequest {
  /** Where the path is, and its length. */
  readonly at: number
  readonly length: number
  /** Rights are asked for that have no name yet, which no directory can pass on. */
  readonly unknownRights: boolean
  readonly follow: boolean
  readonly oflags: number
  readonly base: number
  readonly inheriting: number
  readonly fdflags: number
}

/** What the directory must have, to use and to pass on. */
function needs({ oflags, base, inheriting, fdflags }: OpenRequest): { base: number; inheriting: number } {
  const own =
    RIGHTS.PATH_OPEN |
    ((oflags & OFLAGS_CREAT) !== 0 ? RIGHTS.PATH_CREATE_FILE : 0) |
    ((oflags & OFLAGS_TRUNC) !== 0 ? RIGHTS.PATH_FILESTAT_SET_SIZE : 0)
  const passed =
    base |
    inheriting |
    ((fdflags & FDFLAGS_DSYNC) !== 0 ? RIGHTS.FD_DATASYNC : 0) |
    ((fdflags & (FDFLAGS_RSYNC | FDFLAGS_SYNC)) !== 0 ? RIGHTS.FD_SYNC : 0)
  const writes = (base & WRITING) !== 0 && (fdflags & FDFLAGS_APPEND) === 0 && (oflags & OFLAGS_TRUNC) === 0
  return { base: own, inheriting: passed | (writes ? RIGHTS.FD_SEEK : 0) }
}

/** Opens, and gives it the lowest descriptor, which is written to `out`. */
export function pathOpen(guest: Guest, dirfd: number, request: OpenRequest, out: number): Answer {
  const { base, inheriting } = needs(request)
  const dir = guest.directory(dirfd, base)
  if (typeof dir === 'number') return dir
  if (request.unknownRights || (dir.inheriting & inheriting) !== inheriting) return WASI.ENOTCAPABLE
  const path = guest.path(request.at, request.length)
  if (typeof path === 'number') return path
  if ((request.fdflags & ~FDFLAGS_ALL) !== 0) return WASI.EINVAL
  // Nothing is made for which there is no descriptor, or no place to say it.
  guest.memory.check(out, 4)
  if (guest.open.full) return WASI.EMFILE
  const opened = open(dir, path, request)
  if (opened instanceof Fault) return opened
  guest.memory.putU32(out, guest.open.add(opened))
  return WASI.SUCCESS
}

function open(dir: OpenDirectory, path: Uint8Array, request: OpenRequest): Outcome<Descriptor> {
  const creates = (request.oflags & OFLAGS_CREAT) !== 0
  const exclusive = creates && (request.oflags & OFLAGS_EXCL) !== 0
  if (creates && (request.oflags & OFLAGS_DIRECTORY) !== 0) return fault('EINVAL')
  if (!creates && isTreeRoot(dir)) return openAtOnce(dir, path, request)
  const place = walk(dir, path, exclusive ? 'name' : request.follow ? 'follow' : 'link', { makesFile: creates })
  if (place instanceof Fault) return place
  if (place.node !== undefined) return exclusive ? fault('EEXIST') : openFound(dir, place.node, place, request)
  if (!creates) return fault('ENOENT')
  const node = make(dir, place)
  if (node instanceof Fault) return node
  return openFound(dir, node, { ...place, mode: S_IFREG }, { ...request, oflags: request.oflags & ~OFLAGS_TRUNC })
}

/** The same in one question, for what is there and where a path from the directory is one of its tree. */
function openAtOnce(dir: OpenDirectory, path: Uint8Array, request: OpenRequest): Outcome<Descriptor> {
  const { layer } = dir.tree
  const node = layer.resolve(asText(path), request.follow)
  if (node instanceof Fault) return node
  const attr = newAttr()
  return layer.stat(node, attr) ?? openFound(dir, node, { mode: attr.mode, slash: false }, request)
}

function make({ tree }: OpenDirectory, { dir, name }: Place): Outcome<object> {
  const { layer, uid, gid, umask } = tree
  return isWritable(layer) ? layer.create(dir, name, { mode: S_IFREG | 0o666, umask, uid, gid }, true) : fault('EROFS')
}

function openFound(
  dir: OpenDirectory,
  node: object,
  place: Pick<Place, 'mode' | 'slash'>,
  request: OpenRequest,
): Outcome<Descriptor> {
  const { oflags, base } = request
  const type = place.mode & S_IFMT
  const truncates = (oflags & OFLAGS_TRUNC) !== 0
  // What is not to be read is opened for reading nevertheless, as open(2) has no other way.
  const writes = (base & WRITING) !== 0 || (truncates && (base & READING) === 0)
  if (((oflags & OFLAGS_DIRECTORY) !== 0 || place.slash) && type !== S_IFDIR && type !== S_IFLNK)
    return fault('ENOTDIR')
  if (type === S_IFLNK) return fault((oflags & OFLAGS_DIRECTORY) !== 0 ? 'ENOTDIR' : 'ELOOP')
  if (type === S_IFDIR)
    return (oflags & OFLAGS_CREAT) !== 0 || truncates || writes ? fault('EISDIR') : directory(dir, node, request)
  return file(dir, node, request, writes, truncates)
}

function directory({ tree }: OpenDirectory, node: object, { base, inheriting, fdflags }: OpenRequest): Descriptor {
  return {
    kind: 'directory',
    tree,
    node,
    preopen: undefined,
    flags: fdflags,
    listing: undefined,
    release: tree.layer.hold?.(node),
    base: base & DIRECTORY_RIGHTS,
    inheriting: inheriting & DIRECTORY_INHERITING,
  }
}

function file(
  { tree }: OpenDirectory,
  node: object,
  { base, fdflags }: OpenRequest,
  writes: boolean,
  truncates: boolean,
): Outcome<Descriptor> {
  const { layer } = tree
  if ((writes || truncates) && !isWritable(layer)) return fault('EROFS')
  const opened =
    (writes || truncates) && isWritable(layer) ? layer.openWritable(node, truncates, true) : layer.open(node, true)
  if (opened instanceof Fault) return opened
  const rights = { base: base & REGULAR_FILE_RIGHTS, inheriting: 0 }
  return { kind: 'file', tree, node, file: opened, writable: writes, flags: fdflags, cursor: 0, ...rights }
}
