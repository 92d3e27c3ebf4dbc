// What URLs name: images that are brought whole, and stores. One client sends all that is asked for that way.
// Not here: paths of a host.

import { Fault, faultError } from './format/errno.js'
import type { ByteSource } from './source/byte-source.js'
import { HttpClient } from './source/http-client.js'
import { HttpSource } from './source/http-source.js'
import { absoluteUrl, httpTarget } from './source/http-target.js'
import { fetchWhole } from './source/http-whole.js'
import { type ImageBytes, imageBytes } from './source/image-bytes.js'
import { readWhole, WHOLE_MAX } from './source/whole.js'
import { HttpStore } from './store/http.js'
import type { ObjectStore } from './store/object-store.js'

const HTTP = /^https?:\/\//i
const S3 = /^s3:\/\//i

export function isHttpUrl(source: string): boolean {
  return HTTP.test(source)
}

/** Is it the URL of something elsewhere? */
export function isRemoteUrl(source: string): boolean {
  return HTTP.test(source) || S3.test(source)
}

/** What names an image, for messages: of a URL no more than what is no secret. */
export function sourceLabel(source: string): string {
  if (isHttpUrl(source)) return httpTarget(source).label
  return /^(?!file:|s3:)[a-z][a-z0-9+.-]+:\/\//i.test(source) ? schemeOf(source) : source
}

/** The stores that strings name, while someone has them; two mounts of one store then share what is verified. */
export class NamedStores {
  readonly #known = new Map<string, WeakRef<ObjectStore>>()

  get(name: string, make: () => ObjectStore): ObjectStore {
    const known = this.#known.get(name)?.deref()
    if (known !== undefined) return known
    for (const [other, ref] of this.#known) if (ref.deref() === undefined) this.#known.delete(other)
    const store = make()
    this.#known.set(name, new WeakRef(store))
    return store
  }
}

export class Remote {
  readonly #client = new HttpClient()
  readonly #stores = new NamedStores()
  readonly #bucket: ((source: string) => ObjectStore) | undefined

  /**
   * `bucket` makes the store that `s3://…` names. A host without an environment, which says who asks, has none: its
   * pages would carry signing for nothing.
   */
  constructor(bucket?: (source: string) => ObjectStore) {
    this.#bucket = bucket
  }

  /** Brings an image, whole; EFBIG, before it comes, for one of more bytes. */
  async image(url: string, maxBytes: number): Promise<ImageBytes> {
    const bytes = S3.test(url) ? await this.#wholeObject(url, maxBytes) : await this.#whole(url, maxBytes)
    return imageBytes(bytes)
  }

  #whole(url: string, maxBytes: number): Promise<Uint8Array> {
    return fetchWhole(this.#client, httpUrl(url), { limit: Math.min(maxBytes, WHOLE_MAX) })
  }

  async #wholeObject(url: string, maxBytes: number): Promise<Uint8Array> {
    const source = await this.source(url)
    try {
      if (source.size > maxBytes) throw faultError(new Fault('EFBIG', `${source.size} bytes`), url)
      return await readWhole(source)
    } finally {
      source.close()
    }
  }

  /** An image, or what belongs to one, to be read by ranges; its first `head` bytes come with its size. */
  async source(url: string, head?: number): Promise<ByteSource> {
    if (!S3.test(url)) return HttpSource.open(this.#client, httpUrl(url), { head })
    // Taken as it is: in the names of objects nothing stands for something else.
    const at = url.lastIndexOf('/')
    const name = url.slice(at + 1)
    if (at < 's3://x'.length || name === '') throw faultError(new Fault('EINVAL', 'it names no object'), url)
    return this.store(url.slice(0, at)).open(name)
  }

  /** The store at a URL; ENOTSUP for a scheme that none is read by. */
  store(url: string): ObjectStore {
    if (S3.test(url)) {
      if (this.#bucket === undefined) throw faultError(new Fault('ENOTSUP', 'give an S3Store instead'), 's3:')
      return this.#bucket(url)
    }
    const known = httpUrl(url)
    return this.#stores.get(known, () => new HttpStore(known, { client: this.#client }))
  }
}

/** Relative ones are the page's. Throws ENOTSUP for what nothing is read by. */
function httpUrl(url: string): string {
  const absolute = absoluteUrl(url)
  if (isHttpUrl(absolute)) return absolute
  throw faultError(new Fault('ENOTSUP', 'neither an http(s) URL nor an s3 one'), schemeOf(url))
}

/** All that is shown of a URL that is not understood: what follows may hold secrets anywhere. */
function schemeOf(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0]
  return scheme === undefined ? 'URL' : `${scheme}//…`
}
