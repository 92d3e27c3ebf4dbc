// composefs build as a user runs it: from a directory, a dump and an image, with the summary it prints, and what is left after
// a failure. The tree's own details are tested with buildDirectory; here is what the command makes of it.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { command } from '../helpers/command.js'
import { ROOT, skip } from '../helpers/paths.js'

const test = suite('composefs build')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-build-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
const at = (...parts: string[]) => join(dir, ...parts)
const LARGE = Buffer.alloc(200_000, 'large ')

fs.mkdirSync(at('src/sub'), { recursive: true })
fs.writeFileSync(at('f.file'), 'no store')
fs.writeFileSync(at('src/small'), 'small')
fs.writeFileSync(at('src/large'), LARGE)
fs.writeFileSync(at('src/sub/copy'), LARGE)
fs.linkSync(at('src/small'), at('src/sub/small-too'))
fs.symlinkSync('sub/copy', at('src/link'))

function build(...args: string[]) {
  return command('composefs', 'build', ...args)
}

function objects(store: string): string[] {
  if (!fs.existsSync(at(store))) return []
  return (fs.readdirSync(at(store), { recursive: true, encoding: 'utf8' }) as string[]).filter(
    name => name.length === 65,
  )
}

test('a directory: what is new, then what is shared', () => {
  const first = build(at('src'), at('a.cfs'), '--digest-store', at('store'))
  assert.is(first.status, 0, first.stderr)
  assert.is(first.stderr, '')
  assert.match(
    first.stdout.toString(),
    /a\.cfs: composefs, 7 entries, [\d.]+ KiB\ndigest [0-9a-f]{64}\n4 files with 390\.6 KiB: 2 in the image itself\n1 new objects \(195\.3 KiB\), 1 shared \(195\.3 KiB\)\n$/,
  )
  assert.is(objects('store').length, 1)
  const again = JSON.parse(build(at('src'), at('b.cfs'), '--digest-store', at('store'), '--json').stdout.toString())
  assert.equal(
    { ...again, digest: again.digest.length },
    {
      image: at('b.cfs'),
      format: 'composefs',
      size: fs.statSync(at('b.cfs')).size,
      digest: 64,
      entries: 7,
      files: {
        files: 4,
        bytes: 400_010,
        newObjects: 0,
        newBytes: 0,
        sharedObjects: 2,
        sharedBytes: 400_000,
        inlined: 2,
      },
    },
  )
  assert.ok(fs.readFileSync(at('a.cfs')).equals(fs.readFileSync(at('b.cfs'))))
  const m = mountSync(at('a.cfs'), { store: at('store'), verity: 'require', digest: again.digest })
  assert.equal(m.fs.readFileSync('/link'), LARGE)
  assert.is(m.fs.statSync('/small').nlink, 1)
  m.unmount()
})

test('it is the image that mkcomposefs makes', () => {
  const digest = command('mkcomposefs', '--print-digest', at('src'), at('m.cfs')).stdout.toString()
  const { digest: ours } = JSON.parse(build(at('src'), at('c.cfs'), '--json').stdout.toString())
  assert.is(`${ours}\n`, digest)
  assert.ok(fs.readFileSync(at('m.cfs')).equals(fs.readFileSync(at('c.cfs'))))
})

test('--hard-links keeps names of one file together', () => {
  const { status, stderr } = build(at('src'), at('h.cfs'), '--hard-links')
  assert.is(status, 0, stderr)
  const m = mountSync(at('h.cfs'))
  const [one, two] = [m.fs.statSync('/small'), m.fs.statSync('/sub/small-too')]
  assert.is(one.ino, two.ino)
  assert.is(one.nlink, 2)
  assert.is(m.fs.readFileSync('/sub/small-too', 'utf8'), 'small')
  m.unmount()
})

test('options of time, xattrs and version', () => {
  const { status, stderr } = build(at('src'), at('o.cfs'), '--use-epoch', '--xattrs', 'none', '--min-version', '1')
  assert.is(status, 0, stderr)
  const m = mountSync(at('o.cfs'))
  assert.is(m.fs.statSync('/large').mtimeMs, 0)
  assert.is(m.images[0].version, 1)
  m.unmount()
})

test('a dump, and an image, in either format; contents find a place in the store', () => {
  const dump = '/ 0 40755 2 0 0 0 0.0 - - -\n/f 5 100644 1 0 0 0 7.0 - hello -\n'
  fs.writeFileSync(at('f.dump'), dump)
  for (const [source, target, format] of [
    ['f.dump', 'f0.cfs', 'composefs'],
    ['f.dump', 'f1.cfs', 'cfs-v1'],
    ['f0.cfs', 'f2.cfs', 'cfs-v1'],
    ['f1.cfs', 'f3.cfs', 'cfs-v1'],
  ]) {
    const made = build(at(source), at(target), '--format', format, '--digest-store', at('content'))
    assert.is(made.status, 0, made.stderr)
    const m = mountSync(at(target), { store: at('content'), verity: 'require' })
    assert.is(m.fs.readFileSync('/f', 'utf8'), 'hello')
    m.unmount()
  }
  // A directory's size is the format's own, so the way over the other format changes that.
  assert.ok(fs.readFileSync(at('f1.cfs')).equals(fs.readFileSync(at('f3.cfs'))))
  assert.match(
    command('composefs', 'diff', at('f1.cfs'), at('f2.cfs')).stdout.toString(),
    /^0 added, 0 removed, 0 changed\n/,
  )
})

const FAILURES: readonly [string, string[], number, RegExp][] = [
  ['no source', [], 2, /SOURCE and IMAGE are needed/],
  ['no image', [at('src')], 2, /SOURCE and IMAGE are needed/],
  [
    'a source that lacks',
    [at('nowhere'), at('n.cfs')],
    1,
    /^composefs: build: .*nowhere: no such file or directory\n$/,
  ],
  [
    'a folder that lacks',
    [at('src'), at('no/n.cfs')],
    1,
    /^composefs: open: .*no\/n\.cfs: no such file or directory\n$/,
  ],
  ['a folder as image', [at('src'), at('src')], 1, /^composefs: open: .*src: is a directory\n$/],
  ['a symlink as source', [at('src/link'), at('n.cfs')], 1, /^composefs: .*line 1: /],
  ['a number of threads', [at('src'), at('n.cfs'), '--threads', '0'], 2, /--threads is a number of at least 1/],
  ['a version', [at('src'), at('n.cfs'), '--min-version', '2'], 2, /versions are 0 and 1/],
  ['a format', [at('src'), at('n.cfs'), '--format', 'ext4'], 2, /--format is one of composefs, cfs-v1/],
  ['standard output', [at('src'), '-'], 2, /standard output is for the summary/],
  ['a store inside', [at('src'), at('n.cfs'), '--digest-store', at('src/sub/s')], 2, /store lies inside SOURCE/],
  [
    'a store that is a file',
    [at('src'), at('n.cfs'), '--digest-store', at('f.file')],
    1,
    /^composefs: object store: .*f\.file: not a directory\n$/,
  ],
]

for (const [what, args, status, message] of FAILURES) {
  test(`refused, and nothing is left: ${what}`, () => {
    const before = fs.readdirSync(dir).sort()
    const ran = build(...args)
    assert.is(ran.status, status)
    assert.match(ran.stderr, message)
    assert.is(ran.stderr.trim().split('\n').length, 1)
    assert.is(ran.stdout.length, 0)
    assert.equal(fs.readdirSync(dir).sort(), before)
  })
}

/** Shows the store read-only elsewhere; only root can. */
function boundStore(): string | undefined {
  const bound = at('bound')
  fs.mkdirSync(bound)
  fs.mkdirSync(at('store'), { recursive: true })
  const script = 'mount --bind "$0" "$1" && mount -o remount,ro,bind "$1"'
  return spawnSync('sh', ['-c', script, at('store'), bound]).status === 0 ? bound : undefined
}

const bound = boundStore()
const UNWRITABLE = 'a store that can not be written to will do when it has all objects'
if (bound === undefined) skip(test, UNWRITABLE, 'no read-only bind mount to be had')
else {
  test(UNWRITABLE, () => {
    try {
      const { status, stderr } = build(at('src'), at('r.cfs'), '--digest-store', bound)
      assert.is(status, 0, stderr)
      fs.writeFileSync(at('src/other'), 'other '.repeat(100))
      const lacking = build(at('src'), at('s.cfs'), '--digest-store', bound)
      assert.is(lacking.status, 1)
      assert.match(lacking.stderr, /^composefs: store object .*other: /)
      assert.not.ok(fs.existsSync(at('s.cfs')))
    } finally {
      fs.rmSync(at('src/other'), { force: true })
      spawnSync('umount', [bound])
    }
  })
}

test('gc beside it takes nothing of what a build stores that is no directory', async () => {
  const lines = Array.from({ length: 1500 }, (_, i) => `/f${i} 5 100644 1 0 0 0 0.0 - ${10000 + i} -`)
  fs.writeFileSync(at('many.dump'), `/ 0 40755 2 0 0 0 0.0 - - -\n${lines.join('\n')}\n`)
  fs.writeFileSync(at('empty.dump'), '/ 0 40755 2 0 0 0 0.0 - - -\n')
  command('mkcomposefs', '--from-file', at('empty.dump'), at('empty.cfs'))
  const program = join(ROOT, 'dist/bin/composefs.js')
  const args = [program, 'build', at('many.dump'), at('many.cfs'), '--format', 'cfs-v1', '--digest-store', at('many')]
  const building = spawn(process.execPath, args, { stdio: 'ignore' })
  const ended = new Promise(resolve => building.on('close', resolve))
  while (objects('many').length < 20) await new Promise(resolve => setTimeout(resolve, 10))
  // Stopped in the middle, so that it is under way whatever the machine does.
  building.kill('SIGSTOP')
  const gc = command('composefs', 'gc', at('many'), at('empty.cfs'))
  building.kill('SIGCONT')
  assert.is(await ended, 0)
  assert.is(gc.status, 0, gc.stderr)
  const verified = command('composefs', 'verify', at('many.cfs'), '--basedir', at('many'))
  assert.is(verified.status, 0, verified.stderr.slice(0, 300))
})

test('an image that was there stays when the new one fails', () => {
  fs.writeFileSync(at('old.cfs'), 'old')
  fs.writeFileSync(at('bad.dump'), '/ 0 40755 2 0 0 0 0.0 - - -\n/f 5 100644 1 0 0 x 7.0 - - -\n')
  const { status, stderr } = build(at('bad.dump'), at('old.cfs'))
  assert.is(status, 1)
  assert.match(stderr, /^composefs: dump: .*bad\.dump: line 2: RDEV: invalid integer\n$/)
  assert.is(fs.readFileSync(at('old.cfs'), 'utf8'), 'old')
})

test.run()
