// Rows of a long list that the worker keeps, as far as they have been seen: asked for in blocks, drawn when they are there. Not
// here: what they are rows of.

import { type Signal, signal } from '@preact/signals'

const BLOCK = 64
/** Blocks that are kept; what was seen longest ago goes first. */
const BLOCKS_MAX = 256

interface Block<T> {
  readonly era: number
  readonly rows: readonly T[]
}

export class Rows<T> {
  readonly #fetch: (start: number, length: number) => Promise<readonly T[]>
  readonly #blocks = new Map<number, Block<T>>()
  readonly #asked = new Set<number>()
  #era = 0
  /** Counts what has arrived, for whoever draws. */
  readonly arrived: Signal<number> = signal(0)

  constructor(fetch: (start: number, length: number) => Promise<readonly T[]>) {
    this.#fetch = fetch
  }

  /** undefined as long as it is not here. */
  at(index: number): T | undefined {
    return this.#blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK]
  }

  /** Asks for what is missing or old of the rows from `start` to before `end`. */
  need(start: number, end: number): void {
    for (let block = Math.floor(start / BLOCK); block * BLOCK < end; block++) {
      if (this.#blocks.get(block)?.era !== this.#era && !this.#asked.has(block)) void this.#load(block)
    }
  }

  /** The first rows, which came along with another answer. */
  put(rows: readonly T[]): void {
    this.#keep(0, rows.slice(0, BLOCK))
  }

  /** The list is another from now on. What is seen stays until the new rows are there. */
  reset(): void {
    this.#era++
    this.#asked.clear()
    this.arrived.value++
  }

  #keep(block: number, rows: readonly T[]): void {
    this.#blocks.delete(block)
    this.#blocks.set(block, { era: this.#era, rows })
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= BLOCKS_MAX) break
      this.#blocks.delete(oldest)
    }
    this.arrived.value++
  }

  async #load(block: number): Promise<void> {
    const era = this.#era
    this.#asked.add(block)
    try {
      const rows = await this.#fetch(block * BLOCK, BLOCK)
      if (era === this.#era) this.#keep(block, rows)
    } finally {
      if (era === this.#era) this.#asked.delete(block)
    }
  }
}
