// Seeded random calls of preview1 as plain values, and one such call made in a world: its errno and what it gave. Not here: the worlds
// (wasi-worlds.ts), what may differ (wasi-deviations.ts).
import type { Random } from '../helpers/random-calls.js'
import { LINK_TARGETS, PATHS, type WasiWorld } from './wasi-worlds.js'

/** Where in a program's memory is what. */
const AT = { path: 0x1000, path2: 0x4000, iovs: 0x7000, out: 0x8000, bytes: 0x9000, end: 0x20000 } as const
/** Beyond the memory, in part or wholly. */
const WILD = [0x1fffd, 0x20000, 0x7fff0000, 0xfffffff8] as const

/** One call. What a call does not take is left out. */
export interface Step {
  readonly call: string
  readonly fd: number
  readonly path?: string
  readonly fd2?: number
  /** Of a link's other name, a new name, or a link's target. */
  readonly path2?: string
  readonly follow?: boolean
  readonly oflags?: number
  readonly fdflags?: number
  readonly base?: bigint
  readonly inheriting?: bigint
  /** An offset, a size, a time. */
  readonly a?: bigint
  readonly b?: bigint
  readonly n?: number
  /** Lengths of the pieces that are read or written. */
  readonly pieces?: readonly number[]
  /** A pointer in place of the right one. */
  readonly wild?: number
}

export interface Answer {
  readonly errno: number
  /** What was given, in plain values. */
  readonly out: Readonly<Record<string, unknown>>
}

type Generate = (random: Source) => Omit<Step, 'call'>

/** What a step may be about. */
export interface OpenDescriptors {
  readonly directories: readonly number[]
  readonly files: readonly number[]
  /** Lately, and not taken again. */
  readonly closed: readonly number[]
}

/** What steps are made of. */
class Source {
  constructor(
    readonly random: Random,
    readonly open: OpenDescriptors,
  ) {}

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  chance(one: number): boolean {
    return this.random() < one
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]
  }

  #fd(mostly: readonly number[], others: readonly number[]): number {
    if (this.chance(0.03)) return this.pick([...this.open.closed, 77, 1_000_000, 0xffffffff])
    const from = this.chance(0.1) || mostly.length === 0 ? [...others, ...mostly] : mostly
    return from.length === 0 ? 77 : this.pick(from)
  }

  /** Mostly one that the call is for. */
  file(): number {
    return this.#fd(this.open.files, this.open.directories)
  }

  dir(): number {
    const { directories, files } = this.open
    // The first is open the longest and sees all.
    return this.chance(0.4) ? (directories[0] ?? 3) : this.#fd(directories, files)
  }

  /** Seldom one of those that all else goes by. */
  lesser(): number {
    const [, , ...others] = this.open.directories
    return this.chance(0.05) ? this.dir() : this.#fd(this.open.files, others)
  }

  fd(): number {
    return this.chance(0.5) ? this.file() : this.dir()
  }

  path(): string {
    const plain = this.pick(PATHS)
    if (this.chance(0.7)) return plain
    const other = this.pick(PATHS)
    return this.pick([
      () => `${plain}/`,
      () => `${plain}//`,
      () => `./${plain}`,
      () => `${plain}/.`,
      () => `${plain}/..`,
      () => `${plain}/../${other}`,
      () => `${plain}/./${other}`,
      () => `${plain}/${other}`,
      () => plain.replace('/', '//'),
      () => `../${plain}`,
      () => `d/../../${plain}`,
      () => `/${plain}`,
      () => this.pick(['', '.', '..', './', '/', '//', '...']),
      () => `${plain}\0`,
      () => `d\0/${plain}`,
      () => 'n'.repeat(this.pick([255, 256, 5000])),
      () => 'd/../'.repeat(20) + plain,
      () => '\xff\xfe',
      () => 'd/\xe9',
      () => 'n\xc3\xa9',
    ])()
  }

  offset(): bigint {
    return this.pick([0n, 0n, 1n, 5n, 100n, 4095n, 4096n, 8999n, 9000n, 20_000n, -1n, -(2n ** 63n), 2n ** 63n - 1n])
  }

  time(): bigint {
    return BigInt(this.pick([0, 1, 1_000_000_000, 1_234_567_890, 2_000_000_000])) * 1_000_000_000n
  }

  rights(): bigint {
    return this.pick([
      ...[(1n << 28n) - 1n, (1n << 28n) - 1n, 2n, 2n | 4n, 2n | 4n | 32n | (1n << 21n), 64n, 64n | 4n | (1n << 22n)],
      ...[
        0n,
        (1n << 14n) | (1n << 13n),
        BigInt(this.below(1 << 28)),
        BigInt(this.below(1 << 28)),
        1n << 29n,
        1n << 40n,
      ],
    ])
  }

  pieces(): number[] {
    return Array.from({ length: this.pick([1, 1, 1, 2, 3, 0]) }, () => this.pick([0, 1, 7, 100, 5000]))
  }
}

/** Those that contradict each other are left out of calls on paths: after them Node's own waits for a lock of its own for ever. */
const TIME_FLAGS = [0, 1, 2, 4, 5, 6, 8, 9, 10]

const GENERATORS: Readonly<Record<string, readonly [weight: number, make: Generate]>> = {
  fd_advise: [1, r => ({ fd: r.file(), a: r.offset(), b: r.offset(), n: r.below(7) })],
  fd_allocate: [2, r => ({ fd: r.file(), a: r.offset(), b: r.offset() })],
  fd_close: [3, r => ({ fd: r.lesser() })],
  fd_datasync: [0.2, r => ({ fd: r.file() })],
  fd_sync: [0.2, r => ({ fd: r.fd() })],
  fd_fdstat_get: [3, r => ({ fd: r.fd() })],
  fd_fdstat_set_flags: [2, r => ({ fd: r.fd(), fdflags: r.pick([0, 1, 4, 5, 2, 16, 31]) })],
  fd_fdstat_set_rights: [1, r => ({ fd: r.lesser(), base: r.rights(), inheriting: r.rights() })],
  fd_filestat_get: [3, r => ({ fd: r.fd() })],
  fd_filestat_set_size: [3, r => ({ fd: r.file(), a: r.offset() })],
  fd_filestat_set_times: [2, r => ({ fd: r.fd(), a: r.time(), b: r.time(), n: r.below(18) })],
  fd_pread: [4, r => ({ fd: r.file(), pieces: r.pieces(), a: r.offset() })],
  fd_pwrite: [
    4,
    r => ({ fd: r.file(), pieces: r.pieces(), a: r.pick([0n, 3n, 100n, 9000n, 12_000n, -1n]), n: r.below(256) }),
  ],
  fd_read: [5, r => ({ fd: r.file(), pieces: r.pieces() })],
  fd_write: [5, r => ({ fd: r.file(), pieces: r.pieces(), n: r.below(256) })],
  fd_prestat_get: [0.5, r => ({ fd: r.dir() })],
  fd_prestat_dir_name: [0.5, r => ({ fd: r.dir(), n: r.below(6) })],
  fd_readdir: [
    5,
    r => ({ fd: r.dir(), n: r.pick([0, 10, 24, 30, 300, 4096]), a: r.pick([0n, 0n, 0n, 1n, 3n, 1000n]) }),
  ],
  fd_renumber: [1, r => ({ fd: r.lesser(), fd2: r.lesser() })],
  fd_seek: [4, r => ({ fd: r.file(), a: r.offset(), n: r.below(4) })],
  fd_tell: [2, r => ({ fd: r.file() })],
  path_create_directory: [4, r => ({ fd: r.dir(), path: r.path() })],
  path_filestat_get: [6, r => ({ fd: r.dir(), path: r.path(), follow: r.chance(0.5) })],
  path_filestat_set_times: [
    2,
    r => ({ fd: r.dir(), path: r.path(), follow: r.chance(0.5), a: r.time(), b: r.time(), n: r.pick(TIME_FLAGS) }),
  ],
  path_link: [3, r => ({ fd: r.dir(), path: r.path(), fd2: r.dir(), path2: r.path(), follow: r.chance(0.3) })],
  path_open: [
    14,
    r => ({
      fd: r.dir(),
      path: r.path(),
      follow: r.chance(0.7),
      oflags: r.pick([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 8, 9, 10, 13]),
      base: r.rights(),
      inheriting: r.rights(),
      fdflags: r.pick([0, 0, 0, 0, 1, 4, 2, 16]),
    }),
  ],
  path_readlink: [3, r => ({ fd: r.dir(), path: r.path(), n: r.pick([0, 1, 5, 300, 300]) })],
  path_remove_directory: [3, r => ({ fd: r.dir(), path: r.path() })],
  path_rename: [5, r => ({ fd: r.dir(), path: r.path(), fd2: r.dir(), path2: r.path() })],
  path_symlink: [3, r => ({ fd: r.dir(), path: r.path(), path2: r.chance(0.9) ? r.pick(LINK_TARGETS) : r.path() })],
  path_unlink_file: [4, r => ({ fd: r.dir(), path: r.path() })],
}

const TOTAL = Object.values(GENERATORS).reduce((sum, [weight]) => sum + weight, 0)

/** A call, made of what is open and what was closed lately. */
export function randomStep(random: Random, open: OpenDescriptors): Step {
  let at = random() * TOTAL
  const source = new Source(random, open)
  for (const [call, [weight, make]] of Object.entries(GENERATORS)) {
    at -= weight
    if (at < 0) {
      const step = { call, ...make(source) }
      return source.chance(0.02) ? { ...step, wild: source.pick(WILD) } : step
    }
  }
  return { call: 'fd_tell', fd: 3 }
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** A step in words. */
export function shownStep(step: Step): string {
  const plain = Object.entries(step).map(([key, value]) => {
    const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
    return `${key}=${shown.length > 120 ? `${shown.slice(0, 100)}…(${shown.length})` : shown}`
  })
  return plain.slice(1).join(' ').replace(/^/, `${step.call} `)
}

/** What is read from a memory after a call. */
class Given {
  readonly #view: DataView
  constructor(readonly memory: WebAssembly.Memory) {
    this.#view = new DataView(memory.buffer)
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true)
  }

  u8(at: number): number {
    return this.#view.getUint8(at)
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  text(at: number, length: number): string {
    return Buffer.from(this.memory.buffer, at, length).toString('latin1')
  }
}

const NOW_NS = 3_600_000_000_000n

/** Whole seconds, which are all that Node's own keeps; those of now are alike. */
function shownTime(ns: bigint): string {
  const apart = ns - BigInt(Date.now()) * 1_000_000n
  return apart < NOW_NS && apart > -NOW_NS ? 'now' : String(ns / 1_000_000_000n)
}

function filestat(given: Given): Record<string, unknown> {
  const type = given.u8(AT.out + 16)
  const times = { mtim: shownTime(given.u64(AT.out + 48)) }
  // What a directory's link count and size are is each file system's own affair.
  return type === 3
    ? { type, ...times }
    : { type, nlink: given.u64(AT.out + 24), size: given.u64(AT.out + 32), ...times }
}

/** F_GETFL as Linux has it, which is what Node's own gives; of both what Linux can change of an open file. */
function shownFlags(flags: number, linux: boolean): number {
  return linux ? ((flags & 0x400) !== 0 ? 1 : 0) | ((flags & 0x800) !== 0 ? 4 : 0) : flags & 5
}

export interface Entry {
  readonly name: string
  readonly type: number
  readonly next: bigint
}

/** The entries that are whole in a buffer. */
export function entriesIn(memory: WebAssembly.Memory, used: number): Entry[] {
  const given = new Given(memory)
  const found: Entry[] = []
  for (let at = AT.bytes; at + 24 <= AT.bytes + used; ) {
    const length = given.u32(at + 16)
    if (at + 24 + length > AT.bytes + used) break
    found.push({ name: given.text(at + 24, length), type: given.u8(at + 20), next: given.u64(at) })
    at += 24 + length
  }
  return found
}

/** Pieces that lie one after the other behind each other, with a byte between. */
function putPieces(view: DataView, pieces: readonly number[]): void {
  let at: number = AT.bytes
  pieces.forEach((length, i) => {
    view.setUint32(AT.iovs + i * 8, at, true)
    view.setUint32(AT.iovs + i * 8 + 4, length, true)
    at += length + 1
  })
}

/** Makes the call, and reads what it gave. `linux`: its fdstat has Linux' flags. */
export function perform({ calls, memory }: WasiWorld, step: Step, linux: boolean): Answer {
  const { call, fd, fd2 = 0, path = '', path2 = '', a = 0n, b = 0n, n = 0, pieces = [], wild } = step
  const view = new DataView(memory.buffer)
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(0, AT.out, AT.end)
  if (call === 'fd_write' || call === 'fd_pwrite') bytes.fill(n, AT.bytes, AT.bytes + 20_000)
  const [one, two] = [bytesOf(path), bytesOf(path2)]
  bytes.set(one, AT.path)
  bytes.set(two, AT.path2)
  putPieces(view, pieces)
  const out = wild ?? AT.out
  const at = [wild !== undefined && call.startsWith('path_') && wild % 2 === 1 ? 0x7fffffff : AT.path, one.length]
  const flags = step.follow === true ? 1 : 0
  const iovs = [AT.iovs, pieces.length]
  const { oflags = 0, fdflags = 0, base = 0n, inheriting = 0n } = step
  const ARGUMENTS: Readonly<Record<string, () => (number | bigint)[]>> = {
    fd_advise: () => [fd, a, b, n],
    fd_allocate: () => [fd, a, b],
    fd_fdstat_get: () => [fd, out],
    fd_fdstat_set_flags: () => [fd, fdflags],
    fd_fdstat_set_rights: () => [fd, base, inheriting],
    fd_filestat_get: () => [fd, out],
    fd_filestat_set_size: () => [fd, a],
    fd_filestat_set_times: () => [fd, a, b, n],
    fd_pread: () => [fd, ...iovs, a, out],
    fd_pwrite: () => [fd, ...iovs, a, out],
    fd_read: () => [fd, ...iovs, out],
    fd_write: () => [fd, ...iovs, out],
    fd_prestat_get: () => [fd, out],
    fd_prestat_dir_name: () => [fd, out, n],
    fd_readdir: () => [fd, AT.bytes, n, a, out],
    fd_renumber: () => [fd, fd2],
    fd_seek: () => [fd, a, n, out],
    fd_tell: () => [fd, out],
    path_filestat_get: () => [fd, flags, ...at, out],
    path_filestat_set_times: () => [fd, flags, ...at, a, b, n],
    path_link: () => [fd, flags, ...at, fd2, AT.path2, two.length],
    path_open: () => [fd, flags, ...at, oflags, base, inheriting, fdflags, out],
    path_readlink: () => [fd, ...at, AT.bytes, n, out],
    path_rename: () => [fd, ...at, fd2, AT.path2, two.length],
    path_symlink: () => [AT.path2, two.length, fd, ...at],
  }
  const args = ARGUMENTS[call]?.() ?? (call.startsWith('path_') ? [fd, ...at] : [fd])
  const errno = calls[call](...args)
  return { errno, out: errno === 0 && wild === undefined ? outOf(step, new Given(memory), linux) : {} }
}

function outOf({ call, n = 0 }: Step, given: Given, linux: boolean): Record<string, unknown> {
  const used = given.u32(AT.out)
  switch (call) {
    case 'fd_fdstat_get':
      return {
        type: given.u8(AT.out),
        flags: shownFlags(given.u16(AT.out + 2), linux),
        base: given.u64(AT.out + 8),
        inheriting: given.u64(AT.out + 16),
      }
    case 'fd_filestat_get':
    case 'path_filestat_get':
      return filestat(given)
    case 'fd_read':
    case 'fd_pread':
      return { used, bytes: given.text(AT.bytes, 20_000) }
    case 'fd_readdir':
      return { used }
    case 'path_readlink':
      return { used, target: given.text(AT.bytes, Math.min(n, used)) }
    case 'fd_seek':
    case 'fd_tell':
      return { at: given.u64(AT.out) }
    case 'fd_prestat_get':
      return { tag: given.u32(AT.out), length: given.u32(AT.out + 4) }
    case 'fd_prestat_dir_name':
      return { name: given.text(AT.out, 8) }
    default:
      return call === 'path_open' || call === 'fd_write' || call === 'fd_pwrite' ? { used } : {}
  }
}

/** All that a directory holds, read by buffers of a size that some entries overflow; dots aside. An errno where that fails. */
export function wholeListing({ calls, memory }: WasiWorld, fd: number, size: number): string[] | number {
  const names: string[] = []
  let cookie = 0n
  for (let turn = 0; turn < 1000; turn++) {
    new Uint8Array(memory.buffer).fill(0, AT.out, AT.end)
    const errno = calls['fd_readdir'](fd, AT.bytes, size, cookie, AT.out)
    if (errno !== 0) return errno
    const used = new Given(memory).u32(AT.out)
    const entries = entriesIn(memory, used)
    for (const { name, type, next } of entries) {
      if (name !== '.' && name !== '..') names.push(`${name} ${type}`)
      cookie = next
    }
    if (used < size || entries.length === 0) return names.sort()
  }
  return -1
}
