// CachedStore: the contract of stores, who waits for whom, what gets in, and what becomes of it when stores fail or lie.
import 'fake-indexeddb/auto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CachedStore } from '../../src/store/cached.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { IntegrityError } from '../../src/store/errors.js'
import { IndexedDbStore } from '../../src/store/indexed-db.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { TrulyNamed } from '../helpers/cache-named.js'
import { contentOf, nameOf, noiseObjects, SlowStore } from '../helpers/cache-slow.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise, sha256 } from '../helpers/store-hash.js'

const scratch = mkdtempSync(join(tmpdir(), 'composefs-cached-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
let directories = 0
const directory = () => join(scratch, String(directories++))

const inMemory = suite('CachedStore of MemoryStore, contract')
storeContract(
  inMemory,
  async () => new TrulyNamed(new CachedStore({ fast: new MemoryStore(), slow: new MemoryStore(), sha256 })),
)

const onDisk = suite('CachedStore of DirectoryStore, contract')
storeContract(onDisk, async () => {
  const slow = new DirectoryStore(directory())
  return new TrulyNamed(new CachedStore({ fast: new DirectoryStore(directory()), slow, sha256 }))
})

const inDatabase = suite('CachedStore of IndexedDbStore, contract')
storeContract(inDatabase, async () => {
  const fast = new IndexedDbStore(`cache-${directories++}`)
  return new TrulyNamed(new CachedStore({ fast, slow: new MemoryStore(), sha256 }))
})

const test = suite('CachedStore')

function cached(slow: ObjectStore | ObjectStore[], options: { maxBytes?: number; fast?: ObjectStore } = {}) {
  const fast = options.fast ?? new MemoryStore()
  return { fast, store: new CachedStore({ fast, slow, sha256, maxBytes: options.maxBytes }) }
}

async function listed(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names.sort()
}

async function errorOf(run: () => Promise<unknown>): Promise<Error & { code: string; cause?: unknown }> {
  try {
    await run()
  } catch (error) {
    return error as Error & { code: string }
  }
  throw new Error('no error')
}

test('one download for many who wait; the next ones do not ask at all', async () => {
  const slow = new SlowStore()
  const data = noise(3_000_000)
  const name = slow.add(data)
  const { store } = cached(slow)
  const all = await Promise.all(Array.from({ length: 100 }, () => contentOf(store, name)))
  for (const bytes of all) assert.ok(Buffer.from(data).equals(bytes))
  assert.is(slow.opens.get(name), 1)
  assert.is(slow.read.get(name), data.length)
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  assert.is(slow.opens.get(name), 1)
  assert.is(slow.held, 0)
})

test('those who close at once take nothing from the others', async () => {
  const slow = new SlowStore()
  const name = slow.add(noise(10_000))
  for (const fast of [new MemoryStore(), new DirectoryStore(directory())]) {
    const { store } = cached(slow, { fast })
    const opened = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const object = await store.open(name)
        if (i % 2 === 0) object.close()
        return object
      }),
    )
    for (const [i, object] of opened.entries()) {
      if (i % 2 === 0) assert.is(await codeOf(() => object.read(0, 1)), 'EBADF')
      else assert.is((await object.read(0, 10_000)).length, 10_000)
      object.close()
      object.close()
    }
  }
})

test('bytes that are not what the name says are EIO, and nothing of them is kept', async () => {
  for (const size of [0, 100, 3_000_000]) {
    const slow = new SlowStore()
    const data = noise(size + 1)
    const name = nameOf(data)
    slow.objects.set(name, noise(size, 7))
    const { store, fast } = cached(slow)
    const error = await errorOf(() => store.open(name))
    assert.is(error.code, 'EIO')
    assert.instance(error.cause, IntegrityError)
    assert.equal(await listed(fast), [], `${size} bytes`)
    assert.is((await store.usage()).bytes, 0)
    assert.is(slow.held, 0)
    slow.objects.set(name, data)
    assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  }
})

test('slow stores are tried in turn: one that has not, one that fails, one that lies, one that breaks off', async () => {
  const data = noise(2_500_000)
  const name = nameOf(data)
  const lies = new SlowStore([[name, noise(2_500_000, 9)]])
  const fails = new SlowStore([[name, data]])
  fails.onOpen = () => {
    throw Object.assign(new Error('no route'), { code: 'ETIMEDOUT' })
  }
  const breaks = new SlowStore([[name, data]])
  breaks.onRead = (bytes, _name, offset) => (offset > 0 ? bytes.subarray(1) : bytes)
  const good = new SlowStore([[name, data]])
  const { store } = cached([new SlowStore(), fails, lies, breaks, good])
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  assert.is(good.read.get(name), data.length)
  for (const [stores, code] of [
    [[new SlowStore(), fails], 'ETIMEDOUT'],
    [[fails, new SlowStore()], 'ETIMEDOUT'],
    [[new SlowStore(), new SlowStore()], 'ENOENT'],
    [[lies, fails], 'EIO'],
    [[breaks], 'EIO'],
  ] as const) {
    assert.is(await codeOf(() => cached([...stores]).store.open(name)), code)
  }
})

test('a download that fails fails for all who wait, and is tried again by who comes later', async () => {
  const slow = new SlowStore()
  const data = noise(5000)
  const name = slow.add(data)
  let fail = true
  slow.onOpen = () => {
    if (fail) throw Object.assign(new Error('reset'), { code: 'EIO' })
  }
  const { store } = cached(slow)
  const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(() => store.open(name))))
  assert.equal(new Set(codes), new Set(['EIO']))
  assert.is(slow.opens.get(name), 1)
  fail = false
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
})

test('names that vouch for nothing pass through and are not kept', async () => {
  const sha512 = `ab/${'cd'.repeat(63)}`
  const slow = new SlowStore([
    ['etc/motd', noise(10)],
    [sha512, noise(20)],
  ])
  const { store, fast } = cached(slow)
  for (const name of ['etc/motd', sha512]) {
    await contentOf(store, name)
    await contentOf(store, name)
    assert.is(slow.opens.get(name), 2)
    assert.is(await codeOf(() => store.openSync?.(name)), 'EAGAIN')
  }
  assert.equal(await listed(fast), [])
})

test('without waiting: what is here, and EAGAIN for what is not', async () => {
  const slow = new SlowStore()
  const data = noise(5000)
  const name = slow.add(data)
  for (const fast of [new MemoryStore(), new DirectoryStore(directory())]) {
    const { store } = cached(slow, { fast })
    assert.is(await codeOf(() => store.openSync?.(name)), 'EAGAIN')
    assert.is(await codeOf(() => store.statSync?.(name)), 'EAGAIN')
    assert.is(await codeOf(() => store.openSync?.('../x')), 'EXDEV')
    await contentOf(store, name)
    const object = store.openSync?.(name) as StoredObject
    assert.ok(Buffer.from(data).equals(object.readSync?.(0, 5000) as Uint8Array))
    object.close()
    assert.equal(store.statSync?.(name), { size: 5000 })
    assert.is(store.immediate, fast instanceof MemoryStore ? true : undefined)
  }
  const noSync: ObjectStore = new SlowStore()
  assert.is(cached(slow, { fast: noSync }).store.openSync, undefined)
})

test('an object larger than the cache passes through', async () => {
  const slow = new SlowStore()
  const data = noise(50_000)
  const name = slow.add(data)
  const { store, fast } = cached(slow, { maxBytes: 40_000 })
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  assert.equal(await listed(fast), [])
  assert.is(slow.held, 0)
})

test('puts and deletes reach both', async () => {
  const slow = new SlowStore()
  const { store, fast } = cached(slow)
  const data = noise(9000)
  const name = nameOf(data)
  await store.put(name, data)
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  assert.is(slow.opens.size, 0, 'it is in the cache already')
  assert.equal(await listed(store), [name])
  await store.delete(name)
  assert.equal([await listed(fast), await listed(slow)], [[], []])
  assert.is((await store.usage()).bytes, 0)
  await store.put(name, noise(5))
  assert.equal(await listed(fast), [], 'bytes that are not what the name says are not kept')
})

test('several slow stores are listed as one', async () => {
  const [a, b] = [new SlowStore(), new SlowStore()]
  const names = [a.add(noise(1)), b.add(noise(2)), a.add(noise(3))]
  b.objects.set(names[0], noise(1))
  assert.equal(await listed(cached([a, b]).store), names.sort())
})

class Failing extends MemoryStore {
  failOpen = false
  failPut: string | undefined
  failDelete = false

  override async open(name: string): Promise<StoredObject> {
    if (this.failOpen) throw Object.assign(new Error('disk'), { code: 'EIO' })
    return super.open(name)
  }

  override openSync(name: string): StoredObject {
    if (this.failOpen) throw Object.assign(new Error('disk'), { code: 'EIO' })
    return super.openSync(name)
  }

  override async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    if (this.failPut === undefined) return super.put(name, data)
    if (!(data instanceof Uint8Array)) for await (const _ of data) break
    throw Object.assign(new Error('disk'), { code: this.failPut })
  }

  override async delete(name: string): Promise<void> {
    if (this.failDelete) throw Object.assign(new Error('disk'), { code: 'EIO' })
    return super.delete(name)
  }
}

test('a fast store that fails is no error', async () => {
  for (const size of [5000, 3_000_000]) {
    for (const how of ['put', 'open', 'full'] as const) {
      const slow = new SlowStore()
      const data = noise(size)
      const name = slow.add(data)
      const fast = new Failing()
      if (how === 'open') fast.failOpen = true
      else fast.failPut = how === 'put' ? 'EIO' : 'ENOSPC'
      const { store } = cached(slow, { fast })
      for (let i = 0; i < 3; i++) {
        const all = await Promise.all(Array.from({ length: 4 }, () => contentOf(store, name)))
        for (const bytes of all) assert.ok(Buffer.from(data).equals(bytes), how)
      }
      assert.is(await codeOf(() => store.openSync?.(name)), 'EAGAIN')
      assert.is(slow.held, 0, how)
      if (how !== 'open') assert.is((await store.usage()).bytes, 0)
    }
  }
})

test('a full fast store makes room by what was used longest ago', async () => {
  const objects = noiseObjects(20, () => 10_000)
  const slow = new SlowStore(objects)
  const fast = new Failing()
  const { store } = cached(slow, { fast })
  const names = [...objects.keys()]
  for (const name of names.slice(0, 10)) await contentOf(store, name)
  fast.failPut = 'ENOSPC'
  await contentOf(store, names[10])
  assert.equal(await listed(fast), names.slice(1, 10).sort())
  fast.failPut = undefined
})

test('what can not be deleted counts, and what does not fit beside it passes through', async () => {
  const objects = noiseObjects(5, () => 10_000)
  const slow = new SlowStore(objects)
  const fast = new Failing()
  const { store } = cached(slow, { fast, maxBytes: 25_000 })
  fast.failDelete = true
  for (const [name, data] of objects) assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  assert.is((await listed(fast)).length, 2)
  assert.is((await store.usage()).bytes, 20_000)
  assert.is(slow.held, 0)
})

test('bad options are EINVAL', async () => {
  const fast = new MemoryStore()
  const slow = new SlowStore()
  for (const options of [{ slow: [] }, { maxBytes: 0 }, { maxBytes: Number.NaN }, { segmentBytes: 1000 }]) {
    assert.is(await codeOf(() => new CachedStore({ fast, slow, ...options })), 'EINVAL', JSON.stringify(options))
  }
})

test('a hash that is not given is found', async () => {
  const slow = new SlowStore()
  const data = noise(20_000)
  const name = slow.add(data)
  const store = new CachedStore({ fast: new MemoryStore(), slow })
  assert.ok(Buffer.from(data).equals(await contentOf(store, name)))
  slow.objects.set(name, noise(20_000, 3))
  const other = new CachedStore({ fast: new MemoryStore(), slow })
  assert.is(await codeOf(() => other.open(name)), 'EIO')
})

inMemory.run()
onDisk.run()
inDatabase.run()
test.run()
