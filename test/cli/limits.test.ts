// The limits of an image as options of the commands that open one: each passes at its edge and refuses one more, with an error that names it.
// Which calls keep to which limit is what test/limits is about.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, DirectoryStore, mount, openImage, TreeBuilder } from '../../src/node.js'
import { command } from '../helpers/command.js'

const test = suite('limits of commands')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-cli-limits-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => join(dir, name)

const STORE = ['--basedir', at('objects')]
const IMAGE = at('image.cfs')
const BIG = 'big '.repeat(300)
const VALUE = 'v'.repeat(400)
/** Eight names and the root, three of them below one another at most, the longest of 10 bytes. */
const ENTRIES = 9
const DEPTH = 3
const NAME = 10
const XATTRS = `user.one${VALUE}user.two123`.length

fs.mkdirSync(at('objects'))
const store = new DirectoryStore(at('objects'))
const builder = new TreeBuilder()
builder.addDirectory('/dir')
builder.addDirectory('/dir/below')
builder.addFile('/dir/below/file', 'file')
builder.addFile('/ten-bytes!', 'ten')
builder.addFile('/big', BIG)
builder.addFile('/marked', 'm', { xattrs: { 'user.one': VALUE, 'user.two': '123' } })
builder.addSymlink('/l1', 'dir/below/file')
builder.addSymlink('/l2', 'l1')
fs.writeFileSync(IMAGE, (await buildImage(builder, { store })).image)
const SIZE = fs.statSync(IMAGE).size

// An upper with a change, for the commands that look at one.
const UPPER = ['--upper', at('upper')]
const changed = await mount(await openImage(IMAGE), { store, upper: at('upper') })
changed.fs.writeFileSync('/dir/new', 'new')
changed.unmount()

const CHANGES = '+ /dir/new\n'

let count = 0
/** A name that nothing has. */
const fresh = () => at(`out${count++}`)

type Edge = readonly [option: string, most: number, args: () => readonly string[]]

const EDGES: readonly Edge[] = [
  ['--max-entries', ENTRIES, () => ['ls', '-R', IMAGE]],
  ['--max-entries', ENTRIES, () => ['verify', IMAGE]],
  ['--max-entries', ENTRIES, () => ['diff', IMAGE, IMAGE]],
  ['--max-entries', ENTRIES, () => ['build', IMAGE, fresh()]],
  ['--max-entries', ENTRIES, () => ['fsck', at('objects'), IMAGE]],
  ['--max-depth', DEPTH, () => ['ls', '-R', IMAGE]],
  ['--max-depth', DEPTH - 1, () => ['ls', IMAGE, '/dir/below']],
  ['--max-depth', DEPTH, () => ['cat', IMAGE, '/dir/../dir/below/file']],
  ['--max-depth', DEPTH, () => ['extract', IMAGE, fresh(), ...STORE]],
  ['--max-name-bytes', NAME, () => ['ls', IMAGE]],
  ['--max-name-bytes', NAME, () => ['stat', IMAGE, 'ten-bytes!']],
  ['--max-xattr-bytes', XATTRS, () => ['stat', IMAGE, 'marked']],
  ['--max-symlinks', 2, () => ['cat', IMAGE, 'l2']],
  ['--max-image-bytes', SIZE, () => ['stat', IMAGE, '/']],
  ['--max-object-bytes', BIG.length, () => ['cat', IMAGE, 'big', ...STORE]],
  ['--max-object-bytes', BIG.length, () => ['verify', IMAGE, ...STORE]],
]

/** What messages call the limit of an option. */
function nameOf(option: string): string {
  return option.slice(2).replace(/-./g, ([, letter]) => letter.toUpperCase())
}

for (const [option, most, args] of EDGES) {
  test(`${args()[0]} ${option}`, () => {
    const within = command('composefs', ...args(), option, String(most))
    assert.is(within.status, 0, within.stderr)
    const beyond = command('composefs', ...args(), option, String(most - 1))
    assert.is(beyond.status, 1, beyond.stderr)
    assert.match(beyond.stderr, `(${nameOf(option)})`)
    assert.is(beyond.stderr.trimEnd().split('\n').length, 1, beyond.stderr)
  })
}

test('changes and commit count the names that they look at', () => {
  assert.is(command('composefs', 'changes', IMAGE, ...UPPER, '--max-entries', '10').stdout.toString(), CHANGES)
  const few = command('composefs', 'changes', IMAGE, ...UPPER, '--max-entries', '0')
  assert.equal([few.status, few.stderr.includes('(maxEntries)')], [1, true], few.stderr)
  const commit = (most: number) =>
    command('composefs', 'commit', IMAGE, fresh(), ...UPPER, ...STORE, '--max-entries', String(most))
  assert.is(commit(ENTRIES + 1).status, 0)
  const { status, stderr } = commit(ENTRIES)
  assert.is(status, 1)
  assert.match(stderr, /E2BIG|too long|too many|Argument list/i)
})

test('what is no limit', () => {
  for (const value of ['', '-1', '1.5', 'many', '1k']) {
    const { status, stderr } = command('composefs', 'ls', IMAGE, `--max-entries=${value}`)
    assert.equal(
      [status, stderr],
      [2, 'composefs: ls: --max-entries is a whole number from 0 (see composefs ls --help)\n'],
    )
  }
  const { status, stderr } = command('composefs', 'stat', IMAGE, '/', '--max-depth', '8193')
  assert.equal([status, stderr.includes('from 0 to 8192')], [2, true], stderr)
})

test.run()
