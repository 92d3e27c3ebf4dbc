// The synchronous calls that a walk of a tree consists of, with their plain arguments taken first: a string path and no
// options. Whatever else, and every error but the plainest, goes the way that all operations go.
// Not here: those ways (stat-ops.ts, dir-ops.ts, file-ops.ts).

import { Fault } from '../format/errno.js'
import { asBuffer, textIn, utf8Text } from './bytes.js'
import type { Core } from './core.js'
import { readdir } from './dir-ops.js'
import { fsError, READ_FILE_MAX } from './errors.js'
import { readFile } from './file-ops.js'
import * as stats from './stat-ops.js'
import { runSync } from './task.js'

/** Bytes. */
const SHORT = 65536

type Call = (path: unknown, options?: unknown) => unknown

export function lstatSync(core: Core): Call {
  return function lstatSync(path, options) {
    if (options === undefined && typeof path === 'string' && path.indexOf('\0') === -1) {
      const found = core.plainStat(path, false)
      if (found instanceof Fault) throw fsError(found, 'lstat', path)
      return found
    }
    return runSync(stats.lstatSync(core, [path, options]))
  }
}

export function statSync(core: Core): Call {
  return function statSync(path, options) {
    if (options === undefined && typeof path === 'string' && path.indexOf('\0') === -1) {
      const found = core.plainStat(path, true)
      if (found instanceof Fault) throw fsError(found, 'stat', path)
      return found
    }
    return runSync(stats.statSync(core, [path, options]))
  }
}

export function readdirSync(core: Core): Call {
  return function readdirSync(path, options) {
    if (options === undefined && typeof path === 'string' && path.indexOf('\0') === -1) {
      const names = core.names(path)
      if (names instanceof Fault) throw fsError(names, 'scandir', path)
      return names
    }
    return runSync(readdir(core, [path, options]))
  }
}

/** The content, or undefined where it is better to go the long way, which also finds the words for an error. */
function plainRead(core: Core, path: string): Uint8Array | undefined {
  const file = core.openBriefly(path, true)
  if (file instanceof Fault) return undefined
  const data = file.size <= READ_FILE_MAX ? file.readAll(true) : undefined
  file.close()
  return data instanceof Fault ? undefined : data
}

/** Text of bytes. A decoder is quicker than a Buffer made for it, and Buffer has the right error for what is too long. */
function shortText(data: Uint8Array): string {
  return data.length <= SHORT ? utf8Text(data) : textIn(data, 'utf8')
}

export function readFileSync(core: Core): Call {
  return function readFileSync(path, options) {
    const text = options === 'utf8' || options === 'utf-8'
    if ((text || options === undefined) && typeof path === 'string' && path.indexOf('\0') === -1) {
      const data = plainRead(core, path)
      if (data !== undefined) return text ? shortText(data) : asBuffer(data)
    }
    return runSync(readFile(core, [path, options]))
  }
}
