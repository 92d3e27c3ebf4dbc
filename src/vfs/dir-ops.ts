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

/** The directories below one, in the order in which Node lists them; `visit` sees each listing. */
function walk(
  core: Core,
  start: Bytes,
  lastFirst: boolean,
  follow: boolean,
  visit: (found: Found) => number,
): Fault | undefined {
  const first = listOf(core, start)
  if (first instanceof Fault) return first
  const waiting: Found[] = [{ path: start, list: first }]
  let followed = 0
  for (let at = 0; lastFirst ? waiting.length > 0 : at < waiting.length; at++) {
    const found = (lastFirst ? waiting.pop() : waiting[at]) as Found
    if (!lastFirst) waiting[at] = { path: '', list: first } // not held longer than needed
    const count = visit(found)
    if (follow) followed += count
    if (followed > FOLLOWED_LIMIT) return new Fault('ELOOP', 'a recursive listing through links does not end')
    for (let index = 0; index < count; index++) {
      const type = found.list.types[index]
      const path = type === DT_DIR || type === DT_LNK ? below(found.path, nameAt(found.list, index)) : ''
      if (type !== DT_DIR && !(follow && type === DT_LNK && core.isDirectory(path))) continue
      const list = listOf(core, path)
      if (list instanceof Fault) return list
      waiting.push({ path, list })
    }
  }
  return undefined
}

function recursiveNames(core: Core, path: Bytes, encoding: string | undefined, lastFirst: boolean): Outcome<Name[]> {
  const names: Name[] = []
  const skip = path.length + (showPath(path).endsWith('/') ? 0 : 1)
  const failed = walk(core, path, lastFirst, true, ({ path: at, list }) => {
    for (let index = 0; index < list.names.length; index++) {
      const full = below(at, nameAt(list, index))
      const relative =
        typeof full === 'string'
          ? full.slice(skip)
          : full.subarray(typeof path === 'string' ? utf8Bytes(path).length + skip - path.length : skip)
      if (typeof relative === 'string' && encoding === undefined) names.push(relative)
      else names.push(encoded(typeof relative === 'string' ? utf8Bytes(relative) : relative, encoding))
    }
    return list.names.length
  })
  return failed ?? names
}

function recursiveDirents(
  core: Core,
  path: Bytes,
  encoding: string | undefined,
  lastFirst: boolean,
): Outcome<Dirent[]> {
  const entries: Dirent[] = []
  const failed = walk(core, path, lastFirst, false, ({ path: at, list }) => {
    const parent = at === path || typeof at !== 'string' ? at : joinText(at, '.')
    for (const entry of direntsIn(list, encoding, parent)) entries.push(entry)
    return list.names.length
  })
  return failed ?? entries
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
    return new Task<unknown>('scandir', path, () => {
      if (recursive && typed) return recursiveDirents(core, path, encoding, lastFirst)
      if (recursive) return recursiveNames(core, path, encoding, lastFirst)
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
    return new Task<Dir>('opendir', named ? path : undefined, () => {
      const list = recursive === true ? recursiveDirents(core, path, encoding, false) : listOf(core, path)
      if (list instanceof Fault) return list
      return new Dir(path, Array.isArray(list) ? list : direntsIn(list, encoding, path))
    })
  }
}

export const opendir = opendirOperation(true)
export const opendirSync = opendirOperation(false)
