// What is fuzzed: a target runs one input and throws a Violation where something that it promises does not hold. Not here: any target
// (src/fuzz/targets), how inputs are made (fuzzer.ts).

import type { Random } from './random.js'

/** A promise that was broken. Whatever else a target throws counts as one too: it promises not to. */
export class Violation extends Error {
  constructor(
    /** Which promise, as at the head of the target: 'no trap', 'no hang'. */
    readonly invariant: string,
    detail: string,
  ) {
    super(`${invariant}: ${detail}`)
  }
}

/** What a change may look at: the input of the corpus that all of this began as, and another one. Neither is to be changed. */
export interface Material {
  readonly origin: Uint8Array
  readonly other: Uint8Array
}

/** Changes an input; undefined where it has no place for that change. The result may be the input itself, changed. */
export interface Mutator {
  readonly name: string
  mutate(input: Uint8Array, random: Random, material: Material): Uint8Array | undefined
}

export interface Target {
  readonly name: string
  /** What holds for every input, in words. */
  readonly invariants: readonly string[]
  /** Bytes of the largest input. */
  readonly maxBytes: number
  readonly mutators: readonly Mutator[]
  /** What it begins with. */
  readonly seeds: readonly Uint8Array[]
  /** Runs one: true where it got past the first look (the superblock's check, the first line). Throws a Violation. */
  run(input: Uint8Array): boolean
  /** Counts of the last run by edge; none where a target is not instrumented. */
  readonly counters?: Uint8Array
}
