// Images and stores that URLs name, as commands read them. Loaded only where a URL is given: a command's start is most of
// its time. Not here: files of the host (open.ts, layers.ts).

import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { PAGED_CORE_BASE64 } from '../../wasm/paged-core-bytes.js'
import { Fault, faultError } from '../format/errno.js'
import { sha256 } from '../host/hash.js'
import type { Image } from '../image/image.js'
import { type ImageHost, ImageOpener } from '../open-image.js'
import type { ByteSource } from '../source/byte-source.js'
import { HttpClient } from '../source/http-client.js'
import { HttpSource } from '../source/http-source.js'
import { besideName, readWhole } from '../source/whole.js'
import { HttpStore } from '../store/http.js'
import { treeName } from '../store/object-name.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import { s3OptionsFromEnv } from '../store/s3-options.js'
import { shown } from './url.js'

export interface OpenImageOptions {
  /** fs-verity digest that the image must have, in hex. */
  readonly digest?: string
  /** Bring of an image that is elsewhere only what is asked for: questions may be answered with a Miss then. */
  readonly lazy?: boolean
}

/** So much of an image is asked for with its size, where all of it will be read. */
const WHOLE_HEAD = 4 << 20
/** Bound of what is kept of a lazily opened image: more than any directory takes, so that nothing is brought twice. */
const CACHE_BYTES = 256 << 20
const HTTP = /^https?:\/\//i
const S3 = /^s3:\/\//i

function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export function isHttp(url: string): boolean {
  return HTTP.test(url)
}

/** A bucket; who asks is said by the environment, as the AWS tools have it. */
export function s3Store(url: string): S3Store {
  return new S3Store(url, s3OptionsFromEnv(process.env))
}

/** The store that holds what an `s3://bucket/key` names, and its name there. */
export function s3Place(url: string): { store: S3Store; name: string } {
  const at = url.lastIndexOf('/')
  const name = url.slice(at + 1)
  if (at < 's3://x'.length || name === '') throw faultError(new Fault('EINVAL', 'it names no object'), shown(url))
  return { store: s3Store(url.slice(0, at)), name }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')
}

async function ifThere(source: Promise<ByteSource>): Promise<ByteSource | undefined> {
  try {
    return await source
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export class RemotePlaces {
  readonly #client = new HttpClient()
  #opener: ImageOpener | undefined

  /** The store at a URL; ENOTSUP for a scheme that none is read by. */
  store(url: string): ObjectStore {
    if (S3.test(url)) return s3Store(url)
    if (HTTP.test(url)) return new HttpStore(url, { client: this.#client })
    throw faultError(new Fault('ENOTSUP', 'no store is read by this scheme'), shown(url))
  }

  /** Opens an image: whole, or lazily. With a digest every byte of it is checked, by its Merkle tree where there is one. */
  async image(url: string, { digest, lazy = false }: OpenImageOptions): Promise<Image> {
    this.#opener ??= new ImageOpener(this.#host())
    const data = await this.#source(url, lazy ? undefined : WHOLE_HEAD)
    try {
      if (!lazy) return await this.#opener.open(await readWhole(data), { digest })
      const merkleTree = digest === undefined ? undefined : await this.#tree(url)
      return await this.#opener.open(data, { lazy, digest, merkleTree, cacheBytes: CACHE_BYTES })
    } finally {
      if (!lazy) data.close()
    }
  }

  #source(url: string, head?: number): Promise<ByteSource> {
    if (HTTP.test(url)) return HttpSource.open(this.#client, url, { head })
    if (!S3.test(url)) throw faultError(new Fault('ENOTSUP', 'no image is read by this scheme'), shown(url))
    const { store, name } = s3Place(url)
    return store.open(name)
  }

  /** The Merkle tree beside an image, where there is one. */
  #tree(url: string): Promise<ByteSource | undefined> {
    if (HTTP.test(url)) return ifThere(HttpSource.open(this.#client, besideName(url)))
    const { store, name } = s3Place(url)
    return ifThere(store.open(treeName(name)))
  }

  #host(): ImageHost {
    const notByName = () => Promise.reject(new Error('images are opened from their bytes here'))
    return {
      sha256,
      module: compileSync(base64Bytes(CORE_BASE64)),
      pagedModule: async () => compileSync(base64Bytes(PAGED_CORE_BASE64)),
      open: notByName,
      source: notByName,
    }
  }
}
