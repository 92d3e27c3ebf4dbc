// Where a name is made, removed or moved: the directory and the last name of a path, checked as the kernel checks them.
// Not here: what then happens. Follows filename_create, do_unlinkat, do_rmdir and do_renameat2 of fs/namei.c.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import type { Core } from './core.js'
import { type LastName, lastName } from './path-arg.js'

/** A name in a directory that is there. */
export interface Place {
  readonly dir: object
  readonly last: LastName
}

/** The place that a path ends in. ENOENT, ENOTDIR, ELOOP of what is before it. */
export function placeOf(core: Core, path: Bytes): Outcome<Place> {
  if (path.length === 0) return fault('ENOENT')
  const last = lastName(path)
  const dir = core.directory(last.parent)
  return dir instanceof Fault ? dir : { dir, last }
}

/** The place for a new name: EEXIST for one that is there, ENOENT for a trailing slash of what will be no directory. */
export function newPlace(core: Core, path: Bytes, directory: boolean): Outcome<Place> {
  const place = placeOf(core, path)
  if (place instanceof Fault) return place
  const { dir, last } = place
  if (last.kind !== 'name') return fault('EEXIST')
  const found = core.layer.lookup(dir, last.name)
  if (!(found instanceof Fault)) return fault('EEXIST')
  if (found.code !== 'ENOENT') return found
  return last.slash && !directory ? fault('ENOENT') : place
}
