// How an object that stands in a directory store stays there while gc runs: a build freshens it, and what gc moved aside
// goes back. Part of src/store/directory.ts; why it is done so stands at the head of directory-gc.ts.

import fs from 'node:fs'
import { codeOf } from './directory-names.js'
import { leave, type Place, type Walk } from './directory-walk.js'
import { objectError } from './errors.js'

const DIRECTORY_MODE = 0o755

/**
 * Marks the object that stands at a path as used just now, so that no gc that goes on removes it. False when there is
 * none, or none that may be marked, any more: then the caller must put its own copy there, by a rename. Throws the
 * host's error, and EEXIST (of the object `name`) when what stands there is no regular file.
 */
export function freshen(path: string, name: string): boolean {
  const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return false
  if (!stat.isFile()) throw objectError('EEXIST', name, 'the name is taken by what is no object')
  // Finer than Date.now: what gc looks for is that the mtime has changed.
  const now = (performance.timeOrigin + performance.now()) / 1000
  try {
    fs.lutimesSync(path, now, now)
  } catch (error) {
    // Times are set by a file's owner alone.
    if (['ENOENT', 'EPERM', 'EACCES'].includes(codeOf(error))) return false
    throw error
  }
  // It may have been moved aside after its path was looked up and before its time was set.
  const again = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return again !== undefined && again.ino === stat.ino && again.dev === stat.dev
}

/**
 * Puts back what gc moved aside, unless someone has put his own copy there. False when it is gone. Throws the host's
 * error, and ELOOP or ENOTDIR when what holds the object is no directory.
 */
export function unpark(walk: Walk, root: Place, parked: string, object: string): boolean {
  const [dir, name] = object.split('/')
  try {
    fs.mkdirSync(`${root.path}/${dir}`, { mode: DIRECTORY_MODE })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const place = walk.stepSync(root, dir)
  try {
    return moveBack(`${root.path}/${parked}`, `${place.path}/${name}`)
  } finally {
    leave(place)
  }
}

function moveBack(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return false
    if (code !== 'EEXIST') {
      // No hard links here, or none of another's file. A rename takes the place of what has come meanwhile: its like.
      fs.renameSync(from, to)
      return true
    }
  }
  fs.rmSync(from, { force: true })
  return true
}
