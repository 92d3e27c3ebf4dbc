// The loop: an input is taken from the corpus, changed, run; what went a new way is kept. All of it follows from the seed, also where it
// is broken off and resumed. Not here: where the corpus is kept, what is shown meanwhile (src/cli/fuzz.ts).

import { Coverage } from './coverage.js'
import { Random, type RandomState } from './random.js'
import type { Mutator, Target } from './target.js'

/** Changes to one input at a time, at most. */
const STACK = 6
/** One run in so many is of the newest inputs, which are the most promising. */
const NEWEST = 3
/** One pick in so many may be an input that did not get past the first look. */
const SHALLOW = 4

export interface CorpusEntry {
  readonly input: Uint8Array
  /** Did it get past the first look? */
  readonly deep: boolean
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

/** Where a Fuzzer stands, beside its corpus. */
export interface FuzzerState {
  readonly seed: number
  readonly runs: number
  readonly deep: number
  readonly random: RandomState
}

export interface FuzzerOptions {
  readonly seed: number
  /** What was kept before; the target's seeds come first. With `resume` it is all of the corpus, in its order. */
  readonly corpus?: readonly Uint8Array[]
  /** Goes on where another one stood, as if that had never ended. */
  readonly resume?: FuzzerState
  /** Told of an input that is kept, but not of those that it begins with. */
  readonly kept?: (input: Uint8Array) => void
}

export class Fuzzer {
  readonly #target: Target
  readonly #random: Random
  readonly #coverage: Coverage
  readonly #options: FuzzerOptions
  readonly #work: Uint8Array
  /** What the corpus begins with, and how much of it has been run. */
  readonly #first: readonly Uint8Array[]
  #begun = 0
  readonly corpus: CorpusEntry[] = []
  /** Runs so far, and how many of them got past the first look. */
  runs = 0
  deep = 0

  constructor(target: Target, options: FuzzerOptions) {
    this.#target = target
    this.#options = options
    const { seed, resume, corpus = [] } = options
    this.#first = resume === undefined ? [...target.seeds, ...corpus] : corpus
    this.#random = resume === undefined ? new Random(seed) : Random.at(resume.random)
    this.#coverage = new Coverage(target.counters?.length ?? 0)
    this.#work = new Uint8Array(target.maxBytes)
  }

  get coverage(): { readonly reached: number; readonly present: number } {
    return this.#coverage
  }

  /** For `resume` of another one, with the inputs of this one's corpus. */
  get state(): FuzzerState {
    return { seed: this.#options.seed, runs: this.runs, deep: this.deep, random: this.#random.state }
  }

  /** Runs what the corpus begins with. The first that breaks a promise is answered, and left out; called again, it goes on behind it. */
  begin(): Found | undefined {
    while (this.#begun < this.#first.length) {
      const input = this.#first[this.#begun++]
      const found = input.length > this.#target.maxBytes ? undefined : this.#run(input, [], true)
      if (found !== undefined) return found
    }
    if (this.corpus.length === 0) this.corpus.push({ input: new Uint8Array(0), deep: false, runs: 0 })
    const { resume } = this.#options
    if (resume !== undefined) {
      this.runs = resume.runs
      this.deep = resume.deep
    }
    return undefined
  }

  /** So many runs more, after `begin`. The first that breaks a promise ends them, and is answered. */
  go(runs: number): Found | undefined {
    for (let i = 0; i < runs; i++) {
      const found = this.#one()
      if (found !== undefined) return found
    }
    return undefined
  }

  #pick(): CorpusEntry {
    const random = this.#random
    const { corpus } = this
    const newest = Math.min(corpus.length, 16)
    const entry = random.once(NEWEST) ? corpus[corpus.length - 1 - random.below(newest)] : random.pick(corpus)
    // Much of what is refused at once goes a way of its own, and little of what is made of it gets any further.
    return entry.deep || random.once(SHALLOW) ? entry : random.pick(corpus)
  }

  #one(): Found | undefined {
    const random = this.#random
    const { corpus } = this
    const { mutators, maxBytes } = this.#target
    const entry = this.#pick()
    entry.runs++
    const origin = entry.input
    this.#work.set(origin)
    let input = this.#work.subarray(0, origin.length)
    const names: string[] = []
    for (let left = 1 + random.below(STACK); left > 0; left--) {
      const mutator: Mutator = random.pick(mutators)
      const next = mutator.mutate(input, random, { origin, other: random.pick(corpus).input })
      if (next === undefined || next.length > maxBytes) continue
      input = next
      names.push(mutator.name)
    }
    return this.#run(input, names, false)
  }

  #run(input: Uint8Array, mutators: readonly string[], keep: boolean): Found | undefined {
    this.runs++
    let deep = false
    try {
      deep = this.#target.run(input)
    } catch (error) {
      return { input: input.slice(), error, run: this.runs, mutators }
    }
    if (deep) this.deep++
    const { counters } = this.#target
    const news = counters === undefined ? 0 : this.#coverage.add(counters)
    if (news === 0 && !keep) return undefined
    const entry = { input: input.slice(), deep, runs: 0 }
    this.corpus.push(entry)
    if (!keep) this.#options.kept?.(entry.input)
    return undefined
  }
}
