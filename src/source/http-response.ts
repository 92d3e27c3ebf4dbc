// The answer to one request, whose body is still to be read. Whoever has one reads it to its end or cancels it; one that is
// forgotten ends by its time limit. Not here: which answers are good.

import { HttpError, networkError } from './http-error.js'
import type { Exchange } from './http-exchange.js'

/** A body that nobody wants is read to its end if it is no longer than this, since the connection then stays. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 1000

export class HttpResponse {
  readonly #exchange: Exchange
  readonly #secrets: readonly string[]
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(
    response: Response,
    /** The URL without its secrets, for messages. */
    readonly label: string,
    exchange: Exchange,
    secrets: readonly string[],
    limit: number,
  ) {
    this.status = response.status
    this.headers = response.headers
    this.isFiltered = response.type === 'cors'
    this.#exchange = exchange
    this.#secrets = secrets
    this.#reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
    if (this.#reader === undefined) exchange.end()
    else exchange.expectBody(Math.min(limit, this.contentLength ?? limit))
  }

  readonly status: number
  readonly headers: Headers
  /** Does the browser show only some headers (the answer comes from another origin)? */
  readonly isFiltered: boolean

  /** Bytes of the body by the server's word; undefined if it says nothing, or speaks of encoded ones. */
  get contentLength(): number | undefined {
    const text = this.headers.get('content-length')
    if (text === null || !/^\d{1,15}$/.test(text) || this.isEncoded) return undefined
    return Number(text)
  }

  get isEncoded(): boolean {
    const encoding = this.headers.get('content-encoding')
    return encoding !== null && encoding !== '' && encoding.toLowerCase() !== 'identity'
  }

  /** The next bytes of the body; undefined at its end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#reader === undefined) return undefined
    try {
      const { done, value } = await this.#exchange.wait(this.#reader.read())
      if (!done) {
        this.#exchange.received(value.length)
        return value
      }
      this.#exchange.end()
      return undefined
    } catch (error) {
      const { reason } = this.#exchange
      this.#exchange.stop(error)
      throw reason ?? networkError(this.label, error, this.#secrets)
    }
  }

  /** The whole body; EFBIG when it is longer than `limit`. */
  async bytes(limit: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    let length = 0
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      length += chunk.length
      if (length > limit) {
        this.cancel()
        throw new HttpError('EFBIG', this.label, `more than ${limit} bytes`)
      }
      chunks.push(chunk)
    }
    const whole = new Uint8Array(length)
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  async text(limit: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(limit))
  }

  /** Ends it where it is. A body that has not come to its end costs the connection. */
  cancel(): void {
    this.#exchange.stop(new HttpError('EIO', this.label, 'the answer is not wanted'))
    this.#reader?.cancel().catch(() => {})
  }

  /** Ends it, and keeps the connection where that is cheap. Never rejects. */
  async discard(): Promise<void> {
    if ((this.contentLength ?? Number.POSITIVE_INFINITY) > DRAIN_BYTES) return this.cancel()
    const late = setTimeout(() => this.cancel(), DRAIN_MS)
    try {
      let length = 0
      for (let chunk = await this.next(); chunk !== undefined && length <= DRAIN_BYTES; chunk = await this.next()) {
        length += chunk.length
      }
      this.cancel()
    } catch {
      // It has ended, which is all that was wanted.
    } finally {
      clearTimeout(late)
    }
  }
}
