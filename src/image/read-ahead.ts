// How much is read beside what lacks. Whoever goes on where an earlier read ended is given twice as much as then, and as much
// again that is not waited for, as the kernel's readahead does for a file; several such walkers are told apart, since a sweep
// over an image touches several places in turn (the directories of each depth stand together). Not here: reading.

import type { PageRange } from '../../wasm/pages.js'

interface Stream {
  /** Page behind its last read. */
  next: number
  /** Pages. */
  window: number
}

/** Walkers that are told apart. */
const STREAMS = 16
/** Bytes read where somebody begins, and at most. */
const FIRST = 32 * 1024
const MOST = 1024 * 1024

export class ReadAhead {
  readonly #first: number
  readonly #most: number
  /** How often somebody went on where an earlier read ended. */
  continued = 0
  /** The one that came last stands last. */
  readonly #streams: Stream[] = []

  /** Pages of `pageSize` bytes, `room` of which there is room for. */
  constructor(pageSize: number, room: number) {
    this.#first = Math.max(1, Math.min(FIRST / pageSize, Math.floor(room / 16)))
    this.#most = Math.max(this.#first, Math.min(MOST / pageSize, Math.floor(room / 8)))
  }

  /** How many pages to read from the first one that lacks on, and how many behind these without waiting for them. */
  extend({ first, count }: PageRange): { length: number; ahead: number } {
    const at = this.#streams.findIndex(({ next, window }) => first >= next && first <= next + window)
    const known = at === -1 ? undefined : this.#streams.splice(at, 1)[0]
    const window = known === undefined ? this.#first : Math.min(known.window * 2, this.#most)
    const length = Math.max(count, window)
    if (this.#streams.length === STREAMS) this.#streams.shift()
    if (known !== undefined) this.continued++
    const ahead = known === undefined ? 0 : window
    this.#streams.push({ next: first + length + ahead, window })
    return { length, ahead }
  }
}
