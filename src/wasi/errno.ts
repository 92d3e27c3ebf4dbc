// The errno of WASI preview1, and what those of Linux are there. Not here: the errno of Linux (src/format/errno.ts).
// Follows phases/snapshot/witx/typenames.witx of github.com/WebAssembly/WASI.

import type { ErrnoName, Fault } from '../format/errno.js'

/** Only those that are answered. */
export const WASI = {
  SUCCESS: 0,
  E2BIG: 1,
  EACCES: 2,
  EAGAIN: 6,
  EBADF: 8,
  EBADMSG: 9,
  EBUSY: 10,
  EEXIST: 20,
  EFAULT: 21,
  EFBIG: 22,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  ENAMETOOLONG: 37,
  ENODEV: 43,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSPC: 51,
  ENOSYS: 52,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTSOCK: 57,
  ENOTSUP: 58,
  ENXIO: 60,
  EOVERFLOW: 61,
  EPERM: 63,
  EPIPE: 64,
  ERANGE: 68,
  EROFS: 69,
  ESPIPE: 70,
  ESTALE: 72,
  ETIMEDOUT: 73,
  EXDEV: 75,
  ENOTCAPABLE: 76,
} as const

/** Those that WASI has no number for: what a damaged image is, a program is told as bad input and output. */
const OTHERS: Partial<Record<ErrnoName, number>> = { EUCLEAN: WASI.EIO, ENODATA: WASI.EIO }

/** What a program is told of a Fault. */
export function wasiErrno({ code }: Fault): number {
  return OTHERS[code] ?? (WASI as Partial<Record<ErrnoName, number>>)[code] ?? WASI.EIO
}
