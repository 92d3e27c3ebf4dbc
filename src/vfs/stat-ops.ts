// The operations that ask for metadata: stat, lstat, fstat, statfs, access, exists, readlink, realpath, and xattrs.
// Not here: how they are called (sync, callback, promise: faces.ts). Follows lib/fs.js of Node 20; access follows
// do_faccessat of fs/open.c for a caller whom permission bits do not stop (root).

import { Fault, fault, isUnread, Miss, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { encoded, utf8Text } from './bytes.js'
import { checkFd, checkOptions, type Options } from './check.js'
import type { Core } from './core.js'
import { fsError } from './errors.js'
import { below, checkPath, resolveText, showPath } from './path-arg.js'
import { StatFs } from './stats.js'
import { type Operation, runPromise, Task } from './task.js'

const S_IFMT = 0o170000
const S_IFREG = 0o100000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000
const S_IFIFO = 0o010000
const S_IFSOCK = 0o140000
/** As many symbolic links as the kernel follows in one path. */
const LINK_LIMIT = 40
const PATH_MAX = 4096

/** The properties of an options argument of a call that, like Node's stat, looks at nothing else in it. */
export function loose(options: unknown): Options {
  return typeof options === 'object' && options !== null ? (options as Options) : {}
}

/** `throwIfNoEntry` is the synchronous form's alone. */
function statOperation(syscall: string, follow: boolean, sync: boolean): Operation {
  return (core, [pathArg, options]) => {
    const path = checkPath(pathArg)
    const { bigint, throwIfNoEntry } = loose(options)
    return new Task<unknown>(syscall, path, () => {
      const stats = core.statPath(path, follow, bigint === true)
      return sync && stats instanceof Fault && throwIfNoEntry === false && stats.code === 'ENOENT' ? undefined : stats
    })
  }
}

export const stat = statOperation('stat', true, false)
export const statSync = statOperation('stat', true, true)
export const lstat = statOperation('lstat', false, false)
export const lstatSync = statOperation('lstat', false, true)

export const fstat: Operation = (core, [fdArg, options]) => {
  const file = core.fds.follow(checkFd(fdArg))
  return new Task<unknown>('fstat', undefined, () => {
    const open = file()
    return open instanceof Fault ? open : core.statNode(open.node, loose(options)['bigint'] === true)
  })
}

export const statfs: Operation = (core, [pathArg, options]) => {
  const path = checkPath(pathArg)
  return new Task<unknown>('statfs', path, () => {
    const node = core.layer.resolve(path, true)
    if (node instanceof Fault) return node
    const info = core.layer.statfs()
    return loose(options)['bigint'] === true
      ? new StatFs(info, BigInt)
      : new StatFs(info, value => (value < 0 ? value + 2 ** 64 : value))
  })
}

/** A mode as Node's C++ checks it, in whose errors no argument is named in quotes. */
export function checkSmallMode(mode: unknown): number {
  if (mode === undefined || mode === null) return 0
  const coded = (error: Error, code: string) => Object.assign(error, { code })
  if (typeof mode !== 'number')
    throw coded(new TypeError('mode must be int32 or null/undefined'), 'ERR_INVALID_ARG_TYPE')
  if (!Number.isFinite(mode)) throw coded(new RangeError('mode is out of range'), 'ERR_OUT_OF_RANGE')
  if (!(mode >= 0 && mode <= 7)) throw coded(new RangeError('mode is out of range: >= 0 && <= 7'), 'ERR_OUT_OF_RANGE')
  return mode | 0
}

/** Whether a caller whom permission bits do not stop may use an inode of this mode so: undefined if so. */
export function accessFault(mode: number, wanted: number, writable: boolean): Fault | undefined {
  const type = mode & S_IFMT
  if (!writable && (wanted & 2) !== 0 && (type === S_IFREG || type === S_IFDIR || type === S_IFLNK))
    return fault('EROFS')
  if ((wanted & 1) !== 0 && type !== S_IFDIR && (mode & 0o111) === 0) return fault('EACCES')
  return undefined
}

export const access: Operation<undefined> = (core, [pathArg, modeArg]) => {
  const path = checkPath(pathArg)
  const wanted = checkSmallMode(modeArg)
  return new Task(
    'access',
    path,
    () =>
      core.layer.statPath(path, true, core.scratch) ??
      accessFault(core.scratch.mode, wanted, core.writable !== undefined),
  )
}

/** Answers false for what fails in whatever way, wrong arguments included; throws EAGAIN where it would have to wait. */
export function existsNow(core: Core, pathArg: unknown): boolean {
  let path: Bytes
  if (typeof pathArg === 'string') {
    if (pathArg.indexOf('\0') !== -1) return false
    path = pathArg
  } else {
    try {
      path = checkPath(pathArg)
    } catch {
      return false
    }
  }
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed instanceof Miss) throw fsError(failed, 'access', path)
  return failed === undefined
}

/** The same for who can wait: false for what can't be had, too. */
export async function existsSoon(core: Core, pathArg: unknown): Promise<boolean> {
  try {
    await runPromise(core, access(core, [pathArg]))
    return true
  } catch {
    return false
  }
}

export const readlink: Operation = (core, [pathArg, options]) => {
  const encoding = checkOptions(options)['encoding'] as string | undefined
  const path = checkPath(pathArg, 'oldPath')
  return new Task<unknown>('readlink', path, () => {
    const node = core.layer.resolve(path, false)
    if (node instanceof Fault) return node
    const target = core.layer.readlink(node)
    return target instanceof Fault ? target : encoded(target, encoding)
  })
}

/** A link's target, or undefined for what is no link. */
function linkTarget(core: Core, path: string): Outcome<string | undefined> {
  const failed = core.layer.statPath(path, false, core.scratch)
  if (failed !== undefined) return failed
  if ((core.scratch.mode & S_IFMT) !== S_IFLNK) return undefined
  const node = core.layer.resolve(path, false)
  if (node instanceof Fault) return node
  const target = core.layer.readlink(node)
  return target instanceof Fault ? target : utf8Text(target)
}

/**
 * Node's realpath in JavaScript: `..` resolved in the text first, then one name after the other, so that errors name
 * lstat (stat for a link that leads nowhere) and the part of the path that fails. As there, a link to a FIFO or a socket
 * ends the search at the next directory that was looked at before: what the text has after it is not looked at.
 */
export const realpath: Operation = (core, [pathArg, options]) => {
  const encoding = checkOptions(options)['encoding'] as string | undefined
  const given = pathArg instanceof Uint8Array ? showPath(pathArg) : pathArg
  const start = resolveText(showPath(checkPath(given)))
  return new Task<unknown>('lstat', start, task => {
    let rest = start.split('/').filter(name => name !== '')
    let done = ''
    let links = 0
    let ends = false
    const seen = new Set<string>()
    while (rest.length > 0) {
      const base = `${done}/${rest.shift()}`
      if (seen.has(base)) {
        done = base
        if (!ends) continue
        done = [base, ...rest].join('/')
        break
      }
      task.syscall = 'lstat'
      task.path = base
      const target = linkTarget(core, base)
      if (target instanceof Fault) return target
      if (target === undefined) {
        seen.add(base)
        done = base
        continue
      }
      task.syscall = 'stat'
      const failed = core.layer.statPath(base, true, core.scratch)
      if (failed !== undefined) return failed
      const kind = core.scratch.mode & S_IFMT
      ends = kind === S_IFIFO || kind === S_IFSOCK
      if (++links > LINK_LIMIT * LINK_LIMIT) return fault('ELOOP')
      const next = resolveText(target.startsWith('/') ? target : `${done}/${target}`)
      rest = [...next.split('/').filter(name => name !== ''), ...rest]
      done = ''
    }
    const text = done === '' ? '/' : done
    return encoding === undefined ? text : encoded(new TextEncoder().encode(text), encoding)
  })
}

/** The kernel's own: `..` is physical, and errors name realpath and the whole path. */
export const realpathNative: Operation = (core, [pathArg, options]) => {
  const encoding = checkOptions(options)['encoding'] as string | undefined
  const path = checkPath(pathArg)
  return new Task<unknown>('realpath', path, () => {
    const real = physicalPath(core, path)
    return real instanceof Fault
      ? real
      : encoded(typeof real === 'string' ? new TextEncoder().encode(real) : real, encoding)
  })
}

function splitNames(path: Bytes): Bytes[] {
  if (typeof path === 'string') return path.split('/').filter(name => name !== '')
  const names: Uint8Array[] = []
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf(0x2f, start)
    const end = slash === -1 ? path.length : slash
    if (end > start) names.push(path.subarray(start, end))
    start = end + 1
  }
  return names
}

/** The path without links and dots that leads to what `path` leads to. */
export function physicalPath(core: Core, path: Bytes): Outcome<Bytes> {
  // realpath(3) takes one name after the other, so a path may be longer than one that the kernel takes.
  const found = path.length < PATH_MAX ? core.layer.resolve(path, true) : undefined
  if (found instanceof Fault) return found
  const above: Bytes[] = []
  let rest = splitNames(path)
  for (let links = 0; rest.length > 0; ) {
    const name = rest.shift() as Bytes
    const text = showPath(name)
    if (text === '.') continue
    if (text === '..') {
      above.pop()
      continue
    }
    const base = below(above.at(-1) ?? '/', name)
    const node = core.layer.resolve(base, false)
    if (node instanceof Fault) return node
    const target = core.layer.readlink(node)
    if (target instanceof Fault) {
      if (isUnread(target)) return target
      above.push(base)
      continue
    }
    if (++links > LINK_LIMIT) return fault('ELOOP')
    if (target[0] === 0x2f) above.length = 0
    rest = [...splitNames(target), ...rest]
  }
  return above.at(-1) ?? '/'
}
