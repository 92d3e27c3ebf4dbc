// One instance of the WebAssembly core and its memory: allocation, typed views, strings in and names out. With
// core-image.ts, the only place that knows pointers. Not here: what an answer means.
// The core never grows its memory; only `alloc` does, and it lays the views anew. So a view of this class is good until
// the next `alloc`, and no one else may keep one.

import { CONSTANTS } from '../src/format/structs.js'

export interface CoreExports {
  readonly scratch: { value: number }
  readonly records: { value: number }
  readonly maxRecords: { value: number }
  readonly name: { value: number }
  readonly names: { value: number }
  readonly path: { value: number }
  readonly chain: { value: number }
  readonly imageHead: { value: number }
  readonly walkHead: { value: number }
  readonly closed: { value: number }
  readonly misses: { value: number }
  readonly heap: { value: number }
  open(handle: number, size: number): number
  close(handle: number): void
  pagesInit(handle: number, table: number, mask: number, used: number, frames: number, bits: number): void
  devices(handle: number, at: number, count: number, primary: number): void
  pagesFind(handle: number, page: number): number
  pagesPut(handle: number, page: number, frame: number): void
  pagesDrop(handle: number, page: number): void
  stat(handle: number, nid: number): number
  lookup(handle: number, nid: number, length: number, flags: number): number
  statPath(handle: number, length: number, flags: number): number
  resolve(handle: number, nid: number, length: number, flags: number): number
  readdir(handle: number, nid: number, cookie: number, flags: number): number
  readdirPath(handle: number, length: number, flags: number): number
  readlink(handle: number, nid: number): number
  map(handle: number, nid: number, at: number, most: number): number
  extent(handle: number, nid: number, at: number): number
  details(handle: number, nid: number): number
  listxattr(handle: number, nid: number, skip: number): number
  getxattr(handle: number, nid: number, index: number, length: number): number
  pieces(handle: number, nid: number, at: number, flags: number): number
  framePieces(handle: number): number
  direntPieces(handle: number, nid: number, block: number): number
  peek(handle: number, at: number, length: number): number
  zeros(handle: number, from: number, to: number): number
  longClear(withAcls: number): void
  longFit(handle: number, from: number, to: number): void
  longWrite(handle: number, from: number, to: number): number
  longWhole(handle: number, withAcls: number, from: number, to: number): number
  walkBegin(at: number, bitBytes: number, room: number, nid: number): void
  walkGrow(from: number, to: number, bitBytes: number, room: number): void
  walkNext(handle: number, at: number, flags: number): number
}

const PAGE = 65536
const MAX_PAGES = 65536
/**
 * Pages by which memory grows at least. Each growth makes a new buffer, which the host counts as that much more garbage: one for
 * each image would have it collect all the time. What no image has touched yet takes no memory.
 */
const GROWTH = 64
const ALIGN = 64
const { PATH_MAX } = CONSTANTS

/** A piece of the instance's memory that is given out. */
export interface Region {
  readonly at: number
  readonly bytes: number
}

export class Core {
  readonly exports: CoreExports
  readonly scratch: number
  readonly records: number
  readonly name: number
  readonly names: number
  u8!: Uint8Array
  u16!: Uint16Array
  u32!: Uint32Array
  i32!: Int32Array
  f64!: Float64Array
  /** Where a path to be resolved is put. */
  pathBytes!: Uint8Array
  /** Regions in use. */
  used = 0
  readonly #memory: WebAssembly.Memory
  readonly #path: number
  /** Free regions by address, no two adjacent; the last one may be enlarged by growing. */
  #free: Region[]

  /**
   * @param bytes what will be allocated at first; more grows the memory.
   * @param own pages (64 KiB) that the core's own areas take
   */
  constructor(module: WebAssembly.Module, bytes: number, own: number) {
    const initial = Math.min(own + Math.ceil((bytes + ALIGN) / PAGE), MAX_PAGES)
    this.#memory = new WebAssembly.Memory({ initial, maximum: MAX_PAGES })
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } })
    this.exports = instance.exports as unknown as CoreExports
    this.scratch = this.exports.scratch.value
    this.records = this.exports.records.value
    this.name = this.exports.name.value
    this.names = this.exports.names.value
    this.#path = this.exports.path.value
    const heap = Math.ceil(this.exports.heap.value / ALIGN) * ALIGN
    this.#free = [{ at: heap, bytes: initial * PAGE - heap }]
    this.#lay()
  }

  /** Lays the views over the memory as it is now. */
  #lay(): void {
    const buffer = this.#memory.buffer
    this.u8 = new Uint8Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.pathBytes = this.u8.subarray(this.#path, this.#path + PATH_MAX)
  }

  /** Bytes of memory in all. */
  get bytes(): number {
    return this.#memory.buffer.byteLength
  }

  /** Can `alloc` give that many bytes without growing? */
  fits(bytes: number): boolean {
    const size = Math.ceil(bytes / ALIGN) * ALIGN
    return this.#free.some(region => region.bytes >= size)
  }

  /** A region of at least `bytes` bytes, its content undefined. Throws RangeError when there is no more memory. */
  alloc(bytes: number): Region {
    const size = Math.ceil(bytes / ALIGN) * ALIGN
    let at = this.#free.findIndex(region => region.bytes >= size)
    if (at < 0) at = this.#grow(size)
    const region = this.#free[at]
    if (region.bytes === size) this.#free.splice(at, 1)
    else this.#free[at] = { at: region.at + size, bytes: region.bytes - size }
    this.used++
    return { at: region.at, bytes: size }
  }

  /** Takes a region back and joins it with its free neighbours. */
  release(region: Region): void {
    let at = this.#free.findIndex(other => other.at > region.at)
    if (at < 0) at = this.#free.length
    let { at: from, bytes } = region
    let drop = 0
    const before = this.#free[at - 1]
    const after = this.#free[at]
    if (before !== undefined && before.at + before.bytes === from) {
      from = before.at
      bytes += before.bytes
      at--
      drop++
    }
    if (after !== undefined && region.at + region.bytes === after.at) {
      bytes += after.bytes
      drop++
    }
    this.#free.splice(at, drop, { at: from, bytes })
    this.used--
  }

  /** Grows the memory so that its last free region has `size` bytes; answers that region's index. */
  #grow(size: number): number {
    const end = this.bytes
    const last = this.#free.at(-1)
    const open = last !== undefined && last.at + last.bytes === end ? last : undefined
    const wanted = Math.ceil((size - (open?.bytes ?? 0)) / PAGE)
    const pages = Math.max(wanted, Math.min(GROWTH, MAX_PAGES - end / PAGE))
    this.#memory.grow(pages)
    const grown = { at: open?.at ?? end, bytes: (open?.bytes ?? 0) + pages * PAGE }
    if (open !== undefined) this.#free.pop()
    this.#free.push(grown)
    this.#lay()
    return this.#free.length - 1
  }

  /** Copy of `length` bytes at `address`. */
  copy(address: number, length: number): Uint8Array {
    return this.u8.slice(address, address + length)
  }
}

/** Compiles the core: at once where the platform lets (Node, workers). */
export function compileSync(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  return new WebAssembly.Module(bytes)
}

/** Compiles the core without blocking, as a browser's main thread must. */
export function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  return WebAssembly.compile(bytes)
}
