// Goes through everything below a directory, depth first, parent first, in byte order of names, a batch of records at a
// time. Memory is bounded by the depth of the tree, not by its size; one bit for each inode slot tells when an inode is
// met again. Not here: what entries mean (tree-entries.ts), and the faster sweep for what needs no path at all.
// A directory that is met again would make the tree endless or no tree: EUCLEAN.

import { Records, readBatch } from '../../wasm/records.js'
import { errnoName, Fault, type Outcome } from '../format/errno.js'
import { type Limits, nameTooLong, tooDeep, tooManyEntries } from '../format/limits.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import type { Image } from './image.js'

const { S_IFMT, S_IFDIR, S_IFCHR } = CONSTANTS
const SLASH = 0x2f

export interface CursorOptions {
  /** Character devices 0:0 are absent. */
  readonly hideDev0: boolean
  /** Names of the top directory that count, a character a byte; all of them unless given. */
  readonly filter?: ReadonlySet<string>
  /** Is told of an entry or directory that can't be read, and the walk goes on; unless given the walk ends there. */
  readonly onBroken?: (fault: Fault, path: Uint8Array) => void
}

/** A directory being read: the records `at`…`end` of the stack are still to come. */
interface Frame {
  nid: number
  cookie: number
  start: number
  at: number
  end: number
  /** Bytes of the directory's path. */
  pathLength: number
}

export class TreeCursor {
  readonly records: Records
  /** Index of the current entry's record, good until the next step. */
  index = 0
  /** Directories above the current entry; 0 for the root. */
  depth = 0
  /** Was the inode of the current entry met before? */
  seen = false
  readonly #image: Image
  readonly #options: CursorOptions
  readonly #limits: Limits
  #entries = 0
  readonly #bits: Uint8Array
  readonly #frames: Frame[] = []
  #used = 0
  #begun = false
  #descend = false
  #path = new Uint8Array(4096)
  #pathLength = 0
  /** Bytes of the path of the directory above the current entry; -1 when the path is there already. */
  #above = -1

  constructor(image: Image, options: CursorOptions) {
    this.#image = image
    this.#options = options
    this.#limits = image.limits
    this.records = new Records(image.core)
    this.#bits = new Uint8Array(Math.ceil(image.byteLength / 32 / 8) + 1)
  }

  /** Goes to the next entry; false after the last one. */
  next(): Outcome<boolean> {
    if (!this.#begun) return this.#root()
    if (this.#descend) this.#push()
    while (this.#used > 0) {
      const frame = this.#frames[this.#used - 1]
      if (frame.at === frame.end) {
        const more = this.#more(frame)
        if (more instanceof Fault) return more
        if (!more) this.#used--
        continue
      }
      const taken = this.#take(frame, frame.at++)
      if (taken !== false) return taken
    }
    return false
  }

  /** Leaves the current directory's entries out. */
  skip(): void {
    this.#descend = false
  }

  /** Absolute path of the current entry in its first `pathLength` bytes; the root's is `/`. */
  get path(): Uint8Array {
    this.#locate()
    return this.#path
  }

  get pathLength(): number {
    this.#locate()
    return this.#pathLength
  }

  /** A copy of the current entry's path. */
  pathBytes(): Uint8Array {
    this.#locate()
    return this.#path.slice(0, this.#pathLength)
  }

  #root(): Outcome<boolean> {
    this.#begun = true
    this.#entries = 1
    if (this.#limits.maxEntries < 1) return tooManyEntries(this.#limits.maxEntries)
    const r = this.#image.core.stat(this.#image.rootNid)
    if (r < 0) return this.#image.fault(r, '/')
    this.records.append(1)
    this.#path[0] = SLASH
    this.#pathLength = 1
    this.#mark(0)
    this.#descend = true
    return true
  }

  /** Takes up the current directory. */
  #push(): void {
    this.#descend = false
    const nid = this.records.nid(this.index)
    const start = this.#used === 0 ? 1 : this.#frames[this.#used - 1].end
    const pathLength = this.#used === 0 ? 0 : this.pathLength
    const frame = this.#frames[this.#used]
    if (frame === undefined) this.#frames.push({ nid, cookie: 0, start, at: start, end: start, pathLength })
    else Object.assign(frame, { nid, cookie: 0, start, at: start, end: start, pathLength })
    this.#used++
  }

  /** Reads a directory's next batch; false when there is none. */
  #more(frame: Frame): Outcome<boolean> {
    if (frame.cookie < 0) return false
    this.records.truncate(frame.start)
    const { count, cookie } = readBatch(this.#image.core, frame.nid, frame.cookie, QUERY_FLAGS.Q_STAT)
    frame.cookie = cookie
    if (count < 0) {
      this.#above = -1
      this.#pathLength = Math.max(frame.pathLength, 1)
      return this.#broken(this.#image.fault(count, 'directory')) ?? false
    }
    this.records.append(count)
    frame.at = frame.start
    frame.end = frame.start + count
    return true
  }

  /** Makes the record at `i` the current entry; false where it does not count. */
  #take(frame: Frame, i: number): Outcome<boolean> {
    const { records } = this
    const mode = records.mode(i)
    const type = mode & S_IFMT
    const hidden = this.#options.hideDev0 && type === S_IFCHR && records.rdev(i) === 0 && records.error(i) === 0
    if (hidden && records.nlink(i) <= 1) return false
    if (this.#used === 1 && this.#options.filter !== undefined && !this.#kept(i, this.#options.filter)) return false
    this.index = i
    this.depth = this.#used
    this.#above = frame.pathLength
    if (hidden) {
      const why = 'a whiteout (character device 0:0) with more than one link'
      return this.#broken(new Fault('EINVAL', why)) ?? false
    }
    const error = records.error(i)
    if (error !== 0) return this.#broken(new Fault(errnoName(error), 'inode')) ?? false
    const { maxEntries, maxDepth, maxNameBytes } = this.#limits
    if (++this.#entries > maxEntries) return tooManyEntries(maxEntries)
    const length = records.nameLength(i)
    if (length > maxNameBytes) return this.#broken(nameTooLong(length, maxNameBytes)) ?? false
    if (this.#used > maxDepth) return this.#broken(tooDeep(maxDepth)) ?? false
    this.seen = this.#mark(i)
    if (type !== S_IFDIR) return true
    if (this.seen) return this.#broken(new Fault('EUCLEAN', 'directory has two names')) ?? false
    this.#descend = true
    return true
  }

  #kept(i: number, filter: ReadonlySet<string>): boolean {
    const from = this.records.nameFrom(i)
    const name = this.records.bytes.subarray(from, from + this.records.nameLength(i))
    return filter.has(String.fromCharCode(...name))
  }

  /** Writes the current entry's name behind its directory's path, unless that has been done. */
  #locate(): void {
    const above = this.#above
    if (above < 0) return
    this.#above = -1
    const { records, index } = this
    const { bytes } = records
    const length = records.nameLength(index)
    const from = records.nameFrom(index)
    if (above + 1 + length > this.#path.length) {
      const old = this.#path
      this.#path = new Uint8Array(old.length * 2)
      this.#path.set(old)
    }
    const path = this.#path
    path[above] = SLASH
    for (let k = 0; k < length; k++) path[above + 1 + k] = bytes[from + k]
    this.#pathLength = above + 1 + length
  }

  /** Tells of a broken entry; undefined when the walk goes on. */
  #broken(fault: Fault): Fault | undefined {
    const path = this.pathBytes()
    const { onBroken } = this.#options
    if (onBroken === undefined) {
      const where = String.fromCharCode(...path.subarray(0, 4096))
      return new Fault(fault.code, fault.detail === '' ? where : `${where}: ${fault.detail}`, fault.cause)
    }
    onBroken(fault, path)
    return undefined
  }

  /** Sets an inode's bit; was it set? */
  #mark(i: number): boolean {
    const slot = this.records.slot(i)
    const byte = slot >>> 3
    const bit = 1 << (slot & 7)
    const before = this.#bits[byte]
    this.#bits[byte] = before | bit
    return (before & bit) !== 0
  }
}

/** nids of inodes that have more than one name below what the options let through. A Fault for what can't be read. */
export function manyNamed(image: Image, options: CursorOptions): Outcome<Set<number>> {
  const swept = options.filter === undefined ? sweep(image, options.hideDev0) : undefined
  if (swept !== undefined) return swept
  const cursor = new TreeCursor(image, options)
  const nids = new Set<number>()
  for (;;) {
    const more = cursor.next()
    if (more instanceof Fault) return more
    if (!more) return nids
    if (cursor.seen) nids.add(cursor.records.nid(cursor.index))
  }
}

/** The same from one sweep, which is quicker; undefined where something is wrong, of which the cursor says more. */
function sweep(image: Image, hideDev0: boolean): Set<number> | undefined {
  const { core } = image
  const bits = new Uint8Array(Math.ceil(image.byteLength / 32 / 8) + 1)
  const nids = new Set<number>()
  const walk = core.walk(image.rootNid, 0)
  try {
    for (let count = walk.next(); count !== 0; count = walk.next()) {
      if (count < 0) return undefined
      for (let i = 0; i < count; i++) {
        if (core.error(i) !== 0) return undefined
        const mode = core.mode(i)
        if (hideDev0 && (mode & S_IFMT) === S_IFCHR && core.rdev(i) === 0) continue
        // A directory comes as an entry and then as itself; that it comes no third time, the sweep sees to.
        if ((mode & S_IFMT) === S_IFDIR) continue
        const slot = core.position(i) / 32
        const bit = 1 << (slot & 7)
        if ((bits[slot >>> 3] & bit) !== 0) nids.add(core.nid(i))
        bits[slot >>> 3] |= bit
      }
    }
    return nids
  } finally {
    walk.close()
  }
}
