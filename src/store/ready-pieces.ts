// Checked bytes that a load has brought and whose read has not come back yet. Bounded; each is taken once.

export interface Piece {
  /** Range in the object, bytes; `to` is the first one behind it. */
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
}

export class ReadyPieces {
  readonly #limit: number
  /** The oldest first. */
  #pieces: Piece[] = []
  #bytes = 0

  /** `limit` in bytes; the piece that came last is kept whatever its size, so that some read always makes progress. */
  constructor(limit: number) {
    this.#limit = limit
  }

  keep(piece: Piece): void {
    this.#pieces.push(piece)
    this.#bytes += piece.to - piece.from
    while (this.#bytes > this.#limit && this.#pieces.length > 1) this.#remove(0)
  }

  /** Takes out the smallest piece that holds a range: the one that was fetched for it, not that of a longer read. */
  take(from: number, to: number): Piece | undefined {
    let best = -1
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]
      if (piece.from > from || piece.to < to) continue
      if (best === -1 || piece.bytes.length < this.#pieces[best].bytes.length) best = i
    }
    return best === -1 ? undefined : this.#remove(best)
  }

  clear(): void {
    this.#pieces = []
    this.#bytes = 0
  }

  #remove(index: number): Piece {
    const [piece] = this.#pieces.splice(index, 1)
    this.#bytes -= piece.to - piece.from
    return piece
  }
}
