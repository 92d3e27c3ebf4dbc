// An object on its way out: its bytes, read once, and hashed as they go by. If they turn out not to be the object's, the
// stream ends with an error in place of its end, so that nothing of it appears where it was going; the Merkle tree falls
// out of the same pass. Not here: where it comes from and goes to.

import type { HashAlgorithm } from '../format/hash.js'
import { fromHex, toHex } from '../format/hex.js'
import { VerityHasher } from '../format/verity.js'
import type { ByteSource } from '../source/byte-source.js'
import { sameBytes, wrongBytes } from '../source/merkle-leaves.js'

/** Bytes read at a time. */
const PIECE = 1 << 20
/** Most bytes of data that room for leaf hashes is made for at once. */
const ROOM_MAX = 2 ** 31

export interface Expected {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** fs-verity digest in hex; without one only the size is looked at. */
  readonly digest: string | undefined
}

export class Outgoing {
  readonly #source: ByteSource
  readonly #expected: Expected
  readonly #hasher: VerityHasher
  readonly #seen: (bytes: number) => void
  #ended = false

  /** `hash` is that of the digest. The source stays the caller's. Throws EIO for an object of another size. */
  constructor(source: ByteSource, expected: Expected, hash: HashAlgorithm, seen: (bytes: number) => void) {
    this.#source = source
    this.#expected = expected
    this.#seen = seen
    // Before anything is allocated by a size that an image names.
    if (source.size !== expected.size) throw wrongBytes(this.#label, 'size', expected.size, source.size)
    this.#hasher = new VerityHasher(hash, Math.min(expected.size, ROOM_MAX))
  }

  get #label(): string {
    return `object ${this.#expected.name}`
  }

  /** All of its bytes, which are right if this ends. To be called once. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const { size } = this.#expected
    for (let at = 0; at < size; at += PIECE) {
      const length = Math.min(PIECE, size - at)
      const piece = await this.#source.read(at, length)
      if (piece.length !== length) throw wrongBytes(this.#label, 'size', size, at + piece.length)
      this.#hasher.update(piece)
      // Nobody gets the last piece of what is wrong.
      if (at + length === size) this.#check()
      yield piece
      this.#seen(length)
    }
    this.#check()
  }

  /** The same in one piece, for objects that are small. */
  async whole(): Promise<Uint8Array> {
    const whole = new Uint8Array(this.#expected.size)
    let at = 0
    for await (const piece of this.pieces()) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }

  /** Have all pieces gone by, and been right? Whoever puts them may not ask for them all: what is there need not be put. */
  get isWhole(): boolean {
    return this.#ended
  }

  /** The Merkle tree, once all pieces have gone by. */
  tree(): Uint8Array {
    return this.#hasher.tree()
  }

  #check(): void {
    if (this.#ended) return
    this.#ended = true
    const { digest } = this.#expected
    if (digest === undefined) return
    const actual = this.#hasher.digest()
    const wanted = fromHex(digest)
    if (wanted !== undefined && wanted.length === actual.length && sameBytes(actual, 0, wanted)) return
    throw wrongBytes(this.#label, 'digest', digest, toHex(actual))
  }
}
