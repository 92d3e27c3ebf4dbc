// fs-verity digests: SHA-256 over a Merkle tree of 4096-byte blocks, no salt (spec composefs-tools.md section 6).
// Empty data has an all-zero root hash, as in the kernel; mkcomposefs 1.0.8 hashes one zero block instead.
// Not here: SHA-512, other block sizes, who is asked for a digest and what happens when it is wrong (src/store).
//
//   data      | block 0 | block 1 | ... | block n-1, zero padded |        4096 bytes each
//   level 0   | hash 0, hash 1, ... hash 127 | hash 128, ...      |        the leaves: 32 bytes a block
//   level 1   | hash of the first 4096 bytes of level 0 | ...     |        and so on, until one hash is left: the root
//
// The digest is the hash of a 256-byte descriptor of size and root:
//
//   off  0: 1 (version)   1: 1 (SHA-256)   2: 12 (log2 of the block size)   3: 0 (salt size)
//        8: size, u64 LE  16: root hash, zero padded to 64 bytes            all else: 0

import type { Sha256 } from './hash.js'

/** Bytes in a block that is hashed as one. */
export const VERITY_BLOCK = 4096
/** Bytes in a digest, and in each leaf hash. */
export const VERITY_HASH = 32

const DESCRIPTOR_SIZE = 256
const LOG_BLOCK = 12
const OFF_VERSION = 0
const OFF_ALGORITHM = 1
const OFF_LOG_BLOCK = 2
const OFF_SIZE = 8
const OFF_ROOT = 16
const FIRST_CAPACITY = 16 * VERITY_HASH

/** Bytes of leaf hashes that `size` bytes of data have. */
export function leavesLength(size: number): number {
  return Math.ceil(size / VERITY_BLOCK) * VERITY_HASH
}

/**
 * Hashes blocks, trees of them and descriptors, with buffers of its own for padding: small data is common, and a fresh
 * buffer would cost as much as its hash. What comes in is read only, what is answered is the caller's.
 */
export class BlockHasher {
  readonly #sha256: Sha256
  readonly #padded = new Uint8Array(VERITY_BLOCK)
  readonly #descriptor = new Uint8Array(DESCRIPTOR_SIZE)
  readonly #view = new DataView(this.#descriptor.buffer)

  constructor(sha256: Sha256) {
    this.#sha256 = sha256
    this.#descriptor[OFF_VERSION] = 1
    this.#descriptor[OFF_ALGORITHM] = 1
    this.#descriptor[OFF_LOG_BLOCK] = LOG_BLOCK
  }

  /** Hash of one block; what is shorter counts as zero padded. Throws a RangeError for what is longer. */
  hash(block: Uint8Array): Uint8Array {
    if (block.length === VERITY_BLOCK) return this.#sha256(block)
    this.#padded.set(block)
    this.#padded.fill(0, block.length)
    return this.#sha256(this.#padded)
  }

  /** Hash of the block of `data` that begins at `from`. */
  hashAt(data: Uint8Array, from: number): Uint8Array {
    // A view costs a tenth of the hash, and small data needs none.
    return this.hash(from === 0 && data.length <= VERITY_BLOCK ? data : data.subarray(from, from + VERITY_BLOCK))
  }

  /** The hashes of all blocks of a byte string, 32 bytes each: its leaves, or the level above a level of the tree. */
  hashes(data: Uint8Array): Uint8Array {
    const hashes = new Uint8Array(leavesLength(data.length))
    for (let from = 0, to = 0; from < data.length; from += VERITY_BLOCK, to += VERITY_HASH) {
      hashes.set(this.hashAt(data, from), to)
    }
    return hashes
  }

  /** See verityFromLeaves. */
  digest(leaves: Uint8Array, size: number): Uint8Array {
    if (leaves.length !== leavesLength(size)) {
      throw new RangeError(`${leaves.length} bytes of leaf hashes for ${size} bytes of data`)
    }
    let level = leaves
    while (level.length > VERITY_HASH) level = this.hashes(level)
    this.#view.setUint32(OFF_SIZE, size % 2 ** 32, true)
    this.#view.setUint32(OFF_SIZE + 4, Math.floor(size / 2 ** 32), true)
    if (size === 0) this.#descriptor.fill(0, OFF_ROOT, OFF_ROOT + VERITY_HASH)
    else this.#descriptor.set(level, OFF_ROOT)
    return this.#sha256(this.#descriptor)
  }
}

/**
 * The digest (32 bytes) of `size` bytes of data whose leaf hashes are `leaves`. Throws a RangeError when there are more
 * or fewer leaves than the size has blocks.
 */
export function verityFromLeaves(leaves: Uint8Array, size: number, sha256: Sha256): Uint8Array {
  return new BlockHasher(sha256).digest(leaves, size)
}

/** Leaf hashes and digest of data that comes in chunks of any length. Full blocks are hashed where they lie. */
export class VerityHasher {
  readonly #blocks: BlockHasher
  #leaves: Uint8Array
  #used = 0
  #size = 0
  #partial: Uint8Array | undefined
  #partialLength = 0
  #digest: Uint8Array | undefined

  /** `expectedSize`, in bytes, only saves growing: it allocates for that many, so it must not be an image's word. */
  constructor(sha256: Sha256, expectedSize = 0) {
    this.#blocks = new BlockHasher(sha256)
    this.#leaves = new Uint8Array(leavesLength(expectedSize))
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size
  }

  /** Takes the next bytes of the data. Throws once the digest or the leaves have been asked for. */
  update(chunk: Uint8Array): void {
    if (this.#digest !== undefined) throw new Error('the data has ended already')
    this.#size += chunk.length
    let at = this.#partialLength > 0 ? this.#fill(chunk) : 0
    for (; at + VERITY_BLOCK <= chunk.length; at += VERITY_BLOCK) {
      this.#append(this.#blocks.hash(chunk.subarray(at, at + VERITY_BLOCK)))
    }
    if (at < chunk.length) this.#fill(chunk.subarray(at))
  }

  /** The digest of all data, 32 bytes; ends the data. */
  digest(): Uint8Array {
    if (this.#digest === undefined) {
      if (this.#partialLength > 0) {
        this.#append(this.#blocks.hash((this.#partial as Uint8Array).subarray(0, this.#partialLength)))
      }
      this.#digest = this.#blocks.digest(this.#leaves.subarray(0, this.#used), this.#size)
    }
    return this.#digest
  }

  /** The leaf hashes, 32 bytes a block, in a buffer of just that length; ends the data. */
  leaves(): Uint8Array {
    this.digest()
    return this.#used === this.#leaves.length ? this.#leaves : this.#leaves.slice(0, this.#used)
  }

  /** Adds the front of `chunk` to the block that was begun; answers how much of it fitted. */
  #fill(chunk: Uint8Array): number {
    this.#partial ??= new Uint8Array(VERITY_BLOCK)
    const taken = Math.min(chunk.length, VERITY_BLOCK - this.#partialLength)
    this.#partial.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), this.#partialLength)
    this.#partialLength += taken
    if (this.#partialLength === VERITY_BLOCK) {
      this.#append(this.#blocks.hash(this.#partial))
      this.#partialLength = 0
    }
    return taken
  }

  #append(hash: Uint8Array): void {
    if (this.#used + VERITY_HASH > this.#leaves.length) {
      const grown = new Uint8Array(Math.max(2 * this.#leaves.length, FIRST_CAPACITY))
      grown.set(this.#leaves)
      this.#leaves = grown
    }
    this.#leaves.set(hash, this.#used)
    this.#used += VERITY_HASH
  }
}

/** fs-verity digest of a byte string, 32 bytes. */
export function verityDigest(data: Uint8Array, sha256: Sha256): Uint8Array {
  const blocks = new BlockHasher(sha256)
  return blocks.digest(blocks.hashes(data), data.length)
}
