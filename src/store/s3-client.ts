// Requests to one bucket: addressed, signed (AWS Signature Version 4, by aws4fetch), sent again where that may help, and
// their answers read. Not here: what a store makes of them (s3.ts), nor anything of HTTP itself (src/source).

import { AwsV4Signer } from 'aws4fetch'
import { Fault, faultError } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { HttpClient, type HttpClientOptions } from '../source/http-client.js'
import { HttpError } from '../source/http-error.js'
import type { HttpResponse } from '../source/http-response.js'
import { HttpSource, type HttpSourceOptions } from '../source/http-source.js'
import { s3ErrorOf } from './s3-error.js'
import { type S3Options, S3Place } from './s3-options.js'

/** Bytes of an answer that only says what went wrong, or that it went well. */
const ANSWER_MAX = 64 * 1024
const PAYLOAD = 'x-amz-content-sha256'
/** Every status is an answer: S3 tells in the body what was wrong. */
const ANY_STATUS = Array.from({ length: 400 }, (_, i) => 200 + i)
const MOVED = 301
const BAD_REQUEST = 400
/** What a clearing away may take when its caller has given up already. */
const FAREWELL_MS = 5000

type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

export interface S3Request {
  /** The bucket itself without one. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Bytes of the answer's body that are read; more is an error. */
  readonly limit?: number
  readonly signal?: AbortSignal
  /** Goes on even where the store's own signal has ended everything else, for some seconds. */
  readonly farewell?: true
}

export interface S3Answer {
  readonly headers: Headers
  /** Bytes that the answer says its body has; of a HEAD, those of the object. */
  readonly length: number | undefined
  readonly body: string
  /** The error that this answer is after all, though its status says success. */
  asError(): HttpError
}

export class S3Client {
  readonly place: S3Place
  readonly #options: S3Options
  readonly #http: HttpClient
  readonly #keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  /** Signing keys by day. */
  readonly #derived = new Map<string, ArrayBuffer>()

  constructor(options: S3Options) {
    const { accessKeyId, secretAccessKey, presign } = options
    if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
      throw faultError(new Fault('EINVAL', 'accessKeyId and secretAccessKey are given both or neither'), 's3')
    }
    this.place = new S3Place(options)
    this.#options = options
    this.#keys =
      accessKeyId === undefined || secretAccessKey === undefined || presign !== undefined
        ? undefined
        : { accessKeyId, secretAccessKey }
    this.#http = this.#client({})
  }

  /** Is what is sent guarded by a signature over its hash? */
  get isSigned(): boolean {
    return this.#keys !== undefined
  }

  /** Are requests limited to those that a presigned URL can be had for? */
  get isPresigned(): boolean {
    return this.#options.presign !== undefined
  }

  labelOf(key: string | undefined): string {
    return `s3://${this.place.bucket}${key === undefined ? '' : `/${key}`}`
  }

  /** An object, to be read by ranges. */
  source(key: string, options?: HttpSourceOptions): Promise<HttpSource> {
    // A presigned URL is asked for at each request: it lasts no longer than it must.
    return HttpSource.open(this.#http, this.place.url(key), options)
  }

  /**
   * Sends a request and gives what `read` makes of the answer; a broken answer, too, is asked for again. Rejects with an
   * HttpError, or with the reason of a signal.
   */
  async send<T>(method: Method, request: S3Request, read: (answer: S3Answer) => T): Promise<T> {
    const { key, query, body, signal, limit = ANSWER_MAX } = request
    const http = this.#clientFor(request)
    const tries = http.tries(signal)
    const headers = { 'accept-encoding': 'identity', ...request.headers, ...(await this.#payload(body)) }
    const url = this.place.url(key, query)
    for (;;) {
      try {
        const answer = await http.send(method, url, { headers, body, signal, limit, tries, expect: ANY_STATUS })
        return read(await this.#answer(answer, key, limit))
      } catch (error) {
        await tries.again(error)
      }
    }
  }

  /** All but farewells are counted together. */
  #clientFor({ farewell }: S3Request): HttpClient {
    if (farewell !== true) return this.#http
    return this.#client({ signal: undefined, timeout: Math.min(this.#http.timeout, FAREWELL_MS), retries: 1 })
  }

  #client(changes: HttpClientOptions): HttpClient {
    const { timeout, retries, signal, concurrency } = this.#options
    return new HttpClient({
      fetch: (input, init) => this.#fetch(input, init),
      ...{ timeout, retries, signal, concurrency },
      ...(this.#keys === undefined && !this.isPresigned ? {} : { prepare: request => this.#prepare(request) }),
      ...changes,
    })
  }

  async #fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { fetch: own } = this.#options
    const response = await (own === undefined ? fetch(input, init) : own(input, init))
    // A bucket of another region: a redirect that leads nowhere, and says in its body what is wrong.
    if (response.status !== MOVED || response.headers.has('location')) return response
    return new Response(response.body, { status: BAD_REQUEST, headers: response.headers })
  }

  async #prepare(request: Request): Promise<Request> {
    const { presign } = this.#options
    if (presign !== undefined) return this.#presigned(request, presign)
    if (this.#keys === undefined) return request
    // Only what nobody on the way changes, the browser included, is signed.
    const headers = Object.fromEntries([...request.headers].filter(([name]) => name.startsWith('x-amz-')))
    const { region } = this.place
    const { sessionToken } = this.#options
    const signer = new AwsV4Signer({
      ...this.#keys,
      ...{ method: request.method, url: request.url, headers, sessionToken },
      ...{ service: 's3', region, cache: this.#derived },
    })
    for (const [name, value] of (await signer.sign()).headers) request.headers.set(name, value)
    return request
  }

  async #presigned(request: Request, presign: NonNullable<S3Options['presign']>): Promise<Request> {
    const { pathname } = new URL(request.url)
    const base = new URL(this.place.url('')).pathname
    const key = decodeURIComponent(pathname.slice(base.length))
    const url = await presign(request.method, key)
    const body = request.body === null ? null : await request.arrayBuffer()
    const { method, headers, signal, redirect, credentials, cache } = request
    try {
      return new Request(url, { method, headers, body, signal, redirect, credentials, cache })
    } catch {
      // The platform's error quotes the URL.
      throw new HttpError('EINVAL', this.labelOf(key), 'what presign gave is no URL')
    }
  }

  /** The hash that the signature vouches for: the service refuses other bytes. */
  async #payload(body: Uint8Array | undefined): Promise<Record<string, string>> {
    if (body === undefined || this.#keys === undefined) return {}
    const digest = await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>)
    return { [PAYLOAD]: toHex(new Uint8Array(digest)) }
  }

  async #answer(response: HttpResponse, key: string | undefined, limit: number): Promise<S3Answer> {
    const { status, headers, contentLength: length } = response
    const failed = { label: this.labelOf(key), bucket: this.place.bucket, status, headers }
    const body = await response.text(limit)
    if (status >= 300) throw s3ErrorOf(failed, body)
    return { headers, length, body, asError: () => s3ErrorOf(failed, body) }
  }
}
