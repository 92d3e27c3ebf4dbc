// A small static web server: GET and HEAD of files below one directory, by ranges, with validators that let a client notice a
// changed file, and open to pages of any origin. Follows RFC 9110 sections 13 and 14. Not here: lists of directories,
// compression, anything that changes a file.

import fs from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream'
import { localPath } from './url.js'

const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants
const KEEP_ALIVE_MS = 75_000
const INDEX = 'index.html'
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  mjs: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
}

/** For pages of other origins, which need not be trusted with more than what is served; and for such as want to be isolated. */
const OPEN: OutgoingHttpHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified',
  'cross-origin-resource-policy': 'cross-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
}

const PREFLIGHT: OutgoingHttpHeaders = {
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range',
  'access-control-allow-private-network': 'true',
  'access-control-max-age': '86400',
}

interface Opened {
  readonly fd: number
  readonly path: string
  readonly size: number
  readonly etag: string
  readonly modified: string
}

interface Part {
  readonly from: number
  /** The first byte behind. */
  readonly to: number
}

/** The path that a request names, below the directory; undefined for one that no file can be at. */
function wantedPath(url: string): string | undefined {
  let path: string
  try {
    // The absolute form, too, which RFC 9112 has every server take.
    path = decodeURIComponent(url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, ''))
  } catch {
    return undefined
  }
  if (!path.startsWith('/') || path.includes('\0') || path.includes('\\')) return undefined
  // Neither `..` nor what is hidden.
  const parts = path.slice(1).split('/')
  if (parts.some(part => part.startsWith('.'))) return undefined
  return path.endsWith('/') ? path + INDEX : path
}

/** Strong: another file, another size or another time is another tag. */
function tagOf({ ino, size, mtimeNs }: fs.BigIntStats): string {
  return `"${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}"`
}

/** The range of bytes that is asked for; 'all' where there is none that is understood, 'none' where no byte of it is there. */
function rangeOf(header: string | undefined, size: number): Part | 'all' | 'none' {
  const [, first = '', last = ''] = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return 'all'
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'none' : { from: size - length, to: size }
  }
  const [from, to] = [Number(first), last === '' ? size : Math.min(Number(last) + 1, size)]
  if (last !== '' && Number(last) < from) return 'all'
  return from >= size ? 'none' : { from, to }
}

/** Is one of the tags in an If-None-Match or If-Match that of the file? */
function names(header: string, etag: string): boolean {
  return header.split(',').some(one => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}

export class StaticServer {
  readonly #root: string
  readonly #server: Server

  /** Throws the host's error for what is no directory. */
  constructor(dir: string) {
    this.#root = fs.realpathSync(localPath(dir))
    if (!fs.statSync(this.#root).isDirectory()) throw new Error('not a directory')
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      try {
        this.#answer(request, response)
      } catch {
        this.#refuse(response, 500)
      }
    })
  }

  /** Begins; gives the URL. Rejects with the host's error. */
  async listen(port: number, host: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => resolve())
    })
    const { port: real, address, family } = this.#server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${real}/`
  }

  /** Ends it, and what is under way. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers } = request
    // What is sent along is of no interest, but has to go by.
    request.resume()
    if (method === 'OPTIONS') {
      response.writeHead(204, { ...OPEN, ...PREFLIGHT }).end()
      return
    }
    if (method !== 'GET' && method !== 'HEAD') {
      this.#refuse(response, 405, { allow: 'GET, HEAD, OPTIONS' })
      return
    }
    const file = this.#open(request.url ?? '')
    if (typeof file === 'number') {
      this.#refuse(response, file)
      return
    }
    const { fd, size, etag, modified } = file
    const facts = { ...OPEN, 'accept-ranges': 'bytes', 'cache-control': 'no-cache', etag, 'last-modified': modified }
    const refused = this.#precondition(headers, file)
    if (refused !== undefined) {
      fs.closeSync(fd)
      response.writeHead(refused, facts).end()
      return
    }
    // An answer to HEAD is that to GET without a range.
    const asked = method === 'GET' && this.#mayRange(headers['if-range'], file) ? headers.range : undefined
    const part = rangeOf(asked, size)
    if (part === 'none') {
      fs.closeSync(fd)
      this.#refuse(response, 416, { ...facts, 'content-range': `bytes */${size}` })
      return
    }
    const { from, to } = part === 'all' ? { from: 0, to: size } : part
    const extension = file.path.slice(file.path.lastIndexOf('.') + 1).toLowerCase()
    response.writeHead(part === 'all' ? 200 : 206, {
      ...facts,
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'content-length': to - from,
      ...(part === 'all' ? {} : { 'content-range': `bytes ${from}-${to - 1}/${size}` }),
    })
    if (method === 'HEAD' || from === to) {
      fs.closeSync(fd)
      response.end()
    } else this.#send(response, fd, { from, to })
  }

  #send(response: ServerResponse, fd: number, { from, to }: Part): void {
    let sent = 0
    const stream = fs.createReadStream('', { fd, start: from, end: to - 1, highWaterMark: 256 << 10 })
    stream.on('data', chunk => {
      sent += chunk.length
    })
    // A file that became shorter must not look whole: the connection ends.
    stream.on('end', () => {
      if (sent < to - from) response.destroy()
    })
    pipeline(stream, response, () => {})
  }

  #refuse(response: ServerResponse, status: number, more: OutgoingHttpHeaders = {}): void {
    if (response.headersSent) {
      response.destroy()
      return
    }
    const text = `${status}\n`
    response
      .writeHead(status, { ...OPEN, 'content-type': 'text/plain', 'content-length': text.length, ...more })
      .end(text)
  }

  /** The file that a request names, or the status of the refusal. */
  #open(url: string): Opened | number {
    const wanted = wantedPath(url)
    if (wanted === undefined) return 404
    let fd = -1
    try {
      const path = fs.realpathSync(join(this.#root, wanted))
      if (!this.#isInside(path)) return 404
      fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
      const stat = fs.fstatSync(fd, { bigint: true })
      // A symlink may have been put on the way meanwhile.
      if (!stat.isFile() || !this.#isInside(this.#pathOf(fd) ?? path)) throw new Error('not to be served')
      const modified = new Date(Number(stat.mtimeMs)).toUTCString()
      return { fd, path, size: Number(stat.size), etag: tagOf(stat), modified }
    } catch (error) {
      if (fd >= 0) fs.closeSync(fd)
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      return code === 'EACCES' || code === 'EPERM' ? 403 : 404
    }
  }

  #isInside(path: string): boolean {
    return path.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)
  }

  /** Where what is open really lies, on hosts that say so. */
  #pathOf(fd: number): string | undefined {
    try {
      return process.platform === 'linux' ? fs.readlinkSync(`/proc/self/fd/${fd}`) : undefined
    } catch {
      return undefined
    }
  }

  #precondition(headers: IncomingMessage['headers'], { etag, modified }: Opened): number | undefined {
    const { 'if-match': match, 'if-none-match': noneMatch, 'if-modified-since': since } = headers
    if (match !== undefined && !(match.trim() === '*' || match.split(',').some(one => one.trim() === etag))) return 412
    if (noneMatch !== undefined) return names(noneMatch, etag) ? 304 : undefined
    return since !== undefined && Date.parse(since) >= Date.parse(modified) ? 304 : undefined
  }

  #mayRange(ifRange: IncomingMessage['headers']['if-range'], { etag, modified }: Opened): boolean {
    const known = Array.isArray(ifRange) ? ifRange[0] : ifRange
    return known === undefined || known.trim() === etag || known.trim() === modified
  }
}
