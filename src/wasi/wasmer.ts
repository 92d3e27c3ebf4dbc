// The other half of a host, which @wasmer/wasi 0.12 is: arguments, environment, the clock, randomness, exit. Its own filesystem calls
// are left out: they know no lstat, count what fd_pread reads twice, and fail a whole directory for one dangling link. Not here: the
// filesystem (wasi-fs.ts).

import { WASI as WasmerWasi } from '@wasmer/wasi'
import { CLOCKID_REALTIME, CLOCKID_THREAD_CPUTIME } from './abi.js'
import { monotonicNow, nanoseconds, realtimeNow } from './clock.js'
import { WASI } from './errno.js'
import type { WasiFs, WasiImports, WasiNamespace } from './wasi-fs.js'

/** A program ended itself. Thrown through it, since it has no other way out; never leaves the room. */
export class ProgramExit extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`)
  }
}

/** A program raised a signal against itself. */
export class ProgramSignal extends Error {}

export interface WasmerOptions {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What getRandomValues gives at once, in bytes. */
const RANDOM_PIECE = 65536
/** Resolution of a clock, nanoseconds: that which performance.now is made coarse to on an isolated page. */
const RESOLUTION = 5000n

function utf8Length(texts: readonly string[]): number {
  const encoder = new TextEncoder()
  return texts.reduce((sum, text) => sum + encoder.encode(text).length + 1, 0)
}

/** The imports of both halves, and what is to be told of the program's memory. */
export interface WholeHost {
  readonly imports: WasiImports
  attach(memory: WebAssembly.Memory): void
}

export function wasmerHost(files: WasiFs, namespace: WasiNamespace, { args, env }: WasmerOptions): WholeHost {
  const wasi = new WasmerWasi({
    args: [...args],
    env: { ...env },
    bindings: {
      hrtime: () => nanoseconds(monotonicNow()),
      exit: (code: number) => {
        throw new ProgramExit(code)
      },
      kill: (signal: string) => {
        throw new ProgramSignal(signal)
      },
      randomFillSync: <T>(buffer: T, offset: number, size: number): T => {
        const bytes = buffer as unknown as Uint8Array
        // Not into the program's memory at once: where threads share that, browsers refuse it.
        for (let at = 0; at < size; at += RANDOM_PIECE) {
          const piece = new Uint8Array(Math.min(RANDOM_PIECE, size - at))
          bytes.set(crypto.getRandomValues(piece), offset + at)
        }
        return buffer
      },
      isTTY: () => false,
      fs: {},
      path: {},
    },
  })
  const theirs = wasi.wasiImport as Readonly<Record<string, (...args: number[]) => number>>
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const check = (pointer: number, size: number) => files.memory.check(pointer, size)
  // They write where they are told to: what a program may have got wrong is looked at before.
  const ours = {
    args_get: (argv: number, buffer: number) => {
      check(argv, args.length * 4)
      check(buffer, utf8Length(args))
      return theirs['args_get'](argv >>> 0, buffer >>> 0)
    },
    environ_get: (environ: number, buffer: number) => {
      check(environ, variables.length * 4)
      check(buffer, utf8Length(variables))
      return theirs['environ_get'](environ >>> 0, buffer >>> 0)
    },
    args_sizes_get: (count: number, size: number) => {
      check(count, 4)
      check(size, 4)
      return theirs['args_sizes_get'](count >>> 0, size >>> 0)
    },
    environ_sizes_get: (count: number, size: number) => {
      check(count, 4)
      check(size, 4)
      return theirs['environ_sizes_get'](count >>> 0, size >>> 0)
    },
    random_get: (buffer: number, length: number) => {
      check(buffer, length >>> 0)
      return theirs['random_get'](buffer >>> 0, length >>> 0)
    },
  }
  return {
    imports: {
      proc_exit: (code: number) => theirs['proc_exit'](code),
      proc_raise: (signal: number) => theirs['proc_raise'](signal),
      sched_yield: () => theirs['sched_yield'](),
      ...checkedAll(files, ours),
      ...checkedAll(files, clocks(files)),
      ...files.imports(namespace),
    },
    attach(memory) {
      wasi.setMemory(memory)
      files.attach(memory)
    },
  }
}

type Call = (...args: never[]) => number

function checkedAll(files: WasiFs, calls: Readonly<Record<string, Call>>): WasiImports {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, files.checked(call)]))
}

/** Theirs give the resolution with its bytes turned round, and a realtime clock of whole milliseconds. */
function clocks(files: WasiFs): Readonly<Record<string, Call>> {
  const put = (out: number, value: bigint) => files.memory.putBig(out, value)
  return {
    clock_res_get: (clock: number, out: number) => {
      if (clock >>> 0 > CLOCKID_THREAD_CPUTIME) return WASI.EINVAL
      put(out, RESOLUTION)
      return WASI.SUCCESS
    },
    clock_time_get: (clock: number, _precision: bigint, out: number) => {
      if (clock >>> 0 > CLOCKID_THREAD_CPUTIME) return WASI.EINVAL
      put(out, nanoseconds(clock === CLOCKID_REALTIME ? realtimeNow() : monotonicNow()))
      return WASI.SUCCESS
    },
  }
}
