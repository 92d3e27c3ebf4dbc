// Ways down from a directory store's root to the directory that holds an object, without following a symlink. Part of
// src/store/directory.ts, which says what they are for.

import fs from 'node:fs'
import { promisify } from 'node:util'
import { objectError } from './errors.js'

const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants
/** Linux' number on every architecture that Node runs on; fs.constants lacks it. */
const O_PATH = 0o10000000
const OPEN_DIRECTORY = O_PATH | O_DIRECTORY | O_NOFOLLOW
const OWN_FDS = '/proc/self/fd'

const openAsync = promisify(fs.open)

/** A directory on the way: what to put before `/NAME`, and the descriptor that holds it (-1: none). */
export interface Place {
  readonly path: string
  readonly fd: number
}

export function leave(place: Place): void {
  if (place.fd !== -1) fs.closeSync(place.fd)
}

/** How one goes from a directory to one in it. Throws ELOOP at a symlink, ENOTDIR at what is no directory either. */
export interface Walk {
  stepSync(at: Place, part: string): Place
  step(at: Place, part: string): Promise<Place>
  /** Throws unless an object that was opened at `root/name` is still what stands there. */
  confirm(root: string, name: string, opened: fs.Stats): void
}

/** Why a directory could not be entered; `stat` is what stands at its name (a directory: it was swapped meanwhile). */
function notEntered(stat: fs.Stats, part: string): Error {
  if (stat.isSymbolicLink() || stat.isDirectory()) return objectError('ELOOP', part, "is a symlink on an object's way")
  return objectError('ENOTDIR', part, "is no directory, but on an object's way")
}

class ByDescriptor implements Walk {
  stepSync(at: Place, part: string): Place {
    try {
      return this.#place(fs.openSync(`${at.path}/${part}`, OPEN_DIRECTORY))
    } catch (error) {
      throw this.#why(error, at, part)
    }
  }

  async step(at: Place, part: string): Promise<Place> {
    try {
      return this.#place(await openAsync(`${at.path}/${part}`, OPEN_DIRECTORY))
    } catch (error) {
      throw this.#why(error, at, part)
    }
  }

  confirm(): void {}

  #place(fd: number): Place {
    return { path: `${OWN_FDS}/${fd}`, fd }
  }

  /** With O_PATH a symlink is ENOTDIR too. */
  #why(error: unknown, at: Place, part: string): unknown {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) return error
    return notEntered(fs.lstatSync(`${at.path}/${part}`), part)
  }
}

/**
 * For hosts without O_PATH and /proc: each directory is looked at before, and the whole way once more after the object
 * was opened, which must still be what stands there. A swap there and back between two of these looks can turn one
 * open aside, so who can write to such a store can have another file of his choice opened; its bytes still have to
 * have the digest.
 */
class ByPath implements Walk {
  stepSync(at: Place, part: string): Place {
    const path = `${at.path}/${part}`
    return this.#entered(fs.lstatSync(path), path, part)
  }

  async step(at: Place, part: string): Promise<Place> {
    const path = `${at.path}/${part}`
    return this.#entered(await fs.promises.lstat(path), path, part)
  }

  confirm(root: string, name: string, opened: fs.Stats): void {
    let at: Place = { path: root, fd: -1 }
    const parts = name.split('/')
    for (const part of parts.slice(0, -1)) at = this.stepSync(at, part)
    const now = fs.lstatSync(`${at.path}/${parts[parts.length - 1]}`)
    if (now.isFile() && now.ino === opened.ino && now.dev === opened.dev) return
    throw objectError('ENOENT', name, now.isFile() ? 'was replaced while it was opened' : 'is not a regular file')
  }

  #entered(stat: fs.Stats, path: string, part: string): Place {
    if (!stat.isDirectory()) throw notEntered(stat, part)
    return { path, fd: -1 }
  }
}

/** The way that suits the host; `portable` asks for the one that works on all. */
export function walkOf(portable: boolean): Walk {
  const byDescriptor = !portable && process.platform === 'linux' && fs.existsSync(`${OWN_FDS}/.`)
  return byDescriptor ? new ByDescriptor() : new ByPath()
}
