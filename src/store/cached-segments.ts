// Bytes of known number that a cache (cached.ts) brings in segments, each an entry of its own in the fast store. Who
// waits for a segment that is on its way shares it. Not here: whether the bytes are right (`bring` sees to that when they
// come, the reader whenever he gets them from the fast store), and where they come from.

import type { CacheEntries } from './cached-entries.js'
import { isMissing } from './cached-fetch.js'
import type { Slots } from './cached-slots.js'
import { objectError } from './errors.js'
import type { ObjectStore } from './object-store.js'

/** Bytes of one read that are got together at a time: what a long one takes beside its answer. */
const WINDOW = 4 * 2 ** 20
/** Bytes that are asked for in one request at most. */
const RUN_MAX = 2 ** 20

/** What all segments of one cache share. */
export interface SegmentRoom {
  readonly fast: ObjectStore
  readonly entries: CacheEntries
  /** Undefined for those that others who hold a slot wait for. */
  readonly slots: Slots | undefined
  /** Bytes of a segment. */
  readonly length: number
  /** Segments on their way, by name. */
  readonly coming: Map<string, Promise<Uint8Array>>
}

export class SegmentedBytes {
  readonly size: number
  readonly #room: SegmentRoom
  readonly #prefix: string
  readonly #bring: (from: number, to: number) => Promise<Uint8Array>

  /** `prefix` and a segment's number are its name in the fast store. `bring` answers just the bytes from `from` to `to`. */
  constructor(
    room: SegmentRoom,
    prefix: string,
    size: number,
    bring: (from: number, to: number) => Promise<Uint8Array>,
  ) {
    this.size = size
    this.#room = room
    this.#prefix = prefix
    this.#bring = bring
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const to = Math.min(offset + length, this.size)
    const into = new Uint8Array(Math.max(0, to - offset))
    for (let at = offset; at < to; ) {
      const end = Math.min(to, at - (at % this.#room.length) + Math.max(WINDOW, this.#room.length))
      await this.#window(into.subarray(at - offset, end - offset), at)
      at = end
    }
    return into
  }

  /** Throws EAGAIN where a segment is not here. */
  readSync(offset: number, length: number): Uint8Array {
    const to = Math.min(offset + length, this.size)
    const into = new Uint8Array(Math.max(0, to - offset))
    for (let at = offset; at < to; ) {
      const index = Math.floor(at / this.#room.length)
      const [from, end] = this.#bounds(index)
      const piece = this.#keptSync(index, at - from, Math.min(end, to) - at)
      into.set(piece, at - offset)
      at += piece.length
    }
    return into
  }

  /** Deletes all segments that are kept. */
  async drop(): Promise<void> {
    const { entries, length } = this.#room
    const count = Math.ceil(this.size / length)
    // How many there may be is somebody's word.
    if (count > entries.count) {
      for (const name of entries.namesWith(this.#prefix)) await entries.drop(name)
      return
    }
    for (let index = 0; index < count; index++) {
      if (entries.get(this.#prefix + index) !== undefined) await entries.drop(this.#prefix + index)
    }
  }

  /** Where a segment begins and ends. */
  #bounds(index: number): [number, number] {
    const { length } = this.#room
    return [index * length, Math.min((index + 1) * length, this.size)]
  }

  /** Fills `into` with the bytes from `offset` on. */
  async #window(into: Uint8Array, offset: number): Promise<void> {
    const { length } = this.#room
    const to = offset + into.length
    const first = Math.floor(offset / length)
    const count = Math.ceil(to / length) - first
    const inside = (index: number): [number, number] => {
      const [from, end] = this.#bounds(index)
      return [Math.max(offset, from), Math.min(to, end)]
    }
    const indices = Array.from({ length: count }, (_, i) => first + i)
    const lacking = await Promise.all(
      indices.map(async index => {
        const [from, end] = inside(index)
        const piece = await this.#kept(index, from - index * length, end - from)
        if (piece !== undefined) into.set(piece, from - offset)
        return piece === undefined
      }),
    )
    const missing = indices.filter((_, i) => lacking[i])
    // All have to end: those who wait for them as well must not find that we have gone.
    const segments = await Promise.allSettled(this.#come(missing))
    for (const [i, index] of missing.entries()) {
      const [from, end] = inside(index)
      const segment = segments[i]
      if (segment.status === 'rejected') throw segment.reason
      into.set(segment.value.subarray(from - index * length, end - index * length), from - offset)
    }
  }

  /** A part of a segment that is here; undefined when it is not, or not whole. */
  async #kept(index: number, from: number, length: number): Promise<Uint8Array | undefined> {
    const { fast, entries } = this.#room
    const name = this.#prefix + index
    const [begin, end] = this.#bounds(index)
    if (entries.get(name) === undefined || entries.leaving(name) !== undefined) return undefined
    try {
      const object = await fast.open(name)
      try {
        if (object.size !== end - begin) {
          await entries.drop(name)
          return undefined
        }
        entries.use(name, object.size)
        const piece = await object.read(from, length)
        return piece.length === length ? piece : undefined
      } finally {
        object.close()
      }
    } catch (error) {
      if (isMissing(error)) entries.forget(name)
      return undefined
    }
  }

  #keptSync(index: number, from: number, length: number): Uint8Array {
    const { fast, entries } = this.#room
    const name = this.#prefix + index
    if (entries.get(name) !== undefined) {
      const object = fast.openSync?.(name)
      try {
        const piece = object?.readSync?.(from, length)
        if (piece?.length === length) {
          entries.use(name, object?.size ?? 0)
          return piece
        }
      } finally {
        object?.close()
      }
    }
    throw objectError('EAGAIN', name, 'is not in the cache')
  }

  /** Segments that lack, each one's bytes; neighbours come together. */
  #come(missing: readonly number[]): Promise<Uint8Array>[] {
    const { coming, length } = this.#room
    const most = Math.max(1, Math.floor(RUN_MAX / length))
    let run: number[] = []
    const flush = (): void => {
      if (run.length > 0) this.#bringRun(run)
      run = []
    }
    for (const index of missing) {
      if (coming.has(this.#prefix + index)) continue
      if (run.length === most || run.at(-1) !== index - 1) flush()
      run.push(index)
    }
    flush()
    return missing.map(index => coming.get(this.#prefix + index) as Promise<Uint8Array>)
  }

  #bringRun(run: readonly number[]): void {
    const { coming, slots } = this.#room
    const [from] = this.#bounds(run[0])
    const to = this.#bounds(run[run.length - 1])[1]
    const bring = (): Promise<Uint8Array> => this.#bring(from, to)
    const bytes = slots === undefined ? bring() : slots.within(bring)
    for (const index of run) {
      const name = this.#prefix + index
      const [begin, end] = this.#bounds(index)
      const segment = bytes.then(all => this.#put(name, all.subarray(begin - from, end - from)))
      coming.set(name, segment)
      const ended = (): void => void coming.delete(name)
      segment.then(ended, ended)
    }
  }

  async #put(name: string, segment: Uint8Array): Promise<Uint8Array> {
    const { fast, entries } = this.#room
    await entries.leaving(name)
    if (!(await entries.reserve(segment.length))) return segment
    try {
      await fast.put(name, segment)
      entries.keep(name, segment.length)
    } catch (error) {
      entries.release(segment.length)
      await entries.failed(segment.length, error)
    }
    return segment
  }
}
