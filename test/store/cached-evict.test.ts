// CachedStore's bound: against a model of an LRU, under many at once, and what was there before.
import { mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CachedStore } from '../../src/store/cached.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { contentOf, noiseObjects, SlowStore } from '../helpers/cache-slow.js'
import { Dice } from '../helpers/random-layers.js'
import { codeOf } from '../helpers/store-contract.js'
import { sha256 } from '../helpers/store-hash.js'

const scratch = mkdtempSync(join(tmpdir(), 'composefs-evict-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const SEEDS = Number(process.env['CACHE_SEEDS'] ?? 20)

async function listed(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names
}

async function bytesOf(store: ObjectStore): Promise<number> {
  let bytes = 0
  for (const name of await listed(store)) bytes += (await store.stat(name)).size
  return bytes
}

/** What a cache must hold: names in the order of their last use, and in that of their puts. */
class Model {
  used: string[] = []
  put: string[] = []
  readonly #limit: number
  readonly #sizes: ReadonlyMap<string, number>

  constructor(limit: number, sizes: ReadonlyMap<string, number>) {
    this.#limit = limit
    this.#sizes = sizes
  }

  get bytes(): number {
    return this.used.reduce((sum, name) => sum + this.sizeOf(name), 0)
  }

  sizeOf(name: string): number {
    return this.#sizes.get(name) as number
  }

  open(name: string): void {
    if (this.used.includes(name)) {
      this.used = [...this.used.filter(other => other !== name), name]
      return
    }
    if (this.sizeOf(name) > this.#limit) return
    while (this.bytes + this.sizeOf(name) > this.#limit) this.remove(this.used[0])
    this.used.push(name)
    this.put.push(name)
  }

  remove(name: string): void {
    this.used = this.used.filter(other => other !== name)
    this.put = this.put.filter(other => other !== name)
  }

  restart(): void {
    this.used = [...this.put]
  }
}

const test = suite('CachedStore, bound')

async function play(seed: number): Promise<void> {
  const dice = new Dice(seed)
  const objects = noiseObjects(30, i => (i === 0 ? 0 : i === 1 ? 9000 : 1 + ((i * 7919 * seed) % 3000)))
  const names = [...objects.keys()]
  const slow = new SlowStore(objects)
  const fast = new MemoryStore()
  const limit = 3000 + dice.int(12_000)
  const model = new Model(limit, new Map([...objects].map(([name, bytes]) => [name, bytes.length])))
  const start = () => new CachedStore({ fast, slow, sha256, maxBytes: limit })
  let store = start()
  for (let step = 0; step < 150; step++) {
    const name = names[Math.min(dice.int(names.length), dice.int(names.length))]
    if (dice.chance(0.03)) {
      store = start()
      model.restart()
    } else if (dice.chance(0.05)) {
      await store.delete(name)
      slow.objects.set(name, objects.get(name) as Uint8Array)
      model.remove(name)
    } else if (dice.chance(0.3) && model.used.includes(name)) {
      // What is known before the count has ended stands behind what is not.
      await store.usage()
      store.openSync?.(name).close()
      model.open(name)
    } else {
      await store.usage()
      const bytes = await contentOf(store, name)
      assert.ok(Buffer.from(objects.get(name) as Uint8Array).equals(bytes))
      model.open(name)
    }
    assert.equal(await listed(fast), model.put, `seed ${seed} step ${step}`)
    assert.is((await store.usage()).bytes, model.bytes, `seed ${seed} step ${step}`)
  }
  assert.is(slow.held, 0)
}

test(`holds just what an LRU of so many bytes holds (${SEEDS} random histories)`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await play(seed)
})

/** Counts what it holds, what is on its way into it included. */
class MeteredStore extends MemoryStore {
  bytes = 0
  peak = 0
  #before = 0

  override async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const bytes = data instanceof Uint8Array ? data : await collected(data)
    this.#before += bytes.length
    this.peak = Math.max(this.peak, this.bytes + this.#before)
    for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate)
    this.#before -= bytes.length
    await super.put(name, bytes)
    this.bytes = await bytesOf(this)
  }

  override async delete(name: string): Promise<void> {
    await new Promise(setImmediate)
    await super.delete(name)
    this.bytes = await bytesOf(this)
  }
}

async function collected(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of data) chunks.push(chunk.slice())
  return new Uint8Array(Buffer.concat(chunks))
}

test('many at once: never above the bound, always the right bytes', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const dice = new Dice(seed)
    const objects = noiseObjects(60, i => 500 + ((i * 7919) % 4000))
    const slow = new SlowStore(objects)
    const names = [...objects.keys()]
    const fast = new MeteredStore()
    const maxBytes = 20_000
    const store = new CachedStore({ fast, slow, sha256, maxBytes })
    const reader = async () => {
      for (let i = 0; i < 30; i++) {
        const name = dice.pick(names)
        if (dice.chance(0.05)) {
          await store.delete(name)
          slow.objects.set(name, objects.get(name) as Uint8Array)
          continue
        }
        try {
          const bytes = await contentOf(store, name)
          assert.ok(Buffer.from(objects.get(name) as Uint8Array).equals(bytes), name)
        } catch (error) {
          // Somebody is just deleting it.
          if ((error as { code?: string }).code !== 'ENOENT') throw error
        }
      }
    }
    await Promise.all(Array.from({ length: 40 }, reader))
    assert.ok(fast.peak <= maxBytes, `${fast.peak} bytes at once`)
    assert.ok(fast.peak > maxBytes / 2, 'and it is made use of')
    assert.is((await store.usage()).bytes, await bytesOf(fast))
    assert.is((await store.usage()).entries, (await listed(fast)).length)
    assert.is(slow.held, 0)
  }
})

test('what was evicted while it was open can be read to its end', async () => {
  const objects = noiseObjects(10, () => 10_000)
  const slow = new SlowStore(objects)
  for (const fast of [new MemoryStore(), new DirectoryStore(join(scratch, 'open'))]) {
    const store = new CachedStore({ fast, slow, sha256, maxBytes: 25_000 })
    const [first, ...others] = objects.keys()
    const object = await store.open(first)
    for (const name of others) await contentOf(store, name)
    assert.not.ok((await listed(fast)).includes(first))
    assert.ok(Buffer.from(objects.get(first) as Uint8Array).equals(await object.read(0, 10_000)))
    object.close()
  }
})

test('a directory that holds more than the bound is brought below it, the oldest first, without waiting for it', async () => {
  const objects = noiseObjects(40, () => 10_000)
  const names = [...objects.keys()]
  const root = join(scratch, 'before')
  const before = new DirectoryStore(root)
  for (const [i, name] of names.slice(0, 30).entries()) {
    await before.put(name, objects.get(name) as Uint8Array)
    utimesSync(join(root, name), 1000 + i, 1000 + i)
  }
  await before.put('ab/other-thing', new Uint8Array(10))
  const slow = new SlowStore(objects)
  const store = new CachedStore({ fast: new DirectoryStore(root), slow, sha256, maxBytes: 100_000 })
  // The oldest, used at once, is the youngest by the time that the rest has been counted.
  const object = store.openSync?.(names[0])
  assert.ok(Buffer.from(objects.get(names[0]) as Uint8Array).equals((await object?.read(0, 10_000)) as Uint8Array))
  object?.close()
  assert.ok(Buffer.from(objects.get(names[29]) as Uint8Array).equals(await contentOf(store, names[29])))
  assert.is(slow.opens.size, 0)
  assert.is((await store.usage()).bytes, 100_000)
  await contentOf(store, names[35])
  assert.equal((await listed(before)).sort(), [names[0], ...names.slice(22, 30), names[35]].sort())
  assert.equal(await before.stat('ab/other-thing'), { size: 10 }, 'what is not the cache’s is left alone')
})

test('what can not be opened for the moment takes its room still', async () => {
  const objects = noiseObjects(40, () => 10_000)
  const names = [...objects.keys()]
  const fast = new MemoryStore()
  const slow = new SlowStore(objects)
  const store = new CachedStore({ fast, slow, sha256, maxBytes: 200_000 })
  for (const name of names.slice(0, 20)) await contentOf(store, name)
  const fails = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }))
  const { open } = fast
  fast.open = fails('EMFILE')
  slow.onOpen = fails('EIO')
  for (const name of names.slice(0, 20)) assert.is(await codeOf(() => store.open(name)), 'EIO')
  fast.open = open
  slow.onOpen = () => {}
  for (const name of names.slice(20)) await contentOf(store, name)
  assert.is(await bytesOf(fast), 200_000)
  assert.is((await store.usage()).bytes, 200_000)
})

test('two caches of one directory: what one has put the other finds, what one has removed the other fetches', async () => {
  const objects = noiseObjects(20, () => 10_000)
  const names = [...objects.keys()]
  const slow = new SlowStore(objects)
  const root = join(scratch, 'two')
  const make = () => new CachedStore({ fast: new DirectoryStore(root), slow, sha256, maxBytes: 100_000 })
  const [a, b] = [make(), make()]
  for (const name of names.slice(0, 5)) {
    await contentOf(a, name)
    await contentOf(b, name)
    assert.is(slow.opens.get(name), 1)
  }
  for (const name of names.slice(5)) await contentOf(a, name)
  for (const name of names) {
    assert.ok(Buffer.from(objects.get(name) as Uint8Array).equals(await contentOf(b, name)))
  }
  assert.ok((await b.usage()).bytes <= 100_000)
})

test.run()
