// What every kind of ObjectStore has to do; a kind's own test calls this with a way to make an empty one.
import type { suite as makeSuite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { noise } from './store-hash.js'

type Suite = ReturnType<typeof makeSuite>

const digestName = (byte: number): string => {
  const hex = byte.toString(16).padStart(2, '0')
  return `${hex}/${hex.repeat(31)}`
}

/** The `code` that a call rejects with. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    assert.instance(error, Error)
    return String((error as Error & { code?: unknown }).code)
  }
  return 'none'
}

async function* chunks(data: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  // The same buffer for each chunk, as a file reader has it: a store must not keep it.
  const buffer = new Uint8Array(length)
  for (let at = 0; at < data.length; at += length) {
    const chunk = data.subarray(at, at + length)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
  }
}

async function namesOf(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names.sort()
}

/** The asynchronous form, and the synchronous one where the store has it. */
function opens(store: ObjectStore): [string, (name: string) => Promise<StoredObject>][] {
  const forms: [string, (name: string) => Promise<StoredObject>][] = [['open', name => store.open(name)]]
  if (store.openSync !== undefined) forms.push(['openSync', async name => store.openSync?.(name) as StoredObject])
  return forms
}

export const BAD_NAMES: readonly (readonly [string, string])[] = [
  ['', 'EINVAL'],
  ['/ab', 'EINVAL'],
  ['ab/', 'EINVAL'],
  ['ab//cd', 'EINVAL'],
  ['a\0b', 'EINVAL'],
  ['\ud800', 'EINVAL'],
  ['..', 'EXDEV'],
  ['../ab', 'EXDEV'],
  ['ab/../../cd', 'EXDEV'],
  ['.', 'ENOENT'],
  ['ab/..', 'ENOENT'],
  [`ab/${'x'.repeat(256)}`, 'ENAMETOOLONG'],
  [`ab/${'é'.repeat(128)}`, 'ENAMETOOLONG'],
  [`${'x'.repeat(256)}/../../ab`, 'ENAMETOOLONG'],
  [`../${'x'.repeat(256)}`, 'EXDEV'],
  ['abcd/'.repeat(820), 'EINVAL'],
  [`${'abcd/'.repeat(820)}x`, 'ENAMETOOLONG'],
]

/** What is different in a store that can only be read. */
export interface ReadOnly {
  /** Puts an object behind the store's back. */
  readonly put: (store: ObjectStore, name: string, data: Uint8Array) => Promise<void>
  /** What it says of a name below an object, since it knows nothing of directories. */
  readonly below: string
}

function reading(test: Suite, make: () => Promise<ObjectStore>, readOnly?: ReadOnly): void {
  const put = readOnly?.put ?? ((store, name, data) => store.put(name, data))
  const below = readOnly?.below ?? 'ENOTDIR'
  test('gives back what was put, whole and in parts, in each form', async () => {
    const store = await make()
    const data = noise(10_000)
    await put(store, digestName(1), data)
    for (const [form, open] of opens(store)) {
      const object = await open(digestName(1))
      assert.is(object.size, 10_000, form)
      const ranges: [number, number][] = [
        [0, 10_000],
        [0, 1],
        [4095, 4098],
        [9_999, 1],
        [9_000, 5_000],
        [10_000, 10],
        [20_000, 10],
        [5, 0],
      ]
      for (const [offset, length] of ranges) {
        const wanted = Buffer.from(data.subarray(offset, offset + length))
        assert.ok(wanted.equals(await object.read(offset, length)), `${form} ${offset}+${length}`)
        if (object.readSync !== undefined)
          assert.ok(wanted.equals(object.readSync(offset, length)), `${form} sync ${offset}+${length}`)
      }
      object.close()
    }
    assert.equal(await store.stat(digestName(1)), { size: 10_000 })
    if (store.statSync !== undefined) assert.equal(store.statSync(digestName(1)), { size: 10_000 })
  })

  test('hands out bytes that are no longer its own', async () => {
    const store = await make()
    await put(store, digestName(1), noise(100))
    const object = await store.open(digestName(1))
    ;(await object.read(0, 100)).fill(0)
    object.readSync?.(0, 100).fill(0)
    assert.ok(Buffer.from(noise(100)).equals(await object.read(0, 100)))
    object.close()
  })

  test('reading a closed object is EBADF, closing twice nothing', async () => {
    const store = await make()
    await put(store, digestName(1), noise(100))
    for (const [, open] of opens(store)) {
      const object = await open(digestName(1))
      const underWay = object.read(0, 100)
      object.close()
      object.close()
      assert.ok(Buffer.from(noise(100)).equals(await underWay), 'a read that had begun')
      assert.is(await codeOf(() => object.read(0, 1)), 'EBADF')
      if (object.readSync !== undefined) assert.is(await codeOf(() => object.readSync?.(0, 1)), 'EBADF')
    }
  })

  test('an object that is missing is ENOENT, below an object ENOTDIR', async () => {
    const store = await make()
    await put(store, 'plain', noise(10))
    for (const [name, code] of [
      [digestName(2), 'ENOENT'],
      ['plain/x', below],
      ['plain/x/y', below],
    ]) {
      for (const [form, open] of opens(store)) assert.is(await codeOf(() => open(name)), code, `${form} ${name}`)
      assert.is(await codeOf(() => store.stat(name)), code, name)
      if (store.statSync !== undefined) assert.is(await codeOf(() => store.statSync?.(name)), code, name)
    }
  })

  test('bad names give the kernel answers from every method', async () => {
    const store = await make()
    for (const [name, code] of BAD_NAMES) {
      const what = JSON.stringify(name.slice(0, 40))
      for (const [form, open] of opens(store)) assert.is(await codeOf(() => open(name)), code, `${form} ${what}`)
      assert.is(await codeOf(() => store.stat(name)), code, `stat ${what}`)
      assert.is(await codeOf(() => store.put(name, noise(3))), code, `put ${what}`)
      assert.is(await codeOf(() => store.delete(name)), code, `delete ${what}`)
    }
    if (readOnly === undefined) assert.equal(await namesOf(store), [])
  })

  test('a name that wanders but stays inside is its canonical self', async () => {
    const store = await make()
    await put(store, 'dir/./sub/../object', noise(10))
    assert.equal(await store.stat('dir/object'), { size: 10 })
    assert.equal(await store.stat('./dir/x/../object'), { size: 10 })
  })
}

function writing(test: Suite, make: () => Promise<ObjectStore>): void {
  test('takes bytes and chunks, empty ones too', async () => {
    const store = await make()
    const data = noise(300_000)
    await store.put('a', data)
    await store.put('b', chunks(data, 70_001))
    await store.put('c', new Uint8Array(0))
    await store.put('d', chunks(new Uint8Array(0), 1))
    for (const [name, wanted] of [
      ['a', data],
      ['b', data],
      ['c', noise(0)],
      ['d', noise(0)],
    ] as const) {
      const object = await store.open(name)
      assert.is(object.size, wanted.length, name)
      assert.ok(Buffer.from(wanted).equals(await object.read(0, wanted.length)), name)
      object.close()
    }
  })

  test('what is put is not changed by its giver afterwards', async () => {
    const store = await make()
    const data = noise(50)
    await store.put('a', data)
    data.fill(0)
    assert.ok(Buffer.from(noise(50)).equals(await (await store.open('a')).read(0, 50)))
  })

  test('leaves alone what is there', async () => {
    const store = await make()
    await store.put(digestName(3), noise(10))
    await store.put(digestName(3), noise(20))
    assert.equal(await store.stat(digestName(3)), { size: 10 })
  })

  test('a put that fails leaves nothing', async () => {
    const store = await make()
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield noise(1000)
      throw new Error('source is gone')
    }
    await store.put(digestName(5), noise(1))
    let message = ''
    await store.put(digestName(4), failing()).catch((error: Error) => {
      message = error.message
    })
    assert.match(message, 'source is gone')
    assert.is(await codeOf(() => store.stat(digestName(4))), 'ENOENT')
    assert.equal(await namesOf(store), [digestName(5)])
  })

  test('many puts of one name at once leave one whole object', async () => {
    const store = await make()
    const data = noise(100_000)
    await Promise.all(Array.from({ length: 8 }, () => store.put(digestName(6), chunks(data, 10_000))))
    const object = await store.open(digestName(6))
    assert.ok(Buffer.from(data).equals(await object.read(0, object.size)))
    object.close()
    assert.equal(await namesOf(store), [digestName(6)])
  })

  test('lists names, and not those deleted', async () => {
    const store = await make()
    assert.equal(await namesOf(store), [])
    for (const byte of [1, 2, 255]) await store.put(digestName(byte), noise(byte))
    assert.equal(await namesOf(store), [1, 2, 255].map(digestName))
    await store.delete(digestName(2))
    await store.delete(digestName(2))
    await store.delete(`${digestName(1)}/below`)
    assert.equal(await namesOf(store), [1, 255].map(digestName))
    assert.is(await codeOf(() => store.open(digestName(2))), 'ENOENT')
    await store.put(digestName(2), noise(7))
    assert.equal(await store.stat(digestName(2)), { size: 7 })
  })

  test('an open object outlives its deletion', async () => {
    const store = await make()
    await store.put('a', noise(5000))
    const object = await store.open('a')
    await store.delete('a')
    assert.ok(Buffer.from(noise(5000)).equals(await object.read(0, 5000)))
    object.close()
  })
}

function refusing(test: Suite, make: () => Promise<ObjectStore>, { put }: ReadOnly): void {
  test('can only be read', async () => {
    const store = await make()
    await put(store, digestName(1), noise(10))
    assert.is(await codeOf(() => store.put(digestName(2), noise(10))), 'EROFS')
    assert.is(await codeOf(() => store.put(digestName(1), noise(10))), 'EROFS')
    assert.is(await codeOf(() => store.delete(digestName(1))), 'EROFS')
    assert.is(await codeOf(() => namesOf(store)), 'ENOTSUP')
    assert.equal(await store.stat(digestName(1)), { size: 10 })
  })
}

/**
 * Adds the contract's tests; `make` answers an empty store of the kind, a new one each time. A kind that can only be read
 * says how its objects come to be.
 */
export function storeContract(test: Suite, make: () => Promise<ObjectStore>, readOnly?: ReadOnly): void {
  reading(test, make, readOnly)
  if (readOnly === undefined) writing(test, make)
  else refusing(test, make, readOnly)
}
