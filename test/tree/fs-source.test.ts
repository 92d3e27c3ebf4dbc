// Trees from directories: against lstat, memfs and a mount's own fs. (Against the C tool: test/cli/directory-build.test.ts.)
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createFsFromVolume, Volume } from 'memfs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FACT_WORDS } from '../../src/format/file-facts.js'
import { mountSync } from '../../src/node.js'
import { type ScanOptions, type SourceFs, scanFs, type XattrSource } from '../../src/tree/fs-source.js'
import { SourceError } from '../../src/tree/source-error.js'
import { fixture, skip } from '../helpers/paths.js'
import { makeSourceTree, ROOT_USER } from '../helpers/source-tree.js'
import { type NodeFacts, treeFacts } from '../helpers/tree-facts.js'

const test = suite('tree from a directory')
const top = fs.mkdtempSync(join(tmpdir(), 'fs-source-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
const { path: source, missing } = makeSourceTree(join(top, 'source'))
for (const what of missing) console.log(`note: not in the tree: ${what}`)

const LINUX = process.platform === 'linux' && fs.existsSync('/proc/self/fd')
const DESCRIPTORS = { fs, path: '/proc/self/fd' }
const WAYS: [string, ScanOptions][] = [['by path', {}]]
if (LINUX) WAYS.push(['by descriptor', { descriptors: DESCRIPTORS }])
else skip(test, 'by descriptor', 'needs /proc')
const NS = 1_000_000_000n

/** node:fs, with what another process does at a moment. */
function tampered(after: { lstat?: (path: string) => void; readdir?: (path: string) => void }): SourceFs {
  return {
    lstatSync: (path, options) => {
      const stat = fs.lstatSync(path, options)
      after.lstat?.(String(path))
      return stat
    },
    readdirSync: (path, options) => {
      const names: readonly unknown[] = fs.readdirSync(path, options as { encoding: 'buffer' })
      after.readdir?.(String(path))
      return names
    },
    readlinkSync: (path, options) => fs.readlinkSync(path, options),
  }
}

/** The same by lstat, one path after the other. */
function truth(root: string): Map<string, NodeFacts> {
  const all: [string, NodeFacts][] = []
  const visit = (path: Buffer, shown: string) => {
    const stat = fs.lstatSync(path, { bigint: true })
    const nsec = ((stat.mtimeNs % NS) + NS) % NS
    const device = stat.isCharacterDevice() || stat.isBlockDevice()
    const facts: NodeFacts = {
      mode: Number(stat.mode),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      rdev: device ? Number(stat.rdev) : 0,
      size: stat.isDirectory() ? -1 : Number(stat.size),
      mtime: `${(stat.mtimeNs - nsec) / NS}.${String(nsec).padStart(9, '0')}`,
      payload: stat.isSymbolicLink() ? fs.readlinkSync(path, 'buffer').toString('latin1') : undefined,
      content: undefined,
      digest: undefined,
      xattrs: {},
      link: undefined,
    }
    all.push([shown === '' ? '/' : shown, facts])
    if (!stat.isDirectory()) return
    for (const name of fs.readdirSync(path, 'buffer')) {
      visit(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('latin1')}`)
    }
  }
  visit(Buffer.from(root), '')
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function errorOf(action: () => unknown): SourceError {
  try {
    action()
  } catch (error) {
    assert.instance(error, SourceError, String(error))
    return error as SourceError
  }
  throw new Error('nothing was thrown')
}

for (const [way, options] of WAYS) {
  test(`${way}: every entry is what lstat says`, () => {
    const { tree, files, root } = scanFs(fs, source, options)
    assert.is(root, source)
    const wanted = truth(source)
    assert.equal([...treeFacts(tree)], [...wanted])
    const regular = [...wanted].filter(([, { mode, size }]) => (mode & 0o170000) === 0o100000 && size > 0)
    const listed = Array.from({ length: files.count }, (_, i) => [tree.path(files.node[i]), files.size(i)] as const)
    assert.equal(
      listed.toSorted(([a], [b]) => (a < b ? -1 : 1)),
      regular.map(([path, { size }]) => [path, size]),
    )
  })

  test(`${way}: the facts of a file are those of lstat`, () => {
    const { tree, files } = scanFs(fs, source, options)
    assert.ok(files.count > 20)
    for (let i = 0; i < files.count; i++) {
      const stat = fs.lstatSync(Buffer.from(source + tree.path(files.node[i]), 'latin1'), { bigint: true })
      const at = i * FACT_WORDS
      const facts = [...files.facts.subarray(at, at + FACT_WORDS)].map(word => BigInt.asIntN(64, word))
      assert.equal(facts, [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs])
    }
  })

  test(`${way}: a symlink, a file and nothing are no root; a link with a slash behind it is`, () => {
    const link = join(top, `link-${way}`)
    fs.symlinkSync(source, link)
    assert.is(errorOf(() => scanFs(fs, link, options)).code, 'ENOTDIR')
    assert.is(errorOf(() => scanFs(fs, join(source, 'setuid'), options)).code, 'ENOTDIR')
    const none = errorOf(() => scanFs(fs, join(top, 'none'), options))
    assert.is(none.code, 'ENOENT')
    assert.is(none.message, `lstat: ${join(top, 'none')}: no such file or directory`)
    const through = scanFs(fs, `${link}/`, options)
    assert.equal([...treeFacts(through.tree)], [...treeFacts(scanFs(fs, source, options).tree)])
    assert.is(through.root, link)
  })

  test(`${way}: a root as bytes`, () => {
    const odd = Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xc3, 0x28])])
    const { tree, root } = scanFs(fs, odd, options)
    assert.equal([...treeFacts(tree).keys()], ['/', '/in'])
    assert.is(root, odd.toString('latin1'))
  })

  test(`${way}: hard links are names of the first in the order of the tree`, () => {
    const plain = scanFs(fs, source, options)
    const { tree, files } = scanFs(fs, source, { ...options, hardLinks: true })
    const all = treeFacts(tree)
    assert.is(all.get('/bin/z-second'), 'link to /bin/a-b/first')
    assert.is(all.get('/empty/third'), 'link to /bin/a-b/first')
    assert.is(tree.nlink[tree.lookup(Buffer.from('/bin/a-b/first'), 0, 14)], 3)
    assert.is(files.count, plain.files.count - 2)
    for (let i = 0; i < files.count; i++) assert.not.ok(tree.isLink(files.node[i]))
  })

  test(`${way}: an entry that vanishes after readdir ends the scan with its path`, () => {
    const dir = fs.mkdtempSync(join(top, 'gone-'))
    fs.writeFileSync(join(dir, 'file'), 'x')
    const error = errorOf(() => scanFs(tampered({ readdir: () => fs.rmSync(join(dir, 'file')) }), dir, options))
    assert.is(error.message, `lstat: ${join(dir, 'file')}: no such file or directory`)
  })

  test(`${way}: a directory that vanishes after lstat does too`, () => {
    const dir = fs.mkdtempSync(join(top, 'gone-'))
    fs.mkdirSync(join(dir, 'sub'))
    const lstat = (path: string) => {
      if (path.endsWith('/sub')) fs.rmdirSync(path)
    }
    const error = errorOf(() => scanFs(tampered({ lstat }), dir, options))
    assert.is(error.code, 'ENOENT')
    assert.is(error.path.replace(/\/$/, ''), join(dir, 'sub'))
  })

  if (!ROOT_USER) skip(test, `${way}: a directory that can not be read`, 'needs root, to become someone else')
  else {
    test(`${way}: a directory that can not be read is an error that names it`, () => {
      const dir = fs.mkdtempSync(join(top, 'closed-'))
      fs.mkdirSync(join(dir, 'shut'), { mode: 0o700 })
      fs.chmodSync(top, 0o755)
      fs.chmodSync(dir, 0o755)
      process.seteuid?.(65534)
      let error: SourceError
      try {
        error = errorOf(() => scanFs(fs, dir, options))
      } finally {
        process.seteuid?.(0)
      }
      assert.is(error.code, 'EACCES')
      assert.is(error.path.replace(/\/$/, ''), join(dir, 'shut'))
    })
  }
}

test('epoch, ctime, devices', () => {
  const epoch = treeFacts(scanFs(fs, source, { useEpoch: true, ctime: true }).tree)
  for (const facts of epoch.values()) assert.is((facts as NodeFacts).mtime, '0.000000000')
  const { tree } = scanFs(fs, source, { ctime: true })
  const node = tree.lookup(Buffer.from('/fifo'), 0, 5)
  const stat = fs.lstatSync(join(source, 'fifo'), { bigint: true })
  const { low, high, nsec } = tree.ctime ?? { low: [], high: [], nsec: [] }
  assert.is(BigInt(high[node]) * 2n ** 32n + BigInt(low[node]), stat.ctimeNs / NS)
  assert.is(BigInt(nsec[node]), stat.ctimeNs % NS)
  assert.is(scanFs(fs, source).tree.ctime, undefined)
  const devices = [...truth(source)].filter(([, { mode }]) => [0o020000, 0o060000].includes(mode & 0o170000))
  if (ROOT_USER) assert.is(devices.length, 3)
  const without = treeFacts(scanFs(fs, source, { skipDevices: true }).tree)
  assert.is(without.size, truth(source).size - devices.length)
  for (const [path] of devices) assert.not.ok(without.has(path))
})

test('seconds and nanoseconds of any time', () => {
  const base = fs.lstatSync(top, { bigint: true })
  const most = 2n ** 63n
  const times = [0n, -1n, 1n, NS - 1n, -NS, 1n - NS, 2n ** 32n * NS, 2n ** 32n * NS - 1n, most - 1n, -most]
  for (let i = 0n; i < 2000n; i++) times.push(BigInt.asIntN(64, i * 0x9e3779b97f4a7c15n))
  for (let i = 0n; i < 300n; i++) times.push(1_700_000_000n * NS + i, 1_700_000_000n * NS - i)
  for (const mtimeNs of times) {
    const stat = Object.assign(Object.create(base), { mtimeNs, ctimeNs: mtimeNs }) as typeof base
    const { tree } = scanFs({ lstatSync: () => stat, readdirSync: () => [], readlinkSync: () => '' }, '/')
    const seconds = BigInt(tree.mtimeHigh[0]) * 2n ** 32n + BigInt(tree.mtimeLow[0])
    assert.is(seconds * NS + BigInt(tree.mtimeNsec[0]), mtimeNs)
    assert.ok(tree.mtimeNsec[0] < NS)
  }
})

test('xattrs: none, those of users, all, in names of bytes', () => {
  const values: Record<string, string> = { 'user.a': 'one', 'trusted.b': 'two', 'user.\xff': '' }
  let asked = 0
  const xattrSource: XattrSource = {
    list: path => {
      asked++
      return path.endsWith('fifo') ? Object.keys(values) : []
    },
    get: (_, name) => Buffer.from(values[name]),
  }
  const of = (options: ScanOptions) => (treeFacts(scanFs(fs, source, options).tree).get('/fifo') as NodeFacts).xattrs
  assert.equal(of({ xattrSource }), {})
  assert.is(asked, 0)
  assert.equal(of({ xattrSource, xattrs: 'all' }), { 'trusted.b': 'two', 'user.a': 'one', 'user.\xff': '' })
  assert.is(asked, truth(source).size)
  assert.equal(of({ xattrSource, xattrs: 'user' }), { 'user.a': 'one', 'user.\xff': '' })
})

test('more xattrs than an image holds, and those that can not be read, are errors that name the path', () => {
  const large: XattrSource = { list: p => (p.endsWith('fifo') ? ['user.x'] : []), get: () => new Uint8Array(33_000) }
  const tooLarge = errorOf(() => scanFs(fs, source, { xattrs: 'all', xattrSource: large }))
  assert.is(tooLarge.code, 'ERANGE')
  assert.is(tooLarge.path, join(source, 'fifo'))
  const list = () => {
    throw Object.assign(new Error('no'), { code: 'ENOTSUP', syscall: 'llistxattr' })
  }
  const refused = errorOf(() =>
    scanFs(fs, source, { xattrs: 'all', xattrSource: { list, get: () => Buffer.from('') } }),
  )
  assert.is(refused.code, 'ENOTSUP')
  assert.is(refused.call, 'llistxattr')
  assert.is(refused.path, source)
})

test('memfs, whose names are text', () => {
  const memory = createFsFromVolume(new Volume()) as unknown as typeof fs
  memory.mkdirSync('/top/dïr/sub', { recursive: true })
  memory.writeFileSync('/top/dïr/ünï', 'some bytes')
  memory.symlinkSync('ünï', '/top/dïr/link')
  memory.linkSync('/top/dïr/ünï', '/top/dïr/sub/again')
  memory.chmodSync('/top/dïr/ünï', 0o640)
  memory.utimesSync('/top/dïr/ünï', 5, 12.5)
  const { tree, files } = scanFs(memory as SourceFs, '/top', { hardLinks: true })
  const all = treeFacts(tree)
  const name = (path: string) => Buffer.from(path).toString('latin1')
  assert.equal([...all.keys()], ['/', '/dïr', '/dïr/link', '/dïr/sub', '/dïr/sub/again', '/dïr/ünï'].map(name))
  assert.is(all.get(name('/dïr/ünï')), `link to ${name('/dïr/sub/again')}`)
  const file = all.get(name('/dïr/sub/again')) as NodeFacts
  assert.is(file.mode, 0o100640)
  assert.is(file.size, 10)
  assert.is(file.mtime, '12.500000000')
  assert.is((all.get(name('/dïr/link')) as NodeFacts).payload, name('ünï'))
  assert.is(files.count, 1)
})

interface Truth {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly size: number
  readonly xattrs?: Record<string, string>
}

test("a mount's own fs, its xattrs included, is the tree of its image", () => {
  const mounted = mountSync(gunzipSync(fs.readFileSync(fixture('erofs/plain.erofs.gz'))))
  const calls = mounted.fs as unknown as {
    listxattrSync(path: Buffer, options: { follow: false; encoding: 'buffer' }): Buffer[]
    getxattrSync(path: Buffer, name: Buffer, options: { follow: false }): Uint8Array
  }
  const bytes = (text: string) => Buffer.from(text, 'latin1')
  const xattrSource: XattrSource = {
    list: path =>
      calls.listxattrSync(bytes(path), { follow: false, encoding: 'buffer' }).map(name => name.toString('latin1')),
    get: (path, name) => calls.getxattrSync(bytes(path), bytes(name), { follow: false }),
  }
  const { tree, files } = scanFs(mounted.fs as unknown as SourceFs, '/', { xattrs: 'all', xattrSource })
  const lines = gunzipSync(fs.readFileSync(fixture('erofs/plain.truth.jsonl.gz')))
    .toString()
    .trim()
    .split('\n')
  assert.is(tree.count, lines.length)
  assert.ok(files.count > 0)
  const all = treeFacts(tree)
  const counted = [...all.values()].reduce((sum, facts) => sum + Object.keys((facts as NodeFacts).xattrs).length, 0)
  const wanted = lines.reduce((sum, line) => sum + Object.keys((JSON.parse(line) as Truth).xattrs ?? {}).length, 0)
  assert.is(counted, wanted)
  mounted.unmount()
})

if (!LINUX) skip(test, 'long paths, swapped directories, descriptors', 'needs /proc')
else {
  test('paths longer than a call takes', () => {
    const deep = fs.mkdtempSync(join(top, 'deep-'))
    const depth = 45
    const name = 'd'.repeat(200)
    const program = `
import os, sys
os.chdir(sys.argv[1])
for i in range(${depth}):
    os.mkdir('${name}'); os.chdir('${name}')
open('bottom', 'w').write('x' * 100)
`
    execFileSync('python3', ['-c', program, deep])
    const { tree, files } = scanFs(fs, deep, { descriptors: DESCRIPTORS })
    assert.is(tree.count, depth + 2)
    assert.is(tree.path(files.node[0]), `${`/${name}`.repeat(depth)}/bottom`)
    const plain = errorOf(() => scanFs(fs, deep))
    assert.is(plain.code, 'ENAMETOOLONG')
    assert.ok(plain.path.startsWith(`${deep}/${name}/`))
    execFileSync('rm', ['-rf', deep])
  })

  test('a directory that is replaced after lstat is not entered', () => {
    const dir = fs.mkdtempSync(join(top, 'swap-'))
    const sub = join(dir, 'sub')
    fs.mkdirSync(join(dir, 'outside'))
    fs.writeFileSync(join(dir, 'outside/secret'), 'x')
    const replacedBy = (replace: () => void) => {
      fs.mkdirSync(join(dir, 'in/sub'), { recursive: true })
      const lstat = (path: string) => {
        if (path.endsWith('/sub')) replace()
      }
      const { code } = errorOf(() => scanFs(tampered({ lstat }), join(dir, 'in'), { descriptors: DESCRIPTORS }))
      fs.rmSync(join(dir, 'in'), { recursive: true })
      return code
    }
    const inside = join(dir, 'in/sub')
    const toLink = replacedBy(() => {
      fs.rmdirSync(inside)
      fs.symlinkSync(join(dir, 'outside'), inside)
    })
    assert.ok(['ENOTDIR', 'ELOOP'].includes(toLink), toLink)
    const toOther = replacedBy(() => {
      // The old one stays, so that no other gets its inode number.
      fs.renameSync(inside, sub)
      fs.renameSync(join(dir, 'outside'), inside)
    })
    assert.is(toOther, 'ESTALE')
  })

  test('no descriptor stays open', () => {
    const count = () => fs.readdirSync('/proc/self/fd').length
    const before = count()
    scanFs(fs, source, { descriptors: DESCRIPTORS })
    assert.is(count(), before)
    const list = (path: string) => {
      if (path.endsWith('/file')) throw Object.assign(new Error('no'), { code: 'EIO', syscall: 'llistxattr' })
      return []
    }
    const xattrSource = { list, get: () => Buffer.from('') }
    const error = errorOf(() => scanFs(fs, source, { descriptors: DESCRIPTORS, xattrs: 'all', xattrSource }))
    assert.is(error.path, join(source, 'z/deep/er/and/er/file'))
    assert.is(count(), before)
  })
}

test.run()
