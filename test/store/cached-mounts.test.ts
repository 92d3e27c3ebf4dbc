// Many mounts over one cache, read all at once: each object comes once, and memory has a bound.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, CachedStore, DirectoryStore, MemoryStore, type Mount, mount, TreeBuilder } from '../../src/node.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { nameOf, SlowStore } from '../helpers/cache-slow.js'
import { noise } from '../helpers/store-hash.js'

const scratch = mkdtempSync(join(tmpdir(), 'composefs-mounts-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const IMAGES = 5
const MOUNTS = 50
const FILES = 60

/** Images that have most of their files in common. */
async function images(slow: SlowStore): Promise<{ image: Uint8Array; contents: Map<string, Uint8Array> }[]> {
  const made: { image: Uint8Array; contents: Map<string, Uint8Array> }[] = []
  for (let number = 0; number < IMAGES; number++) {
    const tree = new TreeBuilder()
    const contents = new Map<string, Uint8Array>()
    tree.addDirectory('/d')
    for (let i = 0; i < FILES; i++) {
      const bytes = noise(300 + ((i * 7919) % 40_000), i < 45 ? i + 1 : 1000 + number * FILES + i)
      tree.addFile(`/d/f${i}`, bytes)
      contents.set(`/d/f${i}`, bytes)
    }
    const { image } = await buildImage(tree, { store: slow })
    made.push({ image, contents })
  }
  return made
}

function bytesIn(root: string): number {
  let bytes = 0
  for (const dir of readdirSync(root).filter(name => /^[0-9a-f]{2}$/.test(name))) {
    for (const file of readdirSync(join(root, dir))) bytes += statSync(join(root, dir, file)).size
  }
  return bytes
}

const test = suite('CachedStore under many mounts')

for (const kind of ['memory', 'directory']) {
  test(`${MOUNTS} mounts over one cache in a ${kind}, all files of all of them at once`, async () => {
    const slow = new SlowStore()
    const made = await images(slow)
    const external = new Set(slow.objects.keys())
    slow.delay = 3
    const root = join(scratch, kind)
    const maxBytes = 8 * 2 ** 20
    const store = new CachedStore({
      fast: kind === 'memory' ? new MemoryStore() : new DirectoryStore(root),
      slow,
      maxBytes,
    })
    const mounts: Mount[] = []
    for (let i = 0; i < MOUNTS; i++) mounts.push(await mount(made[i % IMAGES].image, { store }))
    let reads = 0
    const readAll = () =>
      Promise.all(
        mounts.flatMap((m, i) =>
          Array.from(made[i % IMAGES].contents, async ([path, wanted]) => {
            const bytes = (await m.fs.promises.readFile(path)) as Uint8Array
            assert.ok(Buffer.from(wanted).equals(bytes), path)
            reads++
          }),
        ),
      )
    await readAll()
    assert.is(reads, MOUNTS * FILES)
    assert.equal(new Set(slow.opens.keys()), external)
    for (const [name, opens] of slow.opens) assert.is(opens, 1, name)
    for (const [name, bytes] of slow.read) assert.is(bytes, slow.objects.get(name)?.length, name)
    await readAll()
    for (const [i, m] of mounts.entries()) {
      for (const [path, wanted] of made[i % IMAGES].contents) {
        assert.ok(Buffer.from(wanted).equals(m.fs.readFileSync(path) as Uint8Array), path)
      }
    }
    for (const opens of slow.opens.values()) assert.is(opens, 1)
    const { bytes } = await store.usage()
    assert.ok(bytes <= maxBytes)
    if (kind === 'directory') assert.is(bytes, bytesIn(root))
    for (const m of mounts) m.unmount()
    assert.is(slow.held, 0)
  })
}

test('with a cache that is too small everything is right still, and the bound holds', async () => {
  const slow = new SlowStore()
  const made = await images(slow)
  const root = join(scratch, 'small')
  const maxBytes = 300_000
  const store = new CachedStore({ fast: new DirectoryStore(root), slow, maxBytes })
  const mounts = await Promise.all(Array.from({ length: 10 }, (_, i) => mount(made[i % IMAGES].image, { store })))
  await Promise.all(
    mounts.flatMap((m, i) =>
      Array.from(made[i % IMAGES].contents, async ([path, wanted]) => {
        assert.ok(Buffer.from(wanted).equals((await m.fs.promises.readFile(path)) as Uint8Array), path)
      }),
    ),
  )
  assert.ok(bytesIn(root) <= maxBytes, `${bytesIn(root)} bytes`)
  assert.is((await store.usage()).bytes, bytesIn(root))
  for (const m of mounts) m.unmount()
})

const SIZE = 3 * 2 ** 20
const BASE = noise(SIZE)

/** Many objects that take no memory: one differs from the other by its first bytes. */
class StampedStore implements ObjectStore {
  readonly label = 'stamped'
  readonly numbers = new Map<string, number>()
  onRead = (): void => {}

  bytes(number: number, offset: number, length: number): Uint8Array {
    const piece = BASE.slice(offset, offset + length)
    if (offset === 0) new DataView(piece.buffer).setUint32(0, number)
    return piece
  }

  add(number: number): string {
    const name = nameOf(this.bytes(number, 0, SIZE))
    this.numbers.set(name, number)
    return name
  }

  async open(name: string): Promise<StoredObject> {
    await new Promise(setImmediate)
    const number = this.numbers.get(name)
    if (number === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return {
      size: SIZE,
      read: async (offset, length) => {
        await new Promise(setImmediate)
        this.onRead()
        return this.bytes(number, offset, length)
      },
      close: () => {},
    }
  }

  async stat(): Promise<ObjectInfo> {
    return { size: SIZE }
  }

  async put(): Promise<void> {}

  async *list(): AsyncGenerator<string> {
    yield* this.numbers.keys()
  }

  async delete(): Promise<void> {}
}

test('hundreds of large objects asked for at once do not come into memory at once', async () => {
  const slow = new StampedStore()
  const names = Array.from({ length: 120 }, (_, i) => slow.add(i))
  const held = () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  let peak = 0
  slow.onRead = () => {
    // What is garbage already does not count.
    if (Math.random() < 0.1) globalThis.gc?.()
    peak = Math.max(peak, held())
  }
  const downloads = 6
  const store = new CachedStore({ fast: new DirectoryStore(join(scratch, 'large')), slow, downloads })
  globalThis.gc?.()
  const before = held()
  await Promise.all(
    names.map(async name => {
      const object = await store.open(name)
      object.close()
    }),
  )
  const total = names.length * SIZE
  const used = peak - before
  console.log(`note: ${(total / 2 ** 20).toFixed(0)} MiB came through ${(used / 2 ** 20).toFixed(0)} MiB of memory`)
  assert.ok(used < total / 4, `${used} of ${total} bytes in memory at once`)
  assert.is((await store.usage()).entries, 2 * names.length, 'objects and their trees')
})

test.run()
