// Ranges of data that are checked by a stored Merkle tree as they come: what is true passes, whatever the size; no lie
// in data, tree, digest or size does; what fails once is right the next time.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { HashAlgorithm } from '../../src/format/hash.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { verityDigest } from '../../src/format/verity.js'
import { MerkleBlocks } from '../../src/source/merkle-blocks.js'
import { type MerkleOptions, MerkleSource } from '../../src/source/merkle-source.js'
import { IntegrityError } from '../../src/store/errors.js'
import { bytesSource, type ProbeForm, type SourceProbe } from '../helpers/byte-sources.js'
import { ALGORITHMS, muchNoise, SHA256, SHA512, seeded } from '../helpers/hashes.js'

const BLOCK = 4096
const test = suite('Merkle source')

interface Sample {
  readonly bytes: Uint8Array
  readonly data: SourceProbe
  readonly tree: SourceProbe
  readonly digest: Uint8Array
  open(options?: MerkleOptions): Promise<MerkleSource>
  lazily(options?: MerkleOptions): MerkleSource
}

function sample(size: number, form: ProbeForm = {}, algorithm: HashAlgorithm = SHA256): Sample {
  const bytes = muchNoise(size, size)
  const digest = verityDigest(bytes, algorithm)
  const data = bytesSource(bytes.slice(), form)
  const tree = bytesSource(merkleTree(bytes, algorithm), form)
  return {
    ...{ bytes, data, tree, digest },
    open: options => MerkleSource.open(data, tree, digest, algorithm, options),
    lazily: options => new MerkleSource(data, tree, digest, algorithm, options),
  }
}

async function rejection(promise: Promise<unknown>): Promise<Error & { code: string }> {
  try {
    await promise
  } catch (error) {
    assert.instance(error, Error)
    return error as Error & { code: string }
  }
  throw new Error('did not reject')
}

async function wrong(promise: Promise<unknown>, what: RegExp): Promise<void> {
  const error = await rejection(promise)
  assert.is(error.code, 'EIO', error.message)
  assert.match(error.message, what)
  assert.instance(error.cause, IntegrityError)
}

/** Sizes about which blocks, and levels of the tree, begin. */
const SIZES = [0, 1, 4095, 4096, 4097, 2 * BLOCK, 127 * BLOCK, 128 * BLOCK, 129 * BLOCK].flatMap(size =>
  size > BLOCK + 1 ? [size - 1, size, size + 1] : [size],
)

for (const algorithm of ALGORITHMS) {
  test(`every range of every size is what the data has there: ${algorithm.name}`, async () => {
    const random = seeded(7)
    for (const size of [...SIZES, 3_000_001]) {
      const s = sample(size, { sync: true }, algorithm)
      const source = await s.open()
      assert.is(source.size, size)
      const ranges = [
        [0, size],
        [size, 10],
        [size + BLOCK, 1],
        [0, 0],
        [Math.max(0, size - 1), BLOCK],
      ]
      for (let i = 0; i < 20; i++) ranges.push([Math.floor(random() * size), Math.floor(random() * 3 * BLOCK)])
      const lazy = s.lazily()
      for (const [offset, length] of ranges) {
        const wanted = s.bytes.slice(offset, offset + length)
        const what = `${length} bytes from ${offset} of ${size}`
        assert.equal(await source.read(offset, length), wanted, what)
        assert.equal(lazy.readSync?.(offset, length), wanted, `${what}, synchronously`)
      }
      for (const [offset, length] of s.data.reads) {
        assert.is(offset % BLOCK, 0)
        assert.ok(offset + length <= size && ((offset + length) % BLOCK === 0 || offset + length === size))
      }
      source.close()
    }
  })
}

test('an altered byte of the data is found by every read of its block and by no other', async () => {
  for (const size of [1, 4096, 4097, 130 * BLOCK + 7]) {
    const s = sample(size)
    const random = seeded(size)
    for (let i = 0; i < 12; i++) {
      const at = i === 0 ? size - 1 : Math.floor(random() * size)
      const block = Math.floor(at / BLOCK)
      s.data.turn = (bytes, offset) => {
        if (offset <= at && at < offset + bytes.length) bytes[at - offset] ^= 1 << (i % 8)
        return bytes
      }
      const source = await s.open()
      await wrong(source.read(block * BLOCK, 1), new RegExp(size <= BLOCK ? 'digest' : `data block ${block}:`))
      await wrong(source.read(0, size), /EIO: data: wrong/)
      if (block > 0) assert.equal(await source.read(0, BLOCK), s.bytes.slice(0, BLOCK))
      s.data.turn = undefined
      assert.equal(await source.read(at, 1), s.bytes.slice(at, at + 1), 'and is no matter once the byte is right')
    }
  }
})

test('an altered byte of the tree gives an error or the right bytes', async () => {
  const s = sample(300 * BLOCK + 1)
  const { size } = s.tree
  const random = seeded(9)
  let found = 0
  for (let at = 0; at < size; at += 1 + Math.floor(random() * 90)) {
    s.tree.turn = (bytes, offset) => {
      if (offset <= at && at < offset + bytes.length) bytes[at - offset] ^= 0x80
      return bytes
    }
    const source = s.lazily()
    for (const offset of [0, 150 * BLOCK, 300 * BLOCK]) {
      try {
        assert.equal(await source.read(offset, BLOCK), s.bytes.slice(offset, offset + BLOCK))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error
        found++
        assert.is(error.code, 'EIO')
        assert.match(error.message, /(tree block \d|digest)/)
        assert.instance(error.cause, IntegrityError)
      }
    }
    // Whatever was kept of that: with the byte right again all reads are.
    s.tree.turn = undefined
    assert.equal(await source.read(0, s.bytes.length), s.bytes)
  }
  assert.ok(found > 100, `${found} reads failed`)
})

test('a foreign digest, size or tree is refused', async () => {
  const s = sample(20 * BLOCK)
  const other = sample(20 * BLOCK + 1)
  await wrong(MerkleSource.open(s.data, s.tree, other.digest, SHA256), /digest by tree block 0/)
  await wrong(MerkleSource.open(s.data, other.tree, s.digest, SHA256), /digest by tree block 0/)
  await wrong(MerkleSource.open(other.data, s.tree, s.digest, SHA256), /digest by tree block 0/)
  const short = bytesSource(new Uint8Array(100))
  await wrong(
    MerkleSource.open(s.data, short, s.digest, SHA256),
    /length of the Merkle tree of 81920 bytes: expected 4096, got 100/,
  )
  await wrong(
    MerkleSource.open(bytesSource(new Uint8Array(0)), bytesSource(new Uint8Array(0)), s.digest, SHA256),
    /digest/,
  )
  assert.is((await rejection(MerkleSource.open(s.data, s.tree, s.digest, SHA512))).code, 'EINVAL')
  assert.is((await rejection(MerkleSource.open(s.data, s.tree, s.digest.slice(1), SHA256))).code, 'EINVAL')
  assert.is(s.data.closed + s.tree.closed, 0, 'they are still the caller')
})

test('blocks kept for one size of the data are no word about another', async () => {
  const s = sample(20 * BLOCK)
  const blocks = new MerkleBlocks(2 ** 20)
  const source = await s.open({ blocks })
  await source.read(0, 20 * BLOCK)
  const longer = bytesSource(new Uint8Array(20 * BLOCK + 5))
  await wrong(new MerkleSource(longer, s.tree, s.digest, SHA256, { blocks }).read(0, 1), /digest by tree block 0/)
})

test('what a source fails in, or gives too little of, does not last', async () => {
  const s = sample(200 * BLOCK)
  const source = s.lazily()
  // The tree first: once its blocks are kept it is not asked again.
  const reset = Object.assign(new Error('reset'), { code: 'EIO' })
  for (const probe of [s.tree, s.data]) {
    probe.failure = reset
    assert.is(await rejection(source.read(0, 1)), reset, 'its own error comes through')
    probe.failure = undefined
    for (const turn of [(b: Uint8Array) => b.subarray(1), (b: Uint8Array) => new Uint8Array(b.length + 1)]) {
      probe.turn = turn
      assert.is((await rejection(source.read(0, 1))).code, 'EIO')
      probe.turn = undefined
    }
  }
  assert.equal(await source.read(0, 200 * BLOCK), s.bytes)
})

test('wrong ranges are EINVAL, reads after close are EBADF, close waits for reads', async () => {
  const s = sample(200 * BLOCK)
  const source = await s.open()
  for (const [offset, length] of [
    [-1, 1],
    [0.5, 1],
    [0, -1],
    [0, Number.NaN],
    [2 ** 60, 1],
  ]) {
    assert.is((await rejection(source.read(offset, length))).code, 'EINVAL')
  }
  const under = source.read(10 * BLOCK, BLOCK)
  source.close()
  source.close()
  assert.is(s.data.closed, 0)
  assert.equal(await under, s.bytes.slice(10 * BLOCK, 11 * BLOCK))
  assert.is(s.data.closed, 1)
  assert.is(s.tree.closed, 1)
  assert.is((await rejection(source.read(0, 1))).code, 'EBADF')
})

test.run()
