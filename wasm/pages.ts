// The pages of a paged image: frames in the core's memory, and which page lies in which. When all frames are taken, the one
// goes that no call has looked into since the hand last passed (the clock algorithm, the used bits being the core's own).
// Not here: where pages come from, and which are fetched (src/image/pager.ts).

import { CONSTANTS, SCRATCH } from '../src/format/structs.js'
import type { Core, Region } from './core.js'

/** What the core's names of eight bytes may touch behind the last frame. */
const TAIL = 16
const SLOT = 16
/** Range of pages: the first one, and their number. */
export interface PageRange {
  readonly first: number
  readonly count: number
}

/** Slots of the table of `frames` frames: a power of two, at most half of them taken. */
function slotsFor(frames: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(frames, 2) * 2))
}

/** Bytes that frames take, with all that belongs to them. */
export function pagesBytes(frames: number, bits: number): number {
  return slotsFor(frames) * SLOT + Math.ceil(frames / 8) * 8 + frames * 2 ** bits + TAIL
}

export class Pages {
  /** Bytes of a page. */
  readonly pageSize: number
  /** Frames. */
  readonly capacity: number
  readonly #core: Core
  readonly #handle: number
  readonly #used: number
  readonly #frames: number
  /** Page of each frame that is taken. */
  readonly #pageOf: number[] = []
  #hand = 0
  /** How many pages had to go so far. */
  evicted = 0

  /** In `region`, whose first bytes are the image's head; pages of `2 ** bits` bytes. */
  constructor(core: Core, region: Region, frames: number, bits: number) {
    this.#core = core
    this.#handle = region.at
    this.pageSize = 2 ** bits
    this.capacity = frames
    const slots = slotsFor(frames)
    const table = region.at + core.exports.imageHead.value
    this.#used = table + slots * SLOT
    this.#frames = this.#used + Math.ceil(frames / 8) * 8
    core.u8.fill(0, region.at, this.#frames)
    core.u8.fill(0, this.#frames + frames * this.pageSize, region.at + region.bytes)
    core.exports.pagesInit(region.at, table, slots - 1, this.#used, this.#frames, bits)
  }

  has(page: number): boolean {
    return this.#core.exports.pagesFind(this.#handle, page) >= 0
  }

  /** Takes a page in, its bytes being those of `bytes` from `from` on, with zeros behind them. One that is here stays. */
  put(page: number, bytes: Uint8Array, from: number): void {
    if (this.has(page)) return
    const frame = this.#room()
    const at = this.#frames + frame * this.pageSize
    const to = Math.min(bytes.length, from + this.pageSize)
    const { u8, exports } = this.#core
    u8.set(bytes.subarray(from, to), at)
    u8.fill(0, at + to - from, at + this.pageSize)
    this.#pageOf[frame] = page
    exports.pagesPut(this.#handle, page, frame)
  }

  /** Forgets all pages. */
  clear(): void {
    for (const page of this.#pageOf) this.#core.exports.pagesDrop(this.#handle, page)
    this.#pageOf.length = 0
    this.#hand = 0
  }

  #room(): number {
    if (this.#pageOf.length < this.capacity) return this.#pageOf.length
    const { u8, exports } = this.#core
    // Ends: each step over a used frame takes its bit away.
    for (;;) {
      const frame = this.#hand
      this.#hand = (frame + 1) % this.capacity
      if (u8[this.#used + frame] === 0) {
        exports.pagesDrop(this.#handle, this.#pageOf[frame])
        this.evicted++
        return frame
      }
      u8[this.#used + frame] = 0
    }
  }

  /** What the core's last call has missed. Good until the next call. */
  missed(): PageRange[] {
    const { u32, f64, scratch, exports } = this.#core
    const count = u32[(scratch + SCRATCH.fields.misses.offset) >>> 2]
    const at = exports.misses.value >>> 3
    return Array.from({ length: count }, (_, i) => ({ first: f64[at + 2 * i], count: f64[at + 2 * i + 1] }))
  }
}

/** Bits of an image's pages: at least its blocks', so that a block is never in pieces. */
export function pageBits(blkszbits: number): number {
  const { EROFS_MIN_BLKSZBITS, EROFS_MAX_BLKSZBITS } = CONSTANTS
  const known = blkszbits >= EROFS_MIN_BLKSZBITS && blkszbits <= EROFS_MAX_BLKSZBITS
  return Math.max(12, known ? blkszbits : 0)
}
