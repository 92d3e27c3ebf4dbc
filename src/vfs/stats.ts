// Stats, BigIntStats and StatFs: what stat and statfs hand out. Not here: how they are found.
// Follows lib/internal/fs/utils.js of Node 20 for the fields, and of Node 22 for the dates: a Date is made when it is
// first read, since four of them cost more than the look-up.

import type { Attr, FsInfo } from '../overlay/layer.js'

const S_IFMT = 0o170000
const CUSTOM_INSPECT = Symbol.for('nodejs.util.inspect.custom')

type DateName = 'atime' | 'mtime' | 'ctime' | 'birthtime'
const DATES: readonly DateName[] = ['atime', 'mtime', 'ctime', 'birthtime']

function dateOf(ms: number): Date {
  return new Date(Math.round(ms))
}

/** What Node's Stats and BigIntStats have in common. */
abstract class StatsBase<T extends number | bigint> {
  declare mode: T

  isFile(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o100000
  }

  isDirectory(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o040000
  }

  isSymbolicLink(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o120000
  }

  isBlockDevice(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o060000
  }

  isCharacterDevice(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o020000
  }

  isFIFO(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o010000
  }

  isSocket(): boolean {
    return (Number(this.mode) & S_IFMT) === 0o140000
  }
}

/** Node's Stats. Times are milliseconds; `atime` … `birthtime` are Dates, made when first read, and can be set. */
export class Stats extends StatsBase<number> {
  dev: number
  override mode: number
  nlink: number
  uid: number
  gid: number
  rdev: number
  /** Bytes. */
  blksize: number
  ino: number
  /** Bytes. */
  size: number
  /** 512-byte units. */
  blocks: number
  atimeMs: number
  mtimeMs: number
  ctimeMs: number
  birthtimeMs: number
  declare atime: Date
  declare mtime: Date
  declare ctime: Date
  declare birthtime: Date

  constructor(attr: Attr, dev: number, uid: number, gid: number) {
    super()
    this.dev = dev
    this.mode = attr.mode
    this.nlink = attr.nlink
    this.uid = uid
    this.gid = gid
    this.rdev = attr.rdev
    this.blksize = attr.blksize
    this.ino = attr.ino
    this.size = attr.size
    this.blocks = attr.blocks
    this.atimeMs = attr.atimeSec * 1000 + attr.atimeNsec / 1e6
    this.mtimeMs = attr.mtimeSec * 1000 + attr.mtimeNsec / 1e6
    this.ctimeMs = attr.ctimeSec * 1000 + attr.ctimeNsec / 1e6
    this.birthtimeMs = attr.birthtimeSec * 1000 + attr.birthtimeNsec / 1e6
  }

  /** With the dates, which Node 20 has as fields of their own. */
  toJSON(): object {
    const { atime, mtime, ctime, birthtime } = this
    return { ...this, atime, mtime, ctime, birthtime }
  }
}

// Outside the class, which a bundler renames when its body names it. Shows the dates as Node 20 does.
Object.defineProperty(Stats.prototype, CUSTOM_INSPECT, {
  configurable: true,
  writable: true,
  value(this: Stats, _depth: unknown, options: object, inspect: (value: unknown, options: object) => string): string {
    const plain = Object.create(Stats.prototype, { [CUSTOM_INSPECT]: { value: undefined } })
    return inspect(Object.assign(plain, this.toJSON()), options)
  },
})

for (const name of DATES) {
  Object.defineProperty(Stats.prototype, name, {
    enumerable: true,
    configurable: true,
    get(this: Stats): Date {
      const value = dateOf(this[`${name}Ms`])
      Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true })
      return value
    },
    set(this: Stats, value: Date) {
      Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true })
    },
  })
}

function nanoseconds(sec: number, nsec: number): bigint {
  return BigInt(sec) * 1_000_000_000n + BigInt(nsec)
}

/** Node's BigIntStats: every number a bigint, and times in nanoseconds besides. */
export class BigIntStats extends StatsBase<bigint> {
  readonly dev: bigint
  override readonly mode: bigint
  readonly nlink: bigint
  readonly uid: bigint
  readonly gid: bigint
  readonly rdev: bigint
  readonly blksize: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly blocks: bigint
  readonly atimeMs: bigint
  readonly mtimeMs: bigint
  readonly ctimeMs: bigint
  readonly birthtimeMs: bigint
  readonly atimeNs: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly birthtimeNs: bigint
  readonly atime: Date
  readonly mtime: Date
  readonly ctime: Date
  readonly birthtime: Date

  constructor(attr: Attr, dev: number, uid: number, gid: number) {
    super()
    this.dev = BigInt(dev)
    this.mode = BigInt(attr.mode)
    this.nlink = BigInt(attr.nlink)
    this.uid = BigInt(uid)
    this.gid = BigInt(gid)
    this.rdev = BigInt(attr.rdev)
    this.blksize = BigInt(attr.blksize)
    this.ino = BigInt(attr.ino)
    this.size = BigInt(attr.size)
    this.blocks = BigInt(attr.blocks)
    const atimeNs = nanoseconds(attr.atimeSec, attr.atimeNsec)
    const mtimeNs = nanoseconds(attr.mtimeSec, attr.mtimeNsec)
    const ctimeNs = nanoseconds(attr.ctimeSec, attr.ctimeNsec)
    const birthtimeNs = nanoseconds(attr.birthtimeSec, attr.birthtimeNsec)
    this.atimeMs = atimeNs / 1_000_000n
    this.mtimeMs = mtimeNs / 1_000_000n
    this.ctimeMs = ctimeNs / 1_000_000n
    this.birthtimeMs = birthtimeNs / 1_000_000n
    this.atimeNs = atimeNs
    this.mtimeNs = mtimeNs
    this.ctimeNs = ctimeNs
    this.birthtimeNs = birthtimeNs
    this.atime = dateOf(Number(this.atimeMs))
    this.mtime = dateOf(Number(this.mtimeMs))
    this.ctime = dateOf(Number(this.ctimeMs))
    this.birthtime = dateOf(Number(this.birthtimeMs))
  }
}

/** Node's StatFs, its numbers bigints where asked. */
export class StatFs<T extends number | bigint = number | bigint> {
  readonly type: T
  readonly bsize: T
  readonly blocks: T
  readonly bfree: T
  readonly bavail: T
  readonly files: T
  readonly ffree: T

  constructor(info: FsInfo, as: (value: number) => T) {
    this.type = as(info.type)
    this.bsize = as(info.bsize)
    this.blocks = as(info.blocks)
    this.bfree = as(info.bfree)
    this.bavail = as(info.bavail)
    this.files = as(info.files)
    this.ffree = as(info.ffree)
  }
}
