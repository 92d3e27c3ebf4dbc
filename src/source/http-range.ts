// What an answer says about the file behind it and the bytes that it carries (RFC 9110: sections 8.8, 13.1.5 and 14), and
// whether that is what was asked for. Not here: sending and reading.

import type { AnswerHead } from './http-answer.js'
import { brokenError, staleError } from './http-error.js'

/** Which state of a file an answer is of. */
export interface Version {
  readonly size: number
  readonly etag: string | null
  readonly modified: string | null
}

export interface ContentRange {
  readonly from: number
  /** Behind the last byte. */
  readonly to: number
  /** Of the whole file; undefined where the server does not say. */
  readonly total: number | undefined
}

/** What may answer a request for a range. */
export const RANGE_STATUS = [200, 206, 416]
/** Bytes as they are, not packed for the way. */
export const IDENTITY = { 'accept-encoding': 'identity' }

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i
const UNSATISFIED = /^bytes \*\/(\d{1,15})$/i

/** Content-Range of a 206; undefined for one that is malformed or not there. */
export function contentRange(headers: Headers): ContentRange | undefined {
  const match = CONTENT_RANGE.exec(headers.get('content-range') ?? '')
  if (match === null) return undefined
  const from = Number(match[1])
  const to = Number(match[2]) + 1
  const total = match[3] === '*' ? undefined : Number(match[3])
  if (to <= from || (total !== undefined && to > total)) return undefined
  return { from, to, total }
}

/** Size of the file as a 416 tells it. */
export function unsatisfiedSize(headers: Headers): number | undefined {
  const match = UNSATISFIED.exec(headers.get('content-range') ?? '')
  return match === null ? undefined : Number(match[1])
}

export function versionOf(headers: Headers, size: number): Version {
  return { size, etag: headers.get('etag'), modified: headers.get('last-modified') }
}

export function rangeHeaders(from: number, to: number, version?: Version): Record<string, string> {
  const headers: Record<string, string> = { range: `bytes=${from}-${to - 1}`, ...IDENTITY }
  const condition = version === undefined ? undefined : ifRange(version)
  if (condition !== undefined) headers['if-range'] = condition
  return headers
}

/** The validator for If-Range, which takes no weak ones. */
export function ifRange({ etag, modified }: Version): string | undefined {
  if (etag !== null) return etag.startsWith('W/') ? undefined : etag
  return modified ?? undefined
}

/** Throws ESTALE unless an answer shows that it is of the same state of the file. */
function checkVersion(headers: Headers, known: Version, label: string, status: number): void {
  const etag = headers.get('etag')
  if (known.etag !== null) {
    if (etag !== known.etag) throw staleError(label, etag === null ? 'its ETag is gone' : 'its ETag is another')
    return
  }
  const modified = headers.get('last-modified')
  // A 206 may leave the date out, since If-Range has been answered by it.
  if (known.modified === null || modified === known.modified || (modified === null && status === 206)) return
  throw staleError(label, 'its date is another')
}

/** Throws unless a 206 carries exactly the bytes from `from` to `to` of a file of known size. */
export function checkRange(answer: AnswerHead, from: number, to: number, known: Version): void {
  const { label } = answer
  const range = partOf(answer)
  checkVersion(answer.headers, known, label, answer.status)
  if (range.total !== undefined && range.total !== known.size) {
    throw staleError(label, `it has ${range.total} bytes, not ${known.size}`)
  }
  if (range.from !== from || range.to !== to) {
    throw brokenError(label, `asked for bytes ${from} to ${to}, the answer has ${range.from} to ${range.to}`)
  }
}

/** Throws unless a 200 is one of the whole file of known size. */
export function checkWhole(answer: AnswerHead, known: Version): void {
  checkVersion(answer.headers, known, answer.label, answer.status)
  const { contentLength } = answer
  if (contentLength !== undefined && contentLength !== known.size) {
    throw staleError(answer.label, `it has ${contentLength} bytes, not ${known.size}`)
  }
}

/** What a 206 carries. Throws EIO for one that does not say it, or whose length is another. */
export function partOf(answer: AnswerHead): ContentRange {
  const { label } = answer
  if (answer.isEncoded) throw brokenError(label, 'a range that is encoded')
  const range = contentRange(answer.headers)
  if (range === undefined) throw brokenError(label, 'a range without a right Content-Range')
  const { contentLength } = answer
  if (contentLength !== undefined && contentLength > range.to - range.from) {
    throw brokenError(label, `a range of ${range.to - range.from} bytes with a body of ${contentLength}`)
  }
  return range
}
