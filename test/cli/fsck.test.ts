// composefs fsck: each kind of problem, odd and hostile stores, what it prints and how it ends.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BuildRegister } from '../../src/store/directory-builds.js'
import type { Claim, Problem } from '../../src/store/directory-problem.js'
import { DirectorySurvey } from '../../src/store/directory-survey.js'
import { command, peer, type Ran, runPeer } from '../helpers/command.js'
import { longObject, type PoolObject, pathsIn, poolObject, sha512, write } from '../helpers/object-pool.js'
import { fixture, ROOT, skip } from '../helpers/paths.js'
import { sha256 } from '../helpers/store-hash.js'

const fsck = suite('composefs fsck')
const top = fs.mkdtempSync(join(tmpdir(), 'fsck-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => join(top, String(count++))
const isRoot = process.getuid?.() === 0

const IMAGE = fixture('small.cfs')
const needed = pathsIn(fixture('objects')).filter(path => path.includes('/'))
const [first, second] = needed

function furnished(...objects: readonly PoolObject[]): string {
  const root = fresh()
  fs.mkdirSync(root)
  for (const { name, data } of objects) write(root, name, data)
  return root
}

/** The store that the fixture's images need. */
function fixtureStore(): string {
  const root = fresh()
  fs.cpSync(fixture('objects'), root, { recursive: true })
  return root
}

interface Result {
  readonly objects: number
  readonly bytes: number
  readonly underWay: number
  readonly problems: readonly Problem[]
}

function checked(...args: string[]): Result & { status: number | null } {
  const { status, stdout, stderr } = command('composefs', 'fsck', '--json', ...args)
  assert.is(stderr, '')
  return { status, ...(JSON.parse(stdout.toString()) as Result) }
}

/** Kind and place of each problem, sorted. */
function kinds(problems: readonly Problem[]): string[] {
  return problems.map(({ kind, object }) => `${kind} ${object}`).sort()
}

function survey(root: string, claims?: ReadonlyMap<string, readonly Claim[]>): string[] {
  const problems: Problem[] = []
  new DirectorySurvey(root, { sha256, sha512, claims, report: problem => problems.push(problem) }).run()
  return kinds(problems)
}

function fails(run: Ran, words: RegExp | string, status = 1): void {
  assert.is(run.status, status, run.stderr)
  assert.match(run.stderr, words)
  assert.is(run.stderr.trimEnd().split('\n').length, 1, run.stderr)
  assert.match(run.stderr, /^composefs: /)
  assert.is(run.stdout.toString(), '')
}

fsck('a sound store, with and without its images', () => {
  const sizes = needed.map(name => fs.statSync(fixture('objects', name)).size)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const sound = { status: 0, objects: needed.length, bytes, underWay: 0, problems: [] }
  assert.equal(checked(fixture('objects')), sound)
  assert.equal(checked(fixture('objects'), IMAGE, fixture('small-v1.cfs')), sound)
  const { status, stdout } = command('composefs', 'fsck', fixture('objects'), IMAGE)
  assert.is(status, 0)
  assert.is(stdout.toString(), `${needed.length} objects, ${bytes} bytes of them, no problems\n`)
})

fsck('an empty store is sound, one that needs something is not', () => {
  assert.equal(checked(furnished()), { status: 0, objects: 0, bytes: 0, underWay: 0, problems: [] })
  const { status, problems } = checked(furnished(), IMAGE)
  assert.is(status, 1)
  assert.equal(
    kinds(problems),
    needed.map(name => `missing ${name}`),
  )
  assert.ok(problems.every(({ neededBy }) => neededBy === IMAGE))
})

/** What is done to a store that the image needs; what is found then, without and with the image. */
const CASES: readonly [string, (root: string) => void, readonly string[], readonly string[]][] = [
  [
    'a changed bit',
    root => {
      const bytes = fs.readFileSync(join(root, first))
      bytes[0] ^= 1
      fs.writeFileSync(join(root, first), bytes)
    },
    [`altered ${first}`],
    [`altered ${first}`],
  ],
  ['an object cut short', root => fs.truncateSync(join(root, first), 10), [`altered ${first}`], [`altered ${first}`]],
  ['an object emptied', root => fs.truncateSync(join(root, first)), [`altered ${first}`], [`altered ${first}`]],
  [
    'an object that grew',
    root => fs.appendFileSync(join(root, first), '\0'),
    [`altered ${first}`],
    [`altered ${first}`],
  ],
  ['an object gone', root => fs.rmSync(join(root, first)), [], [`missing ${first}`]],
  [
    'two objects that have changed places',
    root => {
      fs.renameSync(join(root, first), join(root, 'x'))
      fs.renameSync(join(root, second), join(root, first))
      fs.renameSync(join(root, 'x'), join(root, second))
    },
    [`altered ${first}`, `altered ${second}`],
    [`altered ${first}`, `altered ${second}`],
  ],
  [
    "an object at another's place",
    root => fs.renameSync(join(root, first), join(root, second)),
    [`altered ${second}`],
    [`misplaced ${second}`, `missing ${first}`, `missing ${second}`],
  ],
  [
    'an object in a wrong directory',
    root => {
      fs.mkdirSync(join(root, '00'))
      fs.renameSync(join(root, first), join(root, `00/${first.slice(3)}`))
    },
    [`misplaced 00/${first.slice(3)}`],
    [`misplaced 00/${first.slice(3)}`, `missing ${first}`],
  ],
  [
    'an object in the top directory',
    root => fs.renameSync(join(root, first), join(root, first.replace('/', ''))),
    [`misplaced ${first.replace('/', '')}`],
    [`misplaced ${first.replace('/', '')}`, `missing ${first}`],
  ],
  [
    'an object under its whole digest',
    root => fs.renameSync(join(root, first), join(root, first.slice(0, 3) + first.replace('/', ''))),
    [`misplaced ${first.slice(0, 3)}${first.replace('/', '')}`],
    [`misplaced ${first.slice(0, 3)}${first.replace('/', '')}`, `missing ${first}`],
  ],
  [
    'an object deep in foreign directories',
    root => {
      fs.mkdirSync(join(root, 'A/B/C'), { recursive: true })
      fs.renameSync(join(root, first), join(root, `A/B/C/sha256:${first.replace('/', '').toUpperCase()}`))
    },
    [`misplaced A/B/C/sha256:${first.replace('/', '').toUpperCase()}`, 'stray A'],
    [`misplaced A/B/C/sha256:${first.replace('/', '').toUpperCase()}`, `missing ${first}`, 'stray A'],
  ],
  [
    'a second copy of an object',
    root => fs.cpSync(join(root, first), join(root, first.replace('/', ''))),
    [`stray ${first.replace('/', '')}`],
    [`stray ${first.replace('/', '')}`],
  ],
  [
    'a sound object that nobody needs',
    root => write(root, poolObject(1).name, poolObject(1).data),
    [],
    [`stray ${poolObject(1).name}`],
  ],
  [
    'a SHA-512 object',
    root => write(root, longObject(1).name, longObject(1).data),
    [],
    [`stray ${longObject(1).name}`],
  ],
  [
    'an altered SHA-512 object',
    root => write(root, longObject(1).name, 'x'),
    [`altered ${longObject(1).name}`],
    [`altered ${longObject(1).name}`],
  ],
  [
    'a SHA-512 object in the top directory',
    root => write(root, longObject(1).digest, longObject(1).data),
    [`misplaced ${longObject(1).digest}`],
    [`misplaced ${longObject(1).digest}`],
  ],
  [
    'foreign files and directories',
    root => {
      write(root, 'README', 'x')
      write(root, 'lost+found/x', 'x')
      write(root, 'aa', 'a file, no directory')
      write(root, `${first}.bak`, 'x')
      write(root, `${first.slice(0, 3)}sub/x`, 'x')
      write(root, `AB/${'0'.repeat(62)}`, 'x')
    },
    [
      'stray AB',
      'stray README',
      'stray aa',
      `stray ${first.slice(0, 3)}sub`,
      `stray ${first}.bak`,
      'stray lost+found',
    ].sort(),
    [
      'stray AB',
      'stray README',
      'stray aa',
      `stray ${first.slice(0, 3)}sub`,
      `stray ${first}.bak`,
      'stray lost+found',
    ].sort(),
  ],
  [
    'an object that is a symlink to its content',
    root => {
      fs.renameSync(join(root, first), join(root, 'content'))
      fs.symlinkSync('../content', join(root, first))
    },
    [`stray ${first}`, 'stray content'],
    [`missing ${first}`, `stray ${first}`, 'stray content'],
  ],
  [
    'a directory of objects that is a symlink',
    root => {
      fs.renameSync(join(root, first.slice(0, 2)), join(root, 'moved'))
      fs.symlinkSync('moved', join(root, first.slice(0, 2)))
    },
    [`stray ${first.slice(0, 2)}`, 'stray moved'],
    [`missing ${first}`, `stray ${first.slice(0, 2)}`, 'stray moved'],
  ],
  [
    'symlinks that loop, lead away, lead nowhere',
    root => {
      fs.symlinkSync('loop', join(root, 'loop'))
      fs.symlinkSync('.', join(root, 'here'))
      fs.symlinkSync('/', join(root, 'root'))
      fs.symlinkSync('nowhere', join(root, 'aa'))
    },
    ['stray aa', 'stray here', 'stray loop', 'stray root'],
    ['stray aa', 'stray here', 'stray loop', 'stray root'],
  ],
  [
    'a directory at an object place',
    root => {
      fs.rmSync(join(root, first))
      fs.mkdirSync(join(root, first))
    },
    [`stray ${first}`],
    [`missing ${first}`, `stray ${first}`],
  ],
  [
    'leftovers of gc and of builds',
    root => {
      for (const name of ['.tmpabc123', '.build-1']) {
        write(root, name, 'x')
        fs.utimesSync(join(root, name), 1, 1)
      }
      fs.renameSync(join(root, first), join(root, `.gc-${first.replace('/', '')}-1`))
    },
    ['stray .build-1', `stray .gc-${first.replace('/', '')}-1`, 'stray .tmpabc123'],
    [`missing ${first}`, 'stray .build-1', `stray .gc-${first.replace('/', '')}-1`, 'stray .tmpabc123'],
  ],
]

for (const [what, change, without, withImage] of CASES) {
  fsck(`${what}`, () => {
    const root = fixtureStore()
    change(root)
    const before = pathsIn(root)
    assert.equal(survey(root), [...without].sort())
    const beside = checked(root, IMAGE)
    assert.equal(kinds(beside.problems), [...withImage].sort())
    assert.is(beside.status, withImage.length === 0 ? 0 : 1)
    assert.equal(pathsIn(root), before)
  })
}

fsck('the JSON says where a misplaced object belongs, and the digest of an altered one', () => {
  const root = fixtureStore()
  fs.renameSync(join(root, first), join(root, 'x'.repeat(2) + first.slice(2).replace('/', '')))
  write(root, second, '')
  const { problems } = checked(root)
  const altered = problems.find(({ kind }) => kind === 'altered')
  // The digest that the kernel gives an empty file.
  assert.equal(
    [altered?.size, altered?.digest],
    [0, '3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95'],
  )
  const misplaced = problems.find(({ kind }) => kind === 'misplaced')
  assert.equal([misplaced?.belongs, misplaced?.digest], [first, first.replace('/', '')])
})

fsck('what builds have in the store while they go on is no problem', () => {
  const root = fixtureStore()
  const build = BuildRegister.begin(root)
  write(root, '.tmpabc123', 'half an obj')
  const { status, underWay } = checked(root, IMAGE)
  assert.equal([status, underWay], [0, 2])
  build.end()
  assert.is(checked(root, IMAGE).underWay, 1)
})

fsck("an image's word against the object", () => {
  const { name, digest, data } = poolObject(1)
  const root = furnished(poolObject(1))
  const claim = (size: number, of: string | undefined, by = 'image'): Claim => ({ size, digest: of, by })
  const right = claim(data.length, digest)
  assert.equal(survey(root, new Map([[name, [right]]])), [])
  assert.equal(survey(root, new Map([[name, [claim(data.length + 1, digest)]]])), [`altered ${name}`])
  assert.equal(survey(root, new Map([[name, [claim(data.length, poolObject(2).digest)]]])), [`altered ${name}`])
  const two = [right, claim(data.length + 1, digest, 'other')]
  assert.equal(survey(root, new Map([[name, two]])), [`altered ${name}`])
})

fsck('objects under names that are no digests', () => {
  const { digest, data } = poolObject(1)
  const root = furnished()
  write(root, 'files/deep/down/below/there', data)
  write(root, 'files/other', 'x')
  const claims = (name: string) => new Map([[name, [{ size: data.length, digest, by: 'image' }]]])
  assert.equal(survey(root, claims('files/deep/down/below/there')), ['stray files/other'])
  assert.equal(survey(root, claims('files/other')), ['altered files/other', 'stray files/deep'])
  assert.equal(survey(root, claims('files/none')), ['missing files/none', 'stray files/deep', 'stray files/other'])
  assert.equal(survey(root, claims('files')), ['missing files', 'stray files'])
})

fsck('names with control characters come out as text, one line each', () => {
  const root = furnished()
  write(root, 'a\nb\x1b[31m', 'x')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'x')
  const { status, stdout } = command('composefs', 'fsck', root)
  assert.is(status, 1)
  const lines = stdout.toString().trimEnd().split('\n')
  assert.equal(
    lines.slice(0, -1).filter(line => line.includes('x0a')),
    ['stray: a\\x0ab\\x1b[31m: no object by its name'],
  )
  assert.match(lines.at(-1) ?? '', /^0 objects, 0 bytes of them, \d problems?$/)
})

if (process.platform !== 'win32') {
  fsck('special files are not opened', () => {
    const root = furnished(poolObject(1))
    execFileSync('mkfifo', [join(root, 'fifo'), join(root, `${poolObject(1).name.slice(0, 3)}${'0'.repeat(62)}`)])
    assert.equal(kinds(checked(root).problems), [
      `stray ${poolObject(1).name.slice(0, 3)}${'0'.repeat(62)}`,
      'stray fifo',
    ])
  })
}

if (!isRoot || spawnSync('setpriv', ['--version']).error !== undefined) {
  skip(fsck, 'what can not be read is a problem, and the rest goes on', 'needs root and setpriv, to be another user')
} else {
  fsck('what can not be read is a problem, and the rest goes on', () => {
    const root = furnished(poolObject(1), poolObject(2), poolObject(3))
    fs.chmodSync(top, 0o755)
    fs.chmodSync(join(root, poolObject(1).name), 0)
    fs.chmodSync(join(root, poolObject(2).name.slice(0, 2)), 0)
    const script = fresh()
    // Where anyone may read it.
    fs.cpSync(join(ROOT, 'dist/bin/composefs.js'), `${script}.cjs`)
    const args = ['--reuid=65534', '--clear-groups', process.execPath, `${script}.cjs`, 'fsck', '--json', root]
    const run = spawnSync('setpriv', args, { cwd: '/', encoding: 'utf8' })
    assert.is(run.status, 1, run.stderr)
    const { objects, problems } = JSON.parse(run.stdout) as Result
    assert.is(objects, 1)
    assert.equal(
      kinds(problems),
      [`unreadable ${poolObject(1).name}`, `unreadable ${poolObject(2).name.slice(0, 2)}`].sort(),
    )
    assert.ok(
      problems.every(({ why }) => why.includes('EACCES') && !why.includes('proc')),
      JSON.stringify(problems),
    )
  })
}

fsck('wrong usage, a missing store, wrong images: one line, and its status', () => {
  fails(command('composefs', 'fsck'), 'no store given', 2)
  fails(command('composefs', 'fsck', '--nothing', top), 'nothing', 2)
  fails(command('composefs', 'fsck', join(top, 'none')), /fsck: .*none: no such file/)
  fails(command('composefs', 'fsck', IMAGE), 'not a directory')
  fails(command('composefs', 'fsck', '--json', top, join(top, 'none')), /none: no such file/)
  fails(command('composefs', 'fsck', top, fixture('small.dump')), /small\.dump/)
  assert.is(command('composefs', 'fsck', '--help').status, 0)
})

const mkcomposefs = peer('MKCOMPOSEFS', 'mkcomposefs')
if (mkcomposefs === undefined) skip(fsck, 'images of the C tool that lie', 'no mkcomposefs')
else {
  fsck('images of the C tool that lie', () => {
    const { name, digest, data } = poolObject(1)
    const root = furnished(poolObject(1))
    const image = (size: number, payload: string, of: string): string => {
      const path = fresh()
      fs.writeFileSync(
        `${path}.dump`,
        `/ 0 40755 2 0 0 0 0.0 - - -\n/f ${size} 100644 1 0 0 0 0.0 ${payload} - ${of}\n`,
      )
      const run = runPeer(mkcomposefs, '--from-file', `${path}.dump`, path)
      assert.is(run.status, 0, run.stderr)
      return path
    }
    const found = (...images: string[]) => kinds(checked(root, ...images).problems)
    const right = image(data.length, name, digest)
    assert.equal(found(right), [])
    assert.equal(found(image(data.length + 1, name, digest)), [`altered ${name}`])
    assert.equal(found(right, image(data.length, name, poolObject(2).digest)), [`altered ${name}`])
    assert.equal(found(right, image(data.length, '../../etc/passwd', digest)), ['missing ../../etc/passwd'])
    assert.equal(found(image(data.length, `x/../${name}`, digest)), [])
    assert.equal(found(right, image(data.length, 'no/digest', digest)), ['missing no/digest'])
  })
}

fsck.run()
