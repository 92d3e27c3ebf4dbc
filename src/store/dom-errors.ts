// What browsers' storage says when it fails, in errno names. Follows the names of Web IDL's DOMException as IndexedDB,
// the File System standard and Storage throw them. Not here: what a store makes of an answer that it expects.

import { type ErrnoName, isErrnoName } from '../format/errno.js'
import { objectError } from './errors.js'

const CODES: Readonly<Record<string, ErrnoName>> = {
  QuotaExceededError: 'ENOSPC',
  // Old names of Firefox's for the same.
  NS_ERROR_DOM_QUOTA_REACHED: 'ENOSPC',
  NS_ERROR_FILE_NO_DEVICE_SPACE: 'ENOSPC',
  NotFoundError: 'ENOENT',
  TypeMismatchError: 'ENOTDIR',
  // A file that changed or went under its snapshot; an expired access handle.
  NotReadableError: 'ESTALE',
  InvalidStateError: 'EBADF',
  // Another tab, or a worker's access handle, has the file locked.
  NoModificationAllowedError: 'EBUSY',
  // Storage that the user or a private window forbids.
  SecurityError: 'EACCES',
  NotAllowedError: 'EACCES',
  InvalidModificationError: 'ENOTEMPTY',
  ReadOnlyError: 'EROFS',
  NotSupportedError: 'ENOTSUP',
  VersionError: 'ENOTSUP',
  TimeoutError: 'ETIMEDOUT',
}

/** The name of a DOMException, or of what is like one (a QuotaExceededError is a class of its own by now). */
export function domName(error: unknown): string {
  return error instanceof Error || (typeof DOMException === 'function' && error instanceof DOMException)
    ? String(error.name)
    : ''
}

/** A platform's error as a store's; one that has an errno already, as a source of bytes may throw, stays itself. */
export function domError(error: unknown, name: string): Error {
  if (error instanceof Error && 'code' in error && isErrnoName(error.code)) return error
  const kind = domName(error)
  const why = error instanceof Error ? error.message : String(error)
  return objectError(CODES[kind] ?? 'EIO', name, `${kind || 'storage failed'}: ${why}`, error)
}
