// Targets above the core, of compressed images, and of the decoders alone: each survives a short campaign by a seed, twice the same
// way, and gets past the first look. Not here: the other targets of the core.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fuzzer, TARGETS } from '../../src/fuzz.js'

/** Runs, and the least share that gets past the first look. */
const CAMPAIGNS: Readonly<Record<string, readonly [runs: number, deep: number]>> = {
  'cfs-open': [3000, 0.2],
  'cfs-walk': [3000, 0.4],
  'cfs-look-up': [3000, 0.4],
  'cfs-read': [3000, 0.4],
  'cfs-xattrs': [3000, 0.4],
  'cfs-sweep': [3000, 0.4],
  'cfs-rewrite': [600, 0.4],
  compressed: [3000, 0.5],
  'codec-lz4': [3000, 0.1],
  'codec-microlzma': [2000, 0.1],
  'codec-deflate': [3000, 0.1],
  'codec-zstd': [3000, 0.04],
  rewrite: [300, 0.5],
  dump: [400, 0.03],
  overlay: [300, 0.3],
  wasi: [500, 0.5],
  merkle: [400, 0.4],
  store: [400, 0.4],
  http: [500, 0.5],
}

const targets = suite('targets above the core')

for (const [name, [runs, deep]] of Object.entries(CAMPAIGNS)) {
  targets(name, () => {
    const target = TARGETS[name]()
    assert.is(target.name, name)
    assert.ok(
      target.seeds.every(seed => seed.length <= target.maxBytes),
      'seeds fit',
    )
    const fuzzer = new Fuzzer(target, { seed: 8 })
    const found = fuzzer.begin() ?? fuzzer.go(runs)
    if (found !== undefined) throw new Error(`run ${found.run}: ${found.mutators.join(', ')}`, { cause: found.error })
    assert.ok(fuzzer.deep >= deep * fuzzer.runs, `${fuzzer.deep} of ${fuzzer.runs} got past the first look`)
    const again = new Fuzzer(TARGETS[name](), { seed: 8 })
    again.begin()
    again.go(runs)
    assert.is(again.deep, fuzzer.deep, 'the same again')
    assert.is(again.corpus.length, fuzzer.corpus.length, 'the same again')
  })
}

targets.run()
