// Requests that block, by the XMLHttpRequest that browsers still have in workers: for consumers that can't wait there.
// Only for a client that sends nothing of the user's, since XMLHttpRequest follows redirects by itself and takes
// headers with it. A body comes whole or not at all. Not here: what is asked for (http-source.ts).

import { AnswerHead } from './http-answer.js'
import type { HttpClient } from './http-client.js'
import { HttpError, networkError, statusError, timeoutError } from './http-error.js'
import { IDENTITY, partOf, RANGE_STATUS, rangeHeaders, unsatisfiedSize, type Version, versionOf } from './http-range.js'
import { isElsewhere, redirected, type Target } from './http-target.js'

/** The part of XMLHttpRequest that is used. */
interface Xhr {
  responseType: string
  timeout: number
  readonly status: number
  readonly response: unknown
  readonly responseURL: string
  open(method: string, url: string, async: false): void
  setRequestHeader(name: string, value: string): void
  getAllResponseHeaders(): string
  send(): void
}

export class SyncAnswer extends AnswerHead {
  constructor(
    label: string,
    status: number,
    headers: Headers,
    isFiltered: boolean,
    readonly body: Uint8Array,
  ) {
    super(label, status, headers, isFiltered)
  }
}

interface Scope {
  readonly XMLHttpRequest?: new () => Xhr
  readonly document?: unknown
  readonly location?: { readonly origin?: string }
}

/** Can requests of this client for this URL be made to block here? */
export function canSync(client: HttpClient, target: Target): boolean {
  const { XMLHttpRequest: xhr, document } = globalThis as Scope
  return typeof xhr === 'function' && document === undefined && client.isPlain && target.authorization === undefined
}

/** Sends a request and waits for all of its answer. Throws as HttpClient.send rejects. */
export function sendSync(
  client: HttpClient,
  method: string,
  target: Target,
  headers: Readonly<Record<string, string>>,
  expect: readonly number[],
): SyncAnswer {
  for (let tries = 0; ; tries++) {
    try {
      return trySync(client, method, target, headers, expect)
    } catch (error) {
      if (!(error instanceof HttpError) || !error.again || tries >= client.retries) throw error
    }
  }
}

function trySync(
  client: HttpClient,
  method: string,
  target: Target,
  headers: Readonly<Record<string, string>>,
  expect: readonly number[],
): SyncAnswer {
  const { label, url, secrets } = target
  const { XMLHttpRequest: Request, location } = globalThis as Scope
  const xhr = new (Request as new () => Xhr)()
  try {
    xhr.open(method, url.href, false)
    xhr.responseType = 'arraybuffer'
    xhr.timeout = client.timeout
    for (const [name, value] of Object.entries(headers)) {
      // A browser sets this one itself, and complains of others who do.
      if (!Object.hasOwn(IDENTITY, name)) xhr.setRequestHeader(name, value)
    }
    // As the cache mode of the asynchronous requests. To another origin it would have to be allowed first.
    if (!isElsewhere(url)) xhr.setRequestHeader('cache-control', 'no-cache')
    xhr.send()
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') throw timeoutError(label, 'no answer', client.timeout)
    throw networkError(label, error, secrets)
  }
  const from = redirected(url, xhr.responseURL === '' ? url.href : xhr.responseURL, label)
  const answered = new Headers()
  for (const line of xhr.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) answered.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const { status } = xhr
  if (!expect.includes(status)) throw statusError(label, status, answered)
  const body = new Uint8Array((xhr.response as ArrayBuffer | null) ?? new ArrayBuffer(0))
  return new SyncAnswer(label, status, answered, from.origin !== location?.origin, body)
}

/** As the first request of a source, blocking. */
export function findSync(
  client: HttpClient,
  target: Target,
  want: number,
): { version: Version; head: Uint8Array; ranges: boolean } {
  let answer = sendSync(client, 'GET', target, rangeHeaders(0, want), RANGE_STATUS)
  if (answer.status === 206 && answer.isFiltered && !answer.headers.has('content-range')) {
    answer = sendSync(client, 'GET', target, {}, [200])
  }
  const { label, headers, body } = answer
  if (answer.status === 416) {
    if (unsatisfiedSize(headers) !== 0) throw new HttpError('EIO', label, 'no range of the file is there')
    return { version: versionOf(headers, 0), head: new Uint8Array(0), ranges: true }
  }
  // All of it came, and can as well be kept.
  if (answer.status === 200) return { version: versionOf(headers, body.length), head: body, ranges: false }
  const { from, to, total } = partOf(answer)
  if (total === undefined) throw new HttpError('EIO', label, 'the server does not say how long the file is')
  if (from !== 0 || to !== Math.min(want, total) || body.length !== to) {
    throw new HttpError('EIO', label, `asked for bytes 0 to ${want}, the answer has ${from} to ${to}`)
  }
  return { version: versionOf(headers, total), head: body, ranges: true }
}
