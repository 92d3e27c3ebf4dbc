// The keys of a bucket below a prefix, page by page (ListObjectsV2). A server may lie in all of it: pages without end or
// in a circle, keys that were not asked for. Not here: which keys are objects of a store.

import { brokenError } from '../source/http-error.js'
import type { S3Answer, S3Client } from './s3-client.js'
import { parseXml, type XmlElement } from './s3-xml.js'

/** A thousand names of a kilobyte, each byte escaped. */
const PAGE_BYTES = 8 * 2 ** 20
/** Pages in a row without a name: a service may give some, but not for ever. */
const EMPTY_PAGES = 100

export interface ListedKey {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970; NaN where the service gives no date. */
  readonly modified: number
}

interface Page {
  readonly keys: readonly ListedKey[]
  readonly next: string | undefined
}

/** A key as it is, of one that is encoded as in a form; undefined for one that is not Unicode. */
function decodedKey(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function readKey(element: XmlElement, isEncoded: boolean): ListedKey | undefined {
  const written = element.textOf('Key')
  const size = element.textOf('Size')
  if (written === undefined || size === undefined || !/^\d{1,15}$/.test(size)) return undefined
  const key = isEncoded ? decodedKey(written) : written
  if (key === undefined) return undefined
  return { key, size: Number(size), modified: Date.parse(element.textOf('LastModified') ?? '') }
}

function readPage({ body }: S3Answer, label: string): Page {
  const root = parseXml(body)
  if (root?.name !== 'ListBucketResult') throw brokenError(label, 'the answer is no list', true)
  const isEncoded = root.textOf('EncodingType') === 'url'
  const keys = root
    .all('Contents')
    .map(element => readKey(element, isEncoded))
    .filter(key => key !== undefined)
  const truncated = root.textOf('IsTruncated')
  if (truncated === 'false') return { keys, next: undefined }
  const next = root.textOf('NextContinuationToken')
  if (truncated !== 'true') throw brokenError(label, 'the list does not say whether it goes on')
  if (next === undefined || next === '') throw brokenError(label, 'the list goes on, but does not say where')
  return { keys, next }
}

/** Notices that tokens come again, however long the circle is, and keeps two of them only (Brent's algorithm). */
class Circle {
  #kept: string | undefined
  #steps = 0
  #power = 1

  closes(token: string): boolean {
    if (token === this.#kept) return true
    if (++this.#steps === this.#power) {
      this.#kept = token
      this.#steps = 0
      this.#power *= 2
    }
    return false
  }
}

/** In the order of the service; each page is asked for when it is wanted. */
export async function* listKeys(client: S3Client, pageSize: number | undefined): AsyncGenerator<ListedKey> {
  const { prefix } = client.place
  const label = client.labelOf(prefix)
  const circle = new Circle()
  let empty = 0
  for (let token: string | undefined = ''; token !== undefined; ) {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      ...(prefix === '' ? {} : { prefix }),
      ...(pageSize === undefined ? {} : { 'max-keys': String(pageSize) }),
      ...(token === '' ? {} : { 'continuation-token': token }),
    }
    const page: Page = await client.send('GET', { query, limit: PAGE_BYTES }, answer => readPage(answer, label))
    yield* page.keys
    empty = page.keys.length === 0 ? empty + 1 : 0
    if (empty >= EMPTY_PAGES) throw brokenError(label, `${empty} pages without a name`)
    token = page.next
    if (token !== undefined && circle.closes(token)) throw brokenError(label, 'the list goes round in a circle')
  }
}
