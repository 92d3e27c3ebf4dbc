// cp on a tree that cannot change: every check that Node makes before it writes, and the refusal of the first thing it
// would write. Not here: copyFile (write-ops.ts). Follows lib/internal/fs/cp/cp-sync.js of Node 20.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Attr } from '../overlay/layer.js'
import { newAttr } from '../overlay/layer.js'
import { invalidArgType, systemError } from './arg-errors.js'
import { utf8Text } from './bytes.js'
import { type AnyFunction, checkBoolean, checkFunction, checkInteger, checkObject, type Options } from './check.js'
import type { Core } from './core.js'
import { checkPath, joinText, resolveText, showPath } from './path-arg.js'
import { type Course, type Operation, Task } from './task.js'
import { refuseCreate } from './write-ops.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000
const S_IFSOCK = 0o140000
const S_IFIFO = 0o010000

const FLAGS = ['dereference', 'errorOnExist', 'force', 'preserveTimestamps', 'recursive', 'verbatimSymlinks']

interface CopyOptions {
  readonly dereference: boolean
  readonly errorOnExist: boolean
  readonly force: boolean
  readonly recursive: boolean
  readonly verbatimSymlinks: boolean
  readonly filter?: AnyFunction
}

function checkCopyOptions(value: unknown): CopyOptions {
  const given: Options = value === undefined ? {} : checkObject(value, 'options')
  const found: Record<string, unknown> = {
    dereference: false,
    errorOnExist: false,
    force: true,
    preserveTimestamps: false,
    recursive: false,
    verbatimSymlinks: false,
    ...given,
  }
  for (const name of FLAGS) checkBoolean(found[name], `options.${name}`)
  checkInteger(found['mode'] ?? 0, 'mode', 0, 7)
  if (found['filter'] !== undefined) checkFunction(found['filter'], 'options.filter')
  return found as unknown as CopyOptions
}

/** `errno` where it is not that of `name`. */
function refused(
  code: string,
  prefix: string,
  name: 'EINVAL' | 'EISDIR' | 'ENOTDIR' | 'EEXIST',
  message: string,
  path: string,
  errno = -fault(name).errno,
): Error {
  const info = { message, path, syscall: 'cp', errno, code: name }
  return systemError(code, prefix, info)
}

const typeOf = (attr: Attr) => attr.mode & S_IFMT

/** The checks between a source and what is at the destination already. Throws Node's errors. */
function checkPair(from: string, to: string, source: Attr, there: Attr | undefined): void {
  const directory = typeOf(source) === S_IFDIR
  if (there !== undefined) {
    if (there.ino === source.ino) {
      throw refused('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', 'src and dest cannot be the same', to)
    }
    if (directory && typeOf(there) !== S_IFDIR) {
      const text = `cannot overwrite non-directory ${to} with directory ${from}`
      throw refused('ERR_FS_CP_DIR_TO_NON_DIR', 'Cannot overwrite non-directory with directory', 'EISDIR', text, to)
    }
    if (!directory && typeOf(there) === S_IFDIR) {
      const text = `cannot overwrite directory ${to} with non-directory ${from}`
      throw refused('ERR_FS_CP_NON_DIR_TO_DIR', 'Cannot overwrite directory with non-directory', 'ENOTDIR', text, to)
    }
  }
  const root = resolveText(from)
  if (directory && `${resolveText(to)}/`.startsWith(root === '/' ? root : `${root}/`)) {
    const text = `cannot copy ${from} to a subdirectory of self ${to}`
    throw refused('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', text, to)
  }
}

class Copy {
  constructor(
    readonly core: Core,
    readonly options: CopyOptions,
    readonly task: Course,
    readonly sync: boolean,
  ) {}

  #names(syscall: string, path: string, dest?: string): void {
    this.task.syscall = syscall
    this.task.path = path
    this.task.dest = dest
  }

  #refuse(failed: Fault, syscall: string, path: string, dest?: string): Fault {
    this.#names(syscall, path, dest)
    return failed
  }

  run(from: string, to: string, top: boolean): Outcome<undefined> {
    const { core, options } = this
    const source = newAttr()
    const there = newAttr()
    const syscall = options.dereference ? 'stat' : 'lstat'
    if (options.filter !== undefined && !options.filter(from, to)) return undefined
    const failed = core.layer.statPath(from, options.dereference, source)
    if (failed !== undefined) return this.#refuse(failed, syscall, from)
    const missing = core.layer.statPath(to, options.dereference, there)
    if (missing !== undefined && missing.code !== 'ENOENT') return this.#refuse(missing, syscall, to)
    checkPair(from, to, source, missing === undefined ? there : undefined)
    const parent = resolveText(`${to}/..`)
    if (top && core.layer.statPath(parent, true, core.scratch) !== undefined) {
      return this.#refuse(fault('ENOENT'), 'mkdir', to.includes('/') ? to.replace(/\/+[^/]*\/*$/, '') : '.')
    }
    switch (typeOf(source)) {
      case S_IFDIR:
        return this.#directory(from, to, missing === undefined)
      case S_IFLNK:
        return this.#link(from, to, missing === undefined)
      case S_IFSOCK:
        throw refused('ERR_FS_CP_SOCKET', 'Cannot copy a socket file', 'EINVAL', `cannot copy a socket file: ${to}`, to)
      case S_IFIFO:
        throw refused('ERR_FS_CP_FIFO_PIPE', 'Cannot copy a FIFO pipe', 'EINVAL', `cannot copy a FIFO pipe: ${to}`, to)
    }
    if (missing !== undefined) return this.#refuse(refuseCreate(core, to, false), 'copyfile', from, to)
    if (options.force) return this.#refuse(fault('EROFS'), 'unlink', to)
    if (!options.errorOnExist) return undefined
    throw refused('ERR_FS_CP_EEXIST', 'Target already exists', 'EEXIST', `${to} already exists`, to)
  }

  #directory(from: string, to: string, exists: boolean): Outcome<undefined> {
    if (!this.options.recursive) {
      const text = `${from} is a directory (not copied)`
      // Node's synchronous form gives this one the number of EINVAL.
      throw refused('ERR_FS_EISDIR', 'Path is a directory', 'EISDIR', text, from, this.sync ? 22 : 21)
    }
    if (!exists) return this.#refuse(refuseCreate(this.core, to, true), 'mkdir', to)
    const names = this.core.names(from)
    if (names instanceof Fault) return this.#refuse(names, 'opendir', from)
    for (const name of names) {
      const failed = this.run(joinText(from, name), joinText(to, name), false)
      if (failed !== undefined) return failed
    }
    return undefined
  }

  #link(from: string, to: string, exists: boolean): Outcome<undefined> {
    const node = this.core.layer.resolve(from, false)
    const bytes = node instanceof Fault ? node : this.core.layer.readlink(node)
    if (bytes instanceof Fault) return this.#refuse(bytes, 'readlink', from)
    const target = utf8Text(bytes)
    const absolute = this.options.verbatimSymlinks || target.startsWith('/')
    const points = absolute ? target : resolveText(`${from}/../${target}`)
    const there = this.core.layer.resolve(to, false)
    const link = there instanceof Fault ? there : this.core.layer.readlink(there)
    if (exists && !(link instanceof Fault)) return this.#refuse(fault('EROFS'), 'unlink', to)
    return this.#refuse(refuseCreate(this.core, to, false), 'symlink', points, to)
  }
}

export const cp: Operation<undefined> = (core, [fromArg, toArg, optionsArg]) => {
  const from = showPath(checkPath(fromArg, 'src'))
  const to = showPath(checkPath(toArg, 'dest'))
  const options = checkCopyOptions(optionsArg)
  if (from === '' && to === '') throw invalidArgType('src', 'of type string', fromArg)
  return new Task<undefined>('cp', from, (task, wait) => new Copy(core, options, task, wait).run(from, to, true))
}
