// Of node:timers/promises what tests use.
import { setImmediate as soon } from './globals.js'

export const setTimeout = <T>(ms: number, value?: T): Promise<T | undefined> =>
  new Promise(resolve => globalThis.setTimeout(() => resolve(value), ms))

export const setImmediate = (): Promise<void> => new Promise(resolve => soon(resolve as () => void))
