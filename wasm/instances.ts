// Instances of a core, and room for images in them. A new memory and instance cost a few hundred microseconds, an image in
// an existing one a few, so small images share instances and a large one has its own, whose memory goes when it is closed
// (WebAssembly memory never shrinks). Not here: what is put into the room.

import { Core, type Region } from './core.js'

/** Images up to this size share instances; bytes. */
const SHARED_LIMIT = 4 << 20
/** A shared instance takes no further image beyond this, its own areas not counted; bytes. */
const ARENA_LIMIT = 64 << 20
/** An empty shared instance is kept up to this size, its own areas not counted; bytes. */
const SPARE_LIMIT = 8 << 20

const PAGE = 65536

/** Room for an image: its head, and what else was asked for behind that. */
export interface Place {
  readonly core: Core
  readonly region: Region
}

export class Instances {
  readonly #module: WebAssembly.Module
  readonly #own: number
  readonly #ownBytes: number
  #arenas: Core[] = []

  /** @param own pages (64 KiB) that the core's own areas take */
  constructor(module: WebAssembly.Module, own: number) {
    this.#module = module
    this.#own = own
    this.#ownBytes = own * PAGE
  }

  /**
   * Room for an image's head and `bytes` bytes, its content undefined; `size` is the image's, which decides whether it
   * shares an instance. Throws RangeError when there is no more memory.
   */
  place(size: number, bytes: number): Place {
    const core = this.#coreFor(size)
    return { core, region: core.alloc(core.exports.imageHead.value + bytes) }
  }

  release(core: Core, region: Region): void {
    core.release(region)
    if (core.used > 0) return
    // The last one stays, so that opening one image after another does not make an instance each time.
    const last = this.#arenas.length === 1 && core.bytes - this.#ownBytes <= SPARE_LIMIT
    if (!last) this.#arenas = this.#arenas.filter(other => other !== core)
  }

  #coreFor(size: number): Core {
    const wanted = size + 4096
    if (size > SHARED_LIMIT) return new Core(this.#module, wanted, this.#own)
    const arena =
      this.#arenas.find(core => core.bytes - this.#ownBytes + wanted <= ARENA_LIMIT) ??
      this.#arenas.find(core => core.fits(wanted))
    if (arena !== undefined) return arena
    const core = new Core(this.#module, wanted, this.#own)
    this.#arenas.push(core)
    return core
  }
}
