// Finds what the host offers beyond the language: Buffer, streams, inspect, a next tick. Not here: any import of them.
// Under Node the built-in modules are asked for by name at the first use (process.getBuiltinModule), so nothing is
// loaded for a mount that needs none of it and a bundle for browsers names none of it.

import type { VfsEnv } from './env.js'

interface BuiltinHost {
  getBuiltinModule?(name: string): Record<string, unknown> | undefined
  nextTick?(run: () => void): void
}

interface BufferClass {
  from(data: ArrayBufferLike, offset?: number, length?: number): Uint8Array
  from(text: string, encoding: string): Uint8Array
  isEncoding(encoding: string): boolean
  isBuffer(value: unknown): boolean
  /** As a type of values only: what `toString` of an instance takes. */
  readonly prototype: { toString(encoding?: string): string }
}

const host = globalThis as unknown as { process?: BuiltinHost; Buffer?: BufferClass }

/** The global Buffer class, or undefined in a browser without one. */
export const HostBuffer: BufferClass | undefined = host.Buffer

/** A built-in module of Node, or undefined elsewhere. */
export function builtin(name: string): Record<string, unknown> | undefined {
  return host.process?.getBuiltinModule?.(name)
}

/** Runs something after the current code: the next tick under Node, a microtask elsewhere. */
export const defer: (run: () => void) => void =
  typeof host.process?.nextTick === 'function' ? run => host.process?.nextTick?.(run) : run => queueMicrotask(run)

type Part = 'Readable' | 'Writable' | 'createInterface'

/** A class or function that the mount was given, or Node's own. Throws where there is none. */
export function part(env: VfsEnv, name: Part): unknown {
  const found = env.parts?.[name] ?? builtin(name === 'createInterface' ? 'readline' : 'stream')?.[name]
  if (typeof found === 'function') return found
  const error = new Error(`this host has no ${name}: give one in the mount's parts`)
  throw Object.assign(error, { code: 'ERR_METHOD_NOT_IMPLEMENTED' })
}

/** A value as a person reads it in an error message. */
export function inspect(value: unknown): string {
  const nodes = builtin('util')?.['inspect']
  if (typeof nodes === 'function') return String(nodes(value))
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&').replace(/\0/g, '\\x00')}'`
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'object' && value !== null ? `${value.constructor?.name ?? 'Object'} {}` : String(value)
}
