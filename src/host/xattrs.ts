// Extended attributes of the host's files, of symlinks themselves where a path names one (llistxattr(2), lgetxattr(2)).
// Not here: which of them an image gets (src/tree/fs-source.ts).

import { errnoName, errnoText } from '../format/errno.js'
import { binaryString } from '../format/xattr-name.js'
import type { XattrSource } from '../tree/fs-source.js'
import { TreeError } from '../tree/tree-error.js'
import { loadLibc } from './libc.js'

/** Most that Linux gives as names of one file, and as one value (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const MOST = 65536
const TEXT_ROOM = 4096 + 256
const TRIES = 8
const NOTHING: readonly string[] = []

const UNSUPPORTED = 'xattrs are not supported there, but can be left out'

/** The host's xattrs. Throws a TreeError (ENOTSUP) where they can't be read at all. */
export function hostXattrs(): XattrSource {
  const libc = loadLibc()
  if (libc === undefined) {
    const why = process.platform === 'linux' ? 'install the npm package koffi' : 'they are read on Linux only'
    throw new TreeError('ENOTSUP', `cannot read xattrs: ${why}, or leave them out`)
  }
  const path = Buffer.alloc(TEXT_ROOM)
  const name = Buffer.alloc(TEXT_ROOM)
  let names: Buffer = Buffer.alloc(MOST)
  let value: Buffer = Buffer.alloc(MOST)

  const placed = (text: string, into: Buffer): Buffer => {
    if (text.length >= TEXT_ROOM) throw new TreeError('ENAMETOOLONG')
    into[into.write(text, 'latin1')] = 0
    return into
  }
  /** Calls until the buffer is large enough. */
  const filled = (call: (into: Buffer | null, size: number) => number, buffer: Buffer): [Buffer, number] => {
    let into = buffer
    for (let tries = 1; ; tries++) {
      const length = call(into, into.length)
      if (length >= 0) return [into, length]
      const code = errnoName(libc.errno())
      // Larger than Linux' own file systems have them; who knows what others do.
      if (code !== 'ERANGE' || tries === TRIES) {
        throw new TreeError(code, code === 'ENOTSUP' ? UNSUPPORTED : errnoText(code))
      }
      into = Buffer.alloc(Math.max(2 * into.length, call(null, 0)))
    }
  }
  return {
    list(at) {
      const where = placed(at, path)
      let length: number
      ;[names, length] = filled((into, size) => libc.llistxattr(where, into, size), names)
      if (length === 0) return NOTHING
      return binaryString(names.subarray(0, length - 1)).split('\0')
    },
    get(at, key) {
      const where = placed(at, path)
      const what = placed(key, name)
      let length: number
      ;[value, length] = filled((into, size) => libc.lgetxattr(where, what, into, size), value)
      return value.subarray(0, length)
    },
  }
}
