// What the package does on any host: images from bytes and URLs. Hashing is hash-wasm's, since a synchronous read can't wait for
// the platform's asynchronous digest. Not here: what else the entry exports (index.ts), which a program of our own need not carry.

import { createSHA512 } from 'hash-wasm'
import { compile } from '../wasm/core.js'
import { CORE_BASE64 } from '../wasm/core-bytes.js'
import { Api, type MountOptions, type MountSource } from './api.js'
import type { BridgeOptions } from './bridge/bridge.js'
import { DirectBridge } from './bridge/direct-bridge.js'
import { canWait } from './bridge/shared-slots.js'
import { ThreadBridge, type UrlBridge } from './bridge/start.js'
import { startWorker } from './bridge/web-thread.js'
import { Fault, faultError } from './format/errno.js'
import type { HashAlgorithm, HashFunction, HashName } from './format/hash.js'
import type { Image } from './image/image.js'
import type { Mount } from './mount.js'
import type { ImageSource, OpenOptions } from './open-options.js'
import { Remote } from './remote.js'
import { wasmSha256 } from './store/wasm-sha256.js'

function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), c => c.charCodeAt(0))
}

async function wasmSha512(): Promise<HashFunction> {
  const hasher = await createSHA512()
  return data => hasher.init().update(data).digest('binary')
}

async function start(): Promise<Api> {
  const [module, sha256] = await Promise.all([compile(base64Bytes(CORE_BASE64)), wasmSha256()])
  const remote = new Remote()
  started.now = new Api({
    sha256,
    sha512: wasmSha512,
    module,
    fullModule: async () => compile(base64Bytes((await import('../wasm/full-core-bytes.js')).FULL_CORE_BASE64)),
    pagedModule: async () => compile(base64Bytes((await import('../wasm/paged-core-bytes.js')).PAGED_CORE_BASE64)),
    open: (source, maxBytes) => remote.image(source, maxBytes),
    source: (source, head) => remote.source(source, head),
    store: source => remote.store(source),
    uid: () => 0,
    gid: () => 0,
    umask: () => 0o022,
  })
  return started.now
}

/** Started by the first call, so that importing the package costs nothing. */
const started: { api?: Promise<Api>; now?: Api } = {}

/** What the functions ask, for those that are elsewhere (any-build.ts). */
export function api(): Promise<Api> {
  started.api ??= start()
  return started.api
}

function apiNow(what: string): Api {
  if (started.now !== undefined) return started.now
  throw faultError(new Fault('EAGAIN', 'the core is not loaded yet: await loadDecoders() before'), what)
}

/** Opens an image from bytes or a URL; see README. Rejects with an Error that has a `code`. */
export const openImage = async (source: ImageSource, options?: OpenOptions): Promise<Image> =>
  (await api()).openImage(source, options)

/**
 * Loads what openImageSync and mountSync want, the decoders of compressed images included: once it has resolved, they open
 * any image that is given as bytes. openImage and mount load by themselves what they want.
 */
export const loadDecoders = async (): Promise<void> => (await api()).loadDecoders()

/**
 * Opens an image from bytes, or lazily from a source that reads synchronously; EAGAIN before `loadDecoders`. A URL is ENOTSUP:
 * it is fetched asynchronously.
 */
export const openImageSync = (source: ImageSource, options?: OpenOptions): Image =>
  apiNow('open').openImageSync(source, options)

/** Opens and mounts an image at once, as `openImageSync` does. */
export const mountSync = (source: MountSource | readonly MountSource[], options?: MountOptions): Mount =>
  apiNow('mount').mountSync(source, options)

/** Opens and mounts an image; see README. */
export const mount = async (source: MountSource | readonly MountSource[], options?: MountOptions): Promise<Mount> =>
  (await api()).mount(source, options)

/** A hash for fs-verity digests and Merkle trees. SHA-512 is loaded when it is first asked for. */
export const hashAlgorithm = async (name: HashName): Promise<HashAlgorithm> => (await api()).hashAlgorithm(name)

/** Options of openBridge in a browser. */
export interface OpenBridgeOptions extends BridgeOptions {
  /** One that runs `composefs-wasm/bridge-worker`, where the file beside this one can't be had: behind another origin, for one. */
  readonly worker?: Worker
}

/**
 * Stores and files by URL with synchronous forms, for a worker: a thread of the package's own serves them, and this one waits
 * for it. Where no memory can be shared, plain HTTP is read by synchronous XMLHttpRequest; a page has no synchronous forms.
 */
export const openBridge = async ({ worker, ...options }: OpenBridgeOptions = {}): Promise<UrlBridge> => {
  if (!canWait()) return new DirectBridge()
  const script = () => worker ?? new Worker(new URL('./bridge-worker.js', import.meta.url), { type: 'module' })
  const bridge = new ThreadBridge(startWorker(script), options)
  try {
    return await bridge.ready()
  } catch (error) {
    bridge.close()
    throw error
  }
}
