// CachedStore and large objects: in segments where the slow store has a Merkle tree, whole where it has none.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Fault } from '../../src/format/errno.js'
import { fromHex } from '../../src/format/hex.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { sha512 } from '../../src/host/hash.js'
import { CachedStore } from '../../src/store/cached.js'
import { DirectoryStore } from '../../src/store/directory.js'
import type { Problem } from '../../src/store/directory-problem.js'
import { DirectorySurvey } from '../../src/store/directory-survey.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { type ObjectFile, VerifiedObjects } from '../../src/store/verified.js'
import { contentOf, hexOf, SlowStore } from '../helpers/cache-slow.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { settle, value } from '../helpers/store-verified.js'

const scratch = mkdtempSync(join(tmpdir(), 'composefs-large-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
let directories = 0

const SIZE = 24_000_000
const SEGMENT = 128 * 1024
const DATA = noise(SIZE, 11)
const TREE = merkleTree(DATA, sha256)
const DIGEST = fromHex(hexOf(DATA)) as Uint8Array

function slowStore(withTree = true): { slow: SlowStore; name: string } {
  const slow = new SlowStore()
  const name = slow.add(DATA)
  if (withTree) slow.objects.set(`${name}.verity`, TREE)
  return { slow, name }
}

function cacheOf(fast: ObjectStore, slow: ObjectStore | ObjectStore[], maxBytes?: number): CachedStore {
  return new CachedStore({ fast, slow, sha256, segmentBytes: SEGMENT, maxBytes })
}

async function opened(store: ObjectStore, name: string, wait = false): Promise<ObjectFile> {
  const objects = new VerifiedObjects(store, sha256)
  return value(await settle(() => objects.open(name, { digest: DIGEST, size: SIZE }, wait)))
}

async function check(file: ObjectFile, at: number, length: number, wait = false): Promise<void> {
  const into = new Uint8Array(length)
  const wanted = Math.min(length, SIZE - at)
  assert.is(value(await settle(() => file.read(into, at, wait))), wanted)
  assert.ok(Buffer.from(DATA.subarray(at, at + wanted)).equals(into.subarray(0, wanted)), `${length} from ${at}`)
}

/** What is held of a slow store is given back, in a turn of the event loop. */
async function allClosed(slow: SlowStore): Promise<void> {
  await new Promise(setImmediate)
  assert.is(slow.held, 0, 'objects of the slow store still open')
}

async function listed(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names.sort()
}

const test = suite('CachedStore, large objects')

test('random reads cost their segments and the way through the tree', async () => {
  const { slow, name } = slowStore()
  const fast = new MemoryStore()
  const file = await opened(cacheOf(fast, slow), name)
  const places = [0, 5_000_000, 5_000_000 + SEGMENT, 12_345_678, SIZE - 100]
  for (const at of places) await check(file, at, 100)
  assert.is(slow.read.get(name), 4 * SEGMENT + (SIZE % SEGMENT))
  assert.ok((slow.read.get(`${name}.verity`) ?? 0) <= TREE.length)
  slow.reset()
  for (const at of places) await check(file, at, 100)
  assert.is(slow.bytesRead, 0)
  file.close()
  await allClosed(slow)
  for (const entry of await listed(fast)) assert.match(entry, /^segments\//)
})

test('what was read once is there after a restart, without asking anyone', async () => {
  const { slow, name } = slowStore()
  const root = join(scratch, String(directories++))
  const first = await opened(cacheOf(new DirectoryStore(root), slow), name)
  await check(first, 7_000_000, 300_000)
  first.close()
  slow.reset()
  const store = cacheOf(new DirectoryStore(root), slow)
  await store.usage()
  for (const wait of [false, true]) {
    const file = await opened(store, name, wait)
    await check(file, 7_000_000, 300_000, wait)
    file.close()
  }
  assert.is(slow.opens.size, 0)
  const file = await opened(store, name)
  await check(file, 100, 100)
  file.close()
  assert.is(slow.read.get(name), SEGMENT)
  await allClosed(slow)
})

test('without waiting: what is here at once, the rest by a Miss that brings just that', async () => {
  const { slow, name } = slowStore()
  const store = cacheOf(new DirectoryStore(join(scratch, String(directories++))), slow)
  const file = await opened(store, name, true)
  await check(file, 3_000_000, 1000, true)
  await check(file, 9_000_000, 1000, true)
  const into = new Uint8Array(1000)
  assert.is(file.read(into, 3_000_500, true), 1000, 'now nothing has to be waited for')
  assert.is((file.read(into, 15_000_000, true) as Fault).code, 'EAGAIN')
  assert.ok((slow.read.get(name) ?? 0) <= 4 * SEGMENT, `${slow.read.get(name)} bytes`)
  file.close()
})

test('many readers at many places at once: each segment comes once', async () => {
  const { slow, name } = slowStore()
  const store = cacheOf(new MemoryStore(), slow)
  const files = await Promise.all(Array.from({ length: 30 }, () => opened(store, name)))
  await Promise.all(
    files.flatMap((file, i) => [check(file, (i * 777_777) % SIZE, 400_000), check(file, (i * 123_457) % SIZE, 70_000)]),
  )
  const seen = new Set<string>()
  for (const [of, offset, length] of slow.ranges) {
    for (let at = offset; at < offset + length; at += SEGMENT) {
      const key = `${of} ${Math.floor(at / SEGMENT)}`
      assert.not.ok(seen.has(key), key)
      seen.add(key)
    }
  }
  for (const file of files) file.close()
  await allClosed(slow)
})

test('read from begin to end, within a bound that is smaller than it', async () => {
  const { slow, name } = slowStore()
  const fast = new MemoryStore()
  const store = cacheOf(fast, slow, 5_000_000)
  const file = await opened(store, name)
  for (let at = 0; at < SIZE; at += 1_000_000) {
    await check(file, at, 1_000_000)
    assert.ok((await store.usage()).bytes <= 5_000_000)
  }
  let kept = 0
  for (const entry of await listed(fast)) kept += (await fast.stat(entry)).size
  assert.is(kept, (await store.usage()).bytes)
  assert.ok(Buffer.from(DATA).equals(value(await settle(() => file.readAll(false)))))
  file.close()
})

test('segments of data or tree that were spoiled are brought anew', async () => {
  for (const kind of ['d', 't']) {
    for (const wait of [false, true]) {
      const { slow, name } = slowStore()
      const root = join(scratch, String(directories++))
      const first = await opened(cacheOf(new DirectoryStore(root), slow), name)
      for (const at of [0, 8_000_000, 16_000_000]) await check(first, at, 200_000)
      first.close()
      const segments = join(root, 'segments', name.slice(0, 2))
      const spoiled = readdirSync(segments).filter(entry => entry.includes(`-${kind}`))
      assert.ok(spoiled.length > 0)
      for (const entry of spoiled) {
        const path = join(segments, entry)
        writeFileSync(path, noise(readFileSync(path).length, 5))
      }
      const store = cacheOf(new DirectoryStore(root), slow)
      await store.usage()
      slow.reset()
      const file = await opened(store, name, wait)
      for (const at of [0, 8_000_000, 16_000_000, 20_000_000]) await check(file, at, 200_000, wait)
      file.close()
      assert.ok((slow.read.get(name) ?? 0) < 2_000_000, 'just what was read, not the object')
      await allClosed(slow)
    }
  }
})

test('a slow store that lies about data or tree, or fails: the next one is asked, else it is an error', async () => {
  const lies: ((slow: SlowStore, name: string) => void)[] = [
    (slow, name) => {
      slow.onRead = (bytes, of, at) => (of === name && at > 1_000_000 ? bytes.map(byte => byte ^ 1) : bytes)
    },
    (slow, name) => {
      slow.onRead = (bytes, of, at) => (of === name && at > 1_000_000 ? bytes.subarray(1) : bytes)
    },
    (slow, name) => {
      slow.onRead = (bytes, of, at) => {
        if (of === name && at > 1_000_000) throw Object.assign(new Error('reset'), { code: 'EIO' })
        return bytes
      }
    },
    (slow, name) => {
      slow.onRead = (bytes, of, at) => (of !== name && at > 0 ? bytes.map(byte => byte ^ 1) : bytes)
    },
  ]
  for (const [i, lie] of lies.entries()) {
    const { slow: bad, name } = slowStore()
    lie(bad, name)
    const { slow: good } = slowStore()
    const fast = new MemoryStore()
    const file = await opened(cacheOf(fast, [bad, good]), name)
    await check(file, 100, 100)
    await check(file, 20_000_000, 300_000)
    file.close()
    await allClosed(bad)
    await allClosed(good)
    const alone = cacheOf(new MemoryStore(), bad)
    const object = await alone.open(name)
    assert.is(await codeOf(() => object.read(20_000_000, 10)), 'EIO', `lie ${i}`)
    object.close()
    for (const entry of (await listed(fast)).filter(one => one.includes('-d'))) {
      const index = Number(entry.slice(entry.lastIndexOf('-d') + 2))
      const wanted = Buffer.from(DATA.subarray(index * SEGMENT, (index + 1) * SEGMENT))
      assert.ok(wanted.equals(await contentOf(fast, entry)), `lie ${i}: ${entry}`)
    }
  }
})

test('without a tree, or with a wrong one, it is fetched whole, and its tree is kept beside it', async () => {
  const wrong: (Uint8Array | undefined)[] = [undefined, TREE.subarray(4096), noise(TREE.length, 6), new Uint8Array(0)]
  for (const tree of wrong) {
    const { slow, name } = slowStore(false)
    if (tree !== undefined) slow.objects.set(`${name}.verity`, tree)
    const fast = new MemoryStore()
    const store = cacheOf(fast, slow)
    const file = await opened(store, name)
    await check(file, 9_000_000, 1000)
    file.close()
    assert.is(slow.read.get(name), SIZE)
    const objects = (await listed(fast)).filter(entry => !entry.startsWith('segments/'))
    assert.equal(objects, [name, `${name}.verity`])
    assert.ok(Buffer.from(TREE).equals(await contentOf(store, `${name}.verity`)))
    await allClosed(slow)
  }
})

test('one that is larger than the cache and has no tree passes through', async () => {
  const { slow, name } = slowStore(false)
  const fast = new MemoryStore()
  const store = cacheOf(fast, slow, 1_000_000)
  assert.ok(Buffer.from(DATA).equals(await contentOf(store, name)))
  assert.equal(await listed(fast), [])
})

test('the tree of an object that is not in the cache passes through, and none is ENOENT', async () => {
  const { slow, name } = slowStore()
  const store = cacheOf(new MemoryStore(), slow)
  assert.ok(Buffer.from(TREE).equals(await contentOf(store, `${name}.verity`)))
  assert.is(slow.opens.get(name), undefined)
  slow.objects.delete(`${name}.verity`)
  assert.is(await codeOf(() => store.open(`${name}.verity`)), 'ENOENT')
  await allClosed(slow)
})

test('deleting takes the segments along', async () => {
  const { slow, name } = slowStore()
  const fast = new MemoryStore()
  const store = cacheOf(fast, slow)
  const file = await opened(store, name)
  await check(file, 0, 1000)
  file.close()
  await store.delete(name)
  assert.equal(await listed(fast), [])
  assert.is((await store.usage()).bytes, 0)
  assert.is(await codeOf(() => store.open(name)), 'ENOENT')
})

test('a size that no object has costs nothing', async () => {
  const name = `ab/${'c'.repeat(62)}`
  const missing = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }))
  const liar = new SlowStore()
  liar.open = async asked => {
    if (asked !== name) return missing()
    return { size: 2 ** 53 - 1, read: async () => new Uint8Array(0), close: () => {} }
  }
  const store = cacheOf(new MemoryStore(), liar)
  // A loop over all of its segments would take minutes.
  const began = performance.now()
  const object = await store.open(name)
  await object.renew?.().catch(() => {})
  object.close()
  assert.ok(performance.now() - began < 5000)
})

test('a survey of the directory takes segments and trees for no objects', async () => {
  const { slow, name } = slowStore()
  const plain = slow.add(noise(3_000_000))
  const root = join(scratch, String(directories++))
  const store = cacheOf(new DirectoryStore(root), slow)
  const file = await opened(store, name)
  await check(file, 0, 1000)
  file.close()
  await contentOf(store, plain)
  const problems: Problem[] = []
  const report = (problem: Problem) => void problems.push(problem)
  const survey = new DirectorySurvey(root, { sha256, sha512, report })
  survey.run()
  assert.is(survey.counts.objects, 1)
  for (const { kind, object } of problems) assert.is(kind, 'stray', object)
})

test.run()
