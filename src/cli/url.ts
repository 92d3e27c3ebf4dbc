// What arguments of commands name that is no path of the host: URLs, and how messages show them. Not here: what is behind
// them (remote.ts), which is loaded only where one is given.

import { fileURLToPath } from 'node:url'

const URL_START = /^([a-z][a-z0-9+.-]+:)\/\//i
/** Names of objects may have `?` and `#` in them: there are no queries. */
const S3_PLAIN = /^s3:\/\/[A-Za-z0-9._-]+(?:\/.*)?$/is

/** Is it a URL of something elsewhere? `file://` is a path written in another way. */
export function isUrl(text: string): boolean {
  return URL_START.test(text) && !/^file:/i.test(text)
}

/** The path that an argument which is no other URL names. Throws Node's error for a `file://` URL that names none. */
export function localPath(text: string): string {
  return /^file:\/\//i.test(text) ? fileURLToPath(text) : text
}

/** A path or URL for messages: without userinfo and query, which may be secrets. */
export function shown(text: string): string {
  if (!isUrl(text)) return text
  if (S3_PLAIN.test(text)) return text
  try {
    const { protocol, origin, pathname } = new URL(text)
    if (protocol === 'http:' || protocol === 'https:') return `${origin}${pathname}`
  } catch {
    // What is no URL at all may hold its secrets anywhere.
  }
  return `${URL_START.exec(text)?.[1]}//…`
}

/** The last part of a path or URL, without the escapes of URLs that have them: the name of the file. */
export function lastPart(text: string): string {
  const path = isUrl(text) ? shown(text) : localPath(text)
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (!/^https?:/i.test(text)) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
