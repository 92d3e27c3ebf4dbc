// What stores.test.ts does inside a page or a worker: the contract suite and other tasks with IndexedDbStore and
// OpfsStore, each answering plain values. A program of its own, bundled for the browser. Not here: driving the browser.
import { IndexedDbStore, mount, OpfsStore } from '../../src/index.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const MIB = 2 ** 20

type Kind = 'indexeddb' | 'opfs'

function storeOf(kind: Kind, place: string): ObjectStore {
  return kind === 'opfs' ? new OpfsStore(place) : new IndexedDbStore(place)
}

/** Runs a call of the contract; the answer is what went wrong, or nothing. */
async function contract(kind: Kind, test: string): Promise<string | undefined> {
  const tests = new Map<string, () => Promise<void>>()
  const suite = (name: string, run: () => Promise<void>): unknown => tests.set(name, run)
  let made = 0
  // No place is used twice, in whatever tab or worker.
  storeContract(suite as unknown as Parameters<typeof storeContract>[0], async () =>
    storeOf(kind, `contract-${Math.random()}-${made++}`),
  )
  const run = tests.get(test)
  if (run === undefined) return 'no such test'
  try {
    await run()
    return undefined
  } catch (error) {
    return String((error as Error).stack ?? error)
  }
}

async function outcome(call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
    return 'done'
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error)
  }
}

async function namesOf(store: ObjectStore): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  return names.sort()
}

async function* inPieces(size: number, seed: number): AsyncGenerator<Uint8Array> {
  const piece = noise(MIB, seed)
  for (let at = 0; at < size; at += MIB) yield piece.subarray(0, Math.min(MIB, size - at))
}

/** Name of the object whose bytes `bytesOf` makes of the same seed. */
function nameOf(seed: number): string {
  const hex = (Math.imul(seed, 2654435761) >>> 0).toString(16).padStart(8, '0')
  return `${hex.slice(0, 2)}/${seed.toString(16).padStart(62, '0')}`
}

/** Of any size from nothing to a megabyte and more, mostly small. */
function bytesOf(seed: number): Uint8Array {
  const sizes = [0, 1, 100, 4096, 30_000, 33_000, 70_000, 100_000, 5000, 300_000, MIB + 77]
  return noise(sizes[seed % sizes.length], seed + 1)
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** Puts objects until something ends it; says how many there are. */
async function putMany({ kind, place, from, count }: Task): Promise<string[]> {
  const store = storeOf(kind, place)
  const failed: string[] = []
  for (let seed = from; seed < from + count; seed++) {
    const bytes = bytesOf(seed)
    const half = bytes.length >> 1
    // By turns in one piece and as a stream.
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, half)
      yield bytes.subarray(half)
    }
    const said = await outcome(() => store.put(nameOf(seed), seed % 2 === 0 ? bytes : stream()))
    if (said !== 'done') failed.push(`${seed}: ${said}`)
    else (globalThis as { lastPut?: number }).lastPut = seed
  }
  return failed
}

/** Names of objects, and what is wrong with them. */
async function check({ kind, place, from }: Task): Promise<{ found: number; wrong: string[]; missing: number[] }> {
  const store = storeOf(kind, place)
  const names = await namesOf(store)
  const wrong: string[] = []
  for (const name of names) {
    const seed = Number.parseInt(name.slice(3), 16)
    const object = await store.open(name)
    if (nameOf(seed) !== name || !same(bytesOf(seed), await object.read(0, object.size))) wrong.push(name)
    object.close()
  }
  const missing: number[] = []
  for (let seed = 0; seed < from; seed++) if (!names.includes(nameOf(seed))) missing.push(seed)
  return { found: names.length, wrong, missing }
}

/** Bytes and files that are kept beside objects: chunks and temporary files that nobody has. */
async function leftovers({ kind, place }: Task): Promise<number> {
  if (kind === 'opfs') {
    const root = await navigator.storage.getDirectory()
    let count = 0
    const directory = await root.getDirectoryHandle(place).then(found => found.getDirectoryHandle('_tmp'))
    for await (const _ of directory.keys()) count++
    return count
  }
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(place)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const keys = database.transaction('leftovers').objectStore('leftovers').getAllKeys()
  await new Promise(resolve => {
    keys.onsuccess = resolve
  })
  database.close()
  return keys.result.length
}

/** Within a small quota: what does not fit, and what goes on. */
async function quota({ kind, place, image, digest }: Task): Promise<Record<string, unknown>> {
  const store = storeOf(kind, place)
  await store.put('kept/first', noise(100_000))
  await fill(store, image)
  const bytes = await outcome(() => store.put('over/bytes', noise(40 * MIB)))
  const stream = await outcome(() => store.put('over/stream', inPieces(40 * MIB, 3)))
  const small = await outcome(async () => {
    for (let at = 0; at < 100; at++) await store.put(`many/${at}`, noise(30_000, at + 1))
  })
  const one = await outcome(() => store.put('kept/second', noise(1000)))
  const names = (await namesOf(store)).filter(name => /^(kept|over)/.test(name))
  const left = await leftovers({ kind, place } as Task)
  return { bytes, stream, small, one, names, left, files: await readAll(image, store, digest) }
}

interface ServedImage {
  readonly url: string
  readonly objects: readonly (readonly [name: string, url: string])[]
}

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response
}

/** Brings the objects of an image into a store, as streams. */
async function fill(store: ObjectStore, image: ServedImage): Promise<void> {
  for (const [name, url] of image.objects) {
    const { body } = await fetched(url)
    await store.put(name, body as unknown as AsyncIterable<Uint8Array>)
  }
}

/** Reads all files of a mount over a store, checked; the answer is path and hash. */
async function readAll(image: ServedImage, store: ObjectStore, digest: string): Promise<Record<string, string>> {
  const mounted = await mount(image.url, { store, digest, verity: 'require' })
  const { promises } = mounted.fs
  const hashes: Record<string, string> = {}
  for (const path of (await promises.readdir('/', { recursive: true })) as string[]) {
    if (!(await promises.stat(`/${path}`)).isFile()) continue
    const data = new Uint8Array((await promises.readFile(`/${path}`)) as Uint8Array)
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
    hashes[path] = Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
  }
  mounted.unmount()
  return hashes
}

async function mounted({ kind, place, image, digest }: Task): Promise<Record<string, string>> {
  const store = storeOf(kind, place)
  await fill(store, image)
  return readAll(image, store, digest)
}

/** Platforms that lack something, and names that mean no place. */
async function lacking(): Promise<Record<string, string>> {
  const prototype = FileSystemFileHandle.prototype as unknown as Record<string, unknown>
  const without = async (names: readonly string[], call: () => Promise<unknown>): Promise<string> => {
    const kept = names.map(name => [name, Object.getOwnPropertyDescriptor(prototype, name)] as const)
    for (const name of names) delete prototype[name]
    try {
      return await outcome(call)
    } finally {
      for (const [name, method] of kept) if (method !== undefined) Object.defineProperty(prototype, name, method)
    }
  }
  const store = new OpfsStore('lacking')
  await store.put('a', noise(10))
  return {
    move: await without(['move'], () => store.put('b', noise(10))),
    readWithoutMove: await without(['move'], async () => (await store.open('a')).read(0, 10)),
    write: await without(['createWritable', 'createSyncAccessHandle'], () => store.put('b', noise(10))),
    names: (await namesOf(store)).join(),
    left: String(await leftovers({ kind: 'opfs', place: 'lacking' } as Task)),
    badPlace: await outcome(() => new OpfsStore('../x').stat('a')),
    handle: await outcome(async () => {
      const root = await navigator.storage.getDirectory()
      await new OpfsStore(await root.getDirectoryHandle('lacking')).stat('a')
    }),
  }
}

/** An object that another tab deletes or replaces while it is open here. */
async function behindBack({ kind, place }: Task): Promise<string[]> {
  const [mine, theirs] = [storeOf(kind, place), storeOf(kind, place)]
  await mine.put('a', noise(2 * MIB))
  const object = await mine.open('a')
  const before = await outcome(() => object.read(0, 10))
  await theirs.delete('a')
  const deleted = await outcome(() => object.read(0, 10))
  await theirs.put('a', noise(2 * MIB, 2))
  return [before, deleted, await outcome(() => object.read(0, 10))]
}

/** Milliseconds of 1,000 small objects and one of 100 MB, put and read. */
async function throughput({ kind, place }: Task): Promise<Record<string, number>> {
  const store = storeOf(kind, place)
  const timed = async (call: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await call()
    return Math.round(performance.now() - began)
  }
  const each = (call: (at: number) => Promise<unknown>, wide: number) => async () => {
    let at = 0
    const next = async (): Promise<void> => {
      while (at < 1000) await call(at++)
    }
    await Promise.all(Array.from({ length: wide }, next))
  }
  const put = (at: number) => store.put(nameOf(at), noise(4096, at + 1))
  const read = async (at: number) => {
    const object = await store.open(nameOf(at))
    await object.read(0, object.size)
    object.close()
  }
  const large = async () => {
    const object = await store.open('large')
    for (let at = 0; at < object.size; at += MIB) await object.read(at, MIB)
    object.close()
  }
  const random = async () => {
    const object = await store.open('large')
    for (let at = 0; at < 500; at++) await object.read(((at * 7919) % 25_000) * 4096, 4096)
    object.close()
  }
  return {
    putSmall: await timed(each(put, 1)),
    readSmall: await timed(each(read, 1)),
    readSmall16: await timed(each(read, 16)),
    putSmall16: await timed(each(at => store.put(nameOf(at + 5000), noise(4096, at + 1)), 16)),
    putLarge: await timed(() => store.put('large', inPieces(100 * 10 ** 6, 1))),
    readLarge: await timed(large),
    random500: await timed(random),
  }
}

/** What a task needs; each takes its own. */
export interface Task {
  readonly kind: Kind
  readonly place: string
  readonly from: number
  readonly count: number
  readonly image: ServedImage
  readonly digest: string
}

const TASKS = { putMany, check, leftovers, quota, mounted, lacking, behindBack, throughput }

export type TaskName = keyof typeof TASKS | 'contract'

async function run(name: TaskName, task: Task & { test: string }): Promise<unknown> {
  return name === 'contract' ? contract(task.kind, task.test) : TASKS[name](task)
}

Object.assign(globalThis, { run })
if (typeof document === 'undefined') {
  globalThis.onmessage = ({ data: [id, name, task] }: MessageEvent) =>
    run(name, task).then(
      answer => postMessage({ id, answer }),
      (error: Error) => postMessage({ id, error: String(error.stack ?? error) }),
    )
}
