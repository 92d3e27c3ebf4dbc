// A file on a web server, read by ranges. That the bytes are those of one state of the file is seen to as far as the
// server's word goes (ETag, date, size); whether they are the right ones is for a digest above to say.
// Not here: retries and time limits of one request (http-client.ts).

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from './byte-source.js'
import type { HttpClient } from './http-client.js'
import { brokenError, HttpError, staleError, urlLabel } from './http-error.js'
import {
  checkRange,
  checkVersion,
  ifRange,
  partOf,
  rangeHeaders,
  unsatisfiedSize,
  type Version,
  versionOf,
} from './http-range.js'
import type { HttpResponse } from './http-response.js'
import { httpTarget, isElsewhere } from './http-target.js'
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
/** So many bytes further, what failed before does not count. */
const RENEW_BYTES = 2 ** 20
const RANGE_STATUS = [200, 206, 416]

export class HttpSource implements ByteSource {
  readonly label: string
  readonly #client: HttpClient
  readonly #url: string
  readonly #version: Version
  readonly #head: Uint8Array
  /** Whether ranges can be asked for: an answer without them is then one about another file. */
  readonly #ranges: boolean
  readonly #conditional: boolean
  #closed = false

  private constructor(client: HttpClient, url: string, found: Found) {
    const parsed = httpTarget(url).url
    this.label = urlLabel(parsed)
    this.#client = client
    this.#url = url
    this.#version = found.version
    this.#head = found.head
    this.#ranges = found.ranges
    // If-Range would make a browser ask the other server first whether it may be sent; headers are compared anyway.
    this.#conditional = found.ranges && ifRange(found.version) !== undefined && !isElsewhere(parsed)
  }

  /** Asks for size and first bytes. Rejects with an HttpError: ENOENT, EACCES, EIO, ETIMEDOUT, EINVAL. */
  static async open(client: HttpClient, url: string | URL, options: HttpSourceOptions = {}): Promise<HttpSource> {
    const found = await new Opening(client, String(url), options).find()
    return new HttpSource(client, String(url), found)
  }

  get size(): number {
    return this.#version.size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#closed) throw faultError(new Fault('EBADF', 'is closed'), this.label)
    const to = Math.min(offset + length, this.size)
    if (!(to > offset)) return new Uint8Array(0)
    const into = allocate(to - offset, this.label)
    const known = Math.max(0, Math.min(to, this.#head.length) - offset)
    if (known > 0) into.set(this.#head.subarray(offset, offset + known))
    if (offset + known < to) await this.#fill(into, offset, offset + known, to)
    return into
  }

  close(): void {
    this.#closed = true
  }

  /** Brings the bytes from `at` to `to`, in as many requests as the server makes of it. */
  async #fill(into: Uint8Array, offset: number, at: number, to: number): Promise<void> {
    const tries = this.#client.tries()
    let from = at
    let renewed = at
    const take = (bytes: Uint8Array): void => {
      into.set(bytes, from - offset)
      from += bytes.length
    }
    while (from < to) {
      try {
        await this.#part(from, to, tries, take)
        if (from < to) throw brokenError(this.label, `the body ended ${to - from} bytes early`, true)
      } catch (error) {
        if (from >= to && error instanceof HttpError && error.again) return
        if (from - renewed >= RENEW_BYTES) {
          tries.renew()
          renewed = from
        }
        await tries.again(error)
      }
    }
  }

  async #part(from: number, to: number, tries: Tries, take: (bytes: Uint8Array) => void): Promise<void> {
    const headers = rangeHeaders(from, to, this.#conditional ? this.#version : undefined)
    const limit = this.#ranges ? to - from : to
    const answer = await this.#client.send('GET', this.#url, { headers, expect: RANGE_STATUS, limit, tries })
    try {
      if (answer.status === 416) throw staleError(this.label, `it has no byte ${from} any more`)
      if (answer.status === 206) {
        checkRange(answer, from, to, this.#version)
        await pour(answer, 0, to - from, false, take)
        return
      }
      if (this.#conditional) throw staleError(this.label, 'the server answers with all of it')
      checkVersion(answer.headers, this.#version, this.label, answer.status)
      const { contentLength } = answer
      if (contentLength !== undefined && contentLength !== this.size) {
        throw staleError(this.label, `it has ${contentLength} bytes, not ${this.size}`)
      }
      await pour(answer, from, to, to < this.size, take)
    } finally {
      answer.cancel()
    }
  }
}

function allocate(length: number, label: string): Uint8Array {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw new HttpError('EFBIG', label, `${length} bytes at once`, { cause: cause as Error })
  }
}

/**
 * Hands on the bytes of a body between two positions. With `more` the body goes on behind them, and is left there;
 * otherwise it must end.
 */
async function pour(
  answer: HttpResponse,
  from: number,
  to: number,
  more: boolean,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  let at = 0
  for (let chunk = await answer.next(); chunk !== undefined; chunk = await answer.next()) {
    const begin = Math.min(Math.max(from - at, 0), chunk.length)
    const end = Math.min(to - at, chunk.length)
    if (end > begin) take(chunk.subarray(begin, end))
    at += chunk.length
    if (more && at >= to) return
    if (at > to) throw brokenError(answer.label, 'the body is longer than it should be')
  }
}

/** What the first request learns. */
interface Found {
  readonly version: Version
  readonly head: Uint8Array
  readonly ranges: boolean
}

/** The first request of a source, and the second where the first one does not tell the size. */
class Opening {
  readonly #client: HttpClient
  readonly #url: string
  readonly #options: HttpSourceOptions
  readonly #want: number

  constructor(client: HttpClient, url: string, options: HttpSourceOptions) {
    this.#client = client
    this.#url = url
    this.#options = options
    this.#want = Math.max(1, options.head ?? HEAD_BYTES)
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
      const head = await this.#head(answer, to, false)
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
      const head = await this.#head(answer, to, to < size)
      return { version: versionOf(answer.headers, size), head, ranges: false }
    }
    // Nothing tells the size: a short body does by ending.
    const head = await this.#short(answer)
    const size = this.#checked(head?.length ?? (await this.#sizeByHead(tries)), label)
    return { version: versionOf(answer.headers, size), head: head ?? new Uint8Array(0), ranges: false }
  }

  async #unseen(tries: Tries): Promise<Found> {
    const { signal } = this.#options
    const answer = await this.#client.send('GET', this.#url, { signal, expect: [200], limit: this.#want, tries })
    try {
      return await this.#whole(answer, tries)
    } finally {
      answer.cancel()
    }
  }

  async #head(answer: HttpResponse, length: number, more: boolean): Promise<Uint8Array> {
    const head = new Uint8Array(length)
    let at = 0
    await pour(answer, 0, length, more, bytes => {
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
    const answer = await this.#client.send('HEAD', this.#url, { signal, tries })
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
