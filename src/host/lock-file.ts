// A file that says who uses a directory, so that no two do at a time. One whose process has ended is taken over. Not here: how a
// process is told from another (src/store/directory-process.ts).

import fs from 'node:fs'
import { Fault, faultError } from '../format/errno.js'
import { codeOf, temporaryName } from '../store/directory-names.js'
import { isRunning, readRegistration, thisProcess } from '../store/directory-process.js'

const MODE = 0o600
/** How often others may come between. */
const TRIES = 16

/** Takes a lock; the function gives it back. Throws EBUSY, saying whose it is, or the host's error. */
export function takeLock(path: string): () => void {
  const own = `${path}${temporaryName()}`
  fs.writeFileSync(own, `${JSON.stringify(thisProcess())}\n`, { flag: 'wx', mode: MODE })
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (linked(own, path)) return () => fs.rmSync(path, { force: true })
      const holder = readRegistration(path)
      if (holder === undefined && !fs.existsSync(path)) continue
      if (holder === undefined || isRunning(holder) !== false) {
        const who = holder === undefined ? 'someone' : `process ${holder.pid} of ${holder.host}`
        throw faultError(new Fault('EBUSY', `is in use by ${who}`), path)
      }
      removeStale(path, holder.pid)
    }
    throw faultError(new Fault('EBUSY', 'others take it again and again'), path)
  } finally {
    fs.rmSync(own, { force: true })
  }
}

function linked(own: string, path: string): boolean {
  try {
    fs.linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Moved aside first: if it has become another's meanwhile, that one gets it back. */
function removeStale(path: string, pid: number): void {
  const aside = `${path}${temporaryName()}`
  try {
    fs.renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readRegistration(aside)?.pid !== pid) linked(aside, path)
  fs.rmSync(aside, { force: true })
}
