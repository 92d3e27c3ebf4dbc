// FileHandle: what promises.open gives. Not here: the operations on descriptors. Follows lib/internal/fs/promises.js of
// Node 20; a call on a closed handle is "file closed" (EBADF) there, and so here.

import { abortError, tagged } from './arg-errors.js'
import * as attrs from './attr-ops.js'
import { checkOptions, type Options } from './check.js'
import type { Core } from './core.js'
import { Emitter } from './emitter.js'
import * as files from './file-ops.js'
import { part } from './host.js'
import { readHandleArgs } from './read-args.js'
import { fstat } from './stat-ops.js'
import { type Operation, runPromise, type Task } from './task.js'
import { pieceBytes } from './write-args.js'
import * as writes from './write-ops.js'

/** What the streams here need of Node's. */
export interface StreamShape {
  push(chunk: Uint8Array | null): boolean
  emit(event: string, ...args: unknown[]): boolean
  destroy(error?: unknown): this
  once(event: string, listener: (...args: unknown[]) => void): this
  setDefaultEncoding(encoding: string): this
  readonly destroyed: boolean
}

export interface StreamClasses {
  readonly ReadStream: new (path: unknown, options?: unknown) => StreamShape
  readonly WriteStream: new (path: unknown, options?: unknown) => StreamShape
}

/** Bytes that a web stream of a file asks for at a time. */
const WEB_CHUNK = 65536

/** Keep a handle's file open for a stream although the handle is closed, and let it go. */
export const HOLD = Symbol('hold')
export const RELEASE = Symbol('release')

/** Whether data comes in pieces: an iterable that is neither text nor bytes. */
export function isPieces(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false
  return Symbol.asyncIterator in data || Symbol.iterator in data
}

export function throwIfAborted(signal: unknown): void {
  if ((signal as AbortSignal | undefined)?.aborted === true) throw abortError(signal as AbortSignal)
}

/** An open file. `read` answers `{ bytesRead, buffer }`, `write` `{ bytesWritten, buffer }`. */
export class FileHandle extends Emitter {
  readonly #core: Core
  readonly #streams: () => StreamClasses
  #fd: number
  #locked = false
  /** The handle itself, and the streams that hold its file. */
  #holders = 1
  #closing: Promise<void> | undefined
  #closed: (result: Promise<void>) => void = () => {}

  constructor(core: Core, streams: () => StreamClasses, fd: number) {
    super()
    this.#core = core
    this.#streams = streams
    this.#fd = fd
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#fd
  }

  async #run<T>(name: string, make: (fd: number) => Task<T>): Promise<T> {
    if (this.#fd === -1) throw Object.assign(new Error('file closed'), { code: 'EBADF', syscall: name })
    return runPromise(this.#core, make(this.#fd))
  }

  #call<T>(name: string, operation: Operation<T>, ...args: readonly unknown[]): Promise<T> {
    return this.#run(name, fd => operation(this.#core, [fd, ...args]))
  }

  read(...args: readonly unknown[]): Promise<files.ReadResult> {
    return this.#run('read', fd => files.readTask(this.#core, fd, readHandleArgs(args)))
  }

  readv(buffers: readonly ArrayBufferView[], position?: number | null): Promise<files.ReadvResult> {
    return this.#call('readv', files.readv, buffers, position)
  }

  /** What is left of the file from where it has been read to. */
  readFile(options?: unknown): Promise<string | Uint8Array> {
    return this.#run('readFile', fd => {
      const { encoding, signal } = checkOptions(options)
      return files.readFileFd(this.#core, fd, encoding as string | undefined, signal as AbortSignal | undefined)
    })
  }

  stat(options?: unknown): Promise<unknown> {
    return this.#call('fstat', fstat, options)
  }

  sync(): Promise<undefined> {
    return this.#call('fsync', writes.fsync)
  }

  datasync(): Promise<undefined> {
    return this.#call('fdatasync', writes.fdatasync)
  }

  /** `write(buffer, offset | options, length, position)` and `write(text, position, encoding)`. */
  async write(...args: readonly unknown[]): Promise<writes.WriteResult> {
    const [data] = args
    if (this.#fd !== -1 && ArrayBuffer.isView(data) && data.byteLength === 0) return { bytesWritten: 0, buffer: data }
    return this.#call('write', writes.write, ...args)
  }

  writev(buffers: readonly ArrayBufferView[], position?: number | null): Promise<writes.WritevResult> {
    return this.#call('writev', writes.writev, buffers, position)
  }

  /** From where the file has been written to; the data may be an iterable of pieces too. */
  async writeFile(data: unknown, options?: unknown): Promise<undefined> {
    if (this.#fd === -1 || !isPieces(data)) return this.#call('writeFile', writes.writeFile, data, options)
    const { encoding, signal } = checkOptions(options)
    throwIfAborted(signal)
    for await (const piece of data) {
      throwIfAborted(signal)
      await this.#call('write', writes.writeFile, pieceBytes(piece, encoding))
    }
    return undefined
  }

  appendFile(data: unknown, options?: unknown): Promise<undefined> {
    return this.writeFile(data, options)
  }

  truncate(length?: unknown): Promise<undefined> {
    return this.#call('ftruncate', writes.ftruncate, length)
  }

  chmod(mode: unknown): Promise<undefined> {
    return this.#call('fchmod', attrs.fchmod, mode)
  }

  chown(uid: unknown, gid: unknown): Promise<undefined> {
    return this.#call('fchown', attrs.fchown, uid, gid)
  }

  utimes(atime: unknown, mtime: unknown): Promise<undefined> {
    return this.#call('futimes', attrs.futimes, atime, mtime)
  }

  [HOLD](): void {
    this.#holders++
  }

  [RELEASE](): void {
    this.#holders--
    if (this.#holders === 0) this.#closed(this.#shut())
  }

  async #shut(): Promise<void> {
    const fd = this.#fd
    this.#fd = -1
    await runPromise(this.#core, files.close(this.#core, [fd]))
  }

  /** Closing a closed handle does nothing; one that a stream still holds is closed when the stream is. */
  async close(): Promise<void> {
    if (this.#closing !== undefined || this.#fd === -1) return this.#closing
    this.#holders--
    const result =
      this.#holders === 0
        ? this.#shut()
        : new Promise<void>(resolve => {
            this.#closed = resolve
          })
    this.#closing = result.finally(() => {
      this.#closing = undefined
    })
    this.emit('close')
    return this.#closing
  }

  /** Node's handles have one for async hooks; here nothing is tracked. */
  getAsyncId(): number {
    return 0
  }

  createReadStream(options?: Options): object {
    return new (this.#streams().ReadStream)(undefined, { ...options, fd: this })
  }

  createWriteStream(options?: Options): object {
    return new (this.#streams().WriteStream)(undefined, { ...options, fd: this })
  }

  /** The file's lines: Node's readline interface where there is one, which is also an async iterable. */
  readLines(options?: Options): AsyncIterable<string> {
    const createInterface = part(this.#core.env, 'createInterface') as (options: object) => AsyncIterable<string>
    return createInterface({ input: this.createReadStream(options), crlfDelay: Number.POSITIVE_INFINITY })
  }

  /** A web stream of the file's bytes. It can be asked for once. */
  readableWebStream(): ReadableStream<Uint8Array> {
    if (this.#fd === -1) throw tagged(new Error('Invalid state: The FileHandle is closed'), 'ERR_INVALID_STATE')
    if (this.#locked) throw tagged(new Error('Invalid state: The FileHandle is locked'), 'ERR_INVALID_STATE')
    this.#locked = true
    return new ReadableStream({
      type: 'bytes',
      pull: async controller => {
        const { bytesRead, buffer } = await this.read(new Uint8Array(WEB_CHUNK), 0, WEB_CHUNK, null)
        if (bytesRead === 0) {
          controller.close()
          controller.byobRequest?.respond(0)
        } else {
          controller.enqueue((buffer as Uint8Array<ArrayBuffer>).subarray(0, bytesRead))
        }
      },
    })
  }
}

const asyncDispose = (Symbol as unknown as { asyncDispose?: symbol }).asyncDispose
if (asyncDispose !== undefined) {
  const value = function (this: FileHandle): Promise<void> {
    return this.close()
  }
  Object.defineProperty(FileHandle.prototype, asyncDispose, { value, writable: true, configurable: true })
}
