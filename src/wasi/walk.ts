// Where a path of a program leads, from a directory that it has open, and never out of that. Not here: what is done there.
// As the kernel's path walk (fs/namei.c: links, 40 at most, `..` physically), but what leads above the directory is ENOTCAPABLE. The
// preopen named `/` is a root as chroot makes one: `..` stays there, and an absolute path or link begins there. One named otherwise,
// `/data`, takes absolute paths that go through its own name.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { type Attr, type Bytes, newAttr } from '../overlay/layer.js'
import type { GuestTree, OpenDirectory } from './descriptors.js'
import { asText } from './guest-memory.js'

const { S_IFMT, S_IFLNK, S_IFDIR } = CONSTANTS
const SLASH = 0x2f
const DOT = 0x2e
const LINK_LIMIT = 40
const PATH_MAX = 4096
const NAME_MAX = 255

/** It leads out of what a program may see. The call answers ENOTCAPABLE. */
export const OUTSIDE = new Fault('EPERM', 'leads out of the directory')

/** Where a path ends: a name in a directory. */
export interface Place {
  readonly dir: object
  /** Empty where the path ends at no name; the directory is then what it leads to. */
  readonly name: Bytes
  /** Of a path that ends so: 1 for `.`, 2 for `..`. */
  readonly dots: number
  /** What has that name; undefined where nothing does. */
  readonly node: object | undefined
  /** Mode of that. */
  readonly mode: number
  /** Whether a slash follows, which asks for a directory. */
  readonly slash: boolean
}

/** Whether a link at the end is followed: always, only where a slash follows it, or not even then (who makes or removes names). */
export type AtEnd = 'follow' | 'link' | 'name'

/** Of whoever makes a file where none is: a slash behind its name is EISDIR, whatever is there. */
export interface WalkOptions {
  readonly makesFile?: boolean
}

/** Whether a directory is the root of its tree and called so, which makes paths from it paths of the tree. */
export function isTreeRoot(dir: OpenDirectory): boolean {
  return dir.preopen === '/' && dir.node === dir.tree.layer.root
}

/** What stands between the slashes of a path. */
function split(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  for (let at = 0; at < path.length; ) {
    if (path[at] === SLASH) {
      at++
      continue
    }
    const slash = path.indexOf(SLASH, at)
    const end = slash < 0 ? path.length : slash
    names.push(path.subarray(at, end))
    at = end
  }
  return names
}

/** The names of a path that lie before it. It leads out where it is absolute and does not go through the preopen's name. */
function namesOf(path: Uint8Array, dir: OpenDirectory): Outcome<Uint8Array[]> {
  const names = split(path)
  if (path[0] !== SLASH) return names
  if (dir.preopen?.[0] !== '/') return OUTSIDE
  for (const name of split(new TextEncoder().encode(dir.preopen))) {
    const given = names.shift()
    if (given?.length !== name.length || !given.every((byte, i) => byte === name[i])) return OUTSIDE
  }
  return names
}

function isDots(name: Uint8Array, count: number): boolean {
  return name.length === count && name.every(byte => byte === DOT)
}

class Walk {
  readonly #dir: OpenDirectory
  readonly #tree: GuestTree
  readonly #attr: Attr = newAttr()
  /** The directories on the way, that which it began in first. */
  readonly #way: object[]
  readonly #makesFile: boolean
  #names: Uint8Array[] = []
  #slash = false
  #dots = 0
  #links = 0

  constructor(dir: OpenDirectory, { makesFile = false }: WalkOptions) {
    this.#dir = dir
    this.#makesFile = makesFile
    this.#tree = dir.tree
    this.#way = [dir.node]
  }

  /** Goes on along a path: that of the call, or a link's. */
  #enter(path: Uint8Array): Fault | undefined {
    if (path.length === 0) return fault('ENOENT')
    if (path.length >= PATH_MAX) return fault('ENAMETOOLONG')
    const names = namesOf(path, this.#dir)
    if (names instanceof Fault) return names
    if (path[0] === SLASH) this.#way.length = 1
    // The slash of a link counts where nothing follows the link.
    if (this.#names.length === 0) this.#slash ||= path.at(-1) === SLASH
    this.#names = [...names, ...this.#names]
    return undefined
  }

  get #here(): object {
    return this.#way[this.#way.length - 1]
  }

  to(path: Uint8Array, atEnd: AtEnd): Outcome<Place> {
    const failed = this.#enter(path)
    if (failed !== undefined) return failed
    for (let name = this.#names.shift(); name !== undefined; name = this.#names.shift()) {
      const place = this.#step(name, atEnd)
      if (place !== undefined) return place
    }
    const here = this.#here
    return { dir: here, name: '', dots: this.#dots, node: here, mode: S_IFDIR, slash: this.#slash }
  }

  /** One name further: what it ends at, if it does. */
  #step(name: Uint8Array, atEnd: AtEnd): Outcome<Place> | undefined {
    this.#dots = isDots(name, 1) ? 1 : isDots(name, 2) ? 2 : 0
    if (this.#dots === 1) return undefined
    if (this.#dots === 2) {
      if (this.#way.length > 1) this.#way.pop()
      else if (this.#dir.preopen !== '/') return OUTSIDE
      return undefined
    }
    if (name.length > NAME_MAX) return fault('ENAMETOOLONG')
    const last = this.#names.length === 0
    if (last && this.#slash && this.#makesFile) return fault('EISDIR')
    const text = asText(name)
    const place = { dir: this.#here, name: text, dots: 0, slash: this.#slash }
    const node = this.#tree.layer.lookup(this.#here, text)
    if (node instanceof Fault) {
      return last && node.code === 'ENOENT' ? { ...place, node: undefined, mode: 0 } : node
    }
    const failed = this.#tree.layer.stat(node, this.#attr)
    if (failed !== undefined) return failed
    const { mode } = this.#attr
    const type = mode & S_IFMT
    const follows = !last || atEnd === 'follow' || (atEnd === 'link' && this.#slash)
    if (type === S_IFLNK && follows) return this.#follow(node)
    if (last) return { ...place, node, mode }
    if (type !== S_IFDIR) return fault('ENOTDIR')
    this.#way.push(node)
    return undefined
  }

  #follow(link: object): Fault | undefined {
    if (++this.#links > LINK_LIMIT) return fault('ELOOP')
    const target = this.#tree.layer.readlink(link)
    return target instanceof Fault ? target : this.#enter(target)
  }
}

/** Where a path leads from a directory, the last name's own place. The bytes must be the caller's own. */
export function walk(dir: OpenDirectory, path: Uint8Array, atEnd: AtEnd, options: WalkOptions = {}): Outcome<Place> {
  return new Walk(dir, options).to(path, atEnd)
}

/** What a path leads to. ENOENT, ENOTDIR for a slash behind what is no directory. */
export function walkTo(dir: OpenDirectory, path: Uint8Array, follow: boolean): Outcome<object> {
  if (isTreeRoot(dir)) return dir.tree.layer.resolve(asText(path), follow)
  const place = walk(dir, path, follow ? 'follow' : 'link')
  if (place instanceof Fault) return place
  if (place.node === undefined) return fault('ENOENT')
  return place.slash && (place.mode & S_IFMT) !== S_IFDIR ? fault('ENOTDIR') : place.node
}

/** The same and its stat numbers in one, which is what programs ask most. */
export function walkStat(dir: OpenDirectory, path: Uint8Array, follow: boolean, out: Attr): Fault | undefined {
  if (isTreeRoot(dir)) return dir.tree.layer.statPath(asText(path), follow, out)
  const node = walkTo(dir, path, follow)
  return node instanceof Fault ? node : dir.tree.layer.stat(node, out)
}
