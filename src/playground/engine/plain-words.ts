// Failures as people are told of them: one plain sentence, and what to do. Made here because an Error that crosses to the page
// keeps nothing but its name and message. Not here: which failures there are.

import { type ErrnoName, isErrnoName } from '../../format/errno.js'

/** What an errno name means to someone who looks at an image, and what can be done. */
const WORDS: Readonly<Record<string, string>> = {
  EUCLEAN: 'The image is damaged or is no image. Check where it came from, or fetch it again.',
  EBADMSG: 'The image does not match its own checksum: it is damaged. Fetch it again.',
  ENOTSUP: 'This needs something that is not supported here.',
  ENOENT: 'There is no such file or object. Give the store that holds the objects, or check the name.',
  EIO: 'The bytes are not what they should be, or can’t be read. Fetch them again from a source you trust.',
  EACCES: 'Reading it is not allowed. Check the permissions of the file or the server.',
  ENOSPC: 'There is no room left. Close an image, or free some of the browser’s storage.',
  ENOMEM: 'There is not enough memory for it. Close an image and try again.',
  ETIMEDOUT: 'The server does not answer. Check the address and the connection.',
  ESTALE: 'It was closed or changed meanwhile. Open it again.',
  EROFS: 'The image can’t be changed. Start changing it first.',
  EINVAL: 'That is not valid here. Check what was given.',
  ENOTEMPTY: 'The folder is not empty. Empty it first.',
  EEXIST: 'There is something of that name already. Take another name.',
  ENOTDIR: 'That is not a folder.',
  EISDIR: 'That is a folder.',
  ENAMETOOLONG: 'The name is too long. Take a shorter one.',
  EPERM: 'That is not allowed. Check the name, or take another.',
  EBUSY: 'It is in use. Try again later.',
  ERANGE: 'The number or value is too large.',
  E2BIG: 'The value is too large.',
  ELOOP: 'The symlinks lead round in a circle.',
}

/** What browsers call what has an errno. */
const DOM_CODES: Readonly<Record<string, ErrnoName>> = {
  QuotaExceededError: 'ENOSPC',
  NotReadableError: 'EIO',
  NotFoundError: 'ESTALE',
  NotAllowedError: 'EACCES',
}

/** What the library says of an image that was closed while it was at work on it. */
const CLOSED = /^(?:the image is closed|EINVAL: unmounted)\b/

function codeOf(error: Error): ErrnoName | '' {
  if (CLOSED.test(error.message)) return 'ESTALE'
  if ('code' in error && isErrnoName(error.code)) return error.code
  if (error instanceof RangeError && /allocation|memory/i.test(error.message)) return 'ENOMEM'
  return DOM_CODES[error.name] ?? ''
}

/** What the library said, without the words that only programs need. */
function detailOf(error: Error): string {
  const cause =
    error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` (${error.cause.message})` : ''
  return `${error.message}${cause}`
}

/** An Error that is ready to be shown: `name` is the code, the message begins with what was tried. */
export function plainError(what: string, error: unknown): Error {
  if (error instanceof PlainError) return error
  const given = error instanceof Error ? error : new Error(String(error))
  const code = codeOf(given)
  const words = WORDS[code]
  return new PlainError(code === '' ? 'Error' : code, `${what}: ${words ?? ''}${words ? ' ' : ''}[${detailOf(given)}]`)
}

/** One that says all that is to be said. */
export class PlainError extends Error {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

/** What is said to whoever asks of an image that is no longer open. */
export function closedMeanwhile(): PlainError {
  return new PlainError('ESTALE', 'The image was closed meanwhile. Open it again.')
}

/** Does something; what fails is told in plain words. */
export async function inPlainWords<T>(what: string, action: () => Promise<T> | T): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw plainError(what, error)
  }
}
