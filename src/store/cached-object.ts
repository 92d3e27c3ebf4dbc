// An object that a cache (cached.ts) has opened, and the handles of those who asked for it at once: one download, one
// open file for all of them. Not here: where it comes from.

import type { Entry } from './cached-entries.js'
import { objectError } from './errors.js'
import type { StoredObject } from './object-store.js'

/** Closed when its last handle is; `handles` of them are made at once. */
export class Held {
  handles = 1

  constructor(
    readonly object: StoredObject,
    /** What it is a copy of; undefined when it is a slow store's own. */
    readonly entry: Entry | undefined,
  ) {}

  leave(): void {
    if (--this.handles === 0) this.object.close()
  }
}

export class CachedObject implements StoredObject {
  readonly size: number
  readonly readSync?: (offset: number, length: number) => Uint8Array
  readonly renew?: () => Promise<StoredObject>
  readonly #name: string
  readonly #held: Held
  #closed = false

  /** `sync`: may it be read without waiting; `renew`: what to do when its bytes are wrong, where anything can be done. */
  constructor(name: string, held: Held, sync: boolean, renew: (() => Promise<StoredObject>) | undefined) {
    const { object } = held
    this.size = object.size
    this.#name = name
    this.#held = held
    if (sync && object.readSync !== undefined) {
      this.readSync = (offset, length) => {
        this.#check()
        return object.readSync?.(offset, length) as Uint8Array
      }
    }
    if (renew !== undefined) this.renew = renew
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#check()
    return this.#held.object.read(offset, length)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#held.leave()
  }

  #check(): void {
    if (this.#closed) throw objectError('EBADF', this.#name, 'is closed')
  }
}
