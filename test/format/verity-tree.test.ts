// Blocks checked alone by a stored Merkle tree: what is true passes, and no lie in data, tree, digest or size does.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, type Outcome } from '../../src/format/errno.js'
import type { HashAlgorithm } from '../../src/format/hash.js'
import { MerkleTree, merkleTree, merkleTreeLength } from '../../src/format/merkle-tree.js'
import { verityDigest } from '../../src/format/verity.js'
import { ALGORITHMS, muchNoise, SHA256, SHA512, seeded } from '../helpers/hashes.js'
import { countingHash } from '../helpers/store-hash.js'

const BLOCK = 4096
const test = suite('Merkle tree')

function opened(outcome: Outcome<MerkleTree>): MerkleTree {
  if (outcome instanceof Fault) throw new Error(`${outcome.code}: ${outcome.detail}`)
  return outcome
}

function refused(outcome: Outcome<MerkleTree>, code: string, what: string): void {
  assert.instance(outcome, Fault, what)
  assert.is((outcome as Fault).code, code, what)
}

function blockOf(data: Uint8Array, index: number): Uint8Array {
  return data.subarray(index * BLOCK, (index + 1) * BLOCK)
}

interface Sample {
  readonly algorithm: HashAlgorithm
  readonly data: Uint8Array
  readonly tree: Uint8Array
  readonly digest: Uint8Array
}

function sample(algorithm: HashAlgorithm, size: number): Sample {
  const data = muchNoise(size, size)
  return { algorithm, data, tree: merkleTree(data, algorithm), digest: verityDigest(data, algorithm) }
}

function open({ tree, data, digest, algorithm }: Sample, changes: Partial<Sample> = {}, size = data.length) {
  return MerkleTree.open(changes.tree ?? tree, size, changes.digest ?? digest, changes.algorithm ?? algorithm)
}

/** One byte changed. */
function altered(bytes: Uint8Array, at: number, by = 1): Uint8Array {
  const copy = new Uint8Array(bytes)
  copy[at] ^= by
  return copy
}

for (const algorithm of ALGORITHMS) {
  const fanout = BLOCK / algorithm.digestSize
  const of = `: ${algorithm.name}`

  test(`every true block passes, in any order${of}`, () => {
    for (const size of [1, 4095, 4096, 4097, fanout * BLOCK, fanout * BLOCK + 1, (fanout * fanout + 3) * BLOCK + 5]) {
      const one = sample(algorithm, size)
      const tree = opened(open(one))
      assert.is(tree.size, size)
      assert.is(tree.blockCount, Math.ceil(size / BLOCK))
      for (let index = tree.blockCount - 1; index >= 0; index -= 1 + Math.floor(tree.blockCount / 500)) {
        assert.ok(tree.checkBlock(index, blockOf(one.data, index)), `block ${index} of ${size} bytes`)
      }
      assert.ok(tree.checkBlock(0, blockOf(one.data, 0)), 'once more')
    }
  })

  test(`an altered block, another block, one of another length is refused${of}`, () => {
    const random = seeded(algorithm.digestSize)
    for (const size of [1, 4096, 4097, (fanout + 2) * BLOCK - 9]) {
      const one = sample(algorithm, size)
      const tree = opened(open(one))
      for (let index = 0; index < tree.blockCount; index++) {
        const block = blockOf(one.data, index)
        const bad = altered(block, Math.floor(random() * block.length), 1 << Math.floor(random() * 8))
        assert.not.ok(tree.checkBlock(index, bad), `altered ${index} of ${size}`)
        assert.not.ok(tree.checkBlock(index, block.subarray(0, -1)), `short ${index} of ${size}`)
        assert.not.ok(tree.checkBlock(index, Buffer.concat([block, Buffer.alloc(1)])), `long ${index} of ${size}`)
        if (index > 0) assert.not.ok(tree.checkBlock(index - 1, block), `${index} for ${index - 1} of ${size}`)
        // What was refused spoils nothing.
        assert.ok(tree.checkBlock(index, block), `${index} of ${size}`)
      }
      for (const index of [-1, 0.5, tree.blockCount, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        assert.not.ok(tree.checkBlock(index, blockOf(one.data, 0)), `index ${index}`)
      }
    }
  })

  test(`zeros at an end count as data${of}`, () => {
    // Padded or cut, the hash is the same: only the length tells.
    for (const blocks of [1, 2]) {
      const data = muchNoise(blocks * BLOCK - 100)
      data.fill(0, data.length - 50)
      const tree = opened(
        MerkleTree.open(merkleTree(data, algorithm), data.length, verityDigest(data, algorithm), algorithm),
      )
      const last = blockOf(data, blocks - 1)
      assert.ok(tree.checkBlock(blocks - 1, last))
      assert.not.ok(tree.checkBlock(blocks - 1, last.subarray(0, -50)))
      assert.not.ok(tree.checkBlock(blocks - 1, Buffer.concat([last, Buffer.alloc(100)])))
    }
  })

  test(`every altered byte of a tree is found, at open or at the blocks below it${of}`, () => {
    const one = sample(algorithm, (fanout + 6) * BLOCK - 77)
    const last = fanout + 5
    assert.is(one.tree.length, 3 * BLOCK)
    for (let at = 0; at < one.tree.length; at++) {
      const outcome = open(one, { tree: altered(one.tree, at, 1 << (at % 8)) })
      if (at < BLOCK) {
        refused(outcome, 'EIO', `byte ${at} of the top block`)
        continue
      }
      const tree = opened(outcome)
      const first = at < 2 * BLOCK
      for (const index of [0, fanout - 1])
        assert.is(tree.checkBlock(index, blockOf(one.data, index)), !first, `byte ${at}`)
      for (const index of [fanout, last])
        assert.is(tree.checkBlock(index, blockOf(one.data, index)), first, `byte ${at}`)
    }
  })

  test(`a lie in any block of a deep tree is found by just the blocks below it${of}`, () => {
    const size = (fanout * fanout + fanout + 2) * BLOCK
    const one = sample(algorithm, size)
    // Levels, top first: 1 block, 2 blocks, the leaves.
    const leaves = 3 * BLOCK
    const probes = [0, fanout - 1, fanout, fanout * fanout - 1, fanout * fanout, fanout * fanout + fanout + 1]
    const random = seeded(9)
    for (let block = 0; block * BLOCK < one.tree.length; block++) {
      const outcome = open(one, { tree: altered(one.tree, block * BLOCK + Math.floor(random() * BLOCK)) })
      if (block === 0) {
        refused(outcome, 'EIO', 'top')
        continue
      }
      const tree = opened(outcome)
      const isBelow = (index: number) =>
        block < 3
          ? Math.floor(index / fanout / fanout) === block - 1
          : Math.floor(index / fanout) === block - leaves / BLOCK
      const all = block < 3 ? probes : [...probes, (block - 3) * fanout]
      for (const index of all) {
        assert.is(
          tree.checkBlock(index, blockOf(one.data, index)),
          !isBelow(index),
          `tree block ${block}, block ${index}`,
        )
      }
    }
  })

  test(`a wrong digest or size is refused${of}`, () => {
    for (const size of [0, 4097, fanout * BLOCK + 1]) {
      const one = sample(algorithm, size)
      for (let at = 0; at < algorithm.digestSize; at++) {
        refused(open(one, { digest: altered(one.digest, at) }), 'EIO', `digest byte ${at}`)
      }
      for (const length of [0, 31, 33, 63, 65, 96 - algorithm.digestSize]) {
        refused(open(one, { digest: new Uint8Array(length) }), 'EINVAL', `digest of ${length} bytes`)
      }
      for (const other of [size + 1, size + BLOCK, 2 * size + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        if (merkleTreeLength(other, algorithm.digestSize) === 0) continue
        refused(open(one, {}, other), 'EIO', `size ${other} for ${size}`)
      }
      for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        refused(open(one, {}, bad), 'EINVAL', `size ${bad}`)
      }
    }
  })

  test(`data of one block is checked with its block${of}`, () => {
    const one = sample(algorithm, 4000)
    assert.not.ok(opened(open(one, { digest: altered(one.digest, 3) })).checkBlock(0, one.data))
    const wrong = opened(open(one, {}, 3999))
    assert.not.ok(wrong.checkBlock(0, one.data))
    assert.not.ok(wrong.checkBlock(0, one.data.subarray(0, 3999)))
    assert.ok(opened(open(one)).checkBlock(0, one.data))
  })

  test(`empty data has a tree without blocks${of}`, () => {
    const tree = opened(open(sample(algorithm, 0)))
    assert.is(tree.blockCount, 0)
    assert.not.ok(tree.checkBlock(0, new Uint8Array(0)))
    assert.not.ok(tree.checkBlock(0, new Uint8Array(BLOCK)))
  })

  test(`a tree of another length is refused${of}`, () => {
    const one = sample(algorithm, fanout * BLOCK + 1)
    for (const length of [0, 1, BLOCK, 3 * BLOCK - 1, 3 * BLOCK + 1, 4 * BLOCK]) {
      const tree = new Uint8Array(length)
      tree.set(one.tree.subarray(0, length))
      refused(open(one, { tree }), 'EIO', `${length} bytes`)
    }
    refused(open(sample(algorithm, 4096), { tree: new Uint8Array(BLOCK) }), 'EIO', 'a tree for one block')
  })
}

test('the other hash is refused', () => {
  for (const [mine, other] of [
    [SHA256, SHA512],
    [SHA512, SHA256],
  ]) {
    const one = sample(mine, 9 * BLOCK)
    refused(open(one, { algorithm: other }), 'EINVAL', mine.name)
    const digest = new Uint8Array(other.digestSize)
    digest.set(one.digest.subarray(0, other.digestSize))
    refused(open(one, { algorithm: other, digest }), 'EIO', mine.name)
  }
})

test('nothing can change after it was checked', () => {
  const one = sample(SHA256, 200 * BLOCK)
  // Buffers, since slice() of those shares memory.
  const bytes = Buffer.from(one.tree)
  const digest = Buffer.from(one.digest)
  const tree = opened(MerkleTree.open(bytes, one.data.length, digest, SHA256))
  assert.ok(tree.checkBlock(0, blockOf(one.data, 0)))
  const bad = altered(blockOf(one.data, 0), 0)
  bytes.set(SHA256.hash(bad), BLOCK)
  digest.fill(0)
  assert.not.ok(tree.checkBlock(0, bad))
  assert.ok(tree.checkBlock(199, blockOf(one.data, 199)))
})

test('each block of the tree is hashed once, and only when it is needed', () => {
  const counter = countingHash()
  const data = muchNoise(200 * BLOCK)
  const digest = verityDigest(data, counter.sha256)
  const bytes = merkleTree(data, counter.sha256)
  counter.reset()
  const tree = opened(MerkleTree.open(bytes, data.length, digest, counter.sha256))
  assert.is(counter.calls, 2, 'the top block and the descriptor')
  counter.reset()
  tree.checkBlock(0, blockOf(data, 0))
  assert.is(counter.calls, 2, 'the data and the leaves above it')
  tree.checkBlock(127, blockOf(data, 127))
  assert.is(counter.calls, 3)
  tree.checkBlock(128, blockOf(data, 128))
  assert.is(counter.calls, 5)
})

test.run()
