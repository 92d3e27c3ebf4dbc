// Rows of a long list that the worker keeps, as far as they have been seen: asked for in blocks, drawn when they are there. Not
// here: what they are rows of.

import { type Signal, signal } from '@preact/signals'

const BLOCK = 64
/** Blocks that are kept; what was seen longest ago goes first. */
const BLOCKS_MAX = 256
/** Blocks that are asked for at a time: who scrolls past many wants the last ones. */
const ASKED_MAX = 3

interface Block<T> {
  readonly era: number
  readonly rows: readonly T[]
}

export class Rows<T> {
  readonly #fetch: (start: number, length: number) => Promise<readonly T[] | undefined>
  readonly #blocks = new Map<number, Block<T>>()
  readonly #asked = new Set<number>()
  #era = 0
  #needed = { start: 0, end: 0 }
  /** Counts what has arrived, for whoever draws. */
  readonly arrived: Signal<number> = signal(0)

  /** `fetch` answers undefined for what can't be had. */
  constructor(fetch: (start: number, length: number) => Promise<readonly T[] | undefined>) {
    this.#fetch = fetch
  }

  /** As it was last seen: undefined as long as it is not here. */
  at(index: number): T | undefined {
    return this.#blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK]
  }

  /** As it is: undefined, too, where only an older one is here. */
  newest(index: number): T | undefined {
    const block = this.#blocks.get(Math.floor(index / BLOCK))
    return block?.era === this.#era ? block.rows[index % BLOCK] : undefined
  }

  /** As it is: asked for where it is not here. */
  async get(index: number): Promise<T | undefined> {
    return this.newest(index) ?? (await this.#fetch(index, 1))?.[0]
  }

  /** What is missing or old of the rows from `start` to before `end` is asked for; what was needed before is needed no more. */
  need(start: number, end: number): void {
    this.#needed = { start, end }
    for (let block = Math.floor(start / BLOCK); block * BLOCK < end && this.#asked.size < ASKED_MAX; block++) {
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

  /** Nothing of it is there any more. */
  clear(): void {
    this.#blocks.clear()
    this.reset()
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
    const rows = await this.#fetch(block * BLOCK, BLOCK)
    if (era !== this.#era) return
    this.#asked.delete(block)
    if (rows !== undefined) this.#keep(block, rows)
    // Others may have been needed while too many were asked for.
    if (rows !== undefined) this.need(this.#needed.start, this.#needed.end)
  }
}
