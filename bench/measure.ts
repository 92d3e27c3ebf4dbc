// How the benchmarks measure and print. Contestants run in turn within one process, so that noise of the machine meets
// all of them; the best run counts for ratios and the median stands beside it. Not here: what is measured.

/** Milliseconds. */
export interface Sample {
  readonly best: number
  readonly median: number
  readonly runs: readonly number[]
}

export function sampleOf(runs: readonly number[]): Sample {
  const sorted = [...runs].sort((a, b) => a - b)
  return { best: sorted[0], median: percentile(sorted, 0.5), runs: sorted }
}

/** Of ascending numbers; `p` from 0 to 1. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]
}

export interface Contestant {
  readonly name: string
  run(): void
}

/** Runs every contestant once a round; the first `warmup` rounds are not counted. */
export function interleave(contestants: readonly Contestant[], rounds: number, warmup: number): Map<string, Sample> {
  const runs = new Map<string, number[]>(contestants.map(one => [one.name, []]))
  for (let round = -warmup; round < rounds; round++) {
    for (const one of contestants) {
      const started = performance.now()
      one.run()
      const took = performance.now() - started
      if (round >= 0) runs.get(one.name)?.push(took)
    }
  }
  return new Map([...runs].map(([name, all]) => [name, sampleOf(all)]))
}

let compiled = 0

/**
 * The same function compiled afresh, so that each contestant has a copy whose call sites have only ever seen one kind
 * of `fs`, as in a program that uses one. The function must not refer to anything outside of itself.
 */
export function ownCopy<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  return new Function(`return (${f.toString()}) // ${compiled++}`)() as (...args: A) => R
}

/** Bytes that the process holds after collections: the JavaScript heap and what hangs outside of it. */
export async function heldBytes(): Promise<number> {
  let held = Number.POSITIVE_INFINITY
  for (let i = 0, steady = 0; i < 30 && steady < 3; i++) {
    globalThis.gc?.()
    // Finalisers run between turns of the event loop.
    await new Promise(resolve => setTimeout(resolve, 10))
    const { heapUsed, external } = process.memoryUsage()
    steady = heapUsed + external < held - 16384 ? 0 : steady + 1
    held = Math.min(held, heapUsed + external)
  }
  return held
}

export function milliseconds(value: number): string {
  if (value >= 100) return `${value.toFixed(0)} ms`
  if (value >= 1) return `${value.toFixed(2)} ms`
  return `${(value * 1000).toFixed(value >= 0.01 ? 1 : 2)} µs`
}

export function bytes(value: number): string {
  if (Math.abs(value) >= 1 << 20) return `${(value / (1 << 20)).toFixed(1)} MiB`
  return Math.abs(value) >= 1024 ? `${(value / 1024).toFixed(1)} KiB` : `${value.toFixed(0)} B`
}

/** Left-aligned first column, the others right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map(row => [...(row[column] ?? '')].length)))
  for (const row of all) {
    const cells = row.map((cell, column) => {
      const pad = ' '.repeat(widths[column] - [...cell].length)
      return column === 0 ? cell + pad : pad + cell
    })
    console.log(`  ${cells.join('  ')}`)
  }
}

/** Prints samples, each with its ratio to `ours` (how many times longer it takes, best against best). */
export function printSamples(
  title: string,
  samples: ReadonlyMap<string, Sample>,
  ours: string,
  per = 1,
  unit = '',
): void {
  const base = samples.get(ours)?.best ?? Number.NaN
  console.log(`${title}`)
  table(
    ['', `best${unit}`, `median${unit}`, `÷ ${ours}`],
    [...samples].map(([name, sample]) => [
      name,
      milliseconds(sample.best / per),
      milliseconds(sample.median / per),
      `${(sample.best / base).toFixed(2)}×`,
    ]),
  )
}

/** One line a budget; bench/run.mjs repeats them at the end. */
export function budget(what: string, wanted: string, got: string, met: boolean): void {
  console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${got} (budget ${wanted})`)
}

/** A budget on a ratio of best times: `other` has to take at least `factor` times as long as `ours`. */
export function ratioBudget(
  what: string,
  samples: ReadonlyMap<string, Sample>,
  ours: string,
  other: string,
  factor: number,
): void {
  const a = samples.get(ours)
  const b = samples.get(other)
  if (a === undefined || b === undefined) {
    skipped(`${what} against ${other}`, 'it is not here')
    return
  }
  const best = b.best / a.best
  const text = `${best.toFixed(2)}× (median ${(b.median / a.median).toFixed(2)}×; ${milliseconds(a.best)} against ${milliseconds(b.best)})`
  budget(`${what}, against ${other}`, `≥ ${factor}×`, text, best >= factor)
}

export function skipped(what: string, reason: string): void {
  console.log(`skip: ${what}: ${reason}`)
}
