// OpfsStore where a file goes while it is being moved, as another tab can make it go; the browser's part is played by a few
// objects. What the real one does: test/browser/stores.test.ts.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OpfsStore } from '../../src/store/opfs.js'
import { codeOf } from '../helpers/store-contract.js'

const NAME = `ab/${'c'.repeat(62)}`
const missing = async (): Promise<never> => {
  throw Object.assign(new Error('gone'), { name: 'NotFoundError' })
}

/** A directory with one object, which is gone as soon as it is to be moved. */
function place(): FileSystemDirectoryHandle {
  let gone = false
  const file = {
    kind: 'file',
    getFile: () => (gone ? missing() : Promise.resolve(new File(['bytes'], 'x'))),
    move: () => {
      gone = true
      return missing()
    },
  }
  const directory = (getFileHandle: () => Promise<unknown>) => ({ getFileHandle, removeEntry: async () => {} })
  const below = new Map([
    ['_tmp', directory(missing)],
    ['ab', directory(() => (gone ? missing() : Promise.resolve(file)))],
  ])
  const root = {
    name: 'root',
    getFileHandle: missing,
    getDirectoryHandle: async (name: string) => below.get(name) ?? missing(),
  }
  return root as unknown as FileSystemDirectoryHandle
}

const test = suite('OpfsStore, files that go')

test('what another tab removes while it is deleted here is deleted, and ESTALE to who has it open', async () => {
  const unheard: unknown[] = []
  const hear = (error: unknown): void => void unheard.push(error)
  process.on('unhandledRejection', hear)
  const store = new OpfsStore(place())
  const read = await store.open(NAME)
  const unread = await store.open(NAME)
  await store.delete(NAME)
  unread.close()
  assert.is(await codeOf(() => read.read(0, 3)), 'ESTALE')
  read.close()
  assert.is(await codeOf(() => store.open(NAME)), 'ENOENT')
  await new Promise(resolve => setTimeout(resolve, 10))
  process.off('unhandledRejection', hear)
  assert.equal(unheard, [])
})

test.run()
