// composefs push to directories: what is there afterwards, what a second push does, and how it goes on after it was killed.
// Buckets: push-s3.test.ts.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { command, type Ran, startCommand } from '../helpers/command.js'
import { pathsIn, poolObject, tick, write } from '../helpers/object-pool.js'
import { fixture, ROOT, skip } from '../helpers/paths.js'
import { imageOf, sizedObject } from '../helpers/published.js'
import { sha256 } from '../helpers/store-hash.js'

const push = suite('composefs push')
const top = fs.mkdtempSync(join(tmpdir(), 'push-command-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => {
  const path = join(top, String(count++))
  fs.mkdirSync(path)
  return path
}

const IMAGE = fixture('small.cfs')
const STORE = fixture('objects')
const needed = pathsIn(STORE).filter(path => path.includes('/'))

interface Summary {
  readonly objects: string[]
  readonly uploaded: number
  readonly uploadedBytes: number
  readonly present: number
  readonly trees: number
  readonly images: { readonly name: string; readonly uploaded: boolean; readonly digest: string }[]
  readonly failures: { readonly object: string; readonly why: string }[]
}

function pushed(...args: string[]): Summary {
  const { status, stdout, stderr } = command('composefs', 'push', '--json', ...args)
  assert.is(status, 0, stderr)
  assert.is(stderr, '')
  return JSON.parse(stdout.toString())
}

function fails(run: Ran, words: RegExp | string, status = 1): void {
  assert.is(run.status, status, run.stderr)
  assert.match(run.stderr, words)
  assert.match(run.stderr, /^composefs: /)
}

push('to a directory: objects as they were, the image byte for byte, and nothing else', () => {
  const target = join(fresh(), 'new', 'place')
  const first = pushed(IMAGE, '--basedir', STORE, '--to', target)
  assert.equal([first.uploaded, first.present, first.objects.sort()], [needed.length, 0, needed])
  execFileSync('diff', ['-r', STORE, join(target, 'objects')])
  assert.equal(fs.readFileSync(join(target, 'small.cfs')), fs.readFileSync(IMAGE))
  assert.equal(
    fs.readFileSync(join(target, 'small.cfs.verity')),
    Buffer.from(merkleTree(fs.readFileSync(IMAGE), sha256)),
  )
  assert.equal(fs.readdirSync(target).sort(), ['objects', 'small.cfs', 'small.cfs.verity'])
  assert.is(command('composefs', 'fsck', join(target, 'objects'), IMAGE).status, 0)
})

push('a second push brings nothing, and leaves the image alone', () => {
  const target = fresh()
  pushed(IMAGE, '--basedir', STORE, '--to', target)
  const before = fs.statSync(join(target, 'small.cfs'))
  const second = pushed(IMAGE, '--basedir', STORE, '--to', `file://${target}`)
  assert.equal([second.uploaded, second.present, second.images[0].uploaded], [0, needed.length, false])
  const after = fs.statSync(join(target, 'small.cfs'))
  assert.equal([after.ino, after.mtimeMs], [before.ino, before.mtimeMs])
})

push('large objects get their trees, several images go at once, and one of a name is replaced', async () => {
  const from = fresh()
  const target = fresh()
  const large = [sizedObject(3 * 2 ** 20 + 5, 1), sizedObject(9 * 2 ** 20, 2), sizedObject(2 ** 20, 3)]
  const one = imageOf(from, 'one.cfs', large)
  const two = imageOf(from, 'two.cfs', [large[0], poolObject(1)])
  const basedir = ['--basedir', join(from, 'objects')]
  const summary = pushed(one, two, ...basedir, '--to', target, '--jobs', '2')
  assert.equal([summary.uploaded, summary.trees, summary.images.length], [4, 2, 2])
  for (const [i, { name, data }] of large.entries()) {
    const path = join(target, 'objects', `${name}.verity`)
    assert.equal(Buffer.from(fs.readFileSync(join(target, 'objects', name))), Buffer.from(data))
    if (i < 2) assert.equal(fs.readFileSync(path), Buffer.from(merkleTree(data, sha256)))
    else assert.not.ok(fs.existsSync(path))
  }
  // A tree that is missing, or wrong, is made again.
  fs.rmSync(join(target, 'objects', `${large[0].name}.verity`))
  fs.writeFileSync(join(target, 'objects', `${large[1].name}.verity`), 'x')
  const again = pushed(one, ...basedir, '--to', target)
  assert.equal([again.uploaded, again.present, again.trees], [0, 3, 2])
  assert.is(command('composefs', 'fsck', join(target, 'objects'), one, two).status, 0)
  fs.copyFileSync(two, join(from, 'objects', 'one.cfs'))
  const replaced = pushed(join(from, 'objects', 'one.cfs'), ...basedir, '--to', target)
  assert.is(replaced.images[0].uploaded, true)
  assert.equal(fs.readFileSync(join(target, 'one.cfs')), fs.readFileSync(two))
  await tick()
  const gone = JSON.parse(
    command('composefs', 'gc', '--json', join(target, 'objects'), join(target, 'two.cfs')).stdout.toString(),
  )
  assert.equal([gone.removed, gone.needed, gone.trees], [2, 2, 1])
  const bare = fresh()
  assert.is(pushed(one, ...basedir, '--to', bare, '--no-verity-trees').trees, 0)
  assert.equal(
    pathsIn(bare).filter(path => path.endsWith('.verity')),
    [],
  )
})

push('a bad object: nothing wrong appears, it is named, and there is no image', () => {
  const from = fresh()
  const objects = [1, 2, 3].map(poolObject)
  const image = imageOf(from, 'image.cfs', objects)
  const [{ name, data }] = objects
  const altered = Buffer.from(data)
  altered[0] ^= 1
  write(join(from, 'objects'), name, altered)
  const target = fresh()
  const run = command('composefs', 'push', image, '--basedir', join(from, 'objects'), '--to', target)
  fails(run, name)
  assert.is(run.stdout.toString(), '')
  assert.not.ok(fs.existsSync(join(target, 'objects', name)))
  assert.not.ok(fs.existsSync(join(target, 'image.cfs')))
  assert.equal(
    pathsIn(target).filter(path => path.includes('.tmp') || path.includes('.build')),
    [],
  )
  // A truncated one, and one of the right size at the target that is too short there.
  write(join(from, 'objects'), name, data.subarray(0, -1))
  fails(command('composefs', 'push', image, '--basedir', join(from, 'objects'), '--to', target), name)
  write(join(from, 'objects'), name, data)
  write(join(target, 'objects'), name, data.subarray(0, -1))
  pushed(image, '--basedir', join(from, 'objects'), '--to', target)
  assert.is(command('composefs', 'fsck', join(target, 'objects'), image).status, 0)
})

push('missing objects: all are named, and nothing is brought', () => {
  const from = fresh()
  const objects = [1, 2, 3, 4].map(poolObject)
  const image = imageOf(from, 'image.cfs', objects)
  for (const { name } of objects.slice(0, 2)) fs.rmSync(join(from, 'objects', name))
  const target = join(fresh(), 'none')
  const run = command('composefs', 'push', image, '--basedir', join(from, 'objects'), '--to', target)
  fails(run, /not in the store/)
  const lines = run.stderr.trimEnd().split('\n')
  assert.equal(lines.map(line => objects.findIndex(({ name }) => line.includes(name))).sort(), [0, 1])
  assert.equal(fs.existsSync(target) ? pathsIn(target) : [], [])
})

push('--dry-run says what would go', () => {
  const target = join(fresh(), 'none')
  const run = command('composefs', 'push', IMAGE, '--basedir', STORE, '--to', target, '--dry-run')
  assert.is(run.status, 0, run.stderr)
  const lines = run.stdout.toString().trimEnd().split('\n')
  assert.equal(
    lines.slice(0, needed.length).sort(),
    needed.map(name => `would upload ${name}`),
  )
  assert.match(lines[needed.length], `${needed.length} objects would be uploaded`)
  assert.not.ok(fs.existsSync(target))
})

push('killed at any point, it goes on when it is run again', async () => {
  const from = fresh()
  const objects = Array.from({ length: 250 }, (_, i) => poolObject(i))
  const image = imageOf(from, 'image.cfs', objects)
  const target = fresh()
  const basedir = join(from, 'objects')
  const args = ['push', image, '--basedir', basedir, '--to', target, '--jobs', '2']
  const there = () =>
    fs.existsSync(join(target, 'objects')) ? pathsIn(join(target, 'objects')).filter(path => /\/.{62}$/.test(path)) : []
  for (const [i, enough] of [1, 40, 90].entries()) {
    const child = startCommand('composefs', args)
    const ended = new Promise(resolve => child.once('close', resolve))
    let running = true
    child.once('close', () => {
      running = false
    })
    while (running && there().length < enough) await new Promise(resolve => setTimeout(resolve, 2))
    assert.ok(running, `was not killed in time, round ${i}`)
    child.kill('SIGKILL')
    await ended
    assert.not.ok(fs.existsSync(join(target, 'image.cfs')))
  }
  const before = there().length
  assert.ok(before < objects.length)
  const summary = pushed(image, '--basedir', basedir, '--to', target)
  assert.equal([summary.present, summary.uploaded], [before, objects.length - before])
  assert.is(command('composefs', 'verify', join(target, 'image.cfs'), '--basedir', join(target, 'objects')).status, 0)
  execFileSync('diff', ['-r', '-x', '.*', basedir, join(target, 'objects')])
})

push('an image is published by the name of its file, and by one that stays its own', () => {
  const from = fresh()
  const target = fresh()
  for (const name of ['a b', '-', 'x', 'x.verity']) fs.copyFileSync(IMAGE, join(from, name))
  assert.is(pushed(`file://${from}/a%20b`, '--basedir', STORE, '--to', target).images[0].name, 'a b')
  const bin = join(ROOT, 'dist/bin/composefs.js')
  const args = [bin, 'push', join(from, '-'), '--basedir', STORE, '--to', '.', '--json']
  assert.is(JSON.parse(execFileSync(process.execPath, args, { cwd: target }).toString()).images[0].name, '-')
  for (const name of ['a b', '-']) assert.equal(fs.readFileSync(join(target, name)), fs.readFileSync(IMAGE))
  // The tree of one would be in the other's place.
  for (const pair of [
    ['x', 'x.verity'],
    ['x.verity', 'x'],
  ]) {
    const both = pair.map(name => join(from, name))
    fails(
      command('composefs', 'push', ...both, '--basedir', STORE, '--to', target),
      'two files would have this name',
      2,
    )
  }
})

if (!fs.existsSync('/dev/shm')) skip(push, 'in memory', 'no /dev/shm')
else {
  push('an image is replaced by another file in memory, too', () => {
    const target = fs.mkdtempSync('/dev/shm/push-command-')
    process.on('exit', () => fs.rmSync(target, { recursive: true, force: true }))
    fs.writeFileSync(join(target, 'small.cfs'), 'what was there')
    const reader = fs.openSync(join(target, 'small.cfs'), 'r')
    pushed(IMAGE, '--basedir', STORE, '--to', target)
    assert.is(fs.readFileSync(reader, 'utf8'), 'what was there')
    fs.closeSync(reader)
    assert.equal(fs.readFileSync(join(target, 'small.cfs')), fs.readFileSync(IMAGE))
  })
}

push('wrong usage, and places that nothing can go to: one line, and its status', () => {
  const target = fresh()
  const run = (...args: string[]) => command('composefs', 'push', ...args)
  fails(run(), 'composefs: push: no image given', 2)
  fails(run(IMAGE, '--to', target), '--basedir is needed', 2)
  fails(run(IMAGE, '--basedir', STORE), '--to is needed', 2)
  fails(run(IMAGE, '--basedir', STORE, '--to', target, '--jobs', '0'), '--jobs is a number', 2)
  fails(run(IMAGE, IMAGE, '--basedir', STORE, '--to', target), 'two files would have this name', 2)
  fails(run(IMAGE, '--basedir', STORE, '--to', 'http://127.0.0.1:1/x'), /push: http:.*EROFS/)
  fails(run(IMAGE, '--basedir', STORE, '--to', 'ftp://user:word@host/x'), /push: ftp:.*ENOTSUP/)
  assert.not.match(run(IMAGE, '--basedir', STORE, '--to', 'ftp://user:word@host/x').stderr, 'word')
  fails(run(IMAGE, '--basedir', STORE, '--to', IMAGE), /push: .*small\.cfs/)
  fails(run(join(target, 'none'), '--basedir', STORE, '--to', target), 'no such file')
  fails(run(fixture('small.dump'), '--basedir', STORE, '--to', target), 'small.dump')
  assert.equal(fs.readdirSync(target), [])
})

push.run()
