// Mutators that know a format: each of their changes can happen to what the generators make, the seed alone decides, and what is given
// stays what it is. Not here: what becomes of the changed inputs (targets.test.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { MerkleTree, merkleTree } from '../../src/format/merkle-tree.js'
import { CONSTANTS, SUPERBLOCK } from '../../src/format/structs.js'
import { verityDigest } from '../../src/format/verity.js'
import { standInAlgorithm } from '../../src/fuzz/stand-in-hash.js'
import {
  cfsV1Mutators,
  composefsMutators,
  compressedMutators,
  decodeLayout,
  dumpMutators,
  encodeLayout,
  erofsMutators,
  joinParts,
  type LayoutEntry,
  type Mutator,
  mendTree,
  merkleMutators,
  mutated,
  PartMutators,
  Random,
  randomCfsV1,
  randomComposefs,
  randomCompressedErofs,
  randomDump,
  randomErofs,
  sealSuperblock,
  splitParts,
  storeMutators,
} from '../../src/fuzz.js'

const SEEDS = 30
const TRIES = 40

const mutators = suite('mutators')

const layout = encodeLayout(
  ['aa/b', 'cc/d', 'ee/f'].map((name, object): LayoutEntry => {
    return { name, object, behaviour: 'plain', more: 0, lie: 0, patches: [{ at: 3, xor: 1 }] }
  }),
)
const tree = (random: Random) => merkleTree(random.bytes(70 * 4096 + random.below(3)), standInAlgorithm(64))

const KINDS: readonly (readonly [string, readonly Mutator[], (random: Random) => Uint8Array])[] = [
  ['EROFS', erofsMutators(), random => randomErofs(random).bytes],
  ['compressed EROFS', compressedMutators(), random => randomCompressedErofs(random, { blockBits: 9 }).bytes],
  ['composefs', composefsMutators(), random => randomComposefs(random, { lines: 30 }).bytes],
  ['cfs v1', cfsV1Mutators(), random => randomCfsV1(random, { lines: 30 }).bytes],
  ['dump text', dumpMutators(), random => randomDump(random, { lines: 30 })],
  ['Merkle trees', merkleMutators(standInAlgorithm(64)), tree],
  ['store layouts', storeMutators(), () => layout],
]

function changedBy(mutator: Mutator, input: Uint8Array, seed: number): Uint8Array | undefined {
  return mutator.mutate(input.slice(), new Random(seed), { origin: input, other: input })?.slice()
}

for (const [kind, list, make] of KINDS) {
  mutators(`${kind}: each change happens, by the seed alone`, () => {
    const inputs = Array.from({ length: SEEDS }, (_, seed) => make(new Random(seed)))
    const others = inputs.map(input => input.slice())
    for (const mutator of list) {
      let changed = 0
      for (let seed = 0; seed < TRIES; seed++) {
        const input = inputs[seed % SEEDS]
        const out = changedBy(mutator, input, seed)
        assert.equal(changedBy(mutator, input, seed), out, mutator.name)
        if (out !== undefined && Buffer.compare(out, input) !== 0) changed++
      }
      assert.ok(changed > 0, `${mutator.name} changes nothing`)
    }
    assert.equal(inputs, others, 'what mutators are given to look at')
    assert.is(new Set(list.map(({ name }) => name)).size, list.length, 'names')
  })
}

mutators('an input that another change has made shorter is no trouble', () => {
  let shorter = 0
  for (const [kind, list, make] of KINDS) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const origin = make(random)
      for (const { name, mutate } of list) {
        const input = origin.slice(0, random.below(origin.length))
        try {
          mutate(input, random, { origin, other: origin })
        } catch (error) {
          throw new Error(`${kind}: ${name}: ${input.length} of ${origin.length} bytes`, { cause: error })
        }
        shorter++
      }
    }
  }
  assert.ok(shorter > SEEDS * 50)
})

mutators('a Buffer that is given stays what it is', () => {
  const given = Buffer.from(randomErofs(new Random(1)).bytes)
  const before = new Uint8Array(given)
  for (let seed = 0; seed < 50; seed++) mutated(given, erofsMutators({ mend: true }), new Random(seed))
  assert.equal(new Uint8Array(given), before)
})

mutators('a checksum is right again where it is to be mended', () => {
  const at = CONSTANTS.EROFS_SUPER_OFFSET + SUPERBLOCK.fields.feature_compat.offset
  let sealed = 0
  for (const mutator of [...erofsMutators({ mend: true }), ...composefsMutators({ mend: true })]) {
    for (let seed = 0; seed < TRIES; seed++) {
      const out = changedBy(mutator, randomErofs(new Random(seed)).bytes, seed)
      if (out === undefined || (out[at] & CONSTANTS.EROFS_FEATURE_COMPAT_SB_CHKSUM) === 0) continue
      sealed++
      const again = out.slice()
      sealSuperblock(again)
      assert.equal(again, out, mutator.name)
    }
  }
  assert.ok(sealed > TRIES)
})

mutators('a tree that is mended leads to another digest, and to no wrong block', () => {
  const hash = standInAlgorithm(64)
  const data = new Random(1).bytes(70 * 4096)
  const good = merkleTree(data, hash)
  assert.equal(mendTree(good.slice(), data.length, 2, hash), good, 'what is right stays')
  const bad = good.slice()
  bad[2 * 4096] ^= 1
  mendTree(bad, data.length, 2, hash)
  assert.is.not(Buffer.compare(bad.subarray(0, 4096), good.subarray(0, 4096)), 0)
  assert.instance(MerkleTree.open(bad, data.length, verityDigest(data, hash), hash), Fault)
})

mutators('parts: joined, taken apart, changed one by one; any bytes are parts', () => {
  const parts = [[1, 2, 3], [], [4]].map(bytes => Uint8Array.from(bytes))
  assert.equal(splitParts(joinParts(parts), 3), parts)
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed)
    const bytes = random.bytes(random.below(40))
    const taken = splitParts(bytes, 3)
    assert.is(taken.length, 3)
    assert.ok(taken.reduce((sum, part) => sum + part.length, 0) <= bytes.length)
  }
  const [change] = new PartMutators(3).of(2, [{ name: 'more', mutate: part => Uint8Array.from([...part, 9]) }])
  const input = joinParts(parts)
  const out = change.mutate(input, new Random(0), { origin: input, other: input })
  assert.equal(splitParts(out as Uint8Array, 3), [parts[0], parts[1], Uint8Array.from([4, 9])])
})

mutators('a layout is read back as it was written; any bytes are one', () => {
  assert.equal(encodeLayout(decodeLayout(layout)), layout)
  for (let seed = 0; seed < 100; seed++) {
    const entries = decodeLayout(new Random(seed).bytes(200))
    assert.equal(decodeLayout(encodeLayout(entries)), entries)
  }
})

mutators.run()
