// Maps, fields and facts of images that lie: changed at random by a seed, or by hand. The file is covered exactly once or there
// is an errno; whatever byte or inode is asked for there is an answer; nothing traps, hangs, or grows by the image's word.
import { existsSync, readdirSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dumpLines, entriesOf, factsOf, fieldsAt, fieldsOf, frameFields, mapOf } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import { erofsPlaces } from '../../src/fuzz/erofs-places.js'
import { BYTE_MUTATORS, erofsMutators, mutated, Random } from '../../src/fuzz.js'
import type { Image } from '../../src/image/image.js'
import { encodeCfs } from '../helpers/cfs-v1-encoder.js'
import { randomTree, seeded } from '../helpers/cfs-v1-trees.js'
import { load, newPool } from '../helpers/core.js'
import { assertWhole, imageBytes } from '../helpers/image-maps.js'
import { loadPaged, NearBytes, newPagedPool } from '../helpers/paged.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const ROUNDS = 40
const CFS_ROUNDS = 500
const LAZY_ROUNDS = 20
const MUTATORS = [...erofsMutators({ mend: true }), ...BYTE_MUTATORS]
/** Lines of an image's text that are made. */
const LINES = 200

const lies = suite('maps of images that lie')
const pool = newPool()

interface Told {
  maps: number
  faults: number
  overlaps: number
  answers: number
}

function assertAnswer(answer: unknown): void {
  if (answer instanceof Fault) assert.is.not(answer.code, 'EAGAIN')
}

/** Asks everything of an image. */
function exercise(image: Image, next: (below: number) => number, told: Told): void {
  const map = mapOf(image)
  if (map instanceof Fault) throw new Error(`${map.code} ${map.detail}`)
  assertWhole(map, image.byteLength)
  const totals = map.totals().reduce((sum, { bytes }) => sum + bytes, 0)
  assert.is(totals, image.byteLength)
  assert.is(map.kinds(4096).length, Math.ceil(image.byteLength / 4096))
  told.maps++
  told.faults += map.faultCount
  told.overlaps += map.overlaps
  assertAnswer(frameFields(image))
  for (let n = 0; n < 30; n++) {
    const offset = next(image.byteLength)
    const at = fieldsAt(image, offset, map)
    assertAnswer(at)
    const nid = map.rangeAt(offset)?.nid ?? next(1 << 20)
    for (const other of map.alsoAt(offset)) assert.ok(other.start <= offset && other.end > offset)
    for (const answer of [fieldsOf(image, nid), factsOf(image, nid), entriesOf(image, nid, next(4))]) {
      assertAnswer(answer)
      if (!(answer instanceof Fault)) told.answers++
    }
  }
  let lines = 0
  for (const line of dumpLines(image, map)) if (line.length > 0 && ++lines === LINES) break
}

const files = ['small.cfs', 'small-v1.cfs', ...readdirSync(fixture('erofs')).map(name => `erofs/${name}`)]
for (const name of files.filter(file => /\.(?:cfs|erofs\.gz)$/.test(file))) {
  lies(`${name}, changed at random`, () => {
    const file = imageBytes(fixture(name))
    const told: Told = { maps: 0, faults: 0, overlaps: 0, answers: 0 }
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = new Random(seed)
      const image = load(pool, mutated(file, MUTATORS, random))
      if (image instanceof Fault) continue
      try {
        exercise(image, below => random.below(below), told)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
      image.close()
    }
    assert.ok(
      told.maps > ROUNDS / 2 && told.faults > 0 && told.overlaps > 0 && told.answers > ROUNDS,
      JSON.stringify(told),
    )
  })
}

lies('lazy images that lie say what resident ones say', () => {
  const paged = newPagedPool()
  let same = 0
  for (const name of ['small.cfs', 'erofs/chunk-indexes.erofs.gz', 'erofs/xattr-shared.erofs.gz']) {
    const file = imageBytes(fixture(name))
    const inodes = erofsPlaces(file).inodes
    for (let seed = 1; seed <= LAZY_ROUNDS; seed++) {
      const random = new Random(seed)
      const bytes = mutated(file, MUTATORS, random)
      const image = load(pool, bytes)
      const lazy = loadPaged(paged, new NearBytes(bytes))
      assert.is(lazy instanceof Fault, image instanceof Fault)
      if (image instanceof Fault || lazy instanceof Fault) continue
      for (let n = 0; n < 20; n++) {
        const nid = n % 2 === 0 ? random.pick(inodes).at / 32 : random.below(2000)
        for (const ask of [fieldsOf, factsOf]) {
          assert.equal(ask(lazy, nid), ask(image, nid), `seed ${seed} nid ${nid}`)
          same++
        }
        assert.equal(entriesOf(lazy, nid, n % 2), entriesOf(image, nid, n % 2), `seed ${seed} nid ${nid}`)
      }
      lazy.close()
      image.close()
    }
  }
  assert.ok(same > LAZY_ROUNDS * 40, `${same} answers`)
})

lies('cfs v1, changed at random', () => {
  const told: Told = { maps: 0, faults: 0, overlaps: 0, answers: 0 }
  for (let seed = 1; seed <= CFS_ROUNDS; seed++) {
    const next = seeded(seed * 2654435761)
    const { bytes } = encodeCfs(randomTree(1 + next(40), next))
    for (let n = next(4); n >= 0; n--) bytes[next(bytes.length)] = next(256)
    const image = load(pool, bytes)
    if (image instanceof Fault) continue
    try {
      exercise(image, next, told)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    image.close()
  }
  assert.ok(told.maps > CFS_ROUNDS / 3 && told.faults > 0 && told.overlaps > 0, JSON.stringify(told))
})

if (SHARED === undefined || !existsSync(vector('hostile'))) {
  skip(lies, 'shared hostile images', 'no shared vectors beside this checkout')
} else {
  lies('the shared hostile images', () => {
    const told: Told = { maps: 0, faults: 0, overlaps: 0, answers: 0 }
    let refused = 0
    for (const name of readdirSync(vector('hostile')).filter(file => file.endsWith('.img'))) {
      const image = load(pool, imageBytes(vector('hostile', name)))
      if (image instanceof Fault) {
        refused++
        continue
      }
      const random = new Random(7)
      exercise(image, below => random.below(below), told)
      image.close()
    }
    assert.ok(told.maps > 20 && refused > 5 && told.faults > 10, `${JSON.stringify(told)} ${refused}`)
  })
}

lies.run()
