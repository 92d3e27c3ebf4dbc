// The regular files of a tree whose bytes are still to be read, in columns: which node, and what lstat said of it.

import { FACT_SIZE, FACT_WORDS } from '../format/file-facts.js'

const FIRST_ROWS = 256

export class FileList {
  count = 0
  node = new Int32Array(FIRST_ROWS)
  /** FACT_WORDS words a file, as file-facts.ts has them. */
  facts = new BigUint64Array(FIRST_ROWS * FACT_WORDS)

  /** Adds a file; its facts are copied from the front of `facts`. */
  add(node: number, facts: BigUint64Array): void {
    if (this.count === this.node.length) this.#grow()
    this.node[this.count] = node
    const at = this.count * FACT_WORDS
    for (let i = 0; i < FACT_WORDS; i++) this.facts[at + i] = facts[i]
    this.count++
  }

  /** Bytes of a file. */
  size(file: number): number {
    return Number(this.facts[file * FACT_WORDS + FACT_SIZE])
  }

  /** Drops the files that a predicate on their node refuses. */
  keep(wanted: (node: number) => boolean): void {
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      if (!wanted(this.node[i])) continue
      this.node[kept] = this.node[i]
      this.facts.copyWithin(kept * FACT_WORDS, i * FACT_WORDS, (i + 1) * FACT_WORDS)
      kept++
    }
    this.count = kept
  }

  #grow(): void {
    const node = new Int32Array(2 * this.node.length)
    node.set(this.node)
    this.node = node
    const facts = new BigUint64Array(2 * this.facts.length)
    facts.set(this.facts)
    this.facts = facts
  }
}
