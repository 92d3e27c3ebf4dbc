// A regular file whose bytes lie in a lazy image. Short reads go through the image's pages, since what stands beside them is
// likely to be wanted, too; long ones go past them, so that one large file does not push all metadata out.

import type { CoreImage } from '../../wasm/core-image.js'
import { Fault, fault, loadError, Miss, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { type Pager, sourceFault } from '../image/pager.js'
import { ReadyPieces } from '../store/ready-pieces.js'
import type { OpenFile } from './layer.js'

/** No buffer of this many bytes or more is made (Node's own limit of readFile). */
const MAX_WHOLE = 2 ** 31 - 1
/** Bytes asked for at a time, and how many such pieces at once. */
const PIECE = 1 << 20
const PIECES = 4
/** Bytes looked at in one step to have the pages that they lie in. */
const STEP = 1 << 16
/** Bound of bytes that wait for their read to come back. */
const READY_BYTES = 8 << 20

/** Where a part of the file lies: byte offset in the image, -1 for zeros. */
interface Extent {
  readonly at: number
  readonly offset: number
  readonly length: number
}

function follows({ offset, length }: Extent, next: number): boolean {
  return offset < 0 ? next < 0 : next === offset + length
}

export class LazyFile implements OpenFile {
  readonly size: number
  readonly #image: Image
  readonly #core: CoreImage
  readonly #pager: Pager
  readonly #nid: number
  readonly #ready = new ReadyPieces(READY_BYTES)

  constructor(image: Image, pager: Pager, nid: number, size: number) {
    this.#image = image
    this.#core = image.core
    this.#pager = pager
    this.#nid = nid
    this.size = size
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const to = Math.min(position + into.length, this.size)
    if (to <= position) return 0
    const ready = this.#ready.take(position, to)
    if (ready !== undefined) {
      into.set(ready.bytes.subarray(position - ready.from, to - ready.from))
      return to - position
    }
    const n = this.#core.read(this.#nid, into.subarray(0, to - position), position)
    if (n >= 0) return n
    if (n !== -CONSTANTS.EAGAIN || this.#image.closed) return this.#broken(n)
    // At once, since the next question to the core forgets what lacked.
    const lacks = this.#image.fault(n, 'read')
    return this.#pager.isSmall(to - position) || !(lacks instanceof Miss) ? lacks : this.#miss(position, to)
  }

  readAll(): Outcome<Uint8Array> {
    if (this.size > MAX_WHOLE) return new Fault('EFBIG', `${this.size} bytes`)
    const ready = this.#ready.take(0, this.size)
    if (ready !== undefined) return ready.bytes
    // What the pages hold was asked for before (`keep`); who reads a long file otherwise goes past them.
    const past = !this.#pager.reads && !this.#pager.isSmall(this.size)
    if (past && this.#core.read(this.#nid, new Uint8Array(1), this.size - 1) < 0) return this.#miss(0, this.size)
    const r = this.#core.probe(this.#nid)
    // A look at all of it again and again need not come to an end.
    if (past && r === -CONSTANTS.EAGAIN) return this.#miss(0, this.size)
    if (r < 0) return this.#broken(r)
    const content = new Uint8Array(this.size)
    const n = this.read(content, 0)
    return n instanceof Fault ? n : content
  }

  /** Through the pages, which stay until others need the room. */
  keep(): Fault | undefined {
    if (this.#pager.source.readSync !== undefined) return undefined
    const { room } = this.#pager
    if (this.size > room) return new Fault('ENOSPC', `${this.size} bytes do not fit in ${room} of cacheBytes`)
    const step = new Uint8Array(Math.min(STEP, this.size))
    for (let at = 0; at < this.size; ) {
      const n = this.#core.read(this.#nid, step, at)
      if (n < 0) return this.#broken(n)
      if (n === 0) break
      at += n
    }
    return undefined
  }

  close(): void {
    this.#ready.clear()
  }

  #broken(answer: number): Fault {
    if (answer === -CONSTANTS.EAGAIN || answer === -CONSTANTS.ENOMEM) return this.#image.fault(answer, 'read')
    return this.#image.dataFault(answer)
  }

  #miss(from: number, to: number): Miss {
    const what = `bytes ${from} to ${to} of a file in ${this.#pager.label} are not here yet`
    return new Miss(what, () => this.#load(from, to))
  }

  async #load(from: number, to: number): Promise<void> {
    const extents = await this.#extents(from, to)
    if (extents instanceof Fault) throw loadError(extents)
    if (extents === undefined) return this.#decode(from, to)
    try {
      const bytes = new Uint8Array(to - from)
      for (let i = 0; i < extents.length; i += PIECES) {
        const pieces = extents.slice(i, i + PIECES).map(extent => this.#copy(extent, bytes, from))
        await this.#pager.whileOpen(Promise.all(pieces))
      }
      this.#ready.keep({ from, to, bytes })
    } catch (error) {
      throw loadError(this.#image.closed ? fault('ESTALE') : sourceFault(error, this.#pager.label))
    }
  }

  /** What is compressed comes by the pages, a piece of an extent at a time: no more is needed at once than a pcluster. */
  async #decode(from: number, to: number): Promise<void> {
    const bytes = new Uint8Array(to - from)
    for (let at = from; at < to; ) {
      const found = this.#core.extent(this.#nid, at)
      const length = typeof found === 'number' ? 0 : Math.min(found.length, to - at)
      const n =
        typeof found === 'number'
          ? found
          : this.#core.read(this.#nid, bytes.subarray(at - from, at - from + length), at)
      if (n < 0) {
        const why = this.#broken(n)
        if (!(why instanceof Miss)) throw loadError(why)
        await why.load()
      } else {
        at += n
      }
    }
    this.#ready.keep({ from, to, bytes })
  }

  async #copy({ at, offset, length }: Extent, into: Uint8Array, from: number): Promise<void> {
    if (offset < 0) return
    const bytes = await this.#pager.source.read(offset, length)
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes came, not ${length}`)
    into.set(bytes, at - from)
  }

  /** Where a range of the file lies, in pieces that are read one by one; undefined where any is compressed. All of it is inside the image. */
  async #extents(from: number, to: number): Promise<Extent[] | Fault | undefined> {
    const extents: Extent[] = []
    for (let at = from; at < to; ) {
      const found = this.#core.extent(this.#nid, at)
      if (typeof found === 'number') {
        const why = this.#broken(found)
        if (!(why instanceof Miss)) return why
        await why.load()
        continue
      }
      if (found.stored !== undefined) return undefined
      const length = Math.min(found.length, to - at, PIECE)
      const last = extents.at(-1)
      // Chunks that lie one behind the other are one read.
      const joined = last !== undefined && last.length + length <= PIECE && follows(last, found.offset)
      if (joined) extents[extents.length - 1] = { ...last, length: last.length + length }
      else extents.push({ at, offset: found.offset, length })
      at += length
    }
    return extents
  }
}
