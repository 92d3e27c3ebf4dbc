// Which process is behind a file that says so: what it writes of itself, and whether it still runs. Not here: what it does
// (directory-builds.ts; the lock of an upper in src/host).

import fs from 'node:fs'
import os from 'node:os'
import { codeOf } from './directory-names.js'

/** Such a file is some 200 bytes. */
const REGISTER_MAX = 4096
/** Of /proc/PID/stat (proc(5)), counted from what follows the name: state, and start in clock ticks since boot. */
const STAT_STATE = 0
const STAT_START = 19

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

export interface Registration {
  readonly pid: number
  readonly host: string
  /** Which boot of which machine, and which numbering of its processes; empty where the host has no word for it. */
  readonly boot: string
  readonly pids: string
  /** When the process began, in clock ticks since boot; empty as above. */
  readonly start: string
}

function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}

function processOf(pid: number | 'self'): { state: string; start: string } {
  const text = textOf(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // The name may hold parentheses and spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[STAT_STATE] ?? '', start: fields[STAT_START] ?? '' }
}

function whereWeAre(): Pick<Registration, 'host' | 'boot' | 'pids'> {
  return {
    host: os.hostname(),
    boot: textOf(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    pids: textOf(() => fs.readlinkSync('/proc/self/ns/pid')),
  }
}

function isRegistration(value: unknown): value is Registration {
  if (typeof value !== 'object' || value === null) return false
  const { pid, host, boot, pids, start } = value as Record<string, unknown>
  const isPid = typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && pid < 2 ** 31
  return isPid && [host, boot, pids, start].every(text => typeof text === 'string')
}

export function readRegistration(path: string): Registration | undefined {
  let fd = -1
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const buffer = Buffer.alloc(REGISTER_MAX)
    const value: unknown = JSON.parse(buffer.toString('utf8', 0, fs.readSync(fd, buffer)))
    return isRegistration(value) ? value : undefined
  } catch {
    return undefined
  } finally {
    if (fd >= 0) fs.closeSync(fd)
  }
}

/** Does the process run? undefined where its number means nothing here: another host, container or boot. */
export function isRunning({ pid, host, boot, pids, start }: Registration): boolean | undefined {
  const here = whereWeAre()
  if (boot === '' || pids === '' || host !== here.host || boot !== here.boot || pids !== here.pids) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user's.
    if (codeOf(error) === 'ESRCH') return false
  }
  const now = processOf(pid)
  if (now.state === 'Z' || now.state === 'X') return false
  // /proc may hide it: then its number must do.
  return now.start === '' || start === '' || now.start === start
}

/** What this process says of itself. */
export function thisProcess(): Registration {
  return { pid: process.pid, ...whereWeAre(), start: processOf('self').start }
}
