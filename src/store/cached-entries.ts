// What a cache has in its fast store, and how many bytes that is: the least recently used goes when there is no room.
// Nothing is counted out before it is gone, nor in after it has come: so the bound holds at every moment, but for what
// was in the store before and has not been counted yet. Not here: where entries come from, whether they are right.
//
// A Map in the order of insertion is the whole list: a use takes an entry out and puts it in again. Ready-made LRUs
// count entries or drop them at once; here the bytes count, and dropping waits for the store.

import { isCacheEntry } from './cached-names.js'
import type { ObjectStore, StoredEntry } from './object-store.js'

/** One thing that is kept. Another copy of the same is another Entry. */
export interface Entry {
  readonly size: number
}

/** After a put that failed none is tried for so long: each would bring an object for nothing. */
const REST_MS = 1000

export class CacheEntries {
  readonly #fast: ObjectStore
  readonly #limit: number
  readonly #found: (name: string) => void
  /** By name; the least recently used first. */
  #entries = new Map<string, Entry>()
  /** Of entries, of those that are being deleted, of those that could not be, and what is reserved. */
  #bytes = 0
  #reserved = 0
  readonly #leaving = new Map<string, Promise<void>>()
  /** Ends when all who asked for room before have got it. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Resolves the wait of who has the turn. */
  #freed: (() => void) | undefined
  #counting: Promise<void> | undefined
  /** Names that went while it was counted what is there. */
  #gone: Set<string> | undefined
  #restUntil = 0

  /** `limit` in bytes; `found` is told of each entry that was there before. */
  constructor(fast: ObjectStore, limit: number, found: (name: string) => void) {
    this.#fast = fast
    this.#limit = limit
    this.#found = found
  }

  get limit(): number {
    return this.#limit
  }

  /** What is there or about to be, as far as is known. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#entries.size
  }

  /** Begins to count what is there already, once. Resolves when that is done, whether or not it went well. */
  counted(): Promise<void> {
    this.#counting ??= this.#count()
    return this.#counting
  }

  /** Resolves when that is done and what was too much has gone. */
  async settled(): Promise<void> {
    await this.counted()
    await this.#turn
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name)
  }

  /** Names of entries that begin so. */
  namesWith(prefix: string): string[] {
    return [...this.#entries.keys()].filter(name => name.startsWith(prefix))
  }

  /** Marks an entry that has been opened as the last one used, or learns of it. */
  use(name: string, size: number): Entry {
    const entry = this.#entries.get(name)
    // Opened just before it goes: not there any more.
    if (entry === undefined) return this.#leaving.has(name) ? { size } : this.#learn(name, size)
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    return entry
  }

  /** The end of a deletion that is under way; undefined when there is none. */
  leaving(name: string): Promise<void> | undefined {
    return this.#leaving.get(name)
  }

  /** Makes room. False when there can be none, or none is to be had now; else `keep` or `release` has to follow. */
  reserve(size: number): Promise<boolean> {
    if (size > this.#limit || performance.now() < this.#restUntil) return Promise.resolve(false)
    return this.#takeTurn(() => this.#makeRoom(size))
  }

  /** What was reserved has been put. */
  keep(name: string, size: number): Entry {
    this.release(size)
    this.forget(name)
    return this.#learn(name, size)
  }

  /** What was reserved has not been put. */
  release(size: number): void {
    this.#reserved -= size
    this.#bytes -= size
    this.#wake()
  }

  /** A put of this size failed, for the store's own reasons: where it is full, what is there gives way. */
  async failed(size: number, error: unknown): Promise<void> {
    this.#restUntil = performance.now() + REST_MS
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) return
    await this.#takeTurn(async () => {
      for (let freed = 0; freed < size; ) {
        const oldest = this.#oldest()
        if (oldest === undefined) return
        freed += oldest[1].size
        await this.drop(oldest[0])
      }
    })
  }

  /** An entry is not there any more. */
  forget(name: string): void {
    this.#gone?.add(name)
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    this.#bytes -= entry.size
    this.#wake()
  }

  /** Deletes an entry, or what has its name. Does not reject: what can't be deleted counts for ever. */
  drop(name: string): Promise<void> {
    const under = this.#leaving.get(name)
    if (under !== undefined) return under
    const size = this.#entries.get(name)?.size ?? 0
    this.#entries.delete(name)
    this.#gone?.add(name)
    const ended = (): void => {
      this.#leaving.delete(name)
      this.#wake()
    }
    const leaving = this.#fast.delete(name).then(
      () => {
        this.#bytes -= size
        ended()
      },
      () => ended(),
    )
    this.#leaving.set(name, leaving)
    return leaving
  }

  #learn(name: string, size: number): Entry {
    const entry = { size }
    this.#entries.set(name, entry)
    this.#bytes += size
    if (this.#bytes > this.#limit) void this.#takeTurn(() => this.#makeRoom(0))
    return entry
  }

  #takeTurn<T>(action: () => Promise<T>): Promise<T> {
    const ended = this.#turn.then(action)
    this.#turn = ended
    return ended
  }

  #oldest(): [string, Entry] | undefined {
    for (const oldest of this.#entries) return oldest
    return undefined
  }

  async #makeRoom(size: number): Promise<boolean> {
    // Which of them is the oldest is not known before.
    if (this.#gone !== undefined && this.#bytes + size > this.#limit) await this.#counting
    while (this.#bytes + size > this.#limit) {
      const oldest = this.#oldest()
      if (oldest !== undefined) await this.drop(oldest[0])
      else if (this.#reserved === 0 && this.#leaving.size === 0) return false
      else await new Promise<void>(resolve => (this.#freed = resolve))
    }
    this.#reserved += size
    this.#bytes += size
    return true
  }

  #wake(): void {
    this.#freed?.()
    this.#freed = undefined
  }

  async #count(): Promise<void> {
    this.#gone = new Set()
    const before: [string, Entry][] = []
    try {
      for await (const { name, size } of this.#fast.inventory?.() ?? this.#listed()) {
        if (isCacheEntry(name)) before.push([name, { size }])
      }
    } catch {
      // A store that can't be listed may take objects still; what was found counts.
    }
    const since = this.#entries
    const gone = this.#gone
    const older = before.filter(([name]) => !since.has(name) && !gone.has(name))
    this.#entries = new Map([...older, ...since])
    for (const [name, { size }] of older) {
      this.#bytes += size
      this.#found(name)
    }
    this.#gone = undefined
    if (this.#bytes > this.#limit) void this.#takeTurn(() => this.#makeRoom(0))
  }

  async *#listed(): AsyncGenerator<StoredEntry> {
    for await (const name of this.#fast.list()) {
      if (!isCacheEntry(name)) continue
      const stat = await this.#fast.stat(name).catch(() => undefined)
      if (stat !== undefined) yield { name, size: stat.size }
    }
  }
}
