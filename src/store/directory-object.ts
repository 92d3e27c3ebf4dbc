// One open object of a directory store: a file descriptor. Part of src/store/directory.ts.

import fs from 'node:fs'
import { promisify } from 'node:util'
import { objectError } from './errors.js'
import type { StoredObject } from './object-store.js'

/** One read call; Linux gives no more than 2 GiB less a page. */
const READ_MAX = 2 ** 30

const readAsync = promisify(fs.read)

export class DirectoryObject implements StoredObject {
  #fd: number
  #reads = 0
  #closed = false

  constructor(
    readonly name: string,
    fd: number,
    readonly size: number,
  ) {
    this.#fd = fd
  }

  readSync(offset: number, length: number): Uint8Array {
    const into = this.#buffer(offset, length)
    let done = 0
    while (done < into.length) {
      const got = fs.readSync(this.#fd, into, done, Math.min(into.length - done, READ_MAX), offset + done)
      if (got === 0) return into.subarray(0, done)
      done += got
    }
    return into
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const into = this.#buffer(offset, length)
    this.#reads++
    try {
      let done = 0
      while (done < into.length) {
        const want = Math.min(into.length - done, READ_MAX)
        const { bytesRead } = await readAsync(this.#fd, into, done, want, offset + done)
        if (bytesRead === 0) return into.subarray(0, done)
        done += bytesRead
      }
      return into
    } finally {
      this.#reads--
      this.#release()
    }
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  #buffer(offset: number, length: number): Uint8Array {
    if (this.#closed) throw objectError('EBADF', this.name, 'is closed')
    return Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - offset)))
  }

  /** Not while a thread reads: the number would soon be another file's. */
  #release(): void {
    if (!this.#closed || this.#reads > 0 || this.#fd === -1) return
    fs.closeSync(this.#fd)
    this.#fd = -1
  }
}
