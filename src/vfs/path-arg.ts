// A path argument in each of its forms (string, Buffer or Uint8Array, file: URL) as the layer takes it, and how paths
// are cut at their last name. Not here: resolution. Follows lib/internal/url.js and getValidatedPath of Node 20.

import type { Bytes } from '../overlay/layer.js'
import { invalidArgType, invalidArgValue, tagged } from './arg-errors.js'
import { ownBytes, utf8Bytes, utf8Text } from './bytes.js'

interface UrlLike {
  href: string
  protocol: string
  hostname: string
  pathname: string
}

function isUrl(value: unknown): value is UrlLike {
  if (typeof value !== 'object' || value === null) return false
  const { href, protocol, auth, path } = value as Record<string, unknown>
  return Boolean(href && protocol && auth === undefined && path === undefined)
}

function urlPath(url: UrlLike): string {
  if (url.protocol !== 'file:') throw tagged(new TypeError('The URL must be of scheme file'), 'ERR_INVALID_URL_SCHEME')
  if (url.hostname !== '') {
    const text = 'File URL host must be "localhost" or empty on linux'
    throw tagged(new TypeError(text), 'ERR_INVALID_FILE_URL_HOST')
  }
  if (/%2f/i.test(url.pathname)) {
    const text = 'File URL path must not include encoded / characters'
    throw tagged(new TypeError(text), 'ERR_INVALID_FILE_URL_PATH')
  }
  return decodeURIComponent(url.pathname)
}

/** The path that an argument names. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (NUL) and the URL errors. */
export function checkPath(value: unknown, name = 'path'): Bytes {
  const path = isUrl(value) ? urlPath(value) : value
  if (typeof path === 'string') {
    if (path.indexOf('\0') === -1) return path
  } else if (path instanceof Uint8Array) {
    // A caller may use its buffer for the next path before this call has run.
    if (path.indexOf(0) === -1) return ownBytes(path)
  } else {
    throw invalidArgType(name, 'of type string or an instance of Buffer or URL', value)
  }
  throw invalidArgValue(name, path, 'must be a string, Uint8Array, or URL without null bytes')
}

/** May be half a character, which has no UTF-8. */
const LONE_SURROGATE = /[\ud800-\udfff]/

/** A path as error messages show it: what its bytes say. */
export function showPath(path: Bytes): string {
  if (typeof path !== 'string') return utf8Text(path)
  return LONE_SURROGATE.test(path) ? utf8Text(utf8Bytes(path)) : path
}

const SLASH = 0x2f

function charAt(path: Bytes, at: number): number {
  return typeof path === 'string' ? path.charCodeAt(at) : path[at]
}

function cut(path: Bytes, start: number, end: number): Bytes {
  return typeof path === 'string' ? path.slice(start, end) : path.subarray(start, end)
}

/** Where a path's last name stands, as the kernel's path walk sees it. */
export interface LastName {
  /** What comes before it, empty or with its slash. */
  readonly parent: Bytes
  readonly name: Bytes
  /** `root` for a path of slashes only, `dot` and `dotdot` for those names. */
  readonly kind: 'name' | 'dot' | 'dotdot' | 'root'
  /** Whether a slash follows. */
  readonly slash: boolean
}

/** Cuts a path that is not empty. */
export function lastName(path: Bytes): LastName {
  let end = path.length
  while (end > 0 && charAt(path, end - 1) === SLASH) end--
  let start = end
  while (start > 0 && charAt(path, start - 1) !== SLASH) start--
  const name = cut(path, start, end)
  const dots =
    end - start <= 2 &&
    (charAt(path, start) === 0x2e ? (end - start === 1 ? 1 : charAt(path, start + 1) === 0x2e ? 2 : 0) : 0)
  const kind = end === 0 ? 'root' : dots === 1 ? 'dot' : dots === 2 ? 'dotdot' : 'name'
  return { parent: cut(path, 0, start), name, kind, slash: end < path.length }
}

/** Two pieces one behind the other; bytes as soon as one is bytes. */
export function concat(left: Bytes, right: Bytes): Bytes {
  if (typeof left === 'string' && typeof right === 'string') return left + right
  const a = typeof left === 'string' ? utf8Bytes(left) : left
  const b = typeof right === 'string' ? utf8Bytes(right) : right
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

/** A name below a directory. */
export function below(dir: Bytes, name: Bytes): Bytes {
  const open = dir.length > 0 && charAt(dir, dir.length - 1) !== SLASH
  return concat(open ? concat(dir, '/') : dir, name)
}

/** Lexical normalisation of an absolute or relative path, seen from `/` (path.posix.resolve with cwd `/`). */
export function resolveText(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

/** path.posix.normalize for what joins a directory and a name: `.`, `..` and double slashes resolved. */
export function joinText(dir: string, name: string): string {
  const path = dir === '' ? name : `${dir}/${name}`
  const absolute = path.startsWith('/')
  const names: string[] = []
  for (const piece of path.split('/')) {
    if (piece === '' || piece === '.') continue
    if (piece === '..' && names.length > 0 && names[names.length - 1] !== '..') names.pop()
    else if (piece !== '..' || !absolute) names.push(piece)
  }
  const joined = names.join('/')
  return absolute ? `/${joined}` : joined || '.'
}
