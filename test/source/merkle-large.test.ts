// Ranges of large data, checked by stored trees: what a read costs in requests, bytes and memory; trees that the fsverity
// tool wrote; readers who come at once.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex } from '../../src/format/hex.js'
import { merkleTreeFromLeaves } from '../../src/format/merkle-tree.js'
import { verityFromLeaves } from '../../src/format/verity.js'
import { BlockHasher } from '../../src/format/verity-blocks.js'
import { MerkleBlocks } from '../../src/source/merkle-blocks.js'
import { MerkleSource } from '../../src/source/merkle-source.js'
import { bytesSource, type SourceProbe, sourceOf } from '../helpers/byte-sources.js'
import { peer, runPeer } from '../helpers/command.js'
import { ALGORITHMS, muchNoise, SHA256, seeded } from '../helpers/hashes.js'
import { skip } from '../helpers/paths.js'
import { noise, sha256 } from '../helpers/store-hash.js'

const BLOCK = 4096
const test = suite('Merkle source, large data')

const base = noise(BLOCK, 5)

/** Bytes of a block of data that is never there as a whole: the same noise in each, and its number. */
function block(index: number, length = BLOCK): Uint8Array {
  const bytes = base.slice()
  new DataView(bytes.buffer).setUint32(0, index, true)
  return bytes.subarray(0, length)
}

function at(size: number, offset: number, length: number): Uint8Array {
  const to = Math.min(offset + length, size)
  const bytes = new Uint8Array(Math.max(0, to - offset))
  for (let begin = offset - (offset % BLOCK); begin < to; begin += BLOCK) {
    const from = Math.max(begin, offset)
    const end = Math.min(begin + BLOCK, to)
    bytes.set(block(begin / BLOCK, Math.min(BLOCK, size - begin)).subarray(from - begin, end - begin), from - offset)
  }
  return bytes
}

interface Large {
  readonly size: number
  readonly data: SourceProbe
  readonly tree: SourceProbe
  readonly treeBytes: Uint8Array
  readonly digest: Uint8Array
}

/** The tree is made of the leaves, the data as it is asked for. */
function large(size: number): Large {
  const blocks = new BlockHasher(sha256)
  const count = Math.ceil(size / BLOCK)
  const leaves = new Uint8Array(count * 32)
  for (let i = 0; i < count; i++) {
    const bytes = block(i, Math.min(BLOCK, size - i * BLOCK))
    blocks.hashesTo(bytes, 0, bytes.length, leaves, i * 32)
  }
  const treeBytes = merkleTreeFromLeaves(leaves, size, sha256)
  const digest = verityFromLeaves(leaves, size, sha256)
  const data = sourceOf(size, (offset, length) => at(size, offset, length))
  return { size, data, tree: bytesSource(treeBytes), treeBytes, digest }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'no error'
}

const GB = large(2 ** 30)

function fresh({ size, treeBytes, digest }: Large): Large {
  return { size, treeBytes, digest, data: sourceOf(size, (o, l) => at(size, o, l)), tree: bytesSource(treeBytes) }
}

test('a random read in 1 GB costs its blocks, a block of the tree, and two requests', async () => {
  const { data, tree, digest, size } = fresh(GB)
  const blocks = new MerkleBlocks(4 * 2 ** 20)
  const source = new MerkleSource(data, tree, digest, SHA256, { blocks })
  const random = seeded(1)
  for (let i = 0; i < 300; i++) {
    data.reset()
    tree.reset()
    const offset = Math.floor(random() * (size - BLOCK))
    assert.equal(await source.read(offset, BLOCK), at(size, offset, BLOCK))
    assert.is(data.reads.length, 1)
    assert.ok(data.given <= 2 * BLOCK)
    if (i > 0) {
      assert.ok(tree.reads.length <= 1, `${tree.reads.length} requests for the tree`)
      assert.ok(tree.given <= 2 * BLOCK)
    } else {
      // The levels above the leaves' come with the first.
      assert.ok(tree.reads.length <= 2 && tree.given <= 19 * BLOCK, `${tree.reads.length}, ${tree.given}`)
    }
  }
  assert.ok(blocks.bytes <= 4 * 2 ** 20)
  // What is kept is not read again.
  data.reset()
  tree.reset()
  await source.read(0, BLOCK)
  await source.read(BLOCK, BLOCK)
  tree.reset()
  await source.read(9 * BLOCK, BLOCK)
  assert.is(tree.reads.length, 0)
})

test('the first read of near blocks is one request for the tree', async () => {
  const s = large(300 * BLOCK)
  const source = new MerkleSource(s.data, s.tree, s.digest, SHA256)
  assert.equal(await source.read(0, BLOCK), at(s.size, 0, BLOCK))
  assert.is(s.tree.reads.length, 1)
})

test('data and tree are asked for at once', async () => {
  const s = large(300 * BLOCK)
  let waiting = 0
  let most = 0
  const wait = async () => {
    most = Math.max(most, ++waiting)
    await new Promise(resolve => setTimeout(resolve, 5))
    waiting--
  }
  const data = sourceOf(s.size, (o, l) => at(s.size, o, l), { wait })
  const source = new MerkleSource(data, bytesSource(s.treeBytes, { wait }), s.digest, SHA256)
  await source.read(0, 10)
  assert.is(most, 2)
})

test('with next to no room for the tree reads are right still, and what is kept is bounded', async () => {
  for (const treeBytes of [0, 10_000, 40_000]) {
    const { data, tree, digest, size } = fresh(GB)
    const blocks = new MerkleBlocks(treeBytes)
    const source = new MerkleSource(data, tree, digest, SHA256, { blocks })
    const random = seeded(treeBytes)
    for (let i = 0; i < 40; i++) {
      const offset = Math.floor(random() * (size - BLOCK))
      const length = i % 10 === 0 ? 300 * BLOCK : BLOCK
      tree.reset()
      assert.equal(await source.read(offset, length), at(size, offset, length))
      assert.ok(tree.reads.length <= 3 && tree.given <= 10 * BLOCK, `${tree.reads.length}, ${tree.given}`)
      assert.ok(blocks.bytes <= treeBytes)
    }
  }
})

test('readers who come at once share what they need of the tree', async () => {
  const { data, tree, digest, size } = fresh(GB)
  const source = await MerkleSource.open(data, tree, digest, SHA256)
  tree.reset()
  const reads = Array.from({ length: 500 }, (_, i) => source.read(500 * 2 ** 20 + (i % 128) * BLOCK, BLOCK))
  const found = await Promise.all(reads)
  for (const [i, bytes] of found.entries()) {
    assert.equal(bytes, at(size, 500 * 2 ** 20 + (i % 128) * BLOCK, BLOCK))
  }
  assert.ok(tree.reads.length <= 2, `${tree.reads.length} requests`)
  // All over the place: no block of the tree is read twice.
  tree.reset()
  const random = seeded(3)
  const places = Array.from({ length: 1000 }, () => Math.floor((random() * size) / BLOCK) * BLOCK)
  await Promise.all(places.map(async place => assert.equal(await source.read(place, BLOCK), at(size, place, BLOCK))))
  const asked = tree.reads.flatMap(([offset, length]) =>
    Array.from({ length: length / BLOCK }, (_, i) => offset / BLOCK + i),
  )
  assert.is(new Set(asked).size, asked.length)
})

test('a failure is for those who waited for it; who comes later gets the bytes', async () => {
  const { data, tree, digest, size } = fresh(GB)
  const source = new MerkleSource(data, tree, digest, SHA256)
  tree.failure = Object.assign(new Error('reset'), { code: 'ETIMEDOUT' })
  const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => codeOf(source.read(i * BLOCK, BLOCK))))
  assert.ok(codes.every(code => code === 'ETIMEDOUT'))
  tree.failure = undefined
  assert.equal(await source.read(7 * BLOCK, BLOCK), at(size, 7 * BLOCK, BLOCK))
  // Some answers fail, in one of three ways; reads that succeed are right, the others say why.
  const random = seeded(12)
  const turn = (bytes: Uint8Array) => {
    const way = Math.floor(random() * 10)
    if (way === 1) return bytes.subarray(0, bytes.length >> 1)
    if (way === 3) return bytes.map(byte => byte ^ 0x10)
    if (way === 5) throw Object.assign(new Error('reset'), { code: 'EIO' })
    return bytes
  }
  data.turn = turn
  tree.turn = turn
  let right = 0
  for (let i = 0; i < 200; i++) {
    const place = Math.floor(random() * (size - BLOCK))
    try {
      assert.equal(await source.read(place, BLOCK), at(size, place, BLOCK))
      right++
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EIO')) throw error
    }
  }
  assert.ok(right > 20 && right < 180, `${right} reads were right`)
  data.turn = undefined
  tree.turn = undefined
  for (let i = 0; i < 50; i++) {
    const place = Math.floor(random() * (size - BLOCK))
    assert.equal(await source.read(place, BLOCK), at(size, place, BLOCK))
  }
})

for (const more of [-BLOCK - 1, -1, 0, 1, BLOCK + 1]) {
  for (const blocks of [128, 128 * 128]) {
    test(`where a level of the tree begins: ${blocks} blocks, ${more} bytes`, async () => {
      const s = large(blocks * BLOCK + more)
      const source = await MerkleSource.open(s.data, s.tree, s.digest, SHA256)
      const { size } = s
      for (const offset of [0, 127 * BLOCK - 5, size >> 1, size - 2 * BLOCK, size - 1]) {
        assert.equal(await source.read(offset, 3 * BLOCK), at(size, offset, 3 * BLOCK))
      }
      // A wrong bit in any level is found by reads below it.
      const { length } = s.treeBytes
      for (const place of [0, length >> 1, length - 1]) {
        const tree = s.treeBytes.slice()
        tree[place] ^= 4
        const other = new MerkleSource(s.data, bytesSource(tree), s.digest, SHA256)
        assert.is(await codeOf(other.read(0, size)), 'EIO', `byte ${place}`)
      }
    })
  }
}

const tool = peer('FSVERITY', 'fsverity')
if (tool === undefined) skip(test, 'trees of the fsverity tool', 'fsverity is not on PATH (FSVERITY may name it)')
else {
  for (const algorithm of ALGORITHMS) {
    test(`trees of the fsverity tool: ${algorithm.name}`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'merkle-'))
      try {
        const [file, out] = [join(dir, 'file'), join(dir, 'tree')]
        for (const size of [0, 1, 4095, 4096, 4097, 128 * BLOCK, 128 * BLOCK + 1, 5_000_000, 128 * 128 * BLOCK + 1]) {
          const bytes = muchNoise(size, size)
          writeFileSync(file, bytes)
          const ran = runPeer(
            tool,
            'digest',
            '--compact',
            `--hash-alg=${algorithm.name}`,
            `--out-merkle-tree=${out}`,
            file,
          )
          assert.is(ran.status, 0, ran.stderr)
          const digest = fromHex(ran.stdout.toString().trim()) as Uint8Array
          const tree = bytesSource(readFileSync(out))
          const source = await MerkleSource.open(bytesSource(bytes), tree, digest, algorithm)
          const random = seeded(size)
          for (let i = 0; i < 10; i++) {
            const offset = Math.floor(random() * size)
            assert.equal(await source.read(offset, 9000), bytes.slice(offset, offset + 9000))
          }
          assert.ok(Buffer.from(bytes).equals(await source.read(0, size)), `${size} bytes`)
        }
      } finally {
        rmSync(dir, { recursive: true })
      }
    })
  }
}

test.run()
