// Large objects with their Merkle tree beside them: reads cost their blocks, wrong data is found, and whatever is wrong
// with the tree does no harm.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Miss, type Outcome } from '../../src/format/errno.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { verityDigest } from '../../src/format/verity.js'
import type { StoredObject } from '../../src/store/object-store.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { muchNoise, seeded } from '../helpers/hashes.js'
import { countingHash, sha256 } from '../helpers/store-hash.js'
import { ProbeStore } from '../helpers/store-probe.js'
import { BLOCK, mismatch, NAME, PIECE, value, WAYS } from '../helpers/store-verified.js'

const TREE = `${NAME}.verity`
const test = suite('verified objects with trees')

/** A probe that knows what it was asked for. */
class AskedStore extends ProbeStore {
  readonly asked: string[] = []

  constructor(sync: boolean) {
    super({ sync })
    const { openSync } = this
    if (openSync !== undefined) {
      Object.assign(this, {
        openSync: (name: string) => {
          this.asked.push(name)
          return openSync(name)
        },
      })
    }
  }

  override async open(name: string): Promise<StoredObject> {
    this.asked.push(name)
    return super.open(name)
  }

  get trees(): number {
    return this.asked.filter(name => name === TREE).length
  }

  get bytesRead(): number {
    return this.reads.reduce((sum, [, length]) => sum + length, 0)
  }
}

type Ask = <T>(run: (wait: boolean) => Outcome<T>) => Promise<Outcome<T>>

function stored(size: number, sync: boolean, tree?: (tree: Uint8Array) => Uint8Array | undefined) {
  const data = muchNoise(size, 3)
  const store = new AskedStore(sync)
  store.bytes.set(NAME, data.slice())
  const whole = merkleTree(data, sha256)
  const kept = tree === undefined ? whole : tree(whole)
  if (kept !== undefined) store.bytes.set(TREE, kept)
  const counter = countingHash()
  const objects = new VerifiedObjects(store, counter.sha256)
  return { data, store, counter, objects, digest: verityDigest(data, sha256) }
}

type Stored = ReturnType<typeof stored>

async function open({ objects, digest, data }: Stored, ask: Ask) {
  return value(await ask(wait => objects.open(NAME, { digest, size: data.length }, wait)))
}

const SIZE = 5 * PIECE + 1234

for (const { way, sync, ask } of WAYS) {
  test(`${way}: reads cost their blocks and those of the tree`, async () => {
    const s = stored(SIZE, sync)
    const file = await open(s, ask)
    const random = seeded(1)
    const into = new Uint8Array(BLOCK)
    for (let i = 0; i < 50; i++) {
      const at = Math.floor(random() * (SIZE - BLOCK))
      assert.is(value(await ask(wait => file.read(into, at, wait))), BLOCK)
      assert.equal(into, s.data.slice(at, at + BLOCK))
    }
    assert.is(s.store.trees, 1)
    assert.ok(s.store.bytesRead < 50 * 2 * BLOCK + 14 * BLOCK, `${s.store.bytesRead} bytes were read`)
    assert.ok(s.counter.calls <= 50 * 2 + 14 + 3, `${s.counter.calls} hashes`)
    file.close()
    assert.is(s.store.closed, s.store.opened)
    // What was checked of the tree serves the next who opens the object.
    const again = await open(s, ask)
    s.store.reads.length = 0
    assert.is(value(await ask(wait => again.read(into, 7, wait))), BLOCK)
    assert.ok(s.store.bytesRead <= 2 * BLOCK, `${s.store.bytesRead} bytes were read`)
    again.close()
  })

  test(`${way}: reads of any length and place, also beyond the end`, async () => {
    const s = stored(SIZE, sync)
    const file = await open(s, ask)
    for (const [at, length] of [
      [0, 3 * PIECE],
      [PIECE - 5, 10],
      [SIZE - 3, 100],
      [SIZE, 1],
      [2 * PIECE, 0],
      [BLOCK, PIECE],
    ]) {
      const into = new Uint8Array(length)
      const wanted = s.data.slice(at, at + length)
      assert.is(value(await ask(wait => file.read(into, at, wait))), wanted.length)
      assert.equal(into.subarray(0, wanted.length), wanted)
    }
    assert.equal(value(await ask(wait => file.readAll(wait))), s.data)
    file.close()
  })

  test(`${way}: no tree is asked for a small object, for one without a digest, or for all bytes at once`, async () => {
    const small = stored(PIECE, sync)
    const file = await open(small, ask)
    value(await ask(wait => file.read(new Uint8Array(9), 5, wait)))
    file.close()
    assert.equal(small.store.asked, [NAME])

    const s = stored(SIZE, sync)
    const unchecked = value(await ask(wait => s.objects.open(NAME, { size: SIZE }, wait)))
    value(await ask(wait => unchecked.read(new Uint8Array(9), 5, wait)))
    unchecked.close()
    const whole = await open(s, ask)
    assert.equal(value(await ask(wait => whole.readAll(wait))), s.data)
    value(await ask(wait => whole.read(new Uint8Array(9), 5, wait)))
    whole.close()
    assert.is(s.store.trees, 0)
  })

  test(`${way}: a missing tree is asked for once, and the object hashed once`, async () => {
    const s = stored(SIZE, sync, () => undefined)
    const file = await open(s, ask)
    for (const at of [0, PIECE, 3 * PIECE]) {
      const into = new Uint8Array(100)
      value(await ask(wait => file.read(into, at, wait)))
      assert.equal(into, s.data.slice(at, at + 100))
    }
    assert.is(s.store.trees, 1)
    const again = await open(s, ask)
    value(await ask(wait => again.read(new Uint8Array(100), 0, wait)))
    assert.is(s.store.trees, 1, 'the leaves are at hand')
    assert.ok(s.store.bytesRead < SIZE + 10 * BLOCK)
  })

  test(`${way}: a tree that is none of this object does no harm`, async () => {
    const bad: Record<string, (tree: Uint8Array) => Uint8Array> = {
      empty: () => new Uint8Array(0),
      short: tree => tree.slice(0, -1),
      long: tree => new Uint8Array([...tree, 0]),
      foreign: tree => merkleTree(muchNoise(SIZE, 99), sha256).slice(0, tree.length),
      zeros: tree => new Uint8Array(tree.length),
    }
    for (const at of [0, 4095, 4096, 3 * 4096 + 5, 10 * 4096]) {
      bad[`altered at ${at}`] = tree => tree.map((byte, i) => (i === at ? byte ^ 1 : byte))
    }
    for (const [what, turn] of Object.entries(bad)) {
      const s = stored(SIZE, sync, turn)
      const file = await open(s, ask)
      const into = new Uint8Array(100)
      for (let at = 0; at < SIZE - 100; at += PIECE / 2) {
        value(await ask(wait => file.read(into, at, wait)))
        assert.equal(into, s.data.slice(at, at + 100), `${what}, at ${at}`)
      }
      file.close()
      assert.is(s.store.closed, s.store.opened, what)
    }
  })

  test(`${way}: wrong data is EIO by its block, and only by that`, async () => {
    const s = stored(SIZE, sync)
    const bytes = s.store.bytes.get(NAME) as Uint8Array
    bytes[PIECE + 5] ^= 1
    const file = await open(s, ask)
    const into = new Uint8Array(10)
    const bad = mismatch(await ask(wait => file.read(into, PIECE, wait)))
    assert.match(bad.message, `block at byte ${PIECE}:`)
    mismatch(await ask(wait => file.read(new Uint8Array(3 * PIECE), 0, wait)))
    value(await ask(wait => file.read(into, 0, wait)))
    assert.equal(into, s.data.slice(0, 10))
    bytes[PIECE + 5] ^= 1
    value(await ask(wait => file.read(into, PIECE, wait)))
    assert.equal(into, s.data.slice(PIECE, PIECE + 10))
    file.close()
  })

  test(`${way}: data that is altered behind the back of an open file is found, with the tree and after it went`, async () => {
    const s = stored(SIZE, sync)
    const file = await open(s, ask)
    const into = new Uint8Array(10)
    value(await ask(wait => file.read(into, 0, wait)))
    s.store.bytes.delete(TREE)
    ;(s.store.bytes.get(NAME) as Uint8Array)[1] ^= 1
    mismatch(await ask(wait => file.read(into, 0, wait)))
    // Its part of the tree was never read, and is gone: the object is hashed, and found wrong.
    mismatch(await ask(wait => file.read(into, 4 * PIECE, wait)))
    file.close()
  })
}

test('async: reads at once by many share the opening of the tree', async () => {
  const s = stored(SIZE, false)
  const [, { ask }] = WAYS
  const file = await open(s, ask)
  const reads = Array.from({ length: 40 }, async (_, i) => {
    const into = new Uint8Array(BLOCK)
    assert.is(value(await ask(wait => file.read(into, i * 2 * BLOCK, wait))), BLOCK)
    assert.equal(into, s.data.slice(i * 2 * BLOCK, (i * 2 + 1) * BLOCK))
  })
  await Promise.all(reads)
  assert.is(s.store.trees, 1)
  assert.ok(s.store.reads.length <= 42, `${s.store.reads.length} reads`)
  file.close()
})

test('async: a file that is closed while its tree is opened gives both back', async () => {
  const s = stored(SIZE, false)
  const [, { ask }] = WAYS
  const file = await open(s, ask)
  const under = ask(wait => file.read(new Uint8Array(1), 0, wait))
  file.close()
  await under
  await new Promise(resolve => setTimeout(resolve, 5))
  assert.is(s.store.closed, s.store.opened)
})

test('mixed: of a tree that can only be waited for a synchronous read lacks what is not held, and goes without none', async () => {
  for (const way of ['no synchronous form', 'EAGAIN']) {
    const s = stored(SIZE, true)
    const file = value(s.objects.open(NAME, { digest: s.digest, size: SIZE }, true))
    const { open, openSync } = s.store
    const turned = (object: StoredObject): StoredObject => {
      const late = () => {
        throw Object.assign(new Error('later'), { code: 'EAGAIN' })
      }
      return { ...object, readSync: way === 'EAGAIN' ? late : undefined }
    }
    s.store.open = async name => (name === TREE ? turned(await open.call(s.store, name)) : open.call(s.store, name))
    Object.assign(s.store, {
      openSync: (name: string) => (name === TREE ? turned(openSync?.(name) as StoredObject) : openSync?.(name)),
    })
    const into = new Uint8Array(5)
    const missed = file.read(into, PIECE, true)
    assert.instance(missed, Miss, way)
    await (missed as Miss).load()
    assert.is(value(file.read(into, PIECE, true)), 5)
    assert.equal(into, s.data.slice(PIECE, PIECE + 5))
    assert.is(value(file.read(into, PIECE + 10, true)), 5, 'its block of the tree is held now')
    assert.ok(s.store.bytesRead < 20 * BLOCK, `${way}: ${s.store.bytesRead} bytes were read`)
    file.close()
    assert.is(s.store.closed, s.store.opened)
  }
})

test('mixed: a synchronous read while the tree is being opened', async () => {
  const s = stored(SIZE, true)
  const file = value(s.objects.open(NAME, { digest: s.digest, size: SIZE }, true))
  const [, { ask }] = WAYS
  const into = new Uint8Array(5)
  const under = ask(wait => file.read(new Uint8Array(1), 0, wait))
  assert.is(value(file.read(into, PIECE, true)), 5)
  assert.equal(into, s.data.slice(PIECE, PIECE + 5))
  value(await under)
  file.close()
  assert.is(s.store.closed, s.store.opened)
})

test.run()
