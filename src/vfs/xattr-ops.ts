// Extended attributes, which Node has no calls for: listxattr, getxattr, setxattr, removexattr. Not here: which of them a
// layer shows. Errors are those of the system calls (ENODATA for a name that is missing).

import { Fault, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { invalidArgType } from './arg-errors.js'
import { asBuffer, encoded } from './bytes.js'
import { checkOptions } from './check.js'
import type { Core } from './core.js'
import { checkPath } from './path-arg.js'
import { loose } from './stat-ops.js'
import { type Operation, Task } from './task.js'
import { checkWritten, refuseChange } from './write-ops.js'

function xattrNode(core: Core, path: Bytes, options: unknown): Outcome<object> {
  return core.layer.resolve(path, loose(options)['follow'] !== false)
}

function checkXattrName(name: unknown): Bytes {
  if (typeof name === 'string' || name instanceof Uint8Array) return name
  throw invalidArgType('name', 'of type string or an instance of Buffer', name)
}

export const listxattr: Operation = (core, [pathArg, options]) => {
  const encoding = checkOptions(options)['encoding'] as string | undefined
  const path = checkPath(pathArg)
  return new Task<unknown>('listxattr', path, () => {
    const node = xattrNode(core, path, options)
    if (node instanceof Fault) return node
    const names = core.layer.listxattr(node)
    return names instanceof Fault ? names : names.map(name => encoded(name, encoding))
  })
}

export const getxattr: Operation = (core, [pathArg, nameArg, options]) => {
  const path = checkPath(pathArg)
  const name = checkXattrName(nameArg)
  return new Task<unknown>('getxattr', path, () => {
    const node = xattrNode(core, path, options)
    if (node instanceof Fault) return node
    const value = core.layer.getxattr(node, name)
    return value instanceof Fault ? value : asBuffer(value)
  })
}

/** setxattr(path, name, value, { follow, flags }) */
export const setxattr: Operation<undefined> = (core, [pathArg, name, value, options]) => {
  const path = checkPath(pathArg)
  checkXattrName(name)
  checkWritten(value)
  return new Task<undefined>('setxattr', path, () => refuseChange(core, path, loose(options)['follow'] !== false))
}

/** removexattr(path, name, { follow }) */
export const removexattr: Operation<undefined> = (core, [pathArg, name, options]) => {
  const path = checkPath(pathArg)
  checkXattrName(name)
  return new Task<undefined>('removexattr', path, () => refuseChange(core, path, loose(options)['follow'] !== false))
}
