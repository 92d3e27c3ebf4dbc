// The forms in which write and writeFile take their data, offset, length and position. Not here: writing.
// Follows `write`, `writeSync` and `writeFile` of lib/fs.js and validators of lib/internal/fs/utils.js, Node 20.

import { invalidArgType, invalidArgValue, outOfRange } from './arg-errors.js'
import { bytesFrom, bytesIn, viewBytes } from './bytes.js'
import { checkInteger } from './check.js'
import { loose } from './stat-ops.js'

export interface WriteArgs {
  /** What is to be written. */
  readonly bytes: Uint8Array
  /** What the caller gave, as a FileHandle's write hands it back. */
  readonly given: unknown
  /** Bytes into the file; null for where the descriptor stands. */
  readonly position: number | null
}

function positionOf(position: unknown): number | null {
  return typeof position === 'number' && Number.isSafeInteger(position) && position >= 0 ? position : null
}

/** Throws ERR_INVALID_ARG_TYPE unless the data is text or a view of bytes. */
export function checkWritten(data: unknown, name = 'data'): void {
  if (typeof data === 'string' || ArrayBuffer.isView(data)) return
  throw invalidArgType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', data)
}

function checkTextEncoding(text: string, encoding: unknown): string {
  const name = typeof encoding === 'string' && encoding !== '' ? encoding : 'utf8'
  if (name.toLowerCase() === 'hex' && text.length % 2 !== 0) {
    throw invalidArgValue('encoding', encoding, `is invalid for data of length ${text.length}`)
  }
  return name
}

/** `write(fd, buffer, offset | options, length, position)` and `write(fd, text, position, encoding)`. */
export function writeArgs([, data, second, third, fourth]: readonly unknown[]): WriteArgs {
  checkWritten(data, 'buffer')
  if (typeof data === 'string') {
    const encoding = checkTextEncoding(data, third)
    return { bytes: bytesIn(data, encoding), given: data, position: positionOf(second) }
  }
  const view = data as ArrayBufferView
  const total = view.byteLength
  const options = typeof second === 'object' ? loose(second) : { offset: second, length: third, position: fourth }
  const { offset: offsetArg, length: lengthArg, position } = options
  const offset = offsetArg === undefined || offsetArg === null ? 0 : checkInteger(offsetArg, 'offset', 0)
  const length = typeof lengthArg === 'number' ? lengthArg : total - offset
  if (offset > total) throw outOfRange('offset', `<= ${total}`, offset)
  if (length > total - offset) throw outOfRange('length', `<= ${total - offset}`, length)
  if (length < 0) throw outOfRange('length', '>= 0', length)
  checkInteger(length, 'length', 0, 2 ** 31 - 1)
  return { bytes: viewBytes(view).subarray(offset, offset + length), given: data, position: positionOf(position) }
}

/** `writev(fd, buffers, position)`: the buffers as one. */
export function writevArgs(buffers: readonly ArrayBufferView[], position: unknown): WriteArgs {
  const bytes = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0))
  let at = 0
  for (const buffer of buffers) {
    bytes.set(viewBytes(buffer), at)
    at += buffer.byteLength
  }
  return { bytes, given: buffers, position: positionOf(position) }
}

/** All bytes of a writeFile's data. */
export function dataBytes(data: unknown, encoding: unknown): Uint8Array {
  checkWritten(data)
  if (typeof data === 'string') return bytesIn(data, typeof encoding === 'string' ? encoding : 'utf8')
  return viewBytes(data as ArrayBufferView)
}

/** The bytes of one of the pieces in which data comes: these may be whatever Buffer.from takes. */
export function pieceBytes(piece: unknown, encoding: unknown): ArrayBufferView {
  if (ArrayBuffer.isView(piece)) return piece
  if (typeof piece === 'string') return dataBytes(piece, encoding)
  const bytes = bytesFrom(piece, typeof encoding === 'string' ? encoding : 'utf8')
  if (bytes === undefined)
    throw invalidArgType('data', 'of type string or an instance of Buffer, TypedArray, or DataView', piece)
  return bytes
}
