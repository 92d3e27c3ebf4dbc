// Changes of a tree whose bytes are far away: calls that go on after a wait find what they began with, one that fails leaves
// nothing half done, and all of them end when the mount does. Not here: what a call answers where nothing is awaited
// (writes.test.ts).
import { deepStrictEqual } from 'node:assert'
import type fs from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mount, type ObjectStore, TreeBuilder } from '../../src/node.js'

const SIZE = 3_000_000
const bytesOf = (file: number) => Buffer.alloc(SIZE, `the bytes of file ${file}, `)

interface Far {
  readonly mounted: Mount
  readonly fs: typeof fs
  /** From now on, this many reads of objects come, and no more. */
  lose(after: number): void
}

/** Three files, and a directory of `count`, in a store that answers later only. */
async function farAway(count = 0): Promise<Far> {
  const builder = new TreeBuilder()
  for (let i = 0; i < 3; i++) builder.addFile(`/f${i}`, bytesOf(i))
  builder.addDirectory('/d')
  for (let i = 0; i < count; i++) builder.addFile(`/d/${i}`, `${i} `.repeat(100))
  const held = new MemoryStore()
  const { image } = await buildImage(builder, { store: held })
  let left = Number.POSITIVE_INFINITY
  const store: ObjectStore = {
    label: 'far',
    async open(name) {
      await turn()
      const object = held.openSync(name)
      const read = async (offset: number, length: number) => {
        await turn()
        if (left-- <= 0) throw new Error('the line is dead')
        return object.read(offset, length)
      }
      return { size: object.size, read, close: () => object.close() }
    },
    stat: name => held.stat(name),
    put: (name, data) => held.put(name, data),
    list: () => held.list(),
    delete: name => held.delete(name),
  }
  const mounted = await mount(image, { store, writable: true })
  const lose = (after: number) => {
    left = after
  }
  return { mounted, fs: mounted.fs as unknown as typeof fs, lose }
}

const failure = (error: NodeJS.ErrnoException & { dest?: string }) => [
  error.code,
  error.syscall,
  error.path,
  error.dest,
]

const late = suite('vfs: changes that wait')

late('a read whose descriptor is closed and taken anew meanwhile has no bytes of another file', async () => {
  const { promises } = (await farAway()).fs
  for (const read of [
    (handle: fs.promises.FileHandle) => handle.read(Buffer.alloc(100), 0, 100, 2_000_000),
    (handle: fs.promises.FileHandle) => handle.readv([Buffer.alloc(100)], 2_000_000),
    (handle: fs.promises.FileHandle) => handle.readFile(),
  ]) {
    const handle = await promises.open('/f0')
    const answer = read(handle).then(
      () => 'read',
      error => error.code,
    )
    await handle.close()
    const other = await promises.open('/f1')
    assert.is(await answer, 'EBADF')
    await other.close()
  }
})

late('a copy that fails half-way is removed', async () => {
  const far = await farAway()
  const { promises } = far.fs
  far.lose(2)
  deepStrictEqual(await promises.copyFile('/f0', '/copy').catch(failure), ['EIO', 'copyfile', '/f0', '/copy'])
  assert.not(far.fs.existsSync('/copy'))
  far.lose(2)
  deepStrictEqual(await promises.cp('/f1', '/copy').catch(failure), ['EIO', 'copyfile', '/f1', '/copy'])
  assert.not(far.fs.existsSync('/copy'))
  far.lose(Number.POSITIVE_INFINITY)
  await promises.cp('/f2', '/copy')
  assert.ok(Buffer.from(await promises.readFile('/copy')).equals(bytesOf(2)))
})

late('cp asks for each file once, and lists each directory once, however often it waits', async () => {
  const { mounted, fs: far } = await farAway(300)
  const layer = mounted.layer as unknown as { namesAt(path: unknown): unknown }
  const { namesAt } = layer
  let asked = 0
  let lists = 0
  layer.namesAt = path => {
    lists++
    return namesAt.call(layer, path)
  }
  const filter = async () => {
    asked++
    return true
  }
  await far.promises.cp('/d', '/e', { recursive: true, filter })
  assert.is(asked, 301)
  assert.is(lists, 1)
  assert.is(far.readdirSync('/e').length, 300)
  assert.is(await far.promises.readFile('/e/299', 'utf8'), '299 '.repeat(100))
})

late('two changes of one file at a time are both made', async () => {
  const { promises } = (await farAway()).fs
  await Promise.all([promises.appendFile('/f0', 'A'), promises.appendFile('/f0', 'B'), promises.chmod('/f0', 0o600)])
  const data = Buffer.from(await promises.readFile('/f0'))
  assert.ok(data.subarray(0, SIZE).equals(bytesOf(0)))
  assert.is([...data.subarray(SIZE).toString()].sort().join(''), 'AB')
  assert.is((await promises.stat('/f0')).mode & 0o777, 0o600)
})

late('all that waits ends with the mount', async () => {
  const { mounted, fs: far } = await farAway()
  const watcher = far.watch('/')
  const closed = new Promise<string>(resolve => watcher.on('close', () => resolve('closed')))
  const events: unknown[] = []
  const watched = (async () => {
    for await (const event of far.promises.watch('/')) events.push(event)
    return 'over'
  })()
  const looks: unknown[] = []
  far.watchFile('/f2', () => looks.push('changed'))
  await turn()
  const codes = [far.promises.appendFile('/f0', 'x'), far.promises.cp('/f1', '/g')].map(call =>
    call.then(
      () => 'done',
      error => error.code,
    ),
  )
  far.chmodSync('/f2', 0o600)
  mounted.unmount()
  far.watchFile('/f2', () => {})
  deepStrictEqual(await Promise.all([closed, watched]), ['closed', 'over'])
  deepStrictEqual(await Promise.all(codes), ['ESTALE', 'ESTALE'])
  deepStrictEqual(looks, [])
})

late.run()
