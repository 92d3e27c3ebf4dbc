// Checks of arguments, as Node's `fs` makes them before it asks the tree anything (lib/internal/validators.js and
// lib/internal/fs/utils.js of Node 20). Each throws Node's error. Not here: paths (path-arg.ts).

import { invalidArgType, invalidArgValue, outOfRange } from './arg-errors.js'
import { isEncoding } from './bytes.js'

const INT32_MAX = 0x7fffffff
const UINT32_MAX = 0xffffffff

/** An integer within bounds. */
export function checkInteger(
  value: unknown,
  name: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value)
  return value
}

/** A file descriptor: whether it is open is the descriptor table's to say. */
export function checkFd(fd: unknown): number {
  return checkInteger(fd, 'fd', 0, INT32_MAX)
}

/** Whether a number stands for a descriptor where a path may stand too; other numbers are wrong paths. */
export function isFd(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value
}

export function checkUint32(value: unknown, name: string, positive = false): number {
  return checkInteger(value, name, positive ? 1 : 0, UINT32_MAX)
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value)
  return value
}

export type AnyFunction = (...args: unknown[]) => unknown

export function checkFunction(value: unknown, name: string): AnyFunction {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value)
  return value as AnyFunction
}

export type Options = Readonly<Record<string, unknown>>

/** An object; null too where `nullable`. */
export function checkObject(value: unknown, name: string, nullable = false): Options {
  if (value === null && nullable) return {}
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgType(name, 'of type object', value)
  }
  return value as Options
}

export function checkSignal(signal: unknown, name: string): AbortSignal {
  if (signal === null || typeof signal !== 'object' || !('aborted' in signal)) {
    throw invalidArgType(name, 'an instance of AbortSignal', signal)
  }
  return signal as AbortSignal
}

/** A view of bytes as a Uint8Array over the same memory. */
export function checkBuffer(buffer: unknown, name = 'buffer'): ArrayBufferView {
  if (!ArrayBuffer.isView(buffer)) throw invalidArgType(name, 'an instance of Buffer, TypedArray, or DataView', buffer)
  return buffer
}

export function checkBuffers(buffers: unknown): readonly ArrayBufferView[] {
  if (!Array.isArray(buffers) || !buffers.every(one => ArrayBuffer.isView(one))) {
    throw invalidArgType('buffers', 'an ArrayBufferView[]', buffers)
  }
  return buffers
}

/** A known encoding, `buffer`, or nothing. */
export function checkEncoding(encoding: unknown): string | undefined {
  if (encoding === undefined || encoding === null || encoding === '') return undefined
  if (typeof encoding === 'string' && (encoding === 'buffer' || isEncoding(encoding))) return encoding
  throw invalidArgValue('encoding', encoding, 'is invalid encoding')
}

const NONE: Options = {}

/** An `options` argument: nothing, the name of an encoding, or an object whose encoding and signal are checked. */
export function checkOptions(options: unknown): Options {
  if (options === undefined || options === null || typeof options === 'function') return NONE
  if (typeof options === 'string') {
    checkEncoding(options)
    return { encoding: options }
  }
  if (typeof options !== 'object') throw invalidArgType('options', 'one of type string or object', options)
  const found = options as Options
  checkEncoding(found['encoding'])
  if (found['signal'] !== undefined) checkSignal(found['signal'], 'options.signal')
  return found
}

/** A file mode: a number or an octal string. */
export function checkMode(mode: unknown, name: string, otherwise: number): number {
  const value = mode === undefined || mode === null ? otherwise : mode
  if (typeof value !== 'string') return checkUint32(value, name)
  if (!/^[0-7]+$/.test(value)) {
    throw invalidArgValue(name, value, 'must be a 32-bit unsigned integer or an octal string')
  }
  return Number.parseInt(value, 8)
}
