// composefs fuzz --oracle, as a user runs it, with tools of the test's own on PATH: what crashes, hangs or disagrees is told of, written
// down, and makes the exit status 1. Real tools are asked where they are here.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toolPath } from '../../src/cli/fuzz-oracle-tools.js'
import { command, commandLater, type Ran } from '../helpers/command.js'
import { skip } from '../helpers/paths.js'

const test = suite('composefs fuzz --oracle')
const top = fs.mkdtempSync(join(tmpdir(), 'composefs-cli-oracle-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let made = 0

interface Told {
  readonly ran: Ran
  readonly directory: string
  readonly reports: readonly {
    readonly oracle: string
    readonly runs: number
    readonly skipped?: string
    readonly findings: readonly {
      readonly kind: string
      readonly key: string
      readonly image: string
      readonly times: number
    }[]
  }[]
}

/** What a tool that is a shell script is told to be, in the place of fsck.erofs. */
async function withTool(script: string, ...args: string[]): Promise<Told> {
  const bin = fs.mkdtempSync(join(top, 'bin-'))
  fs.writeFileSync(join(bin, 'fsck.erofs'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const PATH = `${bin}${delimiter}${process.env['PATH'] ?? ''}`
  return told(['--oracle', 'fsck.erofs', ...args], { PATH })
}

async function told(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Told> {
  const directory = join(top, `out-${made++}`)
  const ran = await commandLater('composefs', ['fuzz', ...args, '--corpus', directory, '--json'], env)
  assert.is(ran.stderr, '')
  return { ran, directory, reports: JSON.parse(ran.stdout.toString()) }
}

function checkWritten({ directory, reports }: Told): void {
  const [{ oracle, findings }] = reports
  for (const { image } of findings) assert.ok(fs.statSync(join(directory, image)).size > 0)
  const lines = fs.readFileSync(join(directory, 'report.jsonl'), 'utf8').trim().split('\n')
  assert.equal(
    lines.map(line => JSON.parse(line).key),
    [undefined, ...findings.map(({ key }) => key)],
  )
  assert.match(fs.readFileSync(join(directory, 'report.txt'), 'utf8'), new RegExp(`^${oracle}: `))
}

const SEED = ['--seed', '4']

test('a tool that crashes', async () => {
  const out = await withTool('kill -SEGV $$', '--runs', '2', ...SEED)
  assert.is(out.ran.status, 1)
  const [{ findings }] = out.reports
  assert.ok(findings.length > 0)
  for (const { kind, key } of findings) {
    assert.is(kind, 'their crash')
    assert.match(key, 'SIGSEGV')
  }
  checkWritten(out)
})

test('a tool that hangs', async () => {
  const start = performance.now()
  // In its own process, so that it is the one that is ended.
  const out = await withTool('exec sleep 60', '--runs', '1', '--image-seconds', '0.2', ...SEED)
  assert.is(out.ran.status, 1)
  assert.equal(
    out.reports[0].findings.map(({ kind }) => kind),
    ['their time-out'],
  )
  assert.ok(performance.now() - start < 40_000)
  checkWritten(out)
})

test('a tool that disagrees', async () => {
  const out = await withTool('echo "<E> erofs: it has 3 wrong bytes" >&2; exit 1', '--runs', '3', ...SEED)
  assert.is(out.ran.status, 1)
  const [{ findings, runs }] = out.reports
  assert.is(runs, 3)
  assert.ok(findings.length > 0)
  assert.ok(findings.every(({ kind, key }) => kind === 'they refuse' && key.includes('it has N wrong bytes')))
  checkWritten(out)
  const again = await withTool('echo "<E> erofs: it has 4 wrong bytes" >&2; exit 1', '--runs', '3', ...SEED)
  assert.equal(
    again.reports[0].findings.map(({ key }) => key),
    findings.map(({ key }) => key),
    'the same again',
  )
})

test('a tool that is not here', async () => {
  const bin = fs.mkdtempSync(join(top, 'bin-'))
  const out = await told(['--oracle', 'fsck.erofs', '--runs', '1'], { PATH: bin })
  assert.is(out.ran.status, 1)
  assert.match(out.reports[0].skipped ?? '', 'no fsck.erofs on PATH')
  // Asked for by no name, it is passed over.
  const all = await told(['--oracle', 'all', '--runs', '1', ...SEED], { PATH: bin, COMPOSEFS_INFO: '' })
  assert.ok(all.reports.filter(({ skipped }) => skipped !== undefined).length >= 3)
})

test('the plain decoder says the same', async () => {
  const { ran, reports } = await told(['--oracle', 'plain', '--runs', '40', ...SEED], {})
  assert.equal(reports[0].findings, [])
  assert.is(reports[0].runs, 40)
  assert.is(ran.status, 0)
})

if (toolPath('fsck.erofs') === undefined) skip(test, 'the real fsck.erofs', 'no fsck.erofs on PATH')
else {
  test('the real fsck.erofs', async () => {
    const out = await told(['--oracle', 'fsck.erofs', '--runs', '20', ...SEED], {})
    const [{ findings, runs }] = out.reports
    assert.is(runs, 20)
    // It has crashes of its own that are known.
    assert.ok(findings.every(({ kind }) => kind === 'their crash'))
    assert.is(out.ran.status, findings.length === 0 ? 0 : 1)
    checkWritten(out)
  })
}

test('wrong usage', () => {
  for (const args of [
    ['--oracle', 'plain', 'open'],
    ['--oracle', 'plain', '--seconds', '1'],
    ['--oracle', 'plain', '--image-seconds', '0'],
    ['open', '--runs', '1', '--image-seconds', '1'],
  ]) {
    const ran = command('composefs', 'fuzz', ...args)
    assert.is(ran.status, 2, args.join(' '))
    assert.match(ran.stderr, /^composefs: .*\n/)
  }
})

test.run()
