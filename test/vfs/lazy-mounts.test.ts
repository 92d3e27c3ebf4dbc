// Mounts of lazy images larger than their cache, whose pages go away now and then all at once, against mounts of the same
// images in memory: everything that asks much comes to its end with the same answers; thousands of calls at once, failing
// sources, the end of the mount in their midst.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, type MountOptions, mount, TreeBuilder } from '../../src/node.js'
import { FarBytes } from '../helpers/paged.js'
import { randomOf } from '../helpers/random-calls.js'

const MANY = 6000
const LONG = 'x'.repeat(180)
const store = new MemoryStore()

/** Two images whose directory `/many` alone is larger than the smallest cache. */
async function imageOf(fill: (builder: TreeBuilder) => void): Promise<Uint8Array> {
  const builder = new TreeBuilder({ mtime: 1_000_000_000 })
  fill(builder)
  return (await buildImage(builder, { store })).image
}

const below = await imageOf(builder => {
  builder.addDirectory('/many')
  for (let i = 0; i < MANY; i++)
    builder.addFile(`/many/${i}-${LONG}`, i % 50 === 0 ? Buffer.alloc(300, `${i} `) : `${i}`)
  for (let d = 0; d < 40; d++) {
    builder.addDirectory(`/tree-${d}`, { xattrs: { 'user.dir': Buffer.alloc(200, `${d}`) } })
    builder.addDirectory(`/tree-${d}/sub`)
    for (let i = 0; i < 40; i++) {
      builder.addFile(`/tree-${d}/sub/f${i}`, `${d} ${i}`, { xattrs: { 'user.note': Buffer.alloc(900, `${d} ${i}`) } })
    }
    builder.addSymlink(`/tree-${d}/link`, `../tree-${(d + 1) % 40}/sub`)
    builder.addHardLink(`/tree-${d}/again`, `/tree-${d}/sub/f0`)
  }
  builder.addFile('/data', Buffer.alloc(3_000_000, 'data '))
})
const above = await imageOf(builder => {
  builder.addDirectory('/many')
  for (let i = 0; i < MANY; i++) builder.addFile(`/many/${i}+${LONG}`, `${i}`)
  builder.addDirectory('/tree-3')
  builder.addFile('/tree-3/new', 'new')
})

interface Far {
  readonly mount: Mount
  readonly sources: readonly FarBytes[]
}

/** A lazy mount; with a seed its pages go now and then. */
async function far(options: MountOptions, seed?: number): Promise<Far> {
  const sources = [above, below].map(bytes => new FarBytes(bytes))
  const mounted = await mount(sources, { store, lazy: true, cacheBytes: 0, verity: 'off', ...options })
  const random = randomOf(seed ?? 1)
  sources.forEach((source, index) => {
    source.reads.length = 0
    source.spoil = (_offset, bytes) => {
      if (seed !== undefined && random() < 0.03) mounted.images[index].pager?.clear()
      return bytes
    }
  })
  return { mount: mounted, sources }
}

const near = (options: MountOptions): Promise<Mount> => mount([above, below], { store, verity: 'off', ...options })
const PLAIN = { uid: 0, gid: 0, umask: 0o022 }
const WRITABLE = { ...PLAIN, writable: true }

async function answer(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string }
    return { code, syscall, path, dest }
  }
}

/** What a call comes to on both. */
async function same(a: Mount, b: Mount, call: (fs: Mount['fs']) => Promise<unknown>, what: string): Promise<void> {
  assert.equal(await answer(call(b.fs)), await answer(call(a.fs)), what)
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function all<T>(of: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of of) found.push(one)
  return found
}

const lazy = suite('mounts of lazy images')

lazy('whatever asks for much comes to its end', async () => {
  const [a, b] = [await near(PLAIN), (await far(PLAIN, 5)).mount]
  await same(a, b, fs => fs.promises.readdir('/many'), 'a directory larger than the cache in two layers')
  await same(a, b, fs => fs.promises.readdir('/', { recursive: true }), 'names of all')
  const glob = (fs: Mount['fs'], pattern: string) =>
    all((fs.promises as unknown as { glob(pattern: string): AsyncIterable<string> }).glob(pattern))
  await same(a, b, fs => glob(fs, '/tree-*/**/f1*'), 'glob')
  await same(a, b, async fs => (await all(await fs.promises.opendir('/many'))).length, 'opendir')
  await same(a, b, fs => fs.promises.realpath('/tree-4/link/f3'), 'realpath')
  await same(a, b, fs => fs.promises.realpath('/tree-4/link/none'), 'realpath of nothing')
  await same(a, b, fs => fs.promises.readFile('/data'), 'a large file')
  await same(a, b, fs => fs.promises.readFile('/tree-4/link/../../many/7-none'), 'nothing')
  await same(a, b, async fs => Buffer.concat(await all(fs.createReadStream('/data', { start: 5 }))), 'a stream')
  a.unmount()
  b.unmount()
})

/** Changes of every kind, some of much. */
const CHANGES: readonly [string, (fs: Mount['fs']) => Promise<unknown>][] = [
  ['rename of a linked file', fs => fs.promises.rename('/tree-1/again', '/tree-1/moved')],
  ['rename of a directory', fs => fs.promises.rename('/tree-5', '/tree-6/five')],
  ['rename over what is not empty', fs => fs.promises.rename('/tree-7', '/tree-8')],
  ['rmdir of what is not empty', fs => fs.promises.rmdir('/tree-9/sub')],
  ['chmod', fs => fs.promises.chmod('/tree-10/sub/f3', 0o600)],
  ['append', fs => fs.promises.appendFile('/tree-11/link/f4', 'more')],
  ['truncate', fs => fs.promises.truncate('/data', 2_500_000)],
  ['a file in a listed directory', fs => fs.promises.writeFile(`/many/new`, 'new')],
  ['mkdir', fs => fs.promises.mkdir('/tree-12/a/b/c', { recursive: true })],
  ['cp of a tree', fs => fs.promises.cp('/tree-13', '/copy', { recursive: true, verbatimSymlinks: true })],
  ['cp through a link', fs => fs.promises.cp('/tree-14/link', '/tree-15/x/y', { recursive: true, dereference: true })],
  ['copyFile', fs => fs.promises.copyFile('/data', '/tree-16/data')],
  ['rm of a tree', fs => fs.promises.rm('/tree-17', { recursive: true })],
  ['rm of a directory larger than the cache', fs => fs.promises.rm('/many', { recursive: true })],
  ['link', fs => fs.promises.link('/tree-18/sub/f0', '/tree-19/linked')],
  ['symlink', fs => fs.promises.symlink('x', '/tree-20/link/s')],
  ['mkdtemp', async fs => (await fs.promises.mkdtemp('/tree-21/t-')).length],
  ['open of a link to nothing', async fs => (await fs.promises.open('/tree-20/link/s', 'w')).close()],
]

lazy('changes, and all that tells of them, are the same', async () => {
  const [a, b] = [await near(WRITABLE), (await far(WRITABLE, 6)).mount]
  for (const [what, change] of CHANGES) await same(a, b, change, what)
  const inOrder = (mounted: Mount) => mounted.changesAsync()
  const plain = (changes: Awaited<ReturnType<typeof inOrder>>) =>
    changes.map(change => ({ ...change, path: change.path.replace(/t-\w{6}/, 't-') }))
  assert.equal(plain(await inOrder(b)), plain(await inOrder(a)))
  assert.equal(plain(a.changes()), plain(await inOrder(a)))
  // Names that chance has made, and times of now.
  for (const { fs } of [a, b]) {
    const [made] = (await fs.promises.readdir('/tree-21')).filter(name => name.startsWith('t-'))
    await fs.promises.rmdir(`/tree-21/${made}`)
    for (const { path } of fs === a.fs ? await inOrder(a) : await inOrder(b)) {
      await fs.promises.lutimes(path, 1e9, 1e9).catch(() => {})
    }
    await fs.promises.utimes('/', 1e9, 1e9)
    for (const path of ['/copy', '/copy/sub', '/tree-12/a/b/c', '/tree-15/x']) await fs.promises.utimes(path, 1e9, 1e9)
  }
  const built = [await a.commit({ store, useEpoch: true }), await b.commit({ store, useEpoch: true })]
  assert.is(built[1].digest, built[0].digest)
  const tars = [await bytesOf(a.exportLayer()), await bytesOf(b.exportLayer())]
  assert.is(tars[1].length, tars[0].length)
  assert.ok(tars[0].length > 1_000_000)
  const again = (await far({ ...WRITABLE, snapshot: b.snapshot() }, 7)).mount
  await same(a, again, fs => fs.promises.readdir('/', { recursive: true }), 'a snapshot')
  for (const one of [a, b, again]) one.unmount()
})

lazy('what fails because its source does is told of, and can be done again', async () => {
  const [a, { mount: b, sources }] = [await near(WRITABLE), await far(WRITABLE)]
  const random = randomOf(9)
  let failures = 0
  for (const source of sources) {
    source.spoil = (_offset, bytes) => {
      if (random() < 0.1) b.images[0].pager?.clear()
      if (random() < 0.1) b.images[1].pager?.clear()
      if (random() >= 0.12) return bytes
      failures++
      throw Object.assign(new Error('the line is dead'), { code: 'ECONNRESET' })
    }
  }
  let told = 0
  for (const [what, change] of CHANGES.filter(([name]) => name !== 'mkdtemp')) {
    const expected = (await answer(change(a.fs))) as { code?: string } | undefined
    for (let tries = 0; ; tries++) {
      const found = (await answer(change(b.fs))) as { code?: string } | undefined
      if (found?.code !== 'EIO') {
        // A directory that an earlier try has made is not made again.
        if (what !== 'mkdir') assert.equal(found, expected, what)
        break
      }
      told++
      assert.ok(tries < 500, what)
      // Never a part of a file.
      if (what === 'copyFile') {
        const there = (await b.fs.promises.readdir('/tree-16').catch((): string[] => [])).includes('data')
        assert.not(there, 'a part of a copy is left')
      }
    }
  }
  for (const source of sources) source.spoil = undefined
  assert.ok(told > 5 && failures >= told, `${told} of ${failures}`)
  await same(a, b, fs => fs.promises.readdir('/', { recursive: true }), 'names of all')
  const facts = async (mounted: Mount) =>
    (await mounted.changesAsync()).map(change => ({ ...change, what: change.what }))
  assert.equal(await facts(b), await facts(a))
  a.unmount()
  b.unmount()
})

lazy('at once it is EAGAIN, and nothing has changed', async () => {
  const { mount: b } = await far(WRITABLE)
  const calls: readonly [string, () => unknown][] = [
    ['existsSync', () => b.fs.existsSync('/tree-30/sub/f3')],
    ['globSync', () => (b.fs as unknown as { globSync(pattern: string): unknown }).globSync('/tree-31/**')],
    ['rmSync', () => b.fs.rmSync('/tree-32', { recursive: true, force: true })],
    ['cpSync', () => b.fs.cpSync('/tree-33', '/copied', { recursive: true })],
    ['watch', () => b.fs.watch('/tree-34/link')],
    ['realpathSync', () => b.fs.realpathSync('/tree-35/link')],
    ['readdirSync', () => b.fs.readdirSync('/tree-36', { recursive: true })],
    ['writeFileSync', () => b.fs.writeFileSync('/tree-37/sub/new', 'x')],
  ]
  const before = Buffer.from(b.snapshot())
  for (const [what, call] of calls) {
    for (const image of b.images) image.pager?.clear()
    assert.throws(call, (error: NodeJS.ErrnoException) => error.code === 'EAGAIN', what)
    assert.ok(before.equals(b.snapshot()), what)
  }
  b.unmount()
})

lazy('what is watched is waited for', async () => {
  const { mount: b } = await far(WRITABLE)
  const forget = () => {
    for (const image of b.images) image.pager?.clear()
  }
  forget()
  const seen: string[] = []
  b.fs.watchFile('/tree-30/sub/f3', now => void seen.push(`${now.mode.toString(8)}`))
  forget()
  assert.is(await new Promise(resolve => b.fs.exists('/tree-30/sub/f4', resolve)), true)
  const stop = new AbortController()
  const events = (b.fs.promises.watch('/tree-31/link', { signal: stop.signal }) as AsyncIterable<{ filename: string }>)[
    Symbol.asyncIterator
  ]()
  const first = events.next()
  await b.fs.promises.stat('/tree-31/link/f1')
  for (let i = 0; i < 50; i++) await new Promise(setImmediate)
  await b.fs.promises.chmod('/tree-32/sub/f1', 0o600)
  assert.is((await first).value.filename, 'f1')
  await b.fs.promises.chmod('/tree-30/sub/f3', 0o600)
  for (let i = 0; i < 50; i++) await new Promise(setImmediate)
  assert.equal(seen, ['100600'])
  stop.abort()
  b.unmount()
})

lazy('thousands of calls at once in the smallest cache all end, with a bounded number of reads', async () => {
  const [a, { mount: b, sources }] = [await near(WRITABLE), await far(WRITABLE)]
  const calls: ((fs: Mount['fs']) => Promise<unknown>)[] = []
  for (let i = 0; i < 4000; i++) {
    const path = i % 2 === 0 ? `/many/${i}-${LONG}` : `/tree-${i % 40}/sub/f${i % 37}`
    const kinds = [
      (fs: Mount['fs']) => fs.promises.lstat(path).then(({ size, mode, ino }) => [size, mode, ino]),
      (fs: Mount['fs']) => fs.promises.readFile(path, 'utf8'),
      (fs: Mount['fs']) => fs.promises.readdir(`/tree-${i % 40}/link`),
      (fs: Mount['fs']) => fs.promises.writeFile(`/tree-${i % 40}/new-${i}`, `${i}`),
    ]
    calls.push(kinds[(i >> 1) % kinds.length])
  }
  const expected = await Promise.all(calls.map(call => answer(call(a.fs))))
  const found = await Promise.all(calls.map(call => answer(call(b.fs))))
  found.forEach((one, index) => {
    assert.equal(one, expected[index], `${index}`)
  })
  const reads = sources.reduce((sum, source) => sum + source.reads.length, 0)
  const pages = Math.ceil((above.length + below.length) / 4096)
  console.log(`\nnote: ${calls.length} calls at once, ${reads} reads of images of ${pages} pages`)
  assert.ok(reads < 2 * calls.length, `${reads} reads`)
  assert.ok(sources.every(source => source.most <= 8))
  a.unmount()
  b.unmount()
})

lazy('the end of the mount ends all calls', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const codes = new Map<string, number>()
  for (let turn = 0; turn < 8; turn++) {
    const { mount: b } = await far(WRITABLE, turn)
    const { promises } = b.fs
    const handle = await promises.open('/data', 'r')
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      const path = `/tree-${i % 40}/link/f${i % 30}`
      calls.push(
        [
          () => promises.stat(path),
          () => promises.appendFile(path, 'x'),
          () => promises.cp(`/tree-${i % 40}`, `/copy-${i}`, { recursive: true }),
          () => promises.rm(`/tree-${i % 40}/sub`, { recursive: true }),
          () => handle.read(Buffer.alloc(100_000), 0, 100_000, i * 1000),
          () => promises.readdir('/', { recursive: true }),
        ][i % 6](),
      )
    }
    calls.push(b.commit({ store }), b.changesAsync(), bytesOf(b.exportLayer()))
    const settled = Promise.allSettled(calls)
    for (let i = 0; i < turn; i++) await new Promise(setImmediate)
    b.unmount()
    for (const one of await settled) {
      const code = one.status === 'fulfilled' ? 'ok' : String((one.reason as { code?: string }).code)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  process.off('unhandledRejection', note)
  assert.equal(unhandled, [])
  console.log(`\nnote: ended calls ${JSON.stringify([...codes])}`)
  const known = ['ok', 'ESTALE', 'EBADF', 'EINVAL', 'ENOENT', 'EEXIST', 'ENOTDIR']
  assert.equal(
    [...codes.keys()].filter(code => !known.includes(code)),
    [],
  )
})

lazy('no call waits for a read that never comes back once the mount has ended', async () => {
  const { mount: b, sources } = await far(PLAIN)
  for (const source of sources) source.read = () => new Promise(() => {})
  const calls = [b.fs.promises.readdir('/many'), b.fs.promises.lstat(`/many/3000-${LONG}`)]
  const settled = Promise.allSettled(calls)
  await new Promise(setImmediate)
  b.unmount()
  const codes = (await settled).map(one => (one.status === 'rejected' ? one.reason.code : 'ok'))
  assert.equal(codes, ['ESTALE', 'ESTALE'])
})

lazy.run()
