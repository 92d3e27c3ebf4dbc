// Against the fsverity tool: digests, Merkle trees and descriptors of both hashes, byte for byte.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import { merkleTree, merkleTreeLength } from '../../src/format/merkle-tree.js'
import { VerityHasher, verityDigest } from '../../src/format/verity.js'
import { peer, runPeer } from '../helpers/command.js'
import { ALGORITHMS, muchNoise, seeded } from '../helpers/hashes.js'
import { skip } from '../helpers/paths.js'

const BLOCK = 4096
const test = suite('fs-verity tool')
const tool = peer('FSVERITY', 'fsverity')

/** Sizes about which a level of the tree of either hash begins, and random ones between. */
function sizes(): number[] {
  const found = new Set([0])
  for (const blocks of [0, 1, 2, 63, 64, 65, 127, 128, 129, 2 * 128, 64 * 64, 64 * 64 + 64]) {
    for (const more of [-1, 0, 1]) if (blocks * BLOCK + more > 0) found.add(blocks * BLOCK + more)
  }
  found.add(128 * 128 * BLOCK + 5)
  const random = seeded(6)
  for (let i = 0; i < 12; i++) found.add(Math.floor(random() * 3_000_000))
  return [...found]
}

if (tool === undefined) skip(test, 'equals the fsverity tool', 'fsverity is not on PATH (FSVERITY may name it)')
else {
  for (const algorithm of ALGORITHMS) {
    test(`digests, trees and descriptors equal the fsverity tool's: ${algorithm.name}`, () => {
      const dir = mkdtempSync(join(tmpdir(), 'verity-'))
      try {
        const [file, tree, descriptor] = ['file', 'tree', 'descriptor'].map(name => join(dir, name))
        const outs = [`--out-merkle-tree=${tree}`, `--out-descriptor=${descriptor}`]
        for (const size of sizes()) {
          const data = muchNoise(size, size)
          writeFileSync(file, data)
          const ran = runPeer(tool, 'digest', '--compact', `--hash-alg=${algorithm.name}`, ...outs, file)
          assert.is(ran.status, 0, ran.stderr)
          assert.is(toHex(verityDigest(data, algorithm)), ran.stdout.toString().trim(), `digest of ${size} bytes`)
          const hasher = new VerityHasher(algorithm)
          hasher.update(data)
          const wanted = readFileSync(tree)
          assert.ok(wanted.equals(hasher.tree()), `tree of ${size} bytes`)
          assert.ok(wanted.equals(merkleTree(data, algorithm)), `tree of ${size} bytes at once`)
          assert.is(merkleTreeLength(size, algorithm.digestSize), wanted.length)
          assert.ok(readFileSync(descriptor).equals(hasher.descriptor()), `descriptor of ${size} bytes`)
        }
      } finally {
        rmSync(dir, { recursive: true })
      }
    })
  }
}

test.run()
