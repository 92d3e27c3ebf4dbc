// A program for tests that is none: it has a memory, puts there what calls take, calls the imports by hand, and reads back what they
// left, by the tables of abi.ts. A call that fails throws what it answered, by name. Not here: any expectation.
import type { Struct } from '../../src/format/struct.js'
import {
  DIRECTORY_INHERITING,
  DIRECTORY_RIGHTS,
  DIRENT,
  EVENT,
  FDSTAT,
  FILESTAT,
  FILESTAT_0,
  IOVEC,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  PRESTAT,
  REGULAR_FILE_RIGHTS,
  RIGHTS,
  SUBSCRIPTION,
  SUBSCRIPTION_0,
} from '../../src/wasi/abi.js'
import { WASI } from '../../src/wasi/errno.js'
import { WasiFs, type WasiFsOptions, type WasiNamespace } from '../../src/wasi/wasi-fs.js'

const PAGES = 64
/** Where what calls are given begins; below it nothing is ever put. */
const BASE = 1024
const NAMES = new Map<number, string>(Object.entries(WASI).map(([name, number]) => [number, name]))
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Rights that a program asks for which wants to read. */
export const READ =
  RIGHTS.FD_READ |
  RIGHTS.FD_SEEK |
  RIGHTS.FD_TELL |
  RIGHTS.FD_FILESTAT_GET |
  RIGHTS.FD_READDIR |
  RIGHTS.POLL_FD_READWRITE
/** All that a file can be opened with. */
export const READ_WRITE = REGULAR_FILE_RIGHTS
/** All that a directory can be opened with. */
export const OF_DIRECTORY = DIRECTORY_RIGHTS

type Text = string | Uint8Array

export interface OpenForm {
  /** The directory it begins in. */
  readonly fd?: number
  readonly follow?: boolean
  readonly oflags?: number
  readonly base?: number | bigint
  readonly inheriting?: number | bigint
  readonly fdflags?: number
}

export interface Stat {
  readonly dev: bigint
  readonly ino: bigint
  readonly filetype: bigint
  readonly nlink: bigint
  readonly size: bigint
  readonly atim: bigint
  readonly mtim: bigint
  readonly ctim: bigint
}

export interface Entry {
  /** Its bytes as latin1, so that each name has one form. */
  readonly name: string
  readonly next: bigint
  readonly ino: bigint
  readonly type: number
}

export interface Subscription {
  readonly userdata?: bigint
  readonly tag: number
  readonly fd?: number
  readonly clock_id?: number
  readonly timeout?: bigint
  readonly clock_flags?: number
}

/** What a call answered that is not success. */
export class CallError extends Error {
  constructor(
    call: string,
    readonly code: string,
  ) {
    super(`${call}: ${code}`)
  }
}

/** The errno that something throws, by name; `SUCCESS` where it throws none. */
export function errnoOf(run: () => unknown): string {
  try {
    run()
    return 'SUCCESS'
  } catch (error) {
    if (error instanceof CallError) return error.code
    throw error
  }
}

const bytesOf = (text: Text) => (typeof text === 'string' ? encoder.encode(text) : text)
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

export class Probe {
  readonly memory = new WebAssembly.Memory({ initial: PAGES })
  readonly files: WasiFs
  readonly imports: Readonly<Record<string, (...args: never[]) => number>>
  readonly #old: boolean
  #next = BASE

  constructor(options: WasiFsOptions, namespace: WasiNamespace = 'wasi_snapshot_preview1') {
    this.files = new WasiFs(options)
    this.files.attach(this.memory)
    this.imports = this.files.imports(namespace)
    this.#old = namespace === 'wasi_unstable'
  }

  get view(): DataView {
    return new DataView(this.memory.buffer)
  }

  /** Room for so many bytes, zeros; eight of them stand between one and the next. */
  room(size: number): number {
    const at = this.#next
    this.#next = (at + size + 15) & ~7
    new Uint8Array(this.memory.buffer).fill(0, at, this.#next)
    return at
  }

  put(text: Text): [at: number, length: number] {
    const bytes = bytesOf(text)
    const at = this.room(bytes.length)
    new Uint8Array(this.memory.buffer).set(bytes, at)
    return [at, bytes.length]
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer).slice(at, at + length)
  }

  /** The number that a call answers. */
  raw(name: string, ...args: (number | bigint)[]): number {
    this.#next = BASE
    return this.imports[name](...(args as never[]))
  }

  call(name: string, ...args: (number | bigint)[]): void {
    const answer = this.raw(name, ...args)
    if (answer !== WASI.SUCCESS) throw new CallError(name, NAMES.get(answer) ?? String(answer))
  }

  /** Fields of a struct, those wider than four bytes and all others alike as a bigint. */
  struct<K extends string>(at: number, { fields }: Struct & { fields: Record<K, { offset: number; width: number }> }) {
    const { view } = this
    const read = ({ offset, width }: { offset: number; width: number }): bigint => {
      if (width === 8) return view.getBigUint64(at + offset, true)
      return BigInt(
        width === 4
          ? view.getUint32(at + offset, true)
          : width === 2
            ? view.getUint16(at + offset, true)
            : view.getUint8(at + offset),
      )
    }
    return Object.fromEntries(
      Object.entries(fields).map(([key, field]) => [key, read(field as { offset: number; width: number })]),
    ) as Record<K, bigint>
  }

  open(path: Text, form: OpenForm = {}): number {
    const { fd = 3, follow = true, oflags = 0, base = READ, inheriting = 0, fdflags = 0 } = form
    const out = this.room(4)
    this.call(
      'path_open',
      fd,
      follow ? 1 : 0,
      ...this.put(path),
      oflags,
      BigInt(base),
      BigInt(inheriting),
      fdflags,
      out,
    )
    return this.view.getUint32(out, true)
  }

  /** With all rights that a directory has. */
  openDirectory(path: Text, form: OpenForm = {}): number {
    return this.open(path, { oflags: OFLAGS_DIRECTORY, base: OF_DIRECTORY, inheriting: DIRECTORY_INHERITING, ...form })
  }

  create(path: Text, content: Text = '', form: OpenForm = {}): void {
    const fd = this.open(path, { base: READ_WRITE, oflags: OFLAGS_CREAT, ...form })
    this.write(fd, content)
    this.close(fd)
  }

  close(fd: number): void {
    this.call('fd_close', fd)
  }

  /** Iovecs over rooms of such sizes; where each is. */
  pieces(sizes: readonly number[]): { iovs: number; at: number[] } {
    const at = sizes.map(size => this.room(size))
    const iovs = this.room(sizes.length * IOVEC.size)
    for (const [i, size] of sizes.entries()) {
      this.view.setUint32(iovs + i * IOVEC.size + IOVEC.fields.buf.offset, at[i], true)
      this.view.setUint32(iovs + i * IOVEC.size + IOVEC.fields.buf_len.offset, size, true)
    }
    return { iovs, at }
  }

  /** What is read into rooms of such sizes, one behind the other; at an offset without moving where one gives it. */
  read(fd: number, sizes: readonly number[] = [4096], offset?: bigint): string {
    const { iovs, at } = this.pieces(sizes)
    const out = this.room(4)
    const where = offset === undefined ? [] : [offset]
    this.call(offset === undefined ? 'fd_read' : 'fd_pread', fd, iovs, sizes.length, ...where, out)
    let left = this.view.getUint32(out, true)
    let text = ''
    for (const [i, size] of sizes.entries()) {
      text += latin1(this.bytes(at[i], Math.min(size, left)))
      left -= Math.min(size, left)
    }
    return text
  }

  write(fd: number, content: Text | readonly Text[], offset?: bigint): number {
    const parts = (Array.isArray(content) ? (content as readonly Text[]) : [content as Text]).map(bytesOf)
    const { iovs, at } = this.pieces(parts.map(part => part.length))
    for (const [i, part] of parts.entries()) new Uint8Array(this.memory.buffer).set(part, at[i])
    const out = this.room(4)
    const where = offset === undefined ? [] : [offset]
    this.call(offset === undefined ? 'fd_write' : 'fd_pwrite', fd, iovs, parts.length, ...where, out)
    return this.view.getUint32(out, true)
  }

  seek(fd: number, offset: bigint, whence: number): bigint {
    const out = this.room(8)
    this.call('fd_seek', fd, offset, whence, out)
    return this.view.getBigUint64(out, true)
  }

  tell(fd: number): bigint {
    const out = this.room(8)
    this.call('fd_tell', fd, out)
    return this.view.getBigUint64(out, true)
  }

  stat(path: Text, { fd = 3, follow = false }: { fd?: number; follow?: boolean } = {}): Stat {
    const table = this.#old ? FILESTAT_0 : FILESTAT
    const out = this.room(table.size)
    this.call('path_filestat_get', fd, follow ? 1 : 0, ...this.put(path), out)
    return this.struct(out, table)
  }

  fstat(fd: number): Stat {
    const table = this.#old ? FILESTAT_0 : FILESTAT
    const out = this.room(table.size)
    this.call('fd_filestat_get', fd, out)
    return this.struct(out, table)
  }

  fdstat(fd: number) {
    const out = this.room(FDSTAT.size)
    this.call('fd_fdstat_get', fd, out)
    return this.struct(out, FDSTAT)
  }

  prestat(fd: number): string {
    const out = this.room(PRESTAT.size)
    this.call('fd_prestat_get', fd, out)
    const { tag, name_len } = this.struct(out, PRESTAT)
    const length = Number(name_len)
    const at = this.room(length)
    this.call('fd_prestat_dir_name', fd, at, length)
    return `${tag}:${decoder.decode(this.bytes(at, length))}`
  }

  /** The bytes that one call gives: whole entries, perhaps a cut one behind them. */
  readdirOnce(fd: number, length: number, cookie: bigint): Uint8Array {
    const at = this.room(length)
    const out = this.room(4)
    this.call('fd_readdir', fd, at, length, cookie, out)
    return this.bytes(at, this.view.getUint32(out, true))
  }

  /** All entries, by a buffer of such a length, going on as wasi-libc does: behind the last whole entry. */
  readdir(fd: number, length = 4096): Entry[] {
    const all: Entry[] = []
    for (;;) {
      const bytes = this.readdirOnce(fd, length, all.at(-1)?.next ?? 0n)
      const entries = entriesOf(bytes)
      all.push(...entries)
      if (bytes.length < length) return all
      if (entries.length === 0) throw new Error(`a buffer of ${length} holds no entry`)
    }
  }

  names(path: Text = '.', form: OpenForm = {}): string[] {
    const fd = this.openDirectory(path, form)
    const names = this.readdir(fd).map(({ name }) => name)
    this.close(fd)
    return names.filter(name => name !== '.' && name !== '..')
  }

  readlink(path: Text, { fd = 3, room = 4096 }: { fd?: number; room?: number } = {}): string {
    const at = this.room(room)
    const out = this.room(4)
    this.call('path_readlink', fd, ...this.put(path), at, room, out)
    return latin1(this.bytes(at, this.view.getUint32(out, true)))
  }

  content(path: Text, form: OpenForm = {}): string {
    const fd = this.open(path, form)
    let text = ''
    for (let piece = this.read(fd); piece !== ''; piece = this.read(fd)) text += piece
    this.close(fd)
    return text
  }

  mkdir(path: Text, fd = 3): void {
    this.call('path_create_directory', fd, ...this.put(path))
  }

  rmdir(path: Text, fd = 3): void {
    this.call('path_remove_directory', fd, ...this.put(path))
  }

  unlink(path: Text, fd = 3): void {
    this.call('path_unlink_file', fd, ...this.put(path))
  }

  symlink(target: Text, path: Text, fd = 3): void {
    this.call('path_symlink', ...this.put(target), fd, ...this.put(path))
  }

  link(path: Text, to: Text, { fd = 3, toFd = 3, follow = false } = {}): void {
    this.call('path_link', fd, follow ? 1 : 0, ...this.put(path), toFd, ...this.put(to))
  }

  rename(path: Text, to: Text, { fd = 3, toFd = 3 } = {}): void {
    this.call('path_rename', fd, ...this.put(path), toFd, ...this.put(to))
  }

  setTimes(path: Text, atim: bigint, mtim: bigint, flags: number, { fd = 3, follow = false } = {}): void {
    this.call('path_filestat_set_times', fd, follow ? 1 : 0, ...this.put(path), atim, mtim, flags)
  }

  poll(subscriptions: readonly Subscription[]) {
    const table = this.#old ? SUBSCRIPTION_0 : SUBSCRIPTION
    const at = this.room(table.size * subscriptions.length)
    const events = this.room(EVENT.size * subscriptions.length)
    const out = this.room(4)
    for (const [i, given] of subscriptions.entries()) {
      for (const [key, value] of Object.entries(given)) {
        const { offset, width } = table.fields[key as keyof typeof table.fields]
        for (let b = 0; b < width; b++) {
          this.view.setUint8(at + i * table.size + offset + b, Number((BigInt(value) >> BigInt(8 * b)) & 255n))
        }
      }
    }
    this.call('poll_oneoff', at, events, subscriptions.length, out)
    return Array.from({ length: this.view.getUint32(out, true) }, (_, i) => this.struct(events + i * EVENT.size, EVENT))
  }
}

/** Whole entries of what fd_readdir gave. */
export function entriesOf(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { fields, size } = DIRENT
  const entries: Entry[] = []
  for (let at = 0; at + size <= bytes.length; ) {
    const end = at + size + view.getUint32(at + fields.d_namlen.offset, true)
    if (end > bytes.length) break
    entries.push({
      name: latin1(bytes.subarray(at + size, end)),
      next: view.getBigUint64(at + fields.d_next.offset, true),
      ino: view.getBigUint64(at + fields.d_ino.offset, true),
      type: view.getUint8(at + fields.d_type.offset),
    })
    at = end
  }
  return entries
}
