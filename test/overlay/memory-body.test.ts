// Bytes in memory, against a plain array of the same bytes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Quota } from '../../src/overlay/body.js'
import { MemoryBody } from '../../src/overlay/memory-body.js'

const bodies = suite('bytes of an upper in memory')

function generator(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * below)
  }
}

bodies('reads what was written, wherever and in whatever order', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const random = generator(seed)
    const quota = new Quota(Number.POSITIVE_INFINITY)
    const body = new MemoryBody(quota)
    const reach = seed % 2 === 0 ? 900_000 : 3000
    let model = Buffer.alloc(0)
    for (let step = 0; step < 60; step++) {
      const at = random(reach)
      if (random(4) === 0) {
        assert.is(body.truncate(at), undefined)
        model = Buffer.concat([model.subarray(0, at), Buffer.alloc(Math.max(0, at - model.length))])
      } else {
        const bytes = Buffer.alloc(1 + random(reach / 3), 1 + random(255))
        assert.is(body.write(bytes, at), undefined)
        const longer = Buffer.alloc(Math.max(model.length, at + bytes.length))
        model.copy(longer)
        bytes.copy(longer, at)
        model = longer
      }
      assert.is(body.size, model.length)
      const from = random(reach)
      const into = Buffer.alloc(random(reach), 0xee)
      const count = body.read(into, from)
      assert.ok(into.subarray(0, count).equals(model.subarray(from, from + into.length)), `seed ${seed}, step ${step}`)
      assert.ok(into.subarray(count).every(byte => byte === 0xee))
      assert.ok(Math.abs(quota.used - body.blocks * 512) < 512)
    }
    body.free()
    assert.is(quota.used, 0)
  }
})

bodies('a hole takes nothing', () => {
  const quota = new Quota(2 ** 20)
  const body = new MemoryBody(quota)
  assert.is(body.truncate(2 ** 40), undefined)
  assert.is(quota.used, 0)
  assert.is(body.write(Uint8Array.of(7), 2 ** 40), undefined)
  assert.ok(quota.used <= 2 ** 18)
  const into = new Uint8Array(3)
  assert.is(body.read(into, 2 ** 40 - 1), 2)
  assert.equal([...into], [0, 7, 0])
  assert.ok(body.dataFrom(0) > 2 ** 40 - 2 ** 19 && body.dataFrom(0) <= 2 ** 40)
  assert.is(body.dataFrom(2 ** 40 + 1), 2 ** 40 + 1)
})

bodies('a write that does not fit leaves all as it was', () => {
  const quota = new Quota(600_000)
  const body = new MemoryBody(quota)
  assert.is(body.write(Buffer.alloc(300_000, 1), 0), undefined)
  const before = quota.used
  assert.is(body.write(Buffer.alloc(400_000, 2), 200_000)?.code, 'ENOSPC')
  assert.equal([body.size, quota.used], [300_000, before])
  const all = Buffer.alloc(300_000)
  body.read(all, 0)
  assert.ok(all.every(byte => byte === 1))
  assert.is(body.write(Uint8Array.of(1), 2 ** 60)?.code, 'EFBIG')
})

bodies('writing on costs what the bytes do, however many are there already', () => {
  const piece = Buffer.alloc(65536, 5)
  const COUNT = 1600
  const best = (run: () => void) => {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 3; i++) {
      const from = performance.now()
      run()
      least = Math.min(least, performance.now() - from)
    }
    return least
  }
  // The pages have to come from the system in both; to copy what is there at each write would take a hundred times as long.
  const plain = best(() => Array.from({ length: COUNT }, () => new Uint8Array(piece)))
  const written = best(() => {
    const body = new MemoryBody(new Quota(Number.POSITIVE_INFINITY))
    for (let i = 0; i < COUNT; i++) body.write(piece, i * piece.length)
  })
  assert.ok(written < 6 * plain + 20, `${written} ms for 100 MiB, ${plain} ms for as many bytes in arrays of their own`)
})

bodies.run()
