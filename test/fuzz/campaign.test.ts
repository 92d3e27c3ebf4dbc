// A short campaign of every target, by seed: none is broken, and each goes further than what it begins with.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fuzzer } from '../../src/fuzz/fuzzer.js'
import { TARGETS } from '../../src/fuzz/targets.js'

const SEED = 1
/** Of the processor, for all targets, microseconds. */
const BUDGET = 25e6
/** Where a target has not gone further in its share, it gets so many of them. */
const SHARES_MAX = 4

const test = suite('campaign')
const names = Object.keys(TARGETS)

function used(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

for (const name of names) {
  test(`${name} keeps its promises, and goes further than its seeds`, () => {
    const start = used()
    const share = BUDGET / names.length
    const fuzzer = new Fuzzer(TARGETS[name](), { seed: SEED })
    let found = fuzzer.begin()
    const begun = { edges: fuzzer.coverage.reached, runs: fuzzer.runs }
    const counts = fuzzer.coverage.present > 0
    const further = () => !counts || fuzzer.coverage.reached > begun.edges
    let portion = 16
    for (
      let spent = 0;
      found === undefined && spent < (further() ? share : share * SHARES_MAX);
      spent = used() - start
    ) {
      const from = used()
      found = fuzzer.go(portion)
      if (used() - from < share / 32) portion *= 2
    }
    const { runs, deep, coverage, corpus } = fuzzer
    const past = `${((deep / runs) * 100).toFixed(0)}% past the first look`
    const edges = counts ? `, ${coverage.reached} of ${coverage.present} edges (${begun.edges} by its seeds)` : ''
    const rate = `${Math.round((runs / (used() - start)) * 1e6)}/s of the processor`
    console.log(`note: ${name}: ${runs} runs, ${rate}, ${past}${edges}, ${corpus.length} in the corpus`)
    if (found !== undefined) {
      const input = Buffer.from(found.input).toString('base64')
      assert.unreachable(`${found.error} at run ${found.run} by ${found.mutators.join(', ')}: ${input}`)
    }
    assert.ok(runs > begun.runs)
    assert.ok(deep > 0, 'nothing got past the first look')
    assert.ok(further(), `no edge beyond the ${begun.edges} of its seeds`)
  })
}

test.run()
