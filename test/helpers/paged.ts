// Lazy images for tests of the rooms below the package's entries: from bytes, with what was read counted, and with all
// pages taken away when a test says so.
import { Fault } from '../../src/format/errno.js'
import type { Image } from '../../src/image/image.js'
import { LAZY_HEAD, openLazyImage, openLazyImageSync } from '../../src/image/lazy-image.js'
import type { ByteSource } from '../../src/source/byte-source.js'
import { compileSync } from '../../wasm/core.js'
import { PAGED_CORE_BASE64 } from '../../wasm/paged-core-bytes.js'
import { PagedPool } from '../../wasm/paged-pool.js'
import { sha256 } from './core.js'

export function newPagedPool(): PagedPool {
  return new PagedPool(compileSync(new Uint8Array(Buffer.from(PAGED_CORE_BASE64, 'base64'))))
}

/** Bytes far away: a read comes some turns of the event loop later, unless it fails. */
export class FarBytes implements ByteSource {
  readonly size: number
  /** Ranges that were read. */
  readonly reads: [number, number][] = []
  /** How many go on at once, at most. */
  most = 0
  closed = false
  /** What a read of a range becomes, in place of its bytes. */
  spoil: ((offset: number, bytes: Uint8Array) => Uint8Array) | undefined
  readonly #bytes: Uint8Array
  #now = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.size = bytes.length
  }

  get bytesRead(): number {
    return this.reads.reduce((sum, [, length]) => sum + length, 0)
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.most = Math.max(this.most, ++this.#now)
    await new Promise(resolve => setImmediate(resolve))
    this.#now--
    if (this.closed) throw Object.assign(new Error('is closed'), { code: 'EBADF' })
    this.reads.push([offset, Math.min(length, this.size - offset)])
    const bytes = this.#bytes.slice(offset, offset + length)
    return this.spoil === undefined ? bytes : this.spoil(offset, bytes)
  }

  close(): void {
    this.closed = true
  }
}

/** The same, read at once. */
export class NearBytes extends FarBytes {
  readonly #all: Uint8Array

  constructor(bytes: Uint8Array) {
    super(bytes)
    this.#all = bytes
  }

  readSync(offset: number, length: number): Uint8Array {
    this.reads.push([offset, Math.min(length, this.size - offset)])
    return this.#all.slice(offset, offset + length)
  }
}

export function loadPaged(pool: PagedPool, source: NearBytes, cacheBytes?: number): Image | Fault {
  const head = source.readSync(0, LAZY_HEAD)
  return openLazyImageSync(pool, sha256, source, head, { cacheBytes, label: 'image' })
}

export async function openPaged(pool: PagedPool, source: ByteSource, cacheBytes?: number): Promise<Image | Fault> {
  return openLazyImage(pool, sha256, source, await source.read(0, LAZY_HEAD), { cacheBytes, label: 'image' })
}

export function pagedImage(pool: PagedPool, bytes: Uint8Array): Image {
  const image = loadPaged(pool, new NearBytes(bytes))
  if (image instanceof Fault) throw new Error(`${image.code} ${image.detail}`)
  return image
}
