// The kinds of image that a tree can be written as. Not here: their bytes (erofs-image.ts, cfs-v1-image.ts).

import type { Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { CfsV1Image } from './cfs-v1-image.js'
import { ErofsImage, type ErofsOptions } from './erofs-image.js'

export interface ImageFormat extends ErofsOptions {
  /** `composefs` (default): EROFS with the composefs header; `cfs-v1`: the kernel patches' own format. */
  readonly format?: 'composefs' | 'cfs-v1'
}

/** An image that is planned and can be written. */
export interface PlannedImage {
  /** Bytes. */
  readonly size: number
  /** Piece by piece; a piece is good until the next one. Once only. */
  pieces(): Generator<Uint8Array>
}

/** Throws a TreeError for a tree that the format can not hold. */
export function imageOf(tree: Tree, { format = 'composefs', ...options }: ImageFormat): PlannedImage {
  if (format === 'cfs-v1') return new CfsV1Image(tree)
  if (format !== 'composefs') throw new TreeError('EINVAL', `no such format: ${String(format)}`)
  return new ErofsImage(tree, options)
}
