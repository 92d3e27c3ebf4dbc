// What targets of the core have in common: an image is opened in the core that counts its edges, asked, and closed. A trap or a
// turn of a loop too many is a broken promise, as is an answer that is no errno that the core gives. Not here: what is asked.

import type { CoreImage } from '../../wasm/core-image.js'
import { FuzzCore } from '../../wasm/fuzz-core.js'
import { FUZZ_CORE_BASE64, FUZZ_CORE_EDGES } from '../../wasm/fuzz-core-bytes.js'
import { errnoName, errnoOf } from '../format/errno.js'
import { SCRATCH } from '../format/structs.js'
import { type Mutator, type Target, Violation } from './target.js'

/** Turns of loops for each byte of an image, and for none: a question reads an image once or twice, not its square. */
const STEPS_PER_BYTE = 64
const STEPS_LEAST = 1 << 20

/** The core that is fuzzed, compiled, and how many edges it has. */
export interface FuzzModule {
  readonly module: WebAssembly.Module
  readonly edges: number
}

/** The package's own. */
export function fuzzModule(): FuzzModule {
  const binary = atob(FUZZ_CORE_BASE64)
  const bytes = Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i))
  return { module: new WebAssembly.Module(bytes), edges: FUZZ_CORE_EDGES }
}

export interface CoreTargetOptions {
  readonly seeds: readonly Uint8Array[]
  readonly mutators: readonly Mutator[]
  readonly maxBytes: number
}

/** Promises that each target of the core makes. */
export const CORE_INVARIANTS = [
  'no trap: no question ends in a WebAssembly trap',
  'no hang: no question takes more turns of loops than 2^20, or 64 for each byte of the image',
  'errno: a question is answered by a result or an errno that is in the table',
] as const

export abstract class CoreTarget implements Target {
  abstract readonly name: string
  abstract readonly invariants: readonly string[]
  readonly maxBytes: number
  readonly mutators: readonly Mutator[]
  readonly seeds: readonly Uint8Array[]
  readonly counters: Uint8Array
  readonly #core: FuzzCore

  constructor({ module, edges }: FuzzModule, { seeds, mutators, maxBytes }: CoreTargetOptions) {
    this.seeds = seeds
    this.mutators = mutators
    this.maxBytes = maxBytes
    this.#core = new FuzzCore(module, edges, maxBytes)
    this.counters = this.#core.counters
  }

  run(input: Uint8Array): boolean {
    this.#core.begin(Math.max(STEPS_LEAST, input.length * STEPS_PER_BYTE))
    const image = this.asked('open', () => this.#core.open(input))
    if (typeof image === 'number') {
      this.answer('open', image)
      return false
    }
    try {
      this.ask(image, input)
    } finally {
      this.#core.close(image)
    }
    return true
  }

  /** Asks an image that opens; throws a Violation. */
  protected abstract ask(image: CoreImage, input: Uint8Array): void

  /** Lets the next question have so many turns of loops, whatever those before it took. */
  protected allow(steps: number): void {
    this.#core.allow(steps)
  }

  /** Runs a question; a trap is a Violation. */
  protected asked<T>(what: string, question: () => T): T {
    try {
      return question()
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) throw error
      if (this.#core.stepsLeft === 0) throw new Violation('no hang', what)
      throw new Violation('no trap', `${what}: ${error.message}`)
    }
  }

  /** A number that a question answered: 0 or more, or an errno that is known. */
  protected answer(what: string, answer: number): number {
    if (answer < 0 && errnoOf(errnoName(-answer)) !== -answer)
      throw new Violation('errno', `${what} answered ${answer}`)
    return answer
  }

  /** Of the image that has just been opened. */
  protected rootOf(image: CoreImage): number {
    return image.core.f64[(image.core.scratch + SCRATCH.fields.root.offset) >>> 3]
  }
}
