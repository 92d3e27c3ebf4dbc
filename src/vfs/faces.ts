// The three ways to call an operation: synchronous, with a callback, and for a promise. Not here: the operations, nor
// the object that holds the calls (mounted-fs.ts). Follows the argument handling of lib/fs.js of Node 20.

import { type AnyFunction, checkFunction } from './check.js'
import type { Core } from './core.js'
import { type Operation, runCallback, runPromise, runSync } from './task.js'

const PROMISIFIED = Symbol.for('nodejs.util.promisify.custom')

/** What a call hands out of an operation's value. */
type Pick<T> = (value: T) => unknown

const same = (value: unknown) => value

function named<F extends AnyFunction>(name: string, call: F): F {
  return Object.defineProperty(call, 'name', { value: name, configurable: true })
}

export function syncFace<T>(core: Core, name: string, operation: Operation<T>, pick: Pick<T> = same): AnyFunction {
  return named(name, (...args) => pick(runSync(operation(core, args))))
}

/** Takes the last function among the arguments as the callback. Throws ERR_INVALID_ARG_TYPE where there is none. */
export function takeCallback(args: unknown[]): AnyFunction {
  const at = args.findLastIndex(arg => typeof arg === 'function')
  const callback = checkFunction(at === -1 ? undefined : args[at], 'cb')
  args.length = at
  return callback
}

/** `spread` gives the callback's arguments after the error, where they are not the value itself. */
export function callbackFace<T>(
  core: Core,
  name: string,
  operation: Operation<T>,
  spread?: (value: T) => unknown[],
): AnyFunction {
  const call = named(name, (...args) => {
    const callback = takeCallback(args)
    runCallback(core, operation(core, args), (error, value) => {
      if (error) callback(error)
      else if (spread !== undefined) callback(null, ...spread(value as T))
      else if (value === undefined) callback(null)
      else callback(null, value)
    })
  })
  // util.promisify of a call with several values gives them as one object.
  if (spread !== undefined) Object.defineProperty(call, PROMISIFIED, { value: promiseFace(core, name, operation) })
  return call
}

export function promiseFace<T>(core: Core, name: string, operation: Operation<T>, pick: Pick<T> = same): AnyFunction {
  return named(name, async (...args) => pick(await runPromise(core, operation(core, args))))
}

/** A callback that is given a truth and no error (fs.exists). */
export function existsFace(answer: (path: unknown) => Promise<boolean>, defer: (run: () => void) => void): AnyFunction {
  const call = named('exists', (path, callback) => {
    const done = checkFunction(callback, 'cb')
    // In a tick of its own, so that what a callback throws is its own.
    defer(() => answer(path).then(there => defer(() => done(there))))
  })
  return Object.defineProperty(call, PROMISIFIED, { value: answer })
}
