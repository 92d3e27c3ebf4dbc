// Opening images from whatever names or holds them: whole, or lazily, checked against a digest. Not here: where a host finds
// what a string names (src/index.ts, src/node.ts), mounts (src/api.ts).

import { PagedPool } from '../wasm/paged-pool.js'
import { CORE_HEAD, CorePool, wantsFullCore } from '../wasm/pool.js'
import { Fault, faultError, orThrow } from './format/errno.js'
import type { Sha256 } from './format/hash.js'
import { fromHex } from './format/hex.js'
import { limitsOf } from './format/limits.js'
import { type Image, isCfsV1, loadImage, otherDigest } from './image/image.js'
import { LAZY_HEAD, type LazyOptions, openLazyImage, openLazyImageSync } from './image/lazy-image.js'
import {
  bytesOf,
  checkOptions,
  checkSize,
  checkSource,
  type DeviceSource,
  type ImageSource,
  isApart,
  isBytes,
  isImage,
  isName,
  isSource,
  type OpenOptions,
  sizeOf,
  wantsTree,
} from './open-options.js'
import { sourceLabel } from './remote.js'
import type { ByteSource } from './source/byte-source.js'
import { blobSource, bytesSource } from './source/bytes-source.js'
import type { ImageBytes } from './source/image-bytes.js'
import { joinSources, type Place } from './source/joined-source.js'
import { MerkleSource } from './source/merkle-source.js'
import { besideName, readWhole, readWholeSync } from './source/whole.js'

export interface ImageHost {
  readonly sha256: Sha256
  /** The core for resident images, and that for lazy ones, which is loaded only where it is wanted. */
  readonly module: WebAssembly.Module
  /** The one that decodes compressed images, which is loaded only where it is wanted. */
  fullModule(): Promise<WebAssembly.Module>
  fullModuleSync?(): WebAssembly.Module
  pagedModule(): Promise<WebAssembly.Module>
  pagedModuleSync?(): WebAssembly.Module
  /** Finds the image that a string or URL names; throws the host's error. No more is brought than `maxBytes` (EFBIG), where it is brought by this. */
  open(name: string, maxBytes: number): Promise<ImageBytes>
  openSync?(name: string): ImageBytes
  /** The same to be read by ranges; `head` bytes will be read first. */
  source(name: string, head: number): Promise<ByteSource>
  sourceSync?(name: string): ByteSource
}

/** What a lazy image is opened from; the two are its own from then on. */
interface Found {
  readonly label: string
  readonly data: ByteSource
  /** undefined where there is none. */
  readonly tree?: ByteSource
}

export class ImageOpener {
  readonly #host: ImageHost
  readonly #pool: CorePool
  #full: WebAssembly.Module | undefined
  #paged: PagedPool | undefined

  constructor(host: ImageHost) {
    this.#host = host
    this.#pool = new CorePool(host.module, () => (this.#full ??= host.fullModuleSync?.()))
  }

  /** Has the cores at hand that decode: from then on what wants them can be opened synchronously, too. */
  async loadDecoders(): Promise<void> {
    await Promise.all([this.#loadFull(), this.#loadPaged()])
  }

  async #loadFull(): Promise<void> {
    this.#full ??= await this.#host.fullModule()
  }

  async #loadPaged(): Promise<PagedPool> {
    const module = this.#paged === undefined ? await this.#host.pagedModule() : undefined
    // Another one may have come first.
    if (this.#paged === undefined && module !== undefined) this.#paged = new PagedPool(module)
    return this.#paged as PagedPool
  }

  async open(source: ImageSource, options: OpenOptions = {}): Promise<Image> {
    checkOptions(options)
    if (isImage(source)) return sameImage(source, options)
    checkSource(source)
    if (hasDevices(options)) return this.#openLazy(apart(source), options)
    if (options.lazy === true && isApart(source)) return this.#openLazy(source, options)
    if (isName(source)) {
      const name = String(source)
      const bytes = await this.#host.open(name, limitsOf(options).maxImageBytes)
      return this.#loadLater(bytes, options, sourceLabel(name))
    }
    checkSize(sizeOf(source), options, 'image')
    if (source instanceof Blob) return this.#loadLater(bytesOf(await source.arrayBuffer()), options, 'image')
    return this.#loadLater(bytesOf(isSource(source) ? await readWhole(source) : source), options, 'image')
  }

  openSync(source: ImageSource, options: OpenOptions = {}): Image {
    checkOptions(options)
    if (isImage(source)) return sameImage(source, options)
    checkSource(source)
    if (source instanceof Blob) throw faultError(new Fault('ENOTSUP', 'a Blob is read asynchronously'), 'image')
    if (hasDevices(options)) return this.#openLazySync(apart(source), options)
    if (options.lazy === true && isApart(source)) return this.#openLazySync(source, options)
    if (isName(source)) {
      const name = String(source)
      const { openSync } = this.#host
      if (openSync === undefined) throw faultError(new Fault('ENOTSUP', 'only asynchronously here'), sourceLabel(name))
      return this.#load(openSync(name), options, sourceLabel(name))
    }
    checkSize(sizeOf(source), options, 'image')
    return this.#load(bytesOf(isSource(source) ? readWholeSync(source) : source), options, 'image')
  }

  /** With the core that it wants. */
  async #loadLater(bytes: ImageBytes, options: OpenOptions, name: string): Promise<Image> {
    try {
      if (wantsFullCore(bytes.head(CORE_HEAD))) await this.#loadFull()
    } catch (error) {
      bytes.done?.()
      throw error
    }
    return this.#load(bytes, options, name)
  }

  #load(bytes: ImageBytes, options: OpenOptions, name: string): Image {
    try {
      const fill = (into: Uint8Array) => bytes.fill(into)
      const head = bytes.head(CORE_HEAD)
      return orThrow(loadImage(this.#pool, this.#host.sha256, bytes.size, fill, options, head), name)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw faultError(new Fault('ENOMEM', `no memory for ${bytes.size} bytes`, error), name)
    } finally {
      bytes.done?.()
    }
  }

  async #openLazy(source: string | URL | Blob | ByteSource, options: OpenOptions): Promise<Image> {
    const found = await this.#find(source, options)
    const done = once(() => close(found))
    let devices: readonly ByteSource[] = []
    try {
      const { data, label } = found
      checkSize(data.size, options, label)
      const head = await data.read(0, LAZY_HEAD)
      let checked = this.#checked(found, options)
      if (checked === undefined || isCfsV1(head)) {
        const bytes = await readWhole(data)
        const whole = await this.#loadLater(bytesOf(bytes), options, label)
        done()
        if (!hasDevices(options)) return whole
        whole.close()
        checked = bytesSource(bytes)
      }
      const pool = await this.#loadPaged()
      // Through the checker: the head that was looked at above is not trusted. Of several devices it may reach into the next one.
      devices = await this.#devices(options)
      const joined = devices.length > 0 ? joinSources([checked, ...devices]) : undefined
      const all = joined?.source ?? checked
      const first = all === data ? head : await all.read(0, LAZY_HEAD)
      const lazy = lazyOptions(options, label, joined?.places)
      const opened = await openLazyImage(pool, this.#host.sha256, all, first, lazy)
      const image = orThrow(opened, label)
      closeSpare(found)
      return image
    } catch (error) {
      done()
      for (const device of devices) device.close()
      throw error
    }
  }

  #openLazySync(source: string | URL | ByteSource, options: OpenOptions): Image {
    const { pagedModuleSync, sha256 } = this.#host
    this.#paged ??= pagedModuleSync && new PagedPool(pagedModuleSync())
    const pool = this.#paged
    // Before anything is taken over, since it can still be opened asynchronously.
    if (isSource(source) && (pool === undefined || mustWait(source))) throw faultError(LATER, 'image')
    if (options.devices?.some(mustWait)) throw faultError(LATER, 'device')
    const found = this.#findSync(source, options)
    const done = once(() => close(found))
    let devices: readonly ByteSource[] = []
    try {
      const { data, label } = found
      checkSize(data.size, options, label)
      if (data.readSync === undefined || pool === undefined) throw faultError(LATER, label)
      let checked = this.#checked(found, options)
      const head = data.readSync(0, LAZY_HEAD)
      if (checked?.readSync === undefined || isCfsV1(head)) {
        const bytes = readWholeSync(data)
        const whole = this.#load(bytesOf(bytes), options, label)
        done()
        if (!hasDevices(options)) return whole
        whole.close()
        checked = bytesSource(bytes)
      }
      devices = this.#devicesSync(options)
      const joined = devices.length > 0 ? joinSources([checked, ...devices]) : undefined
      const all = joined?.source ?? checked
      const first = all.readSync?.(0, LAZY_HEAD) ?? head
      const lazy = lazyOptions(options, label, joined?.places)
      const opened = openLazyImageSync(pool, sha256, all, first, lazy)
      const image = orThrow(opened, label)
      closeSpare(found)
      return image
    } catch (error) {
      done()
      for (const device of devices) device.close()
      throw error
    }
  }

  /** What all reads go through; undefined where only the whole image can be checked. */
  #checked({ data, tree, label }: Found, { digest, verity }: OpenOptions): ByteSource | undefined {
    if (digest === undefined || verity === 'off') return data
    const none = data.size <= VERITY_BLOCK ? bytesSource(new Uint8Array(0)) : tree
    return none === undefined
      ? undefined
      : new MerkleSource(data, none, fromHex(digest) as Uint8Array, this.#host.sha256, { label })
  }

  async #devices({ devices = [] }: OpenOptions): Promise<ByteSource[]> {
    const found = await Promise.allSettled(
      devices.map(one => (isName(one) ? this.#host.source(String(one), 0) : deviceSource(one))),
    )
    const sources = found.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = found.find(one => one.status === 'rejected')
    if (failed === undefined) return sources
    for (const source of sources) source.close()
    throw failed.reason
  }

  #devicesSync({ devices = [] }: OpenOptions): ByteSource[] {
    const sources: ByteSource[] = []
    try {
      for (const one of devices) {
        sources.push(isName(one) ? this.#sourceSync(String(one)) : deviceSource(one))
        if (sources.at(-1)?.readSync === undefined) throw faultError(LATER, 'device')
      }
      return sources
    } catch (error) {
      for (const source of sources) source.close()
      throw error
    }
  }

  async #find(source: string | URL | Blob | ByteSource, options: OpenOptions): Promise<Found> {
    const wanted = wantsTree(options)
      ? (options.merkleTree ?? (isName(source) ? besideName(String(source)) : undefined))
      : undefined
    if (!isName(source)) {
      const data = isSource(source) ? source : blobSource(source)
      try {
        return { label: 'image', data, tree: wanted === undefined ? undefined : await this.#tree(wanted, options) }
      } catch (error) {
        data.close()
        throw error
      }
    }
    const name = String(source)
    // Both at once: each is a way there and back.
    const [data, tree] = await Promise.allSettled([
      this.#host.source(name, LAZY_HEAD),
      wanted === undefined ? undefined : this.#tree(wanted, options),
    ])
    const found = { label: sourceLabel(name), tree: tree.status === 'fulfilled' ? tree.value : undefined }
    if (data.status === 'rejected') {
      found.tree?.close()
      throw data.reason
    }
    if (tree.status === 'fulfilled') return { ...found, data: data.value }
    data.value.close()
    throw tree.reason
  }

  /** A tree that may be missing, if nobody said that it is there. */
  async #tree(
    from: NonNullable<OpenOptions['merkleTree']>,
    { merkleTree }: OpenOptions,
  ): Promise<ByteSource | undefined> {
    if (from instanceof Uint8Array) return bytesSource(from)
    if (!isName(from)) return from
    try {
      return await this.#host.source(String(from), TREE_HEAD)
    } catch (error) {
      if (merkleTree === undefined && isMissing(error)) return undefined
      throw error
    }
  }

  #findSync(source: string | URL | ByteSource, options: OpenOptions): Found {
    const beside = isName(source) ? besideName(String(source)) : undefined
    const data = isName(source) ? this.#sourceSync(String(source)) : source
    try {
      const wanted = wantsTree(options) ? (options.merkleTree ?? beside) : undefined
      const tree = wanted === undefined ? undefined : this.#treeSync(wanted, options)
      return { label: isName(source) ? sourceLabel(String(source)) : 'image', data, tree }
    } catch (error) {
      data.close()
      throw error
    }
  }

  #treeSync(from: NonNullable<OpenOptions['merkleTree']>, { merkleTree }: OpenOptions): ByteSource | undefined {
    if (from instanceof Uint8Array) return bytesSource(from)
    if (!isName(from)) return from
    try {
      return this.#sourceSync(String(from))
    } catch (error) {
      if (merkleTree === undefined && isMissing(error)) return undefined
      throw error
    }
  }

  #sourceSync(name: string): ByteSource {
    const { sourceSync } = this.#host
    if (sourceSync === undefined) throw faultError(new Fault('ENOTSUP', 'only asynchronously here'), sourceLabel(name))
    return sourceSync(name)
  }
}

/** Bytes of a Merkle tree that are fetched when it is opened: its upper levels, and those leaves that the first blocks need. */
const TREE_HEAD = 8 * 1024
const VERITY_BLOCK = 4096
const LATER = new Fault('EAGAIN', 'can only be read asynchronously')

/** Something that is done the first time only. */
function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}

function close({ data, tree }: Found): void {
  data.close()
  tree?.close()
}

/** The tree of data of one block is empty, and nothing reads it. */
function closeSpare({ data, tree }: Found): void {
  if (data.size <= VERITY_BLOCK) tree?.close()
}

/** Not there, or (S3 says so of what is missing to whoever may not list) not to be seen. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')
}

function lazyOptions(options: OpenOptions, label: string, places?: readonly Place[]): LazyOptions {
  const { cacheBytes, digest: wanted, verity } = options
  const digest = verity === 'off' ? undefined : wanted?.toLowerCase()
  return { cacheBytes, digest, label, places, limits: limitsOf(options) }
}

function mustWait(source: DeviceSource): boolean {
  return source instanceof Blob || (isSource(source) && source.readSync === undefined)
}

function hasDevices({ devices }: OpenOptions): boolean {
  return devices !== undefined && devices.length > 0
}

/** Bytes as something that is read by ranges. */
function apart<T extends string | URL | Blob | ByteSource>(source: T | Uint8Array | ArrayBuffer): T | ByteSource {
  return isBytes(source) ? deviceSource(source) : source
}

function deviceSource(one: Exclude<DeviceSource, string | URL>): ByteSource {
  if (isSource(one)) return one
  if (one instanceof Blob) return blobSource(one)
  return bytesSource(one instanceof Uint8Array ? one : new Uint8Array(one))
}

function sameImage(image: Image, options: OpenOptions): Image {
  const { digest } = options
  if (image.closed) throw faultError(new Fault('EINVAL', 'image is closed'), 'mount')
  checkSize(image.byteLength, options, 'image')
  const other = digest === undefined ? undefined : otherDigest(image, digest)
  if (other !== undefined) throw faultError(other, 'image')
  return image
}
