// A cache whose copies were spoiled behind its back: whoever reads them notices, and gets the right bytes all the same.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex } from '../../src/format/hex.js'
import { buildImage, CachedStore, mount, TreeBuilder } from '../../src/node.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { IntegrityError } from '../../src/store/errors.js'
import { MemoryStore } from '../../src/store/memory.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { hexOf, SlowStore } from '../helpers/cache-slow.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { settle, value } from '../helpers/store-verified.js'

const scratch = mkdtempSync(join(tmpdir(), 'composefs-heal-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
let directories = 0

const test = suite('CachedStore, healing')

const SIZES = [0, 1, 4096, 100_000, 1_500_000]

interface Spoil {
  readonly what: string
  /** Answers false where it can't be done to an object of that size. */
  readonly to: (path: string, size: number) => boolean
}

const SPOILS: readonly Spoil[] = [
  {
    what: 'a bit',
    to: (path, size) => {
      const bytes = readFileSync(path)
      if (size === 0) return false
      bytes[size - 1] ^= 1
      writeFileSync(path, bytes)
      return true
    },
  },
  {
    what: 'the end',
    to: (path, size) => {
      truncateSync(path, Math.floor(size / 2))
      return size > 0
    },
  },
  {
    what: 'all',
    to: (path, size) => {
      truncateSync(path, 0)
      return size > 0
    },
  },
  {
    what: 'more',
    to: (path, size) => {
      truncateSync(path, size + 10)
      return true
    },
  },
  {
    what: 'its place',
    to: path => {
      unlinkSync(path)
      return true
    },
  },
]

/** A cache in a directory that has one object, and may have been opened anew since. */
async function spoilable(size: number, restarted: boolean) {
  const slow = new SlowStore()
  const data = noise(size, 3)
  const name = slow.add(data)
  const root = join(scratch, String(directories++))
  const open = () => new CachedStore({ fast: new DirectoryStore(root), slow, sha256 })
  let store = open()
  ;(await store.open(name)).close()
  slow.reset()
  if (restarted) store = open()
  return { slow, data, name, store, path: join(root, name) }
}

const WAYS: readonly (readonly [string, boolean])[] = [
  ['waiting', false],
  ['without waiting', true],
]

for (const [way, wait] of WAYS) {
  test(`what is wrong in the cache is brought anew, once, ${way}`, async () => {
    for (const size of SIZES) {
      for (const { what, to } of SPOILS) {
        for (const restarted of [false, true]) {
          const { slow, data, name, store, path } = await spoilable(size, restarted)
          if (!to(path, size)) continue
          const objects = new VerifiedObjects(store, sha256)
          const digest = fromHex(hexOf(data)) as Uint8Array
          for (let i = 0; i < 2; i++) {
            const file = value(await settle(() => objects.open(name, { digest, size }, wait)))
            const all = value(await settle(() => file.readAll(wait)))
            assert.ok(Buffer.from(data).equals(all), `${what} of ${size}`)
            const into = new Uint8Array(10)
            const at = Math.max(0, size - 10)
            assert.is(value(await settle(() => file.read(into, at, wait))), size - at)
            assert.ok(Buffer.from(data.subarray(at)).equals(into.subarray(0, size - at)))
            file.close()
          }
          assert.is(slow.opens.get(name), 1, `${what} of ${size}`)
          assert.is(slow.held, 0)
          assert.ok(Buffer.from(data).equals(readFileSync(path)))
        }
      }
    }
  })
}

test('an object that is spoiled while it is open', async () => {
  for (const wait of [false, true]) {
    const { slow, data, name, store, path } = await spoilable(1_500_000, false)
    const objects = new VerifiedObjects(store, sha256)
    const digest = fromHex(hexOf(data)) as Uint8Array
    const file = value(await settle(() => objects.open(name, { digest }, wait)))
    const into = new Uint8Array(100)
    value(await settle(() => file.read(into, 0, wait)))
    writeFileSync(path, noise(1_500_000, 4))
    const reads = [0, 100, 700_000, 1_400_000].map(async at => {
      const piece = new Uint8Array(100)
      assert.is(value(await settle(() => file.read(piece, at, wait))), 100)
      assert.ok(Buffer.from(data.subarray(at, at + 100)).equals(piece))
    })
    await Promise.all(reads)
    assert.is(slow.opens.get(name), 1)
    file.close()
    assert.is(slow.held, 0)
  }
})

test('many files of one bad object bring it anew once', async () => {
  const { slow, data, name, store, path } = await spoilable(50_000, true)
  writeFileSync(path, noise(50_000, 4))
  const digest = fromHex(hexOf(data)) as Uint8Array
  const files = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const objects = new VerifiedObjects(store, sha256)
      return value(await settle(() => objects.open(name, { digest }, false)))
    }),
  )
  const all = await Promise.all(files.map(file => settle(() => file.readAll(false))))
  for (const bytes of all) assert.ok(Buffer.from(data).equals(value(bytes)))
  assert.is(slow.opens.get(name), 1)
})

test('where the right bytes can not be had the wrong ones are EIO', async () => {
  for (const wait of [false, true]) {
    const { slow, data, name, store, path } = await spoilable(5000, true)
    writeFileSync(path, noise(5000, 4))
    slow.objects.delete(name)
    const objects = new VerifiedObjects(store, sha256)
    const digest = fromHex(hexOf(data)) as Uint8Array
    const file = value(await settle(() => objects.open(name, { digest }, wait)))
    assert.is(((await settle(() => file.readAll(wait))) as { code?: string }).code, 'EIO')
    assert.is(((await settle(() => file.readAll(wait))) as { code?: string }).code, 'EIO', 'and again')
    file.close()
  }
})

test('what another has put under a name is not believed', async () => {
  const data = noise(6000)
  const slow = new SlowStore()
  const name = slow.add(data)
  const fast = new MemoryStore([[name, noise(6000, 5)]])
  const objects = new VerifiedObjects(new CachedStore({ fast, slow, sha256 }), sha256)
  const digest = fromHex(hexOf(data)) as Uint8Array
  const file = value(await settle(() => objects.open(name, { digest }, false)))
  assert.ok(Buffer.from(data).equals(value(await settle(() => file.readAll(false)))))
})

test('a store that has nowhere to bring anything from says EIO as before', async () => {
  const store = new MemoryStore([['ab/object', noise(6000, 5)]])
  const objects = new VerifiedObjects(store, sha256)
  const digest = fromHex(hexOf(noise(6000))) as Uint8Array
  const file = value(objects.open('ab/object', { digest }, true))
  const { code } = file.readAll(true) as unknown as { code: string }
  assert.is(code, 'EIO')
})

test('files of a mount, read in every way, over a cache directory that was scribbled over', async () => {
  const tree = new TreeBuilder()
  const slow = new MemoryStore()
  const contents = Array.from({ length: 24 }, (_, i) => noise(5000 + i * 997, i + 1))
  for (const [i, bytes] of contents.entries()) tree.addFile(`/f${i}`, bytes)
  const { image } = await buildImage(tree, { store: slow })
  const root = join(scratch, String(directories++))
  const store = new CachedStore({ fast: new DirectoryStore(root), slow })
  const m = await mount(image, { store })
  const paths = contents.map((_, i) => `/f${i}`)
  await Promise.all(paths.map(path => m.fs.promises.readFile(path)))
  const spoil = () => {
    for (const dir of readdirSync(root).filter(name => name.length === 2)) {
      for (const file of readdirSync(join(root, dir))) writeFileSync(join(root, dir, file), noise(5000, 9))
    }
  }
  spoil()
  for (const [i, path] of paths.entries()) {
    assert.ok(Buffer.from(contents[i]).equals((await m.fs.promises.readFile(path)) as Uint8Array))
  }
  spoil()
  for (const [i, path] of paths.entries()) {
    let bytes: Uint8Array | undefined
    try {
      bytes = m.fs.readFileSync(path) as Uint8Array
    } catch (error) {
      assert.is((error as { code: string }).code, 'EAGAIN')
      bytes = (await m.fs.promises.readFile(path)) as Uint8Array
    }
    assert.ok(Buffer.from(contents[i]).equals(bytes))
    assert.ok(Buffer.from(contents[i]).equals(m.fs.readFileSync(path) as Uint8Array), 'the file is well again')
  }
  m.unmount()
})

test('a slow store that lies is EIO for who reads the file, and the cause says what was wrong', async () => {
  const tree = new TreeBuilder()
  const slow = new SlowStore()
  tree.addFile('/f', noise(5000))
  const { image } = await buildImage(tree, { store: slow })
  for (const name of slow.objects.keys()) slow.objects.set(name, noise(5000, 2))
  const m = await mount(image, { store: new CachedStore({ fast: new MemoryStore(), slow }) })
  for (let i = 0; i < 2; i++) {
    const error = await m.fs.promises.readFile('/f').then(
      () => undefined,
      (reason: Error & { code: string }) => reason,
    )
    assert.is(error?.code, 'EIO')
    assert.instance(error?.cause, IntegrityError)
  }
  m.unmount()
})

test.run()
