// What is published where somebody else publishes the same at the same time.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256Algorithm } from '../../src/format/hash.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { Publisher } from '../../src/publish/publisher.js'
import type { Target } from '../../src/publish/target.js'
import { MemoryStore } from '../../src/store/memory.js'
import { sizedObject } from '../helpers/published.js'
import { sha256 } from '../helpers/store-hash.js'

const publishing = suite('Publisher')
const large = sizedObject(9 * 2 ** 20 + 1, 5)
const wanted = [{ name: large.name, size: large.data.length, digest: large.digest }]
const options = {
  sha256: sha256Algorithm(sha256),
  sha512: sha256Algorithm(sha256),
  jobs: 2,
  trees: true,
  dryRun: false,
  expect() {},
  step() {},
  brought() {},
}

/** A target that takes as many pieces of a large object as it is told to, since that has come to be there meanwhile. */
function raced(pieces: number): { target: Target; put: Map<string, Uint8Array> } {
  const put = new Map<string, Uint8Array>()
  const target: Target = {
    label: 'raced',
    begin: async () => async () => {},
    sizes: async () => new Map(),
    touch: async () => true,
    async put(name, data) {
      if (data instanceof Uint8Array) {
        put.set(name, data)
        return
      }
      let left = pieces
      if (left > 0) for await (const _ of data) if (--left === 0) break
    },
    openImage: async () => undefined,
    putImage: async () => {},
  }
  return { target, put }
}

for (const pieces of [0, 1, 9, 10, 11]) {
  publishing(
    `the tree of an object of which another push has spared ours all but ${pieces} pieces is whole`,
    async () => {
      const { target, put } = raced(pieces)
      const publisher = new Publisher(new MemoryStore([[large.name, large.data]]), target, options)
      await publisher.run(wanted, [])
      assert.equal(publisher.report.failures, [])
      assert.equal([...put.keys()], [`${large.name}.verity`])
      const tree = put.get(`${large.name}.verity`) as Uint8Array
      assert.ok(Buffer.from(merkleTree(large.data, sha256)).equals(tree), `${tree.length} bytes`)
    },
  )
}

publishing.run()
