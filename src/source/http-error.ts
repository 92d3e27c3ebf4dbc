// What goes wrong between us and a web server, as Errors with an errno name. What may hold a secret stays out of them:
// userinfo, queries, values of headers. Not here: when to try again (http-client.ts).

import { type ErrnoName, errnoOf } from '../format/errno.js'

/** Causes of causes that are looked at. */
const CAUSES_MAX = 4
/** A URL, whose userinfo, query and fragment may be secrets. */
const ANY_URL = /\b(https?:\/\/)(?:[^\s/?#"'<>]*@)?([^\s?#"'<>]*)[^\s"'<>]*/gi
/** A shorter string is in so many texts that taking it out would say more than leaving it in. */
const SECRET_MIN = 4

export interface HttpErrorOptions {
  /** Of the answer, where there was one. */
  readonly status?: number
  /** May the same request have a better answer later? */
  readonly again?: boolean
  /** Milliseconds that the server wants us to wait. */
  readonly after?: number
  readonly cause?: Error
}

export class HttpError extends Error {
  readonly errno: number
  readonly status: number | undefined
  readonly again: boolean
  readonly after: number

  constructor(
    readonly code: ErrnoName,
    /** The URL without its secrets. */
    label: string,
    why: string,
    { status, again = false, after = 0, cause }: HttpErrorOptions = {},
  ) {
    super(`${code}: ${label}: ${why}`, cause === undefined ? undefined : { cause })
    this.errno = -errnoOf(code)
    this.status = status
    this.again = again
    this.after = after
  }
}

/** A URL for messages: origin and path. Userinfo, query and fragment may be secrets. */
export function urlLabel(url: URL): string {
  return `${url.origin}${url.pathname}`
}

const BY_STATUS = new Map<number, ErrnoName>([
  [401, 'EACCES'],
  [403, 'EACCES'],
  [404, 'ENOENT'],
  [410, 'ENOENT'],
])

/** Statuses after which the same request is sent again. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504])

/** Milliseconds of a Retry-After field: seconds, or a date. */
export function retryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

export function statusError(label: string, status: number, headers: Headers): HttpError {
  return new HttpError(BY_STATUS.get(status) ?? 'EIO', label, `HTTP status ${status}`, {
    status,
    again: TRANSIENT.has(status),
    after: retryAfter(headers.get('retry-after'), Date.now()),
  })
}

/** The error behind a failure, with secrets taken out of its text: a new one, since the platform's may quote a request. */
function safeCause(error: unknown, secrets: readonly string[]): Error {
  const texts: string[] = []
  let code: unknown
  for (let at = error, i = 0; at !== undefined && at !== null && i < CAUSES_MAX; i++) {
    texts.push(at instanceof Error ? at.message : String(at))
    code ??= at instanceof Error ? (at as { code?: unknown }).code : undefined
    at = at instanceof Error ? at.cause : undefined
  }
  let text = texts.filter(one => one !== '').join(': ')
  // Not every URL is known here: redirects lead to others, and some are signed on their way.
  text = text.replace(ANY_URL, '$1$2')
  for (const secret of secrets) if (secret.length >= SECRET_MIN) text = text.replaceAll(secret, '…')
  const cause = new Error(text)
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause
}

/** The connection failed: refused, reset, closed early, not allowed by the browser. */
export function networkError(label: string, error: unknown, secrets: readonly string[]): HttpError {
  const cause = safeCause(error, secrets)
  return new HttpError('EIO', label, cause.message === '' ? 'connection failed' : cause.message, { again: true, cause })
}

export function timeoutError(label: string, what: string, ms: number): HttpError {
  return new HttpError('ETIMEDOUT', label, `${what} in time (${Math.round(ms)} ms)`, { again: true })
}

/** An answer that no honest server gives. */
export function brokenError(label: string, why: string, again = false): HttpError {
  return new HttpError('EIO', label, why, { again })
}

export function staleError(label: string, why: string): HttpError {
  return new HttpError('ESTALE', label, `the file changed on the server: ${why}`)
}
