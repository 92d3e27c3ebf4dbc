// A target fuzzed for a time or a number of runs: what breaks a promise is made smaller and noted once, and it goes on. Not here: what is
// shown of it (fuzz-report.ts), the loop itself (src/fuzz/fuzzer.ts).

import { type Found, Fuzzer } from '../fuzz/fuzzer.js'
import { minimize } from '../fuzz/minimize.js'
import { type Target, Violation } from '../fuzz/target.js'
import type { FuzzCorpus } from './fuzz-corpus.js'

/** Between looks at the clock and at what else happens, milliseconds. */
const PORTION = 50
const PORTION_MAX = 1 << 16
/** Different findings of a target that are looked at. */
const FINDINGS_MAX = 32
const MINIMIZE_TRIES = 1000
/** How often where it stands is saved, milliseconds. */
const SAVE = 10_000

export interface Finding {
  readonly invariant: string
  readonly message: string
  readonly mutators: readonly string[]
  readonly run: number
  readonly seed: number
  /** Bytes, made smaller. */
  readonly input: Uint8Array
  /** Where it is kept. */
  readonly file?: string
  /** How often anything like it was found. */
  times: number
}

export interface CampaignOptions {
  /** Undefined: that of what is resumed, or `anySeed`. */
  readonly seed: number | undefined
  readonly anySeed: number
  readonly corpus?: FuzzCorpus
}

export interface Limits {
  /** Milliseconds. */
  readonly time: number
  readonly runs: number
  readonly stopped: () => boolean
  readonly show: () => void
}

/** What was broken, and in which words. */
function broken(error: unknown): { invariant: string; message: string } {
  if (error instanceof Violation) {
    return { invariant: error.invariant, message: error.message.slice(error.invariant.length + 2) }
  }
  return { invariant: 'throws nothing else', message: String(error) }
}

/** The same for findings that differ in numbers alone. */
function kindOf(error: unknown): string {
  const { invariant, message } = broken(error)
  return `${invariant}: ${message.replace(/-?\d+/g, '#').slice(0, 200)}`
}

export class Campaign {
  readonly #corpus: FuzzCorpus | undefined
  readonly #kinds = new Map<string, Finding>()
  readonly fuzzer: Fuzzer
  readonly seed: number
  /** Runs that were made before. */
  readonly before: number
  /** Milliseconds. */
  time = 0

  constructor(
    readonly target: Target,
    { seed, anySeed, corpus }: CampaignOptions,
  ) {
    this.#corpus = corpus
    const kept = corpus?.load(target.maxBytes)
    const resume = seed === undefined || seed === kept?.state?.seed ? kept?.state : undefined
    this.seed = seed ?? resume?.seed ?? anySeed
    this.before = resume?.runs ?? 0
    this.fuzzer = new Fuzzer(target, {
      seed: this.seed,
      corpus: kept?.corpus,
      resume,
      kept: input => corpus?.keep(input),
    })
  }

  get findings(): readonly Finding[] {
    return [...this.#kinds.values()]
  }

  /** Runs of this campaign. */
  get runs(): number {
    return this.fuzzer.runs - Math.min(this.before, this.fuzzer.runs)
  }

  async run({ time, runs, stopped, show }: Limits): Promise<void> {
    const { fuzzer } = this
    const start = performance.now()
    for (let found = fuzzer.begin(); found !== undefined; found = fuzzer.begin()) this.#take(found)
    let portion = 32
    let saved = start
    while (!stopped() && this.runs < runs && performance.now() - start < time) {
      const from = performance.now()
      const end = fuzzer.runs + Math.min(portion, runs - this.runs)
      while (fuzzer.runs < end) {
        const found = fuzzer.go(end - fuzzer.runs)
        if (found !== undefined) this.#take(found)
      }
      const now = performance.now()
      this.time = now - start
      portion = Math.ceil(Math.min(portion * Math.min(4, PORTION / Math.max(now - from, 1)), PORTION_MAX))
      if (now - saved > SAVE) {
        this.save()
        saved = now
      }
      show()
      // So that Ctrl-C is heard.
      await new Promise(resolve => setImmediate(resolve))
    }
    this.time = performance.now() - start
    this.save()
  }

  save(): void {
    const inputs = this.fuzzer.corpus.map(({ input }) => input)
    this.#corpus?.save(inputs, this.fuzzer.state)
  }

  #take(found: Found): void {
    const kind = kindOf(found.error)
    const known = this.#kinds.get(kind)
    if (known !== undefined) known.times++
    if (known !== undefined || this.#kinds.size === FINDINGS_MAX) return
    const input = minimize(found.input, tried => this.#breaks(tried, kind), { tries: MINIMIZE_TRIES })
    const { run, mutators } = found
    const facts = { ...broken(found.error), mutators, run, seed: this.seed }
    const file = this.#corpus?.crash(input, { target: this.target.name, ...facts })
    this.#kinds.set(kind, { ...facts, input, file, times: 1 })
  }

  #breaks(input: Uint8Array, kind: string): boolean {
    try {
      this.target.run(input)
    } catch (error) {
      return kindOf(error) === kind
    }
    return false
  }
}
