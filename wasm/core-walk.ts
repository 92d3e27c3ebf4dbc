// A sweep over everything below a directory, in the core: the loader's side, which supplies and enlarges its memory.

import { CONSTANTS, QUERY_FLAGS } from '../src/format/structs.js'
import type { Core, CoreExports } from './core.js'

/** What a sweep has to know of an image; the handle is asked for each time, since it changes when the image is closed. */
export interface WalkedImage {
  readonly core: Core
  readonly exports: CoreExports
  readonly handle: number
  /** Bytes. */
  readonly size: number
  /** Bytes of the metabox's data; 0 without one. */
  readonly boxSize: number
}

/** A sweep: `next` fills the table of records, `close` gives the memory back. */
export class CoreWalk {
  readonly #image: WalkedImage
  readonly #flags: number
  readonly #bitBytes: number
  #room = 8192
  #at: { at: number; bytes: number } | undefined

  constructor(image: WalkedImage, nid: number, flags: number) {
    this.#image = image
    this.#flags = flags & QUERY_FLAGS.Q_HIDE_DEV0
    // One bit per 32-byte slot, of the metabox too, rounded up to whole words.
    this.#bitBytes = Math.ceil((image.size + image.boxSize) / 32 / 64 + 1) * 8
    const region = this.#alloc()
    image.core.u8.fill(0, region.at, region.at + region.bytes)
    image.core.exports.walkBegin(region.at, this.#bitBytes, this.#room, nid)
    this.#at = region
  }

  #alloc() {
    const { core } = this.#image
    return core.alloc(core.exports.walkHead.value + this.#bitBytes + this.#room * 8)
  }

  /** Number of records now in the table, 0 at the end, or -errno. */
  next(): number {
    const { core, exports, handle } = this.#image
    for (;;) {
      if (this.#at === undefined) return 0
      const count = exports.walkNext(handle, this.#at.at, this.#flags)
      if (count !== -CONSTANTS.ERANGE) return count
      const old = this.#at
      this.#room *= 2
      const region = this.#alloc()
      core.exports.walkGrow(old.at, region.at, this.#bitBytes, this.#room)
      this.#at = region
      core.release(old)
    }
  }

  close(): void {
    if (this.#at !== undefined) this.#image.core.release(this.#at)
    this.#at = undefined
  }
}
