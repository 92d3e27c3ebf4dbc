// Questions about where the parts of an image lie: answers as pieces (src/format/anatomy-structs.ts) in the core's table, good
// until the next question. Not here: finding them (asm/anatomy.ts), what they mean (src/anatomy).

import { PIECE } from '../src/format/anatomy-structs.js'
import { CONSTANTS, SCRATCH } from '../src/format/structs.js'
import type { CoreImage } from './core-image.js'

const S = SCRATCH.fields
const P = PIECE.fields
const DOUBLES = PIECE.size >> 3
const WORDS = PIECE.size >> 2
const START = P.start.offset >> 3
const LENGTH = P.length.offset >> 3
const AT = P.at.offset >> 3
const KIND = P.kind.offset >> 2
const DETAIL = P.detail.offset >> 2

/** What lies in the metabox has its offset there behind this one, which is beyond all images (asm/bytes.ts). */
export const BOX_BASE = 2 ** 52

/** Bytes that `peek` gives at most: more than any struct or xattr has. Of a paged image they have to be copied together. */
export const PEEK_MOST = 1 << 17

export class Pieces {
  /** Pieces in the table. */
  length = 0
  /** load: byte of the file's data to go on with, -1 at the end. frame: nid of the packed inode, or 0. dirents: blocks. */
  cookie = -1
  /** frame: nid of the metabox inode, or 0. */
  metabox = 0
  /** errno of what is wrong with a part, which is left out; 0. */
  error = 0
  readonly #image: CoreImage

  constructor(image: CoreImage) {
    this.#image = image
  }

  #took(r: number): number {
    const { core } = this.#image
    this.length = Math.max(r, 0)
    this.cookie = core.f64[(core.scratch + S.cookie.offset) >>> 3]
    this.error = core.u32[(core.scratch + S.pieces_error.offset) >>> 2]
    return r
  }

  /** Those of an inode; from byte `at` of its data on only those of data, where that is not 0. Their number, or -errno. */
  load(nid: number, at: number, flags: number): number {
    const image = this.#image
    return this.#took(image.exports.pieces(image.handle, nid, at, flags))
  }

  /** Those of what belongs to no inode. */
  frame(): number {
    const image = this.#image
    const r = this.#took(image.exports.framePieces(image.handle))
    const { core } = image
    this.metabox = core.f64[(core.scratch + S.data_len.offset) >>> 3]
    return r
  }

  /** The entries of a block of a directory. */
  dirents(nid: number, block: number): number {
    const image = this.#image
    return this.#took(image.exports.direntPieces(image.handle, nid, block))
  }

  /** Byte offset in the image. */
  start(i: number): number {
    const { core } = this.#image
    return core.f64[(core.records >>> 3) + i * DOUBLES + START]
  }

  /** Bytes. */
  size(i: number): number {
    const { core } = this.#image
    return core.f64[(core.records >>> 3) + i * DOUBLES + LENGTH]
  }

  /** Byte of the file's data that it begins with; of a dirent, where its name lies in the image. */
  at(i: number): number {
    const { core } = this.#image
    return core.f64[(core.records >>> 3) + i * DOUBLES + AT]
  }

  /** Index in PIECE_KINDS. */
  kind(i: number): number {
    const { core } = this.#image
    return core.u32[(core.records >>> 2) + i * WORDS + KIND]
  }

  detail(i: number): number {
    const { core } = this.#image
    return core.u32[(core.records >>> 2) + i * WORDS + DETAIL]
  }
}

/** Byte offset of the inode whose record was answered last. */
export function inodeOffset(image: CoreImage, nid: number): number {
  return nid < 0 ? BOX_BASE + (-1 - nid) * 2 ** CONSTANTS.EROFS_ISLOTBITS : image.position()
}

/** A copy of bytes of the image, at most PEEK_MOST, or -errno. */
export function peek(image: CoreImage, at: number, length: number): Uint8Array | number {
  const { core, exports, handle } = image
  const r = exports.peek(handle, at, Math.min(length, PEEK_MOST))
  return r < 0 ? r : core.copy(core.u32[(core.scratch + S.data.offset) >>> 2], Math.min(length, PEEK_MOST))
}

/** Where in a range of a resident image the first and the last byte stand that are not zero; both `to` where there is none. */
export function nonZero(image: CoreImage, from: number, to: number, out: { from: number; to: number }): number {
  const { core, exports, handle } = image
  const r = exports.zeros(handle, from, to)
  if (r < 0) return r
  out.from = core.f64[(core.scratch + S.cookie.offset) >>> 3]
  out.to = core.f64[(core.scratch + S.data_len.offset) >>> 3]
  return 0
}
