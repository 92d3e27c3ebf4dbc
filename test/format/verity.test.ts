import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashOfStrings } from '../../src/format/hash.js'
import { fromHex, toHex } from '../../src/format/hex.js'
import { merkleTree, merkleTreeFromLeaves } from '../../src/format/merkle-tree.js'
import { VERITY_BLOCK, VerityHasher, verityDigest, verityFromLeaves } from '../../src/format/verity.js'
import { ALGORITHMS, muchNoise, pattern, SHA256, SHA512, seeded } from '../helpers/hashes.js'
import { countingHash, noise, sha256 } from '../helpers/store-hash.js'

const test = suite('fs-verity')

// Specification section 6.1 and 6.2 (the kernel's digest of empty data).
const VECTORS: readonly (readonly [number, string])[] = [
  [0, '3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95'],
  [1, 'b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551'],
  [64, '82e78d1b03af63fe2c17a967ec3264787e36f598abeae346f2fccb1ed6983846'],
  [4095, '5f4953aad672b0188023d6cd6fbce9d09508eb7dad165b6298ce0086bc1e72db'],
  [4096, '13e9b8848ae484a36acb3f3cac0ceb2f7601e96633d15c92f9bd3dd44e492157'],
  [4097, 'b0d074abef4d544404facfab6ba242f6a8ccbde90f1325cd286f3c8aa8d0f8aa'],
  [524288, 'd82861203d50ae9b60948504a704f35f5118bd229aeb1a22d6dae47b1767c4c4'],
  [524289, '4dc6905041c9c4ee73e13b53f63f5d289c46da359b664a965ead7f8cc4d799d4'],
  [67108869, '9dd5b05ed52fe1bb86fa899e3e1c06df348699182f0f5994b124d0fbf6a284ea'],
]

const VECTORS_512: readonly (readonly [number, string])[] = [
  [
    0,
    'ccf9e5aea1c2a64efa2f2354a6024b90dffde6bbc017825045dce374474e13d10adb9dadcc6ca8e17a3c075fbd31336e8f266ae6fa93a6c3bed66f9e784e5abf',
  ],
  [
    1,
    '9fcf5172b085b1c8f9365eecb37a1869e193a4705654a5829f11939cd01d5c0fd97276be8cd9d49f76cfc8dcfeb80f8128e3548a1de50b56912b9e3fc7bde27b',
  ],
  [
    64,
    '67f5c00fd95bbf2c2f9055b20d281de71ebafb9acc860238c9fa38e0cc5c50eb212ffb61f688ce013242c752d8afaea178a2e6b4a4ccd3a99c6c37f62de7e8bd',
  ],
  [
    4095,
    '1f4a9ea21af349cae1d1aa1ce4e560ce6d1e5882d8e2e7696b5afd14191f876e608444553101ba7ff16386a79c7e8739b2905ed14baf8036ebd05e6f09063b2a',
  ],
  [
    4096,
    '7bf994782b368ecc4e20ce9144701b1a30524d5bbc90987625de22eebc8cf370ec846c1b5e77f9099c6f6cfc0b590359b9ac8083a43e5f7fa5ec05a25dab6e03',
  ],
  [
    4097,
    '97a1e45daaa69bd7b31908cf835318ba36476984ffa7f4a5913c0187db04ce5f19dc80306f493741d4ad1cdd212b7a9d2691aa3d42563d35471363fbb0fc7f1c',
  ],
  [
    524288,
    '7b3d245f9dc3169e2f721fa32f735149ace066408e783d5d79e21f9761e2efc39fb016b0a94e0a00af41a32fa5283b189899b0f27f91d013be745709678c0278',
  ],
  [
    524289,
    '60b58fe0f1e5198627ffb6be091eef60edce9b4ff6ee43884ba78a831ecdecc1572729afc5ebeb09101e3f102c9d7142ab4f66216198d85f8c7194eca7885bb2',
  ],
  [
    67108869,
    '8508ec69b9a9a78d2c1c8b134c079e24811a0c3690e76fc2d9fdd1fb7513ecf3f7a70c796ac7aebe1e7d24d818b497ce9b582c687c163c7e4f7034cd43158fac',
  ],
]

for (const [algorithm, vectors] of [
  [SHA256, VECTORS],
  [SHA512, VECTORS_512],
] as const) {
  for (const [size, digest] of vectors) {
    test(`vector of ${size} bytes, ${algorithm.name}`, () => {
      assert.is(toHex(verityDigest(pattern(size), algorithm)), digest)
    })
  }
}

test('a bare function is SHA-256', () => {
  assert.is(toHex(verityDigest(pattern(4097), sha256)), VECTORS[5][1])
  const hasher = new VerityHasher(sha256)
  hasher.update(pattern(4097))
  assert.is(toHex(hasher.digest()), VECTORS[5][1])
})

test('vectors of text', () => {
  const digest = (text: string) => toHex(verityDigest(new TextEncoder().encode(text), sha256))
  assert.is(digest('hello world\n'), '37061ef2ac4c21bec68489b56138c5780306a4ad7fe6676236ecdf2c9027cd92')
  assert.is(digest('foo bar baz\n'), '91e7d88cb7bc9cf6d8db3b0ecf89af4abf204bef5b3ade5113d5b62ef374e70b')
})

for (const [algorithm, vectors] of [
  [SHA256, VECTORS],
  [SHA512, VECTORS_512],
] as const) {
  test(`chunks of any length, reused buffers too, give the digest of the whole: ${algorithm.name}`, () => {
    const data = pattern(524289)
    const wanted = vectors.find(([size]) => size === data.length)?.[1]
    for (const step of [1, 7, 4095, 4096, 4097, 10_000, 524288, 600_000]) {
      const hasher = new VerityHasher(algorithm)
      const buffer = new Uint8Array(step)
      // One byte at a time is slow for all of it: only for the begin and the end.
      for (let at = 0, n = 0; at < data.length; at += n) {
        n = step === 1 && at > 5000 && at < 520_000 ? 515_000 : step
        const chunk = data.subarray(at, at + n)
        if (n === step) buffer.set(chunk)
        hasher.update(n === step ? buffer.subarray(0, chunk.length) : chunk)
      }
      assert.is(hasher.size, data.length)
      assert.is(toHex(hasher.digest()), wanted, `chunks of ${step}`)
      assert.is(toHex(hasher.digest()), wanted, 'asked again')
      assert.throws(() => hasher.update(new Uint8Array(1)))
    }
  })

  test(`random chunks give digest, leaves, tree and descriptor of the whole: ${algorithm.name}`, () => {
    const random = seeded(algorithm.digestSize)
    for (let round = 0; round < 60; round++) {
      const data = muchNoise(Math.floor(random() ** 3 * 1_500_000), round + 1)
      const hasher = new VerityHasher(algorithm, round % 3 === 0 ? data.length : 0)
      for (let at = 0; at < data.length; ) {
        // Lengths around the block's are what could go wrong; empty chunks too.
        const n = [0, 1, 4095, 4096, 4097, Math.floor(random() * 9000), Math.floor(random() * 300_000)]
        const chunk = Buffer.from(data.subarray(at, at + n[Math.floor(random() * n.length)]))
        hasher.update(chunk)
        at += chunk.length
        chunk.fill(0xee)
      }
      assert.equal(hasher.digest(), verityDigest(data, algorithm), `${data.length} bytes`)
      assert.equal(hasher.tree(), merkleTree(data, algorithm))
      assert.equal(hasher.tree(), merkleTreeFromLeaves(hasher.leaves(), data.length, algorithm))
      assert.equal(algorithm.hash(hasher.descriptor()), hasher.digest())
      assert.equal(verityFromLeaves(hasher.leaves(), data.length, algorithm), hasher.digest())
    }
  })
}

test('a hash that writes where it is told is asked to, and gives the same', () => {
  const data = noise(300 * VERITY_BLOCK + 5)
  for (const { name, number, digestSize } of ALGORITHMS) {
    let strings = 0
    const hash = hashOfStrings(
      bytes => createHash(name).update(bytes).digest(),
      bytes => {
        strings++
        return createHash(name).update(bytes).digest('binary')
      },
    )
    const found = verityDigest(data, { name, number, digestSize, hash })
    assert.equal(found, verityDigest(data, ALGORITHMS[number - 1]))
    const blocks = [301, Math.ceil(301 / (4096 / digestSize)), 1]
    assert.is(strings, blocks[0] + blocks[1] + blocks[2])
  }
})

test('leaves are the hashes of the zero-padded blocks, and give the digest', () => {
  for (const size of [0, 1, 4096, 4097, 20 * VERITY_BLOCK - 1, 524288]) {
    const data = noise(size)
    const padded = new Uint8Array(Math.ceil(size / VERITY_BLOCK) * VERITY_BLOCK)
    padded.set(data)
    const hashes: Uint8Array[] = []
    for (let at = 0; at < padded.length; at += VERITY_BLOCK) hashes.push(sha256(padded.subarray(at, at + VERITY_BLOCK)))
    for (const expected of [0, size, 2 * size + 1]) {
      const hasher = new VerityHasher(sha256, expected)
      hasher.update(data)
      assert.ok(Buffer.concat(hashes).equals(hasher.leaves()), `${size}, expected ${expected}`)
      assert.is(toHex(verityFromLeaves(hasher.leaves(), size, sha256)), toHex(verityDigest(data, sha256)))
    }
  }
  assert.throws(() => verityFromLeaves(new Uint8Array(32), 4097, sha256))
})

test('each block is hashed once', () => {
  const counter = countingHash()
  verityDigest(noise(1000 * VERITY_BLOCK), counter.sha256)
  // 1000 blocks, 8 blocks of their hashes, 1 of those hashes, the descriptor.
  assert.is(counter.calls, 1000 + 8 + 1 + 1)
})

test('hex there and back', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  assert.is(toHex(bytes), Buffer.from(bytes).toString('hex'))
  assert.equal(fromHex(toHex(bytes)), bytes)
  assert.equal(fromHex('aBCd'), Uint8Array.of(0xab, 0xcd))
  assert.equal(fromHex(''), new Uint8Array(0))
  for (const bad of ['a', '0g', '0x', ' 1', '+1', 'é0', '1e0', 'ab\n']) assert.is(fromHex(bad), undefined, bad)
})

test.run()
