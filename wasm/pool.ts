// Instances of the core, and which image lies in which. A new memory and instance cost a few hundred microseconds, an
// image in an existing one a few, so small images share instances and a large one has its own, whose memory goes when
// it is closed (WebAssembly memory never shrinks). The same bytes opened again are kept once.

import { ERROR_WHERE, SCRATCH } from '../src/format/structs.js'
import { Core, type Region } from './core.js'

/** Images up to this size share instances; bytes. */
const SHARED_LIMIT = 4 << 20
/** A shared instance takes no further image beyond this; bytes. */
const ARENA_LIMIT = 64 << 20
/** An empty shared instance is kept up to this size; bytes. */
const SPARE_LIMIT = 8 << 20
/** Zeros kept behind an image, since the core reads names eight bytes at a time. */
const TAIL = 16
/** Two images of one size are compared only when as many sampled words of them agree. */
const SAMPLES = 64

/** An image in the memory of an instance, shared by all who opened the same bytes. */
export interface Resident {
  readonly core: Core
  /** What the core's functions take. */
  readonly handle: number
  /** Bytes. */
  readonly size: number
  readonly region: Region
  readonly key: string
  /** Hash of all its words, once it was wanted. */
  hash: number | undefined
  users: number
}

/** Why the core refused an image. */
export interface OpenError {
  readonly errno: number
  readonly detail: string
}

export class CorePool {
  readonly #module: WebAssembly.Module
  #arenas: Core[] = []
  readonly #residents = new Map<string, Resident[]>()

  constructor(module: WebAssembly.Module) {
    this.#module = module
  }

  /** Images in memory. */
  get size(): number {
    let n = 0
    for (const list of this.#residents.values()) n += list.length
    return n
  }

  /**
   * Takes an image of `size` bytes into memory; `fill` writes them (it gets the very place, so a file is read once).
   * Throws what `fill` throws.
   */
  load(size: number, fill: (into: Uint8Array) => void): Resident | OpenError {
    const core = this.#coreFor(size)
    const head = core.exports.imageHead.value
    const region = core.alloc(head + size + TAIL)
    const first = region.at + head
    try {
      fill(core.u8.subarray(first, first + size))
    } catch (error) {
      this.#release(core, region)
      throw error
    }
    core.u8.fill(0, first + size, region.at + region.bytes)
    core.u8.fill(0, region.at, first)
    const key = this.#keyOf(core, first, size)
    const resident: Resident = { core, handle: region.at, size, region, key, hash: undefined, users: 1 }
    const same = this.#residents.get(key)?.find(other => sameBytes(other, resident))
    if (same !== undefined) {
      this.#release(core, region)
      same.users++
      return same
    }
    const errno = -core.exports.open(region.at, size)
    if (errno !== 0) {
      const detail = errorDetail(core)
      core.exports.close(region.at)
      this.#release(core, region)
      return { errno, detail }
    }
    const list = this.#residents.get(key)
    if (list === undefined) this.#residents.set(key, [resident])
    else list.push(resident)
    return resident
  }

  /** One user less; the last one gives the memory back. */
  unload(resident: Resident): void {
    if (--resident.users > 0) return
    const list = (this.#residents.get(resident.key) ?? []).filter(other => other !== resident)
    if (list.length === 0) this.#residents.delete(resident.key)
    else this.#residents.set(resident.key, list)
    resident.core.exports.close(resident.handle)
    this.#release(resident.core, resident.region)
  }

  #coreFor(size: number): Core {
    const wanted = size + 4096
    if (size > SHARED_LIMIT) return new Core(this.#module, wanted)
    const arena =
      this.#arenas.find(core => core.bytes + wanted <= ARENA_LIMIT) ?? this.#arenas.find(core => core.fits(wanted))
    if (arena !== undefined) return arena
    const core = new Core(this.#module, wanted)
    this.#arenas.push(core)
    return core
  }

  #release(core: Core, region: Region): void {
    core.release(region)
    if (core.used > 0) return
    // The last one stays, so that opening one image after another does not make an instance each time.
    const last = this.#arenas.length === 1 && core.bytes <= SPARE_LIMIT
    if (!last) this.#arenas = this.#arenas.filter(other => other !== core)
  }

  /** Size and a sample of the words of an image, to find candidates by. */
  #keyOf(core: Core, first: number, size: number): string {
    const words = Math.floor(size / 4)
    const at = first >>> 2
    let hash = 0x811c9dc5
    const step = Math.max(1, Math.floor(words / SAMPLES))
    for (let i = 0; i < words; i += step) hash = Math.imul(hash ^ core.u32[at + i], 0x01000193)
    return `${size}:${hash >>> 0}`
  }
}

function wordsOf({ core, handle, size }: Resident): Int32Array {
  return new Int32Array(core.u8.buffer, handle + core.exports.imageHead.value, Math.ceil(size / 4))
}

/** FNV-1a over the words of an image: only to tell images apart that agree in their samples. */
function hashOf(resident: Resident): number {
  if (resident.hash === undefined) {
    let hash = 0x811c9dc5
    for (const word of wordsOf(resident)) hash = Math.imul(hash ^ word, 0x01000193)
    resident.hash = hash
  }
  return resident.hash
}

/** Have two images of one size the same bytes? (The last word of each ends in zeros.) */
function sameBytes(a: Resident, b: Resident): boolean {
  if (hashOf(a) !== hashOf(b)) return false
  const x = wordsOf(a)
  const y = wordsOf(b)
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

/** What the core noted about its last error, in words; '' where it noted nothing. */
export function errorDetail(core: Core): string {
  const offset = core.f64[(core.scratch + SCRATCH.fields.error_offset.offset) >>> 3]
  if (offset < 0) return ''
  const where = core.u32[(core.scratch + SCRATCH.fields.error_where.offset) >>> 2]
  return `bad ${ERROR_WHERE[where] ?? 'image'} at byte ${offset}`
}
