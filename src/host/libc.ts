// Calls of the host's C library that Node has no face for, by way of koffi (an optional package, MIT): extended attributes,
// and turning on fs-verity. Linux only. Not here: what they are for (xattrs.ts, ingest-pool.ts).

import { createRequire } from 'node:module'

/** A function of the C library; paths are bytes that end with a NUL. Answers -1 where it failed: see `errno`. */
export interface Libc {
  llistxattr(path: Uint8Array, list: Uint8Array | null, size: number): number
  lgetxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array | null, size: number): number
  ioctl(fd: number, request: number, argument: Uint8Array): number
  /** Why the last call failed. */
  errno(): number
}

/** What is used of koffi. */
interface Koffi {
  load(path: null): { func(definition: string): (...args: unknown[]) => number }
  errno(): number
}

/** What it takes to write and read an upper directory as the kernel has it; for root. */
export interface UpperCalls {
  lsetxattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number, flags: number): number
  mknod(path: Uint8Array, mode: number, device: number): number
  /** `times` are two of struct timespec: seconds and nanoseconds, 64 bits each. */
  utimensat(dirfd: number, path: Uint8Array, times: Uint8Array, flags: number): number
  lseek(fd: number, offset: number, whence: number): number
  syncfs(fd: number): number
  /** Why the last call failed. */
  errno(): number
}

/** Loads those calls; undefined as `loadLibc`, and where a timespec is another. */
export function loadUpperCalls(): UpperCalls | undefined {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const libc = koffi.load(null)
    return {
      lsetxattr: libc.func('int lsetxattr(void *path, void *name, void *value, size_t size, int flags)'),
      mknod: libc.func('int mknod(void *path, unsigned int mode, uint64_t dev)'),
      utimensat: libc.func('int utimensat(int dirfd, void *path, void *times, int flags)'),
      lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      syncfs: libc.func('int syncfs(int fd)'),
      errno: () => koffi.errno(),
    }
  } catch {
    return undefined
  }
}

/** Loads it, which takes some 6 ms. undefined where koffi is not installed or does not fit the host. */
export function loadLibc(): Libc | undefined {
  if (process.platform !== 'linux') return undefined
  let koffi: Koffi
  try {
    // Not by a plain require: koffi brings a binary of its own and stays out of the bundle.
    koffi = createRequire(import.meta.url)('koffi') as Koffi
    // The process has the C library loaded, whatever it is called here.
    const libc = koffi.load(null)
    return {
      llistxattr: libc.func('int64_t llistxattr(void *path, void *list, size_t size)'),
      lgetxattr: libc.func('int64_t lgetxattr(void *path, void *name, void *value, size_t size)'),
      ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
      errno: () => koffi.errno(),
    }
  } catch {
    return undefined
  }
}

/** FS_IOC_ENABLE_VERITY and its argument, include/uapi/linux/fsverity.h. */
const ENABLE_VERITY = 0x40806685
/**
 *   off  0: 1 (version)   4: 1 (SHA-256)   8: block size   12: salt size 0   16: no salt   24: no signature   40: 0
 */
const ENABLE_SIZE = 128
const BLOCK_SIZE = 4096
/** Errors that say that this one file can't be sealed now; any other says that none can. */
const EINTR = 4
const EBUSY = 16
const EEXIST = 17
const ETXTBSY = 26

/**
 * Turns on fs-verity for files: called with a descriptor open for reading alone, it answers whether that may work for
 * others too. undefined where there is no such call.
 */
export function veritySealer(): ((fd: number) => boolean) | undefined {
  // Elsewhere the request has another number, or nobody has tried.
  if (process.arch !== 'x64' && process.arch !== 'arm64') return undefined
  let libc: Libc | undefined | null = null
  const argument = new Uint8Array(ENABLE_SIZE)
  const view = new DataView(argument.buffer)
  view.setUint32(0, 1, true)
  view.setUint32(4, 1, true)
  view.setUint32(8, BLOCK_SIZE, true)
  return fd => {
    // Loaded with the first new object: most builds, of images that differ little, have few.
    if (libc === null) libc = loadLibc()
    if (libc === undefined) return false
    if (libc.ioctl(fd, ENABLE_VERITY, argument) === 0) return true
    return [EINTR, EBUSY, EEXIST, ETXTBSY].includes(libc.errno())
  }
}
