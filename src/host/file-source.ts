// A file of the host as a ByteSource: for images of which only a part is to be in memory. Not here: the reads, which are those of
// an object in a directory (src/store/directory-object.ts).

import fs from 'node:fs'
import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { DirectoryObject } from '../store/directory-object.js'

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants

/** Throws the host's error; EINVAL for what is no regular file or block device. */
export function openFileSource(path: string): ByteSource {
  const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile() && !stat.isBlockDevice()) throw faultError(new Fault('EINVAL', 'not a regular file'), path)
    return new DirectoryObject(path, fd, stat.isFile() ? stat.size : deviceSize(fd))
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

/** A block device has no size to fstat; where a read brings nothing, it ends. */
function deviceSize(fd: number): number {
  const byte = new Uint8Array(1)
  const has = (at: number) => fs.readSync(fd, byte, 0, 1, at) === 1
  let high = 1
  while (high < Number.MAX_SAFE_INTEGER / 2 && has(high - 1)) high *= 2
  let low = 0
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (has(middle)) low = middle + 1
    else high = middle
  }
  return low
}
