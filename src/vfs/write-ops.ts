// The operations that change what a file holds: write, writev, writeFile, appendFile, truncate, and fsync. Not here: opening
// (open.ts), forms of arguments (write-args.ts), copyFile (copy-file.ts). Follows lib/fs.js of Node 20.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { WritableFile } from '../overlay/layer.js'
import { checkBoolean, checkBuffers, checkFd, checkInteger, checkMode, checkOptions, isFd } from './check.js'
import { openFlags } from './constants.js'
import type { Core } from './core.js'
import type { Description } from './fd-table.js'
import { openPath } from './open.js'
import { checkPath } from './path-arg.js'
import { type Course, type Operation, Task } from './task.js'
import { dataBytes, type WriteArgs, writeArgs, writevArgs } from './write-args.js'

/** Writes at a position, or at the cursor and moves it. Not to be called again after it has answered. */
function writeInto(core: Core, open: Description, { bytes, position }: WriteArgs): Outcome<number> {
  const { file } = open
  if (!open.writes || file === null) return fault('EBADF')
  const at = open.append ? null : (position ?? open.cursor)
  const failed = (file as WritableFile).write(bytes, at, core.env.uid() !== 0)
  if (failed !== undefined) return failed
  if (position === null) open.cursor = at === null ? file.size : at + bytes.length
  return bytes.length
}

export interface WriteResult<B = unknown> {
  readonly bytesWritten: number
  readonly buffer: B
}

export const write: Operation<WriteResult> = (core, args) => {
  const fd = checkFd(args[0])
  const what = writeArgs(args)
  return new Task<WriteResult>('write', undefined, () => {
    const open = core.fds.get(fd)
    if (open instanceof Fault) return open
    const count = writeInto(core, open, what)
    return count instanceof Fault ? count : { bytesWritten: count, buffer: what.given }
  })
}

export interface WritevResult {
  readonly bytesWritten: number
  readonly buffers: readonly ArrayBufferView[]
}

export const writev: Operation<WritevResult> = (core, [fdArg, buffersArg, position]) => {
  const fd = checkFd(fdArg)
  const buffers = checkBuffers(buffersArg)
  const what = writevArgs(buffers, position)
  return new Task<WritevResult>('write', undefined, () => {
    if (buffers.length === 0) return { bytesWritten: 0, buffers }
    const open = core.fds.get(fd)
    if (open instanceof Fault) return open
    const count = writeInto(core, open, what)
    return count instanceof Fault ? count : { bytesWritten: count, buffers }
  })
}

function writeOpened(
  core: Core,
  task: Course,
  open: Description,
  bytes: Uint8Array,
  flush: boolean,
  tries: boolean,
): Outcome<undefined> {
  task.syscall = 'write'
  task.path = undefined
  const count = bytes.length === 0 && !tries ? 0 : writeInto(core, open, { bytes, given: undefined, position: null })
  if (count instanceof Fault || !flush) return count instanceof Fault ? count : undefined
  task.syscall = 'fsync'
  return core.writable?.sync(open.node)
}

/** `tries` as to whether no bytes at all are written too: Node's callback form does, which shows where it may not write. */
function writeFileOperation(defaultFlag: string, tries: boolean): Operation<undefined> {
  return (core, [pathArg, data, optionsArg]) => {
    const options = checkOptions(optionsArg)
    const flush = options['flush'] !== undefined && options['flush'] !== null
    const flushes = flush && checkBoolean(options['flush'], 'options.flush')
    const bytes = dataBytes(data, options['encoding'])
    const signal = options['signal'] as AbortSignal | undefined
    if (isFd(pathArg)) {
      const fd = checkFd(pathArg)
      const onOpen = (task: Course) => {
        if (bytes.length === 0 && !tries && !flushes) return undefined
        const open = core.fds.get(fd)
        return open instanceof Fault ? open : writeOpened(core, task, open, bytes, flushes, tries)
      }
      return new Task<undefined>('write', undefined, onOpen, undefined, signal)
    }
    const path = checkPath(pathArg)
    const flags = openFlags(options['flag'] || defaultFlag)
    const mode = checkMode(options['mode'], 'mode', 0o666)
    const step = (task: Course, wait: boolean) => {
      const open = openPath(core, path, flags, wait, mode)
      if (open instanceof Fault) return open
      const failed = writeOpened(core, task, open, bytes, flushes, tries)
      open.file?.close()
      return failed
    }
    return new Task<undefined>('open', path, step, undefined, signal)
  }
}

export const writeFile = writeFileOperation('w', false)
export const appendFile = writeFileOperation('a', false)
export const writeFileCallback = writeFileOperation('w', true)
export const appendFileCallback = writeFileOperation('a', true)

function truncateOpened(open: Description, size: number): Outcome<undefined> {
  if (!open.writes || open.file === null) return fault('EINVAL')
  return (open.file as WritableFile).truncate(size)
}

function lengthOf(length: unknown): number {
  return length === undefined ? 0 : Math.max(0, checkInteger(length, 'len'))
}

export const ftruncate: Operation<undefined> = (core, [fdArg, lengthArg]) => {
  const fd = checkFd(fdArg)
  const length = lengthOf(lengthArg)
  return new Task<undefined>('ftruncate', undefined, () => {
    const open = core.fds.get(fd)
    return open instanceof Fault ? open : truncateOpened(open, length)
  })
}

export const truncate: Operation<undefined> = (core, args) =>
  typeof args[0] === 'number' ? ftruncate(core, args) : truncatePath(core, args)

/** Node's promise form takes no descriptor. */
export const truncatePath: Operation<undefined> = (core, args) => {
  const path = checkPath(args[0])
  return new Task<undefined>('open', path, (task, wait) => {
    const open = openPath(core, path, openFlags('r+'), wait)
    if (open instanceof Fault) return open
    task.syscall = 'ftruncate'
    task.path = undefined
    try {
      return truncateOpened(open, lengthOf(args[1]))
    } finally {
      open.file?.close()
    }
  })
}

/** Node's callback form looks at the length first, the others at the path, which they open. */
export const truncateCallback: Operation<undefined> = (core, args) => {
  lengthOf(args[1])
  return truncate(core, args)
}

function syncing(syscall: string): Operation<undefined> {
  return (core, [fdArg]) => {
    const fd = checkFd(fdArg)
    return new Task<undefined>(syscall, undefined, () => {
      const open = core.fds.get(fd)
      if (open instanceof Fault) return open
      if (core.env.noFsync === true) return fault('EINVAL')
      return core.writable?.sync(open.node)
    })
  }
}

export const fsync = syncing('fsync')
export const fdatasync = syncing('fdatasync')
