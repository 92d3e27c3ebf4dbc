// Claims: structures and data that say "these bytes of the image are mine", as many as there are, in typed arrays. They may
// overlap. Not here: who makes them (survey.ts), who gets the bytes (cover.ts).

const FIRST_ROOM = 1024
const DIGIT_BITS = 16
const DIGITS = 1 << DIGIT_BITS
/** Fewer claims than that are sooner added one by one. */
const SHORT_RUN = 64

/** A nid as a number of 32 bits: 0 for none. Those of the metabox are negative, and count from the other end. */
export function ownerOf(nid: number | undefined): number {
  return nid === undefined ? 0 : (nid < 0 ? nid : nid + 1) >>> 0
}

/** The nid again. No map is of an image with more slots than half of that. */
export function nidOf(owner: number): number | undefined {
  if (owner === 0) return undefined
  return owner > 2 ** 31 ? owner - 2 ** 32 : owner - 1
}

type Offsets = Uint32Array | Float64Array

/** An array for byte offsets of an image of `size` bytes, the end included. */
export function offsetArray(size: number, length: number): Offsets {
  return size < 2 ** 32 ? new Uint32Array(length) : new Float64Array(length)
}

export class Claims {
  length = 0
  /** Byte offsets: from `starts` to `ends`. */
  starts: Offsets
  ends: Offsets
  /** Indexes in PIECE_KINDS. */
  kinds = new Uint8Array(FIRST_ROOM)
  /** The inodes that they belong to, as `ownerOf` has them. */
  owners = new Uint32Array(FIRST_ROOM)
  readonly #size: number
  #sorted = true

  /** @param size bytes of the image, within which all claims lie */
  constructor(size: number) {
    this.#size = size
    this.starts = offsetArray(size, FIRST_ROOM)
    this.ends = offsetArray(size, FIRST_ROOM)
  }

  add(start: number, end: number, kind: number, owner: number): void {
    const i = this.length
    if (i === this.kinds.length) this.#resize(i * 2)
    if (i > 0 && start < this.starts[i - 1]) this.#sorted = false
    this.starts[i] = start
    this.ends[i] = end
    this.kinds[i] = kind
    this.owners[i] = owner
    this.length++
  }

  /** Adds those of another list from `from` to `to`, which come after all that are here. */
  addRun(other: Claims, from: number, to: number): void {
    if (to - from < SHORT_RUN) {
      for (let i = from; i < to; i++) this.add(other.starts[i], other.ends[i], other.kinds[i], other.owners[i])
      return
    }
    const { length } = this
    const needed = length + to - from
    if (needed > this.kinds.length) this.#resize(Math.max(needed, this.kinds.length * 2))
    this.starts.set(other.starts.subarray(from, to), length)
    this.ends.set(other.ends.subarray(from, to), length)
    this.kinds.set(other.kinds.subarray(from, to), length)
    this.owners.set(other.owners.subarray(from, to), length)
    this.length = needed
  }

  #resize(room: number): void {
    const { starts, ends, kinds, owners } = this
    const length = Math.min(this.length, room)
    this.starts = offsetArray(this.#size, room)
    this.ends = offsetArray(this.#size, room)
    this.kinds = new Uint8Array(room)
    this.owners = new Uint32Array(room)
    this.starts.set(starts.subarray(0, length))
    this.ends.set(ends.subarray(0, length))
    this.kinds.set(kinds.subarray(0, length))
    this.owners.set(owners.subarray(0, length))
  }

  /** Gives back the room that is not used. */
  trim(): void {
    this.#resize(this.length)
  }

  /** Puts them in the order of their starts; those of one start stay in the order in which they were made. */
  sort(): void {
    if (this.#sorted) return
    const { length } = this
    let order = Uint32Array.from({ length }, (_, i) => i)
    let other = new Uint32Array(length)
    for (let unit = 1; unit <= this.#size; unit *= DIGITS) {
      this.#sortBy(unit, order, other)
      const swap = order
      order = other
      other = swap
    }
    this.#arrange(order)
    this.#sorted = true
  }

  /** One pass of a radix sort, by one digit of the starts. */
  #sortBy(unit: number, from: Uint32Array, to: Uint32Array): void {
    const { starts, length } = this
    const places = new Uint32Array(DIGITS + 1)
    for (let i = 0; i < length; i++) places[(Math.floor(starts[i] / unit) % DIGITS) + 1]++
    for (let digit = 0; digit < DIGITS; digit++) places[digit + 1] += places[digit]
    for (let k = 0; k < length; k++) {
      const i = from[k]
      to[places[Math.floor(starts[i] / unit) % DIGITS]++] = i
    }
  }

  #arrange(order: Uint32Array): void {
    const { starts, ends, kinds, owners, length } = this
    this.starts = offsetArray(this.#size, length)
    this.ends = offsetArray(this.#size, length)
    this.kinds = new Uint8Array(length)
    this.owners = new Uint32Array(length)
    for (let k = 0; k < length; k++) {
      const i = order[k]
      this.starts[k] = starts[i]
      this.ends[k] = ends[i]
      this.kinds[k] = kinds[i]
      this.owners[k] = owners[i]
    }
  }
}
