// Objects on a web server: a directory of them that it serves as files, each read by ranges. Read-only; nothing is kept
// here (src/store/cached.ts does that over any store). Not here: HTTP itself (src/source).

import { HttpClient, type HttpClientOptions } from '../source/http-client.js'
import { HttpError } from '../source/http-error.js'
import { IDENTITY } from '../source/http-range.js'
import { HttpSource } from '../source/http-source.js'
import { canSync } from '../source/http-sync.js'
import { absoluteUrl, httpTarget } from '../source/http-target.js'
import { canonicalName, objectError } from './errors.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'

export interface HttpStoreOptions extends HttpClientOptions {
  /** Sends the requests, in place of one made from the other options. */
  readonly client?: HttpClient
  /** Bytes of an object asked for when it is opened; 64 KiB unless given. */
  readonly head?: number
}

/** Answers to HEAD after which GET may still work: not allowed, not there, or signed for GET only. */
const NO_HEAD = new Set([400, 403, 405, 501])

export class HttpStore implements ObjectStore {
  readonly label: string
  readonly #base: URL
  readonly #client: HttpClient
  readonly #head: number | undefined
  /** There where a request can block: in a browser's worker, as long as nothing of the user's is to be sent. */
  readonly openSync?: (name: string) => StoredObject
  readonly statSync?: (name: string) => ObjectInfo

  /**
   * `base` is the URL above the objects. Its userinfo and query (a signed token) go with each request and are shown
   * nowhere. Throws EINVAL for a URL that is not http(s).
   */
  constructor(base: string | URL, options: HttpStoreOptions = {}) {
    const target = httpTarget(base)
    const { label, url } = target
    this.label = label
    this.#base = new URL(absoluteUrl(base))
    this.#base.hash = ''
    this.#base.pathname = url.pathname.replace(/\/+$/, '')
    this.#client = options.client ?? new HttpClient(options)
    this.#head = options.head
    if (!canSync(this.#client, target)) return
    this.openSync = name => this.#openSync(name, this.#head)
    this.statSync = name => ({ size: this.#openSync(name, 1).size })
  }

  async open(name: string): Promise<StoredObject> {
    return HttpSource.open(this.#client, this.#urlOf(canonicalName(name)), { head: this.#head })
  }

  async stat(name: string): Promise<ObjectInfo> {
    const url = this.#urlOf(canonicalName(name))
    return { size: (await this.#sizeByHead(url)) ?? (await this.#sizeByGet(url)) }
  }

  async put(name: string): Promise<void> {
    throw objectError('EROFS', canonicalName(name), `${this.label} is read-only`)
  }

  // biome-ignore lint/correctness/useYield: there is nothing to list, which is said when it is asked for.
  async *list(): AsyncGenerator<string> {
    throw objectError('ENOTSUP', '*', `${this.label} can't be listed`)
  }

  async delete(name: string): Promise<void> {
    throw objectError('EROFS', canonicalName(name), `${this.label} is read-only`)
  }

  #openSync(name: string, head: number | undefined): StoredObject {
    return HttpSource.openSync(this.#client, this.#urlOf(canonicalName(name)), head) as StoredObject
  }

  async #sizeByHead(url: string): Promise<number | undefined> {
    try {
      const answer = await this.#client.send('HEAD', url, { headers: IDENTITY })
      answer.cancel()
      return answer.contentLength
    } catch (error) {
      if (error instanceof HttpError && error.status !== undefined && NO_HEAD.has(error.status)) return undefined
      throw error
    }
  }

  async #sizeByGet(url: string): Promise<number> {
    const source = await HttpSource.open(this.#client, url, { head: 1 })
    source.close()
    return source.size
  }

  #urlOf(known: string): string {
    const url = new URL(this.#base)
    const path = known.split('/').map(encodeURIComponent).join('/')
    url.pathname = `${this.#base.pathname.replace(/\/$/, '')}/${path}`
    return url.href
  }
}
