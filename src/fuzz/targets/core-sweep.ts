// Sweeps over the whole, and the map of what each byte is. Invariants: those of CORE_INVARIANTS, and
// - once: a sweep names no directory twice, and ends
// - map: every piece that the map names lies within the image, or within its metabox
// - extents: those of a compressed inode follow one upon the other

import type { CoreImage } from '../../../wasm/core-image.js'
import { BOX_BASE, Pieces } from '../../../wasm/core-pieces.js'
import { PIECE_FLAGS } from '../../format/anatomy-structs.js'
import { CONSTANTS, RECORD_FLAGS } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { Violation } from '../target.js'
import { foundInodes } from './inodes.js'

const INODES_MAX = 24
/** Answers of a sweep that are looked at. */
const ANSWERS_MAX = 4096

export class CoreSweepTarget extends CoreTarget {
  readonly name = 'sweep'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'once: a sweep names no directory twice, and ends',
    'map: every piece that the map names lies within the image, or within its metabox',
    'extents: those of a compressed inode follow one upon the other',
  ]

  protected ask(image: CoreImage): void {
    const root = this.rootOf(image)
    this.#sweep(image, root)
    const pieces = new Pieces(image)
    this.#within(
      image,
      pieces,
      this.asked('frame', () => pieces.frame()),
    )
    for (const { nid } of this.asked('readdir', () => foundInodes(image, root, INODES_MAX))) {
      this.#within(
        image,
        pieces,
        this.asked('pieces', () => pieces.load(nid, 0, 0)),
      )
      this.#extents(
        pieces,
        this.asked('pieces', () => pieces.load(nid, 0, PIECE_FLAGS.PF_EXTENTS)),
      )
      this.#within(
        image,
        pieces,
        this.asked('dirents', () => pieces.dirents(nid, 0)),
      )
    }
  }

  #sweep(image: CoreImage, root: number): void {
    const walk = image.walk(root, 0)
    try {
      const seen = new Set<number>()
      for (let left = ANSWERS_MAX; ; left--) {
        const count = this.answer(
          'walk',
          this.asked('walk', () => walk.next()),
        )
        if (count <= 0) return
        if (left === 0) throw new Violation('once', 'no end')
        for (let i = 0; i < count; i++) {
          if ((image.flags(i) & RECORD_FLAGS.RF_DIRECTORY) === 0) continue
          if (seen.has(image.nid(i))) throw new Violation('once', `directory ${image.nid(i)}`)
          seen.add(image.nid(i))
        }
      }
    } finally {
      walk.close()
    }
  }

  #within(image: CoreImage, pieces: Pieces, answer: number): void {
    this.answer('pieces', answer)
    for (let i = 0; i < pieces.length; i++) {
      const [start, size] = [pieces.start(i), pieces.size(i)]
      const [at, end] = start < BOX_BASE ? [start, image.size] : [start - BOX_BASE, BOX_BASE]
      if (at < 0 || size < 0 || at + size > end + CONSTANTS.EROFS_SUPER_OFFSET) {
        throw new Violation('map', `${size} bytes at ${start} of ${image.size}`)
      }
    }
  }

  #extents(pieces: Pieces, answer: number): void {
    this.answer('pieces', answer)
    for (let i = 0; i < pieces.length; i++) {
      const before = i === 0 ? -1 : pieces.at(i - 1)
      // Beyond 2^53 neighbours may round to the same number.
      if (pieces.at(i) < before || (pieces.at(i) === before && before < Number.MAX_SAFE_INTEGER))
        throw new Violation('extents', `${pieces.at(i)} after ${before}`)
    }
  }
}
