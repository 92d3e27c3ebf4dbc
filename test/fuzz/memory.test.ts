// What fuzzing takes of the machine: the resident size of the process stays below a bound whatever the inputs claim, and what a run has
// taken it gives back. Groups of targets run in processes of their own, this file started once more; one that keeps what it is given
// shows that either would be noticed.
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fuzzer } from '../../src/fuzz/fuzzer.js'
import type { Target } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'

const SEED = 1
/** Of the processor, for fuzzing each target and for running once more what is in its corpus; microseconds. */
const FUZZED = 350e3
const REPEATED = 80e3
const GROUP = 4
const MIB = 1 << 20
/** MiB of a process that fuzzes a group. Node alone has 50, the cores with their modules and counters some 20. */
const PEAK_MAX = 256
/** Bytes more on the heap, and outside of it, after the same inputs were run again: code that was compiled meanwhile. */
const GROWTH_MAX = MIB
const TIME_MAX = 120_000
/** The target that keeps what it is given. */
const KEEPER = 'keeper'

interface Report {
  readonly name: string
  readonly runs: number
  /** MiB that the process has had at most so far. */
  readonly peak: number
  /** Bytes, over so many runs of the same. */
  readonly growth: number
  readonly repeated: number
  readonly found?: string
}

function keeper(): Target {
  const kept: Uint8Array[] = []
  const run = (input: Uint8Array) => {
    kept.push(new Uint8Array(MIB).fill(input.length + 1))
    return kept.length > 0
  }
  const mutators = [{ name: 'none', mutate: (input: Uint8Array) => input }]
  return { name: KEEPER, invariants: [], maxBytes: 8, mutators, seeds: [new Uint8Array(8)], run }
}

function used(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes in use once nothing is left to collect. */
function inUse(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function repeat(target: Target, inputs: readonly Uint8Array[], until: (runs: number) => boolean): number {
  let runs = 0
  while (!until(runs)) target.run(inputs[runs++ % inputs.length].slice())
  return runs
}

function fuzzed(name: string): Report {
  const target = name === KEEPER ? keeper() : TARGETS[name]()
  const fuzzer = new Fuzzer(target, { seed: SEED })
  const start = used()
  let found = fuzzer.begin()
  for (let portion = 16; found === undefined && used() - start < FUZZED; ) {
    const from = used()
    found = fuzzer.go(name === KEEPER ? 1 : portion)
    if (used() - from < FUZZED / 16) portion *= 2
  }
  const inputs = fuzzer.corpus.slice(-64).map(({ input }) => input)
  repeat(target, inputs, runs => runs === inputs.length)
  const before = inUse()
  const from = used()
  const repeated = repeat(target, inputs, runs => runs > 0 && used() - from >= REPEATED)
  const growth = inUse() - before
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  return { name, runs: fuzzer.runs, peak, growth, repeated, ...(found && { found: String(found.error) }) }
}

/** What a process says that fuzzes these, one after the other. */
function group(names: readonly string[]): Report[] {
  const args = ['--expose-gc', '--no-warnings', process.argv[1], ...names]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIME_MAX })
  assert.is(status, 0, stderr)
  return JSON.parse(stdout) as Report[]
}

const asked = process.argv.slice(2)
if (asked.length > 0) {
  process.stdout.write(JSON.stringify(asked.map(fuzzed)))
  process.exit(0)
}

const test = suite('memory of fuzzing')
const names = Object.keys(TARGETS)

for (let i = 0; i < names.length; i += GROUP) {
  const some = names.slice(i, i + GROUP)
  test(`${some.join(', ')}: the process stays below ${PEAK_MAX} MiB, and runs leave nothing behind`, () => {
    const reports = group(some)
    assert.equal(
      reports.map(({ name }) => name),
      some,
    )
    for (const { name, runs, peak, growth, repeated, found } of reports) {
      const grown = `${growth} bytes more after ${repeated} of the same`
      console.log(`note: ${name}: ${runs} runs, ${peak} MiB at most so far, ${grown}`)
      assert.is(found, undefined)
      assert.ok(runs > 0 && repeated > 0)
      assert.ok(peak < PEAK_MAX, `${name}: ${peak} MiB`)
      assert.ok(growth < GROWTH_MAX, `${name}: ${grown}`)
    }
  })
}

test('a target that keeps a MiB of each run is over both', () => {
  const [{ peak, growth, repeated }] = group([KEEPER])
  assert.ok(peak >= PEAK_MAX, `${peak} MiB`)
  assert.ok(repeated > 1 && growth >= GROWTH_MAX, `${growth} bytes after ${repeated}`)
})

test.run()
