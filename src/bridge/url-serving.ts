// What the package's own serving thread offers: stores and files by URL. Not here: threads (start.ts, worker.main.ts).

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { HttpClient } from '../source/http-client.js'
import { HttpSource } from '../source/http-source.js'
import { HttpStore } from '../store/http.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import type { S3Options } from '../store/s3-options.js'
import type { BridgeServing } from './serve.js'

/** What of HttpStoreOptions can be said to another thread. */
export interface BridgeHttpOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly timeout?: number
  readonly retries?: number
  readonly concurrency?: number
  readonly head?: number
}

/** The same of S3Options. */
export type BridgeS3Options = Omit<Partial<S3Options>, 'presign' | 'fetch' | 'signal'>

export type BridgeUrlOptions = BridgeHttpOptions & BridgeS3Options

/** What the asking side says of a store or a file. */
export interface UrlWhat {
  readonly url: string
  readonly options?: BridgeUrlOptions
}

export const S3_URL = /^s3:\/\//i

function isWhat(what: unknown): what is UrlWhat {
  return typeof what === 'object' && what !== null && 'url' in what && typeof what.url === 'string'
}

function checked(what: unknown): UrlWhat {
  if (isWhat(what)) return what
  throw faultError(new Fault('EINVAL', 'a URL is wanted'), 'bridge')
}

export function urlServing(): Required<BridgeServing> {
  const client = new HttpClient()
  const clientFor = (options: BridgeHttpOptions | undefined) =>
    options === undefined ? client : new HttpClient(options)
  return {
    stores(what: unknown): ObjectStore {
      const { url, options } = checked(what)
      if (S3_URL.test(url)) return new S3Store(url, options)
      return new HttpStore(url, { client: clientFor(options), head: options?.head })
    },
    source(what: unknown): Promise<ByteSource> {
      const { url, options } = checked(what)
      return HttpSource.open(clientFor(options), url, { head: options?.head })
    },
  }
}
