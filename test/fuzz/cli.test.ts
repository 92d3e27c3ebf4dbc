// composefs fuzz, as a user runs it; and with targets of the test's own, which break their promises.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fuzz } from '../../src/cli/fuzz.js'
import { sha256 } from '../../src/cli/fuzz-corpus.js'
import { BYTE_MUTATORS } from '../../src/fuzz/mutate-bytes.js'
import { type Target, Violation } from '../../src/fuzz/target.js'
import { TARGETS } from '../../src/fuzz/targets.js'
import { command, startCommand } from '../helpers/command.js'

const test = suite('composefs fuzz')
const HASH = /^[0-9a-f]{64}$/
const top = fs.mkdtempSync(join(tmpdir(), 'composefs-fuzz-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))

function directory(): string {
  return fs.mkdtempSync(join(top, 'corpus-'))
}

function kept(dir: string, target: string): string[] {
  const path = join(dir, target)
  return fs.existsSync(path) ? fs.readdirSync(path).filter(name => HASH.test(name)) : []
}

/** All files below a directory, with what is in them. */
function content(dir: string): Record<string, string> {
  const entries = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const files = entries.map(entry => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(files.map(path => [path.slice(dir.length), fs.readFileSync(path, 'base64')]))
}

function results(...args: string[]) {
  const ran = command('composefs', 'fuzz', ...args, '--json')
  assert.is(ran.stderr, '')
  return { status: ran.status, targets: JSON.parse(ran.stdout.toString()) }
}

test('without a target they are listed, each with what it promises', () => {
  const { status, targets } = results()
  assert.is(status, 0)
  assert.equal(
    targets.map(({ name }: { name: string }) => name),
    Object.keys(TARGETS),
  )
  for (const { name, invariants } of targets) assert.ok(invariants.length > 0, name)
  const text = command('composefs', 'fuzz').stdout.toString()
  for (const name of Object.keys(TARGETS)) assert.match(text, new RegExp(`^${name}\n  \\S`, 'm'))
})

test('same seed and runs, same corpus, figures and state', () => {
  const [one, same] = [directory(), directory()]
  const [a, b] = [one, same].map(dir => results('walk', '--runs', '2000', '--seed', '9', '--corpus', dir))
  assert.is(a.status, 0)
  const [figures, again] = [a, b].map(({ targets: [{ seconds, perSecond, ...rest }] }) => rest)
  assert.equal(figures, again)
  assert.is(figures.runs, 2000)
  assert.equal(content(one), content(same))
  const names = kept(one, 'walk')
  assert.is(names.length, figures.corpus)
  for (const name of names) assert.is(sha256(fs.readFileSync(join(one, 'walk', name))), name)
})

test('broken off and gone on with is the same as in one go', () => {
  const [parts, whole] = [directory(), directory()]
  results('xattrs', '--runs', '1000', '--seed', '4', '--corpus', parts)
  const second = results('xattrs', '--runs', '1000', '--corpus', parts)
  assert.is(second.targets[0].before, 1000)
  assert.is(second.targets[0].seed, 4)
  results('xattrs', '--runs', '2000', '--seed', '4', '--corpus', whole)
  assert.equal(content(parts), content(whole))
})

test('all take their turns, and the time is theirs together', () => {
  const ran = command('composefs', 'fuzz', '--seconds', '1', '--seed', '1')
  assert.is(ran.status, 0, ran.stdout.toString())
  const lines = ran.stdout.toString().trim().split('\n')
  assert.equal(
    lines.map(line => line.split(':')[0]),
    Object.keys(TARGETS),
  )
  for (const line of lines) assert.match(line, /\d runs, .*, seed 1: nothing found$/)
  const { targets } = results('open', 'walk', '--seconds', '1')
  const [one, other] = targets.map(({ seconds }: { seconds: number }) => seconds)
  assert.ok(one >= 0.5 && one < 1, `${one} s`)
  assert.ok(one + other >= 1, `${one} and ${other} s`)
})

test('Ctrl-C ends it with its last line, and with a corpus to go on with', async () => {
  const dir = directory()
  const child = startCommand('composefs', ['fuzz', 'open', '--corpus', dir])
  let output = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  const closed = new Promise<number | null>(resolve => child.once('close', resolve))
  while (kept(dir, 'open').length === 0 && child.exitCode === null) await new Promise(go => setTimeout(go, 20))
  child.kill('SIGINT')
  assert.is(await closed, 0)
  assert.match(output, /^open: \d+ runs, .*: nothing found\n$/)
  const state = JSON.parse(fs.readFileSync(join(dir, 'open/state.json'), 'utf8'))
  const next = results('open', '--runs', '100', '--corpus', dir).targets[0]
  assert.is(next.before, state.runs)
  assert.is(next.seed, state.seed)
})

test('files that someone put into the corpus are run', () => {
  const dir = directory()
  fs.mkdirSync(join(dir, 'open'))
  fs.writeFileSync(join(dir, 'open/mine.img'), 'no image')
  const { corpus } = results('open', '--runs', '1', '--seed', '1', '--corpus', dir).targets[0]
  assert.is(corpus, TARGETS['open']().seeds.length + 1)
})

test('wrong usage is 2, and says what is right', () => {
  const wrong: [string[], RegExp][] = [
    [['nothing'], /fuzz: nothing: no such target; there are open, /],
    [['open', '--runs', '0'], /--runs is a whole number from 1 on/],
    [['open', '--runs', '1e3'], /--runs is a whole number/],
    [['open', '--seconds', '0'], /--seconds is a number above 0/],
    [['open', '--seconds=-1'], /--seconds is a number above 0/],
    [['open', '--seed', 'x'], /--seed is a whole number from 0 on/],
    [['open', '--corpus', '', '--runs', '1'], /--corpus is a directory/],
    [['open', 'walk'], /several targets need --seconds or --runs/],
    [['--corpus', top], /all targets need --seconds or --runs/],
    [['--sead', '1'], /sead/],
  ]
  for (const [args, pattern] of wrong) {
    const ran = command('composefs', 'fuzz', ...args)
    assert.is(ran.status, 2, args.join(' '))
    assert.match(ran.stderr, pattern)
    assert.is(ran.stdout.length, 0)
  }
})

test('a corpus that can not be is one line and 1', () => {
  const file = join(top, 'file')
  fs.writeFileSync(file, '')
  const ran = command('composefs', 'fuzz', 'open', '--runs', '1', '--corpus', file)
  assert.is(ran.status, 1)
  assert.match(ran.stderr, /^composefs: make: .*\n$/)
  const dir = directory()
  fs.mkdirSync(join(dir, 'open'))
  fs.writeFileSync(join(dir, 'open/state.json'), '{"seed":1}')
  assert.match(command('composefs', 'fuzz', 'open', '--runs', '1', '--corpus', dir).stderr, /is no state of a fuzzer/)
})

test('help says how, the overview names it', () => {
  assert.match(command('composefs', 'fuzz', '--help').stdout.toString(), /^Usage: composefs fuzz /)
  assert.match(command('composefs', '--help').stdout.toString(), /composefs fuzz \[TARGET/)
})

/** Breaks one promise by a letter anywhere, another by a second one, in words that differ by a number. */
function frail(): Target {
  const run = (input: Uint8Array) => {
    const at = input.indexOf(0x41)
    if (at >= 0) throw new Violation('no A', `one at ${at}`)
    if (input.includes(0x42)) throw new TypeError('a B')
    return true
  }
  const seeds = [new Uint8Array(64)]
  return { name: 'frail', invariants: ['no A'], maxBytes: 256, mutators: BYTE_MUTATORS, seeds, run }
}

test('a promise that breaks is 1, noted once, made smaller, and kept with what is known', async () => {
  const [dir, same] = [directory(), directory()]
  const args = ['frail', '--runs', '20000', '--seed', '5', '--corpus']
  assert.is(await fuzz([...args, dir], { frail }), 1)
  assert.is(await fuzz([...args, same], { frail }), 1)
  assert.equal(content(dir), content(same))
  const crashes = join(dir, 'frail/crashes')
  const inputs = fs.readdirSync(crashes).filter(name => HASH.test(name))
  const facts = inputs.map(name => JSON.parse(fs.readFileSync(join(crashes, `${name}.json`), 'utf8')))
  const broken = new Map(facts.map((fact, i) => [fact.invariant, { ...fact, input: inputs[i] }]))
  assert.equal([...broken.keys()].sort(), ['no A', 'throws nothing else'])
  for (const [invariant, letter] of [
    ['no A', 'A'],
    ['throws nothing else', 'B'],
  ]) {
    const { input, run, seed, mutators, target } = broken.get(invariant)
    assert.is(fs.readFileSync(join(crashes, input), 'latin1'), letter)
    assert.is(input, sha256(Buffer.from(letter)))
    assert.is(target, 'frail')
    assert.is(seed, 5)
    assert.ok(run > 1 && run <= 20000)
    assert.ok(mutators.length > 0)
  }
})

test('what is sound is 0', async () => {
  const sound = (): Target => ({ ...frail(), name: 'sound', run: () => true })
  assert.is(await fuzz(['sound', '--runs', '500'], { sound }), 0)
})

test.run()
