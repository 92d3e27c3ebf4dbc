// The operations on files that are open, or opened for one call: open, close, read, readv, readFile. Not here: what
// open answers for which flags (open.ts). Follows lib/fs.js of Node 20.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { OpenFile } from '../overlay/layer.js'
import { asBuffer, textIn, viewBytes } from './bytes.js'
import { checkBuffers, checkFd, checkMode, checkOptions, isFd } from './check.js'
import { openFlags } from './constants.js'
import type { Core } from './core.js'
import { fileTooLarge, READ_FILE_MAX } from './errors.js'
import type { Description } from './fd-table.js'
import { openPath } from './open.js'
import { checkPath } from './path-arg.js'
import { type ReadArgs, readCallbackArgs, readSyncArgs } from './read-args.js'
import { type Course, type Operation, Task } from './task.js'

export const open: Operation<number> = (core, [pathArg, flagsArg, modeArg]) => {
  const path = checkPath(pathArg)
  const flags = openFlags(flagsArg)
  const mode = checkMode(modeArg, 'mode', 0o666)
  return new Task('open', path, (_task, wait) => {
    const opened = openPath(core, path, flags, wait, mode)
    if (opened instanceof Fault) return opened
    return core.fds.add(opened.file === null ? { ...opened, release: core.layer.hold?.(opened.node) } : opened)
  })
}

/** Node's callback form looks at the mode before the flags. */
export const openCallback: Operation<number> = (core, args) => {
  checkPath(args[0])
  checkMode(args[2], 'mode', 0o666)
  return open(core, args)
}

export const close: Operation<undefined> = (core, [fdArg]) => {
  const fd = checkFd(fdArg)
  return new Task('close', undefined, () => core.fds.close(fd))
}

export interface ReadResult {
  readonly bytesRead: number
  readonly buffer: ArrayBufferView
}

/** Reads at a position, or at the cursor and moves it. */
function readInto(open: Description, into: Uint8Array, position: number | null, wait: boolean): Outcome<number> {
  if (!open.reads) return fault('EBADF')
  if (open.file === null) return fault('EISDIR')
  const at = position ?? open.cursor
  if (at >= open.file.size || into.length === 0) return 0
  const count = open.file.read(into, at, wait)
  if (!(count instanceof Fault) && position === null) open.cursor = at + count
  return count
}

export function readTask(core: Core, fd: number, args: ReadArgs): Task<ReadResult> {
  const { buffer, offset, length, position } = args
  const file = core.fds.follow(fd)
  return new Task('read', undefined, (_task, wait) => {
    if (length === 0) return { bytesRead: 0, buffer }
    const open = file()
    if (open instanceof Fault) return open
    const count = readInto(open, viewBytes(buffer).subarray(offset, offset + length), position, wait)
    return count instanceof Fault ? count : { bytesRead: count, buffer }
  })
}

export const readSync: Operation<ReadResult> = (core, args) => readTask(core, checkFd(args[0]), readSyncArgs(args))
export const read: Operation<ReadResult> = (core, args) => readTask(core, checkFd(args[0]), readCallbackArgs(args))

export interface ReadvResult {
  readonly bytesRead: number
  readonly buffers: readonly ArrayBufferView[]
}

export const readv: Operation<ReadvResult> = (core, [fdArg, buffersArg, positionArg]) => {
  const fd = checkFd(fdArg)
  const buffers = checkBuffers(buffersArg)
  const seeks = typeof positionArg === 'number' && positionArg >= 0 && Number.isSafeInteger(positionArg)
  const position = seeks ? positionArg : null
  const total = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0)
  const file = core.fds.follow(fd)
  return new Task('read', undefined, (_task, wait) => {
    const open = file()
    if (open instanceof Fault) return open
    if (buffers.length === 0) return fault('EINVAL')
    if (total === 0) return { bytesRead: 0, buffers }
    if (!open.reads) return fault('EBADF')
    if (open.file === null) return fault('EISDIR')
    const whole = new Uint8Array(Math.min(total, Math.max(0, open.file.size - (position ?? open.cursor))))
    const count = readInto(open, whole, position, wait)
    if (count instanceof Fault) return count
    let done = 0
    for (const buffer of buffers) {
      const piece = whole.subarray(done, Math.min(count, done + buffer.byteLength))
      viewBytes(buffer).set(piece)
      done += piece.length
    }
    return { bytesRead: count, buffers }
  })
}

/** The rest of an open file from its cursor on. */
function readRest(open: Description, wait: boolean): Outcome<Uint8Array> {
  if (!open.reads) return fault('EBADF')
  if (open.file === null) return fault('EISDIR')
  const length = Math.max(0, open.file.size - open.cursor)
  if (length > READ_FILE_MAX) throw fileTooLarge(length)
  const into = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const count = open.file.read(into.subarray(done), open.cursor + done, wait)
    if (count instanceof Fault) return count
    if (count === 0) break
    done += count
  }
  open.cursor += done
  return into.subarray(0, done)
}

/** Opens for one readFile. A directory can be opened and not read: that error names read and no path. */
function openForReadFile(core: Core, task: Course, flags: number, wait: boolean): Outcome<OpenFile> {
  const opened = openPath(core, task.path ?? '', flags, wait)
  if (opened instanceof Fault) return opened
  task.syscall = 'read'
  task.path = undefined
  if (opened.file === null) return fault('EISDIR')
  if (!opened.reads) {
    opened.file.close()
    return fault('EBADF')
  }
  if (opened.file.size <= READ_FILE_MAX) return opened.file
  opened.file.close()
  throw fileTooLarge(opened.file.size)
}

/** The encoding `buffer` is no name of text here, unlike in calls that give names: Buffer's toString refuses it. */
function content(data: Uint8Array, encoding: string | undefined): string | Uint8Array {
  return encoding ? textIn(data, encoding) : asBuffer(data)
}

export const readFile: Operation<string | Uint8Array> = (core, [pathArg, optionsArg]) => {
  const options = checkOptions(optionsArg)
  const encoding = options['encoding'] as string | undefined
  const signal = options['signal'] as AbortSignal | undefined
  if (isFd(pathArg)) return readFileFd(core, pathArg, encoding, signal)
  const path = checkPath(pathArg)
  const flags = openFlags(options['flag'])
  let file: OpenFile | undefined
  const step = (task: Course, wait: boolean) => {
    if (file === undefined) {
      const opened = openForReadFile(core, task, flags, wait)
      if (opened instanceof Fault) return opened
      file = opened
    }
    const data = file.readAll(wait)
    if (data instanceof Fault) return data
    file.close()
    return content(data, encoding)
  }
  return new Task('open', path, step, undefined, signal, () => file?.close())
}

/** Node's callback form looks at the flags before the path. */
export const readFileCallback: Operation<string | Uint8Array> = (core, args) => {
  openFlags(checkOptions(args[1])['flag'])
  return readFile(core, args)
}

/** readFile of a descriptor, or of a FileHandle: what is left of the file. */
export function readFileFd(
  core: Core,
  fd: number,
  encoding: string | undefined,
  signal?: AbortSignal,
): Task<string | Uint8Array> {
  const file = core.fds.follow(checkFd(fd))
  const step = (task: Course, wait: boolean) => {
    const open = file()
    // Node's synchronous form reads UTF-8 without asking for the size.
    task.syscall = wait && (encoding === 'utf8' || encoding === 'utf-8') ? 'read' : 'fstat'
    if (open instanceof Fault) return open
    task.syscall = 'read'
    const data = readRest(open, wait)
    return data instanceof Fault ? data : content(data, encoding)
  }
  return new Task('read', undefined, step, undefined, signal)
}
