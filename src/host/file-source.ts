// A file of the host as a ByteSource: for images of which only a part is to be in memory.

import fs from 'node:fs'
import { promisify } from 'node:util'
import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants
const readAsync = promisify(fs.read)

export class FileSource implements ByteSource {
  readonly size: number
  readonly #path: string
  #fd: number
  #reads = 0
  #closed = false

  /** Throws the host's error; EINVAL for what is no regular file or block device. */
  constructor(path: string) {
    this.#path = path
    this.#fd = fs.openSync(path, O_RDONLY | O_NONBLOCK)
    try {
      const stat = fs.fstatSync(this.#fd)
      if (!stat.isFile() && !stat.isBlockDevice()) throw faultError(new Fault('EINVAL', 'not a regular file'), path)
      this.size = stat.isFile() ? stat.size : deviceSize(this.#fd)
    } catch (error) {
      fs.closeSync(this.#fd)
      throw error
    }
  }

  readSync(offset: number, length: number): Uint8Array {
    const { buffer, fd } = this.#begin(offset, length)
    let done = 0
    while (done < buffer.length) {
      const n = fs.readSync(fd, buffer, done, buffer.length - done, offset + done)
      if (n === 0) break
      done += n
    }
    return buffer.subarray(0, done)
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { buffer, fd } = this.#begin(offset, length)
    this.#reads++
    try {
      let done = 0
      while (done < buffer.length) {
        const { bytesRead } = await readAsync(fd, buffer, done, buffer.length - done, offset + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return buffer.subarray(0, done)
    } finally {
      this.#reads--
      this.#release()
    }
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  #begin(offset: number, length: number): { buffer: Uint8Array; fd: number } {
    if (this.#closed) throw faultError(new Fault('EBADF', 'is closed'), this.#path)
    const wanted = Math.max(0, Math.min(length, this.size - offset))
    return { buffer: new Uint8Array(wanted), fd: this.#fd }
  }

  #release(): void {
    if (!this.#closed || this.#reads > 0 || this.#fd < 0) return
    fs.closeSync(this.#fd)
    this.#fd = -1
  }
}

/** A block device has no size to fstat; where a read brings nothing, it ends. */
function deviceSize(fd: number): number {
  const byte = new Uint8Array(1)
  const has = (at: number) => fs.readSync(fd, byte, 0, 1, at) === 1
  let high = 1
  while (high < Number.MAX_SAFE_INTEGER / 2 && has(high - 1)) high *= 2
  let low = 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (has(middle)) low = middle + 1
    else high = middle
  }
  return low
}
