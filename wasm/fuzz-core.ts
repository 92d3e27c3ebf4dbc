// The core with edge counters (.ci/instrument.mjs), one image at a time: the image lies at the very end of its memory, so that who
// reads far beyond it traps, and what is behind it is no zeros. Not here: what is asked, and what becomes of the counts.

import { FULL_CORE_PAGES } from '../src/format/structs.js'
import { Core } from './core.js'
import { CoreImage } from './core-image.js'

/** As .ci/instrument.mjs has them. */
const STEPS_AT = 16
const COUNTERS_AT = 64
/** Zeros that the core may read behind an image (pool.ts), and what follows them. */
const TAIL = 16
const POISON = 0xee
const ALIGN = 64
/** The counters' page. */
const OWN_PAGES = FULL_CORE_PAGES + 1
/** Bytes for what questions need beside the image (a sweep's bits and stack). */
const ARENA = 1 << 20

export class FuzzCore {
  readonly #core: Core
  readonly #end: number
  readonly #room: number
  /** A byte for each edge: how often it was taken since `begin`, at most 255. */
  readonly counters: Uint8Array

  /** `room`: bytes of the largest image. */
  constructor(module: WebAssembly.Module, edges: number, room: number) {
    const core = new Core(module, ARENA + room + 4096, OWN_PAGES)
    this.#core = core
    const arena = core.alloc(ARENA)
    // All the rest: it ends where the memory does.
    const rest = core.alloc(core.bytes - arena.at - arena.bytes)
    core.release(arena)
    this.#end = rest.at + rest.bytes
    this.#room = room
    this.counters = core.u8.subarray(COUNTERS_AT, COUNTERS_AT + edges)
  }

  /** Forgets all counts. The core may make that many turns of loops from now on; more is a trap. */
  begin(steps: number): void {
    this.counters.fill(0)
    this.allow(steps)
  }

  /** The same without forgetting. */
  allow(steps: number): void {
    this.#core.u32[STEPS_AT >>> 2] = steps
  }

  /** How many it has left: 0 where it trapped for having none. */
  get stepsLeft(): number {
    return this.#core.u32[STEPS_AT >>> 2]
  }

  /** Opens an image; -errno where the core refuses it. Throws RangeError for one that is too large. */
  open(bytes: Uint8Array): CoreImage | number {
    if (bytes.length > this.#room) throw new RangeError(`an image of ${bytes.length} bytes`)
    const { u8, exports } = this.#core
    const head = exports.imageHead.value
    const handle = Math.floor((this.#end - head - bytes.length - TAIL) / ALIGN) * ALIGN
    const first = handle + head
    u8.fill(0, handle, first)
    u8.set(bytes, first)
    u8.fill(0, first + bytes.length, first + bytes.length + TAIL)
    u8.fill(POISON, first + bytes.length + TAIL, this.#end)
    const errno = exports.open(handle, bytes.length)
    return errno < 0 ? errno : new CoreImage({ core: this.#core, handle, size: bytes.length })
  }

  /** Lets go of the image, which must be done before the next one. */
  close(image: CoreImage): void {
    this.#core.exports.close(image.handle)
  }
}
