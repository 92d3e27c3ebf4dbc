// The build core with edge counters (.ci/instrument.mjs): trees one after the other in one memory, in which none finds anything of
// the one before, nor zeros where nobody has written. Not here: what is built, and what becomes of the counts.

import { BuildCore } from './build-core.js'

/** As .ci/instrument.mjs has them. */
const STEPS_AT = 16
const COUNTERS_AT = 64
const PAGE = 65536
/** The counters' page, and that in which the core's own data are. */
const OWN_PAGES = 2
/** Enough for most trees: a memory that has grown is not used for another one, which would find it larger than this. */
const FIRST_PAGES = 24
const POISON = 0xee
const COUNT_MAX = 255

export class FuzzBuildCore {
  readonly #module: WebAssembly.Module
  readonly #pages: number
  #memory: WebAssembly.Memory
  /** A byte for each edge: how often it was taken since `begin`, at most 255; good after `collect`. */
  readonly counters: Uint8Array

  /** `pages`: what one tree may take at most, 64 KiB each. */
  constructor(module: WebAssembly.Module, edges: number, pages: number) {
    this.#module = module
    this.#pages = pages
    this.#memory = this.#newMemory()
    this.counters = new Uint8Array(edges)
  }

  #newMemory(): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: Math.max(this.#pages, FIRST_PAGES) })
  }

  /** Forgets all counts. From now on the trees may take that many turns of loops together; more is a trap. */
  begin(steps: number): void {
    this.counters.fill(0)
    this.#own().fill(0)
    this.#word[0] = steps
  }

  get #word(): Uint32Array {
    return new Uint32Array(this.#memory.buffer, STEPS_AT, 1)
  }

  /** How many are left: 0 where it trapped for having none. */
  get stepsLeft(): number {
    return this.#word[0]
  }

  /** Bytes of the memory as it is now. */
  get bytes(): number {
    return this.#memory.buffer.byteLength
  }

  /** A core for one tree, and the end of the tree before. `random`: what its tables are mixed with. */
  core(random: () => number): BuildCore {
    this.collect()
    const { stepsLeft } = this
    if (this.#memory.buffer.byteLength > FIRST_PAGES * PAGE) this.#memory = this.#newMemory()
    const all = new Uint8Array(this.#memory.buffer)
    all.fill(0, 0, OWN_PAGES * PAGE)
    all.fill(POISON, OWN_PAGES * PAGE)
    this.#word[0] = stepsLeft
    return new BuildCore({ module: this.#module, memory: this.#memory, random })
  }

  /** Adds up what the last tree has counted. */
  collect(): void {
    const { counters } = this
    const own = this.#own()
    for (let i = 0; i < own.length; i++) {
      if (own[i] === 0) continue
      counters[i] = Math.min(COUNT_MAX, counters[i] + own[i])
      own[i] = 0
    }
  }

  #own(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, COUNTERS_AT, this.counters.length)
  }
}
