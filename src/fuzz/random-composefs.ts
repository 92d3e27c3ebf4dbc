// Random valid images as composefs' tools write them: a random dump through the writer, as EROFS with the composefs header in either
// version, or as cfs v1. Not here: the dump (random-dump.ts), plain EROFS in all of its layouts (random-erofs.ts).

import { treeFromDump } from '../tree/dump-source.js'
import type { Tree } from '../tree/tree.js'
import { type ImageFormat, imageOf } from '../writer/image-format.js'
import type { Random } from './random.js'
import { randomDump } from './random-dump.js'

export interface RandomComposefsOptions {
  /** By chance unless given. */
  readonly version?: 0 | 1
  /** Lines of the dump, at most; 12 unless given. */
  readonly lines?: number
}

export interface RandomComposefs {
  readonly bytes: Uint8Array
  /** What the image was made of. */
  readonly dump: Uint8Array
}

/** The image of a tree. Throws a TreeError for what the format can't hold. */
export function imageBytes(tree: Tree, format: ImageFormat): Uint8Array {
  const planned = imageOf(tree, format)
  const out = new Uint8Array(planned.size)
  let at = 0
  for (const piece of planned.pieces()) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/** A composefs image of version 0 or 1. */
export function randomComposefs(random: Random, { version, lines = 12 }: RandomComposefsOptions = {}): RandomComposefs {
  const wanted = version ?? random.below(2)
  const dump = randomDump(random, { mountable: true, lines, ordered: true })
  return { bytes: imageBytes(treeFromDump(dump), { minVersion: wanted, maxVersion: wanted }), dump }
}

/** A cfs v1 image. */
export function randomCfsV1(
  random: Random,
  { lines = 12 }: Omit<RandomComposefsOptions, 'version'> = {},
): RandomComposefs {
  const dump = randomDump(random, { mountable: true, lines, inline: false, ordered: true })
  return { bytes: imageBytes(treeFromDump(dump), { format: 'cfs-v1' }), dump }
}
