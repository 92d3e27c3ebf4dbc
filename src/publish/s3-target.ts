// A bucket that images are published to. Not here: the store itself (src/store/s3.ts).

import type { ByteSource } from '../source/byte-source.js'
import type { S3Store } from '../store/s3.js'
import { OBJECTS, type Target } from './target.js'

/** A key below the objects that says that a publication goes on: `composefs gc` looks for such. */
export const MARKS = '.push'
/** How long a mark counts that nobody has renewed, and how often one that goes on renews its own. Milliseconds. */
const MARK_LIFE = 86_400_000
const MARK_RENEWED = MARK_LIFE / 24
/** Names that are asked for one by one in the time that a page of a list takes. */
const NAMES_A_PAGE = 1000

/** Does the publication that put a mark then go on, or may it? Where the service gives no time (NaN) it may. */
export function isFreshMark(modified: number): boolean {
  return !(modified < Date.now() - MARK_LIFE)
}

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

export class S3Target implements Target {
  readonly label: string
  readonly #base: S3Store
  readonly #objects: S3Store
  readonly #mark: string

  /** `storeOf` gives the store at a path below the target; the target itself for an empty one. `id`: digits of one's own. */
  constructor(storeOf: (path: string) => S3Store, id: string) {
    this.#base = storeOf('')
    this.#objects = storeOf(OBJECTS)
    this.#mark = `${MARKS}/${id}`
    this.label = this.#base.label
  }

  async begin(): Promise<() => Promise<void>> {
    await this.#putMark()
    let renewal = Promise.resolve()
    const timer = setInterval(() => {
      renewal = this.#putMark().catch(() => {})
    }, MARK_RENEWED)
    return async () => {
      clearInterval(timer)
      await renewal
      // The mark that stays where this fails counts for a day.
      await this.#objects.delete(this.#mark).catch(() => {})
    }
  }

  #putMark(): Promise<void> {
    return this.#objects.replace(this.#mark, new TextEncoder().encode(`${new Date().toISOString()}\n`))
  }

  /**
   * By a list for as long as that is no more work than to ask for each: a page holds a thousand names, and is waited for
   * as long as `most` single answers.
   */
  async sizes(names: readonly string[], most: number): Promise<Map<string, number>> {
    const wanted = new Set(names)
    const found = new Map<string, number>()
    const pages = Math.max(1, Math.floor(names.length / most))
    let behind = ''
    if (names.length > most) behind = await this.#listed(wanted, found, pages * NAMES_A_PAGE)
    // Lists come in the order of bytes, which for these names is that of characters.
    const rest = names.filter(name => name > behind && !found.has(name))
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < rest.length) {
        const name = rest[next++]
        try {
          found.set(name, (await this.#objects.stat(name)).size)
        } catch (error) {
          // Who may not list a bucket is refused what is missing.
          if (!isErrno(error, 'ENOENT', 'EACCES')) throw error
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(most, rest.length) }, lane))
    return found
  }

  /** Looks through the first so many names; answers up to which one all is known. */
  async #listed(wanted: ReadonlySet<string>, found: Map<string, number>, most: number): Promise<string> {
    let seen = 0
    let last = ''
    try {
      for await (const { name, size } of this.#objects.entries()) {
        // A service that does not sort is asked for each name.
        if (name < last || seen === most) return name < last ? '' : last
        if (wanted.has(name)) found.set(name, size)
        last = name
        seen++
      }
    } catch (error) {
      if (isErrno(error, 'EACCES', 'ENOTSUP')) return ''
      throw error
    }
    return BEYOND
  }

  async touch(): Promise<boolean> {
    return true
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>, replace: boolean): Promise<void> {
    // It is known to be missing: a put would ask once more.
    if (data instanceof Uint8Array) return this.#objects.replace(name, data)
    if (replace) await this.#objects.delete(name)
    await this.#objects.put(name, data)
  }

  async openImage(name: string): Promise<ByteSource | undefined> {
    try {
      return await this.#base.open(name)
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'EACCES')) return undefined
      throw error
    }
  }

  async putImage(name: string, bytes: Uint8Array): Promise<void> {
    await this.#base.replace(name, bytes)
  }
}

/** Behind all names. */
const BEYOND = '\uffff'
