// What goes wrong over a bridge: errors cross with what they say and no more, nothing waits for ever, a late answer is nobody's,
// and large things go through in pieces.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { BridgeOptions } from '../../src/bridge/bridge.js'
import { IntegrityError } from '../../src/format/integrity.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'
import { bridgeTo, servingWorker } from './threads.js'

type Thrown = Error & { code?: string; errno?: number; status?: number }

async function caught(run: () => unknown): Promise<Thrown> {
  try {
    await run()
  } catch (error) {
    assert.instance(error, Error)
    return error as Thrown
  }
  return assert.unreachable('nothing was thrown') as never
}

function timed(run: () => unknown): [string, number] {
  const began = performance.now()
  try {
    run()
    return ['none', performance.now() - began]
  } catch (error) {
    return [String((error as Thrown).code), performance.now() - began]
  }
}

const worker = await servingWorker()
const oddBridge = (options?: BridgeOptions, of = worker) => bridgeTo(of, { kind: 'odd' }, options)
const odd = (options?: BridgeOptions) => oddBridge(options).store('odd')

const errors = suite('bridge: errors')

errors('cross with code, message, status, and what is wrong with the bytes', async () => {
  const store = odd()
  for (const open of [() => store.openSync?.('wrong'), () => store.open('wrong')]) {
    const error = await caught(open)
    assert.equal([error.code, error.errno, error.message, error.status], ['EIO', -5, 'EIO: wrong: no good', 502])
    assert.instance(error.cause, IntegrityError)
    const { expected, actual, message } = error.cause as IntegrityError
    assert.equal([expected, actual, message], ['aa', 'bb', 'wrong block: expected aa, got bb'])
  }
})

errors('of no errno are EIO, and causes stay where they are', async () => {
  const store = odd()
  for (const form of ['open', 'openSync'] as const) {
    const strange = await caught(() => store[form]?.('strange'))
    assert.equal([strange.code, strange.message], ['EIO', 'odd'])
    const secret = await caught(() => store[form]?.('secret'))
    assert.equal([secret.code, secret.cause], ['EACCES', undefined])
  }
})

errors('a store that is not served is ENODEV, a file ENOTSUP where none are', async () => {
  const bridge = oddBridge()
  for (const name of ['other', 'toString', '__proto__', 7]) {
    assert.is(await codeOf(() => bridge.store(name).open('plain')), 'ENODEV', String(name))
    assert.is(await codeOf(() => bridge.store(name).statSync?.('plain')), 'ENODEV', String(name))
  }
  assert.is(await codeOf(() => bridgeTo(worker, { kind: 'memory' }).sourceSync('x')), 'ENOTSUP')
  assert.is(bridge.sourceSync('plain').size, 200_000)
  assert.is((await bridge.source('plain')).size, 200_000)
})

errors('what can not be sent, and options that can not be, are EINVAL', async () => {
  assert.is(await codeOf(() => oddBridge().store(() => {})), 'EINVAL')
  for (const options of [{ timeout: 0 }, { silence: Number.NaN }, { bufferBytes: 1000 }, { bufferBytes: 2 ** 40 }]) {
    assert.is(await codeOf(() => oddBridge(options)), 'EINVAL', JSON.stringify(options))
  }
})

errors('a store that gives more bytes than it should is EIO; one that gives fewer gives fewer', async () => {
  const store = odd()
  for (const name of ['generous', 'generous']) {
    const object = store.openSync?.(name)
    assert.is(await codeOf(() => object?.readSync?.(0, 100)), 'EIO')
    assert.is(await codeOf(() => object?.read(0, 100)), 'EIO')
  }
  const stingy = await store.open('stingy')
  assert.is((await stingy.read(0, 2 ** 23)).length, 1000)
  assert.is(stingy.readSync?.(0, 2 ** 23).length, 1000)
  const enormous = await store.open('enormous')
  assert.is(enormous.size, 2 ** 52)
  assert.is(await codeOf(() => enormous.readSync?.(0, 2 ** 52)), 'EFBIG')
})

errors.run()

const waits = suite('bridge: waits')

waits('an answer that never comes is ETIMEDOUT, and the next call works', async () => {
  const store = odd({ timeout: 1000 })
  const [code, ms] = timed(() => store.openSync?.('hang'))
  assert.is(code, 'ETIMEDOUT')
  assert.ok(ms >= 950, `${ms} ms`)
  assert.is(await codeOf(() => store.open('hang')), 'ETIMEDOUT')
  const object = await store.open('hang-in-read')
  assert.is(timed(() => object.readSync?.(0, 10))[0], 'ETIMEDOUT')
  assert.is(await codeOf(() => object.read(0, 10)), 'ETIMEDOUT')
  assert.is(store.openSync?.('plain').size, 200_000)
})

waits('a thread that answers slowly, but lives, is waited for', () => {
  assert.is(odd({ silence: 1500 }).openSync?.('slow').size, 10)
})

waits('a late answer is not taken for the next one', async () => {
  const store = odd({ timeout: 1000 })
  const slow = store.openSync?.('slow-read')
  const plain = store.openSync?.('plain')
  assert.is(timed(() => slow?.readSync?.(0, 1000))[0], 'ETIMEDOUT')
  const end = performance.now() + 1500
  while (performance.now() < end) {
    assert.ok(Buffer.from(noise(200_000).subarray(5, 1005)).equals(plain?.readSync?.(5, 1000) ?? new Uint8Array(0)))
  }
})

waits('what is opened too late is closed', async () => {
  const bridge = oddBridge({ timeout: 1200 })
  const store = bridge.store('odd')
  const before = store.openSync?.('how-many').size
  assert.is(timed(() => store.openSync?.('slow-large'))[0], 'ETIMEDOUT')
  await new Promise(resolve => setTimeout(resolve, 2000))
  assert.is(store.openSync?.('how-many').size, before)
})

waits('a silent thread is given up, at once from then on, until it is heard of again', async () => {
  const other = await servingWorker()
  await oddBridge({}, other).ready()
  const store = oddBridge({ silence: 1200 }, other).store('odd')
  assert.is(store.openSync?.('plain').size, 200_000)
  const [code, ms] = timed(() => store.openSync?.('block'))
  assert.is(code, 'ETIMEDOUT')
  assert.ok(ms >= 1100, `${ms} ms`)
  for (let i = 0; i < 100; i++) assert.is(timed(() => store.openSync?.('plain'))[0], 'ETIMEDOUT')
  // None of them waited: the thread is still busy.
  assert.is(await store.open('plain').then(object => object.size), 200_000)
  assert.is(store.openSync?.('plain').size, 200_000)
  await other.terminate()
})

waits('a thread that dies in the middle is ETIMEDOUT within the bound, then EIO', async () => {
  for (const form of ['openSync', 'open'] as const) {
    const other = await servingWorker()
    await oddBridge({}, other).ready()
    const store = oddBridge({ silence: 1200 }, other).store('odd')
    assert.is(store.openSync?.('plain').size, 200_000)
    const began = performance.now()
    const code = await codeOf(() => store[form]?.('die'))
    assert.is(code, form === 'openSync' ? 'ETIMEDOUT' : 'EIO')
    assert.ok(performance.now() - began < 10_000)
    await new Promise(resolve => setTimeout(resolve, 100))
    assert.is(await codeOf(() => store.openSync?.('plain')), 'EIO')
    assert.is(await codeOf(() => store.open('plain')), 'EIO')
  }
})

waits('a bridge that is closed is EBADF', async () => {
  const bridge = oddBridge()
  const store = bridge.store('odd')
  const object = store.openSync?.('plain')
  const underWay = store.open('hang')
  bridge.close()
  bridge.close()
  assert.is(await codeOf(() => underWay), 'EBADF')
  for (const call of [
    () => store.open('plain'),
    () => store.openSync?.('plain'),
    () => object?.readSync?.(0, 10),
    () => object?.read(0, 10),
    () => bridge.sourceSync('plain'),
  ]) {
    assert.is(await codeOf(call), 'EBADF')
  }
  object?.close()
})

waits('closing a bridge closes what was open', async () => {
  const watching = odd()
  const before = watching.openSync?.('how-many').size ?? 0
  const bridge = oddBridge()
  const store = bridge.store('odd')
  for (let i = 0; i < 20; i++) store.openSync?.('plain')
  assert.is(watching.openSync?.('how-many').size, before + 20)
  bridge.close()
  for (const end = Date.now() + 5000; watching.openSync?.('how-many').size !== before && Date.now() < end; ) {
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  assert.is(watching.openSync?.('how-many').size, before)
})

waits.run()

const large = suite('bridge: much at once')
const HUGE = 100 * 2 ** 20

function wrongAt(bytes: Uint8Array, offset: number): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== ((((offset + i) >>> 12) * 31 + offset + i) & 0xff)) return i
  return -1
}

large('an object of 100 MB goes through 512 KiB of memory', async () => {
  const object = odd({ bufferBytes: 512 * 1024 }).openSync?.('huge')
  const bytes = object?.readSync?.(0, HUGE + 5) ?? new Uint8Array(0)
  assert.is(bytes.length, HUGE)
  assert.is(wrongAt(bytes, 0), -1)
  const part = object?.readSync?.(12_345_678, 3_333_333) ?? new Uint8Array(0)
  assert.is(part.length, 3_333_333)
  assert.is(wrongAt(part, 12_345_678), -1)
  const end = (await object?.read(HUGE - 10, 100)) ?? new Uint8Array(0)
  assert.is(end.length, 10)
  assert.is(wrongAt(end, HUGE - 10), -1)
})

large('a piece that fails is the error of the read, and the next read is right', async () => {
  const store = odd({ bufferBytes: 2 ** 20 })
  const torn = store.openSync?.('torn')
  const huge = store.openSync?.('huge')
  for (let i = 0; i < 20; i++) {
    assert.is(await codeOf(() => torn?.readSync?.(0, 2 ** 24)), 'ESTALE')
    assert.is(wrongAt(huge?.readSync?.(i * 1000, 2 ** 21) ?? new Uint8Array(1), i * 1000), -1)
  }
})

large("pieces that come after one has failed are nobody's", async () => {
  const store = odd({ bufferBytes: 2 ** 20, timeout: 20_000 })
  const torn = store.openSync?.('torn-late')
  const huge = store.openSync?.('huge')
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 25; i++) assert.is(await codeOf(() => torn?.readSync?.(0, 2 ** 20)), 'ESTALE')
    for (const end = performance.now() + 500; performance.now() < end; ) {
      assert.is(wrongAt(huge?.readSync?.(5, 2 ** 20) ?? new Uint8Array(1), 5), -1)
    }
  }
})

large('an object that is a copy can be brought anew', async () => {
  const store = odd()
  const object = store.openSync?.('renewable')
  assert.ok(Buffer.from(noise(1000, 1)).equals(object?.readSync?.(0, 1000) ?? new Uint8Array(0)))
  const renewed = await object?.renew?.()
  object?.close()
  assert.ok(Buffer.from(noise(1000, 2)).equals(renewed?.readSync?.(0, 1000) ?? new Uint8Array(0)))
  const again = await renewed?.renew?.()
  assert.ok(Buffer.from(noise(10, 3)).equals((await again?.read(0, 10)) ?? new Uint8Array(0)))
})

large('a long list comes whole, and can be left early', async () => {
  const store = odd()
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  assert.equal(
    names,
    Array.from({ length: 2500 }, (_, i) => `name-${i}`),
  )
  for await (const name of store.list()) {
    assert.is(name, 'name-0')
    break
  }
})

large('many awaited calls are under way beside one that blocks', async () => {
  const bridge = oddBridge()
  const store = bridge.store('odd')
  const objects = await Promise.all(Array.from({ length: 50 }, () => store.open('huge')))
  const reads = objects.map((object, i) => object.read(i * 10_007, 5000))
  const sync = objects[0].readSync?.(999, 3_000_000) ?? new Uint8Array(1)
  assert.is(wrongAt(sync, 999), -1)
  const bytes = await Promise.all(reads)
  assert.equal(
    bytes.map((one, i) => wrongAt(one, i * 10_007)),
    bytes.map(() => -1),
  )
  bridge.close()
})

large('and goes away', async () => {
  await worker.terminate()
})
large.run()
