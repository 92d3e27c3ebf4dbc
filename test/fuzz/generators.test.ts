// Generators of valid inputs by seed: what they make opens, reads back as what it was made of, and is written again as it is.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imageBytes } from '../../src/fuzz/random-composefs.js'
import { comparableDump } from '../../src/fuzz/targets/rewrite.js'
import { Random, randomCfsV1, randomComposefs, randomDump } from '../../src/fuzz.js'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { newPool } from '../helpers/core.js'
import { modelOf, pathsOf } from '../helpers/dump-model.js'
import { dumpOfImage, rewritten } from '../helpers/written.js'

const SEEDS = 60
const VERSION_AT = 12

const generators = suite('generators')
const pool = newPool()

function linesOf(dump: Uint8Array): number {
  return Buffer.from(dump).toString('latin1').trimEnd().split('\n').length
}

generators('the seed alone decides', () => {
  for (const make of [randomComposefs, randomCfsV1]) {
    assert.equal(make(new Random(5)), make(new Random(5)))
    assert.not.equal(make(new Random(5)).bytes, make(new Random(6)).bytes)
  }
  assert.equal(randomDump(new Random(5)), randomDump(new Random(5)))
  assert.ok(linesOf(randomDump(new Random(3), { lines: 4 })) <= 4)
})

for (const version of [0, 1] as const) {
  generators(`composefs images of version ${version}: read back, and written again`, () => {
    let entries = 0
    let same = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const { bytes, dump } = randomComposefs(new Random(seed), { version, lines: 20 })
      assert.is(bytes[VERSION_AT], version)
      const model = modelOf(dump)
      const again = dumpOfImage(pool, bytes)
      assert.equal([...modelOf(again).entries.keys()], pathsOf(model), `seed ${seed}`)
      entries += linesOf(again)
      if (Buffer.compare(rewritten(pool, bytes), bytes) === 0) same++
      const twice = rewritten(pool, bytes)
      assert.equal(comparableDump(dumpOfImage(pool, twice)), comparableDump(again), `seed ${seed}`)
      assert.is(Buffer.compare(rewritten(pool, twice), twice), 0, `seed ${seed}`)
    }
    assert.ok(entries > SEEDS * 4 && same > SEEDS / 2, `${entries} entries, ${same} written as they are`)
  })
}

generators('cfs v1 images: read back, and written again', () => {
  let entries = 0
  for (let seed = 0; seed < SEEDS; seed++) {
    const { bytes, dump } = randomCfsV1(new Random(seed), { lines: 20 })
    const again = dumpOfImage(pool, bytes)
    assert.is(linesOf(again), linesOf(dump), `seed ${seed}`)
    entries += linesOf(again)
    assert.is(Buffer.compare(rewritten(pool, bytes), bytes), 0, `seed ${seed}`)
  }
  assert.ok(entries > SEEDS * 4, `${entries} entries`)
})

generators('a hard link before the name that its inode is said of: other bytes, written again, of one tree', () => {
  const lines = ['/ 0 40755 1 0 0 0 0.0 - - -', '/m 0 10644 2 0 0 0 1.0 - - -', '/z 1 120777 2 0 0 0 2.0 t - -']
  for (const [name, same] of [
    ['/zz', true],
    ['/a', false],
  ] as const) {
    const dump = Buffer.from([...lines, `${name} 0 @100644 1 0 0 0 0.0 /z - -`, ''].join('\n'))
    const bytes = imageBytes(treeFromDump(dump), { format: 'cfs-v1' })
    const twice = rewritten(pool, bytes)
    assert.is(Buffer.compare(twice, bytes) === 0, same, name)
    assert.equal(dumpOfImage(pool, twice), dumpOfImage(pool, bytes))
    assert.is(Buffer.compare(rewritten(pool, twice), twice), 0)
  }
})

generators.run()
