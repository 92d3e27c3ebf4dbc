// What an S3 service says went wrong (the XML `Error`), as Errors with an errno name. Of its words only the code is passed
// on: messages may quote keys and signatures. Not here: answers that are no S3 errors (src/source/http-error.ts).

import type { ErrnoName } from '../format/errno.js'
import { HttpError, type HttpErrorOptions, statusError } from '../source/http-error.js'
import { parseXml, type XmlElement } from './s3-xml.js'

/** What a code means: an errno, words for a person, whether the same request may do better later. */
type Meaning = readonly [ErrnoName, string?, 'again'?]

const CODES = new Map<string, Meaning>([
  ['NoSuchKey', ['ENOENT', 'there is no such object']],
  ['NoSuchUpload', ['ENOENT', 'there is no such upload']],
  ['AccessDenied', ['EACCES']],
  ['AllAccessDisabled', ['EACCES']],
  ['AccountProblem', ['EACCES']],
  ['InvalidAccessKeyId', ['EACCES', 'the service does not know the access key']],
  ['SignatureDoesNotMatch', ['EACCES', 'the secret key is wrong, or something on the way changes requests']],
  ['InvalidToken', ['EACCES', 'the session token is wrong']],
  ['ExpiredToken', ['EACCES', 'the session token has expired']],
  ['TokenRefreshRequired', ['EACCES', 'the session token has expired']],
  ['RequestTimeTooSkewed', ['EACCES', 'the clock of this machine differs too much from that of the service']],
  ['QuotaExceeded', ['ENOSPC']],
  ['XMinioStorageFull', ['ENOSPC']],
  ['XMinioAdminBucketQuotaExceeded', ['ENOSPC']],
  ['EntityTooLarge', ['EFBIG']],
  ['KeyTooLongError', ['ENAMETOOLONG']],
  ['InvalidBucketName', ['EINVAL']],
  ['NotImplemented', ['ENOTSUP']],
  ['MethodNotAllowed', ['ENOTSUP']],
  ['SlowDown', ['EIO', undefined, 'again']],
  ['ServiceUnavailable', ['EIO', undefined, 'again']],
  ['InternalError', ['EIO', undefined, 'again']],
  ['RequestTimeout', ['EIO', undefined, 'again']],
  ['OperationAborted', ['EIO', undefined, 'again']],
  ['BadDigest', ['EIO', 'the bytes that arrived are not those that were sent', 'again']],
  ['XAmzContentSHA256Mismatch', ['EIO', 'the bytes that arrived are not those that were sent', 'again']],
  ['IncompleteBody', ['EIO', undefined, 'again']],
])

/** A bucket asked for where it is not. */
const ELSEWHERE = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])
const CODE = /^[A-Za-z0-9]{1,64}$/
const REGION = /^[a-z0-9-]{1,32}$/
const INSUFFICIENT_STORAGE = 507

export interface FailedAnswer {
  /** For messages: `s3://bucket/key`. */
  readonly label: string
  readonly bucket: string
  readonly status: number
  readonly headers: Headers
  /** Root of the body, where that is XML. */
  readonly document: XmlElement | undefined
}

/** The code that an answer gives, where it gives one. */
export function s3Code(error: unknown): string | undefined {
  return error instanceof S3Error ? error.s3Code : undefined
}

class S3Error extends HttpError {
  constructor(
    readonly s3Code: string,
    code: ErrnoName,
    label: string,
    why: string,
    options: HttpErrorOptions,
  ) {
    super(code, label, why, options)
  }
}

function regionHint({ headers, document }: FailedAnswer): string {
  const region = headers.get('x-amz-bucket-region') ?? document?.textOf('Region') ?? ''
  return REGION.test(region) ? `the bucket is in region ${region}` : 'the bucket is in another region'
}

/** The error for an answer that is none of success. */
export function s3Error(answer: FailedAnswer): HttpError {
  const { label, bucket, status, headers, document } = answer
  const plain = statusError(label, status, headers)
  const code = document?.name === 'Error' ? document.textOf('Code') : undefined
  if (code === undefined || !CODE.test(code)) {
    if (status === INSUFFICIENT_STORAGE) return new HttpError('ENOSPC', label, `HTTP status ${status}`, { status })
    return plain
  }
  if (code === 'NoSuchBucket') {
    return new S3Error(code, 'ENOENT', label, `${code}: there is no bucket ${bucket}`, { status })
  }
  if (ELSEWHERE.has(code)) return new S3Error(code, 'EINVAL', label, `${code}: ${regionHint(answer)}`, { status })
  const [errno = plain.code, hint, again] = CODES.get(code) ?? []
  const why = hint === undefined ? code : `${code}: ${hint}`
  return new S3Error(code, errno, label, why, {
    status,
    again: again === 'again' || plain.again,
    after: plain.after,
  })
}

/** The same, of an answer whose body has been read. */
export function s3ErrorOf(answer: Omit<FailedAnswer, 'document'>, body: string): HttpError {
  return s3Error({ ...answer, document: parseXml(body) })
}
