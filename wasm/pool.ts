// Resident images: all their bytes in the memory of an instance (instances.ts). The same bytes opened again are kept once.
// Not here: images of which only some pages are in memory (paged-image.ts).

import { CORE_PAGES, ERROR_WHERE, SCRATCH } from '../src/format/structs.js'
import type { Core, Region } from './core.js'
import { Instances } from './instances.js'

/** Zeros kept behind an image, since the core reads names eight bytes at a time. */
const TAIL = 16
/** Two images of one size are compared only when as many sampled words of them agree. */
const SAMPLES = 64

/** An image that the core can be asked about. */
export interface Placed {
  readonly core: Core
  /** What the core's functions take. */
  readonly handle: number
  /** Bytes. */
  readonly size: number
}

/** An image in the memory of an instance, shared by all who opened the same bytes. */
export interface Resident extends Placed {
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
  readonly #instances: Instances
  readonly #residents = new Map<string, Resident[]>()

  constructor(module: WebAssembly.Module) {
    this.#instances = new Instances(module, CORE_PAGES)
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
    const { core, region } = this.#instances.place(size, size + TAIL)
    const head = core.exports.imageHead.value
    const first = region.at + head
    try {
      fill(core.u8.subarray(first, first + size))
    } catch (error) {
      this.#instances.release(core, region)
      throw error
    }
    core.u8.fill(0, first + size, region.at + region.bytes)
    core.u8.fill(0, region.at, first)
    const key = this.#keyOf(core, first, size)
    const resident: Resident = { core, handle: region.at, size, region, key, hash: undefined, users: 1 }
    const same = this.#residents.get(key)?.find(other => sameBytes(other, resident))
    if (same !== undefined) {
      this.#instances.release(core, region)
      same.users++
      return same
    }
    const errno = -core.exports.open(region.at, size)
    if (errno !== 0) {
      const detail = errorDetail(core)
      core.exports.close(region.at)
      this.#instances.release(core, region)
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
    this.#instances.release(resident.core, resident.region)
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
