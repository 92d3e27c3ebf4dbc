// Writes LZ4 blocks sequence by sequence: whoever calls chooses literals and matches. Not here: finding matches.

export class Lz4Encoder {
  readonly #block: number[] = []
  readonly #output: number[] = []

  get output(): Uint8Array {
    return Uint8Array.from(this.#output)
  }

  /** Bytes that what was written so far decodes to. */
  get size(): number {
    return this.#output.length
  }

  #more(length: number): void {
    if (length < 15) return
    let left = length - 15
    for (; left >= 255; left -= 255) this.#block.push(255)
    this.#block.push(left)
  }

  #literals(literals: ArrayLike<number>, match: number): void {
    this.#block.push((Math.min(literals.length, 15) << 4) | Math.min(match, 15))
    this.#more(literals.length)
    for (let i = 0; i < literals.length; i++) {
      this.#block.push(literals[i])
      this.#output.push(literals[i])
    }
  }

  sequence(literals: ArrayLike<number>, offset: number, length: number): void {
    this.#literals(literals, length - 4)
    this.#block.push(offset & 255, offset >> 8)
    this.#more(length - 4)
    for (let i = 0; i < length; i++) this.#output.push(this.#output[this.#output.length - offset] ?? 0)
  }

  /** The block, with what comes last. */
  finish(literals: ArrayLike<number>): Uint8Array {
    this.#literals(literals, 0)
    return Uint8Array.from(this.#block)
  }
}
