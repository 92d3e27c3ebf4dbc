// Lines of a long listing, formatted in the core (asm/listing.ts) from the records in its table. Not here: which records.

import { SCRATCH } from '../src/format/structs.js'
import type { CoreImage } from './core-image.js'

const S = SCRATCH.fields

/** Takes bytes `begin`…`end`, good until the core is asked again. */
type Take = (bytes: Uint8Array, begin: number, end: number) => void

export class LongLines {
  readonly #image: CoreImage
  readonly #acls: boolean

  /** @param acls whether the mount shows POSIX ACLs */
  constructor(image: CoreImage, acls: boolean) {
    this.#image = image
    this.#acls = acls
  }

  /** Forgets the widths of the columns. */
  clear(): void {
    this.#image.core.exports.longClear(this.#acls ? 1 : 0)
  }

  /** Makes the columns wide enough for records `from`…`to` of the table. */
  fit(from: number, to: number): void {
    this.#image.core.exports.longFit(this.#image.handle, from, to)
  }

  /**
   * Hands on the lines of records `from`…`to`. Answers how many of these have an error; a symlink whose target can't be
   * read has that as its own then.
   */
  write(from: number, to: number, take: Take): number {
    const { core, handle } = this.#image
    let errors = 0
    while (from < to) {
      from = core.exports.longWrite(handle, from, to)
      errors += this.#hand(take)
    }
    return errors
  }

  /** All of it for records that are a whole directory. */
  whole(from: number, to: number, take: Take): number {
    const { core, handle } = this.#image
    const next = core.exports.longWhole(handle, this.#acls ? 1 : 0, from, to)
    const errors = this.#hand(take)
    return next < to ? errors + this.write(next, to, take) : errors
  }

  #hand(take: Take): number {
    const { core } = this.#image
    const begin = core.u32[(core.scratch + S.data.offset) >>> 2]
    const errors = core.f64[(core.scratch + S.cookie.offset) >>> 3]
    take(core.u8, begin, begin + core.f64[(core.scratch + S.data_len.offset) >>> 3])
    return errors
  }

  /** The line of the first record, under another name. */
  writeNamed(name: Uint8Array, take: Take): number {
    const { core } = this.#image
    core.pathBytes.set(name)
    this.#image.nameRecord(core.pathBytes.byteOffset, name.length)
    return this.write(0, 1, take)
  }
}
