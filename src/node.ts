// The package under Node: all of the root entry, and paths, directories and synchronous opening.

import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { compileSync } from '../wasm/core.js'
import { CORE_BASE64 } from '../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../wasm/full-core-bytes.js'
import { PAGED_CORE_BASE64 } from '../wasm/paged-core-bytes.js'
import { Api, type BuildImageOptions, type Host, type MountOptions, type MountSource } from './api.js'
import type { BridgeOptions } from './bridge/bridge.js'
import { ThreadBridge, type UrlBridge } from './bridge/start.js'
import { type BuildFs, type BuildSource, type Built, buildImage as buildFromSource } from './build.js'
import { Fault, faultError } from './format/errno.js'
import type { HashAlgorithm, HashName } from './format/hash.js'
import { nodeThread } from './host/bridge-thread.js'
import { buildDirectory } from './host/directory-build.js'
import { openFileSource } from './host/file-source.js'
import { sha256, sha512 } from './host/hash.js'
import { readKernelUpper } from './host/kernel-upper-read.js'
import { writeKernelUpper } from './host/kernel-upper-write.js'
import { DirectoryUppers } from './host/upper-directory.js'
import { hostXattrs } from './host/xattrs.js'
import { beginsAsImage, type Image } from './image/image.js'
import type { Mount } from './mount.js'
import type { ImageSource, OpenOptions } from './open-options.js'
import { Overlay } from './overlay/overlay.js'
import { isRemoteUrl, NamedStores, Remote, sourceLabel } from './remote.js'
import type { ImageBytes } from './source/image-bytes.js'
import { CachedStore as AnyCachedStore, type CachedOptions } from './store/cached.js'
import { DirectoryStore } from './store/directory.js'
import { whileRegistered } from './store/directory-builds.js'
import type { ObjectStore } from './store/object-store.js'
import { S3Store } from './store/s3.js'
import { s3OptionsFromEnv } from './store/s3-options.js'

export * from './exports.js'
export { DirectoryStore }

/** A cache that checks what it gets with Node's own hash. */
export class CachedStore extends AnyCachedStore {
  constructor(options: CachedOptions) {
    super({ sha256, ...options })
  }
}

const URL_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i

/** The command whose workers read files; where the package has been bundled into another program it is not there. */
const WORKER = new URL('./bin/mkcomposefs.js', import.meta.url)

/** The thread that bridges are served by. */
const BRIDGE_WORKER = new URL('./bridge-worker.js', import.meta.url)

/** Throws EINVAL for another URL; what it says stays out of the message, since it may be secret. */
function pathOf(source: string): string {
  if (source.startsWith('file://')) return fileURLToPath(source)
  const [scheme] = URL_SCHEME.exec(source) ?? []
  if (scheme !== undefined) throw faultError(new Fault('EINVAL', 'URLs of this scheme are not read'), scheme)
  return source
}

/** An image file, opened: it is read straight to where the core will look at it. */
function openFile(source: string): ImageBytes {
  const path = pathOf(source)
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  const stat = fs.fstatSync(fd)
  if (!stat.isFile() && !stat.isBlockDevice()) {
    fs.closeSync(fd)
    throw Object.assign(new Error(`EINVAL: ${path}: not a regular file`), { code: 'EINVAL', errno: -22, path })
  }
  const fill = (into: Uint8Array) => {
    let done = 0
    while (done < into.length) {
      const n = fs.readSync(fd, into, done, into.length - done, done)
      if (n === 0) throw Object.assign(new Error(`EIO: ${path}: file became shorter`), { code: 'EIO', errno: -5, path })
      done += n
    }
  }
  const head = (length: number) => {
    const bytes = new Uint8Array(length)
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, 0))
  }
  return { size: stat.size, head, fill, done: () => fs.closeSync(fd) }
}

function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function fullModule(): WebAssembly.Module {
  return compileSync(base64Bytes(FULL_CORE_BASE64))
}

function pagedModule(): WebAssembly.Module {
  return compileSync(base64Bytes(PAGED_CORE_BASE64))
}

function notNow(source: string): Error {
  return faultError(new Fault('EAGAIN', 'a URL is fetched asynchronously'), sourceLabel(source))
}

/** What fills a directory is known to gc until it resolves. */
function whileFilling<T>(store: ObjectStore | undefined, action: () => Promise<T>): Promise<T> {
  return whileRegistered(store instanceof DirectoryStore ? store.label : undefined, action)
}

/** Who asks belongs to the name of a bucket: other keys may be let in elsewhere. */
function s3Buckets(): (source: string) => ObjectStore {
  const known = new NamedStores()
  return source => {
    const options = s3OptionsFromEnv(process.env)
    return known.get(JSON.stringify([source, options]), () => new S3Store(source, options))
  }
}

function nodeHost(): Host {
  const directories = new NamedStores()
  const remote = new Remote(s3Buckets())
  const uppers = new DirectoryUppers()
  return {
    sha256,
    sha512: async () => sha512,
    module: compileSync(base64Bytes(CORE_BASE64)),
    fullModule: async () => fullModule(),
    fullModuleSync: fullModule,
    pagedModule: async () => pagedModule(),
    pagedModuleSync: pagedModule,
    source: async (source, head) =>
      isRemoteUrl(source) ? remote.source(source, head) : openFileSource(pathOf(source)),
    sourceSync: source => {
      if (isRemoteUrl(source)) throw notNow(source)
      return openFileSource(pathOf(source))
    },
    openSync(source) {
      if (isRemoteUrl(source)) throw notNow(source)
      return openFile(source)
    },
    // A local image is metadata, read in one go: handing it through a buffer of its own would cost more than it frees.
    open: async (source, maxBytes) => (isRemoteUrl(source) ? remote.image(source, maxBytes) : openFile(source)),
    store: source => {
      if (URL_SCHEME.test(source) && !source.startsWith('file://')) return remote.store(source)
      const path = resolve(pathOf(source))
      return directories.get(path, () => new DirectoryStore(path))
    },
    upper: (source, layers, limit) => uppers.open(pathOf(source), layers, limit),
    whileFilling,
    uid: () => process.geteuid?.() ?? 0,
    gid: () => process.getegid?.() ?? 0,
    umask: () => process.umask(),
  }
}

// One pool of core instances for the process, since that is what makes the thousandth image cheap.
const api = new Api(nodeHost())

/** Opens an image; see README. Rejects with an Error that has a `code`. */
export const openImage = (source: ImageSource, options?: OpenOptions): Promise<Image> => api.openImage(source, options)

/** Opens an image at once. Throws an Error that has a `code`. */
export const openImageSync = (source: ImageSource, options?: OpenOptions): Image => api.openImageSync(source, options)

/** Here for programs that run in browsers, too: under Node everything is at hand, and this resolves at once. */
export const loadDecoders = (): Promise<void> => api.loadDecoders()

/** Opens and mounts an image; see README. */
export const mount = (source: MountSource | readonly MountSource[], options?: MountOptions): Promise<Mount> =>
  api.mount(source, options)

/** Opens and mounts an image at once. */
export const mountSync = (source: MountSource | readonly MountSource[], options?: MountOptions): Mount =>
  api.mountSync(source, options)

/** Options of buildImage under Node. */
export interface NodeBuildOptions extends BuildImageOptions {
  /** Threads that read the files of a directory; as many as there are processors unless given. */
  readonly threads?: number
}

/**
 * Builds an image; see README. Under Node a source can be a path as well: of a directory (with a directory as store, its
 * files are read and stored by worker threads), a dump or an image.
 */
export async function buildImage(source: BuildSource | string | URL, options: NodeBuildOptions = {}): Promise<Built> {
  if (typeof source !== 'string' && !(source instanceof URL)) return build(source, options)
  const path = pathOf(String(source))
  const stat = await fs.promises.lstat(path)
  if (stat.isFile()) return buildFromFile(path, options)
  // Also says at once, before anything is written, where there is no such store.
  const store = api.objectStore(options.store)
  if (store !== undefined && !(store instanceof DirectoryStore)) {
    const xattrSource = options.xattrs === 'none' ? undefined : hostXattrs()
    return build({ fs: fs as BuildFs, path, xattrSource }, options)
  }
  const { format, xattrs, threads, useEpoch, skipDevices, hardLinks } = options
  const built = await buildDirectory(path, {
    store: store?.label,
    cfsV1: format === 'cfs-v1' ? { payload: 'digest', digest: true } : undefined,
    ...{ xattrs, useEpoch, skipDevices, hardLinks },
    ...(fs.existsSync(WORKER) ? { threads, worker: WORKER } : { threads: 1 }),
  })
  try {
    // Registered already.
    return await buildFromSource(built.tree, { ...options, store }, sha256)
  } finally {
    built.release()
  }
}

/** A build that fills a directory is known to gc until it resolves; with a `sink`, until all has been taken. */
function build(source: BuildSource, options: BuildImageOptions): Promise<Built> {
  const store = api.objectStore(options.store)
  return whileFilling(store, () => buildFromSource(source, { ...options, store }, sha256))
}

async function buildFromFile(path: string, options: NodeBuildOptions): Promise<Built> {
  const bytes = await fs.promises.readFile(path)
  if (!beginsAsImage(bytes)) return build({ dump: bytes }, options)
  const image = await api.openImage(bytes)
  try {
    return await build(image, options)
  } finally {
    image.close()
  }
}

/** A hash for fs-verity digests and Merkle trees. */
export const hashAlgorithm = (name: HashName): Promise<HashAlgorithm> => api.hashAlgorithm(name)

/**
 * Writes what has been changed in a mount as an upper directory, which the kernel's overlayfs mounts over the same images
 * (`redirect_dir=on,metacopy=on`). The directory must not be there, or be empty; it appears when it is whole. On Linux, for root,
 * with the package koffi: ENOTSUP or EPERM elsewhere. Throws EROFS for a mount that can't be written to.
 */
export function exportUpper(mount: Mount, directory: string | URL): void {
  const { layer } = mount as { layer: unknown }
  if (!(layer instanceof Overlay)) throw faultError(new Fault('EROFS'), 'exportUpper')
  writeKernelUpper(layer.upper, resolve(pathOf(String(directory))))
}

/**
 * Reads an upper directory of the kernel's overlayfs, which is not mounted, into a snapshot: `mount(images, { snapshot })` or
 * `restore` of a mount goes on from there. Where, and for whom, as `exportUpper`.
 */
export function importUpper(directory: string | URL): Uint8Array {
  return readKernelUpper(resolve(pathOf(String(directory))))
}

/** Options of openBridge under Node. */
export interface OpenBridgeOptions extends BridgeOptions {
  /** One that runs `composefs-wasm/bridge-worker`, where the package has been bundled into another program. */
  readonly worker?: Worker
}

/**
 * Stores and files by URL with synchronous forms, for any thread: one of the package's own serves them, and this one waits for
 * it. It does not keep the process running. Buckets are asked for by whom the environment says.
 */
export function openBridgeSync({ worker, ...options }: OpenBridgeOptions = {}): UrlBridge {
  if (worker === undefined && !fs.existsSync(BRIDGE_WORKER)) {
    throw faultError(new Fault('ENOTSUP', 'give a worker that runs composefs-wasm/bridge-worker'), 'bridge')
  }
  return new ThreadBridge(nodeThread(worker ?? BRIDGE_WORKER), options, s3OptionsFromEnv(process.env))
}

/** The same; resolves once the thread has started. */
export async function openBridge(options: OpenBridgeOptions = {}): Promise<UrlBridge> {
  const bridge = openBridgeSync(options) as ThreadBridge
  try {
    return await bridge.ready()
  } catch (error) {
    bridge.close()
    throw error
  }
}
