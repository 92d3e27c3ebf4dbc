// What users call, for any host: opening images and mounting them. A host (src/index.ts, src/node.ts) says how to hash,
// compile, and read what a string names. Not here: anything of one host.

import type { BuildOptions } from './build.js'
import { Fault, faultError, Miss } from './format/errno.js'
import {
  type HashAlgorithm,
  type HashName,
  type Sha256,
  type Sha512,
  sha256Algorithm,
  sha512Algorithm,
} from './format/hash.js'
import { type Limits, limitOptions, limitsOf, smallerLimits } from './format/limits.js'
import type { Image } from './image/image.js'
import { Mount, type MountHost } from './mount.js'
import { type ImageHost, ImageOpener } from './open-image.js'
import { type ImageSource, isImage, type OpenOptions, verityOf } from './open-options.js'
import { rootOver } from './overlay/copied-inode.js'
import { ImageLayer } from './overlay/image-layer.js'
import type { Layer } from './overlay/layer.js'
import { imageLayer } from './overlay/limited-layer.js'
import type { LayerNode } from './overlay/lower.js'
import { memoryUpper } from './overlay/memory-upper.js'
import type { OverlayOptions } from './overlay/merged-entries.js'
import { MergedTree } from './overlay/merged-tree.js'
import { Overlay } from './overlay/overlay.js'
import type { Upper } from './overlay/upper.js'
import { answered } from './overlay/waiting.js'
import { MemoryStore } from './store/memory.js'
import type { ObjectStore } from './store/object-store.js'
import { VerifiedObjects } from './store/verified.js'
import type { HostParts, IdMap, VfsEnv } from './vfs/env.js'

/** What can be mounted, alone or in a stack: an image, or another mount, whose tree is a lower layer then. */
export type MountSource = ImageSource | Mount

type StoreSource = ObjectStore | string | URL

export interface MountOptions extends OpenOptions {
  /**
   * Where external content is: a store, a directory's path (Node), an http(s) URL. Without one it is ENOENT. An array has
   * one for each image of a stack, or undefined.
   */
  readonly store?: StoreSource | readonly (StoreSource | undefined)[]
  /** Owner of what is created; the process's unless given. */
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  /** Maps owners both ways, as an idmapped mount does. */
  readonly idmap?: IdMap
  /** Classes of the host that streams and globs are made of; under Node they are found without being given. */
  readonly parts?: HostParts
  /** Whether the tree can be changed; what is changed stays in memory unless there is an `upper`. */
  readonly writable?: boolean
  /** A directory (Node) that keeps what is changed, for this mount and later ones; implies `writable`. */
  readonly upper?: string | URL
  /** Bytes that changes may take; more is ENOSPC. No limit unless given. */
  readonly upperSize?: number
  /** What `snapshot` of a mount of the same images gave: where this mount begins; an `upper` must be a new one then. Implies `writable`. */
  readonly snapshot?: Uint8Array
  /**
   * Bytes that `prefetch` may hold of objects whose store has no synchronous forms; 64 MiB unless given. All mounts of a
   * store have that in common, and the largest that was given counts.
   */
  readonly prefetchBytes?: number
  /** overlayfs' redirect_dir: on unless false; then renaming a lower directory is EXDEV. */
  readonly redirectDir?: boolean
  /** overlayfs' metacopy: as `redirectDir` unless given, which it needs; without it every change copies the whole file. */
  readonly metacopy?: boolean
}

export interface BuildImageOptions extends Omit<BuildOptions, 'store'> {
  /** Where the bytes of files go: a store, or as for a mount what names one. Without one they are measured only. */
  readonly store?: ObjectStore | string | URL
}

/** An upper, and what is to be done when its mount goes. */
export interface KeptUpper {
  readonly upper: Upper
  /** Whether nothing has been changed in it yet. */
  readonly isNew: boolean
  close(): void
}

export interface Host extends ImageHost {
  /** Brings SHA-512; called once at most, and only if someone asks for it. */
  sha512(): Promise<Sha512>
  /** The store that a string names. */
  store(source: string): ObjectStore
  /** An upper that a directory keeps; made over `layers` where it is new. */
  upper?(source: string, layers: readonly Layer<LayerNode>[], limit: number): KeptUpper
  /** Does something that fills a store, seen to it that nobody clears away what it fills it with. */
  whileFilling?<T>(store: ObjectStore | undefined, action: () => Promise<T>): Promise<T>
  uid(): number
  gid(): number
  umask(): number
}

/** The functions of one host over one pool of core instances. */
export class Api {
  readonly #host: Host
  readonly #images: ImageOpener
  #sha512: Promise<Sha512> | undefined
  readonly #objects = new WeakMap<ObjectStore, VerifiedObjects>()

  constructor(host: Host) {
    this.#host = host
    this.#images = new ImageOpener(host)
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

  loadDecoders(): Promise<void> {
    return this.#images.loadDecoders()
  }

  openImage(source: ImageSource, options?: OpenOptions): Promise<Image> {
    return this.#images.open(source, options)
  }

  openImageSync(source: ImageSource, options?: OpenOptions): Image {
    return this.#images.openSync(source, options)
  }

  async mount(source: MountSource | readonly MountSource[], options: MountOptions = {}): Promise<Mount> {
    const opening = new Opening()
    try {
      for (const one of sourcesOf(source)) {
        opening.add(one, one instanceof Mount ? one : await this.openImage(one, opening.optionsFor(options)))
      }
      await bringRoot(opening.found[0])
      return this.#mount(opening, options)
    } catch (error) {
      opening.close()
      throw error
    }
  }

  mountSync(source: MountSource | readonly MountSource[], options: MountOptions = {}): Mount {
    const opening = new Opening()
    try {
      for (const one of sourcesOf(source)) {
        opening.add(one, one instanceof Mount ? one : this.openImageSync(one, opening.optionsFor(options)))
      }
      return this.#mount(opening, options)
    } catch (error) {
      opening.close()
      throw error
    }
  }

  #mount({ found, owned }: Opening, options: MountOptions): Mount {
    const verity = verityOf(options.verity)
    const limits = limitsOf(options)
    const prefetchBytes = limitOf(options.prefetchBytes, 'prefetchBytes')
    const layers = found.map((one, index) => {
      if (one instanceof Mount) return one.layer as Layer<LayerNode>
      const objects = this.#verified(storeAt(options.store, index), prefetchBytes)
      return imageLayer(one, objects, verity, smallerLimits(one.limits, limits))
    })
    const images = found.flatMap(one => (one instanceof Mount ? one.images : [one]))
    const writable = options.writable === true || options.upper !== undefined || options.snapshot !== undefined
    const env = this.#env(options, images, writable)
    const host = this.#mountHost(storeAt(options.store, 0), limits)
    if (!writable && layers.length === 1) return new Mount(layers[0], env, images, owned, host)
    const overlay = overlayOptions(options)
    const limit = limitOf(options.upperSize, 'upperSize') ?? Number.POSITIVE_INFINITY
    if (!writable) return new Mount(new MergedTree(layers, memoryUpper(layers, 0), overlay), env, images, owned, host)
    const kept = this.#upper(options.upper, layers, limit)
    const tree = new Overlay(layers, kept.upper, overlay)
    const ended = () => {
      tree.copyUp.forget()
      kept.close()
    }
    const mounted = new Mount(tree, env, images, owned, { ...host, ended })
    if (options.snapshot === undefined) return mounted
    try {
      if (!kept.isNew) throw faultError(new Fault('EINVAL', 'the upper holds something already'), 'mount')
      mounted.restore(options.snapshot)
      return mounted
    } catch (error) {
      mounted.unmount()
      throw error
    }
  }

  #upper(upper: MountOptions['upper'], layers: readonly Layer<LayerNode>[], limit: number): KeptUpper {
    if (upper === undefined) return { upper: memoryUpper(layers, limit), isNew: true, close: () => {} }
    if (this.#host.upper === undefined) throw faultError(new Fault('ENOTSUP', 'no directories on this host'), 'mount')
    return this.#host.upper(String(upper), layers, limit)
  }

  #mountHost(own: StoreSource | undefined, { maxEntries }: Limits): MountHost {
    const { sha256, whileFilling = (_store, action) => action() } = this.#host
    return {
      maxEntries,
      commit: async (source, options) => {
        const store = this.objectStore(options.store ?? own) ?? new MemoryStore()
        // Loaded when it is asked for: a page that only mounts need not carry the writing half.
        const { commit } = await import('./commit.js')
        return whileFilling(store, () => commit({ ...source, maxEntries }, { ...options, store }, sha256))
      },
    }
  }

  /** One checker for all mounts of a store, so that what one has verified the others need not hash. */
  #verified(store: StoreSource | undefined, prefetchBytes: number | undefined): VerifiedObjects | undefined {
    const found = this.objectStore(store)
    if (found === undefined) return undefined
    let verified = this.#objects.get(found)
    if (verified === undefined) {
      verified = new VerifiedObjects(found, this.#host.sha256)
      this.#objects.set(found, verified)
    }
    if (prefetchBytes !== undefined) verified.allowPrefetch(prefetchBytes)
    return verified
  }

  #env(options: MountOptions, images: readonly Image[], writable: boolean): VfsEnv {
    const { uid, gid, umask, idmap, parts } = options
    const host = this.#host
    return {
      uid: uid === undefined ? host.uid : () => uid,
      gid: gid === undefined ? host.gid : () => gid,
      umask: umask === undefined ? host.umask : () => umask,
      idmap,
      parts,
      // The kernel's EROFS has no fsync (EINVAL); overlayfs has.
      noFsync: !writable && images.length === 1 && images[0].format === 'erofs',
    }
  }
}

/** Brings what an upper over a lazy image begins with: what its root is. */
async function bringRoot(top: Image | Mount): Promise<void> {
  const layer = top instanceof Mount ? (top.layer as Layer<LayerNode>) : new ImageLayer(top, undefined, 'off')
  const root = await answered(() => rootOver([layer]))
  if (root instanceof Miss) throw faultError(root, 'mount')
}

function overlayOptions(options: MountOptions): OverlayOptions {
  const { redirectDir = true, metacopy = redirectDir } = options
  if (typeof redirectDir !== 'boolean' || typeof metacopy !== 'boolean') {
    throw faultError(new Fault('EINVAL', 'redirectDir and metacopy are true or false'), 'mount')
  }
  // As the kernel has it: a metacopy file that is renamed needs a redirect.
  if (metacopy && !redirectDir) throw faultError(new Fault('EINVAL', 'metacopy needs redirectDir'), 'mount')
  return { redirectDir, metacopy, maxSymlinks: limitsOf(options).maxSymlinks }
}

function limitOf(size: unknown, option: string): number | undefined {
  if (size === undefined || (typeof size === 'number' && size >= 0)) return size
  throw faultError(new Fault('EINVAL', `${option} is a number of bytes`), 'mount')
}

function storeAt(store: MountOptions['store'], index: number): StoreSource | undefined {
  return Array.isArray(store) ? store[index] : (store as StoreSource | undefined)
}

function sourcesOf(source: MountSource | readonly MountSource[]): readonly MountSource[] {
  const sources = Array.isArray(source) ? source : [source as MountSource]
  if (sources.length === 0) throw faultError(new Fault('EINVAL', 'nothing to mount'), 'mount')
  return sources
}

/** What a mount is made of, as far as it has been opened. */
class Opening {
  readonly found: (Image | Mount)[] = []
  readonly owned: Image[] = []

  /** A digest, and a Merkle tree, are those of the topmost image. */
  optionsFor(options: MountOptions): OpenOptions {
    const { lazy, cacheBytes } = options
    return this.found.length === 0 ? options : { lazy, cacheBytes, ...limitOptions(options) }
  }

  add(source: MountSource, opened: Image | Mount): void {
    this.found.push(opened)
    if (opened instanceof Mount || isImage(source as ImageSource)) return
    this.owned.push(opened)
  }

  close(): void {
    for (const image of this.owned) image.close()
  }
}
