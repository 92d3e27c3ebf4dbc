// The operations on names: mkdir, mkdtemp, symlink, link, rename, unlink, rmdir. Not here: rm and cp, which are made of them
// (remove.ts, copy.ts), and what a read-only tree answers (refuse.ts). Follows lib/fs.js of Node 20 and fs/namei.c.

import { Fault, fault, Miss, type Outcome } from '../format/errno.js'
import type { Bytes, NewInode, WritableLayer } from '../overlay/layer.js'
import { tagged } from './arg-errors.js'
import { encoded, utf8Bytes } from './bytes.js'
import { checkBoolean, checkMode, checkOptions } from './check.js'
import type { Core } from './core.js'
import { storedId } from './env.js'
import { checkPath, concat, showPath } from './path-arg.js'
import { newPlace, placeOf } from './places.js'
import { all, refuseCreate, refuseRemove, refuseRename, refuseRmdir } from './refuse.js'
import { loose } from './stat-ops.js'
import { type Course, type Operation, Task } from './task.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000

type Done = Outcome<undefined>

/** An inode that the process makes now; EOVERFLOW where the owner maps have no place for it. */
export function newInode(core: Core, mode: number, target?: Uint8Array): Outcome<NewInode> {
  const { env } = core
  const uid = storedId(env.idmap?.uid, env.uid())
  const gid = storedId(env.idmap?.gid, env.gid())
  if (uid === undefined || gid === undefined) return fault('EOVERFLOW')
  return { mode, umask: env.umask(), uid, gid, target }
}

/** Makes an inode at the end of a path. */
export function makeAt(core: Core, layer: WritableLayer, path: Bytes, mode: number, target?: Uint8Array): Done {
  const directory = (mode & S_IFMT) === S_IFDIR
  const place = newPlace(core, path, directory)
  if (place instanceof Fault) return place
  const inode = newInode(core, mode, target)
  if (inode instanceof Fault) return inode
  const made = layer.create(place.dir, place.last.name, inode, true)
  return made instanceof Fault ? made : undefined
}

/** Makes one directory. */
export function makeDirectory(core: Core, path: Bytes, mode = 0o777): Done {
  const { writable } = core
  return writable === undefined
    ? refuseCreate(core, path, true)
    : makeAt(core, writable, path, S_IFDIR | (mode & 0o7777))
}

export const mkdir: Operation<string | undefined> = (core, [pathArg, options]) => {
  const { recursive, mode } = loose(options)
  const path = checkPath(pathArg)
  const bits = checkMode(typeof options === 'number' || typeof options === 'string' ? options : mode, 'mode', 0o777)
  const deep = recursive !== undefined && recursive !== null && checkBoolean(recursive, 'options.recursive')
  return new Task<string | undefined>('mkdir', path, (task, wait) => {
    if (!deep) return makeDirectory(core, path, bits)
    return makeDirectories(core, path, bits, wait ? undefined : task)
  })
}

/** A path without its last name; undefined where there is nothing before it. */
function above(path: string): string | undefined {
  const cut = path.replace(/\/+$/, '').replace(/[^/]+$/, '')
  const parent = cut.length > 1 ? cut.replace(/\/+$/, '') : cut
  return parent === '' || parent === path ? undefined : parent
}

/**
 * mkdir with `recursive`: goes up until a directory can be made, and down again; answers the first that it has made. Node's
 * way: what could not be made is asked for by stat. The asynchronous forms name in `course` where they came to.
 */
export function makeDirectories(core: Core, start: Bytes, mode: number, course?: Course): Outcome<string | undefined> {
  const waiting: Bytes[] = [start]
  let first: string | undefined
  while (waiting.length > 0) {
    const path = waiting[waiting.length - 1]
    const made = makeDirectory(core, path, mode)
    if (made === undefined) {
      first ??= showPath(path).replace(/(?<=.)\/+$/, '')
      waiting.pop()
      continue
    }
    if (made instanceof Miss) return made
    const parent = made.code === 'ENOENT' ? above(showPath(path)) : undefined
    if (parent !== undefined && waiting.length < 4096) {
      waiting.push(typeof path === 'string' ? parent : utf8Bytes(parent))
      continue
    }
    if (course !== undefined) course.path = path
    const failed = notDirectory(core, path, made)
    if (failed !== undefined)
      return course !== undefined && made.code === 'EEXIST' && waiting.length > 1 ? fault('ENOTDIR') : failed
    waiting.pop()
  }
  return first
}

function notDirectory(core: Core, path: Bytes, made: Fault): Fault | undefined {
  if (made.code === 'ENOTDIR') return made
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed !== undefined) return core.writable === undefined || made.code === 'EEXIST' ? failed : made
  if ((core.scratch.mode & S_IFMT) === S_IFDIR) return undefined
  return made.code === 'EEXIST' || core.writable === undefined ? fault('EEXIST') : made
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const TRIES = 64

function suffix(): string {
  let text = ''
  for (let i = 0; i < 6; i++) text += LETTERS[Math.floor(Math.random() * LETTERS.length)]
  return text
}

export const mkdtemp: Operation = (core, [prefixArg, options]) => {
  const encoding = checkOptions(options)['encoding'] as string | undefined
  const prefix = checkPath(prefixArg, 'prefix')
  return new Task<unknown>('mkdtemp', concat(prefix, 'XXXXXX'), () => {
    for (let tries = 0; ; tries++) {
      const path = concat(prefix, suffix())
      const failed = makeDirectory(core, path, 0o700)
      if (failed === undefined) return encoded(typeof path === 'string' ? utf8Bytes(path) : path, encoding)
      if (failed.code !== 'EEXIST' || tries >= TRIES) return failed
    }
  })
}

/** As long as a link's target may be, in bytes, its end included. */
const PATH_MAX = 4096
const LINK_TYPES = ['dir', 'file', 'junction']

/** Makes a symlink. */
export function makeLink(core: Core, target: Bytes, path: Bytes): Done {
  const bytes = typeof target === 'string' ? utf8Bytes(target) : target.slice()
  if (bytes.length === 0) return fault('ENOENT')
  if (bytes.length >= PATH_MAX) return fault('ENAMETOOLONG')
  const { writable } = core
  return writable === undefined ? refuseCreate(core, path, false) : makeAt(core, writable, path, S_IFLNK | 0o777, bytes)
}

export const symlink: Operation<undefined> = (core, [targetArg, pathArg, type]) => {
  const target = checkPath(targetArg, 'target')
  const path = checkPath(pathArg)
  if (typeof type === 'string' && !LINK_TYPES.includes(type)) {
    const text = `Symlink type must be one of "dir", "file", or "junction". Received "${type}"`
    throw tagged(new Error(text), 'ERR_FS_INVALID_SYMLINK_TYPE')
  }
  return new Task<undefined>('symlink', target, () => makeLink(core, target, path), path)
}

export const link: Operation<undefined> = (core, [oldArg, newArg]) => {
  const from = checkPath(oldArg, 'existingPath')
  const to = checkPath(newArg, 'newPath')
  const step = (_task: unknown, wait: boolean) => {
    const node = core.layer.resolve(from, false)
    if (node instanceof Fault) return node
    const { writable } = core
    if (writable === undefined) return refuseCreate(core, to, false)
    const place = newPlace(core, to, false)
    return place instanceof Fault ? place : writable.link(node, place.dir, place.last.name, wait)
  }
  return new Task<undefined>('link', from, step, to)
}

/** Renames; `flags` are renameat2's. */
function move(core: Core, layer: WritableLayer, from: Bytes, to: Bytes, flags: number, wait: boolean): Done {
  const source = placeOf(core, from)
  if (source instanceof Fault) return source
  const target = placeOf(core, to)
  if (target instanceof Fault) return target
  if (source.last.kind !== 'name' || target.last.kind !== 'name') return fault('EBUSY')
  if (source.last.slash || target.last.slash) {
    const node = layer.lookup(source.dir, source.last.name)
    if (node instanceof Fault) return node
    const mode = core.modeOf(node)
    if (mode instanceof Fault) return mode
    if ((mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
  }
  return layer.rename(source.dir, source.last.name, target.dir, target.last.name, flags, wait)
}

export const rename: Operation<undefined> = (core, [oldArg, newArg]) => {
  const from = checkPath(oldArg, 'oldPath')
  const to = checkPath(newArg, 'newPath')
  const { writable } = core
  const step = (_task: unknown, wait: boolean) =>
    writable === undefined ? refuseRename(core, from, to) : move(core, writable, from, to, 0, wait)
  return new Task<undefined>('rename', from, step, to)
}

/** Removes a name that is no directory's. */
export function removeName(core: Core, path: Bytes): Done {
  const { writable } = core
  if (writable === undefined) return refuseRemove(core, path, all(fault('EISDIR')))
  const place = placeOf(core, path)
  if (place instanceof Fault) return place
  const { dir, last } = place
  if (last.kind !== 'name') return fault('EISDIR')
  if (!last.slash) return writable.unlink(dir, last.name)
  const node = writable.lookup(dir, last.name)
  if (node instanceof Fault) return node
  const mode = core.modeOf(node)
  if (mode instanceof Fault) return mode
  return fault((mode & S_IFMT) === S_IFDIR ? 'EISDIR' : 'ENOTDIR')
}

export const unlink: Operation<undefined> = (core, [pathArg]) => {
  const path = checkPath(pathArg)
  return new Task<undefined>('unlink', path, () => removeName(core, path))
}

const NO_DIRECTORY_NAME = { dot: fault('EINVAL'), dotdot: fault('ENOTEMPTY'), root: fault('EBUSY') }

/** Removes an empty directory. */
export function removeDirectory(core: Core, path: Bytes): Done {
  const { writable } = core
  if (writable === undefined) return refuseRmdir(core, path)
  const place = placeOf(core, path)
  if (place instanceof Fault) return place
  const { dir, last } = place
  return last.kind === 'name' ? writable.rmdir(dir, last.name) : NO_DIRECTORY_NAME[last.kind]
}

export const rmdir: Operation<undefined> = (core, [pathArg]) => {
  const path = checkPath(pathArg)
  return new Task<undefined>('rmdir', path, () => removeDirectory(core, path))
}
