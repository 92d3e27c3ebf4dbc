// One growing byte string in which all names, targets and values of a tree lie, so that an entry is a few numbers and a
// million of them are no million objects. Positions are 31-bit: 2 GiB, some fifteen million entries.

import { TreeError } from './tree-error.js'

const FIRST_CAPACITY = 1 << 16
const LIMIT = 2 ** 31 - 1

export class ByteArena {
  bytes: Uint8Array
  #used: number

  /** `bytes` become the arena's own, the first `used` of them count; what is behind them is room to grow. */
  constructor(bytes: Uint8Array = new Uint8Array(FIRST_CAPACITY), used = 0) {
    if (bytes.length > LIMIT) throw new TreeError('EFBIG', `${bytes.length} bytes, more than 2 GiB`)
    this.bytes = bytes
    this.#used = used
  }

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

  /** The bytes that lie at a place; a view, good until the next append. */
  view(at: number, length: number): Uint8Array {
    return this.bytes.subarray(at, at + length)
  }

  #grow(wanted: number): void {
    if (wanted > LIMIT) throw new TreeError('EFBIG', 'names and values of more than 2 GiB')
    const grown = new Uint8Array(Math.min(Math.max(wanted, 2 * this.bytes.length), LIMIT))
    grown.set(this.bytes)
    this.bytes = grown
  }
}

/** Compares two byte strings as C's strcmp does: unsigned bytes, a prefix first. Negative, 0 or positive. */
export function compareBytes(a: Uint8Array, at: number, length: number, b: Uint8Array, bAt: number, bLength: number) {
  const common = length < bLength ? length : bLength
  for (let i = 0; i < common; i++) {
    const order = a[at + i] - b[bAt + i]
    if (order !== 0) return order
  }
  return length - bLength
}

/** Whether two byte strings of the same length are the same. */
export function sameBytes(a: Uint8Array, at: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[at + i] !== b[bAt + i]) return false
  return true
}
