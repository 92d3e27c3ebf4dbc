// A store that keeps what it reads of slow stores in a fast one, by bytes: what was used longest ago goes first. Only
// objects whose names are SHA-256 digests are kept, and only bytes that have that digest get in; what spoils later is
// noticed by who checks what he reads (verified.ts) and brought anew (StoredObject.renew). Other names pass through.
//
// Who asks for an object that is on its way shares the one download. An object of more than `wholeBytes` that has its
// Merkle tree beside it in its slow store is brought in segments (cached-large.ts), any other whole (cached-fetch.ts).
// When the fast store fails, objects are read from the slow one as if there were no cache. Several caches may share one
// fast store, in several processes too: each counts what it found at its start, what it put and what it opened.
// Time limits and attempts are the slow store's affair.

import { Fault, faultError } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import { CacheEntries } from './cached-entries.js'
import { Failures, Fetcher, isMissing } from './cached-fetch.js'
import { LargeObject, type LargeRoom } from './cached-large.js'
import { isCacheable, objectOfTree, segmentOwner, treeName } from './cached-names.js'
import { CachedObject, Held } from './cached-object.js'
import { Slots } from './cached-slots.js'
import { canonicalName, objectError } from './errors.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'

export interface CachedOptions {
  /** Where what was read is kept; nothing else should be in it. */
  readonly fast: ObjectStore
  /** Where objects are, asked in turn. Of several the first is written to. */
  readonly slow: ObjectStore | readonly ObjectStore[]
  /** Bytes that are kept at most; 1 GiB unless given. */
  readonly maxBytes?: number
  /** Objects of more bytes are brought in segments where they have a Merkle tree; 4 MiB unless given. */
  readonly wholeBytes?: number
  /** Bytes of a segment, a multiple of 4096; 256 KiB unless given. */
  readonly segmentBytes?: number
  /** Downloads at once; 32 unless given. Each takes up to 2 MiB of memory. */
  readonly downloads?: number
  /** Checks what comes; hash-wasm's, loaded when it is needed, unless given. */
  readonly sha256?: Sha256
}

/** What a cache holds. */
export interface CacheUsage {
  readonly bytes: number
  readonly entries: number
}

const MAX_BYTES = 2 ** 30
const WHOLE_BYTES = 4 * 2 ** 20
const SEGMENT_BYTES = 256 * 2 ** 10
const DOWNLOADS = 32
const BLOCK = 4096
/** Sizes of large objects that are remembered, so that what is kept of them is found without asking. */
const LARGE_MAX = 10_000

/** One download under way. */
interface Flight {
  waiters: number
  readonly done: Promise<Held>
}

async function loadSha256(): Promise<Sha256> {
  return (await import('./wasm-sha256.js')).wasmSha256()
}

function positive(value: number, what: string): number {
  if (typeof value === 'number' && value > 0) return value
  throw faultError(new Fault('EINVAL', `${what} must be more than 0`), 'cache')
}

export class CachedStore implements ObjectStore {
  readonly label: string
  readonly immediate?: true
  readonly openSync?: (name: string) => StoredObject
  readonly statSync?: (name: string) => ObjectInfo
  readonly #fast: ObjectStore
  readonly #slow: readonly ObjectStore[]
  readonly #wholeBytes: number
  readonly #entries: CacheEntries
  readonly #fetcher: Fetcher
  readonly #slots: Slots
  readonly #large: LargeRoom
  readonly #flights = new Map<string, Flight>()
  /** Sizes of objects of which there are segments. */
  readonly #largeSizes = new Map<string, number>()
  readonly #given: Sha256 | undefined
  #sha256: Promise<Sha256> | undefined

  /** Throws EINVAL for options that can't be. */
  constructor(options: CachedOptions) {
    const { fast, slow, maxBytes = MAX_BYTES, wholeBytes = WHOLE_BYTES, segmentBytes = SEGMENT_BYTES } = options
    this.#slow = 'open' in slow ? [slow] : [...slow]
    if (this.#slow.length === 0) throw faultError(new Fault('EINVAL', 'there is no slow store'), 'cache')
    if (positive(segmentBytes, 'segmentBytes') % BLOCK !== 0) {
      throw faultError(new Fault('EINVAL', `segmentBytes must be a multiple of ${BLOCK}`), 'cache')
    }
    this.label = `cache of ${this.#slow[0].label}`
    this.#fast = fast
    this.#wholeBytes = positive(wholeBytes, 'wholeBytes')
    this.#given = options.sha256
    this.#entries = new CacheEntries(fast, positive(maxBytes, 'maxBytes'), name => {
      const owner = segmentOwner(name)
      if (owner !== undefined) this.#rememberLarge(owner.object, owner.size)
    })
    const sha256 = () => this.#hash()
    this.#fetcher = new Fetcher(fast, this.#entries, sha256)
    this.#slots = new Slots(positive(options.downloads ?? DOWNLOADS, 'downloads'))
    const room = { fast, entries: this.#entries, length: segmentBytes, coming: new Map<string, Promise<Uint8Array>>() }
    this.#large = {
      slow: this.#slow,
      data: { ...room, slots: this.#slots },
      tree: { ...room, slots: undefined },
      sha256,
    }
    if (fast.immediate === true) this.immediate = true
    if (fast.openSync !== undefined) this.openSync = name => this.#openSync(name)
    if (fast.statSync !== undefined) this.statSync = name => this.#statSync(name)
  }

  /** What is kept, once what was there before has been counted and what is too much has gone. */
  async usage(): Promise<CacheUsage> {
    await this.#entries.settled()
    return { bytes: this.#entries.bytes, entries: this.#entries.count }
  }

  async open(name: string): Promise<StoredObject> {
    const known = canonicalName(name)
    void this.#entries.counted()
    if (isCacheable(known)) return this.#handle(known, await this.#held(known))
    const object = objectOfTree(known)
    return object === undefined ? this.#passed(known, await this.#openSlow(known)) : this.#openTree(known, object)
  }

  async stat(name: string): Promise<ObjectInfo> {
    const known = canonicalName(name)
    void this.#entries.counted()
    const size = this.#entries.get(known)?.size ?? this.#largeSizes.get(known)
    if (size !== undefined) return { size }
    const failures = new Failures()
    for (const store of this.#slow) {
      try {
        return await store.stat(known)
      } catch (error) {
        failures.add(error)
      }
    }
    throw failures.error(known)
  }

  /** To the (first) slow store, and to the cache what comes in one piece and has the digest that its name is. */
  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    void this.#entries.counted()
    const cacheable = data instanceof Uint8Array && isCacheable(known) && data.length <= this.#wholeBytes
    // The giver may write to it again as soon as the put has ended, not before.
    await this.#slow[0].put(known, data)
    if (cacheable) await this.#slots.within(() => this.#fetcher.take(known, data))
  }

  /** Of the slow stores, each name once. */
  async *list(): AsyncGenerator<string> {
    if (this.#slow.length === 1) {
      yield* this.#slow[0].list()
      return
    }
    const seen = new Set<string>()
    for (const store of this.#slow) {
      for await (const name of store.list()) {
        if (seen.has(name)) continue
        seen.add(name)
        yield name
      }
    }
  }

  /** From the (first) slow store and the cache. */
  async delete(name: string): Promise<void> {
    const known = canonicalName(name)
    void this.#entries.counted()
    await this.#slow[0].delete(known)
    if (!isCacheable(known)) return
    await this.#flights.get(known)?.done.catch(() => {})
    await this.#dropAll(known)
  }

  /** The promise is kept, so that a hash is loaded once; not one that could not be. */
  #hash(): Promise<Sha256> {
    if (this.#given !== undefined) return Promise.resolve(this.#given)
    this.#sha256 ??= loadSha256().catch(error => {
      this.#sha256 = undefined
      throw error
    })
    return this.#sha256
  }

  #handle(known: string, held: Held): StoredObject {
    if (held.entry === undefined && !(held.object instanceof LargeObject)) return this.#handleOf(known, held, undefined)
    return this.#handleOf(known, held, () => this.#renew(known, held))
  }

  #handleOf(known: string, held: Held, renew: (() => Promise<StoredObject>) | undefined): StoredObject {
    // A store that is said never to wait must not be read by one that does.
    const kept = held.entry !== undefined || held.object instanceof LargeObject
    return new CachedObject(known, held, kept || this.immediate !== true, renew)
  }

  /** What the cache has nothing to do with. */
  #passed(known: string, object: StoredObject): StoredObject {
    return this.#handleOf(known, new Held(object, undefined), undefined)
  }

  #openSync(name: string): StoredObject {
    const known = canonicalName(name)
    void this.#entries.counted()
    const tree = objectOfTree(known)
    if (isCacheable(known) || tree !== undefined) {
      try {
        const object = this.#fast.openSync?.(known)
        if (object !== undefined) return this.#handle(known, new Held(object, this.#entries.use(known, object.size)))
      } catch {
        // Not there, or the fast store fails: who can wait finds out.
      }
      if (tree !== undefined && this.#entries.get(tree) !== undefined) throw this.#noTree(known)
      const size = this.#largeSizes.get(tree ?? known)
      if (size !== undefined) {
        const large = this.#largeOf(tree ?? known, size)
        return tree === undefined ? this.#handle(known, large) : this.#treeOf(known, large)
      }
    }
    throw objectError('EAGAIN', known, 'is not in the cache')
  }

  #statSync(name: string): ObjectInfo {
    const known = canonicalName(name)
    void this.#entries.counted()
    const size = this.#entries.get(known)?.size ?? this.#largeSizes.get(known)
    if (size !== undefined) return { size }
    throw objectError('EAGAIN', known, 'is not in the cache')
  }

  #largeOf(known: string, size: number): Held {
    return new Held(new LargeObject(this.#large, known, size), undefined)
  }

  #rememberLarge(object: string, size: number): void {
    this.#largeSizes.delete(object)
    this.#largeSizes.set(object, size)
    if (this.#largeSizes.size <= LARGE_MAX) return
    for (const oldest of this.#largeSizes.keys()) {
      this.#largeSizes.delete(oldest)
      return
    }
  }

  async #held(known: string): Promise<Held> {
    const entry = this.#entries.get(known)
    if (entry !== undefined && !this.#flights.has(known)) {
      // At once, so that it does not go while it is being opened.
      this.#entries.use(known, entry.size)
      const held = await this.#fromFast(known)
      if (held !== undefined) return held
    }
    let flight = this.#flights.get(known)
    if (flight === undefined) {
      flight = { waiters: 0, done: this.#fly(known) }
      this.#flights.set(known, flight)
    }
    flight.waiters++
    return flight.done
  }

  /** Brings an object for all who have asked for it by the time that it is here. */
  async #fly(known: string): Promise<Held> {
    try {
      const held = (await this.#fromFast(known)) ?? (await this.#fromSlow(known))
      held.handles = this.#flights.get(known)?.waiters ?? 1
      return held
    } finally {
      this.#flights.delete(known)
    }
  }

  async #fromFast(known: string): Promise<Held | undefined> {
    await this.#entries.leaving(known)
    try {
      const object = await this.#fast.open(known)
      return new Held(object, this.#entries.use(known, object.size))
    } catch (error) {
      // What can't be opened now, since too many files are open for one, takes its room still.
      if (isMissing(error)) this.#entries.forget(known)
    }
    const size = this.#largeSizes.get(known)
    return size === undefined ? undefined : this.#largeOf(known, size)
  }

  #fromSlow(known: string): Promise<Held> {
    return this.#slots.within(async () => {
      const failures = new Failures()
      for (const [at, store] of this.#slow.entries()) {
        try {
          return await this.#fromOne(known, store, at)
        } catch (error) {
          failures.add(error)
        }
      }
      throw failures.error(known)
    })
  }

  async #fromOne(known: string, store: ObjectStore, at: number): Promise<Held> {
    const object = await store.open(known)
    try {
      if (object.size > this.#wholeBytes) {
        const large = await LargeObject.adopt(this.#large, known, object, at)
        if (large !== undefined) {
          this.#rememberLarge(known, object.size)
          return new Held(large, undefined)
        }
      }
      if (object.size > this.#entries.limit) return new Held(object, undefined)
      const found = await this.#fetcher.copy(known, object, store.label)
      return new Held(found.object, found.entry)
    } catch (error) {
      object.close()
      throw error
    }
  }

  async #openSlow(known: string): Promise<StoredObject> {
    const failures = new Failures()
    for (const store of this.#slow) {
      try {
        return await store.open(known)
      } catch (error) {
        failures.add(error)
      }
    }
    throw failures.error(known)
  }

  /** That of a large object is kept in segments, as it is; that of an object which is kept whole is beside it or nowhere. */
  async #openTree(known: string, object: string): Promise<StoredObject> {
    if (this.#entries.get(known) !== undefined) {
      const held = await this.#fromFast(known)
      if (held !== undefined) return this.#handle(known, held)
    }
    const size = this.#largeSizes.get(object)
    if (size !== undefined) return this.#treeOf(known, this.#largeOf(object, size))
    if (this.#entries.get(object) !== undefined) throw this.#noTree(known)
    return this.#passed(known, await this.#openSlow(known))
  }

  #treeOf(known: string, large: Held): StoredObject {
    const object = large.object as LargeObject
    const tree = object.treeObject(() => large.leave())
    const renew = async () => {
      await object.dropTree()
      return this.open(known)
    }
    return new CachedObject(known, new Held(tree, undefined), true, renew)
  }

  #noTree(known: string): Error {
    return objectError('ENOENT', known, 'is not beside the object in the cache')
  }

  /** The bytes that were handed out were wrong. Unless another copy has come meanwhile, this one goes. */
  async #renew(known: string, { object, entry }: Held): Promise<StoredObject> {
    if (object instanceof LargeObject) {
      this.#largeSizes.delete(known)
      await object.drop()
    } else if (this.#entries.get(known) === entry && !this.#flights.has(known)) {
      await this.#dropAll(known)
      // Where it can't be removed it would be found again.
      const stays = await this.#fast.stat(known).catch(error => (isMissing(error) ? undefined : error))
      if (stays !== undefined) return this.#passed(known, await this.#openSlow(known))
    }
    return this.open(known)
  }

  /** The tree first, so that none is left alone. */
  async #dropAll(known: string): Promise<void> {
    const size = this.#largeSizes.get(known)
    this.#largeSizes.delete(known)
    await this.#entries.drop(treeName(known))
    await this.#entries.drop(known)
    if (size !== undefined) await new LargeObject(this.#large, known, size).drop()
  }
}
