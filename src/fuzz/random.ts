// Random numbers by a seed: the same ones everywhere for the same seed. Small Fast Counter (sfc32, Chris Doty-Humphrey), which passes
// PractRand. Not here: what is made of them.

export type RandomState = readonly [number, number, number, number]

export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = (seed / 2 ** 32) | 0
    this.#c = 0x9e3779b9 | 0
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Where it stands: `Random.at` goes on from there. */
  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#counter]
  }

  static at([a, b, c, counter]: RandomState): Random {
    const random = new Random(0)
    random.#a = a | 0
    random.#b = b | 0
    random.#c = c | 0
    random.#counter = counter | 0
    return random
  }

  /** 32 random bits. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** An integer from 0 on, below a number of at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit)
  }

  /** True once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(list: ArrayLike<T>): T {
    return list[this.below(list.length)]
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next())
  }
}
