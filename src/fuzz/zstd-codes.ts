// What an encoder of Zstandard needs (RFC 8878, 4): streams that are read backwards, finite state and Huffman codes. It
// goes the decoder's way in reverse, state by state, so that any table can be used, and shares nothing with the core.

/** A number from 0 on, below another one. */
export type Below = (limit: number) => number

/** Bits from the lowest up; a decoder reads them from the last one down. */
export class BitWriter {
  readonly #bytes: number[] = []
  #word = 0
  #count = 0

  add(value: number, width: number): void {
    for (let i = 0; i < width; i++) {
      this.#word |= (Math.floor(value / 2 ** i) % 2) << this.#count
      if (++this.#count < 8) continue
      this.#bytes.push(this.#word)
      this.#word = this.#count = 0
    }
  }

  /** Goes on with the next whole byte; the bits before it are those of `filling`. */
  fill(filling: number): void {
    if (this.#count > 0) this.add(filling, 8 - this.#count)
  }

  /** The bytes, the last one filled up with zeros. */
  bytes(): number[] {
    return this.#count > 0 ? [...this.#bytes, this.#word] : [...this.#bytes]
  }

  /** The same with the mark that tells where the last bit is. */
  marked(): number[] {
    this.add(1, 1)
    return this.bytes()
  }
}

export interface State {
  readonly symbol: number
  readonly width: number
  readonly base: number
}

export interface FseTable {
  readonly log: number
  readonly states: readonly State[]
}

/** The table of a distribution (RFC 8878, 4.1.1); -1 is a symbol that stands once, at the end. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Array<number>(size).fill(-1)
  let high = size
  counts.forEach((n, symbol) => {
    if (n < 0) symbols[--high] = symbol
  })
  let at = 0
  counts.forEach((n, symbol) => {
    for (let i = 0; i < n; i++) {
      symbols[at] = symbol
      do at = (at + (size >> 1) + (size >> 3) + 3) % size
      while (at >= high)
    }
  })
  const next = counts.map(Math.abs)
  const states = symbols.map(symbol => {
    const x = next[symbol]++
    const width = log - Math.floor(Math.log2(x))
    return { symbol, width, base: x * 2 ** width - size }
  })
  return { log, states }
}

export function singleTable(symbol: number): FseTable {
  return { log: 0, states: [{ symbol, width: 0, base: 0 }] }
}

/** A state of this symbol from which the next one is reached; any one where none follows. */
export function stateFor({ states }: FseTable, symbol: number, next: number | undefined, least = 0): number {
  return states.findIndex(
    state =>
      state.symbol === symbol &&
      state.width >= least &&
      (next === undefined || (state.base <= next && next < state.base + 2 ** state.width)),
  )
}

/** A distribution over at least the symbols that are used. */
export function randomCounts(
  used: ReadonlySet<number>,
  most: number,
  maxLog: number,
  random: Below,
): [number[], number] {
  const symbols = new Set(used)
  for (let n = random(4); n > 0; n--) symbols.add(random(most + 1))
  let log = 5
  while (1 << log < symbols.size) log++
  log += random(maxLog - log + 1)
  const counts = new Array<number>(Math.max(...symbols) + 1).fill(0)
  let left = 1 << log
  for (const symbol of symbols) {
    counts[symbol] = random(3) === 0 ? -1 : 1
    left--
  }
  const grow = [...symbols]
  while (left > 0) {
    const symbol = grow[random(grow.length)]
    const n = random(4) === 0 ? left : 1 + random(left)
    counts[symbol] = Math.abs(counts[symbol]) + n
    left -= n
  }
  return [counts, log]
}

export function writeCounts(counts: readonly number[], log: number): number[] {
  const out = new BitWriter()
  out.add(log - 5, 4)
  let left = 1 << log
  for (let symbol = 0; left > 0; ) {
    const n = counts[symbol++]
    const width = Math.floor(Math.log2(left + 1)) + 1
    const shorter = 2 ** width - 1 - (left + 1)
    const value = n + 1
    if (value < shorter) out.add(value, width - 1)
    else out.add(value < 2 ** (width - 1) ? value : value + shorter, width)
    left -= Math.abs(n)
    if (n !== 0) continue
    let zeros = 0
    while (counts[symbol] === 0) {
      zeros++
      symbol++
    }
    for (; zeros >= 3; zeros -= 3) out.add(3, 2)
    out.add(zeros, 2)
  }
  return out.bytes()
}

export interface Tree {
  /** By symbol: code and its bits. */
  readonly codes: ReadonlyMap<number, readonly [code: number, width: number]>
  readonly symbols: readonly number[]
  /** Weights of all symbols up to the last one that has a code, that one's left out. */
  readonly weights: readonly number[]
}

/** A tree over so many of the symbols below `most`. */
export function randomTree(leaves: number, most: number, random: Below): Tree {
  const depths = [0]
  while (depths.length < leaves) {
    const i = random(4) === 0 ? depths.length - 1 : random(depths.length)
    if (depths[i] < 11) depths.push(++depths[i])
    else if (depths.every(depth => depth === 11)) break
  }
  const chosen = new Set<number>()
  while (chosen.size < depths.length) chosen.add(random(most))
  const symbols = [...chosen].sort((a, b) => a - b)
  const longest = Math.max(...depths)
  const weights = new Array<number>(symbols[symbols.length - 1] + 1).fill(0)
  symbols.forEach((symbol, i) => {
    weights[symbol] = longest + 1 - depths[i]
  })
  const codes = new Map<number, readonly [number, number]>()
  let at = 0
  for (let weight = 1; weight <= longest; weight++)
    for (const symbol of symbols) {
      if (weights[symbol] !== weight) continue
      codes.set(symbol, [at >> (weight - 1), longest + 1 - weight])
      at += 1 << (weight - 1)
    }
  return { codes, symbols, weights: weights.slice(0, -1) }
}

/** Two states that take turns; undefined where there are too few weights for them, or what they make is too long. */
export function codedWeights({ weights }: Tree, random: Below): number[] | undefined {
  const n = weights.length
  if (n < 2) return undefined
  const [counts, log] = randomCounts(new Set(weights), 11, 6, random)
  const table = fseTable(counts, log)
  const out = new BitWriter()
  const next: (number | undefined)[] = [undefined, undefined]
  for (let i = n - 1; i >= 0; i--) {
    // That the state of the last but one needs bits that are not there is how its decoder knows the end.
    const state = stateFor(table, weights[i], next[i & 1], i === n - 2 ? 1 : 0)
    // A single symbol takes no bits at all.
    if (state < 0) return undefined
    const after = next[i & 1]
    if (after !== undefined) out.add(after - table.states[state].base, table.states[state].width)
    next[i & 1] = state
  }
  out.add(next[1] ?? 0, log)
  out.add(next[0] ?? 0, log)
  const bytes = [...writeCounts(counts, log), ...out.marked()]
  return bytes.length < 128 ? [bytes.length, ...bytes] : undefined
}

/** Four bits each; undefined where there are too many. */
export function plainWeights({ weights }: Tree): number[] | undefined {
  const n = weights.length
  if (n === 0 || n > 128) return undefined
  const bytes = [127 + n]
  for (let i = 0; i < n; i += 2) bytes.push((weights[i] << 4) | (weights[i + 1] ?? 0))
  return bytes
}

export function huffmanStream({ codes }: Tree, symbols: readonly number[]): number[] {
  const out = new BitWriter()
  for (let i = symbols.length - 1; i >= 0; i--) {
    const [code, width] = codes.get(symbols[i])!
    out.add(code, width)
  }
  return out.marked()
}
