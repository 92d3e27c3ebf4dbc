// Images built by the package's own calls: what comes in, from whichever kind of source, is what a mount shows, and the bytes
// are those of the dump that says the same.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { memfs } from 'memfs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import {
  buildImage,
  DirectoryStore,
  MemoryStore,
  mount,
  openImage,
  type Tree,
  TreeBuilder,
  TreeError,
} from '../../src/node.js'
import { ROOT, skip } from '../helpers/paths.js'

const test = suite('buildImage')
const LONG = 'much text, more than an image holds itself. '.repeat(100)

function sample(): TreeBuilder {
  const builder = new TreeBuilder({ mode: 0o750, mtime: 7 })
  builder.addDirectory('/etc', {
    mtime: { seconds: -3, nsec: 5 },
    xattrs: { 'user.k': 'v', 'security.selinux': 'ctx\0' },
  })
  builder.addFile('/etc/small', 'few bytes\n', { mode: 0o600, uid: 1000, gid: 70000 })
  builder.addFile('/etc/long', LONG)
  builder.addFile('/empty')
  builder.addSymlink('/link', 'etc/long', { mtime: new Date(1500) })
  builder.addHardLink('/etc/again', '/etc/long')
  builder.addFifo('/fifo')
  builder.addSocket('/socket')
  builder.addDevice('/null', { type: 'character', major: 1, minor: 3 }, { mode: 0o666 })
  builder.addDevice('/disk', { type: 'block', major: 259, minor: 70_000 })
  return builder
}

test('what is built by calls is what a mount shows', async () => {
  const store = new MemoryStore()
  const { image, digest, size } = await buildImage(sample(), { store })
  assert.is(image.length, size)
  const m = await mount(image, { store, digest, verity: 'require' })
  assert.equal(m.fs.readdirSync('/'), ['disk', 'empty', 'etc', 'fifo', 'link', 'null', 'socket'])
  assert.is(m.fs.readFileSync('/link', 'utf8'), LONG)
  assert.is(m.fs.readFileSync('/etc/small', 'utf8'), 'few bytes\n')
  const small = m.fs.lstatSync('/etc/small', { bigint: true })
  assert.equal([small.mode, small.uid, small.gid, small.nlink], [0o100600n, 1000n, 70000n, 1n])
  const long = m.fs.lstatSync('/etc/again', { bigint: true })
  assert.is(long.ino, m.fs.lstatSync('/etc/long', { bigint: true }).ino)
  assert.is(long.nlink, 2n)
  assert.is(m.fs.lstatSync('/etc', { bigint: true }).mtimeNs, -2_999_999_995n)
  assert.is(m.fs.lstatSync('/link', { bigint: true }).mtimeNs, 1_500_000_000n)
  assert.is(m.fs.lstatSync('/null').rdev, 0x103)
  assert.ok(m.fs.lstatSync('/disk').isBlockDevice())
  assert.equal(m.fs.listxattrSync('/etc').sort(), ['security.selinux', 'user.k'])
  assert.is(Buffer.from(m.fs.getxattrSync('/etc', 'user.k')).toString(), 'v')
  m.unmount()
})

test('it is the image of the dump that says the same', async () => {
  const builder = new TreeBuilder({ mtime: 1.5 })
  builder.addDirectory('/d', { mode: 0o700 })
  builder.addFile('/d/f', 'x', { mtime: 2 })
  const dump = '/ 0 40755 2 0 0 0 1.500000000 - - -\n/d 0 40700 2 0 0 0 0.0 - - -\n/d/f 1 100644 1 0 0 0 2.0 - x -\n'
  for (const maxVersion of [0, 1]) {
    const [a, b] = [await buildImage(builder, { maxVersion }), await buildImage({ dump }, { maxVersion })]
    assert.is(a.digest, b.digest)
    assert.equal(a.image, b.image)
  }
})

test('one builder makes images of both formats, and an image one of the other', async () => {
  const builder = sample()
  const store = new MemoryStore()
  const erofs = await buildImage(builder, { store })
  const cfs = await buildImage(builder, { store, format: 'cfs-v1' })
  assert.is((await buildImage(builder, { store })).digest, erofs.digest)
  const opened = await openImage(cfs.image)
  assert.is(opened.format, 'cfs-v1')
  assert.is((await buildImage(opened, { format: 'cfs-v1' })).digest, cfs.digest)
  const m = await mount(cfs.image, { store, verity: 'require' })
  assert.is(m.fs.readFileSync('/etc/small', 'utf8'), 'few bytes\n')
  assert.is(m.fs.readFileSync('/etc/again', 'utf8'), LONG)
  m.unmount()
  opened.close()
})

test('a directory of memfs, and of a mount, is a source', async () => {
  const { fs } = memfs({ '/top/a/long': LONG, '/top/a/short': 'short', '/top/empty': null, '/else': 'not in it' })
  fs.symlinkSync('a/long', '/top/link')
  const store = new MemoryStore()
  // memfs' types know less of BigInt stats than memfs does.
  const source = { fs: fs as never, path: '/top' }
  const built = await buildImage(source, { store, useEpoch: true })
  const m = await mount(built.image, { store, verity: 'require' })
  assert.equal(m.fs.readdirSync('/'), ['a', 'empty', 'link'])
  assert.is(m.fs.readFileSync('/link', 'utf8'), LONG)
  assert.is(m.fs.readFileSync('/a/short', 'utf8'), 'short')
  const again = await buildImage({ fs: m.fs as never }, { store })
  assert.is(again.digest, built.digest)
  m.unmount()
})

test('a mount with xattrs and hard links comes back the same', async () => {
  const store = new MemoryStore()
  const first = await buildImage(sample(), { store })
  const m = await mount(first.image, { store })
  const second = await buildImage({ fs: m.fs as never }, { store, hardLinks: true })
  m.unmount()
  assert.is(second.digest, first.digest)
})

test('the image can be taken piece by piece', async () => {
  const builder = new TreeBuilder()
  for (let i = 0; i < 20_000; i++) builder.addFile(`/file-${i}`, '', { uid: i })
  const whole = await buildImage(builder)
  const pieces: Uint8Array[] = []
  const { image, digest, size } = await buildImage(builder, {
    sink: async piece => {
      await null
      pieces.push(piece.slice())
    },
  })
  assert.is(image.length, 0)
  assert.ok(pieces.length > 3)
  assert.is(digest, whole.digest)
  assert.is(size, whole.size)
  assert.ok(Buffer.concat(pieces).equals(whole.image))
})

const BAD: readonly [string, (builder: TreeBuilder) => void, string][] = [
  ['a name twice', b => b.addFile('/etc'), 'EEXIST'],
  ['a directory that lacks', b => b.addFile('/no/file'), 'ENOENT'],
  ['below a file', b => b.addFile('/empty/file'), 'ENOTDIR'],
  ['no name', b => b.addDirectory('/'), 'EINVAL'],
  ['dots', b => b.addDirectory('/etc/..'), 'EINVAL'],
  ['a long name', b => b.addDirectory(`/${'n'.repeat(256)}`), 'ENAMETOOLONG'],
  ['a NUL', b => b.addFile('/a\0b'), 'EINVAL'],
  ['a symlink to nothing', b => b.addSymlink('/to', ''), 'EINVAL'],
  ['a long target', b => b.addSymlink('/to', 't'.repeat(4096)), 'ENAMETOOLONG'],
  ['a link to a directory', b => b.addHardLink('/to', '/etc'), 'EINVAL'],
  ['a link to what is not there', b => b.addHardLink('/to', '/nowhere'), 'ENOENT'],
  ['a large device', b => b.addDevice('/to', { type: 'block', major: 4096, minor: 0 }), 'EINVAL'],
  ['too many xattrs', b => b.addFile('/to', '', { xattrs: { 'user.a': 'v'.repeat(32760) } }), 'ERANGE'],
  ['an xattr without name', b => b.addFile('/to', '', { xattrs: { '': 'v' } }), 'ERANGE'],
  ['a digest of another length', b => b.addFile('/to', { size: 100, digest: new Uint8Array(20) }), 'EINVAL'],
  ['a target with NUL', b => b.addSymlink('/to', 'a\0b'), 'EINVAL'],
  ['an object with NUL', b => b.addFile('/to', { size: 100, payload: 'a\0b' }), 'EINVAL'],
  ['an xattr with NUL', b => b.addFile('/to', '', { xattrs: { 'user.a\0b': 'v' } }), 'EINVAL'],
  ['a negative owner', b => b.addFile('/to', '', { uid: -1 }), 'EINVAL'],
  ['a large group', b => b.addFile('/to', '', { gid: 2 ** 32 }), 'EINVAL'],
  ['no time', b => b.addFile('/to', '', { mtime: Number.NaN }), 'EINVAL'],
  ['a time beyond all', b => b.addFile('/to', '', { mtime: 1e300 }), 'EINVAL'],
  ['nanoseconds of more than a second', b => b.addFile('/to', '', { mtime: { seconds: 1, nsec: 1e9 } }), 'EINVAL'],
  ['a device that is no number', b => b.addDevice('/to', { type: 'block', major: Number.NaN, minor: 0 }), 'EINVAL'],
  ['a device of no kind', b => b.addDevice('/to', { type: 'char' as 'block', major: 1, minor: 0 }), 'EINVAL'],
  ['a size that is none', b => b.addFile('/to', { size: 1.5 }), 'EINVAL'],
]

for (const [what, call, code] of BAD) {
  test(`refused, and nothing is added: ${what}`, () => {
    const builder = sample()
    const { count } = builder.tree
    try {
      call(builder)
    } catch (error) {
      assert.instance(error, TreeError)
      assert.is((error as TreeError).code, code)
      assert.is(builder.tree.count, count)
      return
    }
    assert.unreachable('was taken')
  })
}

test('refused when the image is built: too large a file, a dump with its line', async () => {
  const builder = new TreeBuilder()
  builder.addFile('/huge', { size: Number.MAX_SAFE_INTEGER })
  await buildImage(builder)
  const dump = '/ 0 40755 2 0 0 0 0.0 - - -\n/huge 9500000000000000 100644 1 0 0 0 0.0 - - -\n'
  try {
    await buildImage({ dump })
    assert.unreachable('was taken')
  } catch (error) {
    const { code, line, field } = error as TreeError
    assert.equal({ code, line, field }, { code: 'EFBIG', line: 2, field: 'SIZE' })
  }
})

test('a file of memfs that changes while it is read ends the build, and the store has nothing of it', async () => {
  const { fs } = memfs({ '/f': LONG })
  const changing = new Proxy(fs, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== 'readSync') return value
      return (...args: Parameters<typeof fs.readSync>) => {
        const n = fs.readSync(...args)
        fs.appendFileSync('/f', 'more')
        return n
      }
    },
  })
  const store = new MemoryStore()
  try {
    await buildImage({ fs: changing as never }, { store })
    assert.unreachable('was taken')
  } catch (error) {
    assert.match(String(error), /ESTALE: \/f: changed while it was read/)
  }
  for await (const name of store.list()) assert.unreachable(name)
})

test('objects have the names that digests give', async () => {
  const store = new MemoryStore()
  const builder = new TreeBuilder()
  builder.addFile('/f', LONG)
  await buildImage(builder, { store })
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  const { tree } = builder as { tree: Tree }
  const digest = toHex(tree.arena.view(tree.digestAt[1], 32))
  assert.equal(names, [`${digest.slice(0, 2)}/${digest.slice(2)}`])
})

test('without a store the image is the same: files are measured all the same', async () => {
  const { fs } = memfs({ '/f': LONG, '/g': 'short' })
  for (const format of ['composefs', 'cfs-v1'] as const) {
    const store = new MemoryStore()
    assert.is((await buildImage(sample(), { format })).digest, (await buildImage(sample(), { format, store })).digest)
    const source = { fs: fs as never }
    assert.is((await buildImage(source, { format })).digest, (await buildImage(source, { format, store })).digest)
  }
})

test('a Date is exact', async () => {
  const builder = new TreeBuilder()
  builder.addFile('/f', '', { mtime: new Date(1_700_000_000_123) })
  const dump = '/ 0 40755 2 0 0 0 0.0 - - -\n/f 0 100644 1 0 0 0 1700000000.123000000 - - -\n'
  assert.is((await buildImage(builder)).digest, (await buildImage({ dump })).digest)
})

test('two images of one builder at once, each waiting for its sink', async () => {
  const builder = new TreeBuilder()
  for (let i = 0; i < 20_000; i++) builder.addFile(`/file-${i}`, '', { uid: i })
  const whole = await buildImage(builder)
  const taken = async () => {
    const pieces: Uint8Array[] = []
    const sink = async (piece: Uint8Array) => {
      await new Promise(resolve => setTimeout(resolve, 1))
      pieces.push(piece)
    }
    const { size } = await buildImage(builder, { sink })
    return { size, bytes: Buffer.concat(pieces) }
  }
  for (const { size, bytes } of await Promise.all([taken(), taken(), taken()])) {
    assert.is(size, whole.size)
    assert.ok(bytes.equals(whole.image))
  }
})

test('what is no source, format or store is EINVAL or ENOTSUP, and nothing is written', async () => {
  const cases: [unknown, object, string][] = [
    [null, {}, 'EINVAL'],
    [5, {}, 'EINVAL'],
    [{ dump: 5 }, {}, 'EINVAL'],
    [{ dump: '/ 0 40755 2 0 0 0 0.0 - - -\n' }, { format: 'ext4' }, 'EINVAL'],
    [{ fs: memfs().fs }, { xattrs: 'some' }, 'EINVAL'],
    [tmpdir(), { store: 'gs://bucket/objects' }, 'ENOTSUP'],
  ]
  for (const [source, options, code] of cases) {
    try {
      await buildImage(source as TreeBuilder, options)
      assert.unreachable('was taken')
    } catch (error) {
      assert.is((error as { code: string }).code, code, String(error))
    }
  }
})

const dir = mkdtempSync(join(tmpdir(), 'composefs-build-image-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
const isLinux = process.platform === 'linux'

function sourceDirectory(): string {
  const source = join(dir, 'source')
  mkdirSync(join(source, 'sub'), { recursive: true })
  for (let i = 0; i < 50; i++) writeFileSync(join(source, 'sub', `${i}`), `${i} `.repeat(i * 100))
  symlinkSync('sub/7', join(source, 'link'))
  return source
}

if (isLinux) {
  const source = sourceDirectory()
  test("under Node a directory's path is a source, whatever the store", async () => {
    const memory = new MemoryStore()
    const one = await buildImage(source, { store: memory })
    const two = await buildImage(source, { store: join(dir, 'objects') })
    const three = await buildImage(new URL(`file://${source}`), { store: new DirectoryStore(join(dir, 'more')) })
    assert.equal([two.digest, three.digest], [one.digest, one.digest])
    for (const store of [memory, join(dir, 'objects'), join(dir, 'more')]) {
      const m = await mount(one.image, { store, verity: 'require' })
      for (let i = 0; i < 50; i++) assert.is(m.fs.readFileSync(`/sub/${i}`, 'utf8'), `${i} `.repeat(i * 100))
      m.unmount()
    }
  })

  test('the built package reads files by worker threads, and this thread goes on meanwhile', async () => {
    const large = join(dir, 'large')
    mkdirSync(large)
    for (let i = 0; i < 12; i++) writeFileSync(join(large, `${i}`), Buffer.alloc(4 << 20, i))
    const built = (await import(pathToFileURL(join(ROOT, 'dist/node.js')).href)) as { buildImage: typeof buildImage }
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const { digest } = await built.buildImage(large, { store: join(dir, 'large-objects'), threads: 2 })
    clearInterval(timer)
    assert.ok(turns > 3, `${turns} turns of the event loop`)
    assert.is((await buildImage(large)).digest, digest)
  })
} else skip(test, "a directory's path as source", 'xattrs are read on Linux only')

test('under Node a path of a dump or an image is a source', async () => {
  const built = await buildImage({ dump: '/ 0 40755 2 0 0 0 0.0 - - -\n' })
  writeFileSync(join(dir, 'dump'), '/ 0 40755 2 0 0 0 0.0 - - -\n')
  writeFileSync(join(dir, 'image'), built.image)
  assert.is((await buildImage(join(dir, 'dump'))).digest, built.digest)
  assert.is((await buildImage(join(dir, 'image'))).digest, built.digest)
  try {
    await buildImage(join(dir, 'nowhere'))
    assert.unreachable('was taken')
  } catch (error) {
    assert.is((error as { code: string }).code, 'ENOENT')
  }
})

test.run()
