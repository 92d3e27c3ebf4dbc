// Bytes of an upper's files in memory. A small file is one array that grows with it; a large one is a list of pieces, so that
// to write on takes no copy of what is there, and a piece that nobody wrote to is a hole. Not here: quotas (body.ts).

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bodies, Body, Quota } from './body.js'

/** Bytes of a piece. A file up to this size is one array. */
const PIECE = 1 << 18
/** Bytes that the array of a small file has at least. */
const LEAST = 64
/** Largest size, in bytes: that of ext4 with blocks of 4096. */
const SIZE_MAX = 2 ** 44 - 4096

export class MemoryBody implements Body {
  readonly #quota: Quota
  #size = 0
  /** Bytes held in all pieces. */
  #held = 0
  /** The first piece may be shorter than PIECE while it is the only one. */
  #pieces: (Uint8Array | undefined)[] = []

  constructor(quota: Quota) {
    this.#quota = quota
  }

  get size(): number {
    return this.#size
  }

  get blocks(): number {
    return Math.ceil(this.#held / 512)
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position))
    for (let done = 0; done < count; ) {
      const at = position + done
      const from = at % PIECE
      const length = Math.min(PIECE - from, count - done)
      const piece = this.#pieces[(at - from) / PIECE]
      const bytes = piece?.subarray(from, from + length)
      if (bytes !== undefined) into.set(bytes, done)
      // What a piece does not reach is a hole too.
      into.fill(0, done + (bytes?.length ?? 0), done + length)
      done += length
    }
    return count
  }

  write(from: Uint8Array, position: number): Fault | undefined {
    const end = position + from.length
    if (end > SIZE_MAX) return new Fault('EFBIG', `${end} bytes`)
    if (from.length === 0) return undefined
    const failed = this.#reserve(position, end)
    if (failed !== undefined) return failed
    for (let done = 0; done < from.length; ) {
      const at = position + done
      const start = at % PIECE
      const length = Math.min(PIECE - start, from.length - done)
      const piece = this.#pieces[(at - start) / PIECE] as Uint8Array
      piece.set(from.subarray(done, done + length), start)
      done += length
    }
    this.#size = Math.max(this.#size, end)
    return undefined
  }

  /** Makes every piece that a range touches, or none and ENOSPC. */
  #reserve(position: number, end: number): Fault | undefined {
    const first = Math.floor(position / PIECE)
    const last = Math.floor((end - 1) / PIECE)
    let wanted = 0
    for (let i = first; i <= last; i++) wanted += this.#lengthFor(i, end) - (this.#pieces[i]?.length ?? 0)
    if (wanted === 0) return undefined
    if (!this.#quota.take(wanted)) return fault('ENOSPC')
    this.#held += wanted
    // A short first piece has to be whole before others stand behind it.
    for (let i = first; i <= last; i++) {
      const length = this.#lengthFor(i, end)
      const before = this.#pieces[i]
      if (before !== undefined && before.length >= length) continue
      const piece = new Uint8Array(length)
      if (before !== undefined) piece.set(before)
      while (this.#pieces.length < i) this.#pieces.push(undefined)
      this.#pieces[i] = piece
    }
    return undefined
  }

  /** Bytes that a piece should have when the file is to reach `end`: the first grows by doubling. */
  #lengthFor(index: number, end: number): number {
    const before = this.#pieces[index]?.length ?? 0
    if (index > 0) return PIECE
    const needed = Math.min(end, PIECE)
    if (needed <= before) return before
    // Written once and never again is the common case: that takes what it needs.
    return before === 0 ? Math.max(needed, Math.min(LEAST, PIECE)) : Math.min(PIECE, Math.max(needed, 2 * before))
  }

  truncate(size: number): Fault | undefined {
    if (size > SIZE_MAX) return new Fault('EFBIG', `${size} bytes`)
    if (size < this.#size) {
      const kept = Math.ceil(size / PIECE)
      for (const piece of this.#pieces.splice(kept)) this.#give(piece)
      // What is cut off must read as zeros when the file grows again.
      this.#pieces[kept - 1]?.fill(0, size - (kept - 1) * PIECE)
    }
    this.#size = size
    return undefined
  }

  #give(piece: Uint8Array | undefined): void {
    if (piece === undefined) return
    this.#held -= piece.length
    this.#quota.give(piece.length)
  }

  dataFrom(position: number): number {
    let i = Math.floor(position / PIECE)
    if (this.#pieces[i] !== undefined) return Math.min(position, this.#size)
    while (i < this.#pieces.length && this.#pieces[i] === undefined) i++
    return i >= this.#pieces.length ? this.#size : Math.min(i * PIECE, this.#size)
  }

  sync(): undefined {
    return undefined
  }

  free(): void {
    for (const piece of this.#pieces) this.#give(piece)
    this.#pieces = []
    this.#size = 0
  }
}

export class MemoryBodies implements Bodies {
  readonly #quota: Quota

  constructor(quota: Quota) {
    this.#quota = quota
  }

  create(): Outcome<Body> {
    return new MemoryBody(this.#quota)
  }
}
