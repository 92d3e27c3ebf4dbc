// Brings whole objects into a cache (cached.ts): each goes through the hash on its way, and is put in place only when its
// digest is its name. Bytes that are wrong, or a fast store that fails, leave nothing behind, since a put is whole or not
// at all. Not here: who else waits for an object, objects that are brought in segments (cached-large.ts).

import type { Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { VerityHasher } from '../format/verity.js'
import type { CacheEntries, Entry } from './cached-entries.js'
import { digestHex, treeName } from './cached-names.js'
import { IntegrityError, objectError } from './errors.js'
import type { ObjectStore, StoredObject } from './object-store.js'

/** Bytes that are asked for at a time; the next piece is on its way while one is put. */
const PIECE = 2 ** 20
/** Of an object of more bytes the tree is kept: a smaller one is hashed sooner than another file is read. */
const TREE_ABOVE = 2 ** 20

/** An opened object, and the entry that it is a copy of; without one it is the slow store's own. */
export interface Found {
  readonly object: StoredObject
  readonly entry: Entry | undefined
}

/** What went wrong with the slow store or its bytes, while the fast store was putting them. */
class Source {
  failure: unknown
  readonly hasher: VerityHasher
  readonly #object: StoredObject
  readonly #name: string
  readonly #label: string

  constructor(object: StoredObject, name: string, label: string, sha256: Sha256) {
    this.hasher = new VerityHasher(sha256)
    this.#object = object
    this.#name = name
    this.#label = label
  }

  /** The whole object, checked. */
  async whole(): Promise<Uint8Array> {
    const data = await this.#piece(0)
    this.hasher.update(data)
    this.#check()
    return data
  }

  /** The object in pieces; throws at its end when they were wrong. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const { size } = this.#object
    let coming = this.#piece(0)
    try {
      for (let at = 0; at < size; at += PIECE) {
        const data: Uint8Array = await coming
        if (at + PIECE < size) coming = this.#piece(at + PIECE)
        // Whoever stops listening to us does not hear of it.
        coming.catch(() => {})
        this.hasher.update(data)
        yield data
      }
      this.#check()
    } catch (error) {
      this.failure = error
      throw error
    } finally {
      await coming.catch(() => {})
    }
  }

  async #piece(at: number): Promise<Uint8Array> {
    const length = Math.min(PIECE, this.#object.size - at)
    const data = await this.#object.read(at, length)
    if (data.length === length) return data
    throw this.#wrong('size', this.#object.size, at + data.length)
  }

  #check(): void {
    const expected = digestHex(this.#name)
    const actual = toHex(this.hasher.digest())
    if (actual !== expected) throw this.#wrong('digest', expected, actual)
  }

  #wrong(what: string, expected: string | number, actual: string | number): Error {
    const cause = new IntegrityError(`object ${this.#name} in ${this.#label}: wrong ${what}`, expected, actual)
    return objectError('EIO', this.#name, cause.message, cause)
  }
}

export class Fetcher {
  readonly #fast: ObjectStore
  readonly #entries: CacheEntries
  readonly #sha256: () => Promise<Sha256>

  constructor(fast: ObjectStore, entries: CacheEntries, sha256: () => Promise<Sha256>) {
    this.#fast = fast
    this.#entries = entries
    this.#sha256 = sha256
  }

  /**
   * Puts an opened object of a slow store into the fast one and answers it opened there; or gives it back as it is, when
   * there is no room or the fast store fails. Rejects, with the object still open, when the slow store fails or lies.
   */
  async copy(name: string, object: StoredObject, label: string): Promise<Found> {
    const asItIs = { object, entry: undefined }
    const { size } = object
    const source = new Source(object, name, label, await this.#sha256())
    // Checked before anyone makes room for it.
    const data = size <= PIECE ? await source.whole() : source.pieces()
    if (!(await this.#entries.reserve(size))) return asItIs
    try {
      await this.#fast.put(name, data)
    } catch (error) {
      this.#entries.release(size)
      if (source.failure !== undefined) throw source.failure
      await this.#entries.failed(size, error)
      return asItIs
    }
    const entry = this.#entries.keep(name, size)
    // Not where another process had put it meanwhile, so that nothing was asked of the source.
    if (size > TREE_ABOVE && source.hasher.size === size)
      await this.#putBeside(treeName(name), () => source.hasher.tree())
    try {
      const copy = await this.#fast.open(name)
      object.close()
      return { object: copy, entry }
    } catch {
      return asItIs
    }
  }

  /** What an object has that was put into the slow store: into the cache too, if it is right and there is room. */
  async take(name: string, data: Uint8Array): Promise<void> {
    const hasher = new VerityHasher(await this.#sha256())
    hasher.update(data)
    if (toHex(hasher.digest()) !== digestHex(name)) return
    await this.#putBeside(name, () => data)
  }

  /** Something that would be good to have in the cache. */
  async #putBeside(name: string, data: () => Uint8Array): Promise<void> {
    const bytes = data()
    await this.#entries.leaving(name)
    if (this.#entries.get(name) !== undefined || !(await this.#entries.reserve(bytes.length))) return
    try {
      await this.#fast.put(name, bytes)
      this.#entries.keep(name, bytes.length)
    } catch (error) {
      this.#entries.release(bytes.length)
      await this.#entries.failed(bytes.length, error)
    }
  }
}

/** The Error of a store that says so of something that is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Which of several slow stores' errors is told: that of one where the object may be, else the first. */
export class Failures {
  #told: unknown
  #isMissing = true

  add(error: unknown): void {
    const missing = isMissing(error)
    if (this.#told === undefined || (this.#isMissing && !missing)) this.#told = error
    if (!missing) this.#isMissing = false
  }

  error(name: string): unknown {
    return this.#told ?? objectError('ENOENT', name, 'there is no slow store')
  }
}
