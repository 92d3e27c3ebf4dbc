// The operations that change what is known of an inode: chmod, chown, utimes and their kin, by path and by descriptor.
// Not here: xattrs (xattr-ops.ts), sizes (write-ops.ts). Follows lib/fs.js of Node 20 and uv__fs_to_timespec of libuv 1.46.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { AttrChange, Time } from '../overlay/layer.js'
import { invalidArgType } from './arg-errors.js'
import { checkFd, checkInteger, checkMode } from './check.js'
import type { Core } from './core.js'
import { storedId } from './env.js'
import { checkPath } from './path-arg.js'
import { refuseChange } from './refuse.js'
import { type Operation, Task } from './task.js'

/** Takes a change out of the arguments behind the path or descriptor. Throws Node's errors. */
type ChangeOf = (core: Core, args: readonly unknown[]) => Outcome<AttrChange>

function changing(syscall: string, follow: boolean, changeOf: ChangeOf): Operation<undefined> {
  return (core, args) => {
    const path = checkPath(args[0])
    const change = changeOf(core, args)
    const step = (_task: unknown, wait: boolean) => {
      const { writable } = core
      if (writable === undefined) return refuseChange(core, path, follow)
      const node = writable.resolve(path, follow)
      if (node instanceof Fault) return node
      return change instanceof Fault ? change : writable.setAttr(node, change, wait)
    }
    return new Task<undefined>(syscall, path, step)
  }
}

function changingOpen(syscall: string, changeOf: ChangeOf): Operation<undefined> {
  return (core, args) => {
    const fd = checkFd(args[0])
    const change = changeOf(core, args)
    const file = core.fds.follow(fd)
    return new Task<undefined>(syscall, undefined, (_task, wait) => {
      const open = file()
      if (open instanceof Fault) return open
      if (core.writable === undefined) return fault('EROFS')
      return change instanceof Fault ? change : core.writable.setAttr(open.node, change, wait)
    })
  }
}

const PERMISSIONS = 0o7777

function modeChange(_core: Core, [, mode]: readonly unknown[]): AttrChange {
  if (mode === undefined || mode === null) throw invalidArgType('mode', 'of type number', undefined)
  return { mode: checkMode(mode, 'mode', 0) & PERMISSIONS }
}

const MAX_ID = 2 ** 32 - 1

function ownerChange({ env }: Core, [, uidArg, gidArg]: readonly unknown[]): Outcome<AttrChange> {
  const uid = checkInteger(uidArg, 'uid', -1, MAX_ID)
  const gid = checkInteger(gidArg, 'gid', -1, MAX_ID)
  const change: { uid?: number; gid?: number } = {}
  // The id that means none stands for the one that is there.
  if (uid !== -1 && uid !== MAX_ID) {
    const stored = storedId(env.idmap?.uid, uid)
    if (stored === undefined) return fault('EOVERFLOW')
    change.uid = stored
  }
  if (gid !== -1 && gid !== MAX_ID) {
    const stored = storedId(env.idmap?.gid, gid)
    if (stored === undefined) return fault('EOVERFLOW')
    change.gid = stored
  }
  return change
}

/** Seconds that an argument means; a number below zero stands for now, a Date does not. */
function secondsOf(time: unknown, name = 'time'): number {
  if (typeof time === 'string' && +time === Number(time)) return +time
  if (typeof time === 'number' && Number.isFinite(time)) return time < 0 ? Date.now() / 1000 : time
  if (time instanceof Date) return time.getTime() / 1000
  throw invalidArgType(name, 'an instance of Date or an Time in seconds', time)
}

/** Whole microseconds, cut off: libuv keeps no more. */
export function timeOf(seconds: number): Time {
  let sec = Math.trunc(seconds)
  let nsec = Math.trunc((seconds - sec) * 1e9)
  nsec -= nsec % 1000
  if (nsec < 0) {
    nsec += 1e9
    sec -= 1
  }
  return { sec, nsec }
}

/** A Date may be none. */
function timesOf(atime: number, mtime: number): Outcome<AttrChange> {
  if (!Number.isFinite(atime) || !Number.isFinite(mtime)) return fault('EINVAL')
  return { atime: timeOf(atime), mtime: timeOf(mtime) }
}

function timesChange(_core: Core, [, atime, mtime]: readonly unknown[]): Outcome<AttrChange> {
  return timesOf(secondsOf(atime), secondsOf(mtime))
}

function openTimesChange(_core: Core, [, atime, mtime]: readonly unknown[]): Outcome<AttrChange> {
  return timesOf(secondsOf(atime, 'atime'), secondsOf(mtime, 'mtime'))
}

export const chmod = changing('chmod', true, modeChange)
export const lchmod = changing('lchmod', false, modeChange)
export const fchmod = changingOpen('fchmod', modeChange)
export const chown = changing('chown', true, ownerChange)
export const lchown = changing('lchown', false, ownerChange)
export const fchown = changingOpen('fchown', ownerChange)
export const utimes = changing('utime', true, timesChange)
export const lutimes = changing('lutime', false, timesChange)
export const futimes = changingOpen('futime', openTimesChange)
