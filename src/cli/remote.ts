// Images and stores that URLs name, as commands read them. Loaded only where a URL is given: a command's start is most of
// its time. Not here: files of the host (open.ts, layers.ts).

import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { PAGED_CORE_BASE64 } from '../../wasm/paged-core-bytes.js'
import { sha256 } from '../host/hash.js'
import type { Image } from '../image/image.js'
import { ImageOpener } from '../open-image.js'
import { Remote } from '../remote.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import { s3OptionsFromEnv } from '../store/s3-options.js'

export interface OpenImageOptions {
  /** fs-verity digest that the image must have, in hex. */
  readonly digest?: string
  /** Bring of an image that is elsewhere only what is asked for: questions may be answered with a Miss then. */
  readonly lazy?: boolean
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

  /** Opens an image: whole, or lazily. With a digest every byte of it is checked, by its Merkle tree where there is one. */
  image(url: string, options: OpenImageOptions): Promise<Image> {
    this.#opener ??= new ImageOpener({
      sha256,
      module: compileSync(base64Bytes(CORE_BASE64)),
      fullModule: async () => compileSync(base64Bytes(FULL_CORE_BASE64)),
      pagedModule: async () => compileSync(base64Bytes(PAGED_CORE_BASE64)),
      open: (name, maxBytes) => this.#remote.image(name, maxBytes),
      source: (name, head) => this.#remote.source(name, head),
    })
    return this.#opener.open(url, { ...options, cacheBytes: CACHE_BYTES })
  }
}
