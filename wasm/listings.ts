// Listings of large directories of paged images, as far as they have come: one goes on where it lacked something, so that the
// directory need not be here all at once; and once it is whole it stays for a while, since who asked may lack something else
// and ask for all of it again. Not here: reading directories (core-image.ts).

import type { Names } from './names.js'

/** Directories, and names in them, that are kept. */
const MOST = 32
const NAMES = 2 ** 18

export interface Listing {
  /** Where it goes on; -1 once it is whole. */
  cookie: number
  lists: Names[]
  /** Names so far. */
  count: number
}

export class Listings {
  /** The one that was kept last stands last. */
  readonly #kept = new Map<string, Listing>()

  /** Takes out what is there of a listing. */
  take(key: string): Listing | undefined {
    const found = this.#kept.get(key)
    this.#kept.delete(key)
    return found
  }

  keep(key: string, listing: Listing): void {
    this.#kept.set(key, listing)
    let names = 0
    for (const { count } of this.#kept.values()) names += count
    for (const [other, { count }] of this.#kept) {
      if (other === key || (this.#kept.size <= MOST && names <= NAMES)) break
      this.#kept.delete(other)
      names -= count
    }
  }
}
