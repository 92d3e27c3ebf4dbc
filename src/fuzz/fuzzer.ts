// The loop: an input is taken from the corpus, changed, run; what went a new way is kept. All of it follows from the seed. Not here:
// where the corpus is kept, what is shown meanwhile (src/cli/fuzz.ts).

import { Coverage } from './coverage.js'
import { Random } from './random.js'
import type { Mutator, Target } from './target.js'

/** Changes to one input at a time, at most. */
const STACK = 6
/** Runs between looks at the newest inputs only, which are the most promising. */
const NEWEST = 3

export interface CorpusEntry {
  readonly input: Uint8Array
  /** Runs made of it. */
  runs: number
}

export interface Found {
  readonly input: Uint8Array
  readonly error: unknown
  /** At which run. */
  readonly run: number
  readonly mutators: readonly string[]
}

export interface FuzzerOptions {
  readonly seed: number
  /** What was kept before; the target's seeds come first. */
  readonly corpus?: readonly Uint8Array[]
  /** Told of an input that is kept. */
  readonly kept?: (input: Uint8Array) => void
}

export class Fuzzer {
  readonly #target: Target
  readonly #random: Random
  readonly #coverage: Coverage
  readonly #options: FuzzerOptions
  readonly corpus: CorpusEntry[] = []
  /** Runs so far, and how many of them got past the first look. */
  runs = 0
  deep = 0

  constructor(target: Target, options: FuzzerOptions) {
    this.#target = target
    this.#options = options
    this.#random = new Random(options.seed)
    this.#coverage = new Coverage(target.counters?.length ?? 0)
  }

  get coverage(): { readonly reached: number; readonly present: number } {
    return this.#coverage
  }

  /** Runs what the corpus begins with. The first that breaks a promise is answered. */
  begin(): Found | undefined {
    for (const input of [...this.#target.seeds, ...(this.#options.corpus ?? [])]) {
      if (input.length > this.#target.maxBytes) continue
      const found = this.#run(input, [], true)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** So many runs more. The first that breaks a promise ends them, and is answered. */
  go(runs: number): Found | undefined {
    for (let i = 0; i < runs; i++) {
      const found = this.#one()
      if (found !== undefined) return found
    }
    return undefined
  }

  #one(): Found | undefined {
    const random = this.#random
    const { corpus } = this
    const newest = Math.min(corpus.length, 16)
    const entry = random.once(NEWEST) ? corpus[corpus.length - 1 - random.below(newest)] : random.pick(corpus)
    entry.runs++
    let input: Uint8Array = entry.input.slice()
    const names: string[] = []
    for (let left = 1 + random.below(STACK); left > 0; left--) {
      const mutator: Mutator = random.pick(this.#target.mutators)
      const next = mutator.mutate(input, random, { origin: entry.input, other: random.pick(corpus).input })
      if (next === undefined || next.length > this.#target.maxBytes) continue
      input = next
      names.push(mutator.name)
    }
    return this.#run(input, names, false)
  }

  #run(input: Uint8Array, mutators: readonly string[], keep: boolean): Found | undefined {
    this.runs++
    try {
      if (this.#target.run(input)) this.deep++
    } catch (error) {
      return { input, error, run: this.runs, mutators }
    }
    const { counters } = this.#target
    const news = counters === undefined ? 0 : this.#coverage.add(counters)
    if (news === 0 && !keep) return undefined
    this.corpus.push({ input: input.slice(), runs: 0 })
    if (!keep) this.#options.kept?.(input)
    return undefined
  }
}
