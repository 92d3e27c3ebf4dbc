// The calls on paths, but for path_open (path-open.ts): what they lead to, and names made, moved and removed. Not here: where a path
// leads (walk.ts). Errors in the order of the kernel's fs/namei.c; a tree that can't be changed is EROFS.

import { Fault, fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { isWritable, type WritableLayer } from '../overlay/layer.js'
import { LOOKUPFLAGS_SYMLINK_FOLLOW, RIGHTS } from './abi.js'
import type { GuestTree, OpenDirectory } from './descriptors.js'
import { WASI } from './errno.js'
import type { Answer, Guest, Snapshot } from './guest.js'
import { timesOf } from './times.js'
import { type Place, walk, walkStat, walkTo } from './walk.js'

const { S_IFMT, S_IFDIR, S_IFLNK } = CONSTANTS
const SLASH = 0x2f

/** A place of a tree that can be changed. */
interface Change {
  readonly layer: WritableLayer
  readonly place: Place
}

export class PathCalls {
  readonly #guest: Guest

  constructor(guest: Guest) {
    this.#guest = guest
  }

  filestatGet(fd: number, flags: number, path: number, length: number, out: number, snapshot: Snapshot): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_FILESTAT_GET)
    if (typeof dir === 'number') return dir
    const bytes = this.#guest.path(path, length)
    if (typeof bytes === 'number') return bytes
    const { attr } = this.#guest
    const failed = walkStat(dir, bytes, (flags & LOOKUPFLAGS_SYMLINK_FOLLOW) !== 0, attr)
    if (failed !== undefined) return failed
    this.#guest.putFilestat(out, attr, dir.tree.dev, snapshot)
    return WASI.SUCCESS
  }

  filestatSetTimes(
    fd: number,
    flags: number,
    path: number,
    length: number,
    atim: bigint,
    mtim: bigint,
    fstflags: number,
  ): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_FILESTAT_SET_TIMES)
    if (typeof dir === 'number') return dir
    const times = timesOf(atim, mtim, fstflags)
    if (times === undefined) return WASI.EINVAL
    const bytes = this.#guest.path(path, length)
    if (typeof bytes === 'number') return bytes
    const node = walkTo(dir, bytes, (flags & LOOKUPFLAGS_SYMLINK_FOLLOW) !== 0)
    if (node instanceof Fault) return node
    const { layer } = dir.tree
    return isWritable(layer) ? (layer.setAttr(node, times, true) ?? WASI.SUCCESS) : WASI.EROFS
  }

  /** As much of the target as there is room for, as readlink(2). */
  readlink(fd: number, path: number, length: number, buffer: number, room: number, out: number): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_READLINK)
    if (typeof dir === 'number') return dir
    const bytes = this.#guest.path(path, length)
    if (typeof bytes === 'number') return bytes
    const { memory } = this.#guest
    memory.check(out, 4)
    const into = memory.bytes(buffer, room)
    const node = walkTo(dir, bytes, false)
    if (node instanceof Fault) return node
    const target = dir.tree.layer.readlink(node)
    if (target instanceof Fault) return target
    const count = Math.min(target.length, into.length)
    into.set(target.subarray(0, count))
    memory.putU32(out, count)
    return WASI.SUCCESS
  }

  /** The place that a path names, or the errno; links at its end are not followed. */
  #place(dir: OpenDirectory, path: number, length: number): Place | Answer {
    const bytes = this.#guest.path(path, length)
    return typeof bytes === 'number' ? bytes : walk(dir, bytes, 'name')
  }

  /** The same where something is to be made, which is not there yet. */
  #newPlace(fd: number, rights: number, path: number, length: number, directory: boolean): Change | Answer {
    const dir = this.#guest.directory(fd, rights)
    if (typeof dir === 'number') return dir
    const place = this.#place(dir, path, length)
    return typeof place === 'number' || place instanceof Fault ? place : this.#toMake(dir, place, directory)
  }

  #toMake(dir: OpenDirectory, place: Place, directory: boolean): Change | Answer {
    if (place.node !== undefined) return WASI.EEXIST
    if (place.slash && !directory) return WASI.ENOENT
    const { layer } = dir.tree
    return isWritable(layer) ? { layer, place } : WASI.EROFS
  }

  /** Both paths of a call, before either is followed. */
  #twoPaths(path: number, length: number, newPath: number, newLength: number): [Uint8Array, Uint8Array] | number {
    const one = this.#guest.path(path, length)
    if (typeof one === 'number') return one
    const other = this.#guest.path(newPath, newLength)
    return typeof other === 'number' ? other : [one, other]
  }

  #make(tree: GuestTree, { layer, place }: Change, mode: number, target?: Uint8Array): Answer {
    const { uid, gid, umask } = tree
    const made = layer.create(place.dir, place.name, { mode, umask, uid, gid, target }, true)
    return made instanceof Fault ? made : WASI.SUCCESS
  }

  #tree(fd: number): GuestTree {
    return (this.#guest.open.get(fd) as OpenDirectory).tree
  }

  createDirectory(fd: number, path: number, length: number): Answer {
    const change = this.#newPlace(fd, RIGHTS.PATH_CREATE_DIRECTORY, path, length, true)
    if (typeof change === 'number' || change instanceof Fault) return change
    return this.#make(this.#tree(fd), change, S_IFDIR | 0o777)
  }

  /** An absolute target is refused, as all hosts of WASI do: where it leads is for whoever mounts the tree to say. */
  symlink(target: number, targetLength: number, fd: number, path: number, length: number): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_SYMLINK)
    if (typeof dir === 'number') return dir
    const bytes = this.#guest.path(target, targetLength)
    if (typeof bytes === 'number') return bytes
    if (bytes.length === 0) return WASI.ENOENT
    if (bytes[0] === SLASH) return WASI.EPERM
    const change = this.#newPlace(fd, RIGHTS.PATH_SYMLINK, path, length, false)
    if (typeof change === 'number' || change instanceof Fault) return change
    return this.#make(this.#tree(fd), change, S_IFLNK | 0o777, bytes)
  }

  link(
    fd: number,
    flags: number,
    path: number,
    length: number,
    newFd: number,
    newPath: number,
    newLength: number,
  ): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_LINK_SOURCE)
    if (typeof dir === 'number') return dir
    const newDir = this.#guest.directory(newFd, RIGHTS.PATH_LINK_TARGET)
    if (typeof newDir === 'number') return newDir
    const paths = this.#twoPaths(path, length, newPath, newLength)
    if (typeof paths === 'number') return paths
    const node = walkTo(dir, paths[0], (flags & LOOKUPFLAGS_SYMLINK_FOLLOW) !== 0)
    if (node instanceof Fault) return node
    const newPlace = walk(newDir, paths[1], 'name')
    if (newPlace instanceof Fault) return newPlace
    const change = this.#toMake(newDir, newPlace, false)
    if (typeof change === 'number' || change instanceof Fault) return change
    const { layer, place } = change
    if (layer !== dir.tree.layer) return WASI.EXDEV
    return layer.link(node, place.dir, place.name, true) ?? WASI.SUCCESS
  }

  unlinkFile(fd: number, path: number, length: number): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_UNLINK_FILE)
    if (typeof dir === 'number') return dir
    const place = this.#place(dir, path, length)
    if (typeof place === 'number' || place instanceof Fault) return place
    const { layer } = dir.tree
    if (place.name === '') return WASI.EISDIR
    if (!isWritable(layer)) return WASI.EROFS
    if (place.node === undefined) return WASI.ENOENT
    if (place.slash && (place.mode & S_IFMT) !== S_IFDIR) return WASI.ENOTDIR
    return layer.unlink(place.dir, place.name) ?? WASI.SUCCESS
  }

  removeDirectory(fd: number, path: number, length: number): Answer {
    const dir = this.#guest.directory(fd, RIGHTS.PATH_REMOVE_DIRECTORY)
    if (typeof dir === 'number') return dir
    const place = this.#place(dir, path, length)
    if (typeof place === 'number' || place instanceof Fault) return place
    const { layer } = dir.tree
    if (place.name === '') return [WASI.EBUSY, WASI.EINVAL, WASI.ENOTEMPTY][place.dots]
    if (!isWritable(layer)) return WASI.EROFS
    return layer.rmdir(place.dir, place.name) ?? WASI.SUCCESS
  }

  rename(fd: number, path: number, length: number, newFd: number, newPath: number, newLength: number): Answer {
    const from = this.#guest.directory(fd, RIGHTS.PATH_RENAME_SOURCE)
    if (typeof from === 'number') return from
    const to = this.#guest.directory(newFd, RIGHTS.PATH_RENAME_TARGET)
    if (typeof to === 'number') return to
    const paths = this.#twoPaths(path, length, newPath, newLength)
    if (typeof paths === 'number') return paths
    const source = walk(from, paths[0], 'name')
    if (source instanceof Fault) return source
    const target = walk(to, paths[1], 'name')
    if (target instanceof Fault) return target
    if (from.tree.layer !== to.tree.layer) return WASI.EXDEV
    const { layer } = from.tree
    if (source.name === '' || target.name === '') return WASI.EBUSY
    if (!isWritable(layer)) return WASI.EROFS
    return renamed(layer, source, target) ?? WASI.SUCCESS
  }
}

function renamed(layer: WritableLayer, source: Place, target: Place): Fault | undefined {
  if (source.node === undefined) return fault('ENOENT')
  const isDirectory = (source.mode & S_IFMT) === S_IFDIR
  if ((source.slash || target.slash) && !isDirectory) return fault('ENOTDIR')
  return layer.rename(source.dir, source.name, target.dir, target.name, 0, true)
}
