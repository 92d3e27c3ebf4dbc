// Resident images: all their bytes in the memory of an instance (instances.ts). The same bytes opened again are kept once.
// What mkcomposefs writes is read by the small core, any other EROFS image by the full one, which decodes. Not here: images of which
// only some pages are in memory (paged-pool.ts).

import {
  COMPOSEFS_HEADER,
  CONSTANTS,
  CORE_PAGES,
  ERROR_WHERE,
  FULL_CORE_PAGES,
  SCRATCH,
  SUPERBLOCK,
} from '../src/format/structs.js'
import type { Core, Region } from './core.js'
import { Instances } from './instances.js'
import { notOpened } from './not-read.js'

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
  readonly instances: Instances
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

/** Bytes by which `wantsFullCore` judges an image. */
export const CORE_HEAD = CONSTANTS.EROFS_SUPER_OFFSET + SUPERBLOCK.size

/** Features of which the small core knows all that matters. */
const SMALL =
  CONSTANTS.EROFS_FEATURE_INCOMPAT_CHUNKED_FILE |
  CONSTANTS.EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES |
  CONSTANTS.EROFS_FEATURE_INCOMPAT_48BIT

/**
 * Whether an image that begins so may have what only the full core reads: compressed files, a metabox, further devices. EROFS images
 * do not say whether they have compressed files; those with the composefs header and no such feature have none.
 */
export function wantsFullCore(head: Uint8Array): boolean {
  if (head.length < CORE_HEAD) return false
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  const { magic, feature_incompat, available_compr_algs } = SUPERBLOCK.fields
  const sb = CONSTANTS.EROFS_SUPER_OFFSET
  if (view.getUint32(sb + magic.offset, true) !== CONSTANTS.EROFS_SUPER_MAGIC_V1) return false
  const incompat = view.getUint32(sb + feature_incompat.offset, true)
  const plain = (incompat & ~SMALL) === 0 && view.getUint16(sb + available_compr_algs.offset, true) === 0
  return !plain || view.getUint32(COMPOSEFS_HEADER.fields.magic.offset, true) !== CONSTANTS.LCFS_EROFS_MAGIC
}

export class CorePool {
  readonly #small: Instances
  readonly #fullModule: () => WebAssembly.Module | undefined
  #full: Instances | undefined
  readonly #residents = new Map<string, Resident[]>()

  /**
   * @param module the small core
   * @param full the full one; undefined where it can't be had (yet): images that want it are read as far as the small one can
   */
  constructor(module: WebAssembly.Module, full: () => WebAssembly.Module | undefined) {
    this.#small = new Instances(module, CORE_PAGES)
    this.#fullModule = full
  }

  /** Images in memory. */
  get size(): number {
    let n = 0
    for (const list of this.#residents.values()) n += list.length
    return n
  }

  /**
   * Takes an image of `size` bytes into memory; `fill` writes them (it gets the very place, so a file is read once).
   * Throws what `fill` throws. With its `head` at hand, CORE_HEAD bytes of it, it comes to the core that it wants at once.
   */
  load(size: number, fill: (into: Uint8Array) => void, head?: Uint8Array): Resident | OpenError {
    const resident = this.#place(size, fill, head)
    const { core, region, instances, key } = resident
    const same = this.#residents.get(key)?.find(other => other.instances === instances && sameBytes(other, resident))
    if (same !== undefined) {
      instances.release(core, region)
      same.users++
      return same
    }
    const errno = -core.exports.open(region.at, size)
    if (errno !== 0) {
      const detail = errno === CONSTANTS.EOPNOTSUPP ? this.#notOpened(resident) : errorDetail(core)
      core.exports.close(region.at)
      instances.release(core, region)
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
    resident.instances.release(resident.core, resident.region)
  }

  #notOpened({ core, instances, handle, size }: Resident): string {
    const first = handle + core.exports.imageHead.value
    return (
      notOpened(core, core.u8.subarray(first, first + Math.min(size, CORE_HEAD)), instances !== this.#small) ??
      errorDetail(core)
    )
  }

  #place(size: number, fill: (into: Uint8Array) => void, head?: Uint8Array): Resident {
    const wanted = head !== undefined && wantsFullCore(head) ? this.#fullOnes() : undefined
    if (wanted !== undefined) return this.#placeIn(wanted, size, fill)
    const small = this.#placeIn(this.#small, size, fill)
    const first = small.handle + small.core.exports.imageHead.value
    if (!wantsFullCore(small.core.u8.subarray(first, first + Math.min(size, CORE_HEAD)))) return small
    const full = this.#fullOnes()
    if (full === undefined) return small
    try {
      return this.#placeIn(full, size, into => into.set(small.core.u8.subarray(first, first + size)))
    } finally {
      this.#small.release(small.core, small.region)
    }
  }

  #fullOnes(): Instances | undefined {
    const module = this.#full === undefined ? this.#fullModule() : undefined
    if (module !== undefined) this.#full = new Instances(module, FULL_CORE_PAGES)
    return this.#full
  }

  #placeIn(instances: Instances, size: number, fill: (into: Uint8Array) => void): Resident {
    const { core, region } = instances.place(size, size + TAIL)
    const first = region.at + core.exports.imageHead.value
    try {
      fill(core.u8.subarray(first, first + size))
    } catch (error) {
      instances.release(core, region)
      throw error
    }
    core.u8.fill(0, first + size, region.at + region.bytes)
    core.u8.fill(0, region.at, first)
    const key = this.#keyOf(core, first, size)
    return { core, instances, handle: region.at, size, region, key, hash: undefined, users: 1 }
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
