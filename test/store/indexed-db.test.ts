// IndexedDbStore over an IndexedDB in memory (fake-indexeddb). In real browsers: test/browser/stores.test.ts.
import 'fake-indexeddb/auto'
import { deleteDB, openDB } from 'idb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { IndexedDbStore } from '../../src/store/indexed-db.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('IndexedDbStore')
const CHUNK = 256 * 1024
/** Bytes that are written at a time. */
const PIECE = 8 * CHUNK

const names = { made: 0 }
const fresh = (): string => `test-${names.made++}`

async function* inPieces(...parts: (number | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    // A transaction would end here.
    await new Promise(resolve => setTimeout(resolve, 1))
    if (part instanceof Error) throw part
    yield noise(part)
  }
}

/** What lies in the database: names, chunks, leftovers. */
async function counts(name: string): Promise<[number, number, number]> {
  const database = await openDB(name)
  const found = [await database.count('objects'), await database.count('chunks'), await database.count('leftovers')]
  database.close()
  return found as [number, number, number]
}

storeContract(test, async () => new IndexedDbStore(fresh()))

test('large objects are chunks, of which a range reads only its own', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  const data = noise(3 * CHUNK + 5)
  await store.put('large', data)
  await store.put('same', inPieces(CHUNK - 1, 2, 2 * CHUNK + 4))
  assert.equal(await counts(name), [2, 8, 0])
  const object = await store.open('large')
  const database = await openDB(name)
  for (const index of [0, 3]) await database.delete('chunks', [(await database.get('objects', 'large')).id, index])
  for (const [offset, length] of [
    [CHUNK, 1],
    [2 * CHUNK - 1, 2],
    [CHUNK, 2 * CHUNK],
  ]) {
    assert.ok(Buffer.from(data.subarray(offset, offset + length)).equals(await object.read(offset, length)))
  }
  assert.is(await codeOf(() => object.read(0, CHUNK + 1)), 'ESTALE')
  assert.is(await codeOf(() => object.read(3 * CHUNK, 100)), 'ESTALE')
  await database.put('chunks', noise(4), [(await database.get('objects', 'large')).id, 3])
  assert.is(await codeOf(() => object.read(3 * CHUNK, 100)), 'EIO')
  database.close()
})

test('an object of many pieces comes back', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  const data = noise(2 * PIECE + CHUNK + 3)
  await store.put('bytes', data)
  await store.put('stream', inPieces(PIECE + 7, PIECE + CHUNK - 4))
  assert.equal(await counts(name), [2, 36, 0])
  for (const [one, wanted] of [
    ['bytes', data],
    ['stream', Buffer.concat([noise(PIECE + 7), noise(PIECE + CHUNK - 4)])],
  ] as const) {
    const object = await store.open(one)
    assert.ok(Buffer.from(wanted).equals(await object.read(0, object.size)), one)
    const at = PIECE - 5
    assert.ok(Buffer.from(wanted.subarray(at, at + 3 * CHUNK)).equals(await object.read(at, 3 * CHUNK)), one)
  }
})

test('a large put that fails late leaves no chunk', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  const failed = store.put('large', inPieces(PIECE + 1, 10, new Error('source is gone')))
  assert.match(String(await failed.catch(String)), /source is gone/)
  assert.equal(await counts(name), [0, 0, 0])
})

test('of many large puts of one name the chunks of one stay', async () => {
  const name = fresh()
  const stores = [new IndexedDbStore(name), new IndexedDbStore(name)]
  await Promise.all(Array.from({ length: 6 }, (_, i) => stores[i % 2].put('large', inPieces(CHUNK, CHUNK, 7))))
  assert.equal(await counts(name), [1, 3, 0])
})

test('a large object outlives its deletion, then its chunks go', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  const data = noise(2 * CHUNK)
  await store.put('large', data)
  const first = await store.open('large')
  const second = await store.open('large')
  await store.delete('large')
  assert.is(await codeOf(() => store.stat('large')), 'ENOENT')
  await store.put('large', noise(CHUNK, 2))
  first.close()
  assert.ok(Buffer.from(data).equals(await second.read(0, data.length)))
  assert.equal(await counts(name), [1, 3, 1])
  const last = second.read(5, CHUNK)
  second.close()
  assert.ok(Buffer.from(data.subarray(5, CHUNK + 5)).equals(await last))
  await new Promise(resolve => setTimeout(resolve, 20))
  assert.equal(await counts(name), [1, 1, 0])
})

test('what another tab deletes is ESTALE here', async () => {
  const name = fresh()
  const [one, other] = [new IndexedDbStore(name), new IndexedDbStore(name)]
  await one.put('large', noise(2 * CHUNK))
  await one.put('small', noise(20))
  const large = await one.open('large')
  const small = await one.open('small')
  await other.delete('large')
  await other.delete('small')
  assert.is(await codeOf(() => large.read(0, 10)), 'ESTALE')
  assert.is((await small.read(0, 30)).length, 20)
})

test('chunks that nobody has any more are cleared, others not', async () => {
  const name = fresh()
  const first = new IndexedDbStore(name)
  await first.put('small', noise(1))
  const database = await openDB(name)
  const day = 24 * 3600 * 1000
  for (const [id, touched] of [
    ['old', Date.now() - day - 1],
    ['young', Date.now()],
  ] as const) {
    await database.put('leftovers', { lease: 'gone', touched }, id)
    await database.put('chunks', noise(5), [id, 0])
  }
  database.close()
  await new IndexedDbStore(name).put('large', noise(CHUNK))
  assert.equal(await counts(name), [2, 2, 1])
})

test('a put whose chunks were cleared away is no object', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  const cutShort = async function* (): AsyncGenerator<Uint8Array> {
    yield noise(PIECE)
    yield noise(1)
    const database = await openDB(name)
    await database.clear('leftovers')
    await database.clear('chunks')
    database.close()
    yield noise(CHUNK)
  }
  assert.is(await codeOf(() => store.put('large', cutShort())), 'ESTALE')
  assert.equal(await counts(name), [0, 0, 0])
})

test('what became an object while it was about to be cleared stays', async () => {
  const name = fresh()
  await new IndexedDbStore(name).put('small', noise(1))
  const database = await openDB(name)
  await database.put('leftovers', { lease: 'gone', touched: 0 }, 'late')
  await database.put('chunks', noise(5), ['late', 0])
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  // The lock comes when the other tab has just finished.
  const request = async (_name: string, options: unknown, action?: (lock: object) => Promise<void>) => {
    if (action === undefined) return (options as () => unknown)()
    const done = database.transaction(['objects', 'leftovers'], 'readwrite')
    await done.objectStore('objects').put({ size: 5, id: 'late', chunkBytes: CHUNK }, 'theirs')
    await done.objectStore('leftovers').delete('late')
    await done.done
    return action({})
  }
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: { request } } })
  try {
    const store = new IndexedDbStore(name)
    await store.put('large', noise(CHUNK))
    assert.ok(Buffer.from(noise(5)).equals(await (await store.open('theirs')).read(0, 5)))
    assert.equal(await counts(name), [3, 2, 0])
  } finally {
    database.close()
    if (descriptor === undefined) Reflect.deleteProperty(globalThis, 'navigator')
    else Object.defineProperty(globalThis, 'navigator', descriptor)
  }
})

test('gives way to a deletion of the database, and comes back', async () => {
  const name = fresh()
  const store = new IndexedDbStore(name)
  await store.put('large', noise(CHUNK))
  const object = await store.open('large')
  await deleteDB(name, { blocked: () => assert.unreachable('was blocked') })
  assert.is(await codeOf(() => object.read(0, 1)), 'ESTALE')
  assert.is(await codeOf(() => store.open('large')), 'ENOENT')
  await store.put('large', noise(CHUNK + 1))
  assert.equal(await store.stat('large'), { size: CHUNK + 1 })
})

test('a closed store is EBADF, its open objects too', async () => {
  const store = new IndexedDbStore(fresh())
  await store.put('a', noise(10))
  await store.put('b', noise(CHUNK))
  const objects = [await store.open('a'), await store.open('b')]
  const underWay = objects[1].read(0, CHUNK)
  await new Promise(resolve => setTimeout(resolve, 0))
  store.close()
  assert.is((await underWay).length, CHUNK)
  for (const object of objects) assert.is(await codeOf(() => object.read(0, 1)), 'EBADF')
  assert.is(await codeOf(() => store.open('a')), 'EBADF')
  assert.is(await codeOf(() => store.put('c', noise(1))), 'EBADF')
  assert.is(await codeOf(() => store.list().next()), 'EBADF')
})

test('a database of others is ENOTSUP', async () => {
  const name = fresh()
  ;(await openDB(name, 1, { upgrade: database => database.createObjectStore('theirs') })).close()
  assert.is(await codeOf(() => new IndexedDbStore(name).stat('a')), 'ENOTSUP')
  const newer = fresh()
  ;(await openDB(newer, 7)).close()
  assert.is(await codeOf(() => new IndexedDbStore(newer).stat('a')), 'ENOTSUP')
})

test('what the browser says is typed', async () => {
  const real = globalThis.indexedDB
  const open = (error: DOMException) => ({
    open: () => {
      throw error
    },
  })
  try {
    for (const [name, code] of [
      ['QuotaExceededError', 'ENOSPC'],
      ['SecurityError', 'EACCES'],
      ['InvalidStateError', 'ENOTSUP'],
      ['UnknownError', 'EIO'],
    ]) {
      Object.assign(globalThis, { indexedDB: open(new DOMException('no', name)) })
      const store = new IndexedDbStore(fresh())
      assert.is(await codeOf(() => store.put('a', noise(1))), code)
      // The next call tries again.
      Object.assign(globalThis, { indexedDB: real })
      await store.put('a', noise(1))
    }
    Reflect.deleteProperty(globalThis, 'indexedDB')
    assert.is(await codeOf(() => new IndexedDbStore(fresh()).stat('a')), 'ENOTSUP')
  } finally {
    Object.assign(globalThis, { indexedDB: real })
  }
})

test('lists more names than it fetches at once', async () => {
  const store = new IndexedDbStore(fresh())
  const wanted = Array.from({ length: 2100 }, (_, i) => `dir/${String(i).padStart(4, '0')}`)
  await Promise.all(wanted.map(name => store.put(name, noise(1))))
  const found: string[] = []
  for await (const name of store.list()) found.push(name)
  assert.equal(found, wanted)
})

test.run()
