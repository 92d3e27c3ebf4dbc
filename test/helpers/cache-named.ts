// The contract suite puts bytes under names of its own choice that look like digests; a cache keeps only those under
// their true ones. This store gives each object its true name below, and its user's above.
import { isCacheable } from '../../src/store/cached-names.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { nameOf } from './cache-slow.js'

export class TrulyNamed implements ObjectStore {
  readonly label = 'named'
  readonly #inner: ObjectStore
  readonly #names = new Map<string, string>()
  openSync?: (name: string) => StoredObject
  statSync?: (name: string) => ObjectInfo

  constructor(inner: ObjectStore) {
    this.#inner = inner
    if (inner.openSync === undefined) return
    // An object that has just been put is in the cache: these are the cache's own forms then.
    this.openSync = name => this.#orMissing(() => inner.openSync?.(this.#true(name)) as StoredObject, name)
    this.statSync = name => this.#orMissing(() => inner.statSync?.(this.#true(name)) as ObjectInfo, name)
  }

  open(name: string): Promise<StoredObject> {
    return this.#inner.open(this.#true(name))
  }

  stat(name: string): Promise<ObjectInfo> {
    return this.#inner.stat(this.#true(name))
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    if (!isCacheable(name) || this.#names.has(name)) return this.#inner.put(this.#true(name), data)
    const chunks: Uint8Array[] = []
    if (data instanceof Uint8Array) chunks.push(data)
    else for await (const chunk of data) chunks.push(chunk.slice())
    const whole = new Uint8Array(Buffer.concat(chunks))
    this.#names.set(name, nameOf(whole))
    return this.#inner.put(this.#true(name), whole)
  }

  async *list(): AsyncGenerator<string> {
    const mine = new Map([...this.#names].map(([name, real]) => [real, name]))
    for await (const name of this.#inner.list()) yield mine.get(name) ?? name
  }

  async delete(name: string): Promise<void> {
    await this.#inner.delete(this.#true(name))
    this.#names.delete(name)
  }

  #true(name: string): string {
    return this.#names.get(name) ?? name
  }

  /** A name that the cache does not vouch for, or has not, is the slow store's affair. */
  #orMissing<T>(run: () => T, name: string): T {
    try {
      return run()
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error
      const below = name.startsWith('plain/')
      throw Object.assign(new Error('not in the cache'), { code: below ? 'ENOTDIR' : 'ENOENT' })
    }
  }
}
