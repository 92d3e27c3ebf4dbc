// A composefs image of a tree: EROFS with the composefs header (spec composefs-image.md). It is planned and written in the
// build core (asm/build: order, rewrite, share, place, image), in memory of the tree's that is given back afterwards.

import { accepted } from '../tree/reasons.js'
import type { Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'

export interface ErofsOptions {
  /** Lowest composefs_version that the image may have: 0 (default) or 1. */
  readonly minVersion?: number
  /** Highest one: 0 or 1 (default); a lower one than the lowest counts as that. */
  readonly maxVersion?: number
}

/** An image of a tree, ready to be written. */
export class ErofsImage {
  /** Bytes of the image. */
  readonly size: number
  /** composefs_version. */
  readonly version: number
  readonly #tree: Tree
  readonly #handle: number

  /** Plans it. Throws a TreeError: EINVAL for a version, EFBIG, ERANGE for what can not be written, ENOMEM. */
  constructor(tree: Tree, { minVersion = 0, maxVersion = 1 }: ErofsOptions = {}) {
    for (const version of [minVersion, maxVersion]) {
      if (version !== 0 && version !== 1) throw new TreeError('EINVAL', `version ${version} is neither 0 nor 1`)
    }
    const { core } = tree
    accepted(core, core.settled(core.exports.planImage(minVersion, maxVersion)))
    this.#tree = tree
    this.#handle = core.exports.image.value
    this.size = core.exports.imageSize(this.#handle)
    this.version = core.exports.imageVersion(this.#handle)
  }

  /**
   * The image piece by piece; a piece is good until the next one is asked for or the tree changes. Can be asked for once.
   * Throws a TreeError (ESTALE) when the tree has got nodes since.
   */
  *pieces(): Generator<Uint8Array> {
    const { core } = this.#tree
    const handle = this.#handle
    try {
      for (;;) {
        const length = accepted(core, core.exports.writePiece(handle))
        if (length === 0) return
        yield core.piece(handle, length)
      }
    } finally {
      core.exports.dropImage(handle)
    }
  }
}
