// Stores over a bridge are stores: the contract suite, over several kinds that a worker serves and this thread waits for.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { storeContract } from '../helpers/store-contract.js'
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

const directory = suite('a store over a bridge: a directory')
storeContract(directory, make('directory'))
directory.run()
