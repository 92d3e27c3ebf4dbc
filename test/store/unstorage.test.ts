// unstorageStore over drivers of unstorage, bare and in a Storage, under the contract suite.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStorage, type Driver, prefixStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'
import fsLiteDriver from 'unstorage/drivers/fs-lite'
import httpDriver from 'unstorage/drivers/http'
import localStorageDriver from 'unstorage/drivers/localstorage'
import lruDriver from 'unstorage/drivers/lru-cache'
import memoryDriver from 'unstorage/drivers/memory'
import nullDriver from 'unstorage/drivers/null'
import overlayDriver from 'unstorage/drivers/overlay'
import { createStorageServer } from 'unstorage/server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryStore } from '../../src/store/directory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { type UnstorageDriver, unstorageStore } from '../../src/store/unstorage.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const temporary = mkdtempSync(join(tmpdir(), 'composefs-unstorage-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
const places = { made: 0 }
const directory = (): string => join(temporary, String(places.made++))

/** What a browser's localStorage is: strings by key, which are its own properties; with a bound. */
function webStorage(limit = Number.POSITIVE_INFINITY): Storage {
  const methods = {
    getItem: (key: string) => (Object.hasOwn(items, key) ? (items as Record<string, string>)[key] : null),
    setItem: (key: string, value: string) => {
      if (typeof value !== 'string') throw new TypeError('not a string')
      if (value.length > limit) throw new DOMException('full', 'QuotaExceededError')
      ;(items as Record<string, string>)[key] = value
    },
    removeItem: (key: string) => {
      delete (items as Record<string, string>)[key]
    },
  }
  const items = Object.create(methods) as Storage
  return items
}

const DIGEST = `ab/${'cd'.repeat(31)}`

/** Names that unstorage, its drivers or hosts have other plans for. */
const ODD_NAMES = [
  DIGEST,
  'ab',
  'a:b',
  'a$',
  'a',
  '$',
  'A',
  'a?b',
  'a?c',
  'a\\b',
  '.git/x',
  'node_modules/x',
  'x..',
  '.x',
  'é',
  'e\u0301',
  ' ',
  'base64:',
  '%41',
  'con',
  'dir/b:c/d',
  'y'.repeat(255),
]

async function namesOf(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names
}

const DRIVERS: Record<string, () => Driver> = {
  memory: () => memoryDriver(),
  fs: () => fsDriver({ base: directory() }),
  'fs-lite': () => fsLiteDriver({ base: directory() }),
  'lru-cache': () => lruDriver({ max: 1000 }),
  localstorage: () => localStorageDriver({ storage: webStorage() } as object),
  'overlay of memory': () => overlayDriver({ layers: [memoryDriver(), memoryDriver()] }),
  'overlay of files': () => overlayDriver({ layers: [fsDriver({ base: directory() }), memoryDriver()] }),
}

function addDriver(name: string, make: () => UnstorageDriver): void {
  const test = suite(`unstorage: ${name}`)
  storeContract(test, async () => unstorageStore(make()))

  test('odd names stay apart and come back', async () => {
    const store = unstorageStore(make(), { base: 'objects/here:' })
    for (const [at, odd] of ODD_NAMES.entries()) await store.put(odd, noise(10 + at))
    for (const [at, odd] of ODD_NAMES.entries()) assert.equal(await store.stat(odd), { size: 10 + at }, odd)
    assert.equal((await namesOf(store)).sort(), [...ODD_NAMES].sort())
    for (const odd of ODD_NAMES.slice(1)) await store.delete(odd)
    assert.equal(await namesOf(store), [DIGEST])
  })
  test.run()
}

for (const [name, make] of Object.entries(DRIVERS)) {
  addDriver(name, make)
  addDriver(`${name} in a Storage`, () => createStorage({ driver: make() }))
}
addDriver('a mount of a Storage', () => {
  const storage = createStorage()
  storage.mount('objects', fsDriver({ base: directory() }))
  return storage
})
addDriver('a part of a Storage', () => prefixStorage(createStorage(), 'part'))

const test = suite('unstorageStore')

test('takes drivers and Storages as TypeScript has them', async () => {
  const stores = [
    unstorageStore(memoryDriver()),
    unstorageStore(createStorage()),
    unstorageStore(fsDriver({ base: 'x' })),
  ]
  assert.equal(
    stores.map(store => store.label),
    ['unstorage:memory', 'unstorage:storage', 'unstorage:fs'],
  )
  assert.is(unstorageStore(memoryDriver(), { label: 'mine' }).label, 'mine')
})

test('files of digests lie as in a DirectoryStore', async () => {
  const base = directory()
  await unstorageStore(fsDriver({ base })).put(DIGEST, noise(5000))
  assert.equal(readdirSync(base), ['ab'])
  const object = await new DirectoryStore(base).open(DIGEST)
  assert.ok(Buffer.from(noise(5000)).equals(await object.read(0, 5000)))
  object.close()
})

test('a driver without bytes has them as unstorage writes them', async () => {
  const storage = webStorage()
  const driver = localStorageDriver({ storage } as object)
  await unstorageStore(driver).put('a', noise(100_000))
  assert.is(storage.getItem('a'), `base64:${Buffer.from(noise(100_000)).toString('base64')}`)
  const theirs = (await createStorage({ driver }).getItemRaw('a')) as Uint8Array
  assert.ok(Buffer.from(noise(100_000)).equals(theirs))
  await createStorage({ driver }).setItemRaw('b', noise(77))
  assert.equal(await unstorageStore(driver).stat('b'), { size: 77 })
})

test('lists nothing that it does not name', async () => {
  const driver = memoryDriver()
  const storage = createStorage({ driver })
  await storage.setItem('objects:Mine', 'x')
  await storage.setItem('other', 'x')
  await storage.setItemRaw('objects:a', noise(1))
  await storage.setMeta('objects:a', { mtime: new Date() })
  assert.equal(await namesOf(unstorageStore(driver, { base: 'objects' })), ['a'])
  assert.equal(await namesOf(unstorageStore(storage, { base: 'objects' })), ['a'])
})

test('what is no bytes is EIO', async () => {
  const driver = memoryDriver()
  await driver.setItem?.('a', { not: 'bytes' } as unknown as string, {})
  await driver.setItem?.('b', 'base64:§', {})
  const store = unstorageStore(driver)
  assert.is(await codeOf(() => store.open('a')), 'EIO')
  assert.is(await codeOf(() => store.open('b')), 'EIO')
})

test('what a driver does not keep was not put', async () => {
  assert.is(await codeOf(() => unstorageStore(nullDriver()).put('a', noise(1))), 'EIO')
  const readOnly = unstorageStore(fsDriver({ base: directory(), readOnly: true }))
  assert.is(await codeOf(() => readOnly.put('a', noise(1))), 'EROFS')
  const { setItem: _, setItemRaw: __, removeItem: ___, ...reader } = memoryDriver()
  assert.is(await codeOf(() => unstorageStore(reader).put('a', noise(1))), 'EROFS')
  assert.is(await codeOf(() => unstorageStore(reader).delete('a')), 'EROFS')
  assert.is(await codeOf(() => unstorageStore(nullDriver()).open('a')), 'ENOENT')
})

test('a full driver is ENOSPC, and keeps nothing', async () => {
  const store = unstorageStore(localStorageDriver({ storage: webStorage(1000) } as object))
  assert.is(await codeOf(() => store.put('a', noise(1000))), 'ENOSPC')
  await store.put('b', noise(100))
  assert.equal(await namesOf(store), ['b'])
})

test('what a driver throws is typed, and tells no secrets', async () => {
  const failing = (error: unknown): UnstorageDriver => ({
    ...(memoryDriver() as UnstorageDriver),
    hasItem: () => true,
    getItemRaw: () => Promise.reject(error),
  })
  for (const [error, code] of [
    [Object.assign(new Error('x'), { code: 'EACCES' }), 'EACCES'],
    [Object.assign(new Error('x'), { statusCode: 403 }), 'EACCES'],
    [Object.assign(new Error('x'), { status: 507 }), 'ENOSPC'],
    [Object.assign(new Error('x'), { code: 'E_WHATEVER' }), 'EIO'],
    ['text', 'EIO'],
  ] as const) {
    assert.is(await codeOf(() => unstorageStore(failing(error)).open('a')), code)
  }
  const secret = new Error('[GET] "https://me:hush@host/path?token=hush&x=1": 500 it failed')
  const told = await unstorageStore(failing(secret))
    .open('a')
    .catch((error: Error) => error)
  assert.not.match(String((told as Error).stack) + String((told as Error).cause), 'hush')
  assert.match((told as Error).message, 'it failed')
})

test.run()

/** A server of unstorage's, which the http driver speaks to. */
const served = createStorage()
const server = createServer(createStorageServer(served).handle)
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
server.unref()
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const http = suite('unstorage: http')

http('objects over HTTP', async () => {
  const store = unstorageStore(httpDriver({ base: url }), { base: 'part' })
  await store.put(DIGEST, noise(100_000))
  await store.put('dir/Ödd:name$', noise(7))
  assert.equal((await namesOf(store)).sort(), [DIGEST, 'dir/Ödd:name$'])
  const object = await store.open(DIGEST)
  assert.ok(Buffer.from(noise(100_000).subarray(5, 4105)).equals(await object.read(5, 4100)))
  assert.equal(await store.stat('dir/Ödd:name$'), { size: 7 })
  assert.is(await codeOf(() => store.open('none')), 'ENOENT')
  assert.is(await codeOf(() => store.open('dir/Ödd:name$/x')), 'ENOTDIR')
  await store.delete(DIGEST)
  await store.delete(DIGEST)
  assert.equal(await namesOf(store), ['dir/Ödd:name$'])
  assert.ok((await served.getKeys()).every(key => key.startsWith('part:')))
})

http('an object without bytes, which this server drops, is EIO', async () => {
  assert.is(await codeOf(() => unstorageStore(httpDriver({ base: url })).put('empty', noise(0))), 'EIO')
})

http('a server that is not there is EIO', async () => {
  const gone = unstorageStore(httpDriver({ base: 'http://127.0.0.1:1' }))
  assert.is(await codeOf(() => gone.open('a')), 'EIO')
})

http('and goes away', () => {
  server.closeAllConnections()
  server.close()
})
http.run()
