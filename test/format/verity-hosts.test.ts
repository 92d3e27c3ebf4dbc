// The hashes that the entries supply: the platform's under Node, hash-wasm's for any host.

import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Api, type Host } from '../../src/api.js'
import type { HashName } from '../../src/format/hash.js'
import { VerityHasher, verityDigest } from '../../src/format/verity.js'
import * as anyHost from '../../src/index.js'
import * as node from '../../src/node.js'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { ALGORITHMS, muchNoise } from '../helpers/hashes.js'

const test = suite('hashes of hosts')

for (const [entry, { hashAlgorithm }] of [
  ['any host', anyHost],
  ['node', node],
] as const) {
  for (const wanted of ALGORITHMS) {
    test(`${wanted.name} of the entry for ${entry}`, async () => {
      const algorithm = await hashAlgorithm(wanted.name)
      assert.is(algorithm.name, wanted.name)
      assert.is(algorithm.number, wanted.number)
      assert.is(algorithm.digestSize, wanted.digestSize)
      const first = algorithm.hash(new Uint8Array(1))
      const kept = first.slice()
      for (const size of [0, 1, 111, 112, 128, 4096]) {
        const data = muchNoise(size)
        const hash = createHash(wanted.name).update(data).digest()
        assert.ok(hash.equals(algorithm.hash(data)), `${size} bytes`)
        if (algorithm.hash.to !== undefined) {
          const into = new Uint8Array(wanted.digestSize + 2).fill(7)
          algorithm.hash.to(data, into, 1)
          assert.ok(Buffer.concat([Buffer.of(7), hash, Buffer.of(7)]).equals(into), `${size} bytes, to a place`)
        }
      }
      assert.equal(first, kept, 'an answer is the caller’s')
      const data = muchNoise(70 * 4096 + 3)
      const hasher = new VerityHasher(algorithm)
      hasher.update(data)
      assert.ok(Buffer.from(verityDigest(data, wanted)).equals(hasher.digest()))
    })
  }

  test(`a hash that is none of fs-verity's: ${entry}`, async () => {
    try {
      await hashAlgorithm('md5' as HashName)
      assert.unreachable()
    } catch (error) {
      assert.is((error as { code?: string }).code, 'EINVAL')
    }
  })
}

test('SHA-512 is brought once, and only when it is asked for', async () => {
  let brought = 0
  const never = () => {
    throw new Error('not asked for here')
  }
  const host: Host = {
    sha256: ALGORITHMS[0].hash,
    sha512: async () => {
      brought++
      return ALGORITHMS[1].hash
    },
    module: compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))),
    fullModule: never,
    pagedModule: never,
    open: never,
    source: never,
    store: never,
    uid: () => 0,
    gid: () => 0,
    umask: () => 0,
  }
  const api = new Api(host)
  assert.is((await api.hashAlgorithm('sha256')).hash, host.sha256)
  assert.is(brought, 0)
  await Promise.all([api.hashAlgorithm('sha512'), api.hashAlgorithm('sha512')])
  assert.is((await api.hashAlgorithm('sha512')).hash, ALGORITHMS[1].hash)
  assert.is(brought, 1)
})

test.run()
