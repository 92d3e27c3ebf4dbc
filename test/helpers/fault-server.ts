// A web server that does what it should not: over bare TCP, so that it can lie in every byte. Which request meets which
// fault is the test's to say; without a fault it answers as an honest server with ranges does.
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** How the server lets a client see whether a file has changed. */
export type Validators = 'etag' | 'weak' | 'date' | 'none'

export interface Served {
  readonly bytes: Uint8Array
  readonly validators?: Validators
  /** Part of ETag and date. */
  readonly version?: number
}

interface Answer {
  status: string
  headers: Map<string, string>
  body: Uint8Array
}

type Deliver = (socket: Socket, answer: Answer, asked: Asked, served: Served) => void

function head({ status, headers }: Answer): string {
  return `HTTP/1.1 ${status}\r\n${[...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** What an honest server says. */
function honest({ method, headers }: Asked, { bytes, validators = 'etag', version = 1 }: Served): Answer {
  const answer: Answer = { status: '200 OK', headers: new Map(), body: bytes }
  const etag = validators === 'etag' ? `"v${version}"` : validators === 'weak' ? `W/"v${version}"` : undefined
  const date = validators === 'date' ? new Date(1e12 + version * 1e6).toUTCString() : undefined
  if (etag !== undefined) answer.headers.set('ETag', etag)
  if (date !== undefined) answer.headers.set('Last-Modified', date)
  const match = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '')
  const condition = headers['if-range']
  const holds = condition === undefined || (validators !== 'weak' && condition === (etag ?? date))
  if (match !== null && holds && method === 'GET') {
    const from = Number(match[1])
    const to = Math.min(Number(match[2]) + 1, bytes.length)
    if (from >= bytes.length) {
      answer.status = '416 Range Not Satisfiable'
      answer.headers.set('Content-Range', `bytes */${bytes.length}`)
      answer.body = new Uint8Array(0)
    } else {
      answer.status = '206 Partial Content'
      answer.headers.set('Content-Range', `bytes ${from}-${to - 1}/${bytes.length}`)
      answer.body = bytes.subarray(from, to)
    }
  }
  answer.headers.set('Content-Length', String(answer.body.length))
  return answer
}

function send(socket: Socket, answer: Answer, asked: Asked): void {
  socket.write(head(answer))
  if (asked.method !== 'HEAD') socket.write(answer.body)
}

/** An answer with some headers changed; undefined takes one out. */
function changed(edit: (answer: Answer, served: Served) => void): Deliver {
  return (socket, answer, asked, served) => {
    edit(answer, served)
    send(socket, answer, asked)
  }
}

function status(text: string, headers: Record<string, string> = {}): Deliver {
  return (socket, _answer, asked) => {
    const body = new TextEncoder().encode(`${text}\n`)
    const all = new Map([...Object.entries(headers), ['Content-Length', String(body.length)] as const])
    send(socket, { status: text, headers: all, body }, asked)
  }
}

function half(answer: Answer): Uint8Array {
  return answer.body.subarray(0, answer.body.length >> 1)
}

function range(edit: (from: number, last: number, total: number) => string): Deliver {
  return changed(({ headers }, { bytes }) => {
    const match = /bytes (\d+)-(\d+)/.exec(headers.get('Content-Range') ?? '')
    if (match !== null) headers.set('Content-Range', edit(Number(match[1]), Number(match[2]), bytes.length))
  })
}

function drip(socket: Socket, bytes: Uint8Array): void {
  let at = 0
  const timer = setInterval(() => {
    if (at >= bytes.length || socket.destroyed) clearInterval(timer)
    else socket.write(bytes.subarray(at, ++at))
  }, 20)
  socket.once('close', () => clearInterval(timer))
}

/** Writes as fast as it is read, for ever. */
function pourForEver(socket: Socket, piece: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

const CHUNK = Buffer.concat([Buffer.from('8000\r\n'), Buffer.alloc(0x8000, 7), Buffer.from('\r\n')])

/** Faults that show: the bytes that a client takes in spite of them must be right. */
export const FAULTS: Readonly<Record<string, Deliver>> = {
  'ends early': (socket, answer) => {
    socket.write(head(answer))
    socket.end(half(answer))
  },
  'says a shorter length': changed(answer => {
    answer.body = half(answer)
    answer.headers.set('Content-Length', String(answer.body.length))
  }),
  'sends more than it should': changed(answer => {
    answer.body = Buffer.concat([answer.body, Buffer.alloc(100, 1)])
    answer.headers.set('Content-Length', String(answer.body.length))
  }),
  'sends more than it should in chunks': (socket, answer) => {
    answer.headers.delete('Content-Length')
    answer.headers.set('Transfer-Encoding', 'chunked')
    const body = Buffer.concat([answer.body, Buffer.alloc(1000, 1)])
    socket.write(`${head(answer)}${body.length.toString(16)}\r\n`)
    socket.write(body)
    socket.write('\r\n0\r\n\r\n')
  },
  'goes on for ever': (socket, answer) => {
    answer.headers.delete('Content-Length')
    answer.headers.set('Transfer-Encoding', 'chunked')
    socket.write(head(answer))
    if (answer.body.length > 0) socket.write(`${answer.body.length.toString(16)}\r\n`)
    if (answer.body.length > 0) socket.write(Buffer.concat([answer.body, Buffer.from('\r\n')]))
    pourForEver(socket, CHUNK)
  },
  404: status('404 Not Found'),
  403: status('403 Forbidden'),
  401: status('401 Unauthorized', { 'WWW-Authenticate': 'Basic realm="x"' }),
  429: status('429 Too Many Requests'),
  '429 with a wait': status('429 Too Many Requests', { 'Retry-After': '0' }),
  '503 with a long wait': status('503 Service Unavailable', { 'Retry-After': '3600' }),
  '503 with a date': status('503 Service Unavailable', { 'Retry-After': new Date(1e12).toUTCString() }),
  500: status('500 Internal Server Error'),
  503: status('503 Service Unavailable'),
  204: (socket, answer) => socket.write(head({ ...answer, status: '204 No Content', headers: new Map() })),
  '304 unasked': (socket, answer) => socket.write(head({ ...answer, status: '304 Not Modified', headers: new Map() })),
  '416 without reason': status('416 Range Not Satisfiable', { 'Content-Range': 'bytes */0' }),
  '416 that says nothing': status('416 Range Not Satisfiable'),
  'resets at once': socket => socket.resetAndDestroy(),
  'closes at once': socket => socket.end(),
  'resets in the headers': (socket, answer) => {
    socket.write(head(answer).slice(0, 30), () => socket.resetAndDestroy())
  },
  'resets in the body': (socket, answer) => {
    socket.write(head(answer))
    socket.write(half(answer), () => setTimeout(() => socket.resetAndDestroy(), 5))
  },
  'stalls before the headers': () => {},
  'stalls in the headers': (socket, answer) => socket.write(head(answer).slice(0, 30)),
  'stalls in the body': (socket, answer) => {
    socket.write(head(answer))
    socket.write(half(answer))
  },
  'drips headers': (socket, answer) => drip(socket, Buffer.from(head(answer))),
  'drips the body': (socket, answer) => {
    socket.write(head(answer))
    drip(socket, answer.body)
  },
  'other start': range((from, last, total) => `bytes ${from + 1}-${last + 1}/${total + 1}`),
  'other end': range((from, last, total) => `bytes ${from}-${last + 1}/${total + 1}`),
  'other total': range((from, last, total) => `bytes ${from}-${last}/${total + 100}`),
  'less than asked': changed((answer, { bytes }) => {
    const match = /bytes (\d+)-(\d+)/.exec(answer.headers.get('Content-Range') ?? '')
    if (match === null || match[1] === match[2]) return
    answer.body = answer.body.subarray(0, -1)
    answer.headers.set('Content-Range', `bytes ${match[1]}-${Number(match[2]) - 1}/${bytes.length}`)
    answer.headers.set('Content-Length', String(answer.body.length))
  }),
  'other unit': range((from, last, total) => `lines ${from}-${last}/${total}`),
  'impossible range': range((from, last) => `bytes ${last}-${from}/1`),
  'huge total': range((from, last) => `bytes ${from}-${last}/999999999999999`),
  'no Content-Range': changed(({ headers }) => headers.delete('Content-Range')),
  multipart: changed(answer => {
    answer.headers.delete('Content-Range')
    answer.headers.set('Content-Type', 'multipart/byteranges; boundary=b')
    const part = `--b\r\nContent-Range: bytes 0-1/2\r\n\r\n`
    answer.body = Buffer.concat([Buffer.from(part), answer.body, Buffer.from('\r\n--b--\r\n')])
    answer.headers.set('Content-Length', String(answer.body.length))
  }),
  gzip: changed(answer => {
    answer.body = gzipSync(answer.body)
    answer.headers.set('Content-Encoding', 'gzip')
    answer.headers.set('Content-Length', String(answer.body.length))
  }),
  'says gzip': changed(({ headers }) => headers.set('Content-Encoding', 'gzip')),
  'is not HTTP': socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  'hints for ever': socket =>
    pourForEver(socket, Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(50))),
  'headers for ever': socket => {
    socket.write('HTTP/1.1 200 OK\r\n')
    pourForEver(socket, Buffer.from(`X-Header: ${'x'.repeat(1000)}\r\n`))
  },
  'redirects to itself': (socket, answer, asked, served) =>
    status('302 Found', { Location: asked.path })(socket, answer, asked, served),
  'redirects to a file': status('301 Moved Permanently', { Location: 'file:///etc/passwd' }),
  'redirects nowhere': status('307 Temporary Redirect'),
  'redirects to nonsense': status('307 Temporary Redirect', { Location: 'http://[' }),
}

/** Not faults, only other ways to be right. */
export const VARIANTS: Readonly<Record<string, Deliver>> = {
  'all of it': (socket, _answer, asked, served) => send(socket, honest({ ...asked, headers: {} }, served), asked),
  'in chunks': (socket, answer, asked) => {
    answer.headers.delete('Content-Length')
    answer.headers.set('Transfer-Encoding', 'chunked')
    socket.write(head(answer))
    if (asked.method === 'HEAD') return
    if (answer.body.length > 0) socket.write(`${answer.body.length.toString(16)}\r\n`)
    if (answer.body.length > 0) socket.write(Buffer.concat([answer.body, Buffer.from('\r\n')]))
    socket.write('0\r\n\r\n')
  },
  'and closes': (socket, answer, asked) => {
    answer.headers.set('Connection', 'close')
    send(socket, answer, asked)
    socket.end()
  },
  'total unsaid': range((from, last) => `bytes ${from}-${last}/*`),
}

/** Faults that only a digest can find. */
export const LIES: Readonly<Record<string, Deliver>> = {
  'wrong byte': changed(answer => {
    answer.body = Uint8Array.from(answer.body)
    if (answer.body.length > 0) answer.body[answer.body.length >> 1] ^= 1
  }),
  'wrong bytes': changed(answer => {
    answer.body = answer.body.map(byte => byte ^ 0x55)
  }),
  'all of it, without an end': (socket, answer) => {
    socket.write(head({ ...answer, status: '200 OK', headers: new Map([['Transfer-Encoding', 'chunked']]) }))
    pourForEver(socket, CHUNK)
  },
  zeroes: changed(answer => {
    answer.body = new Uint8Array(answer.body.length)
  }),
}

export interface FaultServer {
  /** Without a slash at its end. */
  readonly url: string
  readonly host: string
  /** All that has been asked. */
  readonly asked: Asked[]
  /** Connections that there have been, and that are open. */
  readonly connections: { made: number; open: number }
  stop(): void
}

/** What to serve for a request, and how; undefined for 404. */
export type Script = (asked: Asked) => { readonly served: Served; readonly fault?: Deliver } | undefined

function parse(text: string): Asked {
  const [line, ...fields] = text.split('\r\n')
  const [method, path] = line.split(' ')
  const headers: Record<string, string> = {}
  for (const field of fields) {
    const at = field.indexOf(':')
    if (at > 0) headers[field.slice(0, at).toLowerCase()] = field.slice(at + 1).trim()
  }
  return { method, path, headers }
}

export async function startFaultServer(script: Script): Promise<FaultServer> {
  const sockets = new Set<Socket>()
  const asked: Asked[] = []
  const connections = { made: 0, open: 0 }
  const answer = (socket: Socket, request: Asked): void => {
    asked.push(request)
    const found = script(request) ?? { served: { bytes: new Uint8Array(0) }, fault: FAULTS['404'] }
    const { served, fault } = found
    const right = honest(request, served)
    if (fault === undefined) send(socket, right, request)
    else fault(socket, right, request, served)
  }
  const server = createServer(socket => {
    connections.made++
    connections.open++
    sockets.add(socket)
    let text = ''
    socket.on('data', data => {
      text += data.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const request = parse(text.slice(0, end))
        text = text.slice(end + 4)
        answer(socket, request)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      connections.open--
      sockets.delete(socket)
    })
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  server.unref()
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`
  return {
    url: `http://${host}`,
    host,
    asked,
    connections,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
