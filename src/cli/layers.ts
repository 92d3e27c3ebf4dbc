// An image with its store as the commands read files through it. Not here: what is done with the bytes.

import fs from 'node:fs'
import { Fault } from '../format/errno.js'
import { sha256 } from '../host/hash.js'
import type { Image } from '../image/image.js'
import { ImageLayer } from '../overlay/image-layer.js'
import type { OpenFile } from '../overlay/layer.js'
import { DirectoryStore } from '../store/directory.js'
import { VerifiedObjects } from '../store/verified.js'
import { CommandError, failure } from './failure.js'

/** Bytes that are read and handed on at a time. */
const PIECE = 1 << 20

/** The checker over the store that `--basedir` names; undefined without one. Throws a CommandError. */
export function openStore(basedir: string | undefined): VerifiedObjects | undefined {
  if (basedir === undefined) return undefined
  if (/^(?:https?|s3):\/\//i.test(basedir)) {
    throw new CommandError(`open: ${basedir}: stores by URL are not supported yet (ENOTSUP)`)
  }
  try {
    if (!fs.statSync(basedir).isDirectory()) throw new Error('not a directory')
  } catch (error) {
    throw failure('open', basedir, error)
  }
  return new VerifiedObjects(new DirectoryStore(basedir), sha256)
}

export function layerOf(image: Image, basedir: string | undefined): ImageLayer {
  return new ImageLayer(image, openStore(basedir), 'on')
}

/** Hands a file's bytes on, a piece at a time, and closes it. The Fault that ended it, if one did. */
export function eachPiece(file: OpenFile, take: (piece: Uint8Array) => void): Fault | undefined {
  try {
    const buffer = new Uint8Array(Math.min(PIECE, Math.max(file.size, 1)))
    for (let position = 0; position < file.size; ) {
      const n = file.read(buffer, position, true)
      if (n instanceof Fault) return n
      if (n === 0) return new Fault('EIO', `ends after ${position} of ${file.size} bytes`)
      take(buffer.subarray(0, n))
      position += n
    }
    return undefined
  } finally {
    file.close()
  }
}
