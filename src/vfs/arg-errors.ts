// The errors that Node throws for wrong arguments, with its codes and words (lib/internal/errors.js of Node 20).
// Not here: which arguments are wrong (check.ts), and errors of the tree (errors.ts).

import { inspect } from './host.js'

export interface CodedError extends Error {
  code: string
}

/** Gives an error its code the way Node's are tagged: in `stack` and `toString`, not in `name`. */
export function tagged<E extends Error>(error: E, code: string): E & CodedError {
  const head = `${error.name} [${code}]`
  const plain = error.name
  Object.defineProperty(error, 'name', { value: head, enumerable: false, writable: true, configurable: true })
  void error.stack // formatted now, while the name carries the tag
  if (plain === Object.getPrototypeOf(error).name) Reflect.deleteProperty(error, 'name')
  Object.defineProperty(error, 'toString', {
    value: () => `${head}: ${error.message}`,
    enumerable: false,
    writable: true,
    configurable: true,
  })
  return Object.assign(error, { code })
}

function received(value: unknown): string {
  if (value === null || value === undefined) return `${value}`
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value === 'object') {
    const name = value.constructor?.name
    return name ? `an instance of ${name}` : inspect(value)
  }
  const text = inspect(value)
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`
}

/** `expected` in Node's words: "of type string", "an instance of Buffer or URL". */
export function invalidArgType(name: string, expected: string, value: unknown): TypeError & CodedError {
  const kind = name.includes('.') ? 'property' : 'argument'
  const text = `The "${name}" ${kind} must be ${expected}. Received ${received(value)}`
  return tagged(new TypeError(text), 'ERR_INVALID_ARG_TYPE')
}

export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): TypeError & CodedError {
  const shown = inspect(value)
  const kind = name.includes('.') ? 'property' : 'argument'
  const text = `The ${kind} '${name}' ${reason}. Received ${shown.length > 128 ? `${shown.slice(0, 128)}...` : shown}`
  return tagged(new TypeError(text), 'ERR_INVALID_ARG_VALUE')
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, '_')
}

export function outOfRange(name: string, range: string, value: unknown): RangeError & CodedError {
  let shown = inspect(value)
  const large = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (large && (value > 2 ** 32 || value < -(2 ** 32)))
    shown = grouped(`${value}`) + (typeof value === 'bigint' ? 'n' : '')
  const text = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`
  return tagged(new RangeError(text), 'ERR_OUT_OF_RANGE')
}

class AbortError extends Error {
  code = 'ABORT_ERR'
  override name = 'AbortError'
}

export function abortError(signal: AbortSignal): Error & CodedError {
  return new AbortError('The operation was aborted', { cause: signal.reason })
}

class SystemError extends Error {
  override name = 'SystemError'
}

/** Node's SystemError of a JavaScript operation, such as rm's ERR_FS_EISDIR. `errno` is positive there. */
export function systemError(
  code: string,
  prefix: string,
  info: { code: string; errno: number; syscall: string; message: string; path?: string; dest?: string },
): Error & CodedError {
  let text = `${prefix}: ${info.syscall} returned ${info.code} (${info.message})`
  if (info.path !== undefined) text += ` ${info.path}`
  if (info.dest !== undefined) text += ` => ${info.dest}`
  const error = new SystemError(text)
  const made = tagged(error, code)
  Object.defineProperty(made, 'name', { value: 'SystemError', enumerable: false, writable: true, configurable: true })
  const { errno, syscall, path, dest } = info
  Object.assign(made, { info, errno, syscall }, path === undefined ? {} : { path }, dest === undefined ? {} : { dest })
  return made
}
