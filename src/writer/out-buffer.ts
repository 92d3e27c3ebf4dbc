// The buffer that an image is written through: little-endian numbers, byte strings and padding one after another, handed
// on piece by piece. Not here: where the pieces go, and what is in them.

/** Bytes that make a piece; one can be longer, by what is put in at once. */
export const PIECE = 1 << 18
/** Most that is put in before it is asked again whether there is a piece: an inode, all its xattrs, its tail, padding. */
const LARGEST_UNIT = 1 << 19
const ZEROES = 64

export class OutBuffer {
  bytes = new Uint8Array(PIECE + LARGEST_UNIT)
  view = new DataView(this.bytes.buffer)
  length = 0
  /** Bytes handed on so far. */
  #taken = 0

  /** Position in the image of what comes next. */
  get position(): number {
    return this.#taken + this.length
  }

  get full(): boolean {
    return this.length >= PIECE
  }

  /** What has been put in; a view, good until more is. */
  take(): Uint8Array {
    const piece = this.bytes.subarray(0, this.length)
    this.#taken += this.length
    this.length = 0
    return piece
  }

  u8(value: number): void {
    this.bytes[this.length++] = value
  }

  u16(value: number): void {
    this.view.setUint16(this.length, value, true)
    this.length += 2
  }

  u32(value: number): void {
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Bytes `from`…`to` of `source`. */
  raw(source: Uint8Array, from: number, to: number): void {
    const { bytes } = this
    let at = this.length
    // A call costs more than copying a name.
    if (to - from < 64) for (let i = from; i < to; i++) bytes[at++] = source[i]
    else {
      bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), at)
      at += to - from
    }
    this.length = at
  }

  zeroes(count: number): void {
    const { bytes } = this
    const end = this.length + count
    if (count < ZEROES) for (let at = this.length; at < end; at++) bytes[at] = 0
    else bytes.fill(0, this.length, end)
    this.length = end
  }

  /** Zeroes up to a position in the image that is not far ahead. */
  padTo(position: number): void {
    this.zeroes(position - this.position)
  }
}
