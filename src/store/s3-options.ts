// Where an S3 bucket is and who asks: options, the usual environment variables, and the URLs of keys.
// Not here: requests (s3-client.ts). The environment is handed in by the entry, since only hosts know of one.

import { Fault, faultError } from '../format/errno.js'
import { canonicalObjectName } from './object-name.js'

export interface S3Options {
  readonly bucket: string
  /** What stands before the names of objects, a `/` between; none unless given. */
  readonly prefix?: string
  /** URL of the service; that of AWS in the region unless given. */
  readonly endpoint?: string | URL
  /** `us-east-1` unless given. */
  readonly region?: string
  /** Without keys, requests are not signed: a public bucket. */
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`; true for an endpoint that is given, and for dots in a name. */
  readonly pathStyle?: boolean
  /** The signed URL of a key, in place of keys of one's own: for objects that are one request each, so no `list`. */
  readonly presign?: (method: string, key: string) => string | URL | Promise<string | URL>
  /** Used in place of the platform's. */
  readonly fetch?: typeof fetch
  /** Milliseconds for the headers of an answer, and for each wait within its body. */
  readonly timeout?: number
  /** How often a request that failed in a way that may pass is sent again. */
  readonly retries?: number
  /** Ends all that is under way. */
  readonly signal?: AbortSignal
  /** Requests at once. */
  readonly concurrency?: number
  /** An object of more bytes is put in parts of so many; 8 MiB unless given, 5 MiB at least. */
  readonly partSize?: number
  /** Parts of one object that are sent at once; 4 unless given. So many times partSize is held in memory. */
  readonly partsAtOnce?: number
  /** Names in one answer of a list; what the service likes (1,000 mostly) unless given. */
  readonly pageSize?: number
}

/** What the environment may say; a bucket is never among it. */
export type S3Environment = Pick<S3Options, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

const DEFAULT_REGION = 'us-east-1'
/** More than AWS allows: older buckets and other services have longer names, capitals and underscores. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/
const REGION = /^[A-Za-z0-9-]{1,64}$/

function invalid(why: string): Error {
  return faultError(new Fault('EINVAL', why), 's3')
}

/** The variables that the AWS tools read. An empty one is as one that is not there. */
export function s3OptionsFromEnv(env: Readonly<Record<string, string | undefined>>): S3Environment {
  const first = (...names: string[]) => names.map(name => env[name]).find(value => value !== undefined && value !== '')
  const found = {
    endpoint: first('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
    region: first('AWS_REGION', 'AWS_DEFAULT_REGION'),
    accessKeyId: first('AWS_ACCESS_KEY_ID'),
    secretAccessKey: first('AWS_SECRET_ACCESS_KEY'),
    sessionToken: first('AWS_SESSION_TOKEN'),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/**
 * Bucket and prefix of `s3://bucket/prefix`. The prefix is taken as it stands, as the AWS tools do: `%20` is no blank.
 * Throws EINVAL, without quoting what may hold a secret.
 */
export function parseS3Source(source: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/is.exec(source) ?? []
  if (bucket === undefined || !BUCKET.test(bucket)) throw invalid('a source is s3://bucket or s3://bucket/prefix')
  if (/[?#]/.test(prefix)) throw invalid('s3://bucket/prefix takes no query; what a bucket needs is given as options')
  return { bucket, prefix }
}

/** Each byte that RFC 3986 reserves is escaped: a `+` would be a blank to some. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
}

function serviceUrl(endpoint: string | URL | undefined, region: string): URL {
  if (endpoint === undefined) {
    return new URL(`https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`)
  }
  let url: URL
  try {
    url = new URL(endpoint)
  } catch {
    throw invalid('the endpoint is no URL')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('an endpoint is an http or https URL')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('an endpoint has no user, query or fragment')
  return url
}

function checkedPrefix(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '')
  if (bare !== '' && canonicalObjectName(bare) !== bare) throw invalid('the prefix is no plain path')
  return bare === '' ? '' : `${bare}/`
}

/** A bucket and the keys below a prefix of it. */
export class S3Place {
  readonly bucket: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
  readonly region: string
  /** `s3://bucket/prefix`, for messages. */
  readonly label: string
  /** Where the bucket is, without a slash at its end. */
  readonly #base: string

  constructor({ bucket, prefix = '', endpoint, region = DEFAULT_REGION, pathStyle }: S3Options) {
    if (typeof bucket !== 'string' || !BUCKET.test(bucket)) throw invalid('no such name for a bucket')
    if (!REGION.test(region)) throw invalid('no such name for a region')
    this.bucket = bucket
    this.prefix = checkedPrefix(prefix)
    this.region = region
    this.label = `s3://${bucket}/${this.prefix}`.replace(/\/$/, '')
    const url = serviceUrl(endpoint, region)
    const path = url.pathname.replace(/\/+$/, '')
    // A wildcard certificate does not cover a name with dots.
    const inPath = pathStyle ?? (endpoint !== undefined || bucket.includes('.'))
    this.#base = inPath ? `${url.origin}${path}/${bucket}` : `${url.protocol}//${bucket}.${url.host}${path}`
  }

  keyOf(name: string): string {
    return this.prefix + name
  }

  /** The URL of a key, of the bucket itself without one. */
  url(key?: string, query: Readonly<Record<string, string>> = {}): string {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeKey(value).replaceAll('/', '%2F')}`)
    const path = key === undefined ? (this.#base.endsWith(`/${this.bucket}`) ? '' : '/') : `/${encodeKey(key)}`
    return `${this.#base}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
  }
}
