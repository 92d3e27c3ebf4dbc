import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { BLOCK, faultOf, mismatch, NAME, PIECE, probed, value, WAYS } from '../helpers/store-verified.js'

const test = suite('VerifiedObjects')

const RANGES: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, BLOCK],
  [BLOCK - 1, 2],
  [1, 3 * BLOCK],
  [BLOCK, BLOCK],
  [9_999, 1],
  [9_990, 500],
  [10_000, 5],
  [50_000, 5],
  [3, 0],
]

for (const { way, sync, ask } of WAYS) {
  test(`${way}: every range of a digested and of an undigested object`, async () => {
    const data = noise(10_000)
    for (const verified of [true, false]) {
      const { objects, digest } = probed(data, { sync })
      const expected = verified ? { digest, size: data.length } : {}
      const fresh = async () => value(await ask(wait => objects.open(NAME, expected, wait)))
      const kept = await fresh()
      assert.is(kept.size, data.length)
      for (const [position, length] of RANGES) {
        for (const file of [await fresh(), kept]) {
          const into = new Uint8Array(length).fill(0xee)
          const got = value(await ask(wait => file.read(into, position, wait)))
          const wanted = Buffer.from(data.subarray(position, position + length))
          assert.is(got, wanted.length, `${position}+${length}`)
          assert.ok(wanted.equals(into.subarray(0, got)), `${position}+${length}`)
          assert.ok(
            into.subarray(got).every(byte => byte === 0xee),
            'nothing is written behind the answer',
          )
        }
      }
      for (let i = 0; i < 2; i++) assert.ok(Buffer.from(data).equals(value(await ask(wait => kept.readAll(wait)))))
    }
  })

  test(`${way}: an object of several pieces`, async () => {
    const data = noise(2 * PIECE + 5000)
    const { objects, digest, counter, store } = probed(data, { sync })
    const file = value(await ask(wait => objects.open(NAME, { digest, size: data.length }, wait)))
    const into = new Uint8Array(PIECE + 10_000)
    assert.is(value(await ask(wait => file.read(into, 100, wait))), into.length)
    assert.ok(Buffer.from(data.subarray(100, 100 + into.length)).equals(into))
    counter.reset()
    store.reads.length = 0
    assert.is(value(await ask(wait => file.read(into.subarray(0, 10), 2 * PIECE, wait))), 10)
    assert.is(counter.calls, 1, 'one block is checked')
    assert.equal(store.reads, [[2 * PIECE, BLOCK]], 'and one is read')
    counter.reset()
    assert.ok(Buffer.from(data).equals(value(await ask(wait => file.readAll(wait)))))
    assert.is(counter.calls, Math.ceil(data.length / BLOCK))
  })

  test(`${way}: readAll reads once, hashes once and gives that very buffer`, async () => {
    const data = noise(2 * PIECE + 1)
    const { objects, digest, counter, store } = probed(data, { sync })
    const file = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    const all = value(await ask(wait => file.readAll(wait)))
    assert.ok(Buffer.from(data).equals(all))
    assert.equal(store.reads, [[0, data.length]])
    // 513 blocks, 5 blocks of hashes, 1 above them, the descriptor.
    assert.is(counter.calls, 513 + 5 + 1 + 1)
  })

  test(`${way}: a first read of a small object reads and hashes it once`, async () => {
    const data = noise(3 * BLOCK)
    const { objects, digest, counter, store } = probed(data, { sync })
    const file = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    assert.is(value(await ask(wait => file.read(new Uint8Array(10), 5000, wait))), 10)
    assert.equal(store.reads, [[0, data.length]])
    assert.is(counter.calls, 3 + 1 + 1)
  })

  test(`${way}: leaves are shared by later opens, and by other names of the digest`, async () => {
    const data = noise(100 * BLOCK)
    const { objects, digest, counter, store } = probed(data, { sync })
    store.bytes.set('cd/twin', data)
    const first = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    value(await ask(wait => first.read(new Uint8Array(1), 0, wait)))
    first.close()
    for (const name of [NAME, 'cd/twin']) {
      counter.reset()
      const file = value(await ask(wait => objects.open(name, { digest }, wait)))
      value(await ask(wait => file.read(new Uint8Array(1), 50 * BLOCK, wait)))
      assert.is(counter.calls, 1, name)
      file.close()
    }
    assert.is(store.opened, store.closed)
  })

  test(`${way}: a missing object is ENOENT at open, naming object and store`, async () => {
    const { objects } = probed(noise(1), { sync })
    const fault = faultOf(await ask(wait => objects.open('ab/none', {}, wait)), 'ENOENT')
    assert.match(fault.detail, 'ab/none')
    assert.match(fault.detail, 'probe')
    assert.instance(fault.cause, Error)
  })

  test(`${way}: bad names are refused before the store sees them`, async () => {
    const { objects, store } = probed(noise(1), { sync })
    store.bytes.set('../out', noise(1))
    faultOf(await ask(wait => objects.open('../out', {}, wait)), 'EXDEV')
    faultOf(await ask(wait => objects.open('a//b', {}, wait)), 'EINVAL')
    assert.is(store.opened, 0)
  })

  test(`${way}: a wrong size is EIO at the first read, with both sizes, and nothing is read`, async () => {
    const { objects, digest, store } = probed(noise(5000), { sync })
    for (const size of [4999, 5001, 0, 2 ** 52]) {
      for (const expected of [{ size }, { size, digest }]) {
        const file = value(await ask(wait => objects.open(NAME, expected, wait)))
        assert.is(file.size, size)
        const { expected: want, actual } = mismatch(await ask(wait => file.read(new Uint8Array(5), 0, wait)))
        assert.equal([want, actual], [size, 5000])
        mismatch(await ask(wait => file.readAll(wait)))
      }
    }
    assert.equal(store.reads, [])
  })

  test(`${way}: a wrong digest is EIO at the first read, with both digests`, async () => {
    for (const size of [0, 100, 3 * BLOCK, 2 * PIECE]) {
      const { objects, digest } = probed(noise(size), { sync })
      const other = noise(32)
      for (const all of [false, true]) {
        const into = new Uint8Array(10)
        const file = value(await ask(wait => objects.open(NAME, { digest: other, size }, wait)))
        for (let i = 0; i < 2; i++) {
          const got = mismatch(await ask<unknown>(wait => (all ? file.readAll(wait) : file.read(into, 0, wait))))
          assert.equal([got.expected, got.actual], [toHex(other), toHex(digest)])
        }
        assert.ok(
          into.every(byte => byte === 0),
          'no unchecked byte is handed out',
        )
        file.close()
      }
      // The right digest is not held against anyone.
      const file = value(await ask(wait => objects.open(NAME, { digest, size }, wait)))
      assert.is(value(await ask(wait => file.readAll(wait))).length, size)
    }
  })

  test(`${way}: the digest is taken at open, whatever its bytes become`, async () => {
    const { objects, digest } = probed(noise(100), { sync })
    const given = digest.slice()
    const file = value(await ask(wait => objects.open(NAME, { digest: given }, wait)))
    given.fill(0)
    assert.is(value(await ask(wait => file.readAll(wait))).length, 100)
  })

  test(`${way}: a digest of another length is a wrong one`, async () => {
    const { objects, digest } = probed(noise(100), { sync })
    for (const other of [digest.subarray(0, 31), new Uint8Array(0), Uint8Array.of(...digest, 0)]) {
      const file = value(await ask(wait => objects.open(NAME, { digest: other }, wait)))
      mismatch(await ask(wait => file.readAll(wait)))
    }
  })

  test(`${way}: a block altered between reads is EIO, others go on, and so does it when it is right again`, async () => {
    const data = noise(20 * BLOCK)
    const { objects, digest, store } = probed(data, { sync })
    const early = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    value(await ask(wait => early.read(new Uint8Array(1), 0, wait)))
    const altered = data.slice()
    altered[7 * BLOCK + 3] ^= 1
    store.bytes.set(NAME, altered)
    const late = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    for (const file of [early, late]) {
      const into = new Uint8Array(2 * BLOCK)
      const error = mismatch(await ask(wait => file.read(into.subarray(0, 1), 7 * BLOCK, wait)))
      assert.is(error.actual, toHex(sha256(altered.subarray(7 * BLOCK, 8 * BLOCK))))
      assert.is(error.expected, toHex(sha256(data.subarray(7 * BLOCK, 8 * BLOCK))))
      mismatch(await ask(wait => file.read(into, 6 * BLOCK + 5, wait)))
      mismatch(await ask(wait => file.readAll(wait)))
      assert.is(value(await ask(wait => file.read(into, 8 * BLOCK, wait))), into.length)
      assert.ok(Buffer.from(data.subarray(8 * BLOCK, 10 * BLOCK)).equals(into))
    }
    store.bytes.set(NAME, data)
    assert.ok(Buffer.from(data).equals(value(await ask(wait => early.readAll(wait)))))
  })

  test(`${way}: an object cut short while open is EIO, grown it is what it was`, async () => {
    const data = noise(3 * BLOCK)
    for (const expected of [{}, { digest: verityDigest(data, sha256) }]) {
      for (const readBefore of [false, true]) {
        const { objects, store } = probed(data, { sync })
        const file = value(await ask(wait => objects.open(NAME, expected, wait)))
        if (readBefore) value(await ask(wait => file.read(new Uint8Array(1), 0, wait)))
        store.bytes.set(NAME, data.slice(0, 2 * BLOCK + 1))
        const error = mismatch(await ask(wait => file.readAll(wait)))
        assert.equal([error.expected, error.actual], [3 * BLOCK, 2 * BLOCK + 1])
        mismatch(await ask(wait => file.read(new Uint8Array(BLOCK), 2 * BLOCK, wait)))
        const grown = new Uint8Array(5 * BLOCK)
        grown.set(data)
        store.bytes.set(NAME, grown)
        assert.ok(Buffer.from(data).equals(value(await ask(wait => file.readAll(wait)))))
        const into = new Uint8Array(9 * BLOCK)
        assert.is(value(await ask(wait => file.read(into, 0, wait))), data.length)
      }
    }
  })

  test(`${way}: an object replaced by one of another size is EIO though its leaves are held`, async () => {
    const data = noise(3 * BLOCK)
    const { objects, digest, store } = probed(data, { sync })
    const first = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    value(await ask(wait => first.readAll(wait)))
    for (const size of [2 * BLOCK, 3 * BLOCK - 1, 4 * BLOCK, 0]) {
      store.bytes.set(NAME, noise(size))
      const file = value(await ask(wait => objects.open(NAME, { digest }, wait)))
      mismatch(await ask(wait => file.readAll(wait)))
      mismatch(await ask(wait => file.read(new Uint8Array(1), 0, wait)))
    }
  })

  test(`${way}: what a store throws is a Fault with its code`, async () => {
    const { objects, store, digest } = probed(noise(100), { sync })
    const causes: [unknown, string][] = [
      [Object.assign(new Error('busy'), { code: 'EBUSY' }), 'EBUSY'],
      [Object.assign(new Error('odd'), { code: 'ERR_ODD' }), 'EIO'],
      [new Error('plain'), 'EIO'],
    ]
    const file = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    for (const [cause, code] of causes) {
      store.failure = cause as Error
      assert.is(faultOf(await ask(wait => file.readAll(wait)), code).cause, cause)
      assert.is(faultOf(await ask(wait => file.read(new Uint8Array(1), 0, wait)), code).cause, cause)
    }
    store.failure = undefined
    assert.is(value(await ask(wait => file.readAll(wait))).length, 100, 'a failure does not stick')
  })

  test(`${way}: a closed file is EBADF and its object closed, once`, async () => {
    const { objects, store, digest } = probed(noise(100), { sync })
    const file = value(await ask(wait => objects.open(NAME, { digest }, wait)))
    value(await ask(wait => file.readAll(wait)))
    file.close()
    file.close()
    assert.equal([store.opened, store.closed], [1, 1])
    faultOf(await ask(wait => file.read(new Uint8Array(1), 0, wait)), 'EBADF')
    faultOf(await ask(wait => file.readAll(wait)), 'EBADF')
  })
}

test.run()
