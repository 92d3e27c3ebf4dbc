// A small S3 service in this process, for what a real one does not do on demand: faults by script, lies, lost answers.
// It checks signatures (s3-signature.ts) and knows one bucket: objects with ranges, multipart uploads, paged lists.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Account, asked, judge } from './s3-signature.js'

export interface Stored {
  readonly data: Buffer
  readonly etag: string
  readonly modified: Date
}

export interface Call {
  readonly method: string
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  readonly length: number
}

export interface Reply {
  readonly status: number
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
}

/** What happens in place of the answer: another one, none though all is done, or a connection cut before. */
export type Mishap = Reply | 'answer lost' | 'cut' | 'stall'

export interface S3Server extends Account {
  readonly endpoint: string
  readonly bucket: string
  readonly objects: Map<string, Stored>
  /** Parts by number, by upload. */
  readonly uploads: Map<string, Map<number, Stored>>
  readonly calls: Call[]
  /** Asked before each call is answered; the script of a test. */
  mishap: (call: Call) => Mishap | undefined
  /** May anybody read? */
  isPublic: boolean
  /** Milliseconds that the service's clock is ahead. */
  ahead: number
  close(): void
}

export const errorXml = (code: string, rest = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>in words</Message>${rest}</Error>`

const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  SignatureDoesNotMatch: 403,
  RequestTimeTooSkewed: 403,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  NoSuchUpload: 404,
  InvalidRange: 416,
}

class Refusal extends Error {}

const stored = (data: Buffer): Stored => ({
  data,
  etag: `"${createHash('md5').update(data).digest('hex')}"`,
  modified: new Date(),
})

// As AWS does it: a form's escapes.
const formEscape = (text: string) => encodeURIComponent(text).replaceAll('%20', '+').replaceAll('%2F', '/')

function listXml(server: S3Server, query: Call['query']): string {
  const { prefix = '', 'max-keys': most = '1000', 'continuation-token': token = '' } = query
  const keys = [...server.objects.keys()].filter(key => key.startsWith(prefix)).sort()
  const from = token === '' ? 0 : keys.findIndex(key => key > Buffer.from(token, 'base64').toString())
  const page = from === -1 ? [] : keys.slice(from, from + Number(most))
  const last = page.at(-1)
  const more = last !== undefined && last !== keys.at(-1)
  const contents = page.map(key => {
    const { data, etag, modified } = server.objects.get(key) as Stored
    const tag = etag.replaceAll('"', '&quot;')
    return `<Contents><Key>${formEscape(key)}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>${tag}</ETag><Size>${data.length}</Size></Contents>`
  })
  const next = more ? `<NextContinuationToken>${Buffer.from(last).toString('base64')}</NextContinuationToken>` : ''
  return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
}

function uploadsXml(server: S3Server): string {
  const ids = [...server.uploads.keys()].map(id => `<Upload><UploadId>${id}</UploadId></Upload>`)
  return `<ListMultipartUploadsResult>${ids.join('')}</ListMultipartUploadsResult>`
}

function objectReply(request: IncomingMessage, found: Stored): Reply {
  const { data, etag, modified } = found
  const headers = { etag, 'last-modified': modified.toUTCString(), 'accept-ranges': 'bytes' }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  if (range === null || request.method === 'HEAD') return { status: 200, body: data, headers }
  const from = Number(range[1])
  if (from >= data.length) throw new Refusal('InvalidRange')
  const part = data.subarray(from, Number(range[2]) + 1)
  const contentRange = `bytes ${from}-${from + part.length - 1}/${data.length}`
  return { status: 206, body: part, headers: { ...headers, 'content-range': contentRange } }
}

function complete(server: S3Server, key: string, id: string, body: string): void {
  const parts = server.uploads.get(id)
  if (parts === undefined) throw new Refusal('NoSuchUpload')
  const named = [...body.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag><\/Part>/g)]
  const data = named.map(([, number, etag]) => {
    const part = parts.get(Number(number))
    if (part?.etag !== etag.replaceAll('&#34;', '"')) throw new Refusal('InvalidPart')
    return part.data
  })
  server.uploads.delete(id)
  server.objects.set(key, stored(Buffer.concat(data)))
}

/** Answers by the interface's rules. */
function serve(server: S3Server, request: IncomingMessage, call: Call, body: Buffer): Reply {
  const { method, key, query } = call
  const { uploadId } = query
  if (method === 'GET' && key === '') {
    if (query['list-type'] === '2') return { status: 200, body: listXml(server, query) }
    if ('uploads' in query) return { status: 200, body: uploadsXml(server) }
  }
  if (method === 'POST' && 'uploads' in query) {
    const id = `upload ${server.uploads.size}+&`
    server.uploads.set(id, new Map())
    const xml = `<InitiateMultipartUploadResult><UploadId>${id.replace('&', '&amp;')}</UploadId></InitiateMultipartUploadResult>`
    return { status: 200, body: xml }
  }
  if (method === 'POST') {
    complete(server, key, uploadId, body.toString())
    return { status: 200, body: '\n \n<?xml version="1.0"?><CompleteMultipartUploadResult/>' }
  }
  if (method === 'PUT' && uploadId !== undefined) {
    const parts = server.uploads.get(uploadId)
    if (parts === undefined) throw new Refusal('NoSuchUpload')
    const part = stored(body)
    parts.set(Number(query['partNumber']), part)
    return { status: 200, headers: { etag: part.etag } }
  }
  if (method === 'PUT') {
    server.objects.set(key, stored(body))
    return { status: 200 }
  }
  if (method === 'DELETE') {
    if (uploadId === undefined) server.objects.delete(key)
    else if (!server.uploads.delete(uploadId)) throw new Refusal('NoSuchUpload')
    return { status: 204 }
  }
  const found = server.objects.get(key)
  if (found === undefined) throw new Refusal('NoSuchKey')
  return objectReply(request, found)
}

function authorized(server: S3Server, request: IncomingMessage, body: Buffer): void {
  const wrong = judge(request, body, server, Date.now() + server.ahead)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (wrong === 'anonymous' && server.isPublic && isRead) return
  if (wrong !== undefined) throw new Refusal(wrong === 'anonymous' ? 'AccessDenied' : wrong)
}

async function answer(server: S3Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const { path, query } = asked(request.url ?? '')
  const [, , ...rest] = path.split('/')
  const call: Call = {
    method: request.method ?? '',
    key: rest.join('/'),
    query: Object.fromEntries(query),
    headers: request.headers,
    length: body.length,
  }
  server.calls.push(call)
  const mishap = server.mishap(call)
  if (mishap === 'stall') return
  const reply =
    mishap === 'cut' ? undefined : typeof mishap === 'object' ? mishap : replyOf(server, request, call, body)
  // What is done is done, though nobody will hear of it.
  if (reply === undefined || mishap === 'answer lost') {
    request.socket.destroy()
    return
  }
  const { status, body: text = '', headers } = reply
  response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers }).end(text)
}

function replyOf(server: S3Server, request: IncomingMessage, call: Call, body: Buffer): Reply {
  try {
    authorized(server, request, body)
    if (asked(request.url ?? '').path.split('/')[1] !== server.bucket) throw new Refusal('NoSuchBucket')
    return serve(server, request, call, body)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { status: STATUS[error.message] ?? 400, body: errorXml(error.message) }
  }
}

/** Starts a service; it does not keep the process alive. */
export async function startS3(account: Partial<Account> = {}): Promise<S3Server> {
  const http = createServer((request, response) => {
    answer(server, request, response).catch(() => request.socket.destroy())
  })
  http.unref()
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const server: S3Server = {
    accessKeyId: 'AKIDTEST',
    secretAccessKey: 'secret/with+signs=',
    region: 'eu-test-1',
    ...account,
    endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    bucket: 'bucket',
    objects: new Map(),
    uploads: new Map(),
    calls: [],
    mishap: () => undefined,
    isPublic: false,
    ahead: 0,
    close: () => {
      http.close()
      http.closeAllConnections()
    },
  }
  return server
}
