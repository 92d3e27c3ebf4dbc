// An image with its store as the commands read files through it. Not here: what is done with the bytes.

import fs from 'node:fs'
import { Fault } from '../format/errno.js'
import { sha256 } from '../host/hash.js'
import type { Image } from '../image/image.js'
import type { ImageLayer } from '../overlay/image-layer.js'
import type { OpenFile } from '../overlay/layer.js'
import { imageLayer } from '../overlay/limited-layer.js'
import { answered } from '../overlay/waiting.js'
import { DirectoryStore } from '../store/directory.js'
import { VerifiedObjects } from '../store/verified.js'
import { failure } from './failure.js'
import { isUrl, localPath } from './url.js'

/** Bytes that are read and handed on at a time; of what is elsewhere more, since each piece takes a way there and back. */
const PIECE = 1 << 20
const PIECE_ELSEWHERE = 4 << 20

/** The checker over the store that `--basedir` names, a path; undefined without one. Throws a CommandError. */
export function openStore(basedir: string | undefined): VerifiedObjects | undefined {
  if (basedir === undefined) return undefined
  try {
    if (isUrl(basedir)) throw new Fault('ENOTSUP', 'a store by URL is not read by this command')
    const path = localPath(basedir)
    if (!fs.statSync(path).isDirectory()) throw new Error('not a directory')
    return new VerifiedObjects(new DirectoryStore(path), sha256)
  } catch (error) {
    throw failure('open', basedir, error)
  }
}

/** The same of a path or URL. A store that is elsewhere is not asked anything yet. */
export async function openStoreAny(basedir: string | undefined): Promise<VerifiedObjects | undefined> {
  if (basedir === undefined || !isUrl(basedir)) return openStore(basedir)
  try {
    const { RemotePlaces } = await import('./remote.js')
    return new VerifiedObjects(new RemotePlaces().store(basedir), sha256)
  } catch (error) {
    throw failure('open', basedir, error)
  }
}

export async function layerOf(image: Image, basedir: string | undefined): Promise<ImageLayer> {
  return imageLayer(image, await openStoreAny(basedir), 'on', image.limits)
}

/** As eachPiece, of a file whose bytes may have to be waited for. */
export async function eachPieceLater(file: OpenFile, take: (piece: Uint8Array) => void): Promise<Fault | undefined> {
  try {
    const buffer = new Uint8Array(Math.min(PIECE_ELSEWHERE, Math.max(file.size, 1)))
    for (let position = 0; position < file.size; ) {
      const at = position
      const n = await answered(() => file.read(buffer, at, true))
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
