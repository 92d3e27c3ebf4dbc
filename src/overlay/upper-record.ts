// An upper as records: plain values, one for each inode and one for each name, that JSON can hold and that an upper can be made
// of again. A later record of the same thing takes the place of an earlier one. Snapshots and the log of an upper that a
// directory keeps are made of them. Not here: bytes of files, which a record only names.
//
//   inode  { i: id, m: mode, u: uid, g: gid, t: [atime, mtime, ctime, birth time], each [seconds, nanoseconds],
//            r?: device, x?: { name: value }, l?: target of a symlink, f?: the body of a regular file, by its number or as it is,
//            o?: "y" | "x", opaque, d?: redirect, k?: metacopy, s?: its size in bytes, w?: 1, a whiteout in attribute form,
//            p?: number of the lower inode that it is a copy of, n?: 1, a copy with a number of its own, y?: 1, written to }
//   name   { e: [id of the directory, name], c?: id of the inode, or null for a whiteout }; without `c` the name is gone
//
// Bytes (names, targets, values) are text with a character a byte. The root has id 0.

import { Fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import type { Body } from './body.js'
import { ownIno, ROOT_ID } from './upper.js'
import { UpperInode, xattrCost } from './upper-inode.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
const NAME_MAX = 255

type Stamp = readonly [sec: number, nsec: number]

export interface InodeRecord {
  readonly i: number
  readonly m: number
  readonly u: number
  readonly g: number
  readonly t: readonly [Stamp, Stamp, Stamp, Stamp]
  readonly r?: number
  readonly s?: number
  readonly x?: Readonly<Record<string, string>>
  readonly l?: string
  readonly o?: string
  readonly d?: string
  readonly k?: string
  readonly w?: 1
  readonly p?: number
  readonly n?: 1
  readonly y?: 1
  readonly f?: number | string
}

export interface NameRecord {
  readonly e: readonly [directory: number, name: string]
  readonly c?: number | null
}

/** The record of an inode; `bodyId` says what its body is called, or all of it in a form of its own. */
export function inodeRecord(inode: UpperInode, bodyId: (body: Body) => number | string): InodeRecord {
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec } = inode
  return {
    i: inode.id,
    m: inode.mode,
    u: inode.uid,
    g: inode.gid,
    t: [
      [atimeSec, atimeNsec],
      [mtimeSec, mtimeNsec],
      [ctimeSec, ctimeNsec],
      [birthtimeSec, birthtimeNsec],
    ],
    ...(inode.rdev === 0 ? {} : { r: inode.rdev }),
    ...(inode.metacopy === undefined ? {} : { s: inode.size, k: binaryString(inode.metacopy) }),
    ...(inode.xattrs === undefined ? {} : { x: textOf(inode.xattrs) }),
    ...(inode.target === undefined ? {} : { l: binaryString(inode.target) }),
    ...(inode.opaque === '' ? {} : { o: inode.opaque }),
    ...(inode.redirect === undefined ? {} : { d: inode.redirect }),
    ...(inode.whiteout ? { w: 1 as const } : {}),
    ...(inode.origin === undefined ? {} : { p: inode.origin }),
    ...(inode.origin === undefined || inode.ino === inode.origin ? {} : { n: 1 as const }),
    ...(inode.written ? { y: 1 as const } : {}),
    ...(inode.body === undefined ? {} : { f: bodyId(inode.body) }),
  }
}

function textOf(xattrs: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(Array.from(xattrs, ([name, value]) => [name, binaryString(value)]))
}

/** The record of a name as it stands. */
export function nameRecord(dir: UpperInode, name: string): NameRecord {
  const entry = dir.children?.get(name)
  return entry === undefined ? { e: [dir.id, name] } : { e: [dir.id, name], c: entry === null ? null : entry.id }
}

/** Records of all below a directory, itself the first; what has no name is left out. */
export function* recordsOf(
  root: UpperInode,
  bodyId: (body: Body) => number | string,
): Generator<InodeRecord | NameRecord, void, void> {
  const seen = new Set([root])
  for (const inode of seen) {
    yield inodeRecord(inode, bodyId)
    for (const [name, child] of inode.children ?? []) {
      yield nameRecord(inode, name)
      if (child !== null) seen.add(child)
    }
  }
}

function corrupt(what: string): Fault {
  return new Fault('EUCLEAN', `upper: ${what}`)
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value)
/** Numbers of its own start at 2^52 and must stay exact. */
const isId = (value: unknown): value is number => isCount(value) && value >= ROOT_ID && value < 2 ** 52
const isU32 = (value: unknown): value is number => isCount(value) && value >= 0 && value < 2 ** 32
const isStamp = (value: unknown): value is Stamp =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isU32(value[1]) && value[1] < 1e9
// biome-ignore lint/suspicious/noControlCharactersInRegex: every character that is a byte
const BYTES = /^[\x00-\xff]*$/
const isBytes = (value: unknown): value is string => typeof value === 'string' && BYTES.test(value)

function isName(name: unknown): name is string {
  return isBytes(name) && name !== '' && name.length <= NAME_MAX && !/^\.\.?$/.test(name) && !/[/\0]/.test(name)
}

/** Takes records in, in their order, and makes the upper of what they come to. What they hold is not trusted. */
export class RecordReader {
  readonly #inodes = new Map<number, UpperInode>()
  readonly #bodies = new Map<number, number | string>()
  readonly #names = new Map<number, Map<string, number | null>>()
  /** Bodies that an inode has got. */
  readonly #given = new Set<number>()
  #last = ROOT_ID

  #count = 0
  #charged = 0

  /** Inodes of the tree that was built, but its root, which no upper counts. */
  get count(): number {
    return this.#count
  }

  /** Bytes that the xattrs of those cost. */
  get charged(): number {
    return this.#charged
  }

  /** The highest id. */
  get last(): number {
    return this.#last
  }

  /** EUCLEAN for what is no record. */
  add(record: unknown): Fault | undefined {
    if (typeof record !== 'object' || record === null) return corrupt('no record')
    return 'e' in record ? this.#addName(record as NameRecord) : this.#addInode(record as InodeRecord)
  }

  #addName({ e, c }: NameRecord): Fault | undefined {
    if (!Array.isArray(e) || e.length !== 2 || !isCount(e[0]) || !isName(e[1])) return corrupt('name')
    if (c !== undefined && c !== null && !isCount(c)) return corrupt('name')
    const [dir, name] = e
    const names = this.#names.get(dir) ?? new Map<string, number | null>()
    this.#names.set(dir, names)
    if (c === undefined) names.delete(name)
    else names.set(name, c)
    return undefined
  }

  #addInode(record: InodeRecord): Fault | undefined {
    const { i, m, u, g, p, n, t } = record
    if (!isId(i) || !isU32(m) || !isU32(u) || !isU32(g)) return corrupt('inode')
    if (p !== undefined && (!isCount(p) || p < 0)) return corrupt('inode')
    if (!Array.isArray(t) || t.length !== 4 || !t.every(isStamp)) return corrupt('times')
    const inode = new UpperInode(i, p === undefined || n === 1 ? ownIno(i) : p, m, u, g)
    this.#last = Math.max(this.#last, i)
    const [atime, mtime, ctime, birth] = t as unknown as Stamp[]
    inode.atimeSec = atime[0]
    inode.atimeNsec = atime[1]
    inode.mtimeSec = mtime[0]
    inode.mtimeNsec = mtime[1]
    inode.ctimeSec = ctime[0]
    inode.ctimeNsec = ctime[1]
    inode.birthtimeSec = birth[0]
    inode.birthtimeNsec = birth[1]
    return this.#addRest(inode, record)
  }

  #addRest(inode: UpperInode, { r = 0, s = 0, x, l, o = '', d, k, w, p, y, f }: InodeRecord): Fault | undefined {
    const type = inode.mode & S_IFMT
    if (!isU32(r) || !isCount(s) || s < 0 || (o !== '' && o !== 'x' && o !== 'y')) return corrupt('inode')
    const holdsBytes = type === S_IFREG && k === undefined && w === undefined
    if ((l === undefined) !== (type !== S_IFLNK) || (f === undefined) === holdsBytes) {
      return corrupt('content of another type')
    }
    for (const text of [l, d, k]) if (text !== undefined && !isBytes(text)) return corrupt('bytes')
    if (f !== undefined && typeof f !== 'string' && (!isCount(f) || f < 0)) return corrupt('body')
    if (k !== undefined && type !== S_IFREG) return corrupt('metacopy')
    inode.rdev = r
    inode.size = s
    inode.opaque = o
    inode.redirect = d
    inode.whiteout = w === 1
    inode.origin = p
    inode.written = y === 1
    inode.target = l === undefined ? undefined : binaryBytes(l)
    inode.metacopy = k === undefined ? undefined : binaryBytes(k)
    if (x !== undefined) {
      if (typeof x !== 'object' || x === null) return corrupt('xattrs')
      if (!Object.entries(x).every(([name, value]) => isBytes(name) && isBytes(value))) return corrupt('xattrs')
      inode.xattrs = new Map(Object.entries(x).map(([name, value]) => [name, binaryBytes(value)]))
    }
    this.#inodes.set(inode.id, inode)
    if (f === undefined) this.#bodies.delete(inode.id)
    else this.#bodies.set(inode.id, f)
    return undefined
  }

  /**
   * The root with all that is below it. `bodyOf` finds the body of a name, which no two inodes have. EUCLEAN for a tree that is
   * none: no root, a directory with two names, a name without an inode; or what `bodyOf` answers.
   */
  build(bodyOf: (id: number | string) => Outcome<Body>): Outcome<UpperInode> {
    const top = this.#inodes.get(ROOT_ID)
    if (top?.isDirectory !== true) return corrupt('no root')
    const links = new Map<UpperInode, number>([[top, 1]])
    for (const dir of links.keys()) {
      for (const [name, id] of dir.isDirectory ? (this.#names.get(dir.id) ?? []) : []) {
        const entry = id === null ? null : this.#inodes.get(id)
        if (entry === undefined) return corrupt('a name without an inode')
        dir.children?.set(name, entry)
        const failed = entry === null ? undefined : this.#place(dir, name, entry, links, bodyOf)
        if (failed !== undefined) return failed
      }
    }
    for (const [inode, count] of links) {
      inode.nlink = inode.isDirectory ? 1 : count
      inode.charged = xattrCost(inode.xattrs)
      this.#charged += inode.charged
    }
    this.#count = links.size - 1
    return top
  }

  #place(
    dir: UpperInode,
    name: string,
    entry: UpperInode,
    links: Map<UpperInode, number>,
    bodyOf: (id: number | string) => Outcome<Body>,
  ): Fault | undefined {
    const before = links.get(entry) ?? 0
    if (before > 0 && entry.isDirectory) return corrupt('a directory with two names')
    links.set(entry, before + 1)
    entry.parent = dir
    entry.name = name
    if (entry.isDirectory) dir.directories++
    const id = this.#bodies.get(entry.id)
    if (before > 0 || id === undefined) return undefined
    if (typeof id === 'number' && this.#given.has(id)) return corrupt('a body of two inodes')
    if (typeof id === 'number') this.#given.add(id)
    const body = bodyOf(id)
    if (body instanceof Fault) return body
    entry.body = body
    return undefined
  }
}
