// `ls -R`: everything below a directory in one sweep of the core, directory after directory, in the order of GNU ls.
// Memory is bounded by the core's batch. Not here: how an entry is written (entry-writer.ts).

import { Records } from '../../wasm/records.js'
import type { Fault } from '../format/errno.js'
import { looksAtEntries, nameTooLong, tooDeep, tooManyEntries } from '../format/limits.js'
import { CONSTANTS, RECORD_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import type { EntryWriter } from './entry-writer.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
const SLASH = 0x2f

export class TreeListing {
  readonly #image: Image
  readonly #writer: EntryWriter
  readonly #records: Records
  readonly #flags: number
  /** Path of the directory that is being listed. */
  #path = new Uint8Array(4096)
  #pathLength = 0
  /**
   * Directories still to come, the next one last, three numbers each: bytes of the path of the directory above (which
   * the path still begins with, as the order is depth first), begin and length of the name.
   */
  readonly #pending: number[] = []
  /** The directory that is being listed. */
  #nid = 0
  /** Is there a limit that only the entries show? */
  readonly #looks: boolean
  /** Entries so far, and names above those of the directory that is being listed. */
  #entries = 1
  #depth = 0
  /** What the listing begins with: bytes of its path, and names. */
  #base = { length: 0, depth: 0 }
  /** How many of these numbers belong to directories before the one that is being listed. */
  #floor = 0

  constructor(image: Image, writer: EntryWriter) {
    this.#image = image
    this.#writer = writer
    this.#records = new Records(image.core)
    this.#flags = image.queryFlags
    this.#looks = looksAtEntries(image.limits)
  }

  /**
   * Lists all below directory `nid`, which is called `name` and lies `depth` names below the root. 0 or -errno, or which limit was
   * passed; what came before is written.
   */
  list(nid: number, name: Uint8Array, depth: number): number | Fault {
    const records = this.#records
    this.#path.set(name)
    this.#pathLength = name.length
    this.#pending.length = this.#floor = 0
    this.#base = { length: name.length, depth }
    this.#depth = depth
    this.#entries = 1
    const walk = this.#image.core.walk(nid, this.#flags)
    try {
      let first = true
      for (;;) {
        const count = walk.next()
        if (count <= 0) return count
        records.truncate(0)
        records.append(count)
        for (let i = 0; i < count; ) {
          const begins = (records.flags(i) & RECORD_FLAGS.RF_DIRECTORY) !== 0
          if (begins) {
            this.#nid = records.nid(i++)
            this.#begin(first)
            first = false
          }
          const to = this.#entriesEnd(i, count)
          const beyond = this.#beyond(i, to)
          if (beyond !== undefined) return beyond
          // Where the table ends, the directory may go on in the next one.
          const part = { nid: this.#nid, first: begins, whole: begins && to < count }
          this.#writer.entries(records, i, to, this.#path, this.#pathLength, part)
          i = to
        }
      }
    } finally {
      walk.close()
    }
  }

  /** Turns to the next directory and writes its heading. */
  #begin(first: boolean): void {
    if (!first) {
      this.#reverse()
      this.#enter()
      this.#floor = this.#pending.length
    }
    this.#writer.directory(this.#path, this.#pathLength, first)
  }

  #enter(): void {
    const pending = this.#pending
    const length = pending.pop() as number
    const from = pending.pop() as number
    let above = pending.pop() as number
    if (above + 1 + length > this.#path.length) {
      const old = this.#path
      this.#path = new Uint8Array(old.length * 2)
      this.#path.set(old)
    }
    const path = this.#path
    if (above === 0 || path[above - 1] !== SLASH) path[above++] = SLASH
    const { bytes } = this.#records
    for (let k = 0; k < length; k++) path[above + k] = bytes[from + k]
    this.#pathLength = above + length
    if (this.#looks) this.#depth = this.#base.depth + this.#namesBelow()
  }

  /** Names of the path behind what the listing begins with. */
  #namesBelow(): number {
    const path = this.#path
    let names = 0
    for (let k = this.#base.length; k < this.#pathLength; k++) {
      if (path[k - 1] === SLASH && path[k] !== SLASH) names++
    }
    return names
  }

  /** Which limit the records `from`…`to` pass. */
  #beyond(from: number, to: number): Fault | undefined {
    const { maxEntries, maxDepth, maxNameBytes } = this.#image.limits
    this.#entries += to - from
    if (this.#entries > maxEntries) return tooManyEntries(maxEntries)
    if (!this.#looks || from === to) return undefined
    if (this.#depth >= maxDepth) return tooDeep(maxDepth)
    for (let i = from; i < to; i++) {
      const length = this.#records.nameLength(i)
      if (length > maxNameBytes) return nameTooLong(length, maxNameBytes)
    }
    return undefined
  }

  /** The directories of the one listed last were pushed first name first. */
  #reverse(): void {
    const pending = this.#pending
    for (let i = this.#floor, j = pending.length - 3; i < j; i += 3, j -= 3) {
      for (let k = 0; k < 3; k++) {
        const kept = pending[i + k]
        pending[i + k] = pending[j + k]
        pending[j + k] = kept
      }
    }
  }

  /** Index of the record behind the entries from `i` on; their directories are noted. */
  #entriesEnd(i: number, count: number): number {
    const records = this.#records
    const pending = this.#pending
    for (; i < count && (records.flags(i) & RECORD_FLAGS.RF_DIRECTORY) === 0; i++) {
      if ((records.mode(i) & S_IFMT) !== S_IFDIR || records.error(i) !== 0) continue
      pending.push(this.#pathLength, records.nameFrom(i), records.nameLength(i))
    }
    return i
  }
}
