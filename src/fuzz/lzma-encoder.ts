// Writes MicroLZMA streams symbol by symbol: whoever calls chooses each one, so every kind can be had. Not here: finding
// matches. Follows spec/erofs.md 12.3 the other way round; the decoder in asm/codec shares nothing with it.

const INITIAL = 1024

function probabilities(count: number): Uint16Array {
  return new Uint16Array(count).fill(INITIAL)
}

/** The range coder: what it has not yet written may still get a carry. */
class RangeEncoder {
  readonly #out: number[] = []
  /** Below 2^33, so a number and not a u32. */
  #low = 0
  #range = 0xffffffff
  #cache = 0
  #pending = 1

  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0
      this.#out.push((this.#cache + carry) & 255)
      for (; this.#pending > 1; this.#pending--) this.#out.push((0xff + carry) & 255)
      this.#pending = 0
      this.#cache = Math.floor(this.#low / 2 ** 24) & 255
    }
    this.#pending++
    this.#low = (this.#low % 2 ** 24) * 256
  }

  #normalise(): void {
    if (this.#range >= 2 ** 24) return
    this.#range = (this.#range * 256) >>> 0
    this.#shift()
  }

  bit(probs: Uint16Array, at: number, bit: number): void {
    const bound = (this.#range >>> 11) * probs[at]
    if (bit === 0) {
      this.#range = bound
      probs[at] += (2048 - probs[at]) >> 5
    } else {
      this.#low += bound
      this.#range -= bound
      probs[at] -= probs[at] >> 5
    }
    this.#normalise()
  }

  tree(probs: Uint16Array, at: number, bits: number, value: number): void {
    let node = 1
    for (let i = bits - 1; i >= 0; i--) {
      const bit = (value >>> i) & 1
      this.bit(probs, at + node, bit)
      node = node * 2 + bit
    }
  }

  reverseTree(probs: Uint16Array, at: number, bits: number, value: number): void {
    let node = 1
    for (let i = 0; i < bits; i++) {
      const bit = (value >>> i) & 1
      this.bit(probs, at + node, bit)
      node = node * 2 + bit
    }
  }

  direct(bits: number, value: number): void {
    for (let i = bits - 1; i >= 0; i--) {
      this.#range >>>= 1
      if ((value >>> i) & 1) this.#low += this.#range
      this.#normalise()
    }
  }

  finish(): number[] {
    for (let i = 0; i < 5; i++) this.#shift()
    return this.#out
  }
}

class LengthEncoder {
  readonly #choices = probabilities(2)
  readonly #low = probabilities(16 * 8)
  readonly #mid = probabilities(16 * 8)
  readonly #high = probabilities(256)

  write(coder: RangeEncoder, length: number, ps: number): void {
    const value = length - 2
    coder.bit(this.#choices, 0, value < 8 ? 0 : 1)
    if (value >= 8) coder.bit(this.#choices, 1, value < 16 ? 0 : 1)
    if (value < 8) coder.tree(this.#low, ps * 8, 3, value)
    else if (value < 16) coder.tree(this.#mid, ps * 8, 3, value - 8)
    else coder.tree(this.#high, 0, 8, value - 16)
  }
}

export interface LzmaProperties {
  readonly lc: number
  readonly lp: number
  readonly pb: number
}

export class LzmaEncoder {
  readonly #coder = new RangeEncoder()
  readonly #properties: LzmaProperties
  readonly #isMatch = probabilities(12 * 16)
  readonly #isRep = probabilities(12)
  readonly #isRepG0 = probabilities(12)
  readonly #isRepG1 = probabilities(12)
  readonly #isRepG2 = probabilities(12)
  readonly #isRep0Long = probabilities(12 * 16)
  readonly #slots = probabilities(4 * 64)
  readonly #special = probabilities(128)
  readonly #align = probabilities(16)
  readonly #literals: Uint16Array
  readonly #lengths = new LengthEncoder()
  readonly #repLengths = new LengthEncoder()
  #state = 0
  /** The last four distances. */
  readonly #reps = [1, 1, 1, 1]
  #output = new Uint8Array(4096)
  #size = 0

  constructor(properties: LzmaProperties) {
    this.#properties = properties
    this.#literals = probabilities(0x300 << (properties.lc + properties.lp))
  }

  /** Bytes that what was written so far decodes to. */
  get size(): number {
    return this.#size
  }

  get output(): Uint8Array {
    return this.#output.subarray(0, this.#size)
  }

  /** The distance of rep 0 … 3. */
  distance(rep: number): number {
    return this.#reps[rep]
  }

  #put(byte: number): void {
    if (this.#size === this.#output.length) {
      const larger = new Uint8Array(this.#size * 2)
      larger.set(this.#output)
      this.#output = larger
    }
    this.#output[this.#size++] = byte
  }

  #copy(distance: number, length: number): void {
    for (let i = 0; i < length; i++) this.#put(this.#output[this.#size - distance] ?? 0)
  }

  get #ps(): number {
    return this.#size & ((1 << this.#properties.pb) - 1)
  }

  #decide(isMatch: number): void {
    this.#coder.bit(this.#isMatch, this.#state * 16 + this.#ps, isMatch)
  }

  literal(byte: number): void {
    const { lc, lp } = this.#properties
    this.#decide(0)
    const previous = this.#size === 0 ? 0 : this.#output[this.#size - 1]
    const base = 0x300 * (((this.#size & ((1 << lp) - 1)) << lc) + (previous >> (8 - lc)))
    const like = this.#state < 7 ? -1 : this.#output[this.#size - this.#reps[0]]
    let agrees = like >= 0
    let node = 1
    for (let i = 7; i >= 0; i--) {
      const bit = (byte >> i) & 1
      const likely = (like >> i) & 1
      this.#coder.bit(this.#literals, base + (agrees ? (1 + likely) << 8 : 0) + node, bit)
      node = node * 2 + bit
      agrees &&= bit === likely
    }
    this.#put(byte)
    this.#state = this.#state < 4 ? 0 : this.#state - (this.#state < 10 ? 3 : 6)
  }

  #slot(length: number, slot: number): void {
    this.#coder.tree(this.#slots, Math.min(length - 2, 3) * 64, 6, slot)
  }

  match(distance: number, length: number): void {
    const ps = this.#ps
    this.#decide(1)
    this.#coder.bit(this.#isRep, this.#state, 0)
    this.#lengths.write(this.#coder, length, ps)
    const value = (distance - 1) >>> 0
    if (value < 4) this.#slot(length, value)
    else {
      const top = 31 - Math.clz32(value)
      const slot = top * 2 + ((value >>> (top - 1)) & 1)
      const bits = top - 1
      const base = ((2 | (slot & 1)) << bits) >>> 0
      const low = (value - base) >>> 0
      this.#slot(length, slot)
      if (slot < 14) this.#coder.reverseTree(this.#special, base - slot, bits, low)
      else {
        this.#coder.direct(bits - 4, low >>> 4)
        this.#coder.reverseTree(this.#align, 0, 4, low & 15)
      }
    }
    this.#reps.unshift(distance)
    this.#reps.pop()
    this.#state = this.#state < 7 ? 7 : 10
    this.#copy(distance, length)
  }

  /** A match at one of the last distances. */
  rep(which: number, length: number): void {
    const ps = this.#ps
    const s = this.#state
    this.#decide(1)
    this.#coder.bit(this.#isRep, s, 1)
    this.#coder.bit(this.#isRepG0, s, which === 0 ? 0 : 1)
    if (which === 0) this.#coder.bit(this.#isRep0Long, s * 16 + ps, 1)
    else {
      this.#coder.bit(this.#isRepG1, s, which === 1 ? 0 : 1)
      if (which > 1) this.#coder.bit(this.#isRepG2, s, which === 2 ? 0 : 1)
      this.#reps.unshift(...this.#reps.splice(which, 1))
    }
    this.#repLengths.write(this.#coder, length, ps)
    this.#state = s < 7 ? 8 : 11
    this.#copy(this.#reps[0], length)
  }

  /** One byte at the last distance. */
  shortRep(): void {
    const ps = this.#ps
    const s = this.#state
    this.#decide(1)
    this.#coder.bit(this.#isRep, s, 1)
    this.#coder.bit(this.#isRepG0, s, 0)
    this.#coder.bit(this.#isRep0Long, s * 16 + ps, 0)
    this.#state = s < 7 ? 9 : 11
    this.#copy(this.#reps[0], 1)
  }

  /** The stream; no more symbols after this. */
  finish(): Uint8Array {
    const { lc, lp, pb } = this.#properties
    const bytes = Uint8Array.from(this.#coder.finish())
    bytes[0] = ~((pb * 5 + lp) * 9 + lc)
    return bytes
  }
}
