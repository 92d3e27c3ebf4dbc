// The first request for a file on a web server: it learns size and state of the file, and brings its first bytes.
// A second one follows only where the first does not tell the size. Not here: reading on (http-source.ts).

import type { HttpClient } from './http-client.js'
import { brokenError, HttpError, staleError } from './http-error.js'
import { IDENTITY, partOf, RANGE_STATUS, rangeHeaders, unsatisfiedSize, type Version, versionOf } from './http-range.js'
import type { HttpResponse } from './http-response.js'
import type { Tries } from './http-tries.js'

export interface HttpSourceOptions {
  /** Bytes that the file must have, where that is known; else the server's word is taken. */
  readonly size?: number
  /** Bytes asked for together with the size, and kept; 64 KiB unless given. */
  readonly head?: number
  /** Ends the opening. */
  readonly signal?: AbortSignal
}

const HEAD_BYTES = 64 * 1024

/** How many bytes are asked for first, at least one. Throws EINVAL for what is no number of bytes. */
export function headBytes(head = HEAD_BYTES): number {
  if (Number.isSafeInteger(head) && head >= 0) return Math.max(1, head)
  throw new HttpError('EINVAL', 'head', 'must be a whole number from 0 on')
}

/** What the first request learns. */
export interface Found {
  readonly version: Version
  readonly head: Uint8Array
  readonly ranges: boolean
}

/** The first request of a source, and the second where the first one does not tell the size. */
export class Opening {
  readonly #client: HttpClient
  readonly #url: string
  readonly #options: HttpSourceOptions
  readonly #want: number

  constructor(client: HttpClient, url: string, options: HttpSourceOptions) {
    this.#client = client
    this.#url = url
    this.#options = options
    this.#want = headBytes(options.head)
  }

  async find(): Promise<Found> {
    const tries = this.#client.tries(this.#options.signal)
    for (;;) {
      try {
        return await this.#ask(tries)
      } catch (error) {
        await tries.again(error)
      }
    }
  }

  async #ask(tries: Tries): Promise<Found> {
    const { signal } = this.#options
    const want = this.#want
    const headers = rangeHeaders(0, want)
    const answer = await this.#client.send('GET', this.#url, {
      headers,
      signal,
      expect: RANGE_STATUS,
      limit: want,
      tries,
    })
    try {
      if (answer.status === 416) return await this.#empty(answer)
      if (answer.status === 200) return await this.#whole(answer, tries)
      // A browser shows no Content-Range of another origin, unless that origin says so: then ranges can't be trusted.
      if (answer.isFiltered && !answer.headers.has('content-range')) {
        answer.cancel()
        return await this.#unseen(tries)
      }
      const { from, to, total } = partOf(answer)
      if (from !== 0 || to > want) {
        throw brokenError(answer.label, `asked for bytes 0 to ${want}, the answer has ${from} to ${to}`)
      }
      const head = await this.#head(answer, to)
      await answer.finish()
      const size = this.#checked(total ?? (await this.#sizeByHead(tries)), answer.label)
      if (to < Math.min(want, size)) throw brokenError(answer.label, `the answer has ${to} bytes of ${size} only`)
      if (to > size) throw staleError(answer.label, `it has ${size} bytes, not ${to}`)
      return { version: versionOf(answer.headers, size), head, ranges: true }
    } finally {
      answer.cancel()
    }
  }

  async #empty(answer: HttpResponse): Promise<Found> {
    const size = unsatisfiedSize(answer.headers) ?? this.#options.size
    await answer.discard()
    if (size !== 0) throw brokenError(answer.label, 'no range of the file is there')
    return { version: versionOf(answer.headers, this.#checked(0, answer.label)), head: new Uint8Array(0), ranges: true }
  }

  /** The server knows no ranges: each read will stream from the beginning. */
  async #whole(answer: HttpResponse, tries: Tries): Promise<Found> {
    const { contentLength, label } = answer
    const known = contentLength ?? this.#options.size
    if (known !== undefined) {
      const size = this.#checked(known, label)
      const to = Math.min(size, this.#want)
      const head = await this.#head(answer, to)
      if (to === size) await answer.finish()
      return { version: versionOf(answer.headers, size), head, ranges: false }
    }
    // Nothing tells the size: a short body does by ending.
    const head = await this.#short(answer)
    const size = this.#checked(head?.length ?? (await this.#sizeByHead(tries)), label)
    return { version: versionOf(answer.headers, size), head: head ?? new Uint8Array(0), ranges: false }
  }

  async #unseen(tries: Tries): Promise<Found> {
    const { signal } = this.#options
    const answer = await this.#client.send('GET', this.#url, {
      headers: IDENTITY,
      signal,
      expect: [200],
      limit: this.#want,
      tries,
    })
    try {
      return await this.#whole(answer, tries)
    } finally {
      answer.cancel()
    }
  }

  async #head(answer: HttpResponse, length: number): Promise<Uint8Array> {
    const head = new Uint8Array(length)
    let at = 0
    await answer.pour(0, length, bytes => {
      head.set(bytes, at)
      at += bytes.length
    })
    if (at < length) throw brokenError(answer.label, `the body ended ${length - at} bytes early`, true)
    return head
  }

  /** All of a body that is no longer than what is kept anyway. */
  async #short(answer: HttpResponse): Promise<Uint8Array | undefined> {
    try {
      return await answer.bytes(this.#want)
    } catch (error) {
      if (error instanceof HttpError && error.code === 'EFBIG') return undefined
      throw error
    }
  }

  async #sizeByHead(tries: Tries): Promise<number> {
    const { signal } = this.#options
    const answer = await this.#client.send('HEAD', this.#url, { headers: IDENTITY, signal, tries })
    answer.cancel()
    const { contentLength } = answer
    if (contentLength === undefined) throw brokenError(answer.label, 'the server does not say how long the file is')
    return contentLength
  }

  #checked(size: number, label: string): number {
    const { size: expected = size } = this.#options
    if (size !== expected) throw brokenError(label, `the file has ${size} bytes, not ${expected}`)
    return size
  }
}
