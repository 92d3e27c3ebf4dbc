// The forms in which read and readv take their buffer, offset, length and position. Not here: reading.
// Follows `read` and `readSync` of lib/fs.js and FileHandle's of lib/internal/fs/promises.js, Node 20.

import { invalidArgType, invalidArgValue, outOfRange } from './arg-errors.js'
import { asBuffer } from './bytes.js'
import { checkBuffer, checkInteger, checkObject, type Options } from './check.js'

/** Bytes that a read without a buffer gets. */
const DEFAULT_LENGTH = 16384

export interface ReadArgs {
  readonly buffer: ArrayBufferView
  /** Bytes into the buffer. */
  readonly offset: number
  /** Bytes wanted. */
  readonly length: number
  /** Bytes into the file; null for where the last read ended. */
  readonly position: number | null
}

export function defaultBuffer(): Uint8Array {
  return asBuffer(new Uint8Array(DEFAULT_LENGTH))
}

/** A position as a number, null for the current one. */
function checkPosition(position: unknown, length: number): number | null {
  if (position === undefined || position === null) return null
  if (typeof position === 'number') {
    const at = checkInteger(position, 'position', -1)
    return at < 0 ? null : at
  }
  if (typeof position !== 'bigint') throw invalidArgType('position', 'of type bigint or integer', position)
  const max = 2n ** 63n - 1n - BigInt(length)
  if (position > max || position < -(2n ** 63n))
    throw outOfRange('position', `>= ${-(2n ** 63n)} && <= ${max}`, position)
  return position < 0n ? null : Number(position)
}

/** Checks what the forms below have been taken apart to. */
function checked(bufferArg: unknown, offsetArg: unknown, lengthArg: unknown, position: unknown): ReadArgs {
  const buffer = checkBuffer(bufferArg)
  const offset = offsetArg === undefined || offsetArg === null ? 0 : checkInteger(offsetArg, 'offset', 0)
  const length = (lengthArg as number) | 0
  if (length === 0) return { buffer, offset, length, position: null }
  if (buffer.byteLength === 0) throw invalidArgValue('buffer', buffer, 'is empty and cannot be written')
  if (length < 0) throw outOfRange('length', '>= 0', length)
  if (offset + length > buffer.byteLength) throw outOfRange('length', `<= ${buffer.byteLength - offset}`, length)
  return { buffer, offset, length, position: checkPosition(position, length) }
}

function fromOptions(buffer: unknown, options: Options): ReadArgs {
  const offset = options['offset'] !== undefined ? options['offset'] : 0
  const bytes = (buffer as { byteLength?: number } | null | undefined)?.byteLength as number
  const length = options['length'] !== undefined ? options['length'] : bytes - (offset as number)
  return checked(buffer, offset, length, options['position'])
}

/** `readSync(fd, buffer[, options])` and `readSync(fd, buffer, offset, length[, position])`. */
export function readSyncArgs(args: readonly unknown[]): ReadArgs {
  const [, buffer, offset, length, position] = args
  if (args.length > 3 && typeof offset !== 'object') return checked(buffer, offset, length, position)
  checkBuffer(buffer)
  return fromOptions(buffer, offset === undefined ? {} : checkObject(offset, 'options', true))
}

/** `read(fd)`, `read(fd, buffer | params)`, `read(fd, buffer, options)` and the form with all of them. */
export function readCallbackArgs(args: readonly unknown[]): ReadArgs {
  const [, buffer, offset, length, position] = args
  if (args.length > 3) return checked(buffer, offset, length, position)
  if (args.length === 3) return fromOptions(buffer, checkObject(offset, 'options', true))
  if (args.length === 1) return fromOptions(defaultBuffer(), {})
  if (ArrayBuffer.isView(buffer)) return fromOptions(buffer, {})
  const params = buffer === undefined ? {} : checkObject(buffer, 'options', true)
  return fromOptions(params['buffer'] === undefined ? defaultBuffer() : params['buffer'], params)
}

/** A handle's read takes any position that is no safe integer for the current one. */
function handlePosition(position: unknown): number | null {
  return Number.isSafeInteger(position) && (position as number) >= 0 ? (position as number) : null
}

/** `filehandle.read(buffer | params, offset | options, length, position)`. */
export function readHandleArgs(args: readonly unknown[]): ReadArgs {
  const [buffer, offset, length, position] = args
  if (!ArrayBuffer.isView(buffer)) {
    const params = buffer === undefined ? {} : checkObject(buffer, 'options', true)
    const into = params['buffer'] === undefined ? defaultBuffer() : params['buffer']
    return fromOptions(into, { ...params, position: handlePosition(params['position']) })
  }
  if (offset !== null && typeof offset === 'object') {
    return fromOptions(buffer, { ...offset, position: handlePosition((offset as Options)['position']) })
  }
  const from = offset === undefined || offset === null ? 0 : checkInteger(offset, 'offset', 0)
  const wanted = length === undefined || length === null ? buffer.byteLength - from : length
  return checked(buffer, from, wanted, handlePosition(position))
}
