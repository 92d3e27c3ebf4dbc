// A whole file from a web server, in one request where nothing goes wrong; what had come before a connection broke is not
// asked for again if the server can go on from there. Not here: what the bytes are, and whether they are the right ones.

import type { HttpClient } from './http-client.js'
import { brokenError, HttpError, staleError } from './http-error.js'
import { checkRange, IDENTITY, ifRange, rangeHeaders, type Version, versionOf } from './http-range.js'
import type { HttpResponse } from './http-response.js'
import { isBrowser } from './http-target.js'
import type { Tries } from './http-tries.js'
import { WHOLE_MAX } from './whole.js'

/** The same where the server does not say how long it is, and might go on for ever. */
const UNSAID_MAX = 2 ** 28
const RENEW_BYTES = 2 ** 20

export interface WholeOptions {
  /** EFBIG for more bytes; what fits in a WebAssembly memory unless given. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** All bytes of a file. Rejects with an HttpError, or with the signal's reason. */
export async function fetchWhole(
  client: HttpClient,
  url: string | URL,
  options: WholeOptions = {},
): Promise<Uint8Array> {
  const tries = client.tries(options.signal)
  const whole = new Whole(client, String(url), options, tries)
  let renewed = 0
  for (;;) {
    try {
      return await whole.get()
    } catch (error) {
      if (whole.at - renewed >= RENEW_BYTES) {
        tries.renew()
        renewed = whole.at
      }
      await tries.again(error)
    }
  }
}

class Whole {
  /** Bytes that are there. */
  at = 0
  readonly #client: HttpClient
  readonly #url: string
  readonly #signal: AbortSignal | undefined
  readonly #limit: number
  readonly #tries: Tries
  #into = new Uint8Array(0)
  /** Of a file that can be gone on with. */
  #version: Version | undefined

  constructor(client: HttpClient, url: string, { limit = WHOLE_MAX, signal }: WholeOptions, tries: Tries) {
    this.#client = client
    this.#url = url
    this.#limit = limit
    this.#signal = signal
    this.#tries = tries
  }

  async get(): Promise<Uint8Array> {
    const known = this.at > 0 ? this.#version : undefined
    // All of it had come when the connection broke.
    if (known !== undefined && this.at === known.size) return this.#into
    const answer = await this.#client.send('GET', this.#url, {
      headers: known === undefined ? IDENTITY : rangeHeaders(this.at, known.size, known),
      signal: this.#signal,
      expect: known === undefined ? [200] : [200, 206, 416],
      limit: this.#limit,
      tries: this.#tries,
    })
    try {
      if (known === undefined || answer.status === 200) return await this.#fromStart(answer)
      if (answer.status === 416) throw staleError(answer.label, `it has no byte ${this.at} any more`)
      checkRange(answer, this.at, known.size, known)
      return await this.#fill(answer)
    } finally {
      answer.cancel()
    }
  }

  async #fromStart(answer: HttpResponse): Promise<Uint8Array> {
    const { contentLength, label } = answer
    this.at = 0
    this.#version = undefined
    // A browser asks for encoded bodies by itself; elsewhere none was asked for, and one that is cut does not show it.
    if (answer.isEncoded && !isBrowser()) throw brokenError(label, 'a body that is encoded, which was not asked for')
    if (contentLength === undefined) return answer.bytes(Math.min(this.#limit, UNSAID_MAX))
    if (contentLength > this.#limit) throw tooBig(label, contentLength)
    if (this.#into.length !== contentLength) this.#into = allocate(contentLength, label)
    const version = versionOf(answer.headers, contentLength)
    // Without a validator that If-Range takes, what comes next could be of another file.
    if (ifRange(version) !== undefined) this.#version = version
    return this.#fill(answer)
  }

  async #fill(answer: HttpResponse): Promise<Uint8Array> {
    const into = this.#into
    for (let chunk = await answer.next(); chunk !== undefined; chunk = await answer.next()) {
      if (chunk.length > into.length - this.at) throw brokenError(answer.label, 'the body is longer than it should be')
      into.set(chunk, this.at)
      this.at += chunk.length
    }
    if (this.at < into.length) {
      throw brokenError(answer.label, `the body ended ${into.length - this.at} bytes early`, true)
    }
    return into
  }
}

function tooBig(label: string, length: number, cause?: unknown): HttpError {
  return new HttpError('EFBIG', label, `${length} bytes at once`, cause === undefined ? {} : { cause: cause as Error })
}

function allocate(length: number, label: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw tooBig(label, length, cause)
  }
}
