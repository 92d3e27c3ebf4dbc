// Files that say who uses a directory, so that no two do at a time. Whoever wants it puts a file of their own there, then looks
// whether there are others: of two, the later one sees the earlier, so that none needs to take away what another may hold just
// now. Files of processes that have ended are removed by whoever comes next. Not here: how a process is told from another
// (src/store/directory-process.ts).

import fs from 'node:fs'
import os from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Fault, faultError } from '../format/errno.js'
import { codeOf, temporaryName } from '../store/directory-names.js'
import { isRunning, type Registration, readRegistration, thisProcess } from '../store/directory-process.js'

const MODE = 0o600
/** How often to look again while others want it too, and for how long to wait before at most, in milliseconds. */
const TRIES = 40
const PAUSE = 10
/** What a process leaves that was killed before its file had its name is removed after so many milliseconds. */
const LEFT_AFTER = 3_600_000
/** File systems that one machine has for itself (linux/magic.h): ext4, xfs, btrfs, tmpfs, overlayfs, f2fs, zfs, bcachefs. */
const LOCAL = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e]

/** What such a file holds. */
interface Claim extends Registration {
  /** It has been found to be the only one. */
  readonly held?: boolean
}

interface Other {
  readonly name: string
  /** undefined for what can't be read. */
  readonly claim: Claim | undefined
}

/** Takes the lock whose files are called `path` and more; the function gives it back. Throws EBUSY, saying whose it is, or the host's error. */
export function takeLock(path: string): () => void {
  let own = announce(path)
  try {
    for (let tries = 0; ; tries++) {
      const others = othersThan(path, own)
      if (others.length === 0) {
        hold(path, own)
        return () => fs.rmSync(own, { force: true })
      }
      const holder = others.find(({ claim }) => claim?.held === true) ?? (tries < TRIES ? undefined : others[0])
      if (holder !== undefined) throw busy(path, holder)
      // Of those who want it the one whose name comes first stays.
      const stays = others.every(({ name }) => basename(own) < name)
      if (!stays) fs.rmSync(own, { force: true })
      pause(Math.min(PAUSE, 1 + tries) * Math.random())
      if (!stays) own = announce(path)
    }
  } catch (error) {
    fs.rmSync(own, { force: true })
    throw error
  }
}

/** Puts a file there, which has all its content as soon as it has its name. */
function announce(path: string): string {
  const name = `${path}-${temporaryName().slice('.tmp'.length)}`
  write(path, name, thisProcess())
  return name
}

function hold(path: string, own: string): void {
  try {
    write(path, own, { ...thisProcess(), held: true })
  } catch {
    // Those who come will only look for longer.
  }
}

function write(path: string, name: string, claim: Claim): void {
  const temporary = `${path}${temporaryName()}`
  try {
    fs.writeFileSync(temporary, `${JSON.stringify(claim)}\n`, { flag: 'wx', mode: MODE })
    fs.renameSync(temporary, name)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
}

/** All but those of processes that have ended, which go. */
function othersThan(path: string, own: string): Other[] {
  const directory = dirname(path)
  const found: Other[] = []
  for (const name of fs.readdirSync(directory)) {
    const file = join(directory, name)
    if (name.startsWith(`${basename(path)}.tmp`)) removeLeft(file)
    if (!name.startsWith(`${basename(path)}-`) || file === own) continue
    const claim = readRegistration(file) as Claim | undefined
    if (claim !== undefined ? hasEnded(claim, directory) : isBlank(file)) fs.rmSync(file, { force: true })
    else found.push({ name, claim })
  }
  return found
}

/** What a machine that stopped may leave of one: it has all its content as long as that runs. */
function isBlank(file: string): boolean {
  try {
    return fs.lstatSync(file).isFile() && fs.readFileSync(file).every(byte => byte === 0)
  } catch (error) {
    return codeOf(error) === 'ENOENT'
  }
}

function removeLeft(file: string): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  if (stat !== undefined && Date.now() - stat.mtimeMs > LEFT_AFTER) fs.rmSync(file, { force: true })
}

function hasEnded(claim: Claim, directory: string): boolean {
  const runs = isRunning(claim)
  if (runs !== undefined) return !runs
  const here = thisProcess()
  if (claim.host !== here.host) return false
  // Before this machine was started: nobody else can have had its disks since.
  if (claim.boot !== '' && here.boot !== '') return claim.boot !== here.boot && isLocal(directory)
  if (process.platform === 'linux' || claim.boot !== here.boot) return false
  return !isThere(claim.pid)
}

function isLocal(directory: string): boolean {
  return LOCAL.includes(fs.statfsSync(directory).type)
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

function busy(path: string, { name, claim }: Other): Error {
  const file = join(dirname(path), name)
  if (claim === undefined) return faultError(new Fault('EBUSY', `is in use by someone; ${file} says no more`), path)
  const own = claim.pid === process.pid && isRunning(claim) === true
  const who = own ? 'this process' : `process ${claim.pid} of ${claim.host}`
  const unknown = isRunning(claim) === undefined ? `; if that has ended, remove ${file}` : ''
  return faultError(
    new Fault('EBUSY', `is in use by ${who}${claim.host === os.hostname() ? '' : ', another host'}${unknown}`),
    path,
  )
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
