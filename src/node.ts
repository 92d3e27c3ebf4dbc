// The package under Node: all of the root entry, and paths, directories and synchronous opening.

import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileSync } from '../wasm/core.js'
import { CORE_BASE64 } from '../wasm/core-bytes.js'
import {
  Api,
  type BuildImageOptions,
  fetchImage,
  type Host,
  type ImageBytes,
  type ImageSource,
  type MountOptions,
  noStore,
} from './api.js'
import type { BuildSource, Built } from './build.js'
import { type HashAlgorithm, type HashFunction, type HashName, hashOfStrings } from './format/hash.js'
import type { Image, ImageOptions } from './image/image.js'
import type { Mount } from './mount.js'
import { DirectoryStore } from './store/directory.js'
import type { ObjectStore } from './store/object-store.js'

export * from './exports.js'
export { DirectoryStore }

const URL_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i

/** An image file, opened: it is read straight to where the core will look at it. */
function openFile(source: string): ImageBytes {
  const path = source.startsWith('file://') ? fileURLToPath(source) : source
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
  return { size: stat.size, fill, done: () => fs.closeSync(fd) }
}

function platformHash(name: HashName): HashFunction {
  return hashOfStrings(
    data => crypto.hash(name, data, 'buffer'),
    data => crypto.hash(name, data, 'binary'),
  )
}

/** The stores that strings name, while someone has them; two mounts of one directory then share what is verified. */
class Directories {
  readonly #known = new Map<string, WeakRef<ObjectStore>>()

  get(source: string): ObjectStore {
    const path = resolve(source.startsWith('file://') ? fileURLToPath(source) : source)
    const known = this.#known.get(path)?.deref()
    if (known !== undefined) return known
    for (const [other, ref] of this.#known) if (ref.deref() === undefined) this.#known.delete(other)
    const store = new DirectoryStore(path)
    this.#known.set(path, new WeakRef(store))
    return store
  }
}

function nodeHost(): Host {
  const directories = new Directories()
  return {
    sha256: platformHash('sha256'),
    sha512: async () => platformHash('sha512'),
    module: compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))),
    openSync(source) {
      if (/^https?:\/\//i.test(source)) {
        throw Object.assign(new Error(`EAGAIN: ${source}: a URL is fetched asynchronously`), {
          code: 'EAGAIN',
          errno: -11,
        })
      }
      return openFile(source)
    },
    // A local image is metadata, read in one go: handing it through a buffer of its own would cost more than it frees.
    open: async source => (/^https?:\/\//i.test(source) ? fetchImage(source) : openFile(source)),
    store: source =>
      URL_SCHEME.test(source) && !source.startsWith('file://') ? noStore(source) : directories.get(source),
    uid: () => process.getuid?.() ?? 0,
    gid: () => process.getgid?.() ?? 0,
    umask: () => process.umask(),
  }
}

// One pool of core instances for the process, since that is what makes the thousandth image cheap.
const api = new Api(nodeHost())

/** Opens an image; see README. Rejects with an Error that has a `code`. */
export const openImage = (source: ImageSource, options?: ImageOptions): Promise<Image> => api.openImage(source, options)

/** Opens an image at once. Throws an Error that has a `code`. */
export const openImageSync = (source: ImageSource, options?: ImageOptions): Image => api.openImageSync(source, options)

/** Opens and mounts an image; see README. */
export const mount = (source: ImageSource | readonly ImageSource[], options?: MountOptions): Promise<Mount> =>
  api.mount(source, options)

/** Opens and mounts an image at once. */
export const mountSync = (source: ImageSource | readonly ImageSource[], options?: MountOptions): Mount =>
  api.mountSync(source, options)

/** Builds an image; see README. */
export const buildImage = (source: BuildSource, options?: BuildImageOptions): Promise<Built> =>
  api.buildImage(source, options)

/** A hash for fs-verity digests and Merkle trees. */
export const hashAlgorithm = (name: HashName): Promise<HashAlgorithm> => api.hashAlgorithm(name)
