// One growing byte string, for what a writer puts together before it writes. Positions are 31-bit: 2 GiB.

import { TreeError } from '../tree/tree-error.js'

const FIRST_CAPACITY = 1 << 16
const LIMIT = 2 ** 31 - 1

export class ByteArena {
  bytes = new Uint8Array(FIRST_CAPACITY)
  #used = 0

  /** Copies bytes in; answers where they lie. Throws a TreeError (EFBIG) beyond 2 GiB. */
  append(source: Uint8Array, from: number, to: number): number {
    const at = this.#used
    const used = at + to - from
    if (used > this.bytes.length) this.#grow(used)
    const { bytes } = this
    // A call costs more than copying a name.
    if (to - from < 64) for (let i = from, into = at; i < to; i++) bytes[into++] = source[i]
    else bytes.set(source.subarray(from, to), at)
    this.#used = used
    return at
  }

  #grow(wanted: number): void {
    if (wanted > LIMIT) throw new TreeError('EFBIG', 'more than 2 GiB')
    const grown = new Uint8Array(Math.min(Math.max(wanted, 2 * this.bytes.length), LIMIT))
    grown.set(this.bytes)
    this.bytes = grown
  }
}

/** Whether two byte strings of the same length are the same. */
export function sameBytes(a: Uint8Array, at: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[at + i] !== b[bAt + i]) return false
  return true
}
