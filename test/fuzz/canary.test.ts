// Faults that are planted, one for each target at least: in the core (asm/canary.ts), and in the source above it (canaries.ts). Each is
// found by the target that asks for what it is in, from the seed, in few enough runs, and what is sound stands all of these runs but the
// finding. A fuzzer that finds nothing proves something only then.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FuzzModule } from '../../src/fuzz/core-target.js'
import { type Found, Fuzzer } from '../../src/fuzz/fuzzer.js'
import { minimize } from '../../src/fuzz/minimize.js'
import type { Target } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'
import { ROOT } from '../helpers/paths.js'
import { CANARIES, CODEC_CANARIES, codecPlanted, targetsWith } from './canaries.js'

const SEED = 1
/** Some ten seconds of the fastest targets. */
const RUNS_MAX = 1_500_000
const RUNS_AT_ONCE = 100
const MINUTE = 60e6
const MINIMIZE = { tries: 100 }
const SOUND = 'the sound one stands it'
/** One run in so many is made with the sound target too: all of them where there is time. */
const BESIDE = process.env.COMPOSEFS_WASM_FUZZ_SECONDS === undefined ? 8 : 1
if (BESIDE > 1) console.log('note: COMPOSEFS_WASM_FUZZ_SECONDS has the sound targets make all of the runs too')

interface Build {
  canaryCore(canary: string): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly edges: number }>
  codecCanaryCore(
    planted: (text: string, file: string) => string,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly edges: number }>
}
/** Target, number in asm/canary.ts, promise that breaks. */
const CORE_CANARIES: readonly (readonly [target: string, canary: number, breaks: string])[] = [
  ['open', 1, 'no trap'],
  ['look-up', 2, 'no trap'],
  ['read', 3, 'no trap'],
  ['xattrs', 4, 'no trap'],
  ['sweep', 5, 'no trap'],
  ['sweep', 6, 'no trap'],
  ['walk', 7, 'order'],
  ['look-up', 8, 'no hang'],
  ['cfs-open', 9, 'no trap'],
  ['cfs-walk', 10, 'order'],
  ['cfs-look-up', 11, 'no hang'],
  ['cfs-read', 12, 'link'],
  ['cfs-xattrs', 13, 'asked for'],
  ['cfs-sweep', 14, 'once'],
  ['compressed', 15, 'no trap'],
]
/** PLANTED of asm/canary.ts as it stands in a binary, in four bytes. */
const PLANTED = [0xe7, 0x8a, 0x8d, 0x09]

const { canaryCore, codecCanaryCore }: Build = await import(pathToFileURL(join(ROOT, '.ci/build.mjs')).href)
// A core takes a second, so that it is compiled once, with all of them.
const all = await canaryCore('PLANTED')

function core(canary: number): FuzzModule {
  const bytes = all.bytes.slice()
  const places = [...bytes.keys()].filter(at => PLANTED.every((byte, i) => bytes[at + i] === byte))
  assert.is(places.length, 1, 'places of PLANTED')
  // As long as before.
  bytes.set([canary | 0x80, 0x80, 0x80, 0], places[0])
  return { module: new WebAssembly.Module(bytes), edges: all.edges }
}

const test = suite('canary')

/** Of what broke a promise: by its name, since a target of another build throws a class of its own. */
function brokenBy(error: unknown): string {
  if (error instanceof Error && 'invariant' in error) return String(error.invariant)
  throw error
}

function violationOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    return brokenBy(error)
  }
  return undefined
}

interface Finding {
  readonly found: Found
  /** Of processor time, the sound one's apart. */
  readonly seconds: number
}

/** Fuzzes a target that has a fault until that is found. */
function findingOf(target: Target): Finding {
  const fuzzer = new Fuzzer(target, { seed: SEED })
  const before = process.cpuUsage()
  assert.ok(fuzzer.begin() === undefined, 'what it begins with does not meet it')
  let found: Found | undefined
  while (found === undefined && fuzzer.runs < RUNS_MAX && process.cpuUsage(before).user < MINUTE) {
    found = fuzzer.go(RUNS_AT_ONCE)
  }
  const { user } = process.cpuUsage(before)
  assert.ok(found, `not found in ${fuzzer.runs} runs, ${user / 1e6} s`)
  assert.ok(user < MINUTE, `${user / 1e6} s`)
  return { found, seconds: user / 1e6 }
}

/** Both run the same inputs, or some of them: the sound one has to stand them. */
function beside(target: Target, sound: Target): Target {
  let runs = 0
  const run = (input: Uint8Array) => {
    if (runs++ % BESIDE === 0)
      assert.is(
        violationOf(() => sound.run(input.slice())),
        undefined,
        SOUND,
      )
    return target.run(input)
  }
  const { name, invariants, maxBytes, mutators, seeds, counters } = target
  return { name, invariants, maxBytes, mutators, seeds, counters, run }
}

for (const [name, canary, breaks] of CORE_CANARIES) {
  test(`canary ${canary} is found by ${name}`, () => {
    const target = TARGETS[name](core(canary))
    const { found, seconds } = findingOf(target)
    assert.is(brokenBy(found.error), breaks)
    const fails = (input: Uint8Array) => violationOf(() => target.run(input)) === breaks
    const least = minimize(found.input, fails, MINIMIZE)
    assert.ok(fails(least.slice()))
    const sound = violationOf(() => TARGETS[name]().run(least))
    assert.is(sound, undefined, SOUND)
    const bytes = `${least.length} of ${found.input.length} bytes`
    console.log(`note: canary ${canary}: ${name}, run ${found.run}, ${seconds.toFixed(1)} s, ${bytes}`)
  })
}

for (const canary of CANARIES) {
  const { target: name, file, breaks } = canary
  test(`a fault in ${file} is found by ${name}`, async () => {
    const targets = await targetsWith(canary)
    const { found, seconds } = findingOf(beside(targets[name](), TARGETS[name]()))
    assert.is(brokenBy(found.error), breaks)
    const sound = violationOf(() => TARGETS[name]().run(found.input))
    assert.is(sound, undefined, SOUND)
    const cost = `${seconds.toFixed(1)} s, the sound one beside it in one of ${BESIDE} runs`
    console.log(`note: canary in ${file}: ${name}, run ${found.run}, ${cost}`)
  })
}

// Each decoder is asked for by its target alone, so that one core may have all of these.
const codecs = await codecCanaryCore(codecPlanted)
for (const { target: name, breaks } of CODEC_CANARIES) {
  test(`a fault in a decoder is found by ${name}`, () => {
    const target = TARGETS[name]({ module: new WebAssembly.Module(codecs.bytes), edges: codecs.edges })
    const { found, seconds } = findingOf(beside(target, TARGETS[name]()))
    assert.is(brokenBy(found.error), breaks)
    console.log(`note: canary of ${name}: run ${found.run}, ${seconds.toFixed(1)} s`)
  })
}

test('each target has one', () => {
  const above = [...CANARIES, ...CODEC_CANARIES].map(({ target }) => target)
  const found = new Set([...CORE_CANARIES.map(([name]) => name), ...above])
  assert.equal([...found].sort(), Object.keys(TARGETS).sort())
})

test('a core without one is not found to have any', () => {
  const fuzzer = new Fuzzer(TARGETS['open'](core(0)), { seed: SEED })
  assert.is(fuzzer.begin() ?? fuzzer.go(2000), undefined)
})

test.run()
