// The bytes of a lower file, copied into a body of the upper. A copy that has to wait for data is kept, and goes on where it
// stopped. Not here: whose body it becomes (copy-up.ts).

import { Fault, Miss, type Outcome } from '../format/errno.js'
import type { Body } from './body.js'
import { type Attr, newAttr, type OpenFile } from './layer.js'
import type { LowerPart } from './lower.js'
import type { OverlayNode } from './lower-node.js'
import { dataBelow } from './overlay-file.js'
import type { Upper } from './upper.js'

/** Bytes copied at a time. */
const PIECE = 1 << 20
/** Up to which a file is read at once: an object that is read whole is hashed once, one in pieces twice. */
const WHOLE = 1 << 25

/** Copies that wait for data are kept so that they go on; those of callers who gave up are dropped when there are so many. */
const MAX_WAITING = 64

/** How much of a regular file is copied: its metadata where that is allowed, all of it, or all but its content. */
export type Extent = 'metadata' | 'all' | 'emptied'

/** A copy of data that had to wait for more of it. */
interface Copying {
  readonly file: OpenFile
  readonly body: Body
  done: number
}

export class DataCopies {
  readonly #upper: Upper
  readonly #attr: Attr = newAttr()
  /** By the number of the lower file that is copied. */
  readonly #waiting = new Map<number, Copying>()

  constructor(upper: Upper) {
    this.#upper = upper
  }

  /** A body with what is below a node, or an empty one. */
  body(node: OverlayNode, extent: Extent, wait: boolean): Outcome<Body> {
    if (extent === 'emptied') return this.#upper.bodies.create()
    const { lower, node: data } = dataBelow(node)
    const failed = lower.stat(data, this.#attr)
    if (failed !== undefined) return failed
    // Whoever asks next goes on, whatever has become of the entry meanwhile: what is below stays what it is.
    const { ino } = this.#attr
    const copying = this.#waiting.get(ino) ?? this.#begin(data, lower, wait)
    if (copying instanceof Fault) return copying
    this.#waiting.delete(ino)
    const stopped = this.#copy(copying, wait)
    if (stopped === undefined) {
      copying.file.close()
      return copying.body
    }
    if (stopped instanceof Miss) this.#keep(ino, copying)
    else drop(copying)
    return stopped
  }

  /** Gives back what copies hold that nobody will go on with. */
  forget(): void {
    for (const copying of this.#waiting.values()) drop(copying)
    this.#waiting.clear()
  }

  #keep(ino: number, copying: Copying): void {
    this.#waiting.set(ino, copying)
    if (this.#waiting.size <= MAX_WAITING) return
    const [[oldest, given]] = this.#waiting
    this.#waiting.delete(oldest)
    drop(given)
  }

  #begin(data: LowerPart['node'], lower: LowerPart['lower'], wait: boolean): Outcome<Copying> {
    const file = lower.layer.open(data, wait)
    if (file instanceof Fault) return file
    const body = this.#upper.bodies.create()
    if (body instanceof Fault) {
      file.close()
      return body
    }
    return { file, body, done: 0 }
  }

  #copy(copying: Copying, wait: boolean): Fault | undefined {
    const { file, body } = copying
    if (wait && copying.done === 0 && file.size <= WHOLE) {
      const all = file.readAll(wait)
      return all instanceof Fault ? all : (this.#writeAll(body, all) ?? this.#sized(body, file))
    }
    const buffer = new Uint8Array(Math.min(PIECE, Math.max(1, file.size)))
    while (copying.done < file.size) {
      const count = file.read(buffer, copying.done, wait)
      if (typeof count !== 'number') return count
      if (count === 0) break
      const failed = this.#write(body, buffer.subarray(0, count), copying.done)
      if (failed !== undefined) return failed
      copying.done += count
    }
    return this.#sized(body, file)
  }

  #writeAll(body: Body, all: Uint8Array): Fault | undefined {
    for (let at = 0; at < all.length; at += PIECE) {
      const failed = this.#write(body, all.subarray(at, at + PIECE), at)
      if (failed !== undefined) return failed
    }
    return undefined
  }

  /** A hole at the end counts too. */
  #sized(body: Body, file: OpenFile): Fault | undefined {
    return body.size === file.size ? undefined : body.truncate(file.size)
  }

  /** Zeros stay a hole. */
  #write(body: Body, bytes: Uint8Array, position: number): Fault | undefined {
    return bytes.every(byte => byte === 0) ? undefined : body.write(bytes, position)
  }
}

function drop({ file, body }: Copying): void {
  file.close()
  body.free()
}
