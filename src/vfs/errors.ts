// A Fault of the layer as the error that Node's `fs` would throw for it: { code, errno, syscall, path, dest?, cause? }.
// Not here: errors for wrong arguments (arg-errors.ts). Follows uvException of Node 20's lib/internal/errors.js; what
// the Fault has to say stands in parentheses behind Node's words.

import { errnoText, type Fault, Miss } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { tagged } from './arg-errors.js'
import { showPath } from './path-arg.js'

export interface FsError extends Error {
  code: string
  /** Negative, as libuv has it. */
  errno: number
  syscall: string
  path?: string
  dest?: string
}

const WAY_OUT = 'call prefetch(paths) of the mount before, or use fs.promises'

/** Node's error of a Fault. */
export function fsError(fault: Fault, syscall: string, path?: Bytes, dest?: Bytes): FsError {
  let text = `${fault.code}: ${errnoText(fault.code)}, ${syscall}`
  if (path !== undefined) text += ` '${showPath(path)}'`
  if (dest !== undefined) text += ` -> '${showPath(dest)}'`
  const detail = fault instanceof Miss ? [fault.detail, WAY_OUT].filter(Boolean).join(': ') : fault.detail
  if (detail !== '') text += ` (${detail})`
  const error = (fault.cause === undefined ? new Error(text) : new Error(text, { cause: fault.cause })) as FsError
  error.errno = fault.errno
  error.code = fault.code
  error.syscall = syscall
  if (path !== undefined) error.path = showPath(path)
  if (dest !== undefined) error.dest = showPath(dest)
  return error
}

/** Node refuses to read more than this into memory at once. */
export const READ_FILE_MAX = 2 ** 31 - 1

export function fileTooLarge(size: number): RangeError {
  return tagged(new RangeError(`File size (${size}) is greater than 2 GiB`), 'ERR_FS_FILE_TOO_LARGE')
}
