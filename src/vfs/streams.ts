// ReadStream and WriteStream of a mount, made over the host's Readable and Writable when first asked for. Not here: their
// arguments (stream-plan.ts), reading and writing. Follows lib/internal/fs/streams.js of Node 20.

import { tagged } from './arg-errors.js'
import { asBuffer } from './bytes.js'
import type { Core } from './core.js'
import type { StreamClasses, StreamShape } from './file-handle.js'
import { builtin, defer, part } from './host.js'
import { type Done, type StreamCalls, type StreamPlan, streamPlan } from './stream-plan.js'
import { writevArgs } from './write-args.js'

const READ_HIGH_WATER_MARK = 64 * 1024
/** How often a write may take nothing. */
const TRIES = 5

interface BaseShape extends StreamShape {
  readonly closed: boolean
  readonly _readableState?: { autoDestroy: unknown; endEmitted?: boolean }
  readonly _writableState?: { autoDestroy: unknown }
}

type StreamBase = new (options: object) => BaseShape

interface OpenedShape extends BaseShape {
  fd: number | null
  readonly path: unknown
  readonly flags: unknown
  readonly mode: unknown
  readonly flush: boolean
}

function openFile(stream: OpenedShape, calls: StreamCalls, done: Done): void {
  if (stream.fd !== null) {
    done()
    return
  }
  calls.open(stream.path, stream.flags, stream.mode, (error, fd) => {
    if (error) {
      done(error)
      return
    }
    stream.fd = fd as number
    done()
    stream.emit('open', fd)
    stream.emit('ready')
  })
}

function closeFile(stream: OpenedShape, calls: StreamCalls, error: unknown, done: Done): void {
  const { fd } = stream
  if (!fd) {
    done(error)
    return
  }
  const close = (before: unknown) => {
    calls.close(fd, failed => done(failed || before))
    stream.fd = null
  }
  if (stream.flush) calls.fsync?.(fd, failed => close(error || failed))
  else close(error)
}

/** What both kinds have: an open file that is theirs to close. */
function openedStream(Base: StreamBase) {
  return class Opened extends Base implements OpenedShape {
    fd: number | null
    readonly path: unknown
    readonly flags: unknown
    readonly mode: unknown
    readonly start: number | undefined
    readonly flush: boolean
    /** Where the next piece is read or written; undefined for where the descriptor stands. */
    pos: number | undefined
    protected readonly calls: StreamCalls
    /** Whether a read or write is under way, and what waits for its end. */
    protected busy = false
    protected idle: (error: unknown) => void = () => {}

    constructor(plan: StreamPlan, options: object) {
      super(options)
      this.fd = plan.fd
      this.path = plan.path
      this.flags = plan.flags
      this.mode = plan.mode
      this.start = plan.start
      this.flush = plan.flush
      this.pos = plan.start
      this.calls = plan.calls
      plan.handle?.on('close', () => this.close())
    }

    get autoClose(): unknown {
      return (this._readableState ?? this._writableState)?.autoDestroy
    }

    set autoClose(value: unknown) {
      const state = this._readableState ?? this._writableState
      if (state !== undefined) state.autoDestroy = value
    }

    get pending(): boolean {
      return this.fd === null
    }

    _construct(done: Done): void {
      openFile(this, this.calls, done)
    }

    /** Ends a read or write: true if the stream has been destroyed meanwhile and waited for this. */
    protected ended(error: unknown): boolean {
      this.busy = false
      if (this.destroyed) this.idle(error)
      return this.destroyed
    }

    _destroy(error: unknown, done: Done): void {
      if (this.busy) this.idle = failed => closeFile(this, this.calls, error || failed, done)
      else closeFile(this, this.calls, error, done)
    }

    close(_done?: Done): void {
      this.destroy()
    }
  }
}

/** Calls back when a stream is over: with an error if it was so too early. */
function whenOver(stream: BaseShape, done: Done): void {
  const finished = builtin('stream')?.['finished']
  if (typeof finished === 'function') {
    finished(stream, done)
    return
  }
  let error: unknown
  stream.once('error', failed => {
    error = failed
  })
  stream.once('close', () => {
    if (error === undefined && stream._readableState?.endEmitted !== true)
      error = tagged(new Error('Premature close'), 'ERR_STREAM_PREMATURE_CLOSE')
    done(error)
  })
}

function readStream(core: Core): StreamClasses['ReadStream'] {
  const Base = openedStream(part(core.env, 'Readable') as StreamBase)
  return class ReadStream extends Base {
    readonly end: number
    bytesRead = 0

    constructor(path: unknown, value?: unknown) {
      const plan = streamPlan(core, path, value, 'read')
      super(plan, { ...plan.options, highWaterMark: plan.options['highWaterMark'] ?? READ_HIGH_WATER_MARK })
      this.end = plan.end
    }

    _read(size: number): void {
      const length = Math.min(this.end - (this.pos ?? this.bytesRead) + 1, size)
      if (length <= 0) {
        this.push(null)
        return
      }
      const into = asBuffer(new Uint8Array(length))
      this.busy = true
      this.calls.read?.(this.fd as number, into, 0, length, this.pos, (error, count = 0) => {
        if (this.ended(error)) return
        if (error) {
          this.destroy(error)
          return
        }
        if (this.pos !== undefined) this.pos += count
        this.bytesRead += count
        this.push(count === 0 ? null : asBuffer(into.subarray(0, count)))
      })
    }

    override close(done?: Done): void {
      if (typeof done === 'function') whenOver(this, done)
      this.destroy()
    }
  } as unknown as StreamClasses['ReadStream']
}

function writeStream(core: Core): StreamClasses['WriteStream'] {
  const Base = openedStream(part(core.env, 'Writable') as StreamBase)
  class WriteStream extends Base {
    bytesWritten = 0

    constructor(path: unknown, value?: unknown) {
      const plan = streamPlan(core, path, value, 'write')
      super(plan, { ...plan.options, decodeStrings: true })
      if (plan.encoding) this.setDefaultEncoding(plan.encoding as string)
    }

    /** Writes all of some bytes, in as many calls as it takes. */
    #put(data: Uint8Array, position: number | undefined, done: Done, tries = TRIES): void {
      const after = (failed: unknown, taken = 0) => {
        const later = (failed as { code?: unknown } | null | undefined)?.code === 'EAGAIN'
        const error = later ? undefined : failed
        const count = later ? 0 : taken
        if (error || this.destroyed) {
          done(error || tagged(new Error('Cannot call write after a stream was destroyed'), 'ERR_STREAM_DESTROYED'))
          return
        }
        this.bytesWritten += count
        if (count === data.length) done()
        else if (count === 0 && tries === 0) done(new Error('write failed'))
        else {
          const next = position === undefined ? undefined : position + count
          this.#put(data.subarray(count), next, done, count === 0 ? tries - 1 : TRIES)
        }
      }
      const { calls, fd } = this
      if (calls.write) calls.write(fd as number, data, 0, data.length, position, after)
      else calls.writev?.(fd as number, [data], position, after)
    }

    _write(data: Uint8Array, _encoding: string, done: Done): void {
      const position = this.pos
      if (position !== undefined) this.pos = position + data.length
      this.busy = true
      this.#put(data, position, error => {
        this.busy = false
        done(error)
        this.ended(error)
      })
    }

    _writev(pieces: readonly { chunk: Uint8Array }[], done: Done): void {
      const chunks = pieces.map(({ chunk }) => chunk)
      this._write(asBuffer(writevArgs(chunks, undefined).bytes), '', done)
    }

    /** Ends the stream: what has been written to it is written out. */
    override close(done?: Done): void {
      if (done) {
        if (this.closed) {
          defer(() => done())
          return
        }
        this.once('close', done as () => void)
      }
      if (!this.autoClose) this.once('finish', () => this.destroy())
      this.destroySoon()
    }

    destroySoon(): void {
      ;(this as unknown as { end(): void }).end()
    }
  }
  return WriteStream as unknown as StreamClasses['WriteStream']
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
