// The build core with edge counters as the place of a Tree at a time: for targets of what makes and writes trees. What it does follows
// from what is asked of it alone: even the numbers that its tables are mixed with are the same each time. Not here: what is asked.

import type { BuildCore } from '../../wasm/build-core.js'
import { FuzzBuildCore } from '../../wasm/fuzz-build-core.js'
import { FUZZ_BUILD_CORE_BASE64, FUZZ_BUILD_CORE_EDGES } from '../../wasm/fuzz-build-core-bytes.js'
import type { FuzzModule } from './core-target.js'
import { Random } from './random.js'

const SEED = 1

/** The package's own build core that is fuzzed. */
export function fuzzBuildModule(): FuzzModule {
  const binary = atob(FUZZ_BUILD_CORE_BASE64)
  const bytes = Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i))
  return { module: new WebAssembly.Module(bytes), edges: FUZZ_BUILD_CORE_EDGES }
}

export class BuildRoom {
  readonly counters: Uint8Array
  readonly #core: FuzzBuildCore

  /** `pages`: what one tree may take at most, 64 KiB each. */
  constructor({ module, edges }: FuzzModule, pages: number) {
    this.#core = new FuzzBuildCore(module, edges, pages)
    this.counters = this.#core.counters
  }

  /** Forgets all counts; the trees may make that many turns of loops together from now on. */
  begin(steps: number): void {
    this.#core.begin(steps)
  }

  /** Have they made them all? */
  get spent(): boolean {
    return this.#core.stepsLeft === 0
  }

  /** For one tree; the one before is no more. */
  core(): BuildCore {
    const random = new Random(SEED)
    return this.#core.core(() => random.next() / 2 ** 32)
  }

  /** Counts what the last tree has done: then `counters` are whole. */
  collect(): void {
    this.#core.collect()
  }
}
