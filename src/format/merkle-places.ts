// Where the hash of a block stands in a stored Merkle tree (its layout is drawn in verity-blocks.ts). Blocks of the tree
// are numbered as they are stored: 0 is the top one, and a block's parent always has a smaller number than the block.
// Not here: bytes, or whether they are right.

import { type TreeShape, treeShape, VERITY_BLOCK } from './verity-blocks.js'

export class MerklePlaces {
  /** Bytes of the tree. */
  readonly length: number
  /** Blocks of the data. */
  readonly dataBlocks: number
  /** Blocks of the tree. */
  readonly treeBlocks: number
  /** Bytes of one hash. */
  readonly #digestSize: number
  /** Hashes in a block of the tree. */
  readonly #fanout: number
  /** Number of each level's first block, the leaves' level first. */
  readonly #firsts: readonly number[]

  /** Throws a RangeError unless `size` is a number of bytes. */
  constructor(size: number, digestSize: 32 | 64) {
    const shape: TreeShape = treeShape(size, digestSize)
    this.length = shape.length
    this.dataBlocks = Math.ceil(size / VERITY_BLOCK)
    this.treeBlocks = shape.length / VERITY_BLOCK
    this.#digestSize = digestSize
    this.#fanout = VERITY_BLOCK / digestSize
    this.#firsts = shape.levels.map(offset => offset / VERITY_BLOCK)
  }

  /** The tree's block with the hash of a block of the data. There is none when the tree is empty. */
  leafBlock(index: number): number {
    return this.#firsts[0] + Math.floor(index / this.#fanout)
  }

  /** Where in that block the hash begins. */
  leafOffset(index: number): number {
    return (index % this.#fanout) * this.#digestSize
  }

  /** The tree's block with the hash of one of its blocks but the top one. */
  parent(block: number): number {
    const level = this.#levelOf(block)
    return this.#firsts[level + 1] + Math.floor((block - this.#firsts[level]) / this.#fanout)
  }

  /** Where in its parent the hash of one of the tree's blocks begins. */
  offsetInParent(block: number): number {
    return ((block - this.#firsts[this.#levelOf(block)]) % this.#fanout) * this.#digestSize
  }

  /** How many blocks, from the top, those levels have that end within `most` blocks; the leaves' level not counted. */
  upperBlocks(most: number): number {
    // Topmost first; a level ends where the one below it begins.
    for (let level = 0; level < this.#firsts.length - 1; level++) {
      if (this.#firsts[level] <= most) return this.#firsts[level]
    }
    return Math.min(this.treeBlocks, 1)
  }

  /** Seven levels at most. */
  #levelOf(block: number): number {
    let level = 0
    while (this.#firsts[level] > block) level++
    return level
  }
}
