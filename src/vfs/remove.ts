// rm, which Node makes of lstat, rmdir and unlink. Not here: those. Follows lib/fs.js and validateRmOptions of Node 20:
// a missing path is ENOENT from lstat, a directory without `recursive` ERR_FS_EISDIR.

import { Fault, fault } from '../format/errno.js'
import { systemError } from './arg-errors.js'
import { checkBoolean, checkObject, checkUint32 } from './check.js'
import { checkPath, lastName, showPath } from './path-arg.js'
import { type Operation, Task } from './task.js'
import { rmdir as plainRmdir, refuseRmdir, unlink } from './write-ops.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

function checkRmOptions(options: unknown): { recursive: boolean; force: boolean } {
  if (options === undefined) return { recursive: false, force: false }
  const found = { retryDelay: 100, maxRetries: 0, recursive: false, force: false, ...checkObject(options, 'options') }
  checkBoolean(found.recursive, 'options.recursive')
  checkUint32(found.retryDelay, 'options.retryDelay')
  checkUint32(found.maxRetries, 'options.maxRetries')
  checkBoolean(found.force, 'options.force')
  return found
}

function rmOperation(sync: boolean): Operation<undefined> {
  return (core, [pathArg, options]) => {
    const path = checkPath(pathArg)
    const { recursive, force } = checkRmOptions(options)
    return new Task<undefined>('lstat', path, (task, wait) => {
      const failed = core.layer.statPath(path, false, core.scratch)
      if (force && failed?.code === 'ENOENT') return undefined
      if (failed !== undefined && !(sync && force && recursive)) return failed
      const directory = failed === undefined && (core.scratch.mode & S_IFMT) === S_IFDIR
      if (directory && !recursive) {
        const info = { code: 'EISDIR', message: 'is a directory', path: showPath(path), syscall: 'rm', errno: 21 }
        throw systemError('ERR_FS_EISDIR', 'Path is a directory', info)
      }
      task.syscall = directory ? 'rmdir' : 'unlink'
      if (directory) {
        const refused = refuseRmdir(core, path)
        return refused.code === 'ENOTEMPTY' && lastName(path).kind === 'dotdot' ? fault('EROFS') : refused
      }
      return unlink(core, [path]).step(task, wait)
    })
  }
}

export const rm = rmOperation(false)
/** With `force` and `recursive` Node's synchronous form does not ask lstat first. */
export const rmSync = rmOperation(true)

/** rmdir; its old option `recursive` asks lstat first. */
export const rmdir: Operation<undefined> = (core, [pathArg, options]) => {
  const path = checkPath(pathArg)
  const plain = plainRmdir(core, [pathArg])
  const recursive =
    typeof options === 'object' && options !== null && (options as { recursive?: unknown }).recursive === true
  if (!recursive) return plain
  return new Task<undefined>('lstat', path, (task, wait) => {
    const failed = core.layer.statPath(path, false, core.scratch)
    if (failed instanceof Fault) return failed
    task.syscall = 'rmdir'
    return plain.step(task, wait)
  })
}
