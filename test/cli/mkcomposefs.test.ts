// mkcomposefs --from-file: options, operands, exit codes and streams, and what becomes of IMAGE (spec
// composefs-tools.md 1.1 to 1.3). Each call is made of the C tool too where it is. Images themselves: test/writer.
// Not here: directories as SOURCE.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT, skip } from '../helpers/paths.js'
import { C_MAKE, difference, imageOfDump, NO_C_MAKE } from '../helpers/written.js'
import { KNOWN_DUMPS } from '../writer/known-dumps.js'

const DUMP = KNOWN_DUMPS[1].dump
const WHITEOUTS = KNOWN_DUMPS[2].dump
const ROOT_LINE = KNOWN_DUMPS[0].dump
const CARELESS = `${ROOT_LINE}/f 0 100644 1 0 0 5 0.0 - - -\n`
const OURS = [process.execPath, join(ROOT, 'dist/bin/mkcomposefs.js')]
const MAX_OUTPUT = 64 << 20

const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-mk-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
let folders = 0

/** A folder of its own with the dumps in it. */
function folder(): string {
  const path = join(temporary, String(folders++))
  mkdirSync(path)
  writeFileSync(join(path, 'dump'), DUMP)
  writeFileSync(join(path, 'whiteouts'), WHITEOUTS)
  writeFileSync(join(path, 'bad'), `${ROOT_LINE}/x 0 644 1 0 0 0 0.0 - - -\n`)
  writeFileSync(join(path, 'careless'), CARELESS)
  writeFileSync(join(path, 'empty'), '')
  mkdirSync(join(path, 'dir'))
  return path
}

interface Ran {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
  /** What is at IMAGE (`image`) afterwards. */
  readonly image: Buffer | undefined
  /** All names in the folder afterwards. */
  readonly names: readonly string[]
}

interface Call {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

function run(tool: readonly string[], args: readonly string[], { input = '', env, cwd = folder() }: Call = {}): Ran {
  const { CFS_PARSE_STRICT: _, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync(tool[0], [...tool.slice(1), ...args], {
    cwd,
    input,
    env: { ...inherited, ...env },
    maxBuffer: MAX_OUTPUT,
  })
  const names = readdirSync(cwd)
  const image = names.includes('image') ? readFileSync(join(cwd, 'image')) : undefined
  return { status, stdout, stderr: stderr.toString(), image, names }
}

interface Row extends Call {
  readonly args: readonly string[]
  /** Versions of the image that must be at `image`; none when the call must fail or writes no such file. */
  readonly image?: readonly [dump: string, min: number, max: number]
  readonly stdout?: string | Buffer
  readonly status: 0 | 1
  /** What stderr must say. */
  readonly says?: RegExp
}

const VERITY = KNOWN_DUMPS[1].v0.verity ?? ''
const IMAGE = imageOfDump(DUMP)
const whole = [DUMP, 0, 1] as const

const usage = (...args: string[]): Row => ({ args, status: 1, says: /^mkcomposefs: .*\nUsage: mkcomposefs / })
const fails = (says: RegExp, ...args: string[]): Row => ({ args, status: 1, says })
const writes = (image: Row['image'], ...args: string[]): Row => ({ args, status: 0, image })

const OPERANDS: readonly Row[] = [
  usage(),
  usage('dump'),
  usage('--from-file'),
  usage('--from-file', 'dump'),
  usage('--from-file', 'dump', 'image', 'more'),
  usage('--from-file', '--print-digest-only'),
  usage('--from-file', '--print-digest-only', 'dump', 'image'),
  fails(/^mkcomposefs: .*empty/, '--from-file', '', 'image'),
  fails(/^mkcomposefs: .*empty/, '--from-file', '', 'image', 'more'),
  usage('--nonsense', '--from-file', 'dump', 'image'),
  usage('-x', '--from-file', 'dump', 'image'),
  usage('--from-file=yes', 'dump', 'image'),
  usage('--print', '--from-file', 'dump', 'image'),
  usage('--m', '--from-file', 'dump', 'image'),
  fails(/^mkcomposefs: .*/, 'dump', 'image', '--from-file', '--min-version'),
  fails(/^mkcomposefs: .*/, 'dump', 'image', '--from-file', '--digest-store'),
  writes(whole, '--from-file', 'dump', 'image'),
  writes(whole, 'dump', '--from-file', 'image'),
  writes(whole, 'dump', 'image', '--from-file'),
  writes(whole, '--from-file', '--', 'dump', 'image'),
  writes(whole, '--from', 'dump', 'image'),
  writes(whole, '--from-file', '--from-file', 'dump', 'image'),
  { args: ['--from-file', '-', 'image'], input: DUMP, status: 0, image: whole },
  { args: ['--from-file', 'dump', '-'], status: 0, stdout: IMAGE },
  { args: ['--from-file', '-', '-'], input: DUMP, status: 0, stdout: IMAGE },
  { args: ['--from-file', '-', 'image'], input: '', status: 1, says: /no files/i },
  { args: ['--from-file', '--', 'dump', '-'], status: 0, stdout: IMAGE },
]

const DIGESTS: readonly Row[] = [
  { args: ['--print-digest', '--from-file', 'dump', 'image'], status: 0, image: whole, stdout: `${VERITY}\n` },
  { args: ['--print-digest-only', '--from-file', 'dump'], status: 0, stdout: `${VERITY}\n` },
  { args: ['--print-digest-o', '--from-file', 'dump'], status: 0, stdout: `${VERITY}\n` },
  { args: ['--print-digest', '--print-digest-only', '--from-file', 'dump'], status: 0, stdout: `${VERITY}\n` },
  {
    args: ['--print-digest', '--from-file', 'dump', '-'],
    status: 0,
    stdout: Buffer.concat([IMAGE, Buffer.from(`${VERITY}\n`)]),
  },
  {
    args: ['--print-digest', '--min-version=1', '--from-file', 'dump', 'image'],
    status: 0,
    image: [DUMP, 1, 1],
    stdout: `${KNOWN_DUMPS[1].v1.verity}\n`,
  },
  { args: ['--print-digest', '--from-file', 'bad', 'image'], status: 1, says: /line 2/ },
  { args: ['--print-digest-only', '--from-file', 'bad'], status: 1, says: /line 2/ },
]

const versions = (min: number, max: number, ...args: string[]): Row =>
  writes([WHITEOUTS, min, max], ...args, '--from-file', 'whiteouts', 'image')
const VERSIONS: readonly Row[] = [
  versions(0, 1),
  versions(1, 1, '--min-version=1'),
  versions(0, 1, '--max-version=1'),
  versions(0, 0, '--max-version=0'),
  versions(0, 0, '--min-version=0'),
  versions(0, 1, '--min-version=0', '--max-version=1'),
  versions(1, 1, '--min-version=1', '--max-version=0'),
  versions(1, 1, '--min-version', '1'),
  versions(0, 0, '--min-version=1', '--min-version=0'),
  versions(1, 1, '--min=1'),
  versions(1, 1, '--min-version=+1'),
  versions(1, 1, '--min-version=01'),
  versions(1, 1, '--min-version= 1'),
  versions(0, 0, '--min-version=-0'),
  ...['2', '-1', '10', '2147483647', '-2147483648']
    .flatMap(n => [
      fails(/^mkcomposefs: .+/, `--min-version=${n}`, '--from-file', 'dump', 'image'),
      fails(/^mkcomposefs: .+/, `--max-version=${n}`, '--min-version=0', '--from-file', 'dump', 'image'),
    ])
    .filter(({ args }) => !args[0].startsWith('--max-version=-')),
  ...['', 'x', '1x', '1 ', '0x1', '1.0', '-', '--'].flatMap(n => [
    fails(/invalid/i, `--min-version=${n}`, '--from-file', 'dump', 'image'),
    fails(/invalid/i, `--max-version=${n}`, '--from-file', 'dump', 'image'),
    fails(/invalid/i, `--threads=${n}`, '--from-file', 'dump', 'image'),
  ]),
  ...['0', '-1', '-7'].map(n => fails(/invalid/i, `--threads=${n}`, '--from-file', 'dump', 'image')),
  ...['1', '4', '100', '+2'].map(n => writes(whole, `--threads=${n}`, '--from-file', 'dump', 'image')),
]

const OTHERS: readonly Row[] = [
  writes(whole, '--use-epoch', '--skip-devices', '--skip-xattrs', '--from-file', 'dump', 'image'),
  writes(whole, '--user-xattrs', '--digest-store=objects', '--from-file', 'dump', 'image'),
  writes(whole, '--skip-xattrs', '--user-xattrs', '--from-file', 'dump', 'image'),
  fails(/^mkcomposefs: open: none: no such file or directory\n$/, '--from-file', 'none', 'image'),
  fails(/^mkcomposefs: .+: dir: illegal operation on a directory\n$/, '--from-file', 'dir', 'image'),
  fails(/^mkcomposefs: open: dir: .*directory\n$/, '--from-file', 'dump', 'dir'),
  fails(/^mkcomposefs: open: none\/image: no such file or directory\n$/, '--from-file', 'dump', 'none/image'),
  fails(/^mkcomposefs: open: dump\/image: not a directory\n$/, '--from-file', 'dump', 'dump/image'),
  fails(/^mkcomposefs: dump: bad: line 2: MODE: .+\n$/, '--from-file', 'bad', 'image'),
  fails(/^mkcomposefs: dump: empty: .*no files.*\n$/, '--from-file', 'empty', 'image'),
  {
    args: ['--from-file', '-', 'image'],
    input: '/ 0 644',
    status: 1,
    says: /^mkcomposefs: dump: -: line 1: MODE: .+\n$/,
  },
]

const STRICTNESS: readonly Row[] = [
  { args: ['--from-file', 'careless', 'image'], status: 0, image: [CARELESS, 0, 1] },
  ...['1', '', '0'].map(
    (value): Row => ({
      args: ['--from-file', 'careless', 'image'],
      env: { CFS_PARSE_STRICT: value },
      status: 1,
      says: /^mkcomposefs: dump: careless: line 2: RDEV: .+\n$/,
    }),
  ),
  { args: ['--from-file', 'dump', 'image'], env: { CFS_PARSE_STRICT: '1' }, status: 0, image: whole },
]

const options = suite('mkcomposefs --from-file')
for (const row of [...OPERANDS, ...DIGESTS, ...VERSIONS, ...OTHERS, ...STRICTNESS]) {
  const { args, status, image, stdout = '', says = /^$/ } = row
  const env = Object.entries(row.env ?? {}).map(([name, value]) => `${name}=${value} `)
  options(`${env.join('')}mkcomposefs ${args.map(arg => (arg === '' ? "''" : arg)).join(' ')}`, () => {
    const ours = run(OURS, args, row)
    assert.match(ours.stderr, says)
    assert.is(ours.status, status, ours.stderr)
    assert.is(difference(ours.stdout, Buffer.from(stdout)), undefined, 'standard output')
    assert.is(ours.image === undefined, image === undefined, `the folder holds ${ours.names.join(' ')}`)
    if (ours.image !== undefined && image !== undefined) {
      const [dump, minVersion, maxVersion] = image
      assert.is(difference(ours.image, imageOfDump(dump, { minVersion, maxVersion })), undefined)
    }
    assert.equal(
      ours.names.filter(name => !/^(?:dump|whiteouts|bad|careless|empty|dir|image)$/.test(name)),
      [],
    )
    if (C_MAKE === undefined) return
    const theirs = run([C_MAKE], args, row)
    assert.is(ours.status, theirs.status, `status, where the C tool says ${theirs.stderr}`)
    assert.is(difference(ours.stdout, theirs.stdout), undefined, "standard output is the C tool's")
    if (status === 0 && ours.image !== undefined)
      assert.is(difference(ours.image, theirs.image ?? Buffer.of()), undefined)
  })
}
if (C_MAKE === undefined) skip(options, 'the same calls of the C tool', NO_C_MAKE)
options.run()
