// Checks AWS Signature Version 4 as a service does, from the specification: the other side of what signs in src/store.
// Of a request's path and query it takes what they mean and escapes that itself.
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Account {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly region: string
}

const SKEW_MS = 15 * 60_000
const UNSIGNED = 'UNSIGNED-PAYLOAD'

function strictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

export interface Asked {
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
}

/** Path and query as they are meant; a `+` is a plus. */
export function asked(url: string): Asked {
  const [path, search = ''] = url.split('?')
  const pairs = search === '' ? [] : search.split('&').map(pair => pair.split('=').map(decodeURIComponent))
  return { path: decodeURIComponent(path), query: pairs.map(([name, value = '']) => [name, value] as const) }
}

interface Claim {
  readonly credential: string
  readonly signed: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payload: string
  readonly token: string | undefined
  readonly query: Asked['query']
}

function claimOf(request: IncomingMessage, query: Asked['query']): Claim | undefined {
  const param = (name: string) => query.find(([key]) => key === name)?.[1]
  const signature = param('X-Amz-Signature')
  if (signature !== undefined) {
    return {
      credential: param('X-Amz-Credential') ?? '',
      signed: (param('X-Amz-SignedHeaders') ?? '').split(';'),
      signature,
      date: param('X-Amz-Date') ?? '',
      payload: UNSIGNED,
      token: param('X-Amz-Security-Token'),
      query: query.filter(([name]) => name !== 'X-Amz-Signature'),
    }
  }
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  )
  if (match === null) return undefined
  return {
    credential: match[1],
    signed: match[2].split(';'),
    signature: match[3],
    date: String(request.headers['x-amz-date']),
    payload: String(request.headers['x-amz-content-sha256']),
    token: request.headers['x-amz-security-token'] as string | undefined,
    query,
  }
}

/** The S3 code for what is wrong with a request's signature; undefined if nothing is, `anonymous` if there is none. */
export function judge(request: IncomingMessage, body: Uint8Array, account: Account, now: number): string | undefined {
  const { path, query } = asked(request.url ?? '')
  const claim = claimOf(request, query)
  if (claim === undefined) return request.headers.authorization === undefined ? 'anonymous' : 'AccessDenied'
  const [id, ...scope] = claim.credential.split('/')
  if (id !== account.accessKeyId) return 'InvalidAccessKeyId'
  if (claim.token !== account.sessionToken) return 'InvalidToken'
  const date = claim.date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  if (!(Math.abs(Date.parse(date) - now) <= SKEW_MS)) return 'RequestTimeTooSkewed'
  if (scope.join('/') !== `${claim.date.slice(0, 8)}/${account.region}/s3/aws4_request`) return 'SignatureDoesNotMatch'
  const amz = Object.keys(request.headers).filter(name => name.startsWith('x-amz-'))
  if (!['host', ...amz].every(name => claim.signed.includes(name))) return 'AccessDenied'
  const canonical = [
    request.method,
    path.split('/').map(strictly).join('/'),
    claim.query
      .map(pair => pair.map(strictly).join('='))
      .sort()
      .join('&'),
    ...claim.signed.map(name => `${name}:${String(request.headers[name]).trim()}`),
    '',
    claim.signed.join(';'),
    claim.payload,
  ].join('\n')
  const key = scope.reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${account.secretAccessKey}`)
  const text = ['AWS4-HMAC-SHA256', claim.date, scope.join('/'), sha256(canonical)].join('\n')
  if (hmac(key, text).toString('hex') !== claim.signature) return 'SignatureDoesNotMatch'
  if (claim.payload !== UNSIGNED && claim.payload !== sha256(body)) return 'XAmzContentSHA256Mismatch'
  return undefined
}
