// Errno names, numbers and texts of Linux, and the two ways in which an operation can fail to answer.
// Not here: Node's error shape (src/vfs/errors.ts). Follows include/uapi/asm-generic/errno{,-base}.h; the texts are
// those that libuv prints, since the `fs` faces promise Node's messages.

const TABLE = {
  EPERM: [1, 'operation not permitted'],
  ENOENT: [2, 'no such file or directory'],
  EIO: [5, 'i/o error'],
  ENXIO: [6, 'no such device or address'],
  E2BIG: [7, 'argument list too long'],
  EBADF: [9, 'bad file descriptor'],
  EAGAIN: [11, 'resource temporarily unavailable'],
  ENOMEM: [12, 'not enough memory'],
  EACCES: [13, 'permission denied'],
  EBUSY: [16, 'resource busy or locked'],
  EEXIST: [17, 'file already exists'],
  EXDEV: [18, 'cross-device link not permitted'],
  ENODEV: [19, 'no such device'],
  ENOTDIR: [20, 'not a directory'],
  EISDIR: [21, 'illegal operation on a directory'],
  EINVAL: [22, 'invalid argument'],
  EMFILE: [24, 'too many open files'],
  EFBIG: [27, 'file too large'],
  ENOSPC: [28, 'no space left on device'],
  ESPIPE: [29, 'invalid seek'],
  EROFS: [30, 'read-only file system'],
  EMLINK: [31, 'too many links'],
  EPIPE: [32, 'broken pipe'],
  ERANGE: [34, 'result too large'],
  ENAMETOOLONG: [36, 'name too long'],
  ENOSYS: [38, 'function not implemented'],
  ENOTEMPTY: [39, 'directory not empty'],
  ELOOP: [40, 'too many symbolic links encountered'],
  ENODATA: [61, 'no data available'],
  EBADMSG: [74, 'bad message'],
  EOVERFLOW: [75, 'value too large for defined data type'],
  ENOTSUP: [95, 'operation not supported on socket'],
  ETIMEDOUT: [110, 'connection timed out'],
  ESTALE: [116, 'stale file handle'],
  EUCLEAN: [117, 'structure needs cleaning'],
} as const satisfies Record<string, readonly [number, string]>

export type ErrnoName = keyof typeof TABLE

/** Positive Linux errno of a name. */
export function errnoOf(code: ErrnoName): number {
  return TABLE[code][0]
}

/** What libuv prints for a name. */
export function errnoText(code: ErrnoName): string {
  return TABLE[code][1]
}

export function isErrnoName(code: unknown): code is ErrnoName {
  return typeof code === 'string' && Object.hasOwn(TABLE, code)
}

const NAMES = new Map<number, ErrnoName>(
  (Object.keys(TABLE) as ErrnoName[]).map(name => [TABLE[name][0], name] as const),
)

/** Name of a positive errno; EIO for a number that is not in the table. */
export function errnoName(errno: number): ErrnoName {
  return NAMES.get(errno) ?? 'EIO'
}

/**
 * The answer of an operation that failed: an errno, and what was wrong. Returned, not thrown: a look-up that finds
 * nothing is an ordinary answer, and an Error with its stack costs more than the look-up. The faces (src/vfs, entries)
 * make Node's error of it.
 */
export class Fault {
  constructor(
    readonly code: ErrnoName,
    /** What exactly was wrong, in words for a person: "superblock at byte 1024: bad magic". */
    readonly detail: string = '',
    /** The error behind it, e.g. a store's, or the two digests of a mismatch. */
    readonly cause?: unknown,
  ) {}

  /** Negative errno, as Node's errors carry it. */
  get errno(): number {
    return -errnoOf(this.code)
  }
}

/**
 * The answer of an operation that would have to wait for bytes that are not here. An asynchronous face awaits `load`
 * and calls the operation again; a synchronous one reports EAGAIN.
 */
export class Miss extends Fault {
  constructor(
    what: string,
    /** Brings what lacks; rejects when it can't be had. Calling the operation again afterwards makes progress. */
    readonly load: () => Promise<void>,
  ) {
    super('EAGAIN', what)
  }
}

/**
 * Whether a Fault says nothing of what is there, since that could not be looked at: it has to be waited for, its source
 * failed, its image is closed, or more of a lazy one is needed at once than may be in memory. Such a one is passed on where others mean something (that a name is no link, say).
 */
export function isUnread(f: Fault): boolean {
  return f instanceof Miss || f.cause !== undefined || f.code === 'ESTALE' || f.code === 'ENOMEM'
}

/** What an operation answers: its value, or why not (a Miss being one such reason). */
export type Outcome<T> = T | Fault

const PLAIN = new Map<ErrnoName, Fault>((Object.keys(TABLE) as ErrnoName[]).map(name => [name, new Fault(name)]))

/** A shared Fault without detail: no allocation where an errno says everything. */
export function fault(code: ErrnoName): Fault {
  return PLAIN.get(code) as Fault
}

/** A Fault as an Error, for interfaces that throw; `what` names the operation or file. */
export function faultError(f: Fault, what: string): Error & { code: string; errno: number } {
  const text = f.detail === '' ? errnoText(f.code) : f.detail
  const error = new Error(`${f.code}: ${what}: ${text}`, f.cause === undefined ? undefined : { cause: f.cause })
  return Object.assign(error, { code: f.code as string, errno: f.errno })
}

/** What the load of a Miss rejects with; `fault` is what the operation would have answered. */
export function loadError(f: Fault): Error & { code: string; fault: Fault } {
  return Object.assign(faultError(f, 'load'), { fault: f })
}

/** The Fault for what a load rejected with: the one that loadError was given, or EIO with the reason as its cause. */
export function loadFault(reason: unknown): Fault {
  if (reason instanceof Error && 'fault' in reason && reason.fault instanceof Fault) return reason.fault
  return new Fault('EIO', reason instanceof Error ? reason.message : String(reason), reason)
}

/** The value of an outcome; a Fault is thrown as its Error. `what` names the operation or file. */
export function orThrow<T>(outcome: Outcome<T>, what: string): T {
  if (outcome instanceof Fault) throw faultError(outcome, what)
  return outcome
}
