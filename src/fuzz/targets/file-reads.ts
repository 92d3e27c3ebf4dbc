// A file read from its begin, and a part of it read by itself, which must be the same bytes. Not here: which files, and which parts.

import type { Random } from '../random.js'
import { Violation } from '../target.js'

/** Reads bytes of the file from a position on into a buffer; their number, or -errno. */
type Read = (into: Uint8Array, position: number) => number

export class FileReads {
  readonly #whole: Uint8Array
  readonly #part: Uint8Array
  #most = 0

  /** Of a file so many bytes are read: its size is what an image says. */
  constructor(bytes: number) {
    this.#whole = new Uint8Array(bytes)
    this.#part = new Uint8Array(bytes)
  }

  /** Reads it from its begin. The bytes that are compared from then on, or -errno. */
  begin(nid: number, size: number, read: Read): number {
    const most = Math.min(size, this.#whole.length)
    const length = read(this.#whole.subarray(0, most), 0)
    this.#most = Math.max(length, 0)
    if (length >= 0 && length !== most) throw new Violation('ranges', `inode ${nid}: ${length} of ${most} bytes`)
    return length
  }

  /** Reads a part of them from byte `at` on. */
  compare(nid: number, at: number, random: Random, read: Read): void {
    const part = this.#part.subarray(0, 1 + random.below(this.#most - at))
    const length = read(part, at)
    if (length !== part.length) throw new Violation('ranges', `inode ${nid}: a part answers ${length}`)
    for (let i = 0; i < length; i++) {
      if (part[i] !== this.#whole[at + i]) throw new Violation('ranges', `inode ${nid}: byte ${at + i} differs`)
    }
  }
}
