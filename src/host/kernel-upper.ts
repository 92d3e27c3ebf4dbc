// What writing and reading an upper directory of the kernel's have in common: who may, and what it takes. Not here: either
// (kernel-upper-write.ts, kernel-upper-read.ts). Follows spec overlayfs.md 2.

import fs from 'node:fs'
import { type ErrnoName, errnoName, Fault, faultError } from '../format/errno.js'
import { loadUpperCalls, type UpperCalls } from './libc.js'

/** Marks as the kernel calls them, without their prefix. */
export const MARKS = {
  opaque: 'opaque',
  redirect: 'redirect',
  metacopy: 'metacopy',
  whiteout: 'whiteout',
} as const

const CAP_SYS_ADMIN = 21n

/** `trusted.*` is neither shown to others nor taken from them. */
function isPrivileged(): boolean {
  try {
    const status = fs.readFileSync('/proc/self/status', 'latin1')
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'
    return ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
  } catch {
    return process.geteuid?.() === 0
  }
}

/** Throws ENOTSUP where the host can't, EPERM where the process may not. */
export function upperCalls(what: string): UpperCalls {
  const calls = loadUpperCalls()
  if (calls === undefined) {
    const why = process.platform === 'linux' ? 'install the npm package koffi' : 'there is an overlayfs on Linux only'
    throw faultError(new Fault('ENOTSUP', `an upper directory of the kernel: ${why}`), what)
  }
  if (!isPrivileged()) {
    throw faultError(
      new Fault('EPERM', 'an upper directory of the kernel takes root: it is made of trusted.* xattrs'),
      what,
    )
  }
  return calls
}

/** Bytes of a path, or of a name, for a call of the C library. */
export function withNul(path: Uint8Array | string): Buffer {
  return Buffer.concat([typeof path === 'string' ? Buffer.from(path, 'latin1') : path, Buffer.of(0)])
}

/** Throws what a call of the C library failed with. */
export function done(calls: UpperCalls, result: number, call: string, path: Uint8Array): void {
  if (result >= 0) return
  const code: ErrnoName = errnoName(calls.errno())
  throw faultError(new Fault(code, `${call}: errno ${calls.errno()}`), Buffer.from(path).toString())
}
