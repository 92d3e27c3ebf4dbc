// A store for the tests of what stands above stores: bytes that a test can change behind its user's back, with the
// synchronous forms or without, counting its reads.
import type { ObjectInfo, ObjectStore, StoredObject } from '../../src/store/object-store.js'

export interface ProbeOptions {
  /** Has openSync and readSync. */
  readonly sync?: boolean
  /** Says that it never waits. */
  readonly immediate?: boolean
}

export class ProbeStore implements ObjectStore {
  readonly label = 'probe'
  readonly immediate?: true
  readonly openSync?: (name: string) => StoredObject
  /** Tests write here. An open object keeps its size and sees the bytes that are here when it reads. */
  readonly bytes = new Map<string, Uint8Array>()
  /** Ranges that were read. */
  readonly reads: [number, number][] = []
  opened = 0
  closed = 0
  /** Thrown by every read, if set. */
  failure: Error | undefined
  readonly #sync: boolean

  constructor({ sync = false, immediate = false }: ProbeOptions = {}) {
    this.#sync = sync
    if (sync) this.openSync = name => this.#open(name)
    if (immediate) this.immediate = true
  }

  async open(name: string): Promise<StoredObject> {
    await new Promise(setImmediate)
    return this.#open(name)
  }

  async stat(name: string): Promise<ObjectInfo> {
    return { size: this.#find(name).length }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    if (data instanceof Uint8Array) this.bytes.set(name, data)
  }

  async *list(): AsyncGenerator<string> {
    yield* this.bytes.keys()
  }

  async delete(name: string): Promise<void> {
    this.bytes.delete(name)
  }

  #find(name: string): Uint8Array {
    const bytes = this.bytes.get(name)
    if (bytes === undefined) throw Object.assign(new Error('nothing here'), { code: 'ENOENT' })
    return bytes
  }

  #open(name: string): StoredObject {
    const size = this.#find(name).length
    this.opened++
    let closed = false
    const readSync = (offset: number, length: number): Uint8Array => {
      if (closed) throw Object.assign(new Error('closed'), { code: 'EBADF' })
      if (this.failure !== undefined) throw this.failure
      this.reads.push([offset, length])
      return this.#find(name).slice(offset, offset + length)
    }
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      await new Promise(setImmediate)
      return readSync(offset, length)
    }
    const close = (): void => {
      if (!closed) this.closed++
      closed = true
    }
    return this.#sync ? { size, read, readSync, close } : { size, read, close }
  }
}
