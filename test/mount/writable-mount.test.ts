// Writable mounts as their users make them: options, stacks, mounts over mounts, what is kept, what is refused.
import nodeFs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  buildImage,
  MemoryStore,
  type Mount,
  type MountOptions,
  mount,
  mountSync,
  type ObjectStore,
  TreeBuilder,
} from '../../src/node.js'
import type { Overlay } from '../../src/overlay/overlay.js'

const mounts = suite('writable mounts')
const dir = nodeFs.mkdtempSync(join(tmpdir(), 'composefs-mount-'))
process.on('exit', () => nodeFs.rmSync(dir, { recursive: true, force: true }))

const store = new MemoryStore()
const BIG = 'big '.repeat(5000)

async function imageOf(fill: (builder: TreeBuilder) => void): Promise<Uint8Array> {
  const builder = new TreeBuilder()
  fill(builder)
  return (await buildImage(builder, { store })).image
}

const base = await imageOf(builder => {
  builder.addDirectory('/etc', { mode: 0o755 })
  builder.addFile('/etc/motd', 'hello\n', { uid: 5, gid: 6, mode: 0o644 })
  builder.addFile('/big', BIG)
  builder.addDirectory('/d')
  builder.addFile('/d/below', 'below')
})
const over = await imageOf(builder => {
  builder.addDirectory('/etc', { mode: 0o700 })
  builder.addFile('/etc/issue', 'issue\n')
  builder.addSymlink('/link', '/etc/motd')
})

function code(run: () => unknown): string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return (error as { code: string }).code
  }
}

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'no error'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** By a reader: a browser's Response keeps to itself why a stream failed. */
async function text(stream: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stream.getReader()
  let bytes = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length
  return bytes
}

mounts('a read-only mount has nothing to tell and takes no change', async () => {
  const m = mountSync(base, { store })
  assert.equal(m.changes(), [])
  assert.is(
    code(() => m.exportLayer()),
    'EROFS',
  )
  assert.is(
    code(() => m.snapshot()),
    'EROFS',
  )
  assert.is(
    code(() => m.restore(new Uint8Array(4))),
    'EROFS',
  )
  assert.is(
    code(() => m.fs.writeFileSync('/x', 'x')),
    'EROFS',
  )
  const { digest, objects } = await m.commit()
  assert.is(digest, m.images[0].digest())
  assert.equal(objects, [])
  m.unmount()
})

mounts('two mounts of one image do not see each other', () => {
  const [a, b] = [mountSync(base, { store, writable: true }), mountSync(base, { store, writable: true })]
  a.fs.writeFileSync('/etc/motd', 'of a')
  a.fs.rmSync('/d', { recursive: true })
  assert.is(b.fs.readFileSync('/etc/motd', 'utf8'), 'hello\n')
  assert.ok(b.fs.existsSync('/d/below'))
  for (const one of [a, b]) one.unmount()
})

mounts('a stack shows the topmost first, read-only and writable', async () => {
  for (const writable of [false, true]) {
    const m = await mount([over, base], { store, writable })
    assert.is(m.images.length, 2)
    assert.equal(m.fs.readdirSync('/etc'), ['issue', 'motd'])
    assert.is(m.fs.statSync('/etc').mode & 0o777, 0o700)
    assert.is(m.fs.readFileSync('/link', 'utf8'), 'hello\n')
    assert.equal(m.changes(), [])
    if (writable) m.fs.appendFileSync('/link', 'more')
    assert.is(
      code(() => m.fs.appendFileSync('/link', '')),
      writable ? 'no error' : 'EROFS',
    )
    const { image } = await m.commit()
    const flat = mountSync(image, { store })
    assert.is(flat.fs.readFileSync('/etc/motd', 'utf8'), writable ? 'hello\nmore' : 'hello\n')
    for (const one of [flat, m]) one.unmount()
  }
})

mounts('a mount over a mount has its changes below', () => {
  const lower = mountSync(base, { store, writable: true })
  lower.fs.writeFileSync('/etc/new', 'of the lower')
  lower.fs.unlinkSync('/etc/motd')
  const upper = mountSync(lower, { writable: true })
  assert.equal(upper.fs.readdirSync('/etc'), ['new'])
  upper.fs.appendFileSync('/etc/new', ', and of the upper')
  upper.fs.mkdirSync('/etc/motd')
  upper.fs.renameSync('/d', '/e')
  assert.is(lower.fs.readFileSync('/etc/new', 'utf8'), 'of the lower')
  assert.ok(lower.fs.existsSync('/d/below') && !lower.fs.existsSync('/etc/motd'))
  assert.is(upper.fs.readFileSync('/e/below', 'utf8'), 'below')
  assert.equal(
    upper.changes().map(({ change, path }) => `${change} ${path}`),
    ['renamed /e', 'added /etc/motd', 'modified /etc/new'],
  )
  upper.unmount()
  assert.equal(lower.fs.readdirSync('/'), ['big', 'd', 'etc'])
  lower.unmount()
})

mounts('bytes that are given, and those that are answered, are not those that are kept', () => {
  const m = mountSync(base, { store, writable: true })
  const given = Buffer.from('value')
  m.fs.setxattrSync('/d', 'user.x', given)
  const layer = m.layer as unknown as Overlay
  layer.create(layer.root, 'link', { mode: 0o120777, umask: 0, uid: 0, gid: 0, target: given }, true)
  given.fill(0)
  m.fs.getxattrSync('/d', 'user.x').fill(0)
  assert.is(Buffer.from(m.fs.getxattrSync('/d', 'user.x')).toString(), 'value')
  assert.is(m.fs.readlinkSync('/link'), 'value')
  m.unmount()
})

mounts('owners and modes of what is new are the options of the mount, owner maps included', () => {
  const idmap = { uid: [[5, 1005, 10]], gid: [[6, 1006, 10]] } as const
  const m = mountSync(base, { store, writable: true, uid: 1007, gid: 1008, umask: 0o027, idmap })
  assert.is(m.fs.statSync('/etc/motd').uid, 1005)
  m.fs.writeFileSync('/mine', '')
  const { uid, gid, mode } = m.fs.statSync('/mine')
  assert.equal([uid, gid, mode & 0o777], [1007, 1008, 0o640])
  m.fs.chownSync('/mine', 1009, 1006)
  assert.is(
    code(() => m.fs.chownSync('/mine', 3, 3)),
    'EOVERFLOW',
  )
  const inner = mountSync(m, {})
  assert.equal([inner.fs.statSync('/mine').uid, inner.fs.statSync('/mine').gid], [9, 6])
  for (const one of [inner, m]) one.unmount()
})

mounts('redirectDir and metacopy are overlayfs options', () => {
  const off = mountSync(base, { store, writable: true, redirectDir: false })
  assert.is(
    code(() => off.fs.renameSync('/d', '/e')),
    'EXDEV',
  )
  const full = mountSync(base, { store, writable: true, metacopy: false, upperSize: 10_000 })
  assert.is(
    code(() => full.fs.chmodSync('/big', 0o600)),
    'ENOSPC',
  )
  const metadata = mountSync(base, { store, writable: true, upperSize: 10_000 })
  assert.is(
    code(() => metadata.fs.chmodSync('/big', 0o600)),
    'no error',
  )
  assert.is(metadata.fs.readFileSync('/big', 'utf8'), BIG)
  assert.is(
    code(() => metadata.fs.appendFileSync('/big', 'x')),
    'ENOSPC',
  )
  assert.is(metadata.fs.readFileSync('/big', 'utf8'), BIG)
  const bad = (options: MountOptions) => code(() => mountSync(base, { store, writable: true, ...options }))
  assert.is(bad({ redirectDir: false, metacopy: true }), 'EINVAL')
  assert.is(bad({ upperSize: -1 }), 'EINVAL')
  assert.is(bad({ metacopy: 1 as unknown as boolean }), 'EINVAL')
  assert.is(
    code(() => mountSync([], { store })),
    'EINVAL',
  )
  for (const one of [off, full, metadata]) one.unmount()
})

mounts('a directory keeps what was changed, a snapshot too', async () => {
  const upper = join(dir, 'kept')
  const first = await mount(base, { store, upper })
  first.fs.writeFileSync('/etc/motd', 'kept\n')
  first.fs.renameSync('/d', '/e')
  const snapshot = first.snapshot()
  const expected = first.changes()
  assert.is(await codeOf(() => mount(base, { store, upper })), 'EBUSY')
  first.unmount()
  const second = mountSync(base, { store, upper })
  assert.equal(second.changes(), expected)
  second.unmount()
  assert.is(
    code(() => mountSync(base, { store, upper, snapshot })),
    'EINVAL',
  )
  // One that is damaged leaves the directory for another.
  assert.is(
    code(() => mountSync(base, { store, upper: join(dir, 'other'), snapshot: new Uint8Array(100) })),
    'EINVAL',
  )
  for (const where of [{}, { upper: join(dir, 'other') }]) {
    const third = mountSync(base, { store, snapshot, ...where })
    assert.equal(third.changes(), expected)
    assert.is(third.fs.readFileSync('/etc/motd', 'utf8'), 'kept\n')
    third.unmount()
  }
  assert.is(
    code(() => mountSync(base, { store, snapshot: new Uint8Array(100) })),
    'EINVAL',
  )
})

mounts('what is open when a snapshot is restored stays usable', () => {
  const m = mountSync(base, { store, writable: true })
  const empty = m.snapshot()
  const written = m.fs.openSync('/new', 'w+')
  m.fs.writeSync(written, 'written')
  const lower = m.fs.openSync('/big', 'r')
  m.restore(empty)
  assert.equal(m.fs.readdirSync('/'), ['big', 'd', 'etc'])
  m.fs.writeSync(written, ' on')
  assert.is(m.fs.readFileSync('/big', 'utf8'), BIG)
  const into = Buffer.alloc(10)
  assert.is(m.fs.readSync(written, into, 0, 10, 0), 10)
  assert.is(into.toString(), 'written on')
  assert.is(m.fs.readSync(lower, into, 0, 4, 0), 4)
  assert.is(m.fs.fstatSync(written).nlink, 0)
  for (const fd of [written, lower]) m.fs.closeSync(fd)
  assert.equal(m.changes(), [])
  m.unmount()
})

mounts('reading what is in the upper sets its access time, as relatime does', () => {
  const m = mountSync(base, { store, writable: true })
  const past = new Date('2001-01-01T00:00:00Z')
  const atime = () => m.fs.statSync('/etc/motd').atime.getTime()
  const before = atime()
  m.fs.readFileSync('/etc/motd')
  assert.is(atime(), before)
  m.fs.utimesSync('/etc/motd', past, past)
  m.fs.readFileSync('/etc/motd')
  const read = atime()
  assert.ok(read > Date.now() - 60_000)
  // It is newer than the last change now, and stays.
  m.fs.utimesSync('/etc/motd', new Date(Date.now() + 10_000), past)
  const set = atime()
  m.fs.readFileSync('/etc/motd')
  assert.is(atime(), set)
  m.unmount()
})

mounts('what waits for bytes when the mount ends is given back', async () => {
  let closed = 0
  let opened = 0
  const arrived: (() => void)[] = []
  const late: ObjectStore = {
    label: 'late',
    stat: name => store.stat(name),
    put: (name, data) => store.put(name, data),
    list: () => store.list(),
    delete: name => store.delete(name),
    async open(name) {
      const object = await store.open(name)
      opened++
      return {
        size: object.size,
        read: (offset, length) => new Promise(resolve => arrived.push(() => resolve(object.read(offset, length)))),
        close: () => void closed++,
      }
    },
  }
  const m = await mount(base, { store: late, writable: true })
  const waiting = m.fs.promises.appendFile('/big', 'x')
  // As far as the object is open and its bytes are asked for.
  while (arrived.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
  m.unmount()
  for (const arrive of arrived) arrive()
  assert.is.not(await codeOf(() => waiting), 'no error')
  assert.equal([opened, closed], [1, 1])
})

mounts('directories that stand too deep to be compared are an ordinary error', async () => {
  const m = mountSync(base, { store, writable: true })
  // Deeper than a path can name, by moving what is there into what is new.
  m.fs.mkdirSync('/top')
  for (let i = 0; i < 1600; i++) {
    m.fs.mkdirSync('/next')
    m.fs.renameSync('/top', '/next/d')
    m.fs.renameSync('/next', '/top')
  }
  assert.is(
    code(() => m.changes()),
    'ENAMETOOLONG',
  )
  assert.is(await codeOf(() => text(m.exportLayer())), 'ENAMETOOLONG')
  assert.ok(m.snapshot().length > 0)
  m.unmount()
})

mounts('all ends with the mount', async () => {
  const m: Mount = mountSync(base, { store, writable: true })
  const { fs } = m
  fs.writeFileSync('/x', 'x')
  assert.ok((await text(m.exportLayer())) % 512 === 0)
  m.unmount()
  m.unmount()
  assert.is(
    code(() => m.changes()),
    'EINVAL',
  )
  assert.is(
    code(() => m.snapshot()),
    'EINVAL',
  )
  assert.is(await codeOf(async () => m.commit()), 'EINVAL')
})

mounts('without a store new objects are answered', async () => {
  const m = mountSync(base, { writable: true })
  m.fs.writeFileSync('/new', 'n'.repeat(100))
  const { image, objects, store: filled, digest } = await m.commit()
  assert.is(objects.length, 1)
  const again = mountSync(image, { store: filled, digest })
  assert.is(again.fs.readFileSync('/new', 'utf8'), 'n'.repeat(100))
  for (const one of [again, m]) one.unmount()
})

mounts.run()
