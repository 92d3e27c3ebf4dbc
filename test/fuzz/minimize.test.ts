// Inputs made smaller, and corpora made less.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Coverage } from '../../src/fuzz/coverage.js'
import { Fuzzer } from '../../src/fuzz/fuzzer.js'
import { minimize, minimizeCorpus } from '../../src/fuzz/minimize.js'
import { BYTE_MUTATORS } from '../../src/fuzz/mutate-bytes.js'
import { Random } from '../../src/fuzz/random.js'
import type { Target } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'

const test = suite('minimize')
const text = (input: Uint8Array) => new TextDecoder('latin1').decode(input)
const bytes = (from: string) => Uint8Array.from(from, char => char.charCodeAt(0))

test('what fails because of some bytes is left with these', () => {
  const input = new Random(1).bytes(3000)
  input.set(bytes('needle'), 1234)
  const least = minimize(input, tried => text(tried).includes('needle'))
  assert.is(text(least), 'needle')
})

test('two pieces far from each other both stay', () => {
  const input = new Random(2).bytes(2000)
  input.set(bytes('first'), 100)
  input.set(bytes('second'), 1900)
  const fails = (tried: Uint8Array) => /first.*second/s.test(text(tried))
  assert.is(text(minimize(input, fails)), 'firstsecond')
})

test('where bytes must stay at their places, those that do not matter are zeros', () => {
  const input = new Random(3).bytes(512).map(byte => byte | 1)
  const least = minimize(input, tried => tried[300] === input[300] && tried[17] === input[17])
  assert.is(least.length, 301)
  const left = Array.from(least).flatMap((byte, at) => (byte === 0 ? [] : [at]))
  assert.equal(left, [17, 300])
})

test('what does not fail stays as it is, and what always fails becomes nothing', () => {
  const input = new Random(4).bytes(100)
  assert.is(
    minimize(input, () => false),
    input,
  )
  assert.is(minimize(input, () => true).length, 0)
})

test('it is tried no more often than asked, and what is answered fails', () => {
  const input = new Random(5).bytes(4096)
  let tries = 0
  const fails = (tried: Uint8Array) => {
    tries++
    return tried.reduce((sum, byte) => sum + (byte & 1), 0) > 500
  }
  const least = minimize(input, fails, { tries: 50 })
  // The given one is tried too.
  assert.ok(tries <= 51, `${tries} tries`)
  assert.ok(least.length < input.length)
  assert.ok(fails(least))
})

test('an input that changes what it is given does not spoil the search', () => {
  const input = bytes('..x..')
  const least = minimize(input, tried => {
    const found = tried.includes(0x78)
    tried.fill(0)
    return found
  })
  assert.is(text(least), 'x')
  assert.is(text(input), '..x..')
})

function takeIn(coverage: Coverage, target: Target, inputs: readonly Uint8Array[]): number {
  let news = 0
  for (const input of inputs) {
    target.run(input.slice())
    if (coverage.add(target.counters as Uint8Array) > 0) news++
  }
  return news
}

test('of a corpus fewer inputs go all its edges, as often', () => {
  const target = TARGETS['walk']()
  const fuzzer = new Fuzzer(target, { seed: 7 })
  assert.is(fuzzer.begin() ?? fuzzer.go(4000), undefined)
  const inputs = fuzzer.corpus.map(({ input }) => input)
  const least = minimizeCorpus(target, inputs)
  assert.ok(least.length < inputs.length, `${least.length} of ${inputs.length}`)
  assert.ok(least.every(input => inputs.includes(input)))
  const coverage = new Coverage(target.counters?.length ?? 0)
  assert.is(takeIn(coverage, target, least), least.length)
  assert.is(coverage.reached, fuzzer.coverage.reached)
  assert.is(takeIn(coverage, target, inputs), 0)
})

test('of a corpus whose target does not count, all stays', () => {
  const target: Target = {
    name: 'plain',
    invariants: [],
    maxBytes: 8,
    mutators: BYTE_MUTATORS,
    seeds: [],
    run: () => true,
  }
  assert.is(minimizeCorpus(target, [bytes('a'), bytes('b')]).length, 2)
})

test.run()
