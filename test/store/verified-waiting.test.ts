// VerifiedObjects: who waits and who doesn't, many at once, and what is kept how long.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, Miss } from '../../src/format/errno.js'
import { verityDigest } from '../../src/format/verity.js'
import { MemoryStore } from '../../src/store/memory.js'
import { type ObjectFile, VerifiedObjects } from '../../src/store/verified.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { ProbeStore } from '../helpers/store-probe.js'
import { BLOCK, faultOf, NAME, PIECE, probed, settle, value } from '../helpers/store-verified.js'

const test = suite('VerifiedObjects, waiting')

test('who may not wait gets a Miss, even where the store could be synchronous', () => {
  const { objects, store } = probed(noise(100), { sync: true })
  assert.instance(objects.open(NAME, {}, false), Miss)
  const file = value(objects.open(NAME, {}, true))
  assert.instance(file.read(new Uint8Array(1), 0, false), Miss)
  assert.instance(file.readAll(false), Miss)
  assert.equal(store.reads, [])
})

test('a store without synchronous forms is missed even by who would wait', async () => {
  const { objects } = probed(noise(100))
  assert.instance(objects.open(NAME, {}, true), Miss)
  const file = value(await settle(() => objects.open(NAME, {}, false)))
  assert.instance(file.readAll(true), Miss)
})

test('a store that never waits is never missed', () => {
  const data = noise(10_000)
  const objects = new VerifiedObjects(new MemoryStore([[NAME, data]]), sha256)
  const file = value(objects.open(NAME, { digest: verityDigest(data, sha256) }, false))
  assert.is(value(file.read(new Uint8Array(10), 5000, false)), 10)
  const all = value(file.readAll(false))
  all.fill(0)
  assert.ok(Buffer.from(data).equals(value(file.readAll(false))), 'the buffer was the caller’s own')
})

test('reads of one file at many places at once all make progress, and hash it once', async () => {
  const data = noise(3 * PIECE)
  const { objects, digest, counter, store } = probed(data)
  const file = value(await settle(() => objects.open(NAME, { digest }, false)))
  const reads = Array.from({ length: 64 }, (_, i) => async () => {
    const into = new Uint8Array(1 + i * 100)
    const position = (i * 7919 * 101) % (data.length - into.length)
    assert.is(value(await settle(() => file.read(into, position, false))), into.length)
    assert.ok(Buffer.from(data.subarray(position, position + into.length)).equals(into))
  })
  const whole = async () => assert.ok(Buffer.from(data).equals(value(await settle(() => file.readAll(false)))))
  await Promise.all([...reads.map(read => read()), whole(), whole()])
  const tree = 768 + 6 + 1 + 1
  const blocks = store.reads.reduce((sum, [, length]) => sum + Math.ceil(length / BLOCK), 0)
  assert.is(counter.calls, tree + (blocks - 768), 'once the whole, then just the blocks that were read')
})

test('reads larger together than what is kept still make progress', async () => {
  const data = noise(6 * PIECE)
  const { objects, digest } = probed(data)
  const file = value(await settle(() => objects.open(NAME, { digest }, false)))
  const all = await Promise.all(Array.from({ length: 6 }, () => settle(() => file.readAll(false))))
  for (const bytes of all) assert.ok(Buffer.from(data).equals(value(bytes)))
})

test('files of one digest opened at once share one hashing; a wrong one does not spoil the others', async () => {
  const data = noise(2 * PIECE)
  const { objects, digest, counter, store } = probed(data)
  const bad = data.slice()
  bad[5] ^= 1
  store.bytes.set('ab/bad', bad)
  const names = ['ab/bad', NAME, NAME, 'ab/bad', NAME]
  const files = await Promise.all(
    names.map(async name => value(await settle(() => objects.open(name, { digest }, false)))),
  )
  const results = await Promise.all(files.map(file => settle(() => file.read(new Uint8Array(3), 0, false))))
  assert.equal(
    results.map(result => (result instanceof Fault ? result.code : result)),
    ['EIO', 3, 3, 'EIO', 3],
  )
  const tree = 512 + 4 + 1 + 1
  // The first, bad one and one good one hash everything; the rest a block each.
  assert.ok(counter.calls <= 2 * tree + names.length, `${counter.calls} hashes`)
})

test('a file closed while it is being read gives back its object when that has ended', async () => {
  const { objects, digest, store } = probed(noise(3 * PIECE))
  const open = async () => value(await settle(() => objects.open(NAME, { digest }, false)))
  const [leaving, staying] = [await open(), await open()]
  const load = (leaving.read(new Uint8Array(1), 0, false) as Miss).load()
  const other = settle(() => staying.read(new Uint8Array(1), 0, false))
  leaving.close()
  assert.is(store.closed, 0)
  await load
  assert.is(store.closed, 1)
  assert.is(value(await other), 1, 'who waited for the same hashing is not hurt')
  faultOf(leaving.read(new Uint8Array(1), 0, false), 'EBADF')
  staying.close()
  assert.is(store.closed, 2)
})

test('leaf hashes of closed objects are bounded, those in use stay', () => {
  const size = 64 * BLOCK
  const { objects, store, counter } = probed(noise(1), { sync: true, leafBytes: 10_000 })
  const open = (seed: number): ObjectFile => {
    const data = noise(size, seed)
    store.bytes.set(`ab/${seed}`, data)
    const file = value(objects.open(`ab/${seed}`, { digest: verityDigest(data, sha256) }, true))
    value(file.read(new Uint8Array(1), 0, true))
    return file
  }
  for (let seed = 1; seed <= 50; seed++) {
    open(seed).close()
    assert.ok(objects.leafBytes <= 10_000, `${objects.leafBytes} bytes`)
  }
  counter.reset()
  open(50).close()
  assert.is(counter.calls, 1, 'the latest is held')
  counter.reset()
  open(1).close()
  assert.ok(counter.calls > 64, 'the oldest is not')
  const held = Array.from({ length: 10 }, (_, i) => open(100 + i))
  counter.reset()
  for (const file of held) value(file.read(new Uint8Array(1), BLOCK, true))
  open(100).close()
  assert.is(counter.calls, 11, 'what is open is held beyond the bound')
  for (const file of held) file.close()
  assert.ok(objects.leafBytes <= 10_000)
})

test('leaves larger than the bound are held while the file is open, for others too', () => {
  const data = noise(64 * BLOCK)
  const { objects, digest, counter } = probed(data, { sync: true, leafBytes: 100 })
  const open = () => value(objects.open(NAME, { digest }, true))
  const file = open()
  value(file.read(new Uint8Array(1), 0, true))
  counter.reset()
  value(file.read(new Uint8Array(1), 0, true))
  const second = open()
  value(second.read(new Uint8Array(1), 0, true))
  assert.is(counter.calls, 2)
  file.close()
  value(second.read(new Uint8Array(1), 0, true))
  assert.is(counter.calls, 3)
  second.close()
  assert.is(objects.leafBytes, 0)
})

test('objects opened for nobody are bounded and can be closed', async () => {
  const { objects, store } = probed(noise(10))
  const misses = Array.from({ length: 200 }, () => objects.open(NAME, {}, false) as Miss)
  for (const miss of misses) await miss.load()
  assert.is(store.opened, 200)
  assert.ok(store.opened - store.closed <= 64)
  value(objects.open(NAME, {}, false)).close()
  objects.close()
  assert.is(store.closed, 200)
})

test('two hundred opens at once all come through', async () => {
  const { objects, store } = probed(noise(10))
  const files = await Promise.all(Array.from({ length: 200 }, () => settle(() => objects.open(NAME, {}, false))))
  for (const file of files) value(file).close()
  objects.close()
  assert.is(store.opened, store.closed)
})

test('2 GiB and more are not read in one piece', () => {
  const store = new ProbeStore({ sync: true })
  store.bytes.set(NAME, { length: 2 ** 31 } as Uint8Array)
  const file = value(new VerifiedObjects(store, sha256).open(NAME, {}, true))
  faultOf(file.readAll(true), 'EFBIG')
  assert.equal(store.reads, [])
})

test.run()
