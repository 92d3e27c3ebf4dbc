// rm, which Node makes of lstat, rmdir and unlink. Not here: those. Follows lib/fs.js and validateRmOptions of Node 20:
// a missing path is ENOENT from lstat, a directory without `recursive` ERR_FS_EISDIR.

import { Fault, fault, isUnread, Miss, type Outcome } from '../format/errno.js'
import { type Bytes, type DirList, newAttr, type WritableLayer } from '../overlay/layer.js'
import { systemError } from './arg-errors.js'
import { checkBoolean, checkInteger, checkObject, checkUint32 } from './check.js'
import type { Core } from './core.js'
import { rmdir as plainRmdir, removeDirectory, removeName } from './make-ops.js'
import { checkPath, lastName, showPath } from './path-arg.js'
import { placeOf } from './places.js'
import { type Course, type Operation, Task } from './task.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

function checkRmdirOptions(options: unknown): { recursive: boolean; force: boolean } {
  if (options === undefined) return { recursive: false, force: false }
  const found = { retryDelay: 100, maxRetries: 0, recursive: false, force: false, ...checkObject(options, 'options') }
  checkBoolean(found.recursive, 'options.recursive')
  checkInteger(found.retryDelay, 'options.retryDelay', 0, 2 ** 31 - 1)
  checkUint32(found.maxRetries, 'options.maxRetries')
  return found
}

function checkRmOptions(options: unknown): { recursive: boolean; force: boolean } {
  const found = checkRmdirOptions(options)
  checkBoolean(found.force, 'options.force')
  return found
}

/** A directory that is being emptied. */
interface Emptying {
  readonly dir: object
  readonly list: DirList
  /** How many of its names have been seen to. */
  done: number
  /** Lets go of it: while it is held it is the same directory, whatever others do meanwhile. */
  readonly release: () => void
}

/** Removes a directory and all that is in it. After a Miss it goes on where it stopped. */
class Removal {
  readonly #core: Core
  readonly #path: Bytes
  /** Each in the one before it. */
  readonly #under: Emptying[] = []

  constructor(core: Core, path: Bytes) {
    this.#core = core
    this.#path = path
  }

  get begun(): boolean {
    return this.#under.length > 0
  }

  /** Lets go of all that it holds. */
  close(): void {
    for (const { release } of this.#under.splice(0)) release()
  }

  run(): Fault | undefined {
    const done = this.#run()
    if (!(done instanceof Miss)) this.close()
    return done
  }

  #run(): Fault | undefined {
    const { writable } = this.#core
    if (writable === undefined || this.begun) return this.#empty()
    const failed = removeDirectory(this.#core, this.#path)
    if (failed?.code !== 'ENOTEMPTY' || lastName(this.#path).kind !== 'name') return failed
    const dir = this.#core.directory(this.#path)
    if (dir instanceof Fault) return dir
    return this.#begin(writable, dir) ?? this.#empty()
  }

  #begin(layer: WritableLayer, dir: object): Fault | undefined {
    const list = layer.readdir(dir)
    if (list instanceof Fault) return list
    this.#under.push({ dir, list, done: 0, release: layer.hold?.(dir) ?? (() => {}) })
    return undefined
  }

  /** Answers the first failure. */
  #empty(): Fault | undefined {
    const { writable } = this.#core
    for (let at = this.#under.at(-1); writable !== undefined && at !== undefined; at = this.#under.at(-1)) {
      if (at.done < at.list.names.length) {
        const failed = this.#one(writable, at)
        if (failed !== undefined) return failed
        continue
      }
      const above = this.#under.at(-2)
      if (above === undefined) break
      const failed = writable.rmdir(above.dir, nameAt(above))
      if (failed !== undefined && failed.code !== 'ENOENT') return failed
      this.#under.pop()?.release()
      above.done++
    }
    return removeDirectory(this.#core, this.#path)
  }

  /** Removes the next name of a directory, or goes down into it. */
  #one(layer: WritableLayer, at: Emptying): Fault | undefined {
    const name = nameAt(at)
    const failed = layer.unlink(at.dir, name)
    const left = failed?.code === 'EISDIR' ? layer.rmdir(at.dir, name) : failed
    if (left?.code === 'ENOTEMPTY') {
      const node = layer.lookup(at.dir, name)
      return node instanceof Fault ? node : this.#begin(layer, node)
    }
    // A whiteout may be listed, and is not there.
    if (left !== undefined && left.code !== 'ENOENT') return left
    at.done++
    return undefined
  }
}

/** What a removal at once would have to wait for on its way: nothing is to be removed then. */
function lackingAt(core: Core, path: Bytes): Fault | undefined {
  const { writable } = core
  const place = writable === undefined ? undefined : placeOf(core, path)
  if (writable === undefined || place === undefined || place instanceof Fault) return undefined
  const { dir, last } = place
  return last.kind === 'name' ? lackingTo(writable, dir, last.name) : undefined
}

function lackingTo(layer: WritableLayer, dir: object, name: Bytes): Fault | undefined {
  const node = layer.lookup(dir, name)
  const attr = newAttr()
  const failed = node instanceof Fault ? node : layer.stat(node, attr)
  if (failed !== undefined) return failed instanceof Miss ? failed : undefined
  const lacks = layer.lacksToRemove?.(dir, name)
  return lacks ?? ((attr.mode & S_IFMT) === S_IFDIR ? lackingBelow(layer, node) : undefined)
}

function lackingBelow(layer: WritableLayer, dir: object): Fault | undefined {
  const list = layer.readdir(dir)
  const xattrs = layer.listxattr(dir)
  if (xattrs instanceof Miss) return xattrs
  if (list instanceof Fault) return list instanceof Miss ? list : undefined
  for (let done = 0; done < list.names.length; done++) {
    const lacks = lackingTo(layer, dir, nameAt({ list, done }))
    if (lacks !== undefined) return lacks
  }
  return undefined
}

function nameAt({ list, done }: Pick<Emptying, 'list' | 'done'>): Bytes {
  return list.raw?.get(done) ?? list.names[done]
}

function rmOperation(sync: boolean): Operation<undefined> {
  return (core, [pathArg, options]) => {
    const path = checkPath(pathArg)
    const { recursive, force } = checkRmOptions(options)
    const removal = new Removal(core, path)
    const step = (task: Course): Outcome<undefined> => {
      if (removal.begun) return removal.run()
      task.syscall = 'lstat'
      const failed = core.layer.statPath(path, false, core.scratch)
      if (force && failed?.code === 'ENOENT') return undefined
      if (failed !== undefined && isUnread(failed)) return failed
      if (failed !== undefined && !(sync && force && recursive)) return failed
      const directory = failed === undefined && (core.scratch.mode & S_IFMT) === S_IFDIR
      if (directory && !recursive) {
        const info = { code: 'EISDIR', message: 'is a directory', path: showPath(path), syscall: 'rm', errno: 21 }
        throw systemError('ERR_FS_EISDIR', 'Path is a directory', info)
      }
      task.syscall = directory ? 'rmdir' : 'unlink'
      if (!directory) return removeName(core, path)
      const lacks = sync && core.layer.waits === true ? lackingAt(core, path) : undefined
      if (lacks !== undefined) return lacks
      const left = removal.run()
      const isParent = left?.code === 'ENOTEMPTY' && lastName(path).kind === 'dotdot'
      return isParent && core.writable === undefined ? fault('EROFS') : left
    }
    return new Task<undefined>('lstat', path, step, undefined, undefined, () => removal.close())
  }
}

export const rm = rmOperation(false)
/** With `force` and `recursive` Node's synchronous form does not ask lstat first. */
export const rmSync = rmOperation(true)

/** rmdir; its old option `recursive` asks lstat first. */
export const rmdir: Operation<undefined> = (core, [pathArg, options]) => {
  const path = checkPath(pathArg)
  if (!checkRmdirOptions(options).recursive) return plainRmdir(core, [pathArg])
  const removal = new Removal(core, path)
  const step = (task: Course): Outcome<undefined> => {
    if (removal.begun) return removal.run()
    task.syscall = 'lstat'
    const failed = core.layer.statPath(path, false, core.scratch)
    if (failed instanceof Fault) return failed
    task.syscall = 'rmdir'
    if ((core.scratch.mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
    return removal.run()
  }
  return new Task<undefined>('lstat', path, step, undefined, undefined, () => removal.close())
}
