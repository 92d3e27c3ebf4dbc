// The fuzzer: all follows from the seed, also where it was broken off; what is new is told from what is not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Coverage } from '../../src/fuzz/coverage.js'
import { Fuzzer } from '../../src/fuzz/fuzzer.js'
import { BYTE_MUTATORS } from '../../src/fuzz/mutate-bytes.js'
import { Random } from '../../src/fuzz/random.js'
import { type Target, Violation } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'
import { ROOT } from '../helpers/paths.js'

const test = suite('fuzzer')

/** Takes bytes one after another, an edge for each that is right: the last one breaks a promise. */
function lock(key: string, seeds: readonly Uint8Array[] = [new Uint8Array(8)]): Target {
  const counters = new Uint8Array(key.length + 1)
  const run = (input: Uint8Array) => {
    counters.fill(0)
    counters[0] = 1
    for (let i = 0; i < key.length; i++) {
      if (input[i] !== key.charCodeAt(i)) return i > 0
      counters[i + 1] = 1
    }
    throw new Violation('shut', 'it opened')
  }
  return { name: 'lock', invariants: ['shut'], maxBytes: 32, mutators: BYTE_MUTATORS, seeds, run, counters }
}

function corpusOf(fuzzer: Fuzzer): string[] {
  return fuzzer.corpus.map(({ input }) => Buffer.from(input).toString('base64'))
}

function summary(fuzzer: Fuzzer) {
  const { runs, deep, coverage, state } = fuzzer
  return { runs, deep, reached: coverage.reached, random: state.random, corpus: corpusOf(fuzzer) }
}

test('same seed and runs: same corpus, coverage and state; another seed: another corpus', () => {
  for (const name of ['walk', 'xattrs']) {
    const [one, same, other] = [3, 3, 4].map(seed => {
      const fuzzer = new Fuzzer(TARGETS[name](), { seed })
      assert.is(fuzzer.begin() ?? fuzzer.go(3000), undefined)
      return fuzzer
    })
    assert.equal(summary(same), summary(one))
    assert.not.equal(corpusOf(other), corpusOf(one))
  }
})

test('runs in portions are the runs in one go', () => {
  const whole = new Fuzzer(TARGETS['open'](), { seed: 5 })
  whole.begin()
  whole.go(2000)
  const parts = new Fuzzer(TARGETS['open'](), { seed: 5 })
  parts.begin()
  for (let i = 0; i < 40; i++) parts.go(50)
  assert.equal(summary(parts), summary(whole))
})

test('broken off and resumed: as if it had never ended', () => {
  const whole = new Fuzzer(TARGETS['read'](), { seed: 6 })
  whole.begin()
  whole.go(3000)
  const first = new Fuzzer(TARGETS['read'](), { seed: 6 })
  first.begin()
  first.go(1000)
  const state = JSON.parse(JSON.stringify(first.state))
  const corpus = first.corpus.map(({ input }) => input)
  const second = new Fuzzer(TARGETS['read'](), { seed: 6, corpus, resume: state })
  second.begin()
  assert.is(second.runs, first.runs)
  second.go(2000)
  assert.equal(summary(second), summary(whole))
})

test('same seed, same findings; what it finds breaks the promise again', () => {
  const [one, same] = [1, 1].map(seed => {
    const target = lock('key')
    const fuzzer = new Fuzzer(target, { seed })
    return { target, found: fuzzer.begin() ?? fuzzer.go(200_000) }
  })
  assert.ok(one.found)
  assert.is(one.found.run, same.found?.run)
  assert.equal(one.found.input, same.found?.input)
  assert.equal(one.found.mutators, same.found?.mutators)
  assert.throws(() => one.target.run(one.found?.input as Uint8Array), /shut/)
})

test('it goes on behind what it has found', () => {
  const target = lock('k')
  const fuzzer = new Fuzzer(target, { seed: 2 })
  fuzzer.begin()
  const found = fuzzer.go(100_000)
  assert.ok(found)
  const next = fuzzer.go(100_000)
  assert.ok(next && next.run > found.run)
})

test('a seed that breaks a promise is answered, left out, and those behind it are run', () => {
  const bad = Uint8Array.from(Buffer.from('k'))
  const fuzzer = new Fuzzer(lock('k', [bad, new Uint8Array(2)]), { seed: 1 })
  assert.equal(fuzzer.begin()?.input, bad)
  assert.is(fuzzer.begin(), undefined)
  assert.equal(corpusOf(fuzzer), ['AAA='])
  const only = new Fuzzer(lock('k', [bad]), { seed: 1 })
  assert.ok(only.begin())
  assert.is(only.begin(), undefined)
  only.go(10)
  assert.is(only.runs, 11)
})

test('what is too large is not run', () => {
  const fuzzer = new Fuzzer(lock('key', [new Uint8Array(33), new Uint8Array(4)]), { seed: 1 })
  fuzzer.begin()
  assert.is(fuzzer.runs, 1)
})

test('counts are told apart by steps, an edge gone for the first time from one gone more often', () => {
  const memory = new Uint8Array(64)
  for (const at of [8, 9]) {
    // Nine edges: neither all words nor, the second time, at the beginning of one.
    const counters = memory.fill(0).subarray(at, at + 9)
    const coverage = new Coverage(9)
    assert.is(coverage.add(counters), 0)
    counters[8] = 1
    assert.is(coverage.add(counters), 2)
    assert.is(coverage.add(counters), 0)
    counters[8] = 4
    assert.is(coverage.add(counters), 1)
    counters[8] = 7
    assert.is(coverage.add(counters), 0)
    counters[0] = 255
    assert.is(coverage.add(counters), 2)
    assert.is(coverage.reached, 2)
  }
})

test('random numbers go on from where they stand', () => {
  const random = new Random(2 ** 40 + 3)
  random.next()
  const again = Random.at(random.state)
  assert.equal([again.next(), again.next()], [random.next(), random.next()])
})

test('the entry of the package is the kit, and runs by itself', async () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const kit: typeof import('../../src/fuzz.js') = await import(
    pathToFileURL(join(ROOT, exports['./fuzz'].default)).href
  )
  const fuzzer = new kit.Fuzzer(kit.TARGETS['open'](), { seed: 1 })
  assert.is(fuzzer.begin() ?? fuzzer.go(500), undefined)
  const own = new Fuzzer(TARGETS['open'](), { seed: 1 })
  own.begin()
  own.go(500)
  assert.equal(corpusOf(fuzzer as unknown as Fuzzer), corpusOf(own))
})

test.run()
