// Questions to a paged image that can't be answered: they need more pages at once than there are frames, so what one try
// brings drives out what an earlier one brought, for ever. Only images made for that hold such ones. Not here: asking.

import type { Core, CoreExports } from './core.js'
import type { Pages } from './pages.js'

/** Questions that are kept count of; those that nobody asks again go first. */
const MOST = 4096
const decoder = new TextDecoder('latin1')

/** Where the bytes that belong to a question stand, and which of its arguments is their number. */
const BYTES: Partial<Record<keyof CoreExports, readonly ['path' | 'name', number]>> = {
  statPath: ['path', 1],
  readdirPath: ['path', 1],
  resolve: ['path', 2],
  lookup: ['name', 2],
  getxattr: ['name', 3],
}

interface Asked {
  /** How often it lacked something, pages having gone since the last time. */
  count: number
  evicted: number
}

export class Stuck {
  readonly #core: Core
  readonly #pages: Pages
  readonly #limit: number
  readonly #asked = new Map<string, Asked>()

  constructor(core: Core, pages: Pages) {
    this.#core = core
    this.#pages = pages
    // Each time brings a page at least. Others that ask in between may drive it out again.
    this.#limit = 2 * pages.capacity + 64
  }

  /** Notes that a question lacks something. True where that has no end. */
  lacks(name: keyof CoreExports, args: readonly number[]): boolean {
    const { evicted } = this.#pages
    if (evicted === 0) return false
    const key = this.#key(name, args)
    const asked = this.#asked.get(key) ?? { count: 0, evicted: -1 }
    if (asked.evicted === evicted) return false
    this.#asked.delete(key)
    if (++asked.count > this.#limit) return true
    asked.evicted = evicted
    this.#asked.set(key, asked)
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= MOST) break
      this.#asked.delete(oldest)
    }
    return false
  }

  /** Notes that a question was answered. */
  answered(name: keyof CoreExports, args: readonly number[]): void {
    if (this.#asked.size > 0) this.#asked.delete(this.#key(name, args))
  }

  #key(name: keyof CoreExports, args: readonly number[]): string {
    const bytes = BYTES[name]
    if (bytes === undefined) return `${name} ${args}`
    const { u8, exports } = this.#core
    const at = exports[bytes[0]].value
    return `${name} ${args} ${decoder.decode(u8.subarray(at, at + args[bytes[1]]))}`
  }
}
