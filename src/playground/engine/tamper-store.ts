// A store in which one byte of one object is another: what the tamper demo reads through. The store below is left alone. Not here:
// which byte, and what notices (tamper.ts).

import { fault, faultError } from '../../format/errno.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'

export interface Flip {
  readonly name: string
  readonly offset: number
  /** Bits that are turned over. */
  readonly mask: number
}

/** Turns the byte over where it is in what was read. */
export function flipIn(bytes: Uint8Array, start: number, { offset, mask }: Omit<Flip, 'name'>): Uint8Array {
  const at = offset - start
  if (at >= 0 && at < bytes.length) bytes[at] ^= mask
  return bytes
}

export class TamperStore implements ObjectStore {
  readonly label: string
  readonly #below: ObjectStore
  readonly #flip: Flip

  constructor(below: ObjectStore, flip: Flip) {
    this.label = `${below.label} (tampered)`
    this.#below = below
    this.#flip = flip
  }

  async open(name: string): Promise<StoredObject> {
    const object = await this.#below.open(name)
    if (name !== this.#flip.name) return object
    const flip = this.#flip
    return {
      size: object.size,
      // What was read is the caller's own, so a copy of it is made here that may be changed.
      read: async (offset, length) => flipIn(new Uint8Array(await object.read(offset, length)), offset, flip),
      close: () => object.close(),
    }
  }

  stat(name: string): Promise<ObjectInfo> {
    return this.#below.stat(name)
  }

  async put(name: string): Promise<void> {
    throw faultError(fault('EROFS'), name)
  }

  list(): AsyncIterable<string> {
    return this.#below.list()
  }

  async delete(name: string): Promise<void> {
    throw faultError(fault('EROFS'), name)
  }
}
