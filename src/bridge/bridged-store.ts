// A store that is in another thread. Not here: how it is asked (bridge.ts).

import type { ObjectInfo, ObjectStore, StoredObject } from '../store/object-store.js'
import type { Asker } from './asker.js'
import { BridgedObject, isLate } from './bridged-object.js'

export class BridgedStore implements ObjectStore {
  readonly label: string
  /** There if this thread may wait. */
  readonly openSync?: (name: string) => StoredObject
  readonly statSync?: (name: string) => ObjectInfo
  readonly #asker: Asker
  readonly #store: number

  /** For `Bridge.store`. */
  constructor(asker: Asker, store: number, label: string) {
    this.label = label
    this.#asker = asker
    this.#store = store
    if (!asker.isSync) return
    this.openSync = name => BridgedObject.openSync(asker, object => ({ op: 'open', store, name, object }), name)
    this.statSync = name => ({ size: asker.callSync({ op: 'stat', store, name }).size ?? 0 })
  }

  open(name: string): Promise<StoredObject> {
    return BridgedObject.open(this.#asker, object => ({ op: 'open', store: this.#store, name, object }), name)
  }

  async stat(name: string): Promise<ObjectInfo> {
    const { size = 0 } = await this.#asker.call({ op: 'stat', store: this.#store, name })
    return { size }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    // Copied by sending it: only what is seen of a larger buffer.
    if (data instanceof Uint8Array) {
      await this.#asker.call({ op: 'put', store: this.#store, name, data: new Uint8Array(data) })
      return
    }
    const stream = this.#asker.name()
    try {
      await this.#asker.call({ op: 'stream', store: this.#store, name, stream })
      for await (const chunk of data) {
        const { more } = await this.#asker.call({ op: 'chunk', stream, data: new Uint8Array(chunk) })
        if (more !== true) break
      }
    } catch (error) {
      const ended = this.#asker.call({ op: 'chunk', stream, failed: true }).catch(() => {})
      // Who did not answer in time is not waited for once more.
      if (!isLate(error)) await ended
      throw error
    }
    await this.#asker.call({ op: 'chunk', stream })
  }

  async *list(): AsyncGenerator<string> {
    const list = this.#asker.name()
    try {
      await this.#asker.call({ op: 'list', store: this.#store, list })
      for (let more = true; more; ) {
        const answer = await this.#asker.call({ op: 'names', list })
        yield* answer.names ?? []
        more = answer.more === true
      }
    } finally {
      this.#asker.tell({ op: 'endList', list })
    }
  }

  async delete(name: string): Promise<void> {
    await this.#asker.call({ op: 'delete', store: this.#store, name })
  }
}
