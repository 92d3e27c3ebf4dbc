// An image written by a command: planned, streamed to where it goes, its digest taken on the way. Not here: the tree.

import { toHex } from '../format/hex.js'
import { VerityHasher } from '../format/verity.js'
import { sha256 } from '../host/hash.js'
import type { Tree } from '../tree/tree.js'
import { type ImageFormat, imageOf } from '../writer/image-format.js'
import { writeOutput } from './output-file.js'

export interface WriteOptions extends ImageFormat {
  /** Where the image goes; `-` is standard output, undefined nowhere. */
  readonly output: string | undefined
  /** Is the digest wanted? */
  readonly digest: boolean
}

export interface Written {
  /** Bytes of the image. */
  readonly size: number
  /** fs-verity SHA-256 digest, where it was wanted. */
  readonly digest: string | undefined
}

/** Throws a TreeError for a tree that makes no image, a CommandError for an output that takes none. */
export function writeImage(tree: Tree, { output, digest, ...format }: WriteOptions): Written {
  const image = imageOf(tree, format)
  const hasher = digest ? new VerityHasher(sha256) : undefined
  const seen = (piece: Uint8Array) => hasher?.update(piece)
  if (output === undefined) for (const piece of image.pieces()) seen(piece)
  else writeOutput(output, image.pieces(), seen)
  return { size: image.size, digest: hasher && toHex(hasher.digest()) }
}
