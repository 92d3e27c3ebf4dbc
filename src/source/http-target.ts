// Where a request goes: a URL without its secrets beside them, and where a redirect may lead.

import { HttpError, urlLabel } from './http-error.js'

/** A parsed http(s) URL. */
export interface Target {
  /** Without userinfo and fragment. */
  readonly url: URL
  /** What its userinfo says, as the value of an Authorization field. */
  readonly authorization?: string
  readonly label: string
  /** Texts that no message may hold. */
  readonly secrets: readonly string[]
}

function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(''))
}

/** In a browser, a URL that is relative to the page's or the worker's; elsewhere as it is. */
export function absoluteUrl(source: string | URL): string {
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } }
  const base = document?.baseURI ?? location?.href
  return base !== undefined && URL.canParse(String(source), base) ? new URL(source, base).href : String(source)
}

/** Throws EINVAL for what is no http(s) URL. */
export function httpTarget(source: string | URL): Target {
  let url: URL
  try {
    url = new URL(absoluteUrl(source))
  } catch {
    // Not quoted: who knows what it holds.
    throw new HttpError('EINVAL', 'URL', 'malformed')
  }
  if (!isHttp(url)) throw new HttpError('EINVAL', `${url.protocol} URL`, 'only http and https are read')
  const { username, password } = url
  url.username = ''
  url.password = ''
  url.hash = ''
  const label = urlLabel(url)
  const secrets = [url.search.slice(1), ...url.searchParams.values()]
  if (username === '' && password === '') return { url, label, secrets }
  const user = decoded(username)
  const pass = decoded(password)
  const authorization = `Basic ${base64(`${user}:${pass}`)}`
  return { url, authorization, label, secrets: [...secrets, authorization.slice(6), username, password, user, pass] }
}

/** Where a redirect leads. Throws EIO for one that is not followed. */
export function redirected(from: URL, location: string | null, label: string): URL {
  const refuse = (why: string) => new HttpError('EIO', label, `redirect ${why}`)
  let to: URL
  try {
    to = new URL(location ?? '', from)
  } catch {
    throw refuse('to a malformed URL')
  }
  if (location === null) throw refuse('without a location')
  if (!isHttp(to)) throw refuse(`to a ${to.protocol} URL is not followed`)
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('from https to http is not followed')
  // A server that redirects has no say in who we are.
  to.username = ''
  to.password = ''
  return to
}

/** Where the code runs, in a browser: a page or a worker, which have an origin. */
function here(): string | undefined {
  return (globalThis as { location?: { origin?: string } }).location?.origin
}

export function isBrowser(): boolean {
  return here() !== undefined
}

/** Is a request to this URL one of a browser to another origin, which may have to allow it first? */
export function isElsewhere(url: URL): boolean {
  const origin = here()
  return origin !== undefined && origin !== url.origin
}
