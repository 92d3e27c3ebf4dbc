// Smaller inputs that still do what is asked, and fewer of them: for a report that a person reads, and for a corpus that costs less to
// run. Not here: what is asked.

import { stepsOf } from './coverage.js'
import type { Target } from './target.js'

const TRIES = 4096

export interface MinimizeOptions {
  /** How often it is tried at most. */
  readonly tries?: number
}

class Minimizer {
  readonly #fails: (input: Uint8Array) => boolean
  #left: number
  best: Uint8Array

  constructor(input: Uint8Array, fails: (input: Uint8Array) => boolean, tries: number) {
    this.best = input
    this.#fails = fails
    this.#left = tries
  }

  get exhausted(): boolean {
    return this.#left === 0
  }

  #try(input: Uint8Array): boolean {
    if (this.#left === 0) return false
    this.#left--
    // What is tried may be changed by who tries it.
    if (!this.#fails(input.slice())) return false
    this.best = input
    return true
  }

  /** Bytes off the end, as many as can be: by halves of what may go. */
  cutEnd(): void {
    for (let most = this.best.length; most >= 1; most = Math.floor(most / 2)) {
      while (this.best.length >= most && this.#try(this.best.slice(0, this.best.length - most)));
    }
  }

  /** Takes pieces of a length out. */
  cut(length: number): boolean {
    let smaller = false
    for (let at = 0; at < this.best.length && !this.exhausted; ) {
      const out = new Uint8Array(Math.max(this.best.length - length, at))
      out.set(this.best.subarray(0, at))
      out.set(this.best.subarray(at + length), at)
      if (this.#try(out)) smaller = true
      else at += length
    }
    return smaller
  }

  /** Makes pieces of a length zeros. */
  zero(length: number): void {
    for (let at = 0; at < this.best.length && !this.exhausted; at += length) {
      const piece = this.best.subarray(at, at + length)
      if (piece.every(byte => byte === 0)) continue
      this.#try(this.best.slice().fill(0, at, at + length))
    }
  }
}

/** Powers of two from half a length down to 1. */
function* halves(length: number): Generator<number> {
  for (let step = 2 ** Math.floor(Math.log2(Math.max(length, 2) - 1)); step >= 1; step /= 2) yield step
}

/**
 * An input that fails like the given one: shorter where bytes can be left out, zeros where they do not matter. The given one itself
 * where it does not fail, or nothing can be left out.
 */
export function minimize(
  input: Uint8Array,
  fails: (input: Uint8Array) => boolean,
  { tries = TRIES }: MinimizeOptions = {},
): Uint8Array {
  if (!fails(input.slice())) return input
  const minimizer = new Minimizer(input, fails, tries)
  minimizer.cutEnd()
  // Pieces of a length are gone through again as long as any could be left out: what one held may have kept another.
  for (const length of halves(input.length)) while (minimizer.cut(length));
  for (const length of halves(minimizer.best.length)) minimizer.zero(length)
  minimizer.cutEnd()
  return minimizer.best
}

interface Way {
  readonly input: Uint8Array
  readonly steps: Uint8Array
}

/**
 * Few inputs that go all the ways that all of them go, as often: each time the one that goes most of what is missing, the shorter of
 * two. All of them, for a target that does not count. Those that break a promise are left out.
 */
export function minimizeCorpus(target: Target, inputs: readonly Uint8Array[]): Uint8Array[] {
  const { counters } = target
  if (counters === undefined) return [...inputs]
  const ways = inputs.flatMap((input): Way[] => {
    try {
      target.run(input.slice())
    } catch {
      return []
    }
    return [{ input, steps: stepsOf(counters) }]
  })
  ways.sort((a, b) => a.input.length - b.input.length)
  const gone = new Uint8Array(counters.length)
  const least: Uint8Array[] = []
  for (;;) {
    let best: Way & { news: number } = { input: gone, steps: gone, news: 0 }
    for (const way of ways) {
      const news = newsOf(way.steps, gone)
      if (news > best.news) best = { ...way, news }
    }
    if (best.news === 0) return least
    least.push(best.input)
    for (let i = 0; i < gone.length; i++) gone[i] |= best.steps[i]
  }
}

function newsOf(steps: Uint8Array, gone: Uint8Array): number {
  let news = 0
  for (let i = 0; i < steps.length; i++) if ((steps[i] & ~gone[i]) !== 0) news++
  return news
}
