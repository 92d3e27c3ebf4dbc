// The other thread of the tests of bridges: serves the stores that it is told to, among them odd ones.
import { parentPort } from 'node:worker_threads'
import { type BridgeServing, serveBridge } from '../../src/bridge/serve.js'
import { IntegrityError } from '../../src/format/integrity.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore, StoredObject } from '../../src/store/object-store.js'
import { noise } from '../helpers/store-hash.js'
import type { Served } from './threads.js'

const later = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Asynchronous forms only, and none answers at once. */
function late(store: ObjectStore): ObjectStore {
  const { label } = store
  return {
    label,
    async open(name) {
      await later(1)
      const object = await store.open(name)
      return {
        size: object.size,
        read: async (offset, length) => {
          // Begun before the wait: closing must not take its bytes away.
          const bytes = object.read(offset, length)
          await later(1)
          return bytes
        },
        close: () => object.close(),
      }
    },
    stat: async name => later(1).then(() => store.stat(name)),
    put: async (name, data) => later(1).then(() => store.put(name, data)),
    list: () => store.list(),
    delete: async name => later(1).then(() => store.delete(name)),
  }
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** How many objects of odd stores are open. */
const odd = { open: 0 }

const HUGE = 100 * 2 ** 20

/** Bytes that tell where they are from, without being held anywhere. */
function pattern(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = ((offset + i) >>> 12) * 31 + (offset + i)
  return bytes
}

function opened(size: number, read: (offset: number, length: number) => Promise<Uint8Array>): StoredObject {
  odd.open++
  return { size, read, close: () => void odd.open-- }
}

/** Objects by what they do. */
const ODD: Readonly<Record<string, () => Promise<StoredObject>>> = {
  hang: () => new Promise(() => {}),
  'hang-in-read': async () => opened(100_000, () => new Promise(() => {})),
  slow: async () => {
    await later(2500)
    return opened(10, async () => noise(10))
  },
  'slow-large': async () => {
    await later(2500)
    return opened(200_000, async () => noise(10))
  },
  // The first piece fails at once, the others come when nobody waits for them any more.
  'torn-late': async () =>
    opened(HUGE, async (offset, length) => {
      if (offset === 0) throw Object.assign(new Error('ESTALE: torn: it changed'), { code: 'ESTALE' })
      await later(50 + Math.random() * 400)
      return new Uint8Array(length).fill(0xee)
    }),
  // A read that comes late, with bytes that nobody wants any more.
  'slow-read': async () =>
    opened(200_000, async (_offset, length) => {
      await later(2000)
      return new Uint8Array(length).fill(0xee)
    }),
  plain: async () => opened(200_000, async (offset, length) => noise(200_000).subarray(offset, offset + length)),
  huge: async () => opened(HUGE, async (offset, length) => pattern(offset, Math.min(length, HUGE - offset))),
  // The third piece fails.
  torn: async () =>
    opened(HUGE, async (offset, length) => {
      if (offset >= 2 ** 21) throw Object.assign(new Error('ESTALE: torn: it changed'), { code: 'ESTALE' })
      return pattern(offset, length)
    }),
  generous: async () => opened(100_000, async (_offset, length) => new Uint8Array(length + 1)),
  stingy: async () => opened(HUGE, async (_offset, length) => new Uint8Array(Math.min(length, 1000))),
  enormous: async () => opened(2 ** 52, async () => new Uint8Array(0)),
  wrong: async () => {
    const cause = new IntegrityError('wrong block', 'aa', 'bb')
    throw Object.assign(new Error('EIO: wrong: no good', { cause }), { code: 'EIO', status: 502 })
  },
  strange: async () => {
    throw new TypeError('odd')
  },
  secret: async () => {
    throw Object.assign(new Error('EACCES: secret: no', { cause: new Error('password hunter2') }), { code: 'EACCES' })
  },
  block: async () => {
    block(3000)
    return opened(5, async () => noise(5))
  },
  die: async () => process.exit(0),
  'how-many': async () => opened(odd.open + 1, async (_offset, length) => new Uint8Array(length)),
  renewable: async () => renewable(1),
}

function renewable(seed: number): StoredObject {
  return {
    ...opened(1000, async (offset, length) => noise(1000, seed).subarray(offset, offset + length)),
    renew: async () => renewable(seed + 1),
  }
}

const oddStore: ObjectStore = {
  label: 'odd',
  open: name => ODD[name](),
  stat: async name => {
    const object = await ODD[name]()
    object.close()
    return { size: object.size }
  },
  put: async () => {},
  async *list() {
    for (let i = 0; i < 2500; i++) yield `name-${i}`
  },
  delete: async () => {},
}

function servingOf({ kind, directory }: Served): BridgeServing {
  if (kind === 'directory') return { stores: new DirectoryStore(directory ?? '') }
  if (kind === 'odd') return { stores: { odd: oddStore }, source: async what => ODD[String(what)]() }
  return { stores: kind === 'late' ? late(new MemoryStore()) : new MemoryStore() }
}

parentPort?.on('message', (served: Served) => void serveBridge(served.port, servingOf(served)))
