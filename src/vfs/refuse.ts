// What a tree that cannot change answers to a change: EROFS, or what is wrong before it comes to that, in the kernel's order
// (spec overlayfs.md section 11, and filename_create, do_unlinkat, do_rmdir, do_renameat2 of fs/namei.c). Not here: changes
// of a writable tree (make-ops.ts, attr-ops.ts, write-ops.ts).

import { Fault, fault } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import type { Core } from './core.js'
import { lastName } from './path-arg.js'

/** A call that creates a name: EEXIST or a bad parent before EROFS. */
export function refuseCreate(core: Core, path: Bytes, directory: boolean): Fault {
  if (path.length === 0) return fault('ENOENT')
  const last = lastName(path)
  const dir = core.directory(last.parent)
  if (dir instanceof Fault) return dir
  if (last.kind !== 'name') return fault('EEXIST')
  const found = core.layer.lookup(dir, last.name)
  if (!(found instanceof Fault)) return fault('EEXIST')
  if (found.code !== 'ENOENT') return found
  return fault(last.slash && !directory ? 'ENOENT' : 'EROFS')
}

/** A call that removes or moves a name: a bad parent or a dot before EROFS, which comes whatever the name is. */
export function refuseRemove(core: Core, path: Bytes, dots: { dot: Fault; dotdot: Fault; root: Fault }): Fault {
  if (path.length === 0) return fault('ENOENT')
  const last = lastName(path)
  const dir = core.directory(last.parent)
  if (dir instanceof Fault) return dir
  return last.kind === 'name' ? fault('EROFS') : dots[last.kind]
}

/** A call that changes an inode: it must be there. */
export function refuseChange(core: Core, path: Bytes, follow: boolean): Fault {
  const node = core.layer.resolve(path, follow)
  return node instanceof Fault ? node : fault('EROFS')
}

export function refuseRmdir(core: Core, path: Bytes): Fault {
  return refuseRemove(core, path, { dot: fault('EINVAL'), dotdot: fault('ENOTEMPTY'), root: fault('EBUSY') })
}

/** rename, whose two names are looked at in turn. */
export function refuseRename(core: Core, from: Bytes, to: Bytes): Fault {
  const busy = all(fault('EBUSY'))
  const first = refuseRemove(core, from, all(fault('EROFS')))
  if (first.code !== 'EROFS') return first
  const second = refuseRemove(core, to, busy)
  if (second.code !== 'EROFS') return second
  return refuseRemove(core, from, busy)
}

/** The same answer for every last name that is none. */
export function all(one: Fault): { dot: Fault; dotdot: Fault; root: Fault } {
  return { dot: one, dotdot: one, root: one }
}
