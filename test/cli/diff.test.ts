// composefs diff as a user runs it: on images that differ in one thing each, in many, in format, and not at all.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command } from '../helpers/command.js'

const test = suite('composefs diff')
const dir = mkdtempSync(join(tmpdir(), 'composefs-diff-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const ONE = 'a'.repeat(64)
const TWO = 'b'.repeat(64)
const ROOT = '/ 0 40755 2 0 0 0 0.0 - - -'
const BASE = [
  ROOT,
  '/d 0 40755 2 0 0 0 0.0 - - -',
  '/d-e 0 100644 1 0 0 0 0.0 - - -',
  `/d/f 1000 100644 2 0 0 0 1.5 aa/x - ${ONE}`,
  '/d/h 0 @100644 1 0 0 0 0.0 /d/f - -',
  '/d/i 5 100644 1 0 0 0 0.0 - hello -',
  '/d/l 0 120777 1 0 0 0 0.0 target - -',
  '/d/x 0 100644 1 0 0 0 0.0 - - - user.k=v',
  '/dev 0 20600 1 0 0 259 0.0 - - -',
]

let images = 0

function image(lines: readonly string[], ...options: string[]): string {
  const path = join(dir, `${++images}`)
  writeFileSync(`${path}.dump`, `${lines.join('\n')}\n`)
  const made = command('mkcomposefs', ...options, '--from-file', `${path}.dump`, `${path}.cfs`)
  assert.is(made.status, 0, made.stderr)
  return `${path}.cfs`
}

/** The base with lines replaced by path, dropped where there is none for a path, or added. */
function but(changes: Record<string, string | undefined>): string[] {
  const lines = BASE.flatMap(line => {
    const path = line.split(' ')[0]
    if (!Object.hasOwn(changes, path)) return [line]
    const replaced = changes[path]
    return replaced === undefined ? [] : [replaced]
  })
  const known = new Set(BASE.map(line => line.split(' ')[0]))
  for (const [path, line] of Object.entries(changes)) if (!known.has(path) && line !== undefined) lines.push(line)
  return lines
}

const base = image(BASE)

const CASES: readonly [string, Record<string, string | undefined>, readonly string[]][] = [
  ['nothing', {}, []],
  ['a file is new', { '/d/n': '/d/n 0 100644 1 0 0 0 0.0 - - -' }, ['+ /d/n']],
  ['a file is gone', { '/d/i': undefined }, ['- /d/i']],
  ['mode', { '/d': '/d 0 40700 2 0 0 0 0.0 - - -' }, ['~ /d: mode 0755 -> 0700']],
  ['owner', { '/dev': '/dev 0 20600 1 7 70000 259 0.0 - - -' }, ['~ /dev: uid 0 -> 7, gid 0 -> 70000']],
  ['time', { '/dev': '/dev 0 20600 1 0 0 259 -1.5 - - -' }, ['~ /dev: mtime 0.000000000 -> -1.000000005']],
  ['device', { '/dev': '/dev 0 20600 1 0 0 260 0.0 - - -' }, ['~ /dev: device 1:3 -> 1:4']],
  ['kind', { '/dev': '/dev 0 60600 1 0 0 259 0.0 - - -' }, ['~ /dev: type character device -> block device']],
  ['target', { '/d/l': '/d/l 0 120777 1 0 0 0 0.0 other\\n - -' }, ['~ /d/l: target target -> other\\n']],
  ['inline content', { '/d/i': '/d/i 5 100644 1 0 0 0 0.0 - hellO -' }, ['~ /d/i: content']],
  ['object', { '/d/f': `/d/f 1000 100644 2 0 0 0 1.5 bb/x - ${TWO}` }, ['~ /d/f: content']],
  ['size', { '/d/f': `/d/f 1001 100644 2 0 0 0 1.5 aa/x - ${ONE}` }, ['~ /d/f: size 1000 -> 1001']],
  ['links', { '/d/f': `/d/f 1000 100644 3 0 0 0 1.5 aa/x - ${ONE}` }, ['~ /d/f: nlink 2 -> 3']],
  [
    'xattrs',
    { '/d/x': '/d/x 0 100644 1 0 0 0 0.0 - - - user.k=\\x00 user.n=' },
    ['~ /d/x: xattr user.k "v" -> "\\x00", xattr user.n none -> ""'],
  ],
  [
    'a hard link becomes a file',
    { '/d/h': `/d/h 1000 100644 2 0 0 0 1.5 aa/x - ${ONE}` },
    ['~ /d/h: hard link to /d/f -> none'],
  ],
  [
    'a directory is gone with all in it, its neighbour stays',
    { '/d': undefined, '/d/f': undefined, '/d/h': undefined, '/d/i': undefined, '/d/l': undefined, '/d/x': undefined },
    ['- /d', '- /d/f', '- /d/h', '- /d/i', '- /d/l', '- /d/x'],
  ],
]

for (const [what, changes, expected] of CASES) {
  test(`says: ${what}`, () => {
    const { status, stdout, stderr } = command('composefs', 'diff', base, image(but(changes)))
    assert.is(status, 0, stderr)
    const text = stdout.toString()
    // How contents differ is said by digests, which --json has.
    const lines = text.split('\n').slice(0, -3)
    assert.equal(lines, expected)
  })
}

test('says what is shared', () => {
  const other = image(but({ '/d/n': `/d/n 70000 100644 1 0 0 0 0.0 bb/n - ${TWO}`, '/d/i': undefined }))
  assert.match(
    command('composefs', 'diff', base, other).stdout.toString(),
    /\n1 added, 1 removed, 0 changed\n1 objects \(1000 B\) shared, 0 objects \(0 B\) only in the first, 1 objects \(68\.4 KiB\) only in the second\n$/,
  )
})

test('--json says the same, and contents by digest', () => {
  const other = image(but({ '/d/f': `/d/f 1000 100644 2 0 0 0 1.5 bb/x - ${TWO}`, '/d/i': undefined }))
  assert.equal(JSON.parse(command('composefs', 'diff', '--json', base, other).stdout.toString()), {
    added: [],
    removed: [{ path: '/d/i', type: 'file' }],
    changed: [{ path: '/d/f', changes: { content: [ONE, TWO] } }],
    objects: {
      shared: { objects: 0, bytes: 0 },
      onlyFirst: { objects: 1, bytes: 1000 },
      onlySecond: { objects: 1, bytes: 1000 },
    },
  })
})

test('an image of the other format that says the same has no difference', () => {
  const lines = BASE.filter(line => !line.startsWith('/d/i'))
  const { status, stdout } = command(
    'composefs',
    'diff',
    '--exit-code',
    image(lines, '--min-version=1'),
    image(lines, '--format=cfs-v1'),
  )
  assert.match(stdout.toString(), /^0 added, 0 removed, 0 changed\n/)
  assert.is(status, 0)
})

test('--exit-code', () => {
  assert.is(command('composefs', 'diff', '--exit-code', base, base).status, 0)
  assert.is(command('composefs', 'diff', '--exit-code', base, image([ROOT])).status, 1)
})

test('wrong usage and bad images', () => {
  assert.is(command('composefs', 'diff', base).status, 2)
  assert.is(command('composefs', 'diff', base, base, base).status, 2)
  const missing = command('composefs', 'diff', base, join(dir, 'missing'))
  assert.is(missing.status, 1)
  assert.match(missing.stderr, /^composefs: open: .*missing: no such file or directory\n$/)
  writeFileSync(join(dir, 'bad'), 'no image')
  assert.is(command('composefs', 'diff', join(dir, 'bad'), base).status, 1)
})

test.run()
