// What users call, for any host: opening images and mounting them. A host (src/index.ts, src/node.ts) says how to hash,
// compile, and read what a string names. Not here: anything of one host.

import { CorePool } from '../wasm/pool.js'
import type { BuildOptions } from './build.js'
import { Fault, fault, faultError, type Outcome } from './format/errno.js'
import {
  type HashAlgorithm,
  type HashName,
  type Sha256,
  type Sha512,
  sha256Algorithm,
  sha512Algorithm,
} from './format/hash.js'
import { type Image, type ImageOptions, loadImage, otherDigest } from './image/image.js'
import { Mount } from './mount.js'
import { ImageLayer, type Verity } from './overlay/image-layer.js'
import type { ObjectStore } from './store/object-store.js'
import { VerifiedObjects } from './store/verified.js'
import type { HostParts, IdMap, VfsEnv } from './vfs/env.js'

/** What an image can be opened from: a path (Node) or URL, bytes, or an Image. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob | Image

export interface MountOptions extends ImageOptions {
  /** Where external content is: a store, a directory's path (Node), an http(s) URL. Without one it is ENOENT. */
  readonly store?: ObjectStore | string | URL
  /** Check objects against the digests in the image: `on` unless said otherwise; `require` refuses files without one. */
  readonly verity?: Verity
  /** Owner of what is created; the process's unless given. */
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  /** Maps owners both ways, as an idmapped mount does. */
  readonly idmap?: IdMap
  /** Classes of the host that streams and globs are made of; under Node they are found without being given. */
  readonly parts?: HostParts
  /** A writable mount; not yet. */
  readonly writable?: boolean
}

export interface BuildImageOptions extends Omit<BuildOptions, 'store'> {
  /** Where the bytes of files go: a store, or as for a mount what names one. Without one they are measured only. */
  readonly store?: ObjectStore | string | URL
}

/** Bytes of an image that a host has found: their number, and a function that writes them to a place. */
export interface ImageBytes {
  readonly size: number
  fill(into: Uint8Array): void
  done?(): void
}

export interface Host {
  readonly sha256: Sha256
  /** Brings SHA-512; called once at most, and only if someone asks for it. */
  sha512(): Promise<Sha512>
  readonly module: WebAssembly.Module
  /** Finds the image that a string or URL names; throws the host's error. */
  openSync?(source: string): ImageBytes
  open(source: string): Promise<ImageBytes>
  /** The store that a string names. */
  store(source: string): ObjectStore
  uid(): number
  gid(): number
  umask(): number
}

/** The functions of one host over one pool of core instances. */
export class Api {
  readonly #host: Host
  readonly #pool: CorePool
  #sha512: Promise<Sha512> | undefined
  readonly #objects = new WeakMap<ObjectStore, VerifiedObjects>()

  constructor(host: Host) {
    this.#host = host
    this.#pool = new CorePool(host.module)
  }

  /** Throws EINVAL for a hash that fs-verity does not know. */
  async hashAlgorithm(name: HashName): Promise<HashAlgorithm> {
    if (name === 'sha256') return sha256Algorithm(this.#host.sha256)
    if (name !== 'sha512') throw faultError(new Fault('EINVAL', `hash must be 'sha256' or 'sha512'`), 'hash')
    this.#sha512 ??= this.#host.sha512()
    return sha512Algorithm(await this.#sha512)
  }

  /** What a builder hashes with. Building is no method here: a page that only mounts should not carry it. */
  get sha256(): Sha256 {
    return this.#host.sha256
  }

  /** The store that an option names. */
  objectStore(store: ObjectStore | string | URL | undefined): ObjectStore | undefined {
    return typeof store === 'string' || store instanceof URL ? this.#host.store(String(store)) : store
  }

  async openImage(source: ImageSource, options: ImageOptions = {}): Promise<Image> {
    if (isImage(source)) return sameImage(source, options)
    if (typeof source === 'string' || source instanceof URL) {
      const name = String(source)
      return this.#load(await this.#host.open(name), options, name)
    }
    if (source instanceof Blob) return this.#load(bytesOf(await source.arrayBuffer()), options, 'image')
    return this.#load(bytesOf(source), options, 'image')
  }

  openImageSync(source: ImageSource, options: ImageOptions = {}): Image {
    if (isImage(source)) return sameImage(source, options)
    if (typeof source === 'string' || source instanceof URL) {
      const name = String(source)
      if (this.#host.openSync === undefined) throw faultError(new Fault('ENOTSUP', 'only asynchronously here'), name)
      return this.#load(this.#host.openSync(name), options, name)
    }
    if (source instanceof Blob) throw faultError(new Fault('ENOTSUP', 'a Blob is read asynchronously'), 'image')
    return this.#load(bytesOf(source), options, 'image')
  }

  async mount(source: ImageSource | readonly ImageSource[], options: MountOptions = {}): Promise<Mount> {
    const one = single(source, options)
    return this.#mount(one, await this.openImage(one, options), options)
  }

  mountSync(source: ImageSource | readonly ImageSource[], options: MountOptions = {}): Mount {
    const one = single(source, options)
    return this.#mount(one, this.openImageSync(one, options), options)
  }

  #load(bytes: ImageBytes, options: ImageOptions, name: string): Image {
    try {
      checkDigest(options.digest)
      return orThrow(
        loadImage(this.#pool, this.#host.sha256, bytes.size, into => bytes.fill(into), options),
        name,
      )
    } finally {
      bytes.done?.()
    }
  }

  #mount(source: ImageSource, image: Image, options: MountOptions): Mount {
    try {
      const layer = new ImageLayer(image, this.#verified(options.store), verityOf(options.verity))
      return new Mount(layer, this.#env(options, image), [image], isImage(source) ? [] : [image])
    } catch (error) {
      if (!isImage(source)) image.close()
      throw error
    }
  }

  /** One checker for all mounts of a store, so that what one has verified the others need not hash. */
  #verified(store: MountOptions['store']): VerifiedObjects | undefined {
    const found = this.objectStore(store)
    if (found === undefined) return undefined
    let verified = this.#objects.get(found)
    if (verified === undefined) {
      verified = new VerifiedObjects(found, this.#host.sha256)
      this.#objects.set(found, verified)
    }
    return verified
  }

  #env(options: MountOptions, image: Image): VfsEnv {
    const { uid, gid, umask, idmap, parts } = options
    const host = this.#host
    return {
      uid: uid === undefined ? host.uid : () => uid,
      gid: gid === undefined ? host.gid : () => gid,
      umask: umask === undefined ? host.umask : () => umask,
      idmap,
      parts,
      // The kernel's EROFS has no fsync (EINVAL); overlayfs has.
      noFsync: image.format === 'erofs',
    }
  }
}

function isImage(source: ImageSource): source is Image {
  return typeof source === 'object' && 'rootNid' in source
}

function sameImage(image: Image, { digest }: ImageOptions): Image {
  checkDigest(digest)
  if (image.closed) throw faultError(new Fault('EINVAL', 'image is closed'), 'mount')
  const other = digest === undefined ? undefined : otherDigest(image, digest)
  if (other !== undefined) throw faultError(other, 'image')
  return image
}

function checkDigest(digest: unknown): void {
  if (digest === undefined || (typeof digest === 'string' && /^[0-9a-f]{64}$/i.test(digest))) return
  throw faultError(new Fault('EINVAL', 'digest must be 64 hex digits'), 'open')
}

function verityOf(verity: unknown): Verity {
  if (verity === undefined) return 'on'
  if (verity === 'off' || verity === 'on' || verity === 'require') return verity
  throw faultError(new Fault('EINVAL', `verity must be 'off', 'on' or 'require'`), 'mount')
}

/** Stacks and writable mounts come with the overlay. */
function single(source: ImageSource | readonly ImageSource[], options: MountOptions): ImageSource {
  if (options.writable) throw faultError(new Fault('ENOTSUP', 'writable mounts are not there yet'), 'mount')
  if (!Array.isArray(source)) return source as ImageSource
  if (source.length === 1) return source[0]
  throw faultError(new Fault(source.length === 0 ? 'EINVAL' : 'ENOTSUP', 'stacks of images are not there yet'), 'mount')
}

function bytesOf(source: Uint8Array | ArrayBuffer): ImageBytes {
  const bytes = source instanceof Uint8Array ? source : isBuffer(source) ? new Uint8Array(source) : undefined
  if (bytes === undefined) throw faultError(new Fault('EINVAL', 'an image is a path, a URL, bytes or an Image'), 'open')
  return { size: bytes.length, fill: into => into.set(bytes) }
}

function isBuffer(source: unknown): source is ArrayBuffer {
  const tag = Object.prototype.toString.call(source)
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]'
}

function orThrow<T>(outcome: Outcome<T>, what: string): T {
  if (outcome instanceof Fault) throw faultError(outcome, what)
  return outcome
}

/** Brings an image over HTTP, whole; for hosts whose strings are URLs. */
export async function fetchImage(url: string): Promise<ImageBytes> {
  const response = await fetch(url)
  if (!response.ok) {
    throw faultError(new Fault(response.status === 404 ? 'ENOENT' : 'EIO', `HTTP status ${response.status}`), url)
  }
  return bytesOf(await response.arrayBuffer())
}

/** Stores by URL come with the issue of remote content. */
export function noStore(source: string): never {
  throw faultError(fault('ENOTSUP'), `store ${source}`)
}
