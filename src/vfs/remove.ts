// rm, which Node makes of lstat, rmdir and unlink. Not here: those. Follows lib/fs.js and validateRmOptions of Node 20:
// a missing path is ENOENT from lstat, a directory without `recursive` ERR_FS_EISDIR.

import { Fault, fault } from '../format/errno.js'
import type { Bytes, WritableLayer } from '../overlay/layer.js'
import { systemError } from './arg-errors.js'
import { checkBoolean, checkInteger, checkObject, checkUint32 } from './check.js'
import type { Core } from './core.js'
import { rmdir as plainRmdir, removeDirectory, removeName } from './make-ops.js'
import { checkPath, lastName, showPath } from './path-arg.js'
import { type Operation, Task } from './task.js'

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

/** Removes what is in a directory, and below. Answers the first failure. */
function empty(layer: WritableLayer, dir: object): Fault | undefined {
  const list = layer.readdir(dir)
  if (list instanceof Fault) return list
  for (const [index, shown] of list.names.entries()) {
    const name = list.raw?.get(index) ?? shown
    const failed = layer.unlink(dir, name)
    const left = failed?.code === 'EISDIR' ? removeAll(layer, dir, name) : failed
    // A whiteout may be listed, and is not there.
    if (left !== undefined && left.code !== 'ENOENT') return left
  }
  return undefined
}

function removeAll(layer: WritableLayer, dir: object, name: Bytes): Fault | undefined {
  const failed = layer.rmdir(dir, name)
  if (failed?.code !== 'ENOTEMPTY') return failed
  const node = layer.lookup(dir, name)
  if (node instanceof Fault) return node
  return empty(layer, node) ?? layer.rmdir(dir, name)
}

/** Removes a directory and all that is in it. */
function removeTree(core: Core, path: Bytes): Fault | undefined {
  const failed = removeDirectory(core, path)
  if (failed === undefined || failed.code !== 'ENOTEMPTY') return failed
  if (core.writable === undefined || lastName(path).kind !== 'name') return failed
  const dir = core.directory(path)
  if (dir instanceof Fault) return dir
  return empty(core.writable, dir) ?? removeDirectory(core, path)
}

function rmOperation(sync: boolean): Operation<undefined> {
  return (core, [pathArg, options]) => {
    const path = checkPath(pathArg)
    const { recursive, force } = checkRmOptions(options)
    return new Task<undefined>('lstat', path, task => {
      const failed = core.layer.statPath(path, false, core.scratch)
      if (force && failed?.code === 'ENOENT') return undefined
      if (failed !== undefined && !(sync && force && recursive)) return failed
      const directory = failed === undefined && (core.scratch.mode & S_IFMT) === S_IFDIR
      if (directory && !recursive) {
        const info = { code: 'EISDIR', message: 'is a directory', path: showPath(path), syscall: 'rm', errno: 21 }
        throw systemError('ERR_FS_EISDIR', 'Path is a directory', info)
      }
      task.syscall = directory ? 'rmdir' : 'unlink'
      if (!directory) return removeName(core, path)
      const left = removeTree(core, path)
      const isParent = left?.code === 'ENOTEMPTY' && lastName(path).kind === 'dotdot'
      return isParent && core.writable === undefined ? fault('EROFS') : left
    })
  }
}

export const rm = rmOperation(false)
/** With `force` and `recursive` Node's synchronous form does not ask lstat first. */
export const rmSync = rmOperation(true)

/** rmdir; its old option `recursive` asks lstat first. */
export const rmdir: Operation<undefined> = (core, [pathArg, options]) => {
  const path = checkPath(pathArg)
  if (!checkRmdirOptions(options).recursive) return plainRmdir(core, [pathArg])
  return new Task<undefined>('lstat', path, task => {
    const failed = core.layer.statPath(path, false, core.scratch)
    if (failed instanceof Fault) return failed
    task.syscall = 'rmdir'
    if ((core.scratch.mode & S_IFMT) !== S_IFDIR) return fault('ENOTDIR')
    return removeTree(core, path)
  })
}
