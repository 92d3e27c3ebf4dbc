// fs-verity: hashes of blocks, the Merkle tree above them, and the descriptor whose hash is the digest; blocks of 4096
// bytes, no salt (spec composefs-tools.md section 6; Documentation/filesystems/fsverity.rst, fs/verity/ of the kernel).
// Empty data has an all-zero root hash, as in the kernel; mkcomposefs 1.0.8 hashes one zero block instead.
// Not here: data in chunks (verity.ts), checking a block by a stored tree (merkle-tree.ts).
//
//   data      | block 0 | block 1 | ... | block n-1, zero padded |        4096 bytes each
//   level 0   | hash 0, hash 1, ... | hash 128, ...              |        the leaves: a hash for each block
//   level 1   | hash of the first 4096 bytes of level 0 | ...     |        and so on, until one hash is left: the root
//
// A stored tree, as `fsverity digest --out-merkle-tree` writes it, has the levels but the root hash itself, topmost
// first, each zero padded to whole blocks. Data of one block or none has an empty tree.
//
// The digest is the hash of a 256-byte descriptor of size and root:
//
//   off  0: 1 (version)   1: 1 (SHA-256) or 2 (SHA-512)   2: 12 (log2 of the block size)   3: 0 (salt size)
//        8: size, u64 LE  16: root hash, zero padded to 64 bytes            all else: 0

import { algorithmOf, type HashAlgorithm, type Sha256 } from './hash.js'

/** Bytes in a block that is hashed as one. */
export const VERITY_BLOCK = 4096
/** Bytes in a SHA-256 digest, and in each of its leaf hashes. */
export const VERITY_HASH = 32

const DESCRIPTOR_SIZE = 256
const LOG_BLOCK = 12
const OFF_VERSION = 0
const OFF_ALGORITHM = 1
const OFF_LOG_BLOCK = 2
const OFF_SIZE = 8
const OFF_ROOT = 16

/** Bytes of leaf hashes that `size` bytes of data have; `digestSize`: bytes of one hash. */
export function leavesLength(size: number, digestSize: number = VERITY_HASH): number {
  return Math.ceil(size / VERITY_BLOCK) * digestSize
}

/** Where the levels of a stored tree are. */
export interface TreeShape {
  /** Bytes of the whole tree. */
  readonly length: number
  /** Byte offset of each level, the leaves' first. Empty when the data is one block or none. */
  readonly levels: readonly number[]
}

/** Shape of the tree of `size` bytes of data. Throws a RangeError unless that is a number of bytes. */
export function treeShape(size: number, digestSize: number): TreeShape {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no number of bytes`)
  const lengths: number[] = []
  // Seven rounds at most: each level is a 64th or 128th of the one below.
  for (let hashes = Math.ceil(size / VERITY_BLOCK); hashes > 1; ) {
    hashes = Math.ceil((hashes * digestSize) / VERITY_BLOCK)
    lengths.push(hashes * VERITY_BLOCK)
  }
  const levels = new Array<number>(lengths.length)
  let length = 0
  for (let level = lengths.length - 1; level >= 0; level--) {
    levels[level] = length
    length += lengths[level]
  }
  return { length, levels }
}

/**
 * Hashes blocks, trees of them and descriptors, with buffers of its own for padding: small data is common, and a fresh
 * buffer would cost as much as its hash. What comes in is read only, what is answered is the caller's.
 */
export class BlockHasher {
  readonly algorithm: HashAlgorithm
  readonly #hash: (data: Uint8Array) => Uint8Array
  readonly #to: (data: Uint8Array, into: Uint8Array, at: number) => void
  readonly #digestSize: number
  readonly #padded = new Uint8Array(VERITY_BLOCK)
  readonly #descriptor = new Uint8Array(DESCRIPTOR_SIZE)
  readonly #view = new DataView(this.#descriptor.buffer)

  /** A bare function is SHA-256. */
  constructor(hash: Sha256 | HashAlgorithm) {
    this.algorithm = algorithmOf(hash)
    const { hash: whole, number, digestSize } = this.algorithm
    this.#hash = whole
    this.#to = whole.to ?? ((data, into, at) => into.set(whole(data), at))
    this.#digestSize = digestSize
    this.#descriptor[OFF_VERSION] = 1
    this.#descriptor[OFF_ALGORITHM] = number
    this.#descriptor[OFF_LOG_BLOCK] = LOG_BLOCK
  }

  /** Hash of one block; what is shorter counts as zero padded. Throws a RangeError for what is longer. */
  hash(block: Uint8Array): Uint8Array {
    return this.#hash(block.length === VERITY_BLOCK ? block : this.#pad(block))
  }

  /** Hash of the block of `data` that begins at `from`. */
  hashAt(data: Uint8Array, from: number): Uint8Array {
    // A view costs a tenth of the hash, and small data needs none.
    return this.hash(from === 0 && data.length <= VERITY_BLOCK ? data : data.subarray(from, from + VERITY_BLOCK))
  }

  /**
   * Writes the hashes of the blocks of `data` in [from, to) to `into` at `at`, one after the other; answers where they
   * end. The last block counts as zero padded.
   */
  hashesTo(data: Uint8Array, from: number, to: number, into: Uint8Array, at: number): number {
    let end = at
    let start = from
    // Views by the constructor: `subarray` of a Buffer costs a tenth of the hash.
    for (; start + VERITY_BLOCK <= to; start += VERITY_BLOCK, end += this.#digestSize) {
      this.#to(new Uint8Array(data.buffer, data.byteOffset + start, VERITY_BLOCK), into, end)
    }
    if (start >= to) return end
    this.#to(this.#pad(data.subarray(start, to)), into, end)
    return end + this.#digestSize
  }

  /** The hashes of all blocks of a byte string: its leaves, or the level above a level of the tree. */
  hashes(data: Uint8Array): Uint8Array {
    const hashes = new Uint8Array(leavesLength(data.length, this.#digestSize))
    this.hashesTo(data, 0, data.length, hashes, 0)
    return hashes
  }

  /** See verityFromLeaves. */
  digest(leaves: Uint8Array, size: number): Uint8Array {
    return this.digestOfRoot(this.#root(leaves, size), size)
  }

  /** Digest of `size` bytes of data by the root hash of their tree. */
  digestOfRoot(root: Uint8Array, size: number): Uint8Array {
    this.#describe(root, size)
    return this.#hash(this.#descriptor)
  }

  /** The 256 bytes whose hash is the digest, as `fsverity digest --out-descriptor` writes them. Throws as `digest`. */
  descriptor(leaves: Uint8Array, size: number): Uint8Array {
    this.#describe(this.#root(leaves, size), size)
    return this.#descriptor.slice()
  }

  /** The stored tree of `size` bytes of data; empty for a block or less. Throws a RangeError as `digest` does. */
  tree(leaves: Uint8Array, size: number): Uint8Array {
    this.#checkLeaves(leaves, size)
    const { length, levels } = treeShape(size, this.#digestSize)
    const tree = new Uint8Array(length)
    if (levels.length > 0) tree.set(leaves, levels[0])
    for (let level = 1; level < levels.length; level++) {
      const below = levels[level - 1]
      const end = level === 1 ? length : levels[level - 2]
      this.hashesTo(tree, below, end, tree, levels[level])
    }
    return tree
  }

  #pad(block: Uint8Array): Uint8Array {
    this.#padded.set(block)
    this.#padded.fill(0, block.length)
    return this.#padded
  }

  #checkLeaves(leaves: Uint8Array, size: number): void {
    if (leaves.length === leavesLength(size, this.#digestSize)) return
    throw new RangeError(`${leaves.length} bytes of leaf hashes for ${size} bytes of data`)
  }

  /** The root hash; empty for empty data. */
  #root(leaves: Uint8Array, size: number): Uint8Array {
    this.#checkLeaves(leaves, size)
    let level = leaves
    while (level.length > this.#digestSize) level = this.hashes(level)
    return level
  }

  #describe(root: Uint8Array, size: number): void {
    this.#view.setUint32(OFF_SIZE, size % 2 ** 32, true)
    this.#view.setUint32(OFF_SIZE + 4, Math.floor(size / 2 ** 32), true)
    if (size === 0) this.#descriptor.fill(0, OFF_ROOT, OFF_ROOT + this.#digestSize)
    else this.#descriptor.set(root, OFF_ROOT)
  }
}
