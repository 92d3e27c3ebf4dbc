// The operations that would change something, on a tree that cannot change: EROFS, or what is wrong before it comes to
// that, in the kernel's order (spec overlayfs.md section 11, and filename_create, do_unlinkat, do_rmdir, do_renameat2
// of fs/namei.c). Not here: rm and cp, which are made of other operations (rm.ts, cp.ts).

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { invalidArgType, tagged } from './arg-errors.js'
import { checkBoolean, checkBuffers, checkFd, checkInteger, checkMode, checkOptions } from './check.js'
import { openFlags } from './constants.js'
import type { Core } from './core.js'
import { openPath } from './open.js'
import { checkPath, concat, lastName } from './path-arg.js'
import { checkSmallMode, loose } from './stat-ops.js'
import { type Operation, Task } from './task.js'

type Refusal = Outcome<undefined>

/** A call that creates a name: EEXIST or a bad parent before EROFS. */
export function refuseCreate(core: Core, path: Bytes, directory: boolean): Fault {
  if (path.length === 0) return fault('ENOENT')
  const last = lastName(path)
  const dir = core.directory(last.parent)
  if (dir instanceof Fault) return dir
  if (last.kind !== 'name') return fault('EEXIST')
  const found = core.layer.lookup(dir, last.name)
  if (!(found instanceof Fault)) return fault('EEXIST')
  if (found.code !== 'ENOENT') return found
  return fault(last.slash && !directory ? 'ENOENT' : 'EROFS')
}

/** A call that removes or moves a name: a bad parent or a dot before EROFS, which comes whatever the name is. */
function refuseRemove(core: Core, path: Bytes, dots: { dot: Fault; dotdot: Fault; root: Fault }): Fault {
  if (path.length === 0) return fault('ENOENT')
  const last = lastName(path)
  const dir = core.directory(last.parent)
  if (dir instanceof Fault) return dir
  return last.kind === 'name' ? fault('EROFS') : dots[last.kind]
}

/** A call that changes an inode: it must be there. */
export function refuseChange(core: Core, path: Bytes, follow: boolean): Fault {
  const node = core.layer.resolve(path, follow)
  return node instanceof Fault ? node : fault('EROFS')
}

const all = (one: Fault) => ({ dot: one, dotdot: one, root: one })

function changing(
  syscall: string,
  follow: boolean,
  check: (args: readonly unknown[]) => void = () => {},
): Operation<undefined> {
  return (core, args) => {
    const path = checkPath(args[0])
    check(args)
    return new Task<undefined>(syscall, path, () => refuseChange(core, path, follow))
  }
}

/** What a descriptor of a read-only file answers to a change. */
function onFd(
  syscall: string,
  answer: Refusal,
  check: (args: readonly unknown[]) => void = () => {},
): Operation<undefined> {
  return (core, args) => {
    const fd = checkFd(args[0])
    check(args)
    return new Task<undefined>(syscall, undefined, () => {
      const open = core.fds.get(fd)
      return open instanceof Fault ? open : answer
    })
  }
}

const MAX_ID = 2 ** 32 - 1

function checkOwner([, uid, gid]: readonly unknown[]): void {
  checkInteger(uid, 'uid', -1, MAX_ID)
  checkInteger(gid, 'gid', -1, MAX_ID)
}

function checkTime(time: unknown): void {
  if (typeof time === 'string' && +time === Number(time)) return
  if (typeof time === 'number' && Number.isFinite(time)) return
  if (time instanceof Date) return
  throw invalidArgType('time', 'an instance of Date or an Time in seconds', time)
}

function checkTimes([, atime, mtime]: readonly unknown[]): void {
  checkTime(atime)
  checkTime(mtime)
}

const checkModeArg = (args: readonly unknown[]) => void checkMode(args[1], 'mode', 0)

export const chmod = changing('chmod', true, ([, mode]) => {
  if (mode === undefined || mode === null) throw invalidArgType('mode', 'of type number', mode)
  checkMode(mode, 'mode', 0)
})
export const lchmod = changing('lchmod', false, checkModeArg)
export const fchmod = onFd('fchmod', fault('EROFS'), checkModeArg)
export const chown = changing('chown', true, checkOwner)
export const lchown = changing('lchown', false, checkOwner)
export const fchown = onFd('fchown', fault('EROFS'), checkOwner)
export const utimes = changing('utime', true, checkTimes)
export const lutimes = changing('lutime', false, checkTimes)
export const futimes = onFd('futime', fault('EROFS'), checkTimes)
export const ftruncate = onFd('ftruncate', fault('EINVAL'), ([, length]) => void checkInteger(length ?? 0, 'len'))

function syncing(syscall: string): Operation<undefined> {
  const [done, refused] = [onFd(syscall, undefined), onFd(syscall, fault('EINVAL'))]
  return (core, args) => (core.env.noFsync === true ? refused : done)(core, args)
}

export const fsync = syncing('fsync')
export const fdatasync = syncing('fdatasync')

export const truncate: Operation<undefined> = (core, args) => {
  if (typeof args[0] === 'number') return ftruncate(core, args)
  const path = checkPath(args[0])
  return new Task<undefined>('open', path, (_task, wait) => writable(core, path, 'r+', wait))
}

/** Opening to write never succeeds here: what it answers. A special file could be opened, and cannot be served. */
function writable(core: Core, path: Bytes, flags: unknown, wait: boolean): Fault {
  const opened = openPath(core, path, openFlags(flags), wait)
  if (opened instanceof Fault) return opened
  opened.file?.close()
  return fault('EBADF')
}

export function checkWritten(data: unknown): void {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return
  throw invalidArgType('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data)
}

function writeFileOperation(flag: string): Operation<undefined> {
  return (core, [pathArg, data, optionsArg]) => {
    const options = checkOptions(optionsArg)
    checkWritten(data)
    if (typeof pathArg === 'number') return onFd('write', fault('EBADF'))(core, [pathArg])
    const path = checkPath(pathArg)
    const flags = options['flag'] ?? flag
    openFlags(flags)
    return new Task<undefined>(
      'open',
      path,
      (_task, wait) => writable(core, path, flags, wait),
      undefined,
      options['signal'] as AbortSignal | undefined,
    )
  }
}

export const writeFile = writeFileOperation('w')
export const appendFile = writeFileOperation('a')

export const write = onFd('write', fault('EBADF'), ([, data]) => {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return
  throw invalidArgType('buffer', 'of type string or an instance of Buffer, TypedArray, or DataView', data)
})
export const writev = onFd('write', fault('EBADF'), ([, buffers]) => void checkBuffers(buffers))

export const mkdir: Operation<string | undefined> = (core, [pathArg, options]) => {
  const { recursive, mode } = loose(options)
  const path = checkPath(pathArg)
  checkMode(typeof options === 'number' || typeof options === 'string' ? options : mode, 'mode', 0o777)
  const all = recursive !== undefined && recursive !== null && checkBoolean(recursive, 'options.recursive')
  return new Task<string | undefined>('mkdir', path, () =>
    all ? refuseAllDirectories(core, path) : refuseCreate(core, path, true),
  )
}

/** mkdir with `recursive`: nothing to do for a directory that is there; libuv asks stat of what it could not make. */
function refuseAllDirectories(core: Core, path: Bytes): Refusal {
  const made = refuseCreate(core, path, true)
  if (made.code === 'ENOTDIR') return made
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed !== undefined) return failed
  return core.isDirectory(path) ? undefined : fault('EEXIST')
}

export const mkdtemp: Operation = (core, [prefixArg, options]) => {
  checkOptions(options)
  const path = concat(checkPath(prefixArg, 'prefix'), 'XXXXXX')
  return new Task<unknown>('mkdtemp', path, () => refuseCreate(core, path, true))
}

/** As long as a link's target may be, in bytes, its end included. */
const PATH_MAX = 4096
const LINK_TYPES: readonly unknown[] = [undefined, null, 'dir', 'file', 'junction']

export const symlink: Operation<undefined> = (core, [targetArg, pathArg, type]) => {
  if (!LINK_TYPES.includes(type)) {
    const text = `Symlink type must be one of "dir", "file", or "junction". Received "${String(type)}"`
    throw tagged(new Error(text), 'ERR_FS_INVALID_SYMLINK_TYPE')
  }
  const target = checkPath(targetArg, 'target')
  const path = checkPath(pathArg)
  const step = () => {
    if (target.length === 0) return fault('ENOENT')
    return target.length >= PATH_MAX ? fault('ENAMETOOLONG') : refuseCreate(core, path, false)
  }
  return new Task<undefined>('symlink', target, step, path)
}

export const link: Operation<undefined> = (core, [oldArg, newArg]) => {
  const from = checkPath(oldArg, 'existingPath')
  const to = checkPath(newArg, 'newPath')
  const step = () => {
    const node = core.layer.resolve(from, false)
    return node instanceof Fault ? node : refuseCreate(core, to, false)
  }
  return new Task<undefined>('link', from, step, to)
}

export const rename: Operation<undefined> = (core, [oldArg, newArg]) => {
  const from = checkPath(oldArg, 'oldPath')
  const to = checkPath(newArg, 'newPath')
  const step = () => {
    const busy = all(fault('EBUSY'))
    const first = refuseRemove(core, from, all(fault('EROFS')))
    if (first.code !== 'EROFS') return first
    const second = refuseRemove(core, to, busy)
    if (second.code !== 'EROFS') return second
    return refuseRemove(core, from, busy)
  }
  return new Task<undefined>('rename', from, step, to)
}

export const unlink: Operation<undefined> = (core, [pathArg]) => {
  const path = checkPath(pathArg)
  return new Task<undefined>('unlink', path, () => refuseRemove(core, path, all(fault('EISDIR'))))
}

export function refuseRmdir(core: Core, path: Bytes): Fault {
  return refuseRemove(core, path, { dot: fault('EINVAL'), dotdot: fault('ENOTEMPTY'), root: fault('EBUSY') })
}

export const rmdir: Operation<undefined> = (core, [pathArg]) => {
  const path = checkPath(pathArg)
  return new Task<undefined>('rmdir', path, () => refuseRmdir(core, path))
}

export const copyFile: Operation<undefined> = (core, [fromArg, toArg, modeArg]) => {
  const from = checkPath(fromArg, 'src')
  const to = checkPath(toArg, 'dest')
  const mode = checkSmallMode(modeArg)
  const step = (_task: unknown, wait: boolean) => {
    const node = core.layer.resolve(from, true)
    if (node instanceof Fault) return node
    return writable(core, to, (mode & 1) !== 0 ? 0o301 : 0o101, wait)
  }
  return new Task<undefined>('copyfile', from, step, to)
}
