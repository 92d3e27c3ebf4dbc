// Of node:util what tests use.
import { dequal } from 'dequal'

export const isDeepStrictEqual = dequal

export const inspect = (value: unknown): string => String(value)

type Done = (error: unknown, value?: unknown) => void

export const promisify =
  (call: (...args: unknown[]) => void) =>
  (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const done: Done = (error, value) => (error ? reject(error) : resolve(value))
      call(...args, done)
    })
