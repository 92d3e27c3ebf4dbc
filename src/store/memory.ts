// Objects in memory: for browsers, tests and small images. Never waits. Not here: eviction (it is no cache).

import { joinBytes } from '../format/join-bytes.js'
import { canonicalName, objectError } from './errors.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'

class MemoryObject implements StoredObject {
  readonly size: number
  #bytes: Uint8Array | undefined

  constructor(
    readonly name: string,
    bytes: Uint8Array,
  ) {
    this.size = bytes.length
    this.#bytes = bytes
  }

  readSync(offset: number, length: number): Uint8Array {
    if (this.#bytes === undefined) throw objectError('EBADF', this.name, 'is closed')
    return this.#bytes.slice(offset, offset + length)
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.readSync(offset, length)
  }

  close(): void {
    this.#bytes = undefined
  }
}

/** A copy of all that comes, in one piece. */
async function collect(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const chunk of data) {
    // Copied at once: a source may fill the same buffer again.
    chunks.push(new Uint8Array(chunk))
    size += chunk.length
  }
  return joinBytes(chunks, size)
}

export class MemoryStore implements ObjectStore {
  readonly label = 'memory'
  readonly immediate = true
  readonly #objects = new Map<string, Uint8Array>()

  /** Names and contents, which are copied. Of two with one name the first counts, as with `put`. Throws as `put` rejects. */
  constructor(objects: Iterable<readonly [string, Uint8Array]> = []) {
    for (const [name, bytes] of objects) this.#keep(canonicalName(name), new Uint8Array(bytes))
  }

  openSync(name: string): StoredObject {
    return new MemoryObject(name, this.#find(name))
  }

  async open(name: string): Promise<StoredObject> {
    return this.openSync(name)
  }

  statSync(name: string): ObjectInfo {
    return { size: this.#find(name).length }
  }

  async stat(name: string): Promise<ObjectInfo> {
    return this.statSync(name)
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    this.#rejectBelowObject(known)
    if (this.#objects.has(known)) return
    this.#keep(known, data instanceof Uint8Array ? new Uint8Array(data) : await collect(data))
  }

  async *list(): AsyncGenerator<string> {
    yield* [...this.#objects.keys()]
  }

  async delete(name: string): Promise<void> {
    this.#objects.delete(canonicalName(name))
  }

  #keep(known: string, owned: Uint8Array): void {
    this.#rejectBelowObject(known)
    if (!this.#objects.has(known)) this.#objects.set(known, owned)
  }

  #find(name: string): Uint8Array {
    const known = canonicalName(name)
    const bytes = this.#objects.get(known)
    if (bytes !== undefined) return bytes
    this.#rejectBelowObject(known)
    throw objectError('ENOENT', name, 'is not in the store')
  }

  /** There are no directories here, but nothing is below an object either. */
  #rejectBelowObject(known: string): void {
    for (let at = known.indexOf('/'); at !== -1; at = known.indexOf('/', at + 1)) {
      if (this.#objects.has(known.slice(0, at)))
        throw objectError('ENOTDIR', known, `${known.slice(0, at)} is an object`)
    }
  }
}
