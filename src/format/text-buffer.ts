// A growing buffer that text is put into byte by byte: whole listings are written so, since a string for every field
// would cost more than reading the image. Not here: where the bytes go (a host writes them out and empties the buffer).

const ZERO = 0x30
const MINUS = 0x2d
const LOW = 2 ** 32
const FIRST_CAPACITY = 160 << 10

export class TextBuffer {
  bytes: Uint8Array
  length = 0

  /** `capacity` in bytes; it grows when more is needed. */
  constructor(capacity = FIRST_CAPACITY) {
    this.bytes = new Uint8Array(capacity)
  }

  /** What has been put in; a view that is good until more is. */
  content(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count
    if (wanted <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(wanted, this.bytes.length * 2))
    grown.set(this.content())
    this.bytes = grown
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Bytes `from`…`to` of `source` as they are. */
  raw(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from)
    const { bytes } = this
    let at = this.length
    // A call costs more than copying a name.
    if (to - from < 64) for (let i = from; i < to; i++) bytes[at++] = source[i]
    else {
      bytes.set(source.subarray(from, to), at)
      at += to - from
    }
    this.length = at
  }

  /** A string of characters below 0x100, a byte each. */
  latin1(text: string): void {
    this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i)
  }

  /** A whole number that is not negative. */
  decimal(value: number): void {
    if (value < 10) {
      this.byte(ZERO + value)
      return
    }
    if (value >= LOW) {
      this.latin1(String(BigInt(value)))
      return
    }
    this.digits(value, digitsOf(value))
  }

  /** The last `count` decimal digits of a whole number below 2^32. */
  digits(value: number, count: number): void {
    this.reserve(count)
    const end = this.length
    let rest = value >>> 0
    for (let at = end + count - 1; at >= end; at--) {
      const next = (rest / 10) >>> 0
      this.bytes[at] = ZERO + (rest - next * 10)
      rest = next
    }
    this.length = end + count
  }

  /** A signed number of 64 bits, given as its low and its (signed) high word. */
  signed64(low: number, high: number): void {
    if (high === 0) this.decimal(low)
    else if (high === -1 && low !== 0) {
      this.byte(MINUS)
      this.decimal(LOW - low)
    } else this.latin1(String((BigInt(high) << 32n) | BigInt(low)))
  }

  /** An unsigned number of 32 bits in base 8, without leading zeros. */
  octal(value: number): void {
    let shift = 30
    while (shift > 0 && ((value >>> shift) & 7) === 0) shift -= 3
    this.reserve(11)
    for (; shift >= 0; shift -= 3) this.bytes[this.length++] = ZERO + ((value >>> shift) & 7)
  }
}

/** Decimal digits in a whole number that is not negative. */
export function digitsOf(value: number): number {
  if (value < 100_000) return value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5
  if (value < 10_000_000_000) {
    return value < 1e6 ? 6 : value < 1e7 ? 7 : value < 1e8 ? 8 : value < 1e9 ? 9 : 10
  }
  return String(BigInt(value)).length
}
