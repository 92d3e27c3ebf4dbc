// ReadStream and WriteStream of a mount, made over the host's Readable and Writable when first asked for. Not here:
// reading and writing. Follows lib/internal/fs/streams.js of Node 20.

import { invalidArgType, outOfRange } from './arg-errors.js'
import { asBuffer } from './bytes.js'
import { checkBoolean, checkInteger, checkOptions, checkSignal, type Options } from './check.js'
import type { Core } from './core.js'
import { FileHandle, type StreamClasses, type StreamShape } from './file-handle.js'
import * as files from './file-ops.js'
import { part } from './host.js'
import { checkPath, showPath } from './path-arg.js'
import { type Operation, runCallback } from './task.js'
import { writevArgs } from './write-args.js'
import * as writes from './write-ops.js'

const DEFAULT_HIGH_WATER_MARK = 64 * 1024

type Done = (error?: unknown) => void

type StreamBase = new (options: object) => StreamShape
type OpenedBase = new (options: Options & { path?: unknown }) => StreamShape & { fd: number | null }

/** The descriptor that the options name, the handle behind it, or neither. */
function givenFd(options: Options): { fd: number | null; handle: FileHandle | undefined } {
  const { fd } = options
  if (fd === undefined || fd === null) return { fd: null, handle: undefined }
  if (typeof fd === 'number') return { fd: checkInteger(fd, 'fd', 0, 2 ** 31 - 1), handle: undefined }
  if (fd instanceof FileHandle) return { fd: fd.fd, handle: fd }
  throw invalidArgType('options.fd', 'of type number or an instance of FileHandle', fd)
}

function streamOptions(value: unknown): Options {
  const options = { highWaterMark: DEFAULT_HIGH_WATER_MARK, emitClose: true, ...checkOptions(value) } as Record<
    string,
    unknown
  >
  options['autoDestroy'] = options['autoClose'] ?? true
  if (options['signal'] != null) checkSignal(options['signal'], 'options.signal')
  return options
}

function checkRange(options: Options): { start: number | undefined; end: number } {
  const { start, end } = options
  if (start !== undefined) checkInteger(start, 'start', 0)
  if (end === undefined || end === Number.POSITIVE_INFINITY)
    return { start: start as number | undefined, end: Number.POSITIVE_INFINITY }
  const last = checkInteger(end, 'end', 0)
  if (start !== undefined && (start as number) > last) throw outOfRange('start', `<= "end" (here: ${last})`, start)
  return { start: start as number | undefined, end: last }
}

/** What both kinds have: an open file that is theirs to close. */
function openedStream(Base: StreamBase, core: Core, operation: Operation<number>, flag: string): OpenedBase {
  return class extends Base {
    fd: number | null
    path: unknown
    flags: unknown
    mode: unknown
    readonly autoClose: unknown
    readonly handle: FileHandle | undefined

    constructor(options: Options & { path?: unknown }) {
      super(options)
      const { fd, handle } = givenFd(options)
      this.fd = fd
      this.handle = handle
      this.autoClose = options['autoDestroy']
      const { path } = options
      this.path = path === undefined || path instanceof Uint8Array ? path : showPath(checkPath(path))
      if (path instanceof Uint8Array) checkPath(path)
      this.flags = options['flags'] ?? flag
      this.mode = options['mode'] ?? 0o666
      handle?.once('close', () => this.destroy())
    }

    get pending(): boolean {
      return this.fd === null
    }

    _construct(done: Done): void {
      if (this.fd !== null) {
        done()
        return
      }
      runCallback(operation(core, [this.path, this.flags, this.mode]), (error, fd) => {
        if (error) {
          done(error)
          return
        }
        this.fd = fd as number
        done()
        this.emit('open', fd)
        this.emit('ready')
      })
    }

    _destroy(error: unknown, done: Done): void {
      const { fd, handle } = this
      this.fd = null
      if (handle !== undefined) handle.close().then(() => done(error), done)
      else if (fd === null) done(error)
      else runCallback(files.close(core, [fd]), failed => done(failed ?? error))
    }

    close(callback?: Done): void {
      if (callback !== undefined) this.once('close', callback as () => void)
      this.destroy()
    }
  }
}

function readStream(core: Core): StreamClasses['ReadStream'] {
  const Base = openedStream(part(core.env, 'Readable') as StreamBase, core, files.open, 'r')
  return class ReadStream extends Base {
    readonly start: number | undefined
    readonly end: number
    pos: number | undefined
    bytesRead = 0

    constructor(path: unknown, value?: unknown) {
      const options = streamOptions(value)
      const range = checkRange(options)
      super({ ...options, path })
      this.start = range.start
      this.end = range.end
      this.pos = range.start
    }

    _read(size: number): void {
      const from = this.pos ?? this.bytesRead
      const length = Math.min(this.end - from + 1, size)
      if (length <= 0 || this.fd === null) {
        this.push(null)
        return
      }
      const position = this.pos ?? null
      const args = { buffer: new Uint8Array(length), offset: 0, length, position }
      runCallback(files.readTask(core, this.fd, args), (error, result) => {
        if (error || result === undefined) {
          this.destroy(error)
          return
        }
        const { bytesRead } = result
        if (this.pos !== undefined) this.pos += bytesRead
        this.bytesRead += bytesRead
        this.push(bytesRead === 0 ? null : asBuffer(args.buffer.subarray(0, bytesRead)))
      })
    }
  }
}

function writeStream(core: Core): StreamClasses['WriteStream'] {
  const Base = openedStream(part(core.env, 'Writable') as StreamBase, core, files.open, 'w')
  return class WriteStream extends Base {
    readonly start: number | undefined
    readonly flush: boolean
    /** Where the next piece goes; undefined for where the descriptor stands. */
    pos: number | undefined
    bytesWritten = 0

    constructor(path: unknown, value?: unknown) {
      const options = streamOptions(value)
      if (options['start'] !== undefined) checkInteger(options['start'], 'start', 0)
      const { flush } = options
      const flushes = flush !== undefined && flush !== null && checkBoolean(flush, 'options.flush')
      super({ ...options, decodeStrings: true, path })
      this.start = options['start'] as number | undefined
      this.pos = this.start
      this.flush = flushes
      if (typeof options['encoding'] === 'string') this.setDefaultEncoding(options['encoding'])
    }

    #put(args: readonly unknown[], done: Done): void {
      runCallback(writes.write(core, [this.fd, ...args]), (error, result) => {
        if (error || result === undefined) {
          done(error)
          return
        }
        this.bytesWritten += result.bytesWritten
        done()
      })
    }

    _write(data: Uint8Array, _encoding: string, done: Done): void {
      const position = this.pos
      if (position !== undefined) this.pos = position + data.length
      this.#put([data, 0, data.length, position], done)
    }

    _writev(pieces: readonly { chunk: Uint8Array }[], done: Done): void {
      const { bytes } = writevArgs(
        pieces.map(({ chunk }) => chunk),
        undefined,
      )
      this._write(bytes, '', done)
    }

    _final(done: Done): void {
      if (this.flush && this.fd !== null) runCallback(writes.fsync(core, [this.fd]), done)
      else done()
    }
  }
}

/** The two classes; `instanceof m.fs.ReadStream` tells the streams of this mount. */
export class LazyStreams implements StreamClasses {
  #read: StreamClasses['ReadStream'] | undefined
  #write: StreamClasses['WriteStream'] | undefined

  constructor(readonly core: Core) {}

  get ReadStream(): StreamClasses['ReadStream'] {
    this.#read ??= readStream(this.core)
    return this.#read
  }

  get WriteStream(): StreamClasses['WriteStream'] {
    this.#write ??= writeStream(this.core)
    return this.#write
  }
}
