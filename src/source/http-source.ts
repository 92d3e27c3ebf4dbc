// A file on a web server, read by ranges. That the bytes are those of one state of the file is seen to as far as the
// server's word goes (ETag, date, size); whether they are the right ones is for a digest above to say.
// Not here: retries and time limits of one request (http-client.ts).

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from './byte-source.js'
import type { HttpClient, HttpRequest } from './http-client.js'
import { brokenError, HttpError, staleError } from './http-error.js'
import { type Found, type HttpSourceOptions, headBytes, Opening } from './http-opening.js'
import { checkRange, checkWhole, IDENTITY, ifRange, RANGE_STATUS, rangeHeaders, type Version } from './http-range.js'
import type { HttpResponse } from './http-response.js'
import { canSync, findSync, sendSync } from './http-sync.js'
import { httpTarget, isElsewhere, type Target } from './http-target.js'
import type { Tries } from './http-tries.js'

export type { HttpSourceOptions }

/** So many bytes further, what failed before does not count. */
const RENEW_BYTES = 2 ** 20
/** How long a body that is read in pieces waits for the next. */
const PARK_MS = 2000

/** After so many reads in order, each of so many bytes, a request asks for so many more than are wanted now. */
const IN_ORDER = 2
const AHEAD_LEAST = 2 ** 18
const AHEAD_BYTES = 2 ** 24

/** A body that carries the bytes of the file between two positions. */
interface Body {
  readonly answer: HttpResponse
  readonly base: number
  readonly end: number
}

export class HttpSource implements ByteSource {
  readonly label: string
  readonly #client: HttpClient
  readonly #url: string
  readonly #version: Version
  readonly #head: Uint8Array
  /** Whether ranges can be asked for: an answer without them is then one about another file. */
  readonly #ranges: boolean
  readonly #conditional: boolean
  /** A body of which reads have left something. */
  #parked: Body | undefined
  /** Reads that bring something. */
  #under = 0
  /** Where the last read ended, and how many have begun where the one before ended. */
  #last = -1
  #inOrder = 0
  #closed = false

  /** There where a request can block: in a browser's worker, as long as nothing of the user's is to be sent. */
  readonly readSync?: (offset: number, length: number) => Uint8Array

  private constructor(client: HttpClient, url: string, found: Found) {
    const target = httpTarget(url)
    const { url: parsed, label } = target
    this.label = label
    if (canSync(client, target)) this.readSync = (offset, length) => this.#readSync(target, offset, length)
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

  /** The same without waiting for others; undefined where that can't be done. */
  static openSync(client: HttpClient, url: string | URL, head?: number): HttpSource | undefined {
    const target = httpTarget(url)
    return canSync(client, target)
      ? new HttpSource(client, String(url), findSync(client, target, headBytes(head)))
      : undefined
  }

  get size(): number {
    return this.#version.size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { into, known, to } = this.#begin(offset, length)
    this.#inOrder = offset === this.#last ? this.#inOrder + 1 : 0
    this.#last = to
    if (known >= to) return into
    this.#under++
    try {
      await this.#fill(into, offset, known, to)
    } finally {
      this.#under--
    }
    return into
  }

  #readSync(target: Target, offset: number, length: number): Uint8Array {
    const { into, known, to } = this.#begin(offset, length)
    if (known >= to) return into
    const version = this.#version
    const headers = this.#ranges ? rangeHeaders(known, to, this.#conditional ? version : undefined) : {}
    const answer = sendSync(this.#client, 'GET', target, headers, this.#ranges ? RANGE_STATUS : [200])
    const { status, body, label } = answer
    if (status === 416) throw staleError(label, `it has no byte ${known} any more`)
    if (status === 206) checkRange(answer, known, to, version)
    else if (this.#conditional) throw staleError(label, 'the server answers with all of it')
    else checkWhole(answer, version)
    const wanted = status === 206 ? to - known : this.size
    if (body.length !== wanted) throw brokenError(label, `a body of ${body.length} bytes, not ${wanted}`)
    into.set(status === 206 ? body : body.subarray(known, to), known - offset)
    return into
  }

  /** Room for a read, with what is known of it, and from where on it is not. */
  #begin(offset: number, length: number): { into: Uint8Array; known: number; to: number } {
    if (this.#closed) throw faultError(new Fault('EBADF', 'is closed'), this.label)
    const to = Math.min(offset + length, this.size)
    if (!(to > offset)) return { into: new Uint8Array(0), known: to, to }
    const into = allocate(to - offset, this.label)
    const known = Math.max(offset, Math.min(to, this.#head.length))
    into.set(this.#head.subarray(offset, known))
    return { into, known, to }
  }

  close(): void {
    this.#closed = true
    this.#parked?.answer.cancel()
    this.#parked = undefined
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
      const goesOn = this.#parked !== undefined
      try {
        await this.#part(from, to, tries, take)
        if (from < to) throw brokenError(this.label, `the body ended ${to - from} bytes early`, true)
      } catch (error) {
        if (from >= to && error instanceof HttpError && error.again) return
        // A body that was left may have ended since, which is no failure of this read.
        if (goesOn && error instanceof HttpError && error.again) continue
        if (from - renewed >= RENEW_BYTES) {
          tries.renew()
          renewed = from
        }
        await tries.again(error)
      }
    }
  }

  /** Hands on bytes that one answer brings: what an earlier read has left of one, or a new one. */
  async #part(from: number, to: number, tries: Tries, take: (bytes: Uint8Array) => void): Promise<void> {
    const left = this.#parked
    this.#parked = undefined
    const goesOn =
      left !== undefined &&
      to <= left.end &&
      (this.#ranges ? left.base + left.answer.at === from : left.answer.at <= from)
    if (!goesOn) left?.answer.cancel()
    const body = goesOn ? left : await this.#ask(from, to, tries)
    const { answer, base, end } = body
    try {
      await answer.pour(from - base, to - base, take)
      if (to === end) await answer.finish()
      else if (answer.at === to - base && !this.#closed) this.#park(body)
    } finally {
      if (this.#parked !== body) answer.cancel()
    }
  }

  /** A body with the bytes from `from` to `to` in it, whose head is as it should be. */
  async #ask(from: number, to: number, tries: Tries): Promise<Body> {
    const { size } = this
    if (!this.#ranges) {
      const answer = await this.#send({ headers: IDENTITY, expect: [200], limit: size, tries })
      return this.#checked(answer, () => checkWhole(answer, this.#version), 0, size)
    }
    // Who has read on several times will do so again: what comes behind is then under way already. Not who reads several
    // parts at once: only one could go on with what is sent, for the others it would be sent in vain.
    const isAlone = this.#inOrder >= IN_ORDER && this.#under === 1
    const ahead = isAlone && to - from >= AHEAD_LEAST ? AHEAD_BYTES : 0
    const end = Math.min(to + ahead, size)
    const headers = rangeHeaders(from, end, this.#conditional ? this.#version : undefined)
    const limit = this.#conditional ? end - from : end
    const answer = await this.#send({ headers, expect: RANGE_STATUS, limit, tries })
    if (answer.status === 206)
      return this.#checked(answer, () => checkRange(answer, from, end, this.#version), from, end)
    const check = (): void => {
      if (answer.status === 416) throw staleError(this.label, `it has no byte ${from} any more`)
      if (this.#conditional) throw staleError(this.label, 'the server answers with all of it')
      checkWhole(answer, this.#version)
    }
    return this.#checked(answer, check, 0, size)
  }

  #checked(answer: HttpResponse, check: () => void, base: number, end: number): Body {
    try {
      check()
    } catch (error) {
      answer.cancel()
      throw error
    }
    return { answer, base, end }
  }

  #park(body: Body): void {
    this.#parked?.answer.cancel()
    this.#parked = body
    body.answer.park(PARK_MS)
  }

  #send(request: HttpRequest): Promise<HttpResponse> {
    return this.#client.send('GET', this.#url, request)
  }
}

function allocate(length: number, label: string): Uint8Array {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw new HttpError('EFBIG', label, `${length} bytes at once`, { cause: cause as Error })
  }
}
