import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex, toHex } from '../../src/format/hex.js'
import { VERITY_BLOCK, VerityHasher, verityDigest, verityFromLeaves } from '../../src/format/verity.js'
import { skip } from '../helpers/paths.js'
import { countingHash, noise, sha256 } from '../helpers/store-hash.js'

const test = suite('fs-verity')

/** The pattern of the specification's vectors. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i % 251
  return bytes
}

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

for (const [size, digest] of VECTORS) {
  test(`vector of ${size} bytes`, () => {
    assert.is(toHex(verityDigest(pattern(size), sha256)), digest)
  })
}

test('vectors of text', () => {
  const digest = (text: string) => toHex(verityDigest(new TextEncoder().encode(text), sha256))
  assert.is(digest('hello world\n'), '37061ef2ac4c21bec68489b56138c5780306a4ad7fe6676236ecdf2c9027cd92')
  assert.is(digest('foo bar baz\n'), '91e7d88cb7bc9cf6d8db3b0ecf89af4abf204bef5b3ade5113d5b62ef374e70b')
})

test('chunks of any length, reused buffers too, give the digest of the whole', () => {
  const data = pattern(524289)
  for (const step of [1, 7, 4095, 4096, 4097, 10_000, 524288, 600_000]) {
    const hasher = new VerityHasher(sha256)
    const buffer = new Uint8Array(step)
    // One byte at a time is slow for all of it: only for the begin and the end.
    for (let at = 0, n = 0; at < data.length; at += n) {
      n = step === 1 && at > 5000 && at < 520_000 ? 515_000 : step
      const chunk = data.subarray(at, at + n)
      if (n === step) buffer.set(chunk)
      hasher.update(n === step ? buffer.subarray(0, chunk.length) : chunk)
    }
    assert.is(hasher.size, data.length)
    assert.is(toHex(hasher.digest()), VECTORS[7][1], `chunks of ${step}`)
    assert.is(toHex(hasher.digest()), VECTORS[7][1], 'asked again')
    assert.throws(() => hasher.update(new Uint8Array(1)))
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

const tool = spawnSync('fsverity', ['--version'])
if (tool.error !== undefined) skip(test, 'equals the fsverity tool', 'fsverity is not installed')
else {
  test('equals the fsverity tool', () => {
    const dir = mkdtempSync(join(tmpdir(), 'verity-'))
    try {
      const sizes = [0, 1, 2047, 4096, 8191, 100_000, 128 * VERITY_BLOCK + 1, 3_000_000]
      const files = sizes.map((size, i) => {
        writeFileSync(join(dir, String(i)), noise(size, i + 1))
        return join(dir, String(i))
      })
      const output = execFileSync('fsverity', ['digest', '--compact', ...files], { encoding: 'utf8' })
      const wanted = sizes.map((size, i) => toHex(verityDigest(noise(size, i + 1), sha256)))
      assert.equal(output.trim().split('\n'), wanted)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
}

test.run()
