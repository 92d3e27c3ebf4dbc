// Faults planted in the core (asm/canary.ts): each is found by the target that asks for what it is in, from the seed, in few enough
// runs. A fuzzer that finds nothing proves something only then.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FuzzModule } from '../../src/fuzz/core-target.js'
import { Fuzzer } from '../../src/fuzz/fuzzer.js'
import { minimize } from '../../src/fuzz/minimize.js'
import { Violation } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'
import { ROOT } from '../helpers/paths.js'

const SEED = 1
/** Some ten seconds where nothing else runs. */
const RUNS_MAX = 1_500_000
const MINUTE = 60e6

interface Build {
  canaryCore(canary: number): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly edges: number }>
}
/** Target, number in asm/canary.ts, promise that breaks. */
const CANARIES: readonly (readonly [string, number, string])[] = [
  ['open', 1, 'no trap'],
  ['look-up', 2, 'no trap'],
  ['read', 3, 'no trap'],
  ['xattrs', 4, 'no trap'],
  ['sweep', 5, 'no trap'],
  ['sweep', 6, 'no trap'],
  ['walk', 7, 'no trap'],
  ['look-up', 8, 'no hang'],
]
const { canaryCore }: Build = await import(pathToFileURL(join(ROOT, '.ci/build.mjs')).href)

const test = suite('canary')

function violationOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof Violation) return error.invariant
    throw error
  }
  return undefined
}

for (const [name, canary, invariant] of CANARIES) {
  test(`canary ${canary} is found by ${name}`, async () => {
    const { bytes, edges } = await canaryCore(canary)
    const module: FuzzModule = { module: new WebAssembly.Module(bytes), edges }
    const target = TARGETS[name](module)
    const fuzzer = new Fuzzer(target, { seed: SEED })
    const before = process.cpuUsage()
    assert.is(fuzzer.begin(), undefined, 'a valid image meets it')
    const found = fuzzer.go(RUNS_MAX)
    const { user } = process.cpuUsage(before)
    assert.ok(found, `not found in ${fuzzer.runs} runs`)
    assert.ok(user < MINUTE, `${user / 1e6} s`)
    assert.instance(found.error, Violation)
    assert.is((found.error as Violation).invariant, invariant)
    const fails = (input: Uint8Array) => violationOf(() => target.run(input)) === invariant
    const least = minimize(found.input, fails, { tries: 300 })
    assert.ok(fails(least.slice()))
    // The core without it stands what it was found with.
    assert.is(
      violationOf(() => TARGETS[name]().run(least)),
      undefined,
    )
    console.log(`note: canary ${canary}: ${name}, run ${found.run}, ${least.length} of ${found.input.length} bytes`)
  })
}

test('a core without one is not found to have any', () => {
  const fuzzer = new Fuzzer(TARGETS['open'](), { seed: SEED })
  assert.is(fuzzer.begin() ?? fuzzer.go(2000), undefined)
})

test.run()
