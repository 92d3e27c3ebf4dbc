// Data as literals and matches, found greedily: what each of the small encoders begins with. Not here: how any of them writes that.

export interface Step {
  /** Bytes that stand for themselves, from where the step before ended, and the match behind them (length 0: none, the last step). */
  readonly literals: Uint8Array
  readonly offset: number
  readonly length: number
}

export interface GreedyOptions {
  /** No match is longer, none begins so near the end, none ends nearer to it. */
  readonly longest?: number
  readonly lastStart?: number
  readonly lastEnd?: number
  /** No match is from further back. */
  readonly window?: number
}

const LEAST = 4

function wordAt(data: Uint8Array, at: number): number {
  return data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24)
}

/** Steps that make the data; the last one has no match. */
export function greedySteps(data: Uint8Array, options: GreedyOptions = {}): Step[] {
  const { longest = data.length, lastStart = 0, lastEnd = 0, window = 65535 } = options
  const seen = new Map<number, number>()
  const steps: Step[] = []
  let begun = 0
  for (let at = 0; at + Math.max(LEAST, lastStart) <= data.length; ) {
    const word = wordAt(data, at)
    const from = seen.get(word)
    seen.set(word, at)
    let length = 0
    if (from !== undefined && at - from <= window) {
      const most = Math.min(longest, data.length - lastEnd - at)
      while (length < most && data[from + length] === data[at + length]) length++
    }
    if (from === undefined || length < LEAST) {
      at++
      continue
    }
    steps.push({ literals: data.subarray(begun, at), offset: at - from, length })
    at += length
    begun = at
  }
  steps.push({ literals: data.subarray(begun), offset: 0, length: 0 })
  return steps
}
