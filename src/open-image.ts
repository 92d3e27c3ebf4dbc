// Opening images from whatever names or holds them: whole, or lazily, checked against a digest. Not here: where a host finds
// what a string names (src/index.ts, src/node.ts), mounts (src/api.ts).

import { PagedPool } from '../wasm/paged-pool.js'
import { CORE_HEAD, CorePool, wantsFullCore } from '../wasm/pool.js'
import { Fault, faultError, orThrow } from './format/errno.js'
import type { Sha256 } from './format/hash.js'
import { fromHex } from './format/hex.js'
import { limitsOf, tooBig } from './format/limits.js'
import { type Image, type ImageOptions, isCfsV1, loadImage, otherDigest } from './image/image.js'
import { LAZY_HEAD, openLazyImage, openLazyImageSync } from './image/lazy-image.js'
import type { Verity } from './overlay/image-layer.js'
import { sourceLabel } from './remote.js'
import type { ByteSource } from './source/byte-source.js'
import { blobSource, bytesSource } from './source/bytes-source.js'
import { type ImageBytes, imageBytes } from './source/image-bytes.js'
import { MerkleSource } from './source/merkle-source.js'
import { besideName, readWhole, readWholeSync } from './source/whole.js'

/**
 * What an image can be opened from: a path (Node) or URL, bytes, something that is read by ranges (an object that a store
 * has opened, for one), or an Image. Opened lazily, what is read by ranges is the image's own, which closes it, as does an
 * opening that fails (but for EINVAL and EAGAIN, said at once); otherwise it stays the caller's.
 */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob | ByteSource | Image

export interface OpenOptions extends ImageOptions {
  /**
   * Keep only what was asked for in memory, and fetch it when it is asked for. With a `digest` every block is checked by the
   * Merkle tree beside the image; where there is none, the image is fetched whole and checked, unless `verity` is `off`.
   */
  readonly lazy?: boolean
  /**
   * Lazy: bound of the image's bytes in memory; 16 MiB unless given, a MiB at least. What needs more at once (a directory block
   * whose inodes lie far apart, a path of thousands of directories) is ENOMEM.
   */
  readonly cacheBytes?: number
  /**
   * Lazy: the image's Merkle tree, as `fsverity digest --out-merkle-tree` writes it, or where it is: the image's name with
   * `.verity` behind it unless given.
   */
  readonly merkleTree?: string | URL | Uint8Array | ByteSource
  /**
   * Check objects against the digests in the image: `on` unless said otherwise; `require` refuses files without one. `off`
   * also opens a lazy image unchecked.
   */
  readonly verity?: Verity
}

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

  /** Has the core at hand that decodes: from then on images that want it can be opened synchronously, too. */
  async loadDecoders(): Promise<void> {
    this.#full ??= await this.#host.fullModule()
  }

  async open(source: ImageSource, options: OpenOptions = {}): Promise<Image> {
    checkOptions(options)
    if (isImage(source)) return sameImage(source, options)
    checkSource(source)
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
      if (wantsFullCore(bytes.head(CORE_HEAD))) await this.loadDecoders()
    } catch (error) {
      bytes.done?.()
      throw error
    }
    return this.#load(bytes, options, name)
  }

  #load(bytes: ImageBytes, options: OpenOptions, name: string): Image {
    try {
      return orThrow(
        loadImage(this.#pool, this.#host.sha256, bytes.size, into => bytes.fill(into), options),
        name,
      )
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw faultError(new Fault('ENOMEM', `no memory for ${bytes.size} bytes`, error), name)
    } finally {
      bytes.done?.()
    }
  }

  async #openLazy(source: string | URL | Blob | ByteSource, options: OpenOptions): Promise<Image> {
    const found = await this.#find(source, options)
    try {
      const { data, label } = found
      checkSize(data.size, options, label)
      const head = await data.read(0, LAZY_HEAD)
      const checked = this.#checked(found, options)
      if (checked === undefined || isCfsV1(head)) {
        const whole = await this.#loadLater(bytesOf(await readWhole(data)), options, label)
        close(found)
        return whole
      }
      this.#paged ??= new PagedPool(await this.#host.pagedModule())
      // Through the checker: the head that was looked at above is not trusted.
      const first = checked === data ? head : await checked.read(0, LAZY_HEAD)
      const opened = await openLazyImage(this.#paged, this.#host.sha256, checked, first, lazyOptions(options, label))
      const image = orThrow(opened, label)
      closeSpare(found)
      return image
    } catch (error) {
      close(found)
      throw error
    }
  }

  #openLazySync(source: string | URL | ByteSource, options: OpenOptions): Image {
    const { pagedModuleSync, sha256 } = this.#host
    // Before it is taken over, since it can still be opened asynchronously.
    if (isSource(source) && source.readSync === undefined) throw faultError(LATER, 'image')
    const found = this.#findSync(source, options)
    try {
      const { data, label } = found
      checkSize(data.size, options, label)
      if (data.readSync === undefined || pagedModuleSync === undefined) {
        throw faultError(LATER, label)
      }
      const checked = this.#checked(found, options)
      const head = data.readSync(0, LAZY_HEAD)
      if (checked?.readSync === undefined || isCfsV1(head)) {
        const whole = this.#load(bytesOf(readWholeSync(data)), options, label)
        close(found)
        return whole
      }
      this.#paged ??= new PagedPool(pagedModuleSync())
      const first = checked.readSync(0, LAZY_HEAD)
      const opened = openLazyImageSync(this.#paged, sha256, checked, first, lazyOptions(options, label))
      const image = orThrow(opened, label)
      closeSpare(found)
      return image
    } catch (error) {
      close(found)
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

function wantsTree({ digest, verity }: OpenOptions): boolean {
  return digest !== undefined && verity !== 'off'
}

function lazyOptions(options: OpenOptions, label: string) {
  const { cacheBytes, digest, verity } = options
  return { cacheBytes, digest: verity === 'off' ? undefined : digest?.toLowerCase(), label, limits: limitsOf(options) }
}

/** Throws EFBIG, before anything of that size is read or made. */
function checkSize(size: number, options: OpenOptions, label: string): void {
  const { maxImageBytes } = limitsOf(options)
  if (size > maxImageBytes) throw faultError(tooBig('an image', size, 'maxImageBytes', maxImageBytes), label)
}

/** 0 of what is none of these, which is found out later. */
function sizeOf(source: Uint8Array | ArrayBuffer | Blob | ByteSource): number {
  if (source instanceof Blob || isSource(source)) return source.size
  return source instanceof Uint8Array || isBuffer(source) ? source.byteLength : 0
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

export function isImage(source: unknown): source is Image {
  return typeof source === 'object' && source !== null && 'rootNid' in source
}

function isName(source: unknown): source is string | URL {
  return typeof source === 'string' || source instanceof URL
}

function isSource(source: unknown): source is ByteSource {
  return typeof source === 'object' && source !== null && 'read' in source && 'size' in source
}

/** Throws EINVAL for what looks like a source and is none. */
function checkSource(source: unknown): void {
  if (!isSource(source)) return
  const { size, read, close } = source as { readonly [key in keyof ByteSource]: unknown }
  if (Number.isSafeInteger(size) && (size as number) >= 0 && typeof read === 'function' && typeof close === 'function')
    return
  throw faultError(new Fault('EINVAL', 'a source has a size in bytes, read and close'), 'open')
}

/** Is it something else than bytes in memory? */
function isApart<T>(source: T): source is Extract<T, string | URL | Blob | ByteSource> {
  return isName(source) || source instanceof Blob || isSource(source)
}

function sameImage(image: Image, options: OpenOptions): Image {
  const { digest } = options
  if (image.closed) throw faultError(new Fault('EINVAL', 'image is closed'), 'mount')
  checkSize(image.byteLength, options, 'image')
  const other = digest === undefined ? undefined : otherDigest(image, digest)
  if (other !== undefined) throw faultError(other, 'image')
  return image
}

function checkOptions(options: OpenOptions): void {
  const { digest, lazy, cacheBytes, merkleTree, verity } = options
  if (lazy !== undefined && typeof lazy !== 'boolean')
    throw faultError(new Fault('EINVAL', 'lazy is true or false'), 'open')
  const named = merkleTree === undefined || merkleTree instanceof Uint8Array || isName(merkleTree)
  if (!named && !isSource(merkleTree)) {
    throw faultError(new Fault('EINVAL', 'merkleTree is a path, a URL, bytes or a source'), 'open')
  }
  checkSource(merkleTree)
  if (merkleTree !== undefined && digest === undefined) {
    throw faultError(new Fault('EINVAL', 'without a digest a Merkle tree vouches for nothing'), 'open')
  }
  if (digest !== undefined && (typeof digest !== 'string' || !/^[0-9a-f]{64}$/i.test(digest))) {
    throw faultError(new Fault('EINVAL', 'digest must be 64 hex digits'), 'open')
  }
  if (cacheBytes !== undefined && !(typeof cacheBytes === 'number' && cacheBytes >= 0)) {
    throw faultError(new Fault('EINVAL', 'cacheBytes is a number of bytes'), 'open')
  }
  verityOf(verity)
  limitsOf(options)
}

/** Throws EINVAL for what is none. */
export function verityOf(verity: unknown): Verity {
  if (verity === undefined) return 'on'
  if (verity === 'off' || verity === 'on' || verity === 'require') return verity
  throw faultError(new Fault('EINVAL', `verity must be 'off', 'on' or 'require'`), 'mount')
}

function bytesOf(source: Uint8Array | ArrayBuffer): ImageBytes {
  const bytes = source instanceof Uint8Array ? source : isBuffer(source) ? new Uint8Array(source) : undefined
  if (bytes === undefined) throw faultError(new Fault('EINVAL', 'an image is a path, a URL, bytes or an Image'), 'open')
  return imageBytes(bytes)
}

function isBuffer(source: unknown): source is ArrayBuffer {
  const tag = Object.prototype.toString.call(source)
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]'
}
