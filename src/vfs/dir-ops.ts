// readdir in its forms, and opendir. Not here: the Dir object (dir.ts). Follows lib/fs.js and
// lib/internal/fs/promises.js of Node 20, the different orders of their recursive listings included: the synchronous
// and callback forms go through the tree level by level, the promise form goes down into the last directory first.
// Without `withFileTypes` a link to a directory is gone into as Node does; ELOOP and a limit end that.

import { Fault, type Outcome } from '../format/errno.js'
import type { Bytes, DirList } from '../overlay/layer.js'
import { encoded, utf8Bytes } from './bytes.js'
import { checkBoolean, checkOptions, checkUint32 } from './check.js'
import type { Core } from './core.js'
import { Dir } from './dir.js'
import { Dirent } from './dirent.js'
import { below, checkPath, joinText, showPath } from './path-arg.js'
import { loose } from './stat-ops.js'
import { type Operation, Task } from './task.js'

const DT_DIR = 4
const DT_LNK = 10
/** Entries that a recursive listing may find by going through links: two links to `.` would give 2^40 of them. */
const FOLLOWED_LIMIT = 10_000_000

type Name = string | Uint8Array

function listOf(core: Core, path: Bytes): Outcome<DirList> {
  const node = core.layer.resolve(path, true)
  return node instanceof Fault ? node : core.layer.readdir(node)
}

/** The entry's name as its bytes if it is not UTF-8, else as text. */
function nameAt(list: DirList, index: number): Bytes {
  return list.raw?.get(index) ?? list.names[index]
}

function namesIn(list: DirList, encoding: string | undefined): Name[] {
  if (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8') return list.names
  return list.names.map((name, index) => encoded(list.raw?.get(index) ?? utf8Bytes(name), encoding))
}

function direntsIn(list: DirList, encoding: string | undefined, parent: Bytes): Dirent[] {
  const names = namesIn(list, encoding)
  return names.map((name, index) => new Dirent(name, parent, list.types[index]))
}

interface Found {
  readonly path: Bytes
  readonly list: DirList
}

/** The directories below one, in the order in which Node lists them. After a Miss it goes on where it stopped. */
class Walk {
  readonly #core: Core
  readonly #start: Bytes
  readonly #lastFirst: boolean
  readonly #follow: boolean
  readonly #visit: (found: Found) => void
  /** What has been listed and not been gone through; in the order of their levels the first `#at` are done. */
  #waiting: Found[] | undefined
  #at = 0
  /** The directory under way, and how many of its entries have been looked at. */
  #found: Found | undefined
  #index = 0
  #followed = 0

  /** `visit` sees each listing once. */
  constructor(core: Core, start: Bytes, lastFirst: boolean, follow: boolean, visit: (found: Found) => void) {
    this.#core = core
    this.#start = start
    this.#lastFirst = lastFirst
    this.#follow = follow
    this.#visit = visit
  }

  run(): Fault | undefined {
    if (this.#waiting === undefined) {
      const list = listOf(this.#core, this.#start)
      if (list instanceof Fault) return list
      this.#waiting = [{ path: this.#start, list }]
    }
    for (;;) {
      const found = this.#found ?? this.#next(this.#waiting)
      if (found === undefined) return undefined
      if (this.#followed > FOLLOWED_LIMIT) return new Fault('ELOOP', 'a recursive listing through links does not end')
      for (; this.#index < found.list.names.length; this.#index++) {
        const failed = this.#enter(found, this.#index, this.#waiting)
        if (failed !== undefined) return failed
      }
      this.#found = undefined
    }
  }

  #next(waiting: Found[]): Found | undefined {
    const found = this.#lastFirst ? waiting.pop() : waiting[this.#at]
    if (found === undefined) return undefined
    // Not held longer than needed.
    if (!this.#lastFirst) delete waiting[this.#at++]
    this.#found = found
    this.#index = 0
    if (this.#follow) this.#followed += found.list.names.length
    this.#visit(found)
    return found
  }

  /** Lists an entry that is to be gone into. */
  #enter({ path: dir, list }: Found, index: number, waiting: Found[]): Fault | undefined {
    const type = list.types[index]
    if (type !== DT_DIR && !(this.#follow && type === DT_LNK)) return undefined
    const path = below(dir, nameAt(list, index))
    const enters = type === DT_DIR || this.#core.isDirectory(path)
    if (enters instanceof Fault) return enters
    if (!enters) return undefined
    const found = listOf(this.#core, path)
    if (found instanceof Fault) return found
    waiting.push({ path, list: found })
    return undefined
  }
}

/** What a listing of all that is below comes to, in a step that can be called again. */
type Listing<T> = () => Outcome<T[]>

function recursiveNames(core: Core, path: Bytes, encoding: string | undefined, lastFirst: boolean): Listing<Name> {
  const names: Name[] = []
  const skip = path.length + (showPath(path).endsWith('/') ? 0 : 1)
  const walk = new Walk(core, path, lastFirst, true, ({ path: at, list }) => {
    for (let index = 0; index < list.names.length; index++) {
      const full = below(at, nameAt(list, index))
      const relative =
        typeof full === 'string'
          ? full.slice(skip)
          : full.subarray(typeof path === 'string' ? utf8Bytes(path).length + skip - path.length : skip)
      if (typeof relative === 'string' && encoding === undefined) names.push(relative)
      else names.push(encoded(typeof relative === 'string' ? utf8Bytes(relative) : relative, encoding))
    }
  })
  return () => walk.run() ?? names
}

function recursiveDirents(core: Core, path: Bytes, encoding: string | undefined, lastFirst: boolean): Listing<Dirent> {
  const entries: Dirent[] = []
  const walk = new Walk(core, path, lastFirst, false, ({ path: at, list }) => {
    const parent = at === path || typeof at !== 'string' ? at : joinText(at, '.')
    for (const entry of direntsIn(list, encoding, parent)) entries.push(entry)
  })
  return () => walk.run() ?? entries
}

function readdirOperation(lastFirst: boolean): Operation {
  return (core, [pathArg, optionsArg]) => {
    const options = checkOptions(optionsArg)
    const path = checkPath(pathArg)
    const deep = options['recursive'] ?? false
    // The promise form takes any truth for true.
    const recursive = lastFirst ? Boolean(deep) : checkBoolean(deep, 'options.recursive')
    const encoding = options['encoding'] as string | undefined
    const typed = Boolean(options['withFileTypes'])
    if (recursive) {
      const listing: Listing<unknown> = (typed ? recursiveDirents : recursiveNames)(core, path, encoding, lastFirst)
      return new Task<unknown>('scandir', path, listing)
    }
    return new Task<unknown>('scandir', path, () => {
      const list = listOf(core, path)
      if (list instanceof Fault) return list
      return typed ? direntsIn(list, encoding, path) : namesIn(list, encoding)
    })
  }
}

export const readdir = readdirOperation(false)
export const readdirPromise = readdirOperation(true)

/** `named` as to whether an error has the path: Node's synchronous form has not. */
function opendirOperation(named: boolean): Operation<Dir> {
  return (core, [pathArg, optionsArg]) => {
    const path = checkPath(pathArg)
    const options = checkOptions(optionsArg)
    const { bufferSize, recursive } = loose(optionsArg)
    if (bufferSize !== undefined) checkUint32(bufferSize, 'options.bufferSize', true)
    if (recursive != null) checkBoolean(recursive, 'options.recursive')
    const encoding = options['encoding'] as string | undefined
    const listing = recursive === true ? recursiveDirents(core, path, encoding, false) : () => listOf(core, path)
    return new Task<Dir>('opendir', named ? path : undefined, () => {
      const list = listing()
      if (list instanceof Fault) return list
      return new Dir(path, Array.isArray(list) ? list : direntsIn(list, encoding, path))
    })
  }
}

export const opendir = opendirOperation(true)
export const opendirSync = opendirOperation(false)
