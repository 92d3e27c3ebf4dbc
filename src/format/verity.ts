// fs-verity digests of whole byte strings, and of data that comes in chunks. The formats stand in verity-blocks.ts.
// Not here: other block sizes, who is asked for a digest and what happens when it is wrong (src/store).

import type { HashAlgorithm, Sha256 } from './hash.js'
import { BlockHasher, leavesLength, VERITY_BLOCK } from './verity-blocks.js'

export { BlockHasher, leavesLength, VERITY_BLOCK, VERITY_HASH } from './verity-blocks.js'

/** Leaves that are given room at first. */
const FIRST_LEAVES = 16

/**
 * The digest of `size` bytes of data whose leaf hashes are `leaves`. Throws a RangeError when there are more or fewer
 * leaves than the size has blocks. A bare function is SHA-256, here as below.
 */
export function verityFromLeaves(leaves: Uint8Array, size: number, hash: Sha256 | HashAlgorithm): Uint8Array {
  return new BlockHasher(hash).digest(leaves, size)
}

/** fs-verity digest of a byte string: 32 bytes, or 64 of SHA-512. */
export function verityDigest(data: Uint8Array, hash: Sha256 | HashAlgorithm): Uint8Array {
  const blocks = new BlockHasher(hash)
  return blocks.digest(blocks.hashes(data), data.length)
}

/** Leaf hashes, tree and digest of data that comes in chunks of any length. Full blocks are hashed where they lie. */
export class VerityHasher {
  readonly #blocks: BlockHasher
  readonly #digestSize: number
  #leaves: Uint8Array
  #used = 0
  #size = 0
  #partial: Uint8Array | undefined
  #partialLength = 0
  #digest: Uint8Array | undefined

  /** `expectedSize`, in bytes, only saves growing: it allocates for that many, so it must not be an image's word. */
  constructor(hash: Sha256 | HashAlgorithm, expectedSize = 0) {
    this.#blocks = new BlockHasher(hash)
    this.#digestSize = this.#blocks.algorithm.digestSize
    this.#leaves = new Uint8Array(leavesLength(expectedSize, this.#digestSize))
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size
  }

  /** Takes the next bytes of the data. Throws once the digest, the leaves or the tree have been asked for. */
  update(chunk: Uint8Array): void {
    if (this.#digest !== undefined) throw new Error('the data has ended already')
    this.#size += chunk.length
    const from = this.#partialLength > 0 ? this.#fill(chunk, 0) : 0
    const to = chunk.length - ((chunk.length - from) % VERITY_BLOCK)
    if (to > from) this.#append(chunk, from, to)
    if (to < chunk.length) this.#fill(chunk, to)
  }

  /** The digest of all data, the same buffer at each call; ends the data. */
  digest(): Uint8Array {
    if (this.#digest === undefined) {
      if (this.#partial !== undefined && this.#partialLength > 0) this.#append(this.#partial, 0, this.#partialLength)
      this.#digest = this.#blocks.digest(this.#leaves.subarray(0, this.#used), this.#size)
    }
    return this.#digest
  }

  /** The leaf hashes, one a block, in a buffer of just that length; ends the data. */
  leaves(): Uint8Array {
    this.digest()
    return this.#used === this.#leaves.length ? this.#leaves : this.#leaves.slice(0, this.#used)
  }

  /** The Merkle tree, as `fsverity digest --out-merkle-tree` writes it; empty for a block or less. Ends the data. */
  tree(): Uint8Array {
    this.digest()
    return this.#blocks.tree(this.#leaves.subarray(0, this.#used), this.#size)
  }

  /** The 256 bytes whose hash is the digest. Ends the data. */
  descriptor(): Uint8Array {
    this.digest()
    return this.#blocks.descriptor(this.#leaves.subarray(0, this.#used), this.#size)
  }

  /** Adds what fits of `chunk` from `at` on to the block that was begun; answers where the rest begins. */
  #fill(chunk: Uint8Array, at: number): number {
    this.#partial ??= new Uint8Array(VERITY_BLOCK)
    const end = Math.min(chunk.length, at + VERITY_BLOCK - this.#partialLength)
    this.#partial.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), this.#partialLength)
    this.#partialLength += end - at
    if (this.#partialLength === VERITY_BLOCK) {
      this.#append(this.#partial, 0, VERITY_BLOCK)
      this.#partialLength = 0
    }
    return end
  }

  /** Hashes the blocks of `data` in [from, to); only the data's very last may be short. */
  #append(data: Uint8Array, from: number, to: number): void {
    const needed = this.#used + leavesLength(to - from, this.#digestSize)
    if (needed > this.#leaves.length) {
      const grown = new Uint8Array(Math.max(2 * this.#leaves.length, needed, FIRST_LEAVES * this.#digestSize))
      grown.set(this.#leaves)
      this.#leaves = grown
    }
    this.#used = this.#blocks.hashesTo(data, from, to, this.#leaves, this.#used)
  }
}
