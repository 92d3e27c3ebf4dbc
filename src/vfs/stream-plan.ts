// What a stream of a file is going to do, out of its arguments: which descriptor or path, by whose calls, from where to where.
// All of it is checked before there is a stream, as Node does. Not here: streams (streams.ts). Follows the constructors in
// lib/internal/fs/streams.js of Node 20.

import { invalidArgType, outOfRange, tagged } from './arg-errors.js'
import { checkBoolean, checkFd, checkFunction, checkInteger, checkOptions, type Options } from './check.js'
import type { Core } from './core.js'
import { FileHandle, HOLD, RELEASE } from './file-handle.js'
import * as files from './file-ops.js'
import { checkPath } from './path-arg.js'
import { type Operation, runCallback } from './task.js'
import * as writes from './write-ops.js'

export type Done<T = unknown> = (error?: unknown, value?: T) => void

/** The calls that a stream makes; an `fs` option may bring others. */
export interface StreamCalls {
  open(path: unknown, flags: unknown, mode: unknown, done: Done<number>): void
  close(fd: number, done: Done): void
  fsync?(fd: number, done: Done): void
  read?(fd: number, into: Uint8Array, at: number, size: number, position: number | undefined, done: Done<number>): void
  write?(fd: number, from: Uint8Array, at: number, size: number, position: number | undefined, done: Done<number>): void
  writev?(fd: number, from: readonly Uint8Array[], position: number | undefined, done: Done<number>): void
}

function mountCalls(core: Core): Required<StreamCalls> {
  const make = <T>(operation: Operation<T>, args: readonly unknown[], done: Done<T>) =>
    runCallback(core, operation(core, args), done)
  return {
    open: (path, flags, mode, done) => make(files.open, [path, flags, mode], done),
    close: (fd, done) => make(files.close, [fd], done),
    fsync: (fd, done) => make(writes.fsync, [fd], done),
    read: (fd, into, at, size, position, done) =>
      make(files.read, [fd, into, at, size, position], (error, result) => done(error, result?.bytesRead)),
    write: (fd, from, at, size, position, done) =>
      make(writes.write, [fd, from, at, size, position], (error, result) => done(error, result?.bytesWritten)),
    writev: (fd, from, position, done) =>
      make(writes.writev, [fd, from, position], (error, result) => done(error, result?.bytesWritten)),
  }
}

/** The calls of a handle that is held open until the stream lets it go. */
function handleCalls(handle: FileHandle, calls: Required<StreamCalls>): StreamCalls {
  const close = (_fd: number, done: Done) => {
    handle[RELEASE]()
    handle.close().then(() => done(), done)
  }
  return { ...calls, close }
}

export interface StreamPlan {
  readonly calls: StreamCalls
  readonly fd: number | null
  readonly handle: FileHandle | undefined
  readonly path: unknown
  readonly flags: unknown
  readonly mode: unknown
  readonly start: number | undefined
  /** The last byte that is read. */
  readonly end: number
  readonly flush: boolean
  readonly encoding: unknown
  /** What the stream class is given. */
  readonly options: Options
}

type Source = Pick<StreamPlan, 'calls' | 'fd' | 'handle' | 'path' | 'flags' | 'mode'>

function sourceOf(core: Core, pathArg: unknown, options: Options, flag: string): Source {
  const { fd } = options
  const given = (options['fs'] || undefined) as StreamCalls | undefined
  const calls = mountCalls(core)
  if (fd === undefined || fd === null) {
    if (given !== undefined) checkFunction(given.open, 'options.fs.open')
    const path = checkPath(pathArg)
    const { flags = flag, mode = 0o666 } = options
    return { calls: given ?? calls, fd: null, handle: undefined, path, flags, mode }
  }
  const opened = { path: undefined, flags: undefined, mode: undefined }
  if (typeof fd === 'number') return { ...opened, calls: given ?? calls, fd: checkFd(fd), handle: undefined }
  if (!(fd instanceof FileHandle)) throw invalidArgType('options.fd', 'of type number or an instance of FileHandle', fd)
  if (given !== undefined) {
    const text = 'The FileHandle with fs method is not implemented'
    throw tagged(new Error(text), 'ERR_METHOD_NOT_IMPLEMENTED')
  }
  return { ...opened, calls: handleCalls(fd, calls), fd: checkFd(fd.fd), handle: fd }
}

function checkEnd(start: unknown, end: unknown): number {
  if (end === undefined || end === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  const last = checkInteger(end, 'end', 0)
  if (start !== undefined && (start as number) > last) throw outOfRange('start', `<= "end" (here: ${last})`, start)
  return last
}

function checkWrites(calls: StreamCalls): void {
  if (!calls.write && !calls.writev) throw invalidArgType('options.fs.write', 'of type function', calls.write)
  if (calls.write) checkFunction(calls.write, 'options.fs.write')
  if (calls.writev) checkFunction(calls.writev, 'options.fs.writev')
}

/** Throws what Node throws for wrong arguments; holds a handle that it was given. */
export function streamPlan(core: Core, path: unknown, value: unknown, kind: 'read' | 'write'): StreamPlan {
  const options = { ...checkOptions(value) } as Record<string, unknown>
  const reads = kind === 'read'
  const source = sourceOf(core, path, options, reads ? 'r' : 'w')
  const { calls } = source
  options['autoDestroy'] = options['autoClose'] === undefined ? true : options['autoClose']
  if (reads) checkFunction(calls.read, 'options.fs.read')
  else checkWrites(calls)
  if (options['autoDestroy']) checkFunction(calls.close, 'options.fs.close')
  const { flush, start, encoding } = options
  const flushes = !reads && flush !== undefined && flush !== null && checkBoolean(flush, 'options.flush')
  if (flushes) checkFunction(calls.fsync, 'options.fs.fsync')
  if (start !== undefined) checkInteger(start, 'start', 0)
  const end = reads ? checkEnd(start, options['end']) : Number.POSITIVE_INFINITY
  source.handle?.[HOLD]()
  return { ...source, start: start as number | undefined, end, flush: flushes, encoding, options }
}
