// A core with edge counters as the place of an Image at a time: for targets of what stands above the core. Not here: targets of the core
// itself (core-target.ts).

import { CoreImage } from '../../wasm/core-image.js'
import { FuzzCore } from '../../wasm/fuzz-core.js'
import { DEFAULT_LIMITS } from '../format/limits.js'
import { Image } from '../image/image.js'
import type { FuzzModule } from './core-target.js'
import { standInHash } from './stand-in-hash.js'
import { Violation } from './target.js'

export class ImageRoom {
  readonly counters: Uint8Array
  readonly #core: FuzzCore

  /** `room`: bytes of the largest image. */
  constructor({ module, edges }: FuzzModule, room: number) {
    this.#core = new FuzzCore(module, edges, room)
    this.counters = this.#core.counters
  }

  /** Forgets all counts; the core may make that many turns of loops from now on. */
  begin(steps: number): void {
    this.#core.begin(steps)
  }

  /** Has it made them all? */
  get spent(): boolean {
    return this.#core.stepsLeft === 0
  }

  /** An image, to be closed before the next one; undefined where the core refuses it. */
  open(bytes: Uint8Array): Image | undefined {
    const placed = this.#core.open(bytes)
    if (!(placed instanceof CoreImage)) return undefined
    return new Image({ placed, release: () => this.#core.close(placed), limits: DEFAULT_LIMITS }, standInHash(32))
  }
}

/** Does something with images in rooms; a trap of the core is a Violation, and so is an error without a code. */
export function guarded<T>(rooms: readonly { readonly spent: boolean }[], what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof Violation || (error instanceof Error && 'code' in error)) throw error
    if (rooms.some(room => room.spent)) throw new Violation('no hang', what)
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new Violation(error instanceof WebAssembly.RuntimeError ? 'no trap' : 'no throw', `${what}: ${message}`)
  }
}
