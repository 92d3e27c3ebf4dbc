// The objects of an open image, wherever they are: stores can be given after the image was opened, and are asked one after the
// other, the latest first. All that is mounted over it sees them at once. It has no synchronous forms, since those of a store
// by URL would block the worker. Not here: any store.

import { Fault, faultError } from '../../format/errno.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'

/** What says that another store may have the object. */
const ELSEWHERE = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP'])

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** A store that keeps here what another holds. */
export interface Cached {
  /** The other. */
  readonly behind: ObjectStore | undefined
}

function behind(store: ObjectStore): ObjectStore {
  return ('behind' in store ? (store as ObjectStore & Cached).behind : undefined) ?? store
}

export class LateStore implements ObjectStore {
  #stores: readonly ObjectStore[]

  constructor(store?: ObjectStore) {
    this.#stores = store === undefined ? [] : [store]
  }

  get isEmpty(): boolean {
    return this.#stores.length === 0
  }

  get label(): string {
    return this.isEmpty ? 'no store' : this.#stores.map(store => store.label).join(', ')
  }

  /** The same stores without what is kept of them here: for who wants to know what they hold themselves. */
  get direct(): LateStore {
    const direct = new LateStore()
    direct.#stores = this.#stores.map(behind)
    return direct
  }

  /** From now on this one is asked first. */
  give(store: ObjectStore): void {
    this.#stores = [store, ...this.#stores.filter(one => one !== store)]
  }

  open(name: string): Promise<StoredObject> {
    return this.#first(name, store => store.open(name))
  }

  stat(name: string): Promise<ObjectInfo> {
    return this.#first(name, store => store.stat(name))
  }

  /** Goes to the first that takes it. */
  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    for (const store of this.#stores) {
      try {
        await store.put(name, data)
        return
      } catch (error) {
        if (codeOf(error) !== 'EROFS') throw error
      }
    }
    throw faultError(new Fault('EROFS', 'no store that can be written to'), name)
  }

  async *list(): AsyncGenerator<string> {
    const seen = new Set<string>()
    for (const store of this.#stores) {
      for await (const name of store.list()) {
        if (!seen.has(name)) yield name
        seen.add(name)
      }
    }
  }

  async delete(name: string): Promise<void> {
    for (const store of this.#stores) await store.delete(name)
  }

  async #first<T>(name: string, ask: (store: ObjectStore) => Promise<T>): Promise<T> {
    let failed: unknown
    for (const store of this.#stores) {
      try {
        return await ask(store)
      } catch (error) {
        if (!ELSEWHERE.has(String(codeOf(error)))) throw error
        failed ??= error
      }
    }
    throw failed ?? faultError(new Fault('ENOENT', 'the image has no store'), `object ${name}`)
  }
}
