// Random trees: what an image could hold, small and awkward. Not here: how it is written (random-erofs.ts), or any source of a writer.

import { CONSTANTS } from '../format/structs.js'
import type { Random } from './random.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

export interface TreeXattr {
  /** Name index of the base prefix (EROFS_XATTR_INDEX_*), and the name behind that. */
  readonly index: number
  readonly name: Uint8Array
  readonly value: Uint8Array
}

export interface TreeInode {
  /** Type and permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sec: number
  readonly nsec: number
  readonly rdev: number
  /** Of a regular file its bytes, of a symlink its target; of others none. */
  readonly data: Uint8Array
  readonly xattrs: readonly TreeXattr[]
  /** Of a directory, in byte order of their names. */
  readonly entries: readonly TreeEntry[]
}

export interface TreeEntry {
  readonly name: Uint8Array
  readonly inode: TreeInode
}

export interface RandomTreeOptions {
  /** About so many inodes; 12 unless given. */
  readonly inodes?: number
  /** Bytes of the largest file, rarely reached; 3000 unless given. */
  readonly fileBytes?: number
  /** Most files are made of pieces that come again, in other files too. */
  readonly repeats?: boolean
}

const encoder = new TextEncoder()
const NAMES = ['a', 'b', 'bin', 'etc', 'x.txt', 'README', 'z', 'ü', '.hidden', 'lib64', 'long-'.repeat(20)]
const TARGETS = ['a', '..', '../..', '/', '/a/b', '.', 'nowhere', 'a/../b', 'x'.repeat(200), './/a//']
const OTHERS = [S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK]
const KEYS = [
  'user.',
  'k',
  'overlay.redirect',
  'overlay.metacopy',
  'overlay.opaque',
  'selinux',
  'capability',
  'a'.repeat(40),
]
const DEPTH = 6
/** Version 2; owner, group and others with their permissions: what the kernel takes, as it does not take any bytes for one. */
const ACL = Uint8Array.of(2, 0, 0, 0, ...[1, 4, 32].flatMap(tag => [tag, 0, 5, 0, 255, 255, 255, 255]))

/** In byte order, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const least = Math.min(a.length, b.length)
  for (let i = 0; i < least; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

/** Runs of a byte, pieces of what was there before, and some that are new. */
function repeated(random: Random, length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const kind = random.below(4)
    const n = 1 + random.below(random.once(6) ? 600 : 40)
    if (kind === 0) out.fill(random.next(), at, at + n)
    else if (kind === 1 || at === 0) out.set(random.bytes(Math.min(n, 24, length - at)), at)
    else {
      const from = random.below(at)
      for (let i = 0; i < n && at + i < length; i++) out[at + i] = out[from + i]
    }
    at += kind === 1 || at === 0 ? Math.min(n, 24) : n
  }
  return out
}

class TreeMaker {
  readonly #random: Random
  readonly #fileBytes: number
  /** What files begin with where they are to have something in common. */
  readonly #common: Uint8Array | undefined
  #left: number
  /** Those that more than one name may have. */
  readonly #links: TreeInode[] = []

  constructor(random: Random, { inodes = 12, fileBytes = 3000, repeats = false }: RandomTreeOptions) {
    this.#random = random
    this.#common = repeats ? repeated(random, fileBytes) : undefined
    this.#left = inodes
    this.#fileBytes = fileBytes
  }

  directory(depth: number): TreeInode {
    const random = this.#random
    const names = new Map<string, Uint8Array>()
    for (let count = random.below(depth === 0 ? 12 : 6); count > 0; count--) {
      const name = this.#name()
      names.set(String(name), name)
    }
    const sorted = [...names.values()].sort(compareBytes)
    const entries: TreeEntry[] = []
    for (const name of sorted) if (this.#left > 0) entries.push({ name, inode: this.#inode(depth + 1) })
    return this.#finish(S_IFDIR, { entries })
  }

  #name(): Uint8Array {
    const random = this.#random
    if (!random.once(4)) return encoder.encode(random.pick(NAMES))
    const bytes = random.bytes(1 + random.below(random.once(6) ? 255 : 6))
    const name = bytes.map(byte => (byte === 0 || byte === 0x2f ? 0x61 : byte))
    return name.length <= 2 && name.every(byte => byte === 0x2e) ? encoder.encode('dots') : name
  }

  #inode(depth: number): TreeInode {
    const random = this.#random
    this.#left--
    const kind = random.below(10)
    if (kind < 3 && depth < DEPTH) return this.directory(depth)
    if (kind === 3 && this.#links.length > 0) return random.pick(this.#links)
    if (kind === 4) return this.#finish(S_IFLNK, { data: encoder.encode(random.pick(TARGETS)) })
    if (kind === 5) return this.#finish(random.pick(OTHERS), { rdev: random.once(3) ? 0 : random.next() })
    const inode = this.#finish(S_IFREG, { data: this.#data() })
    this.#links.push(inode)
    return inode
  }

  #data(): Uint8Array {
    const random = this.#random
    if (this.#common !== undefined && !random.once(4)) return this.#repeats(this.#common)
    const most = random.once(4) ? this.#fileBytes : 100
    const data = random.bytes(random.below(most + 1))
    // A part of zeros, which may become a hole.
    if (random.once(3)) data.fill(0, random.below(data.length + 1))
    return data
  }

  #repeats(common: Uint8Array): Uint8Array {
    const random = this.#random
    const most = random.once(4) ? this.#fileBytes : this.#fileBytes / 4
    const data = random.once(2) ? common.slice(0, random.below(most + 1)) : repeated(random, random.below(most + 1))
    if (random.once(4)) data.fill(0, random.below(data.length + 1), random.below(data.length + 1))
    return data
  }

  #xattrs(): TreeXattr[] {
    const random = this.#random
    if (!random.once(3)) return []
    const found = new Map<string, TreeXattr>()
    for (let count = 1 + random.below(4); count > 0; count--) {
      const index = random.pick([1, 4, 6, 1, 4, 2, 3])
      const acl = index === 2 || index === 3
      const name = encoder.encode(acl ? '' : random.pick(KEYS))
      const value = acl ? ACL : random.bytes(random.below(random.once(4) ? 300 : 20))
      found.set(`${index}:${name}`, { index, name, value })
    }
    return [...found.values()]
  }

  #finish(type: number, rest: Partial<TreeInode>): TreeInode {
    const random = this.#random
    const large = random.once(4)
    return {
      mode: (type & S_IFMT) | random.below(0o10000),
      uid: large ? random.next() : random.below(2000),
      gid: large ? random.next() : random.below(2000),
      sec: random.once(3) ? random.next() * 8 - 2 ** 33 : random.below(2 ** 31),
      nsec: random.once(2) ? 0 : random.below(1e9),
      rdev: 0,
      data: new Uint8Array(0),
      xattrs: this.#xattrs(),
      entries: [],
      ...rest,
    }
  }
}

/** A tree by its root directory. */
export function randomTree(random: Random, options: RandomTreeOptions = {}): TreeInode {
  return new TreeMaker(random, options).directory(0)
}
