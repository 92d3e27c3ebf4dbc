// Bytes cut into parts: of a whole that is there, or of chunks of any size that come one after the other.
// Not here: sending them.

/** S3 takes so many parts of an object. */
export const PARTS_MAX = 10_000
/** After so many parts of one size the next ones are twice as long, so that what has no end in sight fits into PARTS_MAX. */
const GROW_AFTER = 1000
const FIRST_BUFFER = 64 * 1024

/** Bytes of part number `number`, from 1, of a stream whose length nobody knows. */
export function partLength(number: number, partSize: number): number {
  return partSize * 2 ** Math.floor((number - 1) / GROW_AFTER)
}

export interface Parts {
  /** Is there anything left? */
  more(): Promise<boolean>
  /** Up to `length` further bytes, fewer only at the end, undefined behind it. They stay as they are. */
  next(length: number): Promise<Uint8Array | undefined>
  /** Nothing more is wanted. */
  close(): void
}

export class WholeParts implements Parts {
  readonly #data: Uint8Array
  #at = 0

  constructor(data: Uint8Array) {
    this.#data = data
  }

  async more(): Promise<boolean> {
    return this.#at < this.#data.length
  }

  async next(length: number): Promise<Uint8Array | undefined> {
    if (this.#at >= this.#data.length) return undefined
    const part = this.#data.subarray(this.#at, this.#at + length)
    this.#at += length
    return part
  }

  close(): void {}
}

/** Parts of chunks, which are copied: their giver may fill the same buffer again. */
export class ChunkParts implements Parts {
  readonly #chunks: AsyncIterator<Uint8Array>
  /** What of the last chunk is for the next part. */
  #rest: Uint8Array = new Uint8Array(0)
  #isOver = false

  constructor(data: AsyncIterable<Uint8Array>) {
    this.#chunks = data[Symbol.asyncIterator]()
  }

  async next(length: number): Promise<Uint8Array | undefined> {
    let part = new Uint8Array(Math.min(length, FIRST_BUFFER))
    let filled = 0
    while (filled < length) {
      if (!(await this.more())) break
      const taken = this.#rest.subarray(0, length - filled)
      part = withRoom(part, filled, filled + taken.length, length)
      part.set(taken, filled)
      filled += taken.length
      this.#rest = this.#rest.subarray(taken.length)
    }
    return filled === 0 ? undefined : part.subarray(0, filled)
  }

  async more(): Promise<boolean> {
    try {
      while (this.#rest.length === 0 && !this.#isOver) {
        const { done, value } = await this.#chunks.next()
        if (done === true) this.#isOver = true
        else this.#rest = value
      }
      return this.#rest.length > 0
    } catch (error) {
      this.#isOver = true
      throw error
    }
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    // Not waited for: a giver that hangs must not hold up who has given up.
    Promise.resolve(this.#chunks.return?.()).catch(() => {})
  }
}

/** The buffer, or one that is longer and begins as it does. */
function withRoom(
  part: Uint8Array<ArrayBuffer>,
  filled: number,
  needed: number,
  most: number,
): Uint8Array<ArrayBuffer> {
  if (needed <= part.length) return part
  const longer = new Uint8Array(Math.min(Math.max(needed, part.length * 2), most))
  longer.set(part.subarray(0, filled))
  return longer
}
