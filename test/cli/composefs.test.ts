// composefs ls, cat, stat, verify, extract: what they print, what they leave, and how they fail.
import { hash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, type Ran } from '../helpers/command.js'
import { kernelTree } from '../helpers/kernel.js'
import { fixture } from '../helpers/paths.js'
import { escapeBytes, readTruth, walkTruth } from '../helpers/truth.js'

const cli = suite('composefs')
const image = fixture('small.cfs')
const store = fixture('objects')
const truth = readTruth(fixture('small.truth.jsonl.gz'))
const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-cli-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

interface Listed {
  readonly path: string
  readonly pathHex?: string
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  readonly size: number
  readonly mtime: string
  readonly target?: string
}

function pathBytes({ path, pathHex }: Listed): Buffer {
  return pathHex === undefined ? Buffer.from(path) : Buffer.from(pathHex, 'hex')
}

function fails(run: Ran, words: RegExp | string, status = 1): void {
  assert.is(run.status, status, run.stderr)
  assert.match(run.stderr, words)
  assert.is(run.stderr.trimEnd().split('\n').length, 1, run.stderr)
  assert.match(run.stderr, /^composefs(?:-info)?: /)
}

cli('ls -R --json lists every entry of the truth', () => {
  const { stdout, status } = command('composefs', 'ls', '-R', '--json', image, '/')
  assert.is(status, 0)
  const listed = new Map(
    (JSON.parse(stdout.toString()) as Listed[]).map(entry => [escapeBytes(pathBytes(entry)), entry]),
  )
  const wanted = truth.filter(entry => entry.path !== '/')
  assert.is(listed.size, wanted.length)
  for (const entry of wanted) {
    const found = listed.get(entry.path)
    assert.ok(found, entry.path)
    assert.is(Number.parseInt(found.mode, 8), Number.parseInt(entry.mode, 8) & 0o7777, entry.path)
    assert.is(found.mtime, entry.mtime, entry.path)
    assert.equal([found.uid, found.gid, found.nlink], [entry.uid, entry.gid, entry.nlink], entry.path)
    if (entry.size !== undefined) assert.is(found.size, entry.size, entry.path)
  }
})

cli('ls of one directory, of a file, of what is not there', () => {
  assert.is(command('composefs', 'ls', image, '/awkward/inline').stdout.toString(), '0\n1\n63\n64\n')
  assert.is(command('composefs', 'ls', image, '/awkward/inline/63').stdout.toString(), '/awkward/inline/63\n')
  fails(command('composefs', 'ls', image, '/nothing'), 'no such file')
})

cli('cat writes the bytes of the file, checked', () => {
  const { stdout, status } = command(
    'composefs',
    'cat',
    image,
    '/project/package.json',
    '/awkward/inline/1',
    '--basedir',
    store,
  )
  assert.is(status, 0)
  const { sha256 } = truth.find(entry => entry.path === '/project/package.json') ?? {}
  assert.is(hash('sha256', stdout.subarray(0, -1), 'hex'), sha256)
  fails(command('composefs', 'cat', image, '/project/package.json'), 'no store')
  fails(command('composefs', 'cat', image, '/project', '--basedir', store), /illegal operation on a directory/)
})

cli('an altered object is an error and none of its bytes come out', () => {
  const copy = join(temporary, 'altered')
  cpSync(store, copy, { recursive: true })
  const [dir] = readdirSync(copy)
  const [name] = readdirSync(join(copy, dir))
  const bytes = readFileSync(join(copy, dir, name))
  bytes[bytes.length - 1] ^= 1
  writeFileSync(join(copy, dir, name), bytes)
  const verified = command('composefs', 'verify', image, '--basedir', copy, '--json')
  assert.is(verified.status, 1)
  const { problems } = JSON.parse(verified.stdout.toString())
  assert.is(problems.length, 1)
  assert.is(problems[0].code, 'EIO')
  const cat = command('composefs', 'cat', image, problems[0].path, '--basedir', copy)
  fails(cat, problems[0].path)
  assert.is(cat.stdout.length, 0)
  unlinkSync(join(copy, dir, name))
  fails({ ...command('composefs', 'verify', image, '--basedir', copy), stdout: Buffer.alloc(0) }, `${dir}/${name}`)
})

cli('verify passes a sound image, and refuses one with another digest', () => {
  const { stdout, status } = command('composefs', 'verify', image, '--basedir', store, '--json')
  assert.is(status, 0)
  const { digest, entries, objects, objectsRead, problems } = JSON.parse(stdout.toString())
  assert.is(entries, truth.length)
  assert.is(objects, objectsRead)
  assert.equal(problems, [])
  assert.is(command('composefs', 'verify', image, '--digest', digest).status, 0)
  fails(
    command('composefs', 'verify', image, '--digest', digest.replace(/^./, digest.startsWith('0') ? '1' : '0')),
    digest,
  )
  fails(command('composefs', 'verify', image, '--digest', 'abc'), 'hex', 2)
})

cli('stat says what the truth says', () => {
  const { stdout, status } = command(
    'composefs',
    'stat',
    '--json',
    image,
    '/project/package.json',
    '/awkward/special/blk',
  )
  assert.is(status, 0)
  const [file, device] = JSON.parse(stdout.toString())
  assert.is(file.object.replace('/', ''), file.digest)
  assert.ok(existsSync(join(store, file.object)))
  assert.is(`${device.major}:${device.minor}`, '259:70000')
  fails(command('composefs', 'stat', image, '/nothing'), 'no such file')
})

cli('extract makes the tree that the image describes', () => {
  const to = join(temporary, 'extracted')
  const { status, stdout, stderr } = command('composefs', 'extract', image, to, '--basedir', store)
  assert.is(status, 0, stderr)
  assert.match(stdout.toString(), 'not restored')
  const root = process.getuid?.() === 0
  // Only root reads files without permissions, and makes devices.
  const found = new Map(walkTruth(kernelTree(to), { content: root }).map(entry => [entry.path, entry]))
  for (const { xattrs, mtime, uid, gid, nlink, sha256, ...bare } of truth) {
    if (!root && bare.rdev !== undefined) continue
    const entry = root && sha256 !== undefined ? { ...bare, sha256 } : bare
    const { xattrs: _x, mtime: time, uid: owner, gid: group, nlink: _n, ...rest } = found.get(entry.path) ?? {}
    if (entry.path === '/') continue
    assert.equal(rest, entry, entry.path)
    assert.ok(Math.abs(Number(time) - Number(mtime)) < 1e-5, `${entry.path}: ${time} instead of ${mtime}`)
    if (root) assert.equal([owner, group], [uid, gid], entry.path)
  }
  fails(command('composefs', 'extract', image, to, '--basedir', store), 'not empty')
})

cli('after a failed extract there is nothing', () => {
  const to = join(temporary, 'failed')
  fails(command('composefs', 'extract', image, to), 'no store')
  assert.not.ok(existsSync(to))
  assert.equal(
    readdirSync(temporary).filter(name => name.includes('failed')),
    [],
  )
  mkdirSync(to)
  fails(command('composefs', 'extract', image, to), 'no store')
  assert.equal(readdirSync(to), [])
})

cli('what is no image is one clear line', () => {
  const bad = join(temporary, 'bad')
  const sound = readFileSync(image)
  const files: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /superblock/],
    [sound.subarray(0, 1000), /superblock/],
    [Buffer.from('#!/bin/sh\n'.repeat(2000)), /superblock/],
    [new Uint8Array(65536).fill(0xff), /superblock/],
  ]
  for (const [bytes, words] of files) {
    writeFileSync(bad, bytes)
    for (const args of [
      ['ls', bad],
      ['cat', bad, '/x'],
      ['stat', bad, '/'],
      ['verify', bad],
      ['extract', bad, `${bad}.d`],
    ]) {
      fails(command('composefs', ...args), words)
    }
    fails(command('composefs-info', 'dump', bad), /./)
  }
  fails(command('composefs', 'ls', temporary), 'not a regular file')
  fails(command('composefs', 'ls', join(temporary, 'none')), 'no such file')
  writeFileSync(bad, sound.subarray(0, sound.length - 8192))
  assert.is(command('composefs', 'verify', bad).status, 1)
})

cli('wrong usage is status 2, help is 0', () => {
  fails(command('composefs'), 'no command', 2)
  fails(command('composefs', 'frobnicate'), 'no such command', 2)
  for (const name of ['ls', 'cat', 'stat', 'verify', 'extract']) {
    fails(command('composefs', name), 'no image', 2)
    fails(command('composefs', name, '--frobnicate', image), `composefs: ${name}: Unknown option '--frobnicate'`, 2)
    const help = command('composefs', name, '--help')
    assert.is(help.status, 0)
    assert.match(help.stdout.toString(), `Usage: composefs ${name}`)
  }
})

cli.run()
