// DEFLATE streams (RFC 1951) of given data: stored blocks, and blocks of the fixed codes with greedy matches. Not here: codes of a block's
// own, which Node's zlib writes for the decoder's tests.

import { greedySteps } from './greedy.js'
import type { Random } from './random.js'
import { BitWriter } from './zstd-codes.js'

const STORED_MAX = 65535
const LONGEST = 258
const WINDOW = 32768
const END = 256

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]

/** Which code, by the widths of the bits behind each; and what those bits are. */
function codeOf(value: number, widths: readonly number[]): readonly [code: number, more: number] {
  let base = 0
  for (const [code, width] of widths.entries()) {
    if (value < base + 2 ** width) return [code, value - base]
    base += 2 ** width
  }
  throw new RangeError(`no code for ${value}`)
}

class DeflateWriter {
  readonly #out = new BitWriter()

  /** Huffman codes begin with their highest bit. */
  #code(code: number, width: number): void {
    for (let i = width - 1; i >= 0; i--) this.#out.add((code >> i) & 1, 1)
  }

  #symbol(symbol: number): void {
    if (symbol < 144) this.#code(0x30 + symbol, 8)
    else if (symbol < 256) this.#code(0x190 + symbol - 144, 9)
    else if (symbol < 280) this.#code(symbol - 256, 7)
    else this.#code(0xc0 + symbol - 280, 8)
  }

  #match(length: number, offset: number): void {
    if (length === LONGEST) this.#symbol(285)
    else {
      const [code, more] = codeOf(length - 3, LENGTH_EXTRA)
      this.#symbol(257 + code)
      this.#out.add(more, LENGTH_EXTRA[code])
    }
    const [code, more] = codeOf(offset - 1, DISTANCE_EXTRA)
    this.#code(code, 5)
    this.#out.add(more, DISTANCE_EXTRA[code])
  }

  fixed(data: Uint8Array, last: boolean): void {
    this.#out.add(last ? 3 : 2, 3)
    for (const { literals, offset, length } of greedySteps(data, { longest: LONGEST, window: WINDOW })) {
      for (const byte of literals) this.#symbol(byte)
      if (length > 0) this.#match(length, offset)
    }
    this.#symbol(END)
  }

  /** `filling`: bits between the head of the block and the next whole byte. */
  stored(data: Uint8Array, last: boolean, filling: number): void {
    this.#out.add(last ? 1 : 0, 3)
    this.#out.fill(filling)
    for (const number of [data.length, data.length ^ 0xffff]) this.#out.add(number, 16)
    for (const byte of data) this.#out.add(byte, 8)
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#out.bytes())
  }
}

/** A stream of one to three blocks, whose first byte is not 0: such bytes are padding in a cluster. */
export function deflated(data: Uint8Array, random: Random): Uint8Array {
  const writer = new DeflateWriter()
  const blocks = 1 + (random.once(3) ? random.below(3) : 0)
  let at = 0
  for (let left = blocks; left > 0; left--) {
    const most = Math.min(data.length - at, STORED_MAX)
    const length = left === 1 ? data.length - at : random.below(most + 1)
    const piece = data.subarray(at, at + length)
    if (length <= STORED_MAX && random.once(4)) writer.stored(piece, left === 1, 0xff)
    else writer.fixed(piece, left === 1)
    at += length
  }
  return writer.bytes()
}
