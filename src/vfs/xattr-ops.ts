// Extended attributes, which Node has no calls for: listxattr, getxattr, setxattr, removexattr. Not here: which of them a
// layer shows. Errors are those of the system calls (ENODATA for a name that is missing).

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { invalidArgType } from './arg-errors.js'
import { asBuffer, encoded, utf8Bytes, viewBytes } from './bytes.js'
import { checkInteger, checkOptions } from './check.js'
import type { Core } from './core.js'
import { checkPath } from './path-arg.js'
import { loose } from './stat-ops.js'
import { type Operation, Task } from './task.js'
import { checkWritten } from './write-args.js'

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

function valueBytes(value: unknown): Uint8Array {
  checkWritten(value)
  return typeof value === 'string' ? utf8Bytes(value) : viewBytes(value as ArrayBufferView)
}

/** setxattr(path, name, value, { follow, flags }): flags 1 (XATTR_CREATE) and 2 (XATTR_REPLACE). */
export const setxattr: Operation<undefined> = (core, [pathArg, nameArg, valueArg, options]) => {
  const path = checkPath(pathArg)
  const name = checkXattrName(nameArg)
  const value = valueBytes(valueArg)
  const flags = checkInteger(loose(options)['flags'] ?? 0, 'options.flags', 0, 3)
  return new Task<undefined>('setxattr', path, (_task, wait) => {
    const node = xattrNode(core, path, options)
    if (node instanceof Fault) return node
    return core.writable === undefined ? fault('EROFS') : core.writable.setxattr(node, name, value, flags, wait)
  })
}

/** removexattr(path, name, { follow }) */
export const removexattr: Operation<undefined> = (core, [pathArg, nameArg, options]) => {
  const path = checkPath(pathArg)
  const name = checkXattrName(nameArg)
  return new Task<undefined>('removexattr', path, (_task, wait) => {
    const node = xattrNode(core, path, options)
    if (node instanceof Fault) return node
    return core.writable === undefined ? fault('EROFS') : core.writable.removexattr(node, name, wait)
  })
}
