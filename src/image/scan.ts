// Everything in an image in one sweep: batches of names and stat records for those who count in milliseconds, entries
// with paths for everyone else. Not here: the tree view that dumps and writers take (tree-entries.ts).

import type { CoreImage, InodeNumbers } from '../../wasm/core-image.js'
import type { CoreWalk } from '../../wasm/core-walk.js'
import { errnoName, Fault, faultError } from '../format/errno.js'
import { DEFAULT_LIMITS, type Limits, looksAtEntries, nameTooLong, tooDeep, tooManyEntries } from '../format/limits.js'
import { CONSTANTS, RECORD_FLAGS } from '../format/structs.js'

/**
 * Some records, good until the next batch is asked for. A directory's own record (`startsDirectory`) stands before those
 * of its entries; directories come depth first in the order of their names, as `ls -R` lists them.
 */
export class Batch {
  readonly #core: CoreImage
  #names: string[] | undefined

  constructor(
    core: CoreImage,
    /** Number of records. */
    readonly length: number,
  ) {
    this.#core = core
  }

  /** Names of the records, decoded as UTF-8; '' for a directory's own. */
  get names(): readonly string[] {
    if (this.#names === undefined) {
      this.#names = []
      this.#core.decodeNames(0, this.length, this.#names)
    }
    return this.#names
  }

  startsDirectory(i: number): boolean {
    return (this.#core.flags(i) & RECORD_FLAGS.RF_DIRECTORY) !== 0
  }

  nid(i: number): number {
    return this.#core.nid(i)
  }

  /** Type and permission bits. */
  mode(i: number): number {
    return this.#core.mode(i)
  }

  /** Bytes. */
  size(i: number): number {
    return this.#core.fileSize(i)
  }

  /** Copies all of a record's numbers out. */
  attr(i: number, out: InodeNumbers): void {
    this.#core.attr(out, i)
  }

  /** Why the inode of an entry can't be read; undefined where it can. */
  fault(i: number): Fault | undefined {
    const errno = this.#core.error(i)
    return errno === 0 ? undefined : new Fault(errnoName(errno), `inode ${this.#core.nid(i)}`)
  }
}

/** One inode under one of its names. */
export interface ScannedEntry extends InodeNumbers {
  /** From the root, `/` for the root itself; bytes that are not UTF-8 as U+FFFD. */
  readonly path: string
}

/** What is swept over. */
export interface Scanned {
  readonly core: CoreImage
  readonly rootNid: number
  /** Q_HIDE_DEV0 or nothing. */
  readonly queryFlags: number
  /** Those of all images unless given. */
  readonly limits?: Limits
  fault(answer: number, what: string): Fault
}

function beginWalk({ core, rootNid, queryFlags }: Scanned): CoreWalk {
  try {
    return core.walk(rootNid, queryFlags)
  } catch (error) {
    // A bit for each inode that there may be.
    if (error instanceof RangeError)
      throw faultError(new Fault('ENOMEM', `an image of ${core.size} bytes`, error), 'scan')
    throw error
  }
}

/** What is known of the directories that a sweep has met and not yet entered, in the order in which it will. */
class PendingStack<T> {
  readonly #waiting: T[]
  readonly #found: T[] = []

  constructor(root: T) {
    this.#waiting = [root]
  }

  found(directory: T): void {
    this.#found.push(directory)
  }

  /** Of the one that it enters now. */
  next(): T | undefined {
    for (let one = this.#found.pop(); one !== undefined; one = this.#found.pop()) this.#waiting.push(one)
    return this.#waiting.pop()
  }
}

/** Keeps count of what a sweep has met, and looks at each record where there are limits that only this shows. */
class Tally {
  readonly #core: CoreImage
  readonly #limits: Limits
  /** Depths of the directories that were met and not yet entered; undefined where nothing is looked at. */
  readonly #depths: PendingStack<number> | undefined
  #depth = 0
  #entries = 0

  constructor(core: CoreImage, limits: Limits, looks: boolean) {
    this.#core = core
    this.#limits = limits
    this.#depths = looks ? new PendingStack(0) : undefined
  }

  /** Takes a batch in. A Fault for one that goes beyond the limits. */
  take(count: number): Fault | undefined {
    const { maxEntries } = this.#limits
    const depths = this.#depths
    // Not looked at, a directory counts twice: as a name, and as what begins the list of its names.
    this.#entries += count
    for (let i = 0; i < count && depths !== undefined; i++) {
      const failed = this.#record(i, depths)
      if (failed !== undefined) return failed
    }
    return this.#entries > maxEntries ? tooManyEntries(maxEntries) : undefined
  }

  #record(i: number, depths: PendingStack<number>): Fault | undefined {
    const { maxDepth, maxNameBytes } = this.#limits
    const core = this.#core
    if ((core.flags(i) & RECORD_FLAGS.RF_DIRECTORY) !== 0) {
      this.#depth = depths.next() ?? 0
      if (this.#depth > 0) this.#entries--
      return undefined
    }
    const length = core.nameLength(i)
    if (length > maxNameBytes) return nameTooLong(length, maxNameBytes)
    if (this.#depth >= maxDepth) return tooDeep(maxDepth)
    if ((core.mode(i) & CONSTANTS.S_IFMT) === CONSTANTS.S_IFDIR && core.error(i) === 0) depths.found(this.#depth + 1)
    return undefined
  }
}

/**
 * The batches of a sweep over an image. Throws EUCLEAN where the tree is none (a directory with two names) or a directory
 * is bad; E2BIG and ENAMETOOLONG beyond the image's limits, of which depths are looked at only where one was given, or `looks` is
 * true.
 */
export function* scanBatches(image: Scanned, looks = false): Generator<Batch> {
  const { core, limits = DEFAULT_LIMITS } = image
  const tally = new Tally(core, limits, looks || looksAtEntries(limits))
  const walk = beginWalk(image)
  try {
    for (;;) {
      const count = walk.next()
      if (count < 0) throw faultError(image.fault(count, 'directory'), 'scan')
      if (count === 0) return
      const beyond = tally.take(count)
      if (beyond !== undefined) throw faultError(beyond, 'scan')
      yield new Batch(core, count)
    }
  } finally {
    walk.close()
  }
}

/** Every entry with its path, directories before what is in them. Throws as scanBatches, and for an unreadable inode. */
export function* scanEntries(image: Scanned): Generator<ScannedEntry> {
  const waiting = new PendingStack('')
  let dir = ''
  for (const batch of scanBatches(image, true)) {
    const { names, length } = batch
    // Who is given an entry may ask the image other things in between, which would overwrite the records.
    const entries: ScannedEntry[] = []
    for (let i = 0; i < length; i++) {
      const starts = batch.startsDirectory(i)
      if (starts) dir = waiting.next() ?? ''
      if (starts && dir !== '') continue
      const path = starts ? '/' : `${dir}/${names[i]}`
      const fault = batch.fault(i)
      if (fault !== undefined) throw faultError(fault, path)
      const entry = { path, ino: 0, mode: 0, nlink: 0, uid: 0, gid: 0, rdev: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 }
      batch.attr(i, entry)
      entries.push(entry)
      if (!starts && (entry.mode & CONSTANTS.S_IFMT) === CONSTANTS.S_IFDIR) waiting.found(path)
    }
    yield* entries
  }
}
