// Limits of what an image may ask of its readers, for images of strangers: their names, what they are unless given, and which error
// tells of them. Not here: where each is kept (src/image, src/overlay, src/open-image.ts).

import { Fault, faultError } from './errno.js'
import { CONSTANTS } from './structs.js'

/** Each is a whole number from 0 on, or Infinity where nothing else says how large it may be. */
export interface LimitOptions {
  /**
   * Entries (names, and the root) of an image where all of it is gone through: `entries`, `batches`, dumps, diffs, verifying,
   * building from it; of a mount `commit` and `changes` (there names that were changed). E2BIG for more than 2^26 unless given.
   */
  readonly maxEntries?: number
  /**
   * Names of the longest path, symlinks followed: of look-ups, and where all of an image is gone through. ENAMETOOLONG for more
   * than 8192 unless given, which is the most.
   */
  readonly maxDepth?: number
  /** Bytes of one name: of look-ups, listings, and where all is gone through. ENAMETOOLONG for more than 255 unless given, which is the most. */
  readonly maxNameBytes?: number
  /** Bytes of all xattrs of one inode, names and values. E2BIG for more than 1 MiB unless given, where they are listed or all is gone through; where it is given for one that is read, too. */
  readonly maxXattrBytes?: number
  /** Symlinks that are followed on the way of one path. ELOOP for more than 40 unless given, as in the kernel, which is the most. */
  readonly maxSymlinks?: number
  /**
   * Bytes of an image. EFBIG before any memory of that size is taken or more than its size is asked for: unless given what one
   * memory of WebAssembly holds, lazily 2^53 - 1. Where a server does not say the size, as soon as more has come.
   */
  readonly maxImageBytes?: number
  /**
   * Bytes of a file whose content is in a store, as the image says. EFBIG when it is opened, before the store is asked. No limit
   * unless given, since nothing is allocated by it: a size that is no object's is EIO, and a true one costs 1/128 of what is read.
   */
  readonly maxObjectBytes?: number
}

/** All of them. */
export type Limits = { readonly [K in keyof LimitOptions]-?: number }

const NONE = Number.POSITIVE_INFINITY

/** Entries: as many as the largest resident image holds, at 64 bytes each. */
export const DEFAULT_LIMITS: Limits = {
  maxEntries: 2 ** 26,
  maxDepth: CONSTANTS.MAX_DEPTH,
  maxNameBytes: CONSTANTS.EROFS_NAME_LEN,
  maxXattrBytes: 2 ** 20,
  maxSymlinks: CONSTANTS.MAXSYMLINKS,
  maxImageBytes: NONE,
  maxObjectBytes: NONE,
}

/** What the core itself ends at. */
export const MOST_LIMITS: Limits = {
  maxEntries: NONE,
  maxDepth: DEFAULT_LIMITS.maxDepth,
  maxNameBytes: DEFAULT_LIMITS.maxNameBytes,
  maxXattrBytes: NONE,
  maxSymlinks: DEFAULT_LIMITS.maxSymlinks,
  maxImageBytes: NONE,
  maxObjectBytes: NONE,
}

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]

/** Those that were given, and the rest as they are unless given. Throws EINVAL for what is no limit. */
export function limitsOf(options: LimitOptions): Limits {
  if (NAMES.every(name => options[name] === undefined)) return DEFAULT_LIMITS
  const limits = { ...DEFAULT_LIMITS } as { -readonly [K in keyof Limits]: number }
  for (const name of NAMES) {
    const given: unknown = options[name]
    if (given === undefined) continue
    const whole = typeof given === 'number' && given >= 0 && (Number.isInteger(given) || given === NONE)
    if (!whole || given > MOST_LIMITS[name]) {
      const most = MOST_LIMITS[name] === NONE ? '' : ` to ${MOST_LIMITS[name]}`
      throw faultError(new Fault('EINVAL', `${name} is a whole number from 0${most}`), 'open')
    }
    limits[name] = given
  }
  return limits
}

/** The options that are limits, without the others. */
export function limitOptions(options: LimitOptions): LimitOptions {
  const { maxEntries, maxDepth, maxNameBytes, maxXattrBytes, maxSymlinks, maxImageBytes, maxObjectBytes } = options
  return { maxEntries, maxDepth, maxNameBytes, maxXattrBytes, maxSymlinks, maxImageBytes, maxObjectBytes }
}

/** Where an image has limits and a mount of it others: each time the smaller one. */
export function smallerLimits(one: Limits, other: Limits): Limits {
  if (one === other || other === DEFAULT_LIMITS) return one
  return Object.fromEntries(NAMES.map(name => [name, Math.min(one[name], other[name])])) as unknown as Limits
}

/** Does every entry have to be looked at to tell whether an image keeps to them? Those of the formats themselves the core sees to. */
export function looksAtEntries({ maxEntries, maxDepth, maxNameBytes }: Limits): boolean {
  return (
    maxEntries < DEFAULT_LIMITS.maxEntries ||
    maxDepth < DEFAULT_LIMITS.maxDepth ||
    maxNameBytes < DEFAULT_LIMITS.maxNameBytes
  )
}

/** Says that a limit was passed, which is no word of the image about itself. */
export class LimitFault extends Fault {}

export function tooManyEntries(limit: number): Fault {
  return new LimitFault('E2BIG', `more than ${limit} entries (maxEntries)`)
}

export function tooDeep(limit: number): Fault {
  return new LimitFault('ENAMETOOLONG', `more than ${limit} names below one another (maxDepth)`)
}

export function nameTooLong(length: number, limit: number): Fault {
  return new LimitFault('ENAMETOOLONG', `a name of ${length} bytes, more than ${limit} (maxNameBytes)`)
}

export function tooManyXattrBytes(limit: number): Fault {
  return new LimitFault('E2BIG', `xattrs of more than ${limit} bytes (maxXattrBytes)`)
}

export function tooBig(what: string, size: number, option: 'maxImageBytes' | 'maxObjectBytes', limit: number): Fault {
  return new LimitFault('EFBIG', `${what} of ${size} bytes, more than ${limit} (${option})`)
}
