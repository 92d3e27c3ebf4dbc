// The one byte string in which all names, targets and values of a tree lie, so that an entry is a few numbers and a million
// of them are no million objects. Positions are 31-bit: 2 GiB, some fifteen million entries.

import type { BuildCore } from '../../wasm/build-core.js'
import { accepted } from './reasons.js'

export class TreeBytes {
  readonly #core: BuildCore

  constructor(core: BuildCore) {
    this.#core = core
  }

  /** All of it; a view, good until the tree changes. */
  get bytes(): Uint8Array {
    const { u8, arena, arenaUsed } = this.#core
    return u8.subarray(arena, arena + arenaUsed)
  }

  /** The bytes that lie at a place; a view, good until the tree changes. */
  view(at: number, length: number): Uint8Array {
    const from = this.#core.arena + at
    return this.#core.u8.subarray(from, from + length)
  }

  /** Copies bytes in; answers where they lie. Throws a TreeError: EFBIG beyond 2 GiB, ENOMEM. */
  append(source: Uint8Array, from: number, to: number): number {
    const core = this.#core
    const at = core.place(source, from, to)
    if (at < 0) accepted(core, at)
    core.take(at, to - from)
    return at - core.arena
  }
}
