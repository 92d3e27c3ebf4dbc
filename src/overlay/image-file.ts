// A regular file whose bytes lie in the image itself, opened for reading.

import { Fault, type Outcome } from '../format/errno.js'
import type { Image } from '../image/image.js'
import type { OpenFile } from './layer.js'

/** Bytes looked at in one step. */
const PIECE = 2 ** 20
/** No buffer of this many bytes or more is made (Node's own limit of readFile). */
const MAX_WHOLE = 2 ** 31 - 1

export class ImageFile implements OpenFile {
  readonly size: number
  readonly #image: Image
  readonly #nid: number
  /** How far `keep` has come. */
  #seen = 0

  constructor(image: Image, nid: number, size: number) {
    this.#image = image
    this.#nid = nid
    this.size = size
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const n = this.#image.core.read(this.#nid, into, position)
    return n < 0 ? this.#image.dataFault(n) : n
  }

  readAll(): Outcome<Uint8Array> {
    if (this.size > MAX_WHOLE) return new Fault('EFBIG', `${this.size} bytes`)
    // A size is only a claim until every block has been found in the image.
    const r = this.#image.core.probe(this.#nid)
    if (r < 0) return this.#image.dataFault(r)
    const content = new Uint8Array(this.size)
    const n = this.#image.core.read(this.#nid, content, 0)
    return n < 0 ? this.#image.dataFault(n) : content
  }

  /** A look at each block that it has brings those that lack, of an image that is not wholly here. */
  keep(): Fault | undefined {
    const buffer = new Uint8Array(Math.min(PIECE, this.size))
    while (this.#seen < this.size) {
      const n = this.read(buffer, this.#seen)
      if (n instanceof Fault) return n
      if (n === 0) break
      this.#seen += n
    }
    return undefined
  }

  close(): void {}
}
