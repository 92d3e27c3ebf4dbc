// One object put in many parts, some of them at once: it is there as a whole when the last step has been done, and what
// has been sent goes away when any fails. Not here: objects that fit into one request, and cutting (s3-parts.ts).

import { brokenError, HttpError } from '../source/http-error.js'
import type { S3Answer, S3Client } from './s3-client.js'
import { s3Code } from './s3-error.js'
import { PARTS_MAX, type Parts } from './s3-parts.js'
import { escapeXml, parseXml } from './s3-xml.js'

/** An object whose place the one that is put takes. */
export interface Replaced {
  readonly etag: string | null
}

export interface UploadOptions {
  /** Bytes of part `number`, which counts from 1. */
  readonly partLength: (number: number) => number
  /** Parts of the first one's length that are held at once. */
  readonly partsAtOnce: number
  readonly signal?: AbortSignal
  readonly replaced?: Replaced
}

/** Bytes of the answer to the last request, which says little. */
const ETAG_MAX = 256

export class Upload {
  readonly #client: S3Client
  readonly #key: string
  readonly #label: string
  readonly #options: UploadOptions
  readonly #etags: string[] = []
  readonly #running = new Set<Promise<void>>()
  /** Ends the parts under way. */
  readonly #stop = new AbortController()
  /** What went wrong first, and who waits to hear of it. */
  #failure: { readonly error: unknown } | undefined
  #giveUp: ((error: unknown) => void) | undefined
  #sent = 0

  constructor(client: S3Client, key: string, options: UploadOptions) {
    this.#client = client
    this.#key = key
    this.#label = client.labelOf(key)
    this.#options = options
  }

  /** Puts `first` and all that follows it. */
  async run(first: Uint8Array, rest: Parts): Promise<void> {
    const { signal } = this.#options
    const aborted = () => this.#fail(signal?.reason)
    signal?.addEventListener('abort', aborted)
    if (signal?.aborted) aborted()
    try {
      const id = await this.#begin()
      try {
        await this.#send(id, first, rest)
        await this.#complete(id)
      } catch (error) {
        await this.#abort(id, error)
        throw error
      }
    } finally {
      signal?.removeEventListener('abort', aborted)
    }
  }

  async #begin(): Promise<string> {
    return this.#client.send('POST', { key: this.#key, query: { uploads: '' } }, answer => {
      const root = parseXml(answer.body)
      const id = root?.name === 'InitiateMultipartUploadResult' ? root.textOf('UploadId') : undefined
      if (id === undefined || id === '') throw brokenError(this.#label, 'the answer names no upload')
      return id
    })
  }

  async #send(id: string, first: Uint8Array, rest: Parts): Promise<void> {
    const { partLength, partsAtOnce } = this.#options
    const held = partsAtOnce * partLength(1)
    let part: Uint8Array | undefined = first
    for (let number = 1; part !== undefined; number++) {
      if (number > PARTS_MAX) throw new HttpError('EFBIG', this.#label, `more than ${PARTS_MAX} parts`)
      this.#start(id, number, part)
      const length = partLength(number + 1)
      // One less than may be held, since the next one is about to be filled.
      const most = Math.max(1, Math.floor(held / length) - 1)
      while (this.#running.size >= most) await this.#unlessFailed(Promise.race(this.#running))
      part = await this.#unlessFailed(rest.next(length))
    }
    await this.#unlessFailed(Promise.all(this.#running))
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error }
    this.#giveUp?.(this.#failure.error)
  }

  /** Waits for one thing at a time, until something fails. */
  #unlessFailed<T>(wanted: Promise<T>): Promise<T> {
    // Not Promise.race with a promise of the failure: that would hold every part until the last one.
    return new Promise<T>((resolve, reject) => {
      this.#giveUp = reject
      if (this.#failure !== undefined) reject(this.#failure.error)
      wanted.then(resolve, reject)
    })
  }

  #start(id: string, number: number, body: Uint8Array): void {
    const query = { partNumber: String(number), uploadId: id }
    const { signal } = this.#stop
    const sending = this.#client
      .send('PUT', { key: this.#key, query, body, signal }, answer => this.#etag(answer))
      .then(etag => {
        this.#etags[number - 1] = etag
        this.#sent += body.length
      })
      .catch(this.#fail)
      .finally(() => this.#running.delete(sending))
    this.#running.add(sending)
  }

  #etag({ headers }: S3Answer): string {
    const etag = headers.get('etag')
    if (etag !== null && etag.length <= ETAG_MAX) return etag
    throw brokenError(this.#label, 'a part has no ETag (a page of another origin sees it only if the bucket says so)')
  }

  async #complete(id: string): Promise<void> {
    const parts = this.#etags.map(
      (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
    )
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    const request = { key: this.#key, query: { uploadId: id }, body, headers: { 'content-type': 'application/xml' } }
    try {
      await this.#client.send('POST', request, answer => {
        const root = parseXml(answer.body)
        if (root?.name === 'CompleteMultipartUploadResult') return
        // The status was sent before the parts were put together.
        if (root?.name === 'Error') throw answer.asError()
        throw brokenError(this.#label, 'the answer is none to what was asked', true)
      })
    } catch (error) {
      // Done already, it may be: then only the answer was lost.
      if (s3Code(error) !== 'NoSuchUpload' || !(await this.#isNew())) throw error
    }
    await checkSize(this.#client, this.#key, this.#sent, this.#options.replaced)
  }

  /** Is there another object now than there was before? */
  async #isNew(): Promise<boolean> {
    const { replaced } = this.#options
    if (replaced === undefined) return true
    return this.#client.send('HEAD', { key: this.#key }, ({ headers }) => {
      const etag = headers.get('etag')
      return etag !== null && replaced.etag !== null && etag !== replaced.etag
    })
  }

  /** Never rejects: there is an error already that says more. */
  async #abort(id: string, error: unknown): Promise<void> {
    this.#stop.abort(error)
    // A part that arrives after the upload has been ended would stay.
    await Promise.all(this.#running)
    await this.#client
      .send('DELETE', { key: this.#key, query: { uploadId: id }, farewell: true }, () => {})
      .catch(() => {})
  }
}

/**
 * Rejects with EIO when an object that has been put has other bytes than were sent. It is then taken away, unless it took
 * the place of another: who replaces may not be alone, and this may be another's.
 */
export async function checkSize(client: S3Client, key: string, size: number, replaced?: Replaced): Promise<void> {
  const length = await client.send('HEAD', { key }, answer => answer.length)
  if (length === size) return
  if (replaced === undefined) await client.send('DELETE', { key, farewell: true }, () => {}).catch(() => {})
  throw brokenError(client.labelOf(key), `${size} bytes were put, but ${length ?? 'an unknown number'} are there`)
}
