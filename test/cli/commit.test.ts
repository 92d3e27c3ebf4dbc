// composefs changes and composefs commit as a user runs them, on what a mount left in a directory. The judge of a commit is the
// image that is built of the same tree on disk.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Mount, mountSync } from '../../src/node.js'
import { command } from '../helpers/command.js'

const test = suite('composefs changes and commit')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-commit-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))

const at = (...names: string[]) => join(dir, ...names)
const store = at('objects')
const base = at('base.cfs')
const BIG = 'x'.repeat(5000)

function ran(status: number, ...args: string[]): string {
  const run = command('composefs', ...args)
  assert.is(run.status, status, run.stderr)
  return status === 0 ? run.stdout.toString() : run.stderr
}

/** A tree on disk with fixed times, as an image. */
function build(source: string, image: string): string {
  return JSON.parse(ran(0, 'build', source, image, '--digest-store', store, '--json', '--xattrs', 'none')).digest
}

fs.mkdirSync(at('tree/d/e'), { recursive: true })
fs.writeFileSync(at('tree/d/big'), BIG)
fs.writeFileSync(at('tree/d/e/small'), 'small')
fs.writeFileSync(at('tree/old'), 'old')
build(at('tree'), base)

let uppers = 0

/** Changes the base through a mount that keeps it, and answers where. */
function changed(change: (mount: Mount) => void): string {
  const upper = at(`upper-${++uppers}`)
  const mount = mountSync(base, { store, upper })
  try {
    change(mount)
  } finally {
    mount.unmount()
  }
  return upper
}

const TIME = new Date('2020-02-02T02:02:02Z')

/** The same on the mount's `fs` and on disk; only what both have is used. */
function edit(
  of: Pick<typeof fs, 'renameSync' | 'unlinkSync' | 'writeFileSync' | 'chmodSync' | 'utimesSync'>,
  root: string,
) {
  of.renameSync(`${root}/d`, `${root}/moved`)
  of.unlinkSync(`${root}/old`)
  of.writeFileSync(`${root}/moved/new`, 'new\n'.repeat(100))
  of.chmodSync(`${root}/moved/big`, 0o600)
  for (const path of ['/moved/new', '/moved', '/']) of.utimesSync(root + path, TIME, TIME)
}

const edited = changed(({ fs: mounted }) => edit(mounted as unknown as typeof fs, ''))

test('changes lists what was done', () => {
  const lines = ran(0, 'changes', base, '--upper', edited).split('\n')
  assert.equal(lines, ['> /d -> /moved', '~ /moved/big: mode', '+ /moved/new', '- /old', ''])
  const [first] = JSON.parse(ran(0, 'changes', base, '--upper', edited, '--json'))
  assert.equal(first, { path: '/moved', change: 'renamed', type: 'directory', from: '/d' })
  assert.is(command('composefs', 'changes', base, '--upper', edited, '--exit-code').status, 1)
  const none = changed(() => {})
  assert.is(ran(0, 'changes', base, '--upper', none, '--exit-code'), '')
})

test('commit writes what a build of the same tree on disk does', () => {
  fs.cpSync(at('tree'), at('copy'), { recursive: true, preserveTimestamps: true })
  for (const path of ['d/e/small', 'd/e', 'd/big']) {
    const { mtime } = fs.statSync(at('tree', path))
    fs.utimesSync(at('copy', path), mtime, mtime)
  }
  // Times on disk are cut to what utimes takes, so the base is made again of the copy.
  const again = at('again.cfs')
  build(at('copy'), again)
  const upper = at('upper-again')
  const mount = mountSync(again, { store, upper })
  edit(mount.fs as unknown as typeof fs, '')
  mount.unmount()
  edit(fs, at('copy'))
  const expected = build(at('copy'), at('expected.cfs'))
  const summary = JSON.parse(ran(0, 'commit', again, at('new.cfs'), '--upper', upper, '--basedir', store, '--json'))
  assert.is(summary.digest, expected)
  assert.ok(fs.readFileSync(at('new.cfs')).equals(fs.readFileSync(at('expected.cfs'))))
  ran(0, 'verify', at('new.cfs'), '--basedir', store)
})

test('commit puts new objects only, where it is told', () => {
  const fresh = at('fresh')
  fs.mkdirSync(fresh)
  const said = ran(0, 'commit', base, at('n2.cfs'), '--upper', edited, '--basedir', store, '--digest-store', fresh)
  assert.match(said, /\n1 new objects\n$/)
  assert.is(fs.readdirSync(fresh, { recursive: true }).filter(name => String(name).includes('/')).length, 1)
})

test('what can not be done is said in a line, and nothing is at the new name', () => {
  const out = at('never.cfs')
  const fail = (status: number, pattern: RegExp, ...args: string[]) => {
    const said = ran(status, ...args)
    assert.match(said, pattern)
    assert.is(said.trimEnd().split('\n').length, 1, said)
    assert.not.ok(fs.existsSync(out) || fs.existsSync(at('empty')))
  }
  fail(1, /^composefs: open: .*holds no upper/, 'changes', base, '--upper', at('nowhere'))
  fail(1, /^composefs: open: .*holds no upper/, 'commit', base, out, '--upper', at('empty'), '--basedir', store)
  fail(1, /an image by URL is not read by this command/, 'changes', 'https://u:hush@host/x', '--upper', edited)
  fail(2, /--upper is needed/, 'changes', base)
  fail(2, /IMAGE and NEW/, 'commit', base, '--upper', edited)
  fail(2, /--basedir/, 'commit', base, out, '--upper', edited)
  fail(2, /--format/, 'commit', base, out, '--upper', edited, '--basedir', store, '--format', 'zip')
  fs.mkdirSync(at('damaged/data'), { recursive: true })
  fs.writeFileSync(at('damaged/log'), 'no log')
  fail(1, /is no log of an upper/, 'changes', base, '--upper', at('damaged'))
})

test('an upper that is mounted can be looked at, and not committed', () => {
  const upper = at('mounted')
  const mount = mountSync(base, { store, upper })
  mount.fs.writeFileSync('/seen', 'yes')
  assert.is(ran(0, 'changes', base, '--upper', upper), '+ /seen\n')
  assert.match(ran(1, 'commit', base, at('x.cfs'), '--upper', upper, '--basedir', store), /in use by process/)
  mount.unmount()
  ran(0, 'commit', base, at('x.cfs'), '--upper', upper, '--basedir', store)
})

test('a stack of images is committed as one', () => {
  const top = at('top')
  fs.mkdirSync(top)
  fs.writeFileSync(join(top, 'on-top'), 'x')
  build(top, at('top.cfs'))
  const images = [at('top.cfs'), base]
  const upper = at('upper-stack')
  const mount = mountSync(images, { store: [store, store], upper })
  mount.fs.unlinkSync('/old')
  mount.unmount()
  ran(0, 'commit', ...images, at('flat.cfs'), '--upper', upper, '--basedir', store)
  assert.equal(ran(0, 'ls', at('flat.cfs')).split('\n'), ['d', 'on-top', ''])
})

test.run()
