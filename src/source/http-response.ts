// The answer to one request, whose body is still to be read. Whoever has one reads it to its end or cancels it; one that is
// forgotten ends by its time limit. Not here: which answers are good.

import { joinBytes } from '../format/join-bytes.js'
import { AnswerHead } from './http-answer.js'
import { brokenError, HttpError, networkError } from './http-error.js'
import type { Exchange } from './http-exchange.js'

/** A body that nobody wants is read to its end if it is no longer than this, since the connection then stays. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 1000

export class HttpResponse extends AnswerHead {
  readonly #exchange: Exchange
  readonly #secrets: readonly string[]
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  /** Bytes of the body that have been handed out, and those behind them that have come. */
  #at = 0
  #rest: Uint8Array | undefined

  constructor(response: Response, label: string, exchange: Exchange, secrets: readonly string[], limit: number) {
    super(label, response.status, response.headers, response.type === 'cors')
    this.#exchange = exchange
    this.#secrets = secrets
    this.#reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
    if (this.#reader === undefined) exchange.end()
    else exchange.expectBody(Math.min(limit, this.contentLength ?? limit))
  }

  /** Where in the body the next bytes are. */
  get at(): number {
    return this.#at
  }

  /** The next bytes of the body; undefined at its end. */
  async next(): Promise<Uint8Array | undefined> {
    const chunk = this.#rest ?? (await this.#read())
    this.#rest = undefined
    this.#at += chunk?.length ?? 0
    return chunk
  }

  /** Hands on the bytes between two positions, neither behind `at`, and stays there. Fewer only where the body ends. */
  async pour(from: number, to: number, take: (bytes: Uint8Array) => void): Promise<void> {
    while (this.#at < to) {
      const at = this.#at
      const chunk = await this.next()
      if (chunk === undefined) return
      const begin = Math.min(Math.max(from - at, 0), chunk.length)
      const end = Math.min(to - at, chunk.length)
      if (end > begin) take(chunk.subarray(begin, end))
      if (end < chunk.length) {
        this.#rest = chunk.subarray(end)
        this.#at = to
      }
    }
  }

  /** Waits for the end of the body; EIO if more comes, which is not looked at. */
  async finish(): Promise<void> {
    if ((await this.next()) !== undefined) throw brokenError(this.label, 'the body is longer than it should be')
  }

  /** Leaves the body where it is, for so many milliseconds, without counting as a request under way. */
  park(ms: number): void {
    this.#exchange.park(ms)
  }

  async #read(): Promise<Uint8Array | undefined> {
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
    return joinBytes(chunks, length)
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
