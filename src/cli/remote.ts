// Images and stores that URLs name, and images of several devices, as commands read them. Loaded only where such are given: a
// command's start is most of its time. Not here: other files of the host (open.ts, layers.ts).

import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { PAGED_CORE_BASE64 } from '../../wasm/paged-core-bytes.js'
import { type LimitOptions, limitsOf, tooBig } from '../format/limits.js'
import { openFileSource } from '../host/file-source.js'
import { sha256 } from '../host/hash.js'
import type { Image } from '../image/image.js'
import { ImageOpener } from '../open-image.js'
import { Remote } from '../remote.js'
import type { ByteSource } from '../source/byte-source.js'
import { bytesSource } from '../source/bytes-source.js'
import { readWhole } from '../source/whole.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import { s3OptionsFromEnv } from '../store/s3-options.js'
import { failure } from './failure.js'
import { isUrl, localPath } from './url.js'

export interface OpenImageOptions extends LimitOptions {
  /** fs-verity digest that the image must have, in hex. */
  readonly digest?: string
  /** Bring of an image that is elsewhere only what is asked for: questions may be answered with a Miss then. */
  readonly lazy?: boolean
  /** Paths and URLs of the image's further devices. */
  readonly devices?: readonly string[]
}

/** Bound of what is kept of a lazily opened image: more than any directory takes, so that nothing is brought twice. */
const CACHE_BYTES = 256 << 20

function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** A bucket; who asks is said by the environment, as the AWS tools have it. */
export function s3Store(url: string): S3Store {
  return new S3Store(url, s3OptionsFromEnv(process.env))
}

export class RemotePlaces {
  readonly #remote: Remote
  #opener: ImageOpener | undefined

  constructor(remote = new Remote(s3Store)) {
    this.#remote = remote
  }

  /** The store at a URL; ENOTSUP for a scheme that none is read by. */
  store(url: string): ObjectStore {
    return this.#remote.store(url)
  }

  /**
   * Opens an image: whole, or lazily. With a digest every byte of it is checked, by its Merkle tree where there is one. One of
   * several devices, which may be a path, is read by ranges in any case; unless `lazy`, nothing of it has to be waited for.
   */
  async image(name: string, { devices = [], lazy = false, ...options }: OpenImageOptions): Promise<Image> {
    const from = { ...options, lazy, cacheBytes: CACHE_BYTES }
    const opener = this.#opened()
    if (devices.length === 0) return opener.open(name, from)
    const sources: ByteSource[] = []
    try {
      for (const device of devices) sources.push(await this.#device(device, !lazy))
      const image = lazy || !isUrl(name) ? name : await this.#atOnce(name, limitsOf(options).maxImageBytes)
      return await opener.open(image, { ...from, devices: sources })
    } catch (error) {
      for (const source of sources) source.close()
      throw error
    }
  }

  async #device(name: string, atOnce: boolean): Promise<ByteSource> {
    try {
      return await (atOnce ? this.#atOnce(name, Number.POSITIVE_INFINITY) : this.#source(name))
    } catch (error) {
      throw failure('open', name, error)
    }
  }

  async #source(name: string, head?: number): Promise<ByteSource> {
    return isUrl(name) ? this.#remote.source(name, head) : openFileSource(localPath(name))
  }

  /** One that can be read synchronously: what is elsewhere is brought, unless it can be so. */
  async #atOnce(name: string, maxBytes: number): Promise<ByteSource> {
    const source = await this.#source(name)
    if (source.readSync !== undefined) return source
    try {
      if (source.size > maxBytes) throw tooBig('an image', source.size, 'maxImageBytes', maxBytes)
      return bytesSource(await readWhole(source))
    } finally {
      source.close()
    }
  }

  #opened(): ImageOpener {
    this.#opener ??= new ImageOpener({
      sha256,
      module: compileSync(base64Bytes(CORE_BASE64)),
      fullModule: async () => compileSync(base64Bytes(FULL_CORE_BASE64)),
      pagedModule: async () => compileSync(base64Bytes(PAGED_CORE_BASE64)),
      open: (name, maxBytes) => this.#remote.image(name, maxBytes),
      source: (name, head) => this.#source(name, head),
    })
    return this.#opener
  }
}
