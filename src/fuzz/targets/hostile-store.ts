// A store as a layout says it is (mutate-store.ts): wrong sizes, wrong bytes, bytes that change, errors of every kind. It answers at once.
// Not here: what is asked of it.

import { Fault, faultError } from '../../format/errno.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'
import type { LayoutEntry } from '../mutate-store.js'
import { Violation } from '../target.js'

const LARGEST = 1 << 22

/** An entry, and how often it has been read so far, by whoever opened it. */
interface Kept {
  readonly entry: LayoutEntry
  reads: number
}

class HostileObject implements StoredObject {
  readonly size: number
  readonly #kept: Kept
  readonly #entry: LayoutEntry
  readonly #bytes: Uint8Array
  readonly #length: number

  constructor(kept: Kept, bytes: Uint8Array) {
    const { entry } = kept
    this.#kept = kept
    this.#entry = entry
    this.#bytes = bytes
    this.#length = Math.min(Math.max(bytes.length + entry.more, 0), LARGEST)
    this.size = Math.max(this.#length + entry.lie, 0)
  }

  readSync(offset: number, length: number): Uint8Array {
    const { behaviour, patches } = this.#entry
    if (behaviour === 'failing') throw faultError(new Fault('EACCES', 'fails'), 'store')
    // As a store of someone else may.
    if (behaviour === 'throwing') throw new Error('has no code')
    const more = behaviour === 'short' ? -1 : behaviour === 'long' ? 1 : 0
    const end = Math.min(offset + length, this.#length)
    const out = new Uint8Array(Math.max(end - offset + more, 0))
    out.set(this.#bytes.subarray(offset, offset + out.length))
    for (const { at, xor } of patches) if (at >= offset && at - offset < out.length) out[at - offset] ^= xor
    if (behaviour === 'changing' && out.length > 0) this.#change(out)
    return out
  }

  /** Now in the middle, now at the end. */
  #change(out: Uint8Array): void {
    const { reads } = this.#kept
    this.#kept.reads++
    if (reads % 2 === 1) out[reads % 4 === 1 ? out.length >> 1 : out.length - 1] ^= 1
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.readSync(offset, length)
  }

  close(): void {}
}

export class HostileStore implements ObjectStore {
  readonly label = 'hostile'
  readonly immediate = true
  readonly #entries: ReadonlyMap<string, Kept>
  readonly #objects: readonly Uint8Array[]

  /** `objects`: bytes of the known ones. Of two entries with one name the last counts. */
  constructor(entries: readonly LayoutEntry[], objects: readonly Uint8Array[]) {
    this.#entries = new Map(entries.map(entry => [entry.name, { entry, reads: 0 }]))
    this.#objects = objects
  }

  openSync(name: string): StoredObject {
    // What is asked for came out of an image: nobody else sees to it that it stays within the store.
    if (name.split('/').some(part => part === '' || part === '.' || part === '..')) {
      throw new Violation('within', `the store was asked for ${JSON.stringify(name.slice(0, 100))}`)
    }
    const kept = this.#entries.get(name)
    if (kept === undefined) throw faultError(new Fault('ENOENT', 'is not there'), name)
    const { entry } = kept
    if (entry.behaviour === 'closed') throw faultError(new Fault('ELOOP', 'is a link'), name)
    const bytes = entry.object === undefined ? undefined : this.#objects[entry.object % this.#objects.length]
    return new HostileObject(kept, bytes ?? new Uint8Array(0))
  }

  async open(name: string): Promise<StoredObject> {
    return this.openSync(name)
  }

  statSync(name: string): ObjectInfo {
    return { size: this.openSync(name).size }
  }

  async stat(name: string): Promise<ObjectInfo> {
    return this.statSync(name)
  }

  async put(): Promise<void> {
    throw faultError(new Fault('EROFS', 'can not be written to'), 'store')
  }

  async *list(): AsyncGenerator<string> {
    yield* this.#entries.keys()
  }

  async delete(): Promise<void> {
    throw faultError(new Fault('EROFS', 'can not be written to'), 'store')
  }
}
