import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../../src/store/memory.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('MemoryStore')

storeContract(test, async () => new MemoryStore())

test('takes objects at birth, as copies', () => {
  const given = noise(10)
  const store = new MemoryStore(new Map([['a/b', given]]))
  given.fill(0)
  assert.ok(Buffer.from(noise(10)).equals(store.openSync('a/b').readSync?.(0, 10) as Uint8Array))
})

test('refuses bad names at birth', async () => {
  assert.is(await codeOf(() => new MemoryStore([['../a', noise(1)]])), 'EXDEV')
})

test.run()
