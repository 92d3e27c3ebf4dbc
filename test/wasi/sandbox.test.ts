// A program sees its preopens and nothing else of a tree: paths, links of every shape, names that are moved while it looks, hard links.
// Each way out is tried with every call that takes a path. Not here: other errors of those calls (calls-linux.test.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, type Mount, mountSync, TreeBuilder } from '../../src/node.js'
import { FSTFLAGS_MTIM, OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_TRUNC } from '../../src/wasi/abi.js'
import { errnoOf, Probe, READ_WRITE } from './probe.js'

const sandbox = suite('WASI: a program sees its preopens alone')

/** Ways out of /in, which is what programs see. */
const OUT: Readonly<Record<string, string>> = {
  up: '..',
  'up-slash': '../',
  'up-secret': '../secret',
  'up-in': '../in/file',
  'up-down': 'sub/../../secret',
  root: '/',
  absolute: '/secret',
  'absolute-in': '/in/file',
  'to-up': 'up/secret',
  'to-up-slash': 'up-slash/secret',
  'sub/up-two': '../../secret',
  'sub/up-many': '../../../../../../secret',
  'sub/by-link': '../up/secret',
  'sub/dir-out': '../..',
  slashes: '//secret',
}

function sample(): TreeBuilder {
  const tree = new TreeBuilder()
  tree.addFile('/secret', 'secret')
  tree.addDirectory('/outside')
  tree.addFile('/outside/secret', 'secret')
  tree.addDirectory('/in')
  tree.addFile('/in/file', 'file')
  tree.addDirectory('/in/sub')
  tree.addDirectory('/in/sub/deep')
  tree.addFile('/in/sub/deep/file', 'deep file')
  for (const [name, target] of Object.entries(OUT)) tree.addSymlink(`/in/${name}`, target)
  tree.addSymlink('/in/inside', 'sub/deep/../../file')
  tree.addSymlink('/in/rooted', '/file')
  tree.addSymlink('/in/sub/rooted-dir', '/sub/deep')
  tree.addHardLink('/in/hard', '/secret')
  return tree
}

const { image } = await buildImage(sample())
const links = new TreeBuilder()
links.addFile('/end', 'end')
for (let i = 1; i <= 41; i++) links.addSymlink(`/l${i}`, i === 1 ? 'end' : `l${i - 1}`)
links.addDirectory('/d')
links.addSymlink('/d/self', '../d')
const chain = mountSync((await buildImage(links)).image)
const writable = () => mountSync(image, { writable: true })
/** Names and contents of all that is not in /in. */
function outside(m: Mount): string {
  const { fs } = m
  const names = (dir: string) =>
    (fs.readdirSync(dir) as string[]).map(name => `${dir}${name} ${fs.lstatSync(dir + name).mtimeMs}`)
  return [
    ...names('/').filter(line => !line.startsWith('/in ')),
    ...names('/outside/'),
    fs.readFileSync('/secret'),
  ].join()
}

/** Every call that takes a path, on one. Those that take two take it in either place. */
function everyCall(p: Probe, path: string, fd = 3): Record<string, string> {
  const calls: Record<string, () => unknown> = {
    open: () => p.open(path, { fd }),
    'open nofollow': () => p.open(path, { fd, follow: false }),
    'open directory': () => p.open(path, { fd, oflags: OFLAGS_DIRECTORY }),
    create: () => p.open(path, { fd, oflags: OFLAGS_CREAT, base: READ_WRITE }),
    truncate: () => p.open(path, { fd, oflags: OFLAGS_TRUNC, base: READ_WRITE }),
    stat: () => p.stat(path, { fd, follow: true }),
    times: () => p.setTimes(path, 0n, 0n, FSTFLAGS_MTIM, { fd, follow: true }),
    'link follow': () => p.link(path, 'got', { fd, toFd: fd, follow: true }),
  }
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, errnoOf(call)]))
}

/** Those that act on the name itself, which a link at the end does not lead away from. */
function everyNameCall(p: Probe, path: string, fd = 3): Record<string, string> {
  const calls: Record<string, () => unknown> = {
    lstat: () => p.stat(path, { fd }),
    readlink: () => p.readlink(path, { fd }),
    mkdir: () => p.mkdir(path, fd),
    symlink: () => p.symlink('x', path, fd),
    unlink: () => p.unlink(path, fd),
    rmdir: () => p.rmdir(path, fd),
    'link from': () => p.link(path, 'got', { fd, toFd: fd }),
    'link to': () => p.link('file', path, { fd, toFd: fd }),
    'rename from': () => p.rename(path, 'got', { fd, toFd: fd }),
    'rename to': () => p.rename('file', path, { fd, toFd: fd }),
  }
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, errnoOf(call)]))
}

const all = (answers: Record<string, string>, code: string, what: string) =>
  assert.equal(answers, Object.fromEntries(Object.keys(answers).map(name => [name, code])), what)

for (const name of ['here', '.', '/data', './x']) {
  sandbox(`a preopen '${name}': paths and links that lead out are ENOTCAPABLE`, () => {
    const m = writable()
    const before = outside(m)
    const p = new Probe({ preopens: { [name]: { tree: m, path: '/in' } } })
    const ways = [
      '..',
      '../',
      '../secret',
      '../in/file',
      'sub/../../secret',
      '/secret',
      '/',
      '//',
      '/in/file',
      'sub/../..',
    ]
    for (const path of [...ways, '/../secret', './/..//secret', 'sub/deep/../../../in/file']) {
      all({ ...everyCall(p, path), ...everyNameCall(p, path) }, 'ENOTCAPABLE', path)
    }
    for (const link of Object.keys(OUT)) {
      const nofollow = { 'open nofollow': 'ELOOP' }
      const answers = everyCall(p, link)
      all({ ...answers, 'open nofollow': 'ENOTCAPABLE' }, 'ENOTCAPABLE', link)
      assert.is(answers['open nofollow'], nofollow['open nofollow'], link)
      all({ ...everyCall(p, `${link}/secret`), ...everyNameCall(p, `${link}/x`) }, 'ENOTCAPABLE', `${link}/…`)
    }
    // Within, links go on.
    assert.is(p.content('inside'), 'file')
    assert.is(p.content('sub/deep/../../file'), 'file')
    // Opened directories are as narrow.
    const sub = p.openDirectory('sub')
    all(
      {
        ...everyCall(p, '..', sub),
        ...everyCall(p, '../file', sub),
        ...everyCall(p, 'up-two', sub),
        'open nofollow': 'ENOTCAPABLE',
      },
      'ENOTCAPABLE',
      'sub',
    )
    assert.is(p.content('deep/../deep/file', { fd: sub }), 'deep file')
    assert.is(outside(m), before)
    assert.is(m.fs.readFileSync('/in/file', 'utf8'), 'file')
  })
}

sandbox("a preopen named '/' is a root: `..` stays, absolute paths and links begin there", () => {
  const m = writable()
  const before = outside(m)
  const p = new Probe({ preopens: { '/': { tree: m, path: '/in' } } })
  for (const path of [
    '/file',
    '../file',
    '/../../file',
    'sub/../../file',
    'rooted',
    'sub/../up/file',
    'root/file',
    'to-up',
  ]) {
    const there = path !== 'to-up'
    assert.is(
      errnoOf(() => p.content(path)),
      there ? 'SUCCESS' : 'ENOENT',
      path,
    )
    if (there) assert.is(p.content(path), 'file', path)
  }
  assert.is(p.content('sub/rooted-dir/file'), 'deep file')
  for (const path of [
    '/secret',
    '../secret',
    'up-secret',
    'absolute',
    'sub/up-many',
    'sub/dir-out/secret',
    '../../../secret',
  ]) {
    assert.is(
      errnoOf(() => p.content(path)),
      'ENOENT',
      path,
    )
  }
  for (const path of ['/', '..', 'root', 'up', 'sub/dir-out', '../..']) {
    assert.is(p.stat(path, { follow: true }).ino, p.fstat(3).ino, path)
    assert.ok(!p.names(path).includes('secret'), path)
  }
  // What is made above is made in it.
  p.create('../../made', 'made')
  assert.is(m.fs.readFileSync('/in/made', 'utf8'), 'made')
  p.create('absolute', 'through the link')
  assert.is(m.fs.readFileSync('/in/secret', 'utf8'), 'through the link')
  assert.is(
    errnoOf(() => p.rmdir('/')),
    'EBUSY',
  )
  assert.is(
    errnoOf(() => p.rename('/', '/x')),
    'EBUSY',
  )
  assert.is(outside(m), before)
})

sandbox("absolute paths go through a preopen's own name", () => {
  const p = new Probe({ preopens: { '/data/in': { tree: writable(), path: '/in' } } })
  assert.is(p.content('/data/in/file'), 'file')
  assert.is(p.content('//data///in//sub/../file'), 'file')
  assert.is(p.stat('/data/in').ino, p.fstat(3).ino)
  const named = new Probe({ preopens: { '/dätä': { tree: writable(), path: '/in' } } })
  assert.is(named.content('/dätä/file'), 'file')
  assert.is(
    errnoOf(() => named.stat('/dätö/file')),
    'ENOTCAPABLE',
  )
  for (const path of [
    '/data',
    '/data/',
    '/data/inside',
    '/data/i',
    '/in/file',
    '/data/in/..',
    '/data/../data/in/file',
  ]) {
    assert.is(
      errnoOf(() => p.stat(path)),
      'ENOTCAPABLE',
      path,
    )
  }
})

sandbox('two preopens of one tree are apart, and what both see is one', () => {
  const m = writable()
  const p = new Probe({ preopens: { '/one': { tree: m, path: '/in' }, '/two': { tree: m, path: '/outside' } } })
  assert.is(
    errnoOf(() => p.stat('../outside/secret')),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.content('/two/secret')),
    'ENOTCAPABLE',
  )
  p.rename('file', 'moved', { fd: 3, toFd: 4 })
  assert.is(p.content('moved', { fd: 4 }), 'file')
  p.link('secret', 'linked', { fd: 4, toFd: 3 })
  assert.is(p.stat('linked').ino, p.stat('secret', { fd: 4 }).ino)
  assert.is(p.stat('linked').nlink, 2n)
  assert.is(p.fstat(3).dev, p.fstat(4).dev)
  const other = new Probe({ preopens: { a: m, b: writable() } })
  assert.is.not(other.fstat(3).dev, other.fstat(4).dev)
  assert.is(
    errnoOf(() => other.rename('secret', 'x', { fd: 3, toFd: 4 })),
    'EXDEV',
  )
  assert.is(
    errnoOf(() => other.link('secret', 'x', { fd: 3, toFd: 4 })),
    'EXDEV',
  )
  // A hard link is a name of its own: what it names may be named elsewhere, too.
  const q = new Probe({ preopens: { here: { tree: m, path: '/in' } } })
  assert.is(q.content('hard'), 'secret')
})

sandbox('a directory that is moved out while it is open shows what is in it, and no way up', () => {
  const m = writable()
  const p = new Probe({ preopens: { here: { tree: m, path: '/in' } } })
  const sub = p.openDirectory('sub')
  const deep = p.openDirectory('deep', { fd: sub })
  // By the host, and by another program.
  m.fs.renameSync('/in/sub', '/outside/sub')
  const other = new Probe({ preopens: { '/': m } })
  other.rename('outside/sub/deep', 'deep')
  for (const fd of [sub, deep]) {
    for (const path of ['..', '../secret', '../..', 'x/../../secret', '/secret']) {
      const want = path.startsWith('x') ? 'ENOENT' : 'ENOTCAPABLE'
      assert.is(
        errnoOf(() => p.stat(path, { fd })),
        want,
        path,
      )
      assert.is(
        errnoOf(() => p.open(path, { fd })),
        want,
        path,
      )
      assert.is(
        errnoOf(() => p.readdir(p.openDirectory(path, { fd }))),
        want,
        path,
      )
    }
  }
  assert.is(p.content('file', { fd: deep }), 'deep file')
  assert.is(
    errnoOf(() => p.content('up-two', { fd: sub })),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.stat('sub')),
    'ENOENT',
  )
  // Into itself again, below another name.
  m.fs.renameSync('/outside/sub', '/in/back')
  assert.equal(p.names('back'), p.names('.', { fd: sub }))
})

sandbox('a preopen that is moved is what was opened, and its `..` is not where it has come to', () => {
  const m = writable()
  for (const [name, up] of [
    ['here', 'ENOTCAPABLE'],
    ['/', 'SUCCESS'],
  ]) {
    const p = new Probe({ preopens: { [name]: { tree: m, path: '/in' } } })
    m.fs.renameSync('/in', '/outside/in')
    assert.is(p.content('file'), 'file')
    assert.is(
      errnoOf(() => p.stat('..', { follow: true })),
      up,
    )
    assert.is(
      errnoOf(() => p.content('../secret')),
      name === '/' ? 'ENOENT' : 'ENOTCAPABLE',
    )
    assert.is(p.readdir(3)[1].ino, p.fstat(3).ino)
    m.fs.renameSync('/outside/in', '/in')
  }
  m.fs.mkdirSync('/in/own/deep', { recursive: true })
  const p = new Probe({ preopens: { '/': { tree: m, path: '/in/own/deep' } } })
  m.fs.rmSync('/in/own', { recursive: true })
  assert.is(p.fstat(3).nlink, 0n)
  assert.is(
    errnoOf(() => p.readdir(3)),
    'ENOENT',
  )
  assert.is(
    errnoOf(() => p.names()),
    'ENOENT',
  )
  assert.is(
    errnoOf(() => p.content('file')),
    'ENOENT',
  )
  assert.is(
    errnoOf(() => p.mkdir('x')),
    'ENOENT',
  )
})

sandbox('a path is looked up in whole before anything moves: random moves between random looks never lead out', () => {
  const m = writable()
  const p = new Probe({ preopens: { here: { tree: m, path: '/in' } } })
  const host = new Probe({ preopens: { '/': m } })
  let seed = 12_345
  const dice = (sides: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % sides
  }
  const places = ['in/sub', 'outside/sub', 'in/sub2', 'sub3']
  const targets = ['..', '../..', '/', 'sub/..', '../secret', 'file', 'sub/deep']
  const ways = ['sub', 'sub/deep', 'sub2/deep', 'x', 'x/..', 'sub/x', '.']
  const open = [3]
  const secret = host.stat('secret').ino
  const roots = [host.fstat(3).ino, host.stat('outside').ino, secret]
  let looks = 0
  for (let i = 0; i < 4000; i++) {
    errnoOf(() => host.rename(places[dice(4)], places[dice(4)]))
    errnoOf(() => p.unlink('x'))
    errnoOf(() => p.symlink(targets[dice(targets.length)], 'x', open[dice(open.length)]))
    const fd = open[dice(open.length)]
    const path = `${ways[dice(ways.length)]}/${['..', '../..', '../secret', 'secret', 'file', '.'][dice(6)]}`
    try {
      assert.not.ok(roots.includes(p.stat(path, { fd, follow: true }).ino), path)
      if (open.length < 30) open.push(p.openDirectory(path, { fd }))
      looks++
    } catch (error) {
      assert.match(String(error), /ENOENT|ENOTCAPABLE|ENOTDIR|ELOOP/)
    }
  }
  assert.ok(looks > 100, `${looks} looks`)
  assert.is(m.fs.readFileSync('/secret', 'utf8'), 'secret')
})

sandbox('links are followed 40 times and no further', () => {
  for (const preopen of ['/', 'here']) {
    const p = new Probe({ preopens: { [preopen]: chain } })
    assert.is(p.content('l40'), 'end')
    assert.is(
      errnoOf(() => p.content('l41')),
      'ELOOP',
    )
    assert.is(p.content(`d/${'self/'.repeat(39)}../l1`), 'end')
    assert.is(
      errnoOf(() => p.content(`d/${'self/'.repeat(40)}../l1`)),
      'ELOOP',
    )
    assert.is(
      errnoOf(() => p.create(`d/${'self/'.repeat(41)}x`)),
      'ELOOP',
    )
  }
})

sandbox.run()
