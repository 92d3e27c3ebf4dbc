// Which operation stands behind which name, for each of the three ways to call. Tables only; not here: how a call is
// made of an operation (faces.ts) or found by its name (mounted-fs.ts).

import * as attrs from './attr-ops.js'
import type { AnyFunction } from './check.js'
import { cp } from './copy.js'
import { copyFile } from './copy-file.js'
import type { Core } from './core.js'
import * as dirs from './dir-ops.js'
import { callbackFace, promiseFace, syncFace } from './faces.js'
import * as files from './file-ops.js'
import * as makes from './make-ops.js'
import { rm, rmdir, rmSync } from './remove.js'
import * as stats from './stat-ops.js'
import type { Operation } from './task.js'
import * as writes from './write-ops.js'
import * as xattrs from './xattr-ops.js'

/** Operations that take the same arguments and give the same value however they are called. */
const COMMON: Readonly<Record<string, Operation<unknown>>> = {
  access: stats.access,
  appendFile: writes.appendFile,
  chmod: attrs.chmod,
  chown: attrs.chown,
  copyFile,
  cp,
  getxattr: xattrs.getxattr,
  lchmod: attrs.lchmod,
  lchown: attrs.lchown,
  link: makes.link,
  listxattr: xattrs.listxattr,
  lstat: stats.lstat,
  lutimes: attrs.lutimes,
  mkdir: makes.mkdir,
  mkdtemp: makes.mkdtemp,
  readFile: files.readFile,
  readlink: stats.readlink,
  removexattr: xattrs.removexattr,
  rename: makes.rename,
  rm,
  rmdir,
  setxattr: xattrs.setxattr,
  stat: stats.stat,
  statfs: stats.statfs,
  symlink: makes.symlink,
  truncate: writes.truncate,
  unlink: makes.unlink,
  utimes: attrs.utimes,
  writeFile: writes.writeFile,
}

/** Those that have no promise form of their own, or another one. */
const NOT_PROMISED: Readonly<Record<string, Operation<unknown>>> = {
  close: files.close,
  fchmod: attrs.fchmod,
  fchown: attrs.fchown,
  fdatasync: writes.fdatasync,
  fstat: stats.fstat,
  fsync: writes.fsync,
  ftruncate: writes.ftruncate,
  futimes: attrs.futimes,
  open: files.open,
  readdir: dirs.readdir,
  realpath: stats.realpath,
}

export type CallMaker = (core: Core) => AnyFunction

const readSpread = ({ bytesRead, buffer }: files.ReadResult) => [bytesRead, buffer]
const readvSpread = ({ bytesRead, buffers }: files.ReadvResult) => [bytesRead, buffers]
const writeSpread = ({ bytesWritten, buffer }: writes.WriteResult) => [bytesWritten, buffer]
const writevSpread = ({ bytesWritten, buffers }: writes.WritevResult) => [bytesWritten, buffers]
const bytesWritten = (result: { bytesWritten: number }) => result.bytesWritten
const bytesRead = (result: { bytesRead: number }) => result.bytesRead

/** A call with its `native` form beside it, as realpath has. */
function withNative(call: AnyFunction, native: AnyFunction): AnyFunction {
  return Object.assign(call, { native })
}

function tableOf(
  make: (core: Core, name: string, operation: Operation<unknown>) => AnyFunction,
  suffix: string,
): Map<string, CallMaker> {
  const table = new Map<string, CallMaker>()
  for (const [name, operation] of Object.entries({ ...COMMON, ...NOT_PROMISED })) {
    table.set(`${name}${suffix}`, core => make(core, `${name}${suffix}`, operation))
  }
  return table
}

/** The synchronous calls by their names; the hot ones have their own makers (slots.ts). */
export function syncCalls(): Map<string, CallMaker> {
  const table = tableOf((core, name, operation) => syncFace(core, name, operation), 'Sync')
  table.set('rmSync', core => syncFace(core, 'rmSync', rmSync))
  table.set('opendirSync', core => syncFace(core, 'opendirSync', dirs.opendirSync))
  table.set('readSync', core => syncFace(core, 'readSync', files.readSync, bytesRead))
  table.set('readvSync', core => syncFace(core, 'readvSync', files.readv, bytesRead))
  table.set('writeSync', core => syncFace(core, 'writeSync', writes.write, bytesWritten))
  table.set('writevSync', core => syncFace(core, 'writevSync', writes.writev, bytesWritten))
  table.set('realpathSync', core =>
    withNative(syncFace(core, 'realpathSync', stats.realpath), syncFace(core, 'realpathSync', stats.realpathNative)),
  )
  return table
}

/** close may go without a callback: then its failure is thrown. */
function closeCall(core: Core): AnyFunction {
  const call = callbackFace(core, 'close', files.close)
  const done = (error: unknown) => {
    if (error) throw error
  }
  return Object.defineProperty((...args: unknown[]) => call(args[0], args[1] === undefined ? done : args[1]), 'name', {
    value: 'close',
  })
}

/** The calls with a callback by their names. */
export function callbackCalls(): Map<string, CallMaker> {
  const table = tableOf((core, name, operation) => callbackFace(core, name, operation), '')
  table.set('open', core => callbackFace(core, 'open', files.openCallback))
  table.set('opendir', core => callbackFace(core, 'opendir', dirs.opendir))
  table.set('close', closeCall)
  table.set('appendFile', core => callbackFace(core, 'appendFile', writes.appendFileCallback))
  table.set('truncate', core => callbackFace(core, 'truncate', writes.truncateCallback))
  table.set('writeFile', core => callbackFace(core, 'writeFile', writes.writeFileCallback))
  table.set('read', core => callbackFace(core, 'read', files.read, readSpread))
  table.set('readFile', core => callbackFace(core, 'readFile', files.readFileCallback))
  table.set('readv', core => callbackFace(core, 'readv', files.readv, readvSpread))
  table.set('write', core => callbackFace(core, 'write', writes.write, writeSpread))
  table.set('writev', core => callbackFace(core, 'writev', writes.writev, writevSpread))
  table.set('realpath', core =>
    withNative(callbackFace(core, 'realpath', stats.realpath), callbackFace(core, 'realpath', stats.realpathNative)),
  )
  return table
}

/** The calls of fs.promises by their names, but for `open`, `watch` and `glob`. */
export function promiseCalls(): Map<string, CallMaker> {
  const table = new Map<string, CallMaker>()
  const operations = {
    ...COMMON,
    opendir: dirs.opendir,
    readdir: dirs.readdirPromise,
    realpath: stats.realpathNative,
    truncate: writes.truncatePath,
  }
  for (const [name, operation] of Object.entries<Operation<unknown>>(operations)) {
    table.set(name, core => promiseFace(core, name, operation))
  }
  return table
}
