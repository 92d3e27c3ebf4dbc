// Mounts over mounts, and who still has a mount's tree when that has changed or ended meanwhile.
import nodeFs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mountSync, type ObjectStore, TreeBuilder } from '../../src/node.js'
import type { WritableFile } from '../../src/overlay/layer.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'

const mounts = suite('mounts over mounts')
const dir = nodeFs.mkdtempSync(join(tmpdir(), 'composefs-mounts-'))
process.on('exit', () => nodeFs.rmSync(dir, { recursive: true, force: true }))

const store = new MemoryStore()
const BIG = 'big '.repeat(5000)

async function imageOf(path: string, content: string | Uint8Array): Promise<Uint8Array> {
  const builder = new TreeBuilder()
  builder.addFile(path, content)
  return (await buildImage(builder, { store })).image
}

const base = await imageOf('/base', 'base')
const over = await imageOf('/over', 'over')

function code(run: () => unknown): string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return (error as { code: string }).code
  }
}

mounts('inodes of a mount and of those below it have numbers of their own, however deep', () => {
  const stacks = [(m: Mount) => [m], (m: Mount) => [over, m], (m: Mount) => [m, over]]
  for (const stack of stacks) {
    const all = [mountSync(base, { store, writable: true })]
    for (let depth = 0; depth < 4; depth++) {
      const top = all[all.length - 1]
      for (const name of 'abc') top.fs.writeFileSync(`/${name}${depth}`, `${name}${depth}`)
      all.push(mountSync(stack(top), { store, writable: true }))
    }
    const { fs } = all[all.length - 1]
    fs.writeFileSync('/own', 'own')
    const names = fs.readdirSync('/') as string[]
    assert.is(new Set(names.map(name => fs.statSync(`/${name}`).ino)).size, names.length)
    assert.ok(names.every(name => Number.isSafeInteger(fs.statSync(`/${name}`).ino)))
    // A file is not copied onto itself: that is told by the numbers.
    fs.copyFileSync('/a0', '/own')
    assert.is(fs.readFileSync('/own', 'utf8'), 'a0')
    const { ino } = fs.statSync('/b1')
    fs.chmodSync('/b1', 0o600)
    assert.is(fs.statSync('/b1').ino, ino)
    for (const one of all.reverse()) one.unmount()
  }
})

mounts('what was changed over mounts is kept, and a snapshot of it restored', () => {
  const lower = mountSync(base, { store, writable: true })
  lower.fs.writeFileSync('/new', 'of the lower')
  const upper = join(dir, 'over-mounts')
  const first = mountSync([lower, over], { store, upper })
  first.fs.chmodSync('/new', 0o600)
  first.restore(first.snapshot())
  first.unmount()
  const again = mountSync([lower, over], { store, upper })
  assert.is(again.fs.statSync('/new').mode & 0o777, 0o600)
  for (const one of [again, lower]) one.unmount()
})

mounts('who still has what is in a directory when that is unmounted writes nowhere', () => {
  const upper = join(dir, 'ended')
  const lower = mountSync(base, { store, upper })
  lower.fs.writeFileSync('/small', 'small')
  lower.fs.writeFileSync('/large', BIG)
  const layer = lower.layer as unknown as Overlay
  const file = layer.openWritable(layer.resolve('/large', true) as UpperInode, false, true) as WritableFile
  const over = mountSync(lower, { writable: true })
  lower.unmount()
  const log = nodeFs.readFileSync(join(upper, 'log'))
  // Descriptors that the upper had are these files' now.
  const others = Array.from({ length: 8 }, (_, i) => nodeFs.openSync(join(dir, `other-${i}`), 'w+'))
  assert.is(over.fs.readFileSync('/small', 'utf8'), 'small')
  over.fs.closeSync(over.fs.openSync('/small', 'r'))
  assert.is(
    code(() => over.fs.readFileSync('/large')),
    'ESTALE',
  )
  assert.is(file.write(Buffer.from('X'), 0, false)?.code, 'ESTALE')
  file.close()
  assert.is(layer.unlink(layer.root, 'small')?.code, 'ESTALE')
  for (const fd of others) {
    assert.is(nodeFs.fstatSync(fd).size, 0)
    nodeFs.closeSync(fd)
  }
  assert.equal(nodeFs.readFileSync(join(upper, 'log')), log)
  const again = mountSync(base, { store, upper })
  assert.is(again.fs.readFileSync('/large', 'utf8'), BIG)
  for (const one of [again, over]) one.unmount()
})

mounts('a copy that waits for its data goes on when the metadata has been copied meanwhile', async () => {
  const large = Buffer.alloc(6 << 20, 'large')
  const image = await imageOf('/large', large)
  const remote: ObjectStore = {
    label: 'remote',
    open: async name => {
      const object = await store.open(name)
      const read = async (at: number, count: number) => {
        await new Promise(resolve => setTimeout(resolve, 2))
        return object.read(at, count)
      }
      return { size: object.size, read, close: () => object.close() }
    },
    stat: name => store.stat(name),
    put: (name, data) => store.put(name, data),
    list: () => store.list(),
    delete: name => store.delete(name),
  }
  const w = mountSync(image, { store: remote, writable: true, upperSize: 9 << 20 })
  const { quota } = (w.layer as unknown as Overlay).upper
  const opened = w.fs.promises.open('/large', 'r+')
  while (quota.used < 3 << 20) await new Promise(resolve => setImmediate(resolve))
  assert.ok(quota.used < large.length)
  w.fs.chmodSync('/large', 0o600)
  const handle = await opened
  assert.ok(large.equals(await handle.readFile()))
  assert.ok(quota.used < 7 << 20)
  await handle.close()
  w.unmount()
})

mounts.run()
