// prefetch: what was brought is there for synchronous calls, through every kind of mount; what can't be is said.

import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Mount as MountOf } from '../../src/mount.js'
import { buildImage, MemoryStore, type Mount, mount, openImage, TreeBuilder } from '../../src/node.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { muchNoise } from '../helpers/hashes.js'
import { ProbeStore } from '../helpers/store-probe.js'

const test = suite('prefetch')
const SECRET = 'x'.repeat(5000)
const LARGE = muchNoise(3 * 2 ** 20 + 5, 4)

const kept = new MemoryStore()

async function imageOf(fill: (builder: TreeBuilder) => void): Promise<Uint8Array> {
  const builder = new TreeBuilder()
  fill(builder)
  return (await buildImage(builder, { store: kept })).image
}

const base = await imageOf(builder => {
  builder.addDirectory('/d')
  builder.addDirectory('/d/deep')
  builder.addFile('/d/one', `${SECRET}1`)
  builder.addFile('/d/deep/two', `${SECRET}2`)
  builder.addFile('/d/deep/large', LARGE)
  builder.addFile('/d/small', 'in the image')
  builder.addSymlink('/d/to-three', '../three')
  builder.addSymlink('/d/nowhere', 'nothing')
  builder.addSymlink('/d/loop', 'loop')
  builder.addSymlink('/d/up', '..')
  builder.addFile('/three', `${SECRET}3`)
  builder.addFile('/four', `${SECRET}4`)
})
const over = await imageOf(builder => {
  builder.addDirectory('/d')
  builder.addFile('/d/one', `${SECRET}over`)
  builder.addFile('/d/five', `${SECRET}5`)
})

/** A store that can only be asked by waiting; what a test changes in it shows. */
async function slow(): Promise<ProbeStore> {
  const store = new ProbeStore()
  for await (const name of kept.list()) {
    const object = kept.openSync(name)
    store.bytes.set(name, await object.read(0, object.size))
  }
  return store
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return (error as { code: string }).code
  }
}

async function failed(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  try {
    await promise
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('did not reject')
}

function text(m: Mount, path: string): string {
  return m.fs.readFileSync(path, 'utf8') as string
}

test('a synchronous read without it is EAGAIN, and says both ways out', async () => {
  const m = await mount(base, { store: await slow() })
  try {
    m.fs.readFileSync('/three')
    assert.unreachable()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    assert.is(code, 'EAGAIN')
    assert.match(message, /prefetch\(paths\)/)
    assert.match(message, /fs\.promises/)
  }
  await m.prefetch('/three')
  assert.is(text(m, '/three'), `${SECRET}3`)
  m.unmount()
})

const KINDS: Record<string, (store: ProbeStore) => Promise<Mount>> = {
  'read-only': store => mount(base, { store }),
  stack: store => mount([over, base], { store }),
  writable: store => mount([over, base], { store, writable: true }),
  'over a mount': async store => mount(await mount([over, base], { store }), { writable: true }),
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind}: files, symlinks, directories with all below`, async () => {
    const store = await slow()
    const m = await make(store)
    await m.prefetch(['/d/to-three', 'four'])
    assert.is(text(m, '/d/to-three'), `${SECRET}3`)
    assert.is(text(m, '/three'), `${SECRET}3`)
    assert.is(text(m, '/four'), `${SECRET}4`)
    assert.is(
      codeOf(() => m.fs.readFileSync('/d/one')),
      'EAGAIN',
    )
    await m.prefetch('/d')
    assert.is(
      codeOf(() => m.fs.readFileSync('/d/one')),
      'EAGAIN',
      'only what is asked for',
    )
    await m.prefetch('/d', { recursive: true })
    assert.is(text(m, '/d/one'), kind === 'read-only' ? `${SECRET}1` : `${SECRET}over`)
    assert.is(text(m, '/d/deep/two'), `${SECRET}2`)
    assert.is(text(m, '/d/small'), 'in the image')
    assert.equal(new Uint8Array(m.fs.readFileSync('/d/deep/large') as Uint8Array), LARGE)
    const fd = m.fs.openSync('/d/deep/large', 'r')
    const into = new Uint8Array(10)
    m.fs.readSync(fd, into, 0, 10, 2 ** 21)
    m.fs.closeSync(fd)
    assert.equal(into, LARGE.slice(2 ** 21, 2 ** 21 + 10))
    assert.is(store.closed, store.opened, 'nothing stays open')
    const { length } = store.reads
    await m.prefetch('/', { recursive: true })
    await m.fs.promises.readFile('/d/deep/two', 'utf8')
    assert.is(store.reads.length, length, 'what is there is not brought again')
    m.unmount()
  })
}

test('writable: what has been written is at hand, what is copied up has what it needs', async () => {
  const m = await mount(base, { store: await slow(), writable: true })
  m.fs.writeFileSync('/new', 'new')
  assert.is(
    codeOf(() => m.fs.appendFileSync('/three', 'more')),
    'EAGAIN',
  )
  await m.prefetch(['/new', '/three'])
  m.fs.appendFileSync('/three', 'more')
  assert.is(text(m, '/three'), `${SECRET}3more`)
  await m.prefetch('/three')
  m.unmount()
})

test('errors are typed and name the path', async () => {
  const store = await slow()
  const m = await mount(base, { store })
  const missing = await failed(m.prefetch(['/three', '/d/none']))
  assert.is(missing.code, 'ENOENT')
  assert.is(missing.path, '/d/none')
  assert.is(missing.syscall, 'prefetch')
  assert.is((await failed(m.prefetch(''))).code, 'ENOENT')
  assert.is((await failed(m.prefetch('/d/nowhere'))).code, 'ENOENT')
  assert.is((await failed(m.prefetch('/d/loop'))).code, 'ELOOP')
  assert.is((await failed(m.prefetch(5 as unknown as string))).code, 'ERR_INVALID_ARG_TYPE')
  for (const [name, bytes] of store.bytes) {
    if (bytes.length === SECRET.length + 1 && bytes[SECRET.length] === 0x34) bytes[7] ^= 1
    if (bytes.length === SECRET.length + 1 && bytes[SECRET.length] === 0x32) store.bytes.delete(name)
  }
  const wrong = await failed(m.prefetch('/four'))
  assert.is(wrong.code, 'EIO', wrong.message)
  assert.is(wrong.path, '/four')
  const gone = await failed(m.prefetch('/d', { recursive: true }))
  assert.is(gone.code, gone.path === '/d/deep/two' ? 'ENOENT' : 'EIO')
  m.unmount()
  assert.is((await failed(m.prefetch('/four'))).code, 'EINVAL')
})

test('an aborted call rejects with the reason', async () => {
  const store = await slow()
  const m = await mount(base, { store })
  const reason = new Error('enough')
  assert.is(await failed(m.prefetch('/', { recursive: true, signal: AbortSignal.abort(reason) })), reason)
  const controller = new AbortController()
  const under = m.prefetch('/', { recursive: true, signal: controller.signal })
  controller.abort(reason)
  assert.is(await failed(under), reason)
  await new Promise(resolve => setTimeout(resolve, 20))
  await m.prefetch('/three')
  assert.is(text(m, '/three'), `${SECRET}3`)
  m.unmount()
})

/** A read-only mount of the base image whose objects are checked under given bounds. */
async function bounded(store: ProbeStore, prefetchBytes: number) {
  const image = await openImage(base)
  const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest()
  const objects = new VerifiedObjects(store, sha256, { prefetchBytes })
  const none = () => 0
  const env = { uid: none, gid: none, umask: none }
  return {
    objects,
    m: new MountOf(new ImageLayer(image, objects, 'on'), env, [image], [image], {
      commit: () => Promise.reject(new Error('no')),
    }),
  }
}

test('what is held is bounded: the least recently used goes, what does not fit is ENOSPC', async () => {
  const store = await slow()
  const { m, objects } = await bounded(store, 11_000)
  const full = await failed(m.prefetch('/d/deep/large'))
  assert.is(full.code, 'ENOSPC')
  assert.match(full.message, /prefetchBytes is 11000/)
  assert.is(full.path, '/d/deep/large')
  const together = await failed(m.prefetch(['/three', '/four', '/d/one']))
  assert.is(together.code, 'ENOSPC', 'what one call brings has to fit together')
  await m.prefetch(['/three', '/four'])
  text(m, '/three')
  assert.ok(objects.heldBytes <= 11_000)
  await m.prefetch('/d/one')
  assert.is(text(m, '/d/one'), `${SECRET}1`)
  assert.is(text(m, '/three'), `${SECRET}3`, 'used last')
  assert.is(
    codeOf(() => text(m, '/four')),
    'EAGAIN',
  )
  assert.ok(objects.heldBytes <= 11_000)
  objects.allowPrefetch(20_000)
  await m.prefetch(['/three', '/four', '/d/one'])
  objects.close()
  assert.is(objects.heldBytes, 0)
  m.unmount()
})

test('prefetchBytes is an option of a mount; the largest that was given counts for a store', async () => {
  const store = await slow()
  const tight = await mount(base, { store, prefetchBytes: 6000 })
  await tight.prefetch('/three')
  assert.is((await failed(tight.prefetch(['/three', '/four']))).code, 'ENOSPC')
  const wide = await mount(base, { store, prefetchBytes: 12_000 })
  await wide.prefetch(['/three', '/four'])
  assert.is(text(tight, '/four'), `${SECRET}4`)
  for (const wrong of [-1, '5', Number.NaN]) {
    assert.is((await failed(mount(base, { store, prefetchBytes: wrong as number }))).code, 'EINVAL')
  }
  tight.unmount()
  wide.unmount()
})

test('what a caller does with the bytes that it got changes nothing for the next', async () => {
  const m = await mount(base, { store: await slow() })
  await m.prefetch('/three')
  ;(m.fs.readFileSync('/three') as Uint8Array).fill(0)
  assert.is(text(m, '/three'), `${SECRET}3`)
  m.unmount()
})

test('a store that never waits is left alone', async () => {
  const store = new ProbeStore({ sync: true })
  for (const [name, bytes] of (await slow()).bytes) store.bytes.set(name, bytes)
  const m = await mount(base, { store })
  await m.prefetch('/', { recursive: true })
  assert.is(store.reads.length, 0)
  assert.is(text(m, '/three'), `${SECRET}3`)
  m.unmount()
})

test('many calls at once bring each object once', async () => {
  const store = await slow()
  const m = await mount(base, { store })
  await Promise.all(Array.from({ length: 30 }, () => m.prefetch('/', { recursive: true })))
  const firsts = store.reads.filter(([offset, length]) => offset === 0 && length === LARGE.length)
  assert.is(firsts.length, 1)
  assert.equal(new Uint8Array(m.fs.readFileSync('/d/deep/large') as Uint8Array), LARGE)
  m.unmount()
})

test.run()
