// Requests to web servers: time limits, retries, redirects, at most so many at once, and errors that have a code and hold
// no secret. Over the platform's fetch: HTTP/1.1 with kept connections in Node, what a browser negotiates there.
// Not here: ranges (http-source.ts), signing (a client's `prepare`).

import { HttpError, networkError, statusError } from './http-error.js'
import { Exchange } from './http-exchange.js'
import { HttpResponse } from './http-response.js'
import { httpTarget, isBrowser, redirected, type Target } from './http-target.js'
import { Tries } from './http-tries.js'

export interface HttpClientOptions {
  /** Used in place of the platform's. Nothing goes past it, so that there are no synchronous forms then. */
  readonly fetch?: typeof fetch
  /** Sent with each request, but not to where another origin redirects. */
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds for the headers of an answer, and for each wait within its body; 30,000 unless given. */
  readonly timeout?: number
  /** How often a request that failed in a way that may pass is sent again; 4 unless given. */
  readonly retries?: number
  /** Ends all that is under way. */
  readonly signal?: AbortSignal
  /** Changes a request before it is sent, e.g. signs it; called for each try. */
  readonly prepare?: (request: Request) => Request | Promise<Request>
  /** Requests at once; 16 unless given. */
  readonly concurrency?: number
}

export interface HttpRequest {
  /** Sent to wherever a redirect leads, so no secrets. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly signal?: AbortSignal
  /** Statuses that are answers; 200 to 299 unless given. Others reject. */
  readonly expect?: readonly number[]
  /** Bytes of the body that may be wanted: they decide how long it may take; 1 MiB unless given. */
  readonly limit?: number
  /** The budget of the operation that this request belongs to. */
  readonly tries?: Tries
}

const TIMEOUT_MS = 30_000
const RETRIES = 4
const CONCURRENCY = 16
const REDIRECTS_MAX = 5
const BODY_LIMIT = 2 ** 20
/** A redirect's body up to this size is read. */
const REDIRECT_BODY = 16 * 1024
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** One hop of a request. */
interface Hop {
  readonly method: string
  readonly url: URL
  /** Has every hop so far been of the first one's origin? Only then it gets what is the user's. */
  readonly trusted: boolean
  readonly follow?: true
}

function userHeaders(headers: HttpClientOptions['headers']): Headers {
  try {
    return new Headers(headers)
  } catch {
    // Not the platform's message, which quotes the value.
    throw new HttpError('EINVAL', 'headers', 'not what HTTP allows')
  }
}

export class HttpClient {
  readonly timeout: number
  readonly retries: number
  readonly #fetch: typeof fetch
  readonly #ownFetch: boolean
  readonly #headers: Headers
  readonly #signal: AbortSignal | undefined
  readonly #prepare: HttpClientOptions['prepare']
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(options: HttpClientOptions = {}) {
    const { timeout = TIMEOUT_MS, retries = RETRIES, concurrency = CONCURRENCY } = options
    for (const [name, value, least] of [
      ['timeout', timeout, 1],
      ['retries', retries, 0],
      ['concurrency', concurrency, 1],
    ] as const) {
      if (!(value >= least)) throw new HttpError('EINVAL', name, `must be a number from ${least} on`)
    }
    this.timeout = timeout
    this.retries = retries
    this.#free = concurrency
    // Not bound to this object: a browser's fetch wants to be called on nothing.
    const { fetch: own } = options
    this.#ownFetch = own !== undefined
    this.#fetch = own ?? ((input, init) => fetch(input, init))
    this.#headers = userHeaders(options.headers)
    this.#signal = options.signal
    this.#prepare = options.prepare
  }

  /** Are requests the platform's, with nothing of the user's: no headers, no signatures, no fetch in its place? */
  get isPlain(): boolean {
    return this.#prepare === undefined && !this.#ownFetch && [...this.#headers.keys()].length === 0
  }

  /** A budget of tries for an operation of several requests. */
  tries(signal?: AbortSignal): Tries {
    return new Tries(this.retries, this.timeout, this.#signals(signal))
  }

  /**
   * Sends a request, again where that may help, and gives the answer, whose body is then to be read, cancelled or
   * discarded. Rejects with an HttpError, or with the reason of a signal.
   */
  async send(method: string, url: string | URL, request: HttpRequest = {}): Promise<HttpResponse> {
    const target = httpTarget(url)
    const tries = request.tries ?? this.tries(request.signal)
    for (;;) {
      try {
        return await this.#try(method, target, request)
      } catch (error) {
        await tries.again(error)
      }
    }
  }

  #signals(signal: AbortSignal | undefined): AbortSignal[] {
    return [this.#signal, signal].filter(one => one !== undefined)
  }

  async #try(method: string, target: Target, request: HttpRequest): Promise<HttpResponse> {
    const signals = this.#signals(request.signal)
    await this.#enter(signals)
    const exchange = new Exchange(target.label, signals, this.timeout, request.body?.length ?? 0, () => this.#leave())
    try {
      const response = await this.#follow({ method, url: target.url, trusted: true }, target, request, exchange)
      const { limit = BODY_LIMIT, expect } = request
      const answer = new HttpResponse(response, target.label, exchange, this.#secrets(target), limit)
      if (expect === undefined ? response.ok : expect.includes(response.status)) return answer
      const error = statusError(target.label, response.status, response.headers)
      await answer.discard()
      throw error
    } catch (error) {
      const { reason } = exchange
      exchange.stop(error)
      if (error instanceof HttpError) throw error
      throw reason ?? networkError(target.label, error, this.#secrets(target))
    }
  }

  async #follow(first: Hop, target: Target, request: HttpRequest, exchange: Exchange): Promise<Response> {
    let hop = first
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const response = await exchange.wait(this.#ask(hop, target, request, exchange.signal))
      const opaque = response.type === 'opaqueredirect'
      if (!opaque && !REDIRECTS.has(response.status)) {
        // Where the browser itself followed, it can only be judged afterwards.
        if (hop.follow) redirected(first.url, response.url, target.label)
        return response
      }
      if (hop.method !== 'GET' && hop.method !== 'HEAD') {
        throw new HttpError('EIO', target.label, `redirect of a ${hop.method} is not followed`)
      }
      await exchange.wait(drop(response))
      if (opaque) {
        hop = { ...hop, trusted: false, follow: true }
        continue
      }
      const url = redirected(hop.url, response.headers.get('location'), target.label)
      hop = { method: hop.method, url, trusted: hop.trusted && url.origin === hop.url.origin }
    }
    throw new HttpError('EIO', target.label, `more than ${REDIRECTS_MAX} redirects`)
  }

  async #ask(hop: Hop, target: Target, request: HttpRequest, signal: AbortSignal): Promise<Response> {
    const headers = new Headers(hop.trusted ? this.#headers : undefined)
    if (hop.trusted && target.authorization !== undefined && !headers.has('authorization')) {
      headers.set('authorization', target.authorization)
    }
    for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value)
    const init: RequestInit = {
      method: hop.method,
      headers,
      body: request.body as BodyInit | undefined,
      signal,
      redirect: hop.follow ? 'follow' : 'manual',
      credentials: hop.trusted ? 'same-origin' : 'omit',
      // A browser's cache must not mix an old beginning with a new end. Elsewhere it would only bother caches on the way.
      ...(isBrowser() ? { cache: 'no-cache' as const } : {}),
    }
    const prepared = hop.trusted ? await this.#prepare?.(new Request(hop.url.href, init)) : undefined
    // What has been given up while it was signed is not sent after all.
    signal.throwIfAborted()
    const response = await (prepared === undefined ? this.#fetch(hop.url.href, init) : this.#fetch(prepared))
    // A fetch of the user's may know of no signals: nobody reads this any more.
    if (signal.aborted) response.body?.cancel().catch(() => {})
    return response
  }

  #secrets(target: Target): string[] {
    return [...target.secrets, ...this.#headers.values()]
  }

  /** Waits for a place among the requests under way. */
  #enter(signals: readonly AbortSignal[]): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        const at = this.#queue.indexOf(go)
        if (at !== -1) this.#queue.splice(at, 1)
        settle()
        reject(signals.find(signal => signal.aborted)?.reason)
      }
      const settle = (): void => {
        for (const signal of signals) signal.removeEventListener('abort', stop)
      }
      const go = (): void => {
        settle()
        resolve()
      }
      this.#queue.push(go)
      for (const signal of signals) signal.addEventListener('abort', stop)
      if (signals.some(signal => signal.aborted)) stop()
    })
  }

  #leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next()
  }
}

/** Lets go of the body of a redirect; a short one is read, since the connection then stays. */
async function drop(response: Response): Promise<void> {
  const length = response.headers.get('content-length')
  if (length !== null && Number(length) <= REDIRECT_BODY) await response.arrayBuffer()
  else await response.body?.cancel()
}
