// An object that comes in parts over a bridge, and goes into a store as it comes: a part is asked for when the store has
// taken the one before.

import type { ObjectStore } from '../store/object-store.js'

export class IncomingStream {
  readonly #put: Promise<void>
  /** The part that waits to be taken; undefined for the end. */
  #part: { readonly data: Uint8Array | undefined; readonly taken: () => void } | undefined
  #wake: (() => void) | undefined
  #failed = false
  #settled = false

  constructor(store: ObjectStore, name: string) {
    this.#put = store.put(name, this.#parts())
    const settled = (): void => {
      this.#settled = true
      this.#part?.taken()
    }
    this.#put.then(settled, settled)
  }

  /** Answers whether more is wanted. */
  async take(data: Uint8Array): Promise<boolean> {
    await this.#hand(data)
    return !this.#settled
  }

  /** Rejects as the store's `put` does. */
  async end(): Promise<void> {
    void this.#hand(undefined)
    await this.#put
  }

  /** The rest does not come: the store is to keep nothing of it. */
  async fail(): Promise<void> {
    this.#failed = true
    void this.#hand(undefined)
    await this.#put.catch(() => {})
  }

  #hand(data: Uint8Array | undefined): Promise<void> {
    if (this.#settled) return Promise.resolve()
    return new Promise(taken => {
      this.#part = { data, taken }
      this.#wake?.()
    })
  }

  async *#parts(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#part === undefined) await new Promise<void>(resolve => (this.#wake = resolve))
      const part = this.#part
      if (this.#failed) throw new Error('the rest of the object did not come')
      if (part.data === undefined) return
      try {
        yield part.data
      } finally {
        // Only now the store is done with it. Its giver may have given up meanwhile, and said so.
        if (this.#part === part) this.#part = undefined
        part.taken()
      }
    }
  }
}
