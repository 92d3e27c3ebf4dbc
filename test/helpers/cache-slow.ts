// A slow store for the tests of caches: in memory, it waits, counts what it is asked for, and fails or lies as it is told.

import { objectName, toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { noise, sha256 } from './store-hash.js'

function missing(name: string): Error {
  return Object.assign(new Error(`ENOENT: object ${name}: is not in the slow store`), { code: 'ENOENT' })
}

export class SlowStore implements ObjectStore {
  readonly label: string = 'slow'
  readonly objects = new Map<string, Uint8Array>()
  /** Opens by name, and bytes read by name. */
  readonly opens = new Map<string, number>()
  readonly read = new Map<string, number>()
  readonly ranges: [string, number, number][] = []
  /** Opened and not closed. */
  held = 0
  /** Milliseconds that each call takes; undefined: a turn of the event loop. */
  delay: number | undefined
  /** What an open does before it answers, and what becomes of the bytes that are read. */
  onOpen: (name: string) => void | Promise<void> = () => {}
  onRead: (bytes: Uint8Array, name: string, offset: number) => Uint8Array = bytes => bytes

  constructor(objects: Iterable<readonly [string, Uint8Array]> = []) {
    for (const [name, bytes] of objects) this.objects.set(name, bytes)
  }

  /** Adds an object under its digest's name, which it answers. */
  add(bytes: Uint8Array): string {
    const name = nameOf(bytes)
    this.objects.set(name, bytes)
    return name
  }

  get bytesRead(): number {
    return [...this.read.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  reset(): void {
    this.opens.clear()
    this.read.clear()
    this.ranges.length = 0
  }

  async open(name: string): Promise<StoredObject> {
    this.opens.set(name, (this.opens.get(name) ?? 0) + 1)
    await this.#wait()
    await this.onOpen(name)
    const bytes = this.#find(name)
    this.held++
    let open = true
    return {
      size: bytes.length,
      read: async (offset, length) => {
        if (!open) throw Object.assign(new Error('EBADF'), { code: 'EBADF' })
        await this.#wait()
        const piece = this.onRead(bytes.slice(offset, offset + length), name, offset)
        this.read.set(name, (this.read.get(name) ?? 0) + piece.length)
        this.ranges.push([name, offset, length])
        return piece
      },
      close: () => {
        if (open) this.held--
        open = false
      },
    }
  }

  async stat(name: string): Promise<ObjectInfo> {
    await this.#wait()
    return { size: this.#find(name).length }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    if (!(data instanceof Uint8Array)) throw new Error('only whole')
    this.objects.set(name, data.slice())
  }

  async *list(): AsyncGenerator<string> {
    yield* [...this.objects.keys()]
  }

  async delete(name: string): Promise<void> {
    this.objects.delete(name)
  }

  #wait(): Promise<unknown> {
    if (this.delay === undefined) return new Promise(resolve => setImmediate(resolve))
    return new Promise(resolve => setTimeout(resolve, this.delay))
  }

  #find(name: string): Uint8Array {
    const bytes = this.objects.get(name)
    if (bytes === undefined) throw missing(name)
    return bytes
  }
}

export function nameOf(bytes: Uint8Array): string {
  return objectName(verityDigest(bytes, sha256))
}

export function hexOf(bytes: Uint8Array): string {
  return toHex(verityDigest(bytes, sha256))
}

/** `count` objects of noise by name, of the sizes that `sizeOf` gives. */
export function noiseObjects(count: number, sizeOf: (i: number) => number): Map<string, Uint8Array> {
  return new Map(
    Array.from({ length: count }, (_, i) => {
      const bytes = noise(sizeOf(i), i + 1)
      return [nameOf(bytes), bytes] as const
    }),
  )
}

/** All bytes of an object of a store. */
export async function contentOf(store: ObjectStore, name: string): Promise<Uint8Array> {
  const object = await store.open(name)
  try {
    return await object.read(0, object.size)
  } finally {
    object.close()
  }
}
