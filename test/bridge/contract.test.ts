// Stores over a bridge are stores: the contract suite, over several kinds that a worker serves and this thread waits for.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { bridgeTo, type Served, servingWorker } from './threads.js'

const top = mkdtempSync(join(tmpdir(), 'bridge-contract-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
const worker = await servingWorker()
let count = 0

function make(kind: Served['kind']) {
  return async () => bridgeTo(worker, { kind, directory: join(top, String(count++)) }).store()
}

const memory = suite('a store over a bridge: in memory')
storeContract(memory, make('memory'))
memory.run()

const late = suite('a store over a bridge: one that has asynchronous forms only')
storeContract(late, make('late'))
late.run()

const apart = suite('a store over a bridge: where threads share no memory')
storeContract(apart, async () => {
  const scope = globalThis as { crossOriginIsolated?: boolean }
  scope.crossOriginIsolated = false
  try {
    const bridge = bridgeTo(worker, { kind: 'memory' })
    const store = bridge.store()
    assert.ok(!bridge.isSync && store.openSync === undefined && store.statSync === undefined)
    assert.is(await codeOf(() => bridge.sourceSync('x')), 'ENOTSUP')
    return store
  } finally {
    delete scope.crossOriginIsolated
  }
})
apart.run()

const directory = suite('a store over a bridge: a directory')
storeContract(directory, make('directory'))
directory.run()
