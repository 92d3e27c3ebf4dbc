// Checked blocks of Merkle trees, by tree and number, for all sources that share them: the least recently used goes. Not
// here: checking them, or where they come from.

import { VERITY_BLOCK } from '../format/verity-blocks.js'

/** About what an entry costs beside its block: key, map slot, typed array. */
const ENTRY_COST = 256

export class MerkleBlocks {
  readonly limit: number
  /** The one that was used longest ago first. */
  readonly #blocks = new Map<string, Uint8Array>()

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes held, about. */
  get bytes(): number {
    return this.#blocks.size * (VERITY_BLOCK + ENTRY_COST)
  }

  get(key: string): Uint8Array | undefined {
    const block = this.#blocks.get(key)
    if (block === undefined) return undefined
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    return block
  }

  /** The block is kept as it is: nobody may write to it. */
  keep(key: string, block: Uint8Array): void {
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.bytes <= this.limit) return
      this.#blocks.delete(oldest)
    }
  }
}
