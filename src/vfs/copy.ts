// cp: every check that Node makes, and what it does in between by the operations it is made of. On a tree that cannot change
// the first thing that it would write is refused. Not here: copyFile (copy-file.ts). Follows lib/internal/fs/cp/cp-sync.js
// of Node 20.

import { Fault, fault, isUnread, Miss, type Outcome } from '../format/errno.js'
import type { Attr } from '../overlay/layer.js'
import { newAttr } from '../overlay/layer.js'
import { invalidArgType, systemError, tagged } from './arg-errors.js'
import { timeOf } from './attr-ops.js'
import { utf8Text } from './bytes.js'
import { type AnyFunction, checkBoolean, checkFunction, checkInteger, checkObject, type Options } from './check.js'
import { FileCopy } from './copy-file.js'
import type { Core } from './core.js'
import { makeDirectories, makeDirectory, makeLink, removeName } from './make-ops.js'
import { checkPath, joinText, resolveText, showPath } from './path-arg.js'
import { refuseCreate } from './refuse.js'
import { type Course, type Operation, Task } from './task.js'

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
  readonly mode: number
  readonly preserveTimestamps: boolean
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
    mode: 0,
    preserveTimestamps: false,
    recursive: false,
    verbatimSymlinks: false,
    ...given,
  }
  for (const name of FLAGS) checkBoolean(found[name], `options.${name}`)
  checkInteger(found['mode'] ?? 0, 'mode', 0, 7)
  if (found['dereference'] === true && found['verbatimSymlinks'] === true) {
    const text = 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"'
    throw tagged(new TypeError(text), 'ERR_INCOMPATIBLE_OPTION_PAIR')
  }
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

/** path.posix.dirname. */
function parentOf(path: string): string {
  const cut = path.replace(/\/+$/, '').replace(/[^/]+$/, '')
  return cut === '' ? (path.startsWith('/') ? '/' : '.') : cut.replace(/(?<=.)\/+$/, '')
}

/** What a filter has said; throws what it has thrown. */
type Answer = () => boolean

/** A filter's answer that is waited for. */
function filterMiss(key: string, answer: PromiseLike<unknown>, answers: Map<string, Answer>): Miss {
  return new Miss('the answer of a filter', async () => {
    try {
      const wanted = Boolean(await answer)
      answers.set(key, () => wanted)
    } catch (error) {
      answers.set(key, () => {
        throw error
      })
    }
  })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** A directory under way. */
interface Listed {
  readonly names: readonly string[]
  /** Whether it has been made for this copy. */
  readonly made: boolean
  /** How many of the names are there: a copy goes on here after a Miss, without a look at what it has done. */
  done: number
}

class Copy {
  /** By destination. */
  readonly #listed = new Map<string, Listed>()
  readonly #answers = new Map<string, Answer>()
  #file: FileCopy | undefined

  constructor(
    readonly core: Core,
    readonly options: CopyOptions,
    readonly sync: boolean,
  ) {}

  close(): Promise<void> | undefined {
    return this.#file?.giveUp()
  }

  #refuse(task: Course, failed: Outcome<undefined>, syscall: string, path: string, dest?: string): Outcome<undefined> {
    if (failed === undefined) return undefined
    task.syscall = syscall
    task.path = path
    task.dest = dest
    return failed
  }

  #filtered(from: string, to: string): boolean | Miss {
    const { filter } = this.options
    if (filter === undefined) return true
    const key = `${from}\0${to}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known()
    const answer = filter(from, to)
    if (!this.sync && isThenable(answer)) return filterMiss(key, answer, this.#answers)
    if (answer instanceof Promise) {
      const text = 'Expected boolean to be returned from the "filter" function but got an instance of Promise.'
      throw tagged(new TypeError(text), 'ERR_INVALID_RETURN_VALUE')
    }
    const wanted = Boolean(answer)
    this.#answers.set(key, () => wanted)
    return wanted
  }

  run(task: Course, from: string, to: string, top: boolean, wait: boolean): Outcome<undefined> {
    const { core, options } = this
    const source = newAttr()
    const there = newAttr()
    const syscall = options.dereference ? 'stat' : 'lstat'
    const wanted = this.#filtered(from, to)
    if (wanted !== true) return wanted === false ? undefined : wanted
    const failed = core.layer.statPath(from, options.dereference, source)
    if (failed !== undefined) return this.#refuse(task, failed, syscall, from)
    const missing = core.layer.statPath(to, options.dereference, there)
    if (missing !== undefined && missing.code !== 'ENOENT') return this.#refuse(task, missing, syscall, to)
    const exists = missing === undefined
    if (!this.#begun(to)) checkPair(from, to, source, exists ? there : undefined)
    const above = top ? this.#above(task, from, source.ino, to) : undefined
    if (above !== undefined) return above
    const parent = top ? this.#parent(task, to) : undefined
    if (parent !== undefined) return parent
    switch (typeOf(source)) {
      case S_IFDIR:
        return this.#directory(task, from, to, source, exists, wait)
      case S_IFLNK:
        return this.#link(task, from, to, exists)
      case S_IFSOCK:
        throw refused('ERR_FS_CP_SOCKET', 'Cannot copy a socket file', 'EINVAL', `cannot copy a socket file: ${to}`, to)
      case S_IFIFO:
        throw refused('ERR_FS_CP_FIFO_PIPE', 'Cannot copy a FIFO pipe', 'EINVAL', `cannot copy a FIFO pipe: ${to}`, to)
    }
    return this.#regular(task, from, to, source, exists, wait)
  }

  #begun(to: string): boolean {
    return this.#file !== undefined && this.#file.to === to
  }

  /** The source must not be above the destination, by whatever path: a copy would never come to its end. */
  #above(task: Course, from: string, ino: number, to: string): Outcome<undefined> {
    const start = resolveText(parentOf(from))
    let at = to
    for (let dir = resolveText(parentOf(at)); dir !== start && dir !== '/'; dir = parentOf(at)) {
      const found = newAttr()
      const failed = this.core.layer.statPath(dir, true, found)
      if (failed !== undefined) return failed.code === 'ENOENT' ? undefined : this.#refuse(task, failed, 'stat', dir)
      if (found.ino === ino) {
        const text = `cannot copy ${from} to a subdirectory of self ${at}`
        throw refused('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', text, at)
      }
      at = dir
    }
    return undefined
  }

  /** Makes the directories above the destination. */
  #parent(task: Course, to: string): Outcome<undefined> {
    const { core } = this
    const parent = parentOf(to)
    const missing = core.layer.statPath(parent, true, core.scratch)
    if (missing === undefined) return undefined
    if (isUnread(missing)) return this.#refuse(task, missing, 'stat', parent)
    if (core.writable === undefined) return this.#refuse(task, fault('ENOENT'), 'mkdir', parent)
    const made = makeDirectories(core, parent, 0o777)
    return made instanceof Fault ? this.#refuse(task, made, 'mkdir', parent) : undefined
  }

  #regular(task: Course, from: string, to: string, source: Attr, exists: boolean, wait: boolean): Outcome<undefined> {
    const { core, options } = this
    if (exists && !this.#begun(to)) {
      if (options.force) {
        const gone = core.writable === undefined ? fault('EROFS') : removeName(core, to)
        if (gone !== undefined) return this.#refuse(task, gone, 'unlink', to)
      } else {
        if (!options.errorOnExist) return undefined
        throw refused('ERR_FS_CP_EEXIST', 'Target already exists', 'EEXIST', `${to} already exists`, to)
      }
    }
    if (core.writable === undefined) return this.#refuse(task, refuseCreate(core, to, false), 'copyfile', from, to)
    if (!this.#begun(to)) this.#file = new FileCopy(core, from, to, options.mode)
    const copied = this.#file?.step(wait)
    if (copied instanceof Miss) return this.#refuse(task, copied, 'copyfile', from, to)
    const failed =
      this.#refuse(task, copied, 'copyfile', from, to) ??
      this.#attributes(task, to, source, options.preserveTimestamps, wait)
    // What has failed is given up with the call.
    if (failed === undefined) this.#file = undefined
    return failed
  }

  #attributes(task: Course, to: string, source: Attr, timed: boolean, wait: boolean): Outcome<undefined> {
    const { core } = this
    const node = core.layer.resolve(to, true)
    if (node instanceof Fault) return this.#refuse(task, node, 'chmod', to)
    const times = timed && {
      atime: timeOf(source.atimeSec + source.atimeNsec / 1e9),
      mtime: timeOf(source.mtimeSec + source.mtimeNsec / 1e9),
    }
    const changed = core.writable?.setAttr(node, { mode: source.mode & 0o7777, ...times }, wait)
    return this.#refuse(task, changed, 'chmod', to)
  }

  #directory(task: Course, from: string, to: string, source: Attr, exists: boolean, wait: boolean): Outcome<undefined> {
    if (!this.options.recursive) {
      const text = `${from} is a directory (not copied)`
      // Node's synchronous form gives this one the number of EINVAL.
      throw refused('ERR_FS_EISDIR', 'Path is a directory', 'EISDIR', text, from, this.sync ? 22 : 21)
    }
    const listed = this.#listed.get(to) ?? this.#list(task, from, to, exists)
    if (listed instanceof Fault) return listed
    this.#listed.set(to, listed)
    for (; listed.done < listed.names.length; listed.done++) {
      const name = listed.names[listed.done]
      const failed = this.run(task, joinText(from, name), joinText(to, name), false, wait)
      if (failed !== undefined) return failed
    }
    const failed = listed.made ? this.#attributes(task, to, source, false, wait) : undefined
    if (!(failed instanceof Miss)) this.#listed.delete(to)
    return failed
  }

  /** Begins a directory, which is made unless it is there. */
  #list(task: Course, from: string, to: string, exists: boolean): Listed | Fault {
    const names = this.core.names(from)
    // Before anything is made, so that it is known for made by this copy when the step is called again.
    if (names instanceof Miss) return this.#refuse(task, names, 'opendir', from) ?? names
    const made = exists ? undefined : makeDirectory(this.core, to)
    if (made instanceof Fault) return this.#refuse(task, made, 'mkdir', to) ?? made
    if (names instanceof Fault) return this.#refuse(task, names, 'opendir', from) ?? names
    return { names, made: !exists, done: 0 }
  }

  #targetOf(path: string): Outcome<string> {
    const node = this.core.layer.resolve(path, false)
    const bytes = node instanceof Fault ? node : this.core.layer.readlink(node)
    return bytes instanceof Fault ? bytes : utf8Text(bytes)
  }

  #link(task: Course, from: string, to: string, exists: boolean): Outcome<undefined> {
    const target = this.#targetOf(from)
    if (target instanceof Fault) return this.#refuse(task, target, 'readlink', from)
    const absolute = this.options.verbatimSymlinks || target.startsWith('/')
    const points = absolute ? target : resolveText(`${from}/../${target}`)
    const there = exists ? this.#targetOf(to) : fault('EINVAL')
    if (there instanceof Fault && isUnread(there)) return this.#refuse(task, there, 'readlink', to)
    if (!(there instanceof Fault)) {
      const failed = this.#checkLinks(task, from, to, points, there)
      if (failed !== undefined) return failed
      const gone = this.core.writable === undefined ? fault('EROFS') : removeName(this.core, to)
      if (gone !== undefined) return this.#refuse(task, gone, 'unlink', to)
    }
    return this.#refuse(task, makeLink(this.core, points, to), 'symlink', points, to)
  }

  /** What a link at the destination points to must not be replaced by what is in it, nor the other way round. */
  #checkLinks(task: Course, from: string, to: string, points: string, target: string): Outcome<undefined> {
    const there = target.startsWith('/') ? target : resolveText(`${to}/../${target}`)
    const inside = (path: string, dir: string) => `${resolveText(path)}/`.startsWith(`${resolveText(dir)}/`)
    if (inside(there, points)) {
      const text = `cannot copy ${points} to a subdirectory of self ${there}`
      throw refused('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', text, to)
    }
    // Node's synchronous form asks for what is there, the others for what is to come.
    const asked = this.sync ? to : from
    const found = newAttr()
    const failed = this.core.layer.statPath(asked, true, found)
    if (failed !== undefined) return this.#refuse(task, failed, 'stat', asked)
    if (typeOf(found) === S_IFDIR && inside(points, there)) {
      const text = `cannot overwrite ${there} with ${points}`
      const prefix = 'Cannot overwrite symlink in subdirectory of self'
      throw refused('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', prefix, 'EINVAL', text, to)
    }
    return undefined
  }
}

export const cp: Operation<undefined> = (core, [fromArg, toArg, optionsArg]) => {
  const options = checkCopyOptions(optionsArg)
  const from = showPath(checkPath(fromArg, 'src'))
  const to = showPath(checkPath(toArg, 'dest'))
  if (from === '' && to === '') throw invalidArgType('src', 'of type string', fromArg)
  let copy: Copy | undefined
  const step = (task: Course, wait: boolean) => {
    copy ??= new Copy(core, options, wait)
    return copy.run(task, from, to, true, wait)
  }
  return new Task<undefined>('cp', from, step, undefined, undefined, () => copy?.close())
}
