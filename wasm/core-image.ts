// One image in the core: questions with strings and bytes in, answers with numbers, strings and copied bytes out.
// Every question answers >= 0 or -errno and leaves its record in the instance's table, from which `attr` or the
// accessors read it before the next question. Not here: caches, views, errors as objects.

import { CONSTANTS, QUERY_FLAGS, SCRATCH, STOP, XATTR_RECORD } from '../src/format/structs.js'
import type { Core, CoreExports } from './core.js'
import { CoreWalk } from './core-walk.js'
import { Listings } from './listings.js'
import { decodeNames, joinNames, type Names } from './names.js'
import { inoOfNid, nidOfIno } from './nids.js'
import { errorDetail, type Placed } from './pool.js'
import {
  ERROR,
  FLAGS,
  GID,
  MODE,
  MTIME_HI,
  MTIME_LO,
  MTIME_NSEC,
  NAME,
  NAME_LEN,
  NID,
  NLINK,
  RDEV,
  SIZE,
  SLOT,
  UID,
  WORDS,
} from './record-fields.js'
import { type SuperblockFacts, superblockFacts } from './superblock-facts.js'

const S = SCRATCH.fields
const X = XATTR_RECORD.fields

const encoder = new TextEncoder()

/** Numbers that stat wants; the caller owns the record. */
export interface InodeNumbers {
  /** Inode number; the nid in an image. */
  ino: number
  /** Type and permission bits. */
  mode: number
  nlink: number
  uid: number
  gid: number
  /** Device number of a CHR or BLK, as st_rdev has it (glibc's encoding); else 0. */
  rdev: number
  /** Bytes. */
  size: number
  mtimeSec: number
  mtimeNsec: number
}

/** One xattr as it is stored: base index, and the name behind that base prefix. */
export interface StoredXattr {
  readonly index: number
  readonly rest: Uint8Array
  readonly value: Uint8Array
}

/** Where a piece of an inode's data lies in the image. */
export interface StoredExtent {
  /** Byte offset; -1 for zeros. */
  readonly offset: number
  /** Bytes of the file, from the one asked for on. */
  readonly length: number
  /**
   * What all of the pcluster is where the piece is part of a compressed one: its bytes, and Z_EROFS_COMPRESSION_* (SHIFTED for what
   * lies uncompressed in the metabox, which the image holds compressed).
   */
  readonly stored: { readonly bytes: number; readonly algorithm: number } | undefined
}

export class CoreImage {
  readonly core: Core
  readonly #begun = new Listings()
  readonly exports: CoreExports
  handle: number
  size: number
  /** Bytes of the metabox's data; 0 without one, and until the facts were read. */
  boxSize = 0

  /** Of a paged image `exports` are those of its core as `retrying` makes them. */
  constructor({ core, handle, size }: Placed, exports: CoreExports = core.exports) {
    this.core = core
    this.exports = exports
    this.handle = handle
    this.size = size
  }

  /** From now on every question is answered with an errno, since the memory may soon hold something else. */
  retire(): void {
    this.handle = this.core.exports.closed.value
    this.size = 0
  }

  /** All bytes of the image; a view that is good until the next image is opened. */
  bytes(): Uint8Array {
    const first = this.handle + this.core.exports.imageHead.value
    return this.core.u8.subarray(first, first + this.size)
  }

  /** Opens the image anew to read its facts again. */
  facts(): SuperblockFacts {
    this.exports.open(this.handle, this.size)
    const facts = superblockFacts(this.core)
    this.boxSize = facts.boxSize
    return facts
  }

  /** What was wrong at the last negative answer, in words; '' when nothing was wrong with the image. */
  errorDetail(): string {
    return errorDetail(this.core)
  }

  /** Record of an inode at index 0 of the table. */
  stat(nid: number): number {
    return this.exports.stat(this.handle, nid)
  }

  /** Record of an entry of a directory. */
  lookup(dir: number, name: Uint8Array, flags: number): number {
    if (name.length > CONSTANTS.EROFS_NAME_LEN) return -CONSTANTS.ENAMETOOLONG
    this.core.u8.set(name, this.core.name)
    return this.exports.lookup(this.handle, dir, name.length, flags)
  }

  /** Puts a path where the core looks for it; its length in bytes, or -errno. */
  #putPath(path: string | Uint8Array): number {
    const into = this.core.pathBytes
    if (typeof path === 'string') {
      const { read, written } = encoder.encodeInto(path, into)
      return read < path.length ? -CONSTANTS.ENAMETOOLONG : written
    }
    if (path.length > into.length) return -CONSTANTS.ENAMETOOLONG
    into.set(path)
    return path.length
  }

  /** Record of what a path leads to from the root. */
  statPath(path: string | Uint8Array, flags: number): number {
    const length = this.#putPath(path)
    return length < 0 ? length : this.exports.statPath(this.handle, length, flags)
  }

  /** Record of what a path leads to from directory `start`; leaves the chain. */
  resolve(start: number, path: string | Uint8Array, flags: number): number {
    const length = this.#putPath(path)
    return length < 0 ? length : this.exports.resolve(this.handle, start, length, flags)
  }

  /** The directories that led resolve to its answer, from the start on. */
  chain(): number[] {
    const { core } = this
    const length = core.u32[(core.scratch + S.chain_len.offset) >>> 2]
    const first = core.exports.chain.value >>> 3
    return Array.from(core.f64.subarray(first, first + length))
  }

  /** Whether the last answer is that of a symlink before the end of its path (Q_STOP_SYMLINK). */
  get atLink(): boolean {
    return this.core.u32[(this.core.scratch + S.stop.offset) >>> 2] === STOP.STOP_SYMLINK
  }

  /** Why resolve stopped (STOP), and the part of the path that it left, as bytes. */
  stopped(): { why: number; rest: Uint8Array } {
    const { core } = this
    const at = core.scratch >>> 2
    const rest = core.copy(core.u32[at + (S.rest.offset >> 2)], core.u32[at + (S.rest_len.offset >> 2)])
    return { why: core.u32[at + (S.stop.offset >> 2)], rest }
  }

  nid(i = 0): number {
    return this.core.f64[(this.core.records >>> 3) + i * (WORDS >> 1) + NID]
  }

  mode(i = 0): number {
    return this.core.u32[(this.core.records >>> 2) + i * WORDS + MODE]
  }

  fileSize(i = 0): number {
    return this.core.f64[(this.core.records >>> 3) + i * (WORDS >> 1) + SIZE]
  }

  flags(i = 0): number {
    return this.core.u32[(this.core.records >>> 2) + i * WORDS + FLAGS]
  }

  rdev(i = 0): number {
    return this.core.u32[(this.core.records >>> 2) + i * WORDS + RDEV]
  }

  /** errno with which the entry's inode can't be read; 0. */
  error(i = 0): number {
    return this.core.u16[(this.core.records >>> 1) + i * WORDS * 2 + ERROR]
  }

  /** Position of the inode in the image, bytes. */
  position(i = 0): number {
    return this.core.u32[(this.core.records >>> 2) + i * WORDS + SLOT] * 32
  }

  /** The inode number that the kernel shows for a nid, and the nid of one. */
  ino(nid: number): number {
    return this.boxSize === 0 ? nid : inoOfNid(nid)
  }

  nidOf(ino: number): number {
    return this.boxSize === 0 ? ino : nidOfIno(ino)
  }

  /** Copies a record's numbers out. */
  attr(out: InodeNumbers, i = 0): void {
    const { u32, i32, f64 } = this.core
    const w = (this.core.records >>> 2) + i * WORDS
    const d = w >>> 1
    out.ino = this.ino(f64[d + NID])
    out.size = f64[d + SIZE]
    out.mode = u32[w + MODE]
    out.nlink = u32[w + NLINK]
    out.uid = u32[w + UID]
    out.gid = u32[w + GID]
    out.rdev = u32[w + RDEV]
    out.mtimeSec = i32[w + MTIME_HI] * 4294967296 + u32[w + MTIME_LO]
    out.mtimeNsec = u32[w + MTIME_NSEC]
  }

  /** Gives the first record a name that stands at an address. */
  nameRecord(address: number, length: number): void {
    const { core } = this
    core.u32[(core.records >>> 2) + NAME] = address
    core.u16[(core.records >>> 1) + NAME_LEN] = length
  }

  /** Bytes that a record's name has. */
  nameLength(i: number): number {
    const { core } = this
    return core.u16[(core.records >>> 1) + i * WORDS * 2 + NAME_LEN]
  }

  /** Bytes of a record's name. */
  nameBytes(i: number): Uint8Array {
    const { core } = this
    const at = core.u32[(core.records >>> 2) + i * WORDS + NAME]
    return core.copy(at, core.u16[(core.records >>> 1) + i * WORDS * 2 + NAME_LEN])
  }

  /** Decodes the names of records `from`…`to` behind those in `names`; answers the bytes of those not in UTF-8. */
  decodeNames(from: number, to: number, names: string[]): Map<number, Uint8Array> | null {
    return decodeNames(this.core, from, to, names)
  }

  /** Names and types of a directory's entries, or -errno. */
  readdir(dir: number, flags: number): Names | number {
    const key = `${dir}:${flags}`
    const begun = this.#begun.take(key)
    const listing = begun ?? { cookie: 0, lists: [], count: 0 }
    while (listing.cookie >= 0) {
      const count = this.exports.readdir(this.handle, dir, listing.cookie, flags)
      if (count === -CONSTANTS.EAGAIN && listing.cookie > 0) this.#begun.keep(key, listing)
      if (count < 0) return count
      listing.lists.push(this.#names(count))
      listing.count += count
      listing.cookie = this.core.f64[(this.core.scratch + S.cookie.offset) >>> 3]
    }
    const whole = listing.lists.length === 1 ? listing.lists[0] : joinNames(listing.lists)
    if (begun === undefined) return whole
    listing.lists = [whole]
    this.#begun.keep(key, listing)
    return { ...whole, names: whole.names.slice() }
  }

  /** Only the names, in UTF-8 as far as they are, of the directory that a path leads to, or -errno. */
  namesAt(path: string | Uint8Array, flags: number): string[] | number {
    const { core } = this
    const length = this.#putPath(path)
    if (length < 0) return length
    let count = this.exports.readdirPath(this.handle, length, flags)
    const names: string[] = []
    const dir = core.f64[(core.scratch + S.directory.offset) >>> 3]
    for (;;) {
      if (count < 0) break
      this.decodeNames(0, count, names)
      const cookie = core.f64[(core.scratch + S.cookie.offset) >>> 3]
      if (cookie < 0) return names
      count = this.exports.readdir(this.handle, dir, cookie, flags)
    }
    if (count !== -CONSTANTS.EAGAIN) return count
    const r = this.statPath(path, flags | QUERY_FLAGS.Q_FOLLOW)
    if (r < 0) return r
    const listed = this.readdir(this.nid(), flags)
    return typeof listed === 'number' ? listed : listed.names
  }

  /** The first `count` records as a list. */
  #names(count: number): Names {
    const { u32, f64, records } = this.core
    const names: string[] = []
    const raw = this.decodeNames(0, count, names)
    const types: number[] = []
    const inos: number[] = []
    for (let i = 0, w = records >>> 2; i < count; i++, w += WORDS) {
      types.push(u32[w + MODE] >>> 12)
      inos.push(this.ino(f64[(w >>> 1) + NID]))
    }
    return { names, types, inos, raw }
  }

  /** Target of a symlink, or -errno. */
  readlink(nid: number): Uint8Array | number {
    const r = this.exports.readlink(this.handle, nid)
    return r < 0 ? r : this.#data()
  }

  #data(): Uint8Array {
    const { core } = this
    return core.copy(core.u32[(core.scratch + S.data.offset) >>> 2], core.f64[(core.scratch + S.data_len.offset) >>> 3])
  }

  /** Copies an inode's own data at `position` into `into`; the number of bytes, or -errno. */
  read(nid: number, into: Uint8Array, position: number): number {
    const { core } = this
    let done = 0
    while (done < into.length) {
      const r = this.exports.map(this.handle, nid, position + done, into.length - done)
      if (r < 0) return r
      if (r === 1) break
      const at = core.u32[(core.scratch + S.data.offset) >>> 2]
      const length = Math.min(core.f64[(core.scratch + S.data_len.offset) >>> 3], into.length - done)
      if (at === 0) into.fill(0, done, done + length)
      else into.set(core.u8.subarray(at, at + length), done)
      done += length
    }
    return done
  }

  /** Can every byte of an inode's data be had? 0 or -errno. */
  probe(nid: number): number {
    const { core } = this
    for (let at = 0; ; at += core.f64[(core.scratch + S.data_len.offset) >>> 3]) {
      const r = this.exports.extent(this.handle, nid, at)
      if (r !== 0) return Math.min(r, 0)
    }
  }

  /** Where the piece of an inode's data at byte `at` lies in the image; 1 at its end, or -errno. */
  extent(nid: number, at: number): StoredExtent | number {
    const { u32, f64, scratch } = this.core
    const r = this.exports.extent(this.handle, nid, at)
    if (r !== 0) return r
    const stored = u32[(scratch + S.stored.offset) >>> 2]
    return {
      offset: f64[(scratch + S.cookie.offset) >>> 3],
      length: f64[(scratch + S.data_len.offset) >>> 3],
      stored: stored === 0 ? undefined : { bytes: stored, algorithm: u32[(scratch + S.extent_form.offset) >>> 2] },
    }
  }

  /** All xattrs of an inode in disk order, or -errno. */
  xattrs(nid: number): StoredXattr[] | number {
    const { core } = this
    const out: StoredXattr[] = []
    for (;;) {
      const count = this.exports.listxattr(this.handle, nid, out.length)
      if (count <= 0) return count < 0 ? count : out
      for (let i = 0; i < count; i++) out.push(this.#xattr(core.records + i * XATTR_RECORD.size))
    }
  }

  #xattr(at: number): StoredXattr {
    const { core } = this
    const word = (field: { offset: number }) => core.u32[(at + field.offset) >>> 2]
    const infixLength = word(X.infix_len)
    const nameLength = word(X.name_len)
    const rest = new Uint8Array(infixLength + nameLength)
    rest.set(core.u8.subarray(word(X.infix), word(X.infix) + infixLength))
    rest.set(core.u8.subarray(word(X.name), word(X.name) + nameLength), infixLength)
    return { index: word(X.index), rest, value: core.copy(word(X.value), word(X.value_len)) }
  }

  /** Value of the xattr with that base index and further name, or -errno (-ENODATA). */
  xattr(nid: number, index: number, rest: string | Uint8Array): Uint8Array | number {
    const { core } = this
    const bytes = typeof rest === 'string' ? encoder.encode(rest) : rest
    if (bytes.length > 255) return -CONSTANTS.ERANGE
    core.u8.set(bytes, core.name)
    const r = this.exports.getxattr(this.handle, nid, index, bytes.length)
    return r < 0 ? r : this.#data()
  }

  /** Begins a sweep over everything below a directory, hiding what `flags` (Q_HIDE_DEV0) say. */
  walk(nid: number, flags: number): CoreWalk {
    return new CoreWalk(this, nid, flags)
  }
}
