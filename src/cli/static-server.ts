// A small static web server: GET and HEAD of files, by ranges, with validators that let a client notice a changed file.
// Follows RFC 9110 sections 13 and 14. Not here: which files there are (served-files.ts); who may read them, which the command
// says by headers and hosts; lists of directories, compression, anything that changes a file.

import fs from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { pipeline } from 'node:stream'
import type { OpenedFile, ServedFiles } from './served-files.js'

const KEEP_ALIVE_MS = 75_000
const HTTP_PORT = 80
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
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
}

/** Files at paths that begin alike. */
export interface Place {
  /** Begins and ends with a slash. */
  readonly prefix: string
  readonly files: ServedFiles
  /** Whether a file's name says its type; else it is nothing that a browser would show. */
  readonly typed: boolean
  /** Beside those of the server. */
  readonly headers?: OutgoingHttpHeaders
}

export interface ServerOptions {
  /** The first whose prefix fits has the answer. */
  readonly places: readonly Place[]
  /** Sent with every answer. */
  readonly headers: OutgoingHttpHeaders
  /** What OPTIONS is answered with beside them; without it there is none. */
  readonly preflight?: OutgoingHttpHeaders
  /**
   * Whether who asks has to call this server by an address that it has. Else a page elsewhere may have its own name resolved to
   * this machine, and read what is served as its own.
   */
  readonly strict?: boolean
}

interface Part {
  readonly from: number
  /** The first byte behind. */
  readonly to: number
}

/** The path that a request names, decoded, and the host where it names one; undefined for one that no file can be at. */
function targetOf(url: string): { path: string; host: string | undefined } | undefined {
  // The absolute form, too, which RFC 9112 has every server take.
  const [start, host] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? ['', undefined]
  try {
    const path = decodeURIComponent(url.slice(start.length).replace(/[?#].*$/s, ''))
    return path.startsWith('/') ? { path, host } : undefined
  } catch {
    return undefined
  }
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** What a server that listens at a host is called by those who mean it. */
function authorities(host: string, address: string, port: number): ReadonlySet<string> {
  const isWildcard = address === '::' || address === '0.0.0.0'
  const own = isWildcard
    ? Object.values(networkInterfaces()).flatMap(found => found?.map(one => one.address) ?? [])
    : []
  const names = ['127.0.0.1', 'localhost', '::1', host, address, ...own].map(name => inUrl(name.toLowerCase()))
  return new Set(names.flatMap(name => (port === HTTP_PORT ? [name, `${name}:${port}`] : [`${name}:${port}`])))
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
  readonly #options: ServerOptions
  readonly #server: Server
  /** Set once it listens. */
  #authorities: ReadonlySet<string> = new Set()

  constructor(options: ServerOptions) {
    this.#options = options
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      try {
        this.#answer(request, response)
      } catch {
        this.#refuse(response, 500)
      }
    })
    // A connection that can not be taken is not the end of the others.
    this.#server.on('error', () => {})
  }

  /** Begins; gives the URL. Rejects with the host's error. */
  async listen(port: number, host: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const { port: real, address } = this.#server.address() as AddressInfo
    this.#authorities = authorities(host, address, real)
    return `http://${inUrl(address)}:${real}/`
  }

  /** Ends it, and what is under way. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers } = request
    const { preflight, strict = false } = this.#options
    // What is sent along is of no interest, but has to go by.
    request.resume()
    const target = targetOf(request.url ?? '')
    if (strict && ![headers.host, target?.host ?? headers.host].every(name => this.#isOwn(name))) {
      this.#refuse(response, 421)
      return
    }
    if (method === 'OPTIONS' && preflight !== undefined) {
      response.writeHead(204, { ...this.#options.headers, ...preflight }).end()
      return
    }
    if (method !== 'GET' && method !== 'HEAD') {
      this.#refuse(response, 405, { allow: preflight === undefined ? 'GET, HEAD' : 'GET, HEAD, OPTIONS' })
      return
    }
    const place = this.#options.places.find(({ prefix }) => target?.path.startsWith(prefix))
    const file = target && place ? place.files.open(target.path.slice(place.prefix.length)) : 404
    if (typeof file === 'number' || place === undefined) this.#refuse(response, typeof file === 'number' ? file : 404)
    else this.#answerWith(file, place, request, response)
  }

  #answerWith(file: OpenedFile, place: Place, { method, headers }: IncomingMessage, response: ServerResponse): void {
    const { fd, size, etag, modified } = file
    const validators = { etag, 'last-modified': modified }
    const ours = { ...this.#options.headers, ...place.headers }
    const facts = { ...ours, 'accept-ranges': 'bytes', 'cache-control': 'no-cache', ...validators }
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
    const extension = place.typed ? file.path.slice(file.path.lastIndexOf('.') + 1).toLowerCase() : ''
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
      .writeHead(status, {
        ...this.#options.headers,
        'content-type': 'text/plain',
        'content-length': text.length,
        ...more,
      })
      .end(text)
  }

  #isOwn(authority: string | undefined): boolean {
    return authority !== undefined && this.#authorities.has(authority.toLowerCase())
  }

  #precondition(headers: IncomingMessage['headers'], { etag, modified }: OpenedFile): number | undefined {
    const { 'if-match': match, 'if-none-match': noneMatch, 'if-modified-since': since } = headers
    if (match !== undefined && !(match.trim() === '*' || match.split(',').some(one => one.trim() === etag))) return 412
    if (noneMatch !== undefined) return names(noneMatch, etag) ? 304 : undefined
    return since !== undefined && Date.parse(since) >= Date.parse(modified) ? 304 : undefined
  }

  #mayRange(ifRange: IncomingMessage['headers']['if-range'], { etag, modified }: OpenedFile): boolean {
    const known = Array.isArray(ifRange) ? ifRange[0] : ifRange
    return known === undefined || known.trim() === etag || known.trim() === modified
  }
}
