// The bytes of an open file in pieces, waited for where they are not here. Not here: opening.

import { Fault, faultError, orThrow } from '../format/errno.js'
import type { Layer, OpenFile } from './layer.js'
import { answered } from './waiting.js'

/** Bytes of a piece. */
const PIECE = 1 << 18

/** Opens a regular file, waiting for what lacks. Throws the Error of a Fault. */
export async function openWaiting<N extends object>(layer: Layer<N>, node: N, path: string): Promise<OpenFile> {
  return orThrow(await answered(() => layer.open(node, false)), path)
}

/** All of an open file, in pieces that the caller owns. Throws the Error of a Fault. */
export async function* filePieces(file: OpenFile, path: string): AsyncGenerator<Uint8Array> {
  const { size } = file
  for (let at = 0; at < size; ) {
    const piece = new Uint8Array(Math.min(PIECE, size - at))
    const count = orThrow(await answered(() => file.read(piece, at, false)), path)
    if (count === 0) throw faultError(new Fault('ESTALE', 'became shorter while it was read'), path)
    yield piece.subarray(0, count)
    at += count
  }
}
