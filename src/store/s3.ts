// Objects in a bucket of any service that speaks S3 (AWS, Ceph, MinIO, Swift …), one key each: PREFIX/NAME.
// Not here: requests and signatures (s3-client.ts), parts (s3-upload.ts), pages (s3-list.ts). There are no directories in
// a bucket; that nothing lies below an object is looked after only for names that are no digests.

import { HttpError } from '../source/http-error.js'
import { canonicalName, objectError } from './errors.js'
import { canonicalObjectName, isDigestName } from './object-name.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'
import { S3Client } from './s3-client.js'
import { s3Code } from './s3-error.js'
import { listKeys } from './s3-list.js'
import { parseS3Source, type S3Options } from './s3-options.js'
import { ChunkParts, PARTS_MAX, type Parts, partLength, WholeParts } from './s3-parts.js'
import { checkSize, type Replaced, Upload, type UploadOptions } from './s3-upload.js'

/** What lies in a store, and since when. */
export interface S3Entry {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970; NaN where the service does not say. */
  readonly modified: number
}

const PART_BYTES = 8 * 2 ** 20
/** What S3 takes for a part that is not the last, and for any. */
const PART_MIN = 5 * 2 ** 20
const PART_MAX = 5 * 2 ** 30
const PARTS_AT_ONCE = 4
const UNAVAILABLE = 503

function codeOf(error: unknown): string | undefined {
  return error instanceof HttpError ? error.code : undefined
}

/** Is this what a source says of a file that has not the bytes asked for? */
function isRefusedRange(error: unknown): boolean {
  if (!(error instanceof HttpError)) return false
  return error.code === 'EIO' && error.status === undefined && !error.again
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new HttpError('EINVAL', name, `must be a whole number from ${least} to ${most}`)
}

export class S3Store implements ObjectStore {
  /** `s3://bucket/prefix`. */
  readonly label: string
  readonly #client: S3Client
  readonly #partSize: number
  readonly #partsAtOnce: number
  readonly #pageSize: number | undefined
  readonly #signal: AbortSignal | undefined

  /**
   * Of `s3://bucket/prefix` (options add what it does not say) or of options alone. Throws EINVAL for what can't be.
   * Nothing is asked of the service yet.
   */
  constructor(source: string | URL | S3Options, options: Partial<S3Options> = {}) {
    const isNamed = typeof source === 'string' || source instanceof URL
    const given: S3Options = isNamed ? { ...options, ...parseS3Source(String(source)) } : { ...source, ...options }
    const { partSize = PART_BYTES, partsAtOnce = PARTS_AT_ONCE, pageSize, signal } = given
    this.#client = new S3Client(given)
    this.#partSize = whole('partSize', partSize, PART_MIN, PART_MAX)
    this.#partsAtOnce = whole('partsAtOnce', partsAtOnce, 1, 1000)
    this.#pageSize = pageSize === undefined ? undefined : whole('pageSize', pageSize, 1, 10_000)
    this.#signal = signal
    this.label = this.#client.place.label
  }

  async open(name: string): Promise<StoredObject> {
    const known = canonicalName(name)
    const key = this.#client.place.keyOf(known)
    try {
      return await this.#client.source(key)
    } catch (error) {
      // An empty object has no first byte, and not every service says so in words that HTTP knows.
      if (isRefusedRange(error) && (await this.#sizeOf(key).catch(() => undefined)) === 0) {
        return this.#client.source(key, { size: 0 })
      }
      if (codeOf(error) === 'ENOENT') await this.#rejectBelowObject(known)
      await this.#explain(key, error)
      throw error
    }
  }

  async stat(name: string): Promise<ObjectInfo> {
    const known = canonicalName(name)
    const key = this.#client.place.keyOf(known)
    try {
      return { size: await this.#sizeOf(key) }
    } catch (error) {
      // That an object is missing is an ordinary answer: nobody asks for more words.
      if (codeOf(error) === 'ENOENT') await this.#rejectBelowObject(known)
      else await this.#explain(key, error)
      throw error
    }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    const key = this.#client.place.keyOf(known)
    if (await this.#has(known, key)) return
    await this.#rejectBelowObject(known)
    const parts = data instanceof Uint8Array ? new WholeParts(data) : new ChunkParts(data)
    try {
      if (data instanceof Uint8Array) await this.#putWhole(key, data, parts)
      else await this.#putChunks(key, parts)
    } finally {
      parts.close()
    }
  }

  /** Puts an object whether or not one has the name: at every moment one of the two is there. */
  async replace(name: string, data: Uint8Array): Promise<void> {
    const key = this.#client.place.keyOf(canonicalName(name))
    // Of one request that is signed the answer tells all: what was there need not be told apart.
    const isTold = this.#client.isSigned && data.length <= this.#partSize
    await this.#putWhole(key, data, new WholeParts(data), isTold ? undefined : await this.#replaced(key))
  }

  async *list(): AsyncGenerator<string> {
    for await (const { name } of this.entries()) yield name
  }

  /** What `list` gives, with sizes and times. */
  async *entries(): AsyncGenerator<S3Entry> {
    const client = this.#client
    if (client.isPresigned) throw new HttpError('ENOTSUP', this.label, 'presigned URLs are of single objects: no lists')
    const { prefix } = client.place
    for await (const { key, size, modified } of listKeys(client, this.#pageSize)) {
      const name = key.slice(prefix.length)
      // Others may keep in the bucket what they like: folders of consoles (`dir/`) for one.
      if (!key.startsWith(prefix) || canonicalObjectName(name) !== name) continue
      yield { name, size, modified }
    }
  }

  async delete(name: string): Promise<void> {
    const key = this.#client.place.keyOf(canonicalName(name))
    try {
      await this.#client.send('DELETE', { key }, () => {})
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || s3Code(error) === 'NoSuchBucket') throw error
    }
  }

  #sizeOf(key: string): Promise<number> {
    return this.#client.send('HEAD', { key }, ({ length }) => {
      if (length !== undefined) return length
      throw new HttpError('EIO', this.#client.labelOf(key), 'the service does not say how long it is')
    })
  }

  async #has(known: string, key: string): Promise<boolean> {
    try {
      await this.#client.send('HEAD', { key }, () => {})
      return true
    } catch (error) {
      // Who may not list a bucket is refused what is missing; whether he may put will show.
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return false
      // A part of the service is away, and what lies there nobody can tell (Swift says so of all that is missing). What
      // has a digest for a name can be put once more: it is the same.
      if (isDigestName(known) && error instanceof HttpError && error.status === UNAVAILABLE) return false
      await this.#explain(key, error)
      throw error
    }
  }

  /** Rejects with what the service says in words, which nobody has read yet: an answer to HEAD has none. */
  async #explain(key: string, error: unknown): Promise<void> {
    const { status = 0 } = error instanceof HttpError ? error : {}
    if (status < 400 || status > 499) return
    try {
      await this.#client.send('GET', { key, headers: { range: 'bytes=0-0' } }, () => {})
    } catch (said) {
      if (s3Code(said) !== undefined) throw said
    }
  }

  async #rejectBelowObject(known: string): Promise<void> {
    if (isDigestName(known)) return
    for (let at = known.indexOf('/'); at !== -1; at = known.indexOf('/', at + 1)) {
      const above = known.slice(0, at)
      const isObject = await this.#sizeOf(this.#client.place.keyOf(above)).catch(() => undefined)
      if (isObject !== undefined) throw objectError('ENOTDIR', known, `${above} is an object`)
    }
  }

  /** What tells an object that is there from the one that comes; undefined where there is none. */
  async #replaced(key: string): Promise<Replaced | undefined> {
    try {
      return await this.#client.send('HEAD', { key }, ({ headers }) => ({ etag: headers.get('etag') }))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async #putWhole(key: string, data: Uint8Array, parts: Parts, replaced?: Replaced): Promise<void> {
    const isOne = data.length <= this.#partSize || this.#client.isPresigned
    if (isOne) return this.#putOne(key, data, replaced)
    const length = Math.max(this.#partSize, Math.ceil(data.length / PARTS_MAX))
    await this.#putParts(key, (await parts.next(length)) as Uint8Array, parts, () => length, replaced)
  }

  async #putChunks(key: string, parts: Parts): Promise<void> {
    const first = (await this.#orAborted(parts.next(this.#partSize))) ?? new Uint8Array(0)
    if (!(await this.#orAborted(parts.more()))) return this.#putOne(key, first)
    if (this.#client.isPresigned) {
      const why = `a stream of more than partSize (${this.#partSize}) bytes needs more than a presigned URL`
      throw new HttpError('ENOTSUP', this.#client.labelOf(key), why)
    }
    await this.#putParts(key, first, parts, number => partLength(number, this.#partSize))
  }

  async #putParts(
    key: string,
    first: Uint8Array,
    rest: Parts,
    partLength: UploadOptions['partLength'],
    replaced?: Replaced,
  ): Promise<void> {
    const options = { partLength, partsAtOnce: this.#partsAtOnce, signal: this.#signal, replaced }
    await new Upload(this.#client, key, options).run(first, rest)
  }

  async #putOne(key: string, body: Uint8Array, replaced?: Replaced): Promise<void> {
    await this.#client.send('PUT', { key, body }, () => {})
    // A signature vouches for every byte that arrives; without one at least their number is looked at.
    if (!this.#client.isSigned) await checkSize(this.#client, key, body.length, replaced)
  }

  /** A source that hangs does not outlive the signal. */
  #orAborted<T>(wanted: Promise<T>): Promise<T> {
    const signal = this.#signal
    if (signal === undefined) return wanted
    let aborted = (): void => {}
    const ended = new Promise<never>((_, reject) => {
      aborted = () => reject(signal.reason)
      signal.addEventListener('abort', aborted)
      if (signal.aborted) aborted()
    })
    return Promise.race([wanted, ended]).finally(() => signal.removeEventListener('abort', aborted))
  }
}
