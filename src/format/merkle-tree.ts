// A stored Merkle tree of fs-verity: made of data, and used to check one block of the data alone against the digest of
// all of it (spec composefs-tools.md section 6; the kernel's fs/verity/verify.c). The layout stands in verity-blocks.ts
// and is that of `fsverity digest --out-merkle-tree`.
// Not here: where the tree and the data are kept.

import { Fault, type Outcome } from './errno.js'
import type { HashAlgorithm, Sha256 } from './hash.js'
import { toHex } from './hex.js'
import { MerklePlaces } from './merkle-places.js'
import { BlockHasher, treeShape, VERITY_BLOCK } from './verity-blocks.js'

/** The stored tree of a byte string; empty for a block (4096 bytes) or less. A bare function is SHA-256. */
export function merkleTree(data: Uint8Array, hash: Sha256 | HashAlgorithm): Uint8Array {
  const blocks = new BlockHasher(hash)
  return blocks.tree(blocks.hashes(data), data.length)
}

/**
 * The stored tree of `size` bytes of data whose leaf hashes are `leaves`. Throws a RangeError when there are more or
 * fewer leaves than the size has blocks.
 */
export function merkleTreeFromLeaves(leaves: Uint8Array, size: number, hash: Sha256 | HashAlgorithm): Uint8Array {
  return new BlockHasher(hash).tree(leaves, size)
}

/** Bytes of the stored tree of `size` bytes of data. Throws a RangeError unless that is a number of bytes. */
export function merkleTreeLength(size: number, digestSize: 32 | 64): number {
  return treeShape(size, digestSize).length
}

function sameBytes(a: Uint8Array, at: number, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[at + i] !== b[i]) return false
  return true
}

/** The tree and the digest of one object, against which its blocks are checked. */
export class MerkleTree {
  /** Bytes of the data. */
  readonly size: number
  readonly #blocks: BlockHasher
  readonly #digest: Uint8Array
  readonly #tree: Uint8Array
  readonly #places: MerklePlaces
  /** By block of the tree: 1 once it is known that its hash leads to the digest. */
  readonly #trusted: Uint8Array

  private constructor(blocks: BlockHasher, tree: Uint8Array, places: MerklePlaces, size: number, digest: Uint8Array) {
    this.size = size
    this.#blocks = blocks
    this.#tree = tree
    this.#places = places
    this.#digest = digest
    this.#trusted = new Uint8Array(places.treeBlocks)
    if (tree.length > 0) this.#trusted[0] = 1
  }

  /**
   * Takes a stored tree of `size` bytes of data with the fs-verity digest `digest`, and checks its top block: one block
   * is hashed, whatever the size. What else is wrong with it shows at the blocks that depend on it. Tree and digest are
   * copied, so nothing can change after it was checked. Data of one block or none has an empty tree; of one block even
   * the root hash is only known by that block, and is checked with it. EINVAL: no size, or a digest of another length
   * than the hash's; EIO: a tree of the wrong length, or not that of the digest.
   */
  static open(tree: Uint8Array, size: number, digest: Uint8Array, hash: Sha256 | HashAlgorithm): Outcome<MerkleTree> {
    const blocks = new BlockHasher(hash)
    const { name, digestSize } = blocks.algorithm
    if (!Number.isSafeInteger(size) || size < 0) return new Fault('EINVAL', `${size} is no number of bytes`)
    if (digest.length !== digestSize) return new Fault('EINVAL', `${digest.length} bytes are no ${name} digest`)
    const places = new MerklePlaces(size, digestSize)
    if (tree.length !== places.length) {
      const wanted = `where ${size} bytes of data have ${places.length}`
      return new Fault('EIO', `Merkle tree: ${tree.length} bytes ${wanted}`)
    }
    // slice() of a Buffer would share its memory.
    const own = new MerkleTree(blocks, new Uint8Array(tree), places, size, new Uint8Array(digest))
    if (size > 0 && size <= VERITY_BLOCK) return own
    const root = size === 0 ? new Uint8Array(0) : blocks.hash(own.#tree.subarray(0, VERITY_BLOCK))
    const found = blocks.digestOfRoot(root, size)
    if (sameBytes(own.#digest, 0, found)) return own
    return new Fault('EIO', `Merkle tree: its digest is ${toHex(found)}, not ${toHex(own.#digest)}`)
  }

  /** Blocks of the data, 4096 bytes each but for the last. */
  get blockCount(): number {
    return this.#places.dataBlocks
  }

  /**
   * Is this block number `index` (from 0) of the data? False for a block that was altered, that is not of just the
   * length that it has in the data (the last one without padding), or whose way through the tree to the digest is broken.
   */
  checkBlock(index: number, block: Uint8Array): boolean {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.blockCount) return false
    if (block.length !== Math.min(VERITY_BLOCK, this.size - index * VERITY_BLOCK)) return false
    const hash = this.#blocks.hash(block)
    if (this.#tree.length === 0) return sameBytes(this.#digest, 0, this.#blocks.digestOfRoot(hash, this.size))
    const leaf = this.#places.leafBlock(index)
    return this.#trust(leaf) && sameBytes(this.#tree, leaf * VERITY_BLOCK + this.#places.leafOffset(index), hash)
  }

  /** Does a block of the tree lead to the digest? The top one does, since `open`. Levels are seven at most, and so is the depth of this. */
  #trust(block: number): boolean {
    if (this.#trusted[block] === 1) return true
    const parent = this.#places.parent(block)
    if (!this.#trust(parent)) return false
    const at = block * VERITY_BLOCK
    const hash = this.#blocks.hash(this.#tree.subarray(at, at + VERITY_BLOCK))
    if (!sameBytes(this.#tree, parent * VERITY_BLOCK + this.#places.offsetInParent(block), hash)) return false
    this.#trusted[block] = 1
    return true
  }
}
