// Dir: the handle that opendir gives. Not here: listing; the entries are all here when it is made: a listing stays
// as it was when it began, as the kernel's merged ones do. Follows lib/internal/fs/dir.js of Node 20.

import type { Bytes } from '../overlay/layer.js'
import { tagged } from './arg-errors.js'
import { checkFunction } from './check.js'
import type { Dirent } from './dirent.js'
import { defer } from './host.js'

type Done<T> = (error: unknown, value?: T) => void

function closedError(): Error {
  return tagged(new Error('Directory handle was closed'), 'ERR_DIR_CLOSED')
}

function busyError(): Error {
  const text = 'Cannot do synchronous work on directory handle with concurrent asynchronous operations'
  return tagged(new Error(text), 'ERR_DIR_CONCURRENT_OPERATION')
}

export class Dir {
  readonly #path: Bytes
  readonly #entries: readonly Dirent[]
  #at = 0
  #closed = false
  /** Asynchronous calls under way. */
  #pending = 0

  constructor(path: Bytes, entries: readonly Dirent[]) {
    this.#path = path
    this.#entries = entries
  }

  get path(): Bytes {
    return this.#path
  }

  #next(): Dirent | null {
    return this.#at < this.#entries.length ? this.#entries[this.#at++] : null
  }

  #start<T>(run: () => T, done: Done<T>): void {
    this.#pending++
    defer(() => {
      this.#pending--
      done(null, run())
    })
  }

  read(): Promise<Dirent | null>
  read(callback: Done<Dirent | null>): void
  read(callback?: Done<Dirent | null>): Promise<Dirent | null> | undefined {
    if (callback === undefined) {
      // Thrown, as in Node, where close answers a promise that is rejected.
      if (this.#closed) throw closedError()
      return new Promise(resolve =>
        this.#start(
          () => this.#next(),
          (_error, entry) => resolve(entry ?? null),
        ),
      )
    }
    checkFunction(callback, 'callback')
    if (this.#closed) throw closedError()
    this.#start(() => this.#next(), callback)
    return undefined
  }

  readSync(): Dirent | null {
    if (this.#closed) throw closedError()
    if (this.#pending > 0) throw busyError()
    return this.#next()
  }

  close(): Promise<void>
  close(callback: Done<void>): void
  close(callback?: Done<void>): Promise<void> | undefined {
    if (callback === undefined) {
      if (this.#closed) return Promise.reject(closedError())
      this.#closed = true
      return Promise.resolve()
    }
    checkFunction(callback, 'callback')
    const error = this.#closed ? closedError() : null
    this.#closed = true
    defer(() => callback(error))
    return undefined
  }

  closeSync(): void {
    if (this.#closed) throw closedError()
    if (this.#pending > 0) throw busyError()
    this.#closed = true
  }

  async *entries(): AsyncIterableIterator<Dirent> {
    try {
      for (let entry = await this.read(); entry !== null; entry = await this.read()) yield entry
    } finally {
      await this.close()
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Dirent> {
    return this.entries()
  }
}

// Where the language has them, `await using` and `using` close it; closing twice is no error then.
for (const name of ['asyncDispose', 'dispose'] as const) {
  const symbol = (Symbol as unknown as Record<string, symbol | undefined>)[name]
  if (symbol === undefined) continue
  const value = function (this: Dir): unknown {
    const closed = this.close().catch(() => {})
    return name === 'dispose' ? undefined : closed
  }
  Object.defineProperty(Dir.prototype, symbol, { value, writable: true, configurable: true })
}
