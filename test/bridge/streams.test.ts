// What is put over a bridge in parts and does not come to its end: the store's put ends even so. And messages that make no
// sense, which end nothing. Both sides are in this thread.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Bridge, type BridgeOptions } from '../../src/bridge/bridge.js'
import type { BridgePort } from '../../src/bridge/protocol.js'
import { type BridgeServer, serveBridge } from '../../src/bridge/serve.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { codeOf } from '../helpers/store-contract.js'

/** Takes a chunk in its time, and tells what became of its put. */
class TardyStore extends MemoryStore {
  begun = false
  ended: Promise<string> = Promise.resolve('never begun')

  constructor(readonly ms: number) {
    super()
  }

  override async put(_name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const taking = async (): Promise<void> => {
      for await (const _ of data as AsyncIterable<Uint8Array>) {
        this.begun = true
        await sleep(this.ms)
      }
    }
    const putting = taking()
    this.ended = putting.then(
      () => 'whole',
      (error: Error) => error.message,
    )
    await putting
  }
}

function served(stores: ObjectStore, options?: BridgeOptions): { bridge: Bridge; server: BridgeServer } {
  const { port1, port2 } = new MessageChannel()
  const server = serveBridge(port1 as BridgePort, { stores })
  return { bridge: new Bridge(port2 as BridgePort, options), server }
}

async function* three(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) yield new Uint8Array(10)
}

async function outcome(store: TardyStore): Promise<string> {
  return Promise.race([store.ended, sleep(5000, 'never', { ref: false })])
}

const test = suite('bridge: streams')
const LOST = 'the rest of the object did not come'

test('comes to its end', async () => {
  const store = new TardyStore(1)
  const { bridge } = served(store)
  await bridge.store().put('a', three())
  assert.is(await outcome(store), 'whole')
  bridge.close()
})

for (const side of ['bridge', 'server'] as const) {
  test(`the ${side} is closed while the store takes a part`, async () => {
    const store = new TardyStore(200)
    const both = served(store, { timeout: 1500 })
    const putting = codeOf(() => both.bridge.store().put('a', three()))
    while (!store.begun) await sleep(5)
    both[side].close()
    assert.match(await putting, /^(EBADF|EIO)$/)
    assert.is(await outcome(store), LOST)
    both.bridge.close()
  })
}

test('a store that takes a part too late', async () => {
  const store = new TardyStore(2500)
  const { bridge } = served(store, { timeout: 1000 })
  const began = performance.now()
  assert.is(await codeOf(() => bridge.store().put('a', three())), 'ETIMEDOUT')
  assert.ok(performance.now() - began < 1800, 'not waited for twice')
  assert.is(await outcome(store), LOST)
  bridge.close()
})

test('messages that make no sense are passed over', async () => {
  const share = (length: number, count: unknown) => {
    return { op: 'share', beat: new SharedArrayBuffer(4), slots: new SharedArrayBuffer(length), count }
  }
  for (const message of [
    ...[null, 7, 'x', {}, { notice: undefined }, { notice: null }, { notice: {} }, { id: 1 }, { id: 1, call: null }],
    ...[{ notice: { op: 'share' } }, { notice: { ...share(64, 4), beat: 'x' } }, { notice: share(64, -1) }],
    { notice: { ...share(4096, 4), beat: new SharedArrayBuffer(0) } },
    ...[1e9, -5, 'x', 1.5].map(slot => ({ id: 1, slot, call: { op: 'ping' } })),
    ...[share(64, 4), share(0, 4)].map(notice => ({ notice })),
    { id: 1, slot: 0, call: { op: 'stat', store: 9, name: 'x' } },
    { id: {}, call: { op: 'read', object: 1, offset: -1, length: -1 } },
    { id: 3, call: { op: 'chunk', stream: 5, data: 5 } },
  ]) {
    const { port1, port2 } = new MessageChannel()
    serveBridge(port1 as BridgePort, { stores: new MemoryStore() })
    port2.postMessage({ notice: share(4096, 4) })
    port2.postMessage(message)
    // An exception in its listener would end this process; it still answers.
    const answered = new Promise(resolve => {
      port2.onmessage = ({ data }) => data.id === 'last' && resolve(data.answer)
    })
    port2.postMessage({ id: 'last', call: { op: 'ping' } })
    assert.equal(await answered, {})
    port2.close()
  }
})

test.run()
