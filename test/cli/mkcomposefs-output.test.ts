// What becomes of IMAGE: whole or not at all, through symlinks, in place where it is no regular file; and dumps that come
// by pipes. The files here are those of mkcomposefs --from-file and composefs-dump, which write by the same code.
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT, SHARED, skip, vector } from '../helpers/paths.js'
import { difference, imageOfDump } from '../helpers/written.js'
import { KNOWN_DUMPS } from '../writer/known-dumps.js'

const DUMP = KNOWN_DUMPS[1].dump
const IMAGE = imageOfDump(DUMP)
/** An image of some 600 KiB, in several pieces. */
const LARGE = `${KNOWN_DUMPS[0].dump}${Array.from(
  { length: 3000 },
  (_, i) => `/f${i} 0 100644 1 0 0 0 ${i}.0 - - - user.a=${'v'.repeat(100)}${i}\n`,
).join('')}`
const MK = join(ROOT, 'dist/bin/mkcomposefs.js')
const AGAIN = join(ROOT, 'dist/bin/composefs-dump.js')
const NOBODY = 65534

const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-output-'))
const mounted: string[] = []
process.on('exit', () => {
  for (const place of mounted) spawnSync('umount', [place])
  rmSync(temporary, { recursive: true, force: true })
})
chmodSync(temporary, 0o755)
let folders = 0

function folder(): string {
  const path = join(temporary, String(folders++))
  mkdirSync(path)
  return path
}

interface Ran {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

function make(dump: string, image: string, options: { cwd?: string; uid?: number; stdout?: number } = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MK, '--from-file', '-', image], {
    input: dump,
    cwd: options.cwd,
    uid: options.uid,
    stdio: ['pipe', options.stdout ?? 'pipe', 'pipe'],
  })
  return { status, stdout: stdout ?? Buffer.of(), stderr: stderr.toString() }
}

function written({ status, stderr }: Ran): void {
  assert.is(stderr, '')
  assert.is(status, 0)
}

function failed({ status, stderr }: Ran, says: RegExp): void {
  assert.match(stderr, says)
  assert.is(stderr.trimEnd().split('\n').length, 1, stderr)
  assert.is(status, 1)
}

const output = suite('where an image is written to')

output('a new file: of the mode that umask leaves, and nothing beside it', () => {
  const cwd = folder()
  const run = (umask: string, name: string) =>
    spawnSync('sh', ['-c', `umask ${umask}; exec "$0" "$1" --from-file - ${name}`, process.execPath, MK], {
      cwd,
      input: DUMP,
    })
  assert.is(run('022', 'a').status, 0)
  assert.is(run('077', 'b').status, 0)
  assert.is(statSync(join(cwd, 'a')).mode & 0o777, 0o644)
  assert.is(statSync(join(cwd, 'b')).mode & 0o777, 0o600)
  assert.equal(readdirSync(cwd).sort(), ['a', 'b'])
  assert.equal(readFileSync(join(cwd, 'a')), IMAGE)
})

output('an older image is replaced, whoever has it open keeps it', () => {
  const cwd = folder()
  const image = join(cwd, 'image')
  writeFileSync(image, 'older, '.repeat(20_000), { mode: 0o640 })
  const before = openSync(image, 'r')
  written(make(DUMP, image))
  assert.is(statSync(image).mode & 0o777, 0o640)
  assert.equal(readFileSync(image), IMAGE)
  assert.is(readFileSync(before, 'latin1').slice(0, 7), 'older, ')
  closeSync(before)
  assert.equal(readdirSync(cwd), ['image'])
})

output('after a failure an older image is what it was, and there is no new one', () => {
  const cwd = folder()
  writeFileSync(join(cwd, 'older'), 'older')
  const bad = `${DUMP}/x 0 0 1 0 0 0 0.0 - - -\n`
  for (const name of ['older', 'new']) failed(make(bad, name, { cwd }), /^mkcomposefs: dump: -: line 13: MODE: /)
  assert.equal(readdirSync(cwd), ['older'])
  assert.is(readFileSync(join(cwd, 'older'), 'latin1'), 'older')
})

output('a file that the tree can not be written as: the line is named, an older image is what it was', () => {
  const cwd = folder()
  writeFileSync(join(cwd, 'image'), 'older')
  // The mark of a directory with a whiteout takes the place of a longer value, which libcomposefs counts wrongly.
  const long = `/d 0 40755 2 0 0 0 0.0 - - - user.a=b trusted.overlay.whiteouts=${'v'.repeat(100)}\n`
  const bad = `${KNOWN_DUMPS[0].dump}${long}/d/w 0 20644 1 0 0 0 0.0 - - -\n`
  failed(make(bad, 'image', { cwd }), /^mkcomposefs: dump: -: line 2: /)
  assert.is(readFileSync(join(cwd, 'image'), 'latin1'), 'older')
  assert.equal(readdirSync(cwd), ['image'])
})

output('a symlink stays, what it leads to is written', () => {
  const cwd = folder()
  mkdirSync(join(cwd, 'below'))
  writeFileSync(join(cwd, 'below/old'), 'older')
  symlinkSync('below/old', join(cwd, 'link'))
  symlinkSync('below/new', join(cwd, 'dangling'))
  symlinkSync('dangling2', join(cwd, 'first'))
  symlinkSync('below/second', join(cwd, 'dangling2'))
  for (const name of ['link', 'dangling', 'first']) written(make(DUMP, name, { cwd }))
  assert.is(readlinkSync(join(cwd, 'link')), 'below/old')
  assert.is(readlinkSync(join(cwd, 'dangling')), 'below/new')
  assert.is(readlinkSync(join(cwd, 'dangling2')), 'below/second')
  for (const name of ['old', 'new', 'second']) {
    assert.ok(lstatSync(join(cwd, 'below', name)).isFile(), name)
    assert.is(difference(readFileSync(join(cwd, 'below', name)), IMAGE), undefined)
  }
  assert.equal(readdirSync(join(cwd, 'below')).sort(), ['new', 'old', 'second'])
})

output('a symlink that leads to itself, or nowhere', () => {
  const cwd = folder()
  symlinkSync('loop', join(cwd, 'loop'))
  symlinkSync('none/image', join(cwd, 'nowhere'))
  failed(make(DUMP, 'loop', { cwd }), /^mkcomposefs: open: loop: .*symbolic links/)
  failed(make(DUMP, 'nowhere', { cwd }), /^mkcomposefs: open: nowhere: no such file or directory/)
  assert.equal(readdirSync(cwd).sort(), ['loop', 'nowhere'])
})

output('/dev/null', () => {
  written(make(DUMP, '/dev/null'))
  assert.ok(statSync('/dev/null').isCharacterDevice())
})

if (!existsSync('/dev/full')) skip(output, '/dev/full', 'there is none')
else {
  output('/dev/full, which takes nothing', () => {
    failed(make(DUMP, '/dev/full'), /^mkcomposefs: write: \/dev\/full: no space left on device/)
    assert.ok(statSync('/dev/full').isCharacterDevice())
  })
  output('standard output that takes nothing', () => {
    const full = openSync('/dev/full', 'w')
    failed(make(DUMP, '-', { stdout: full }), /^mkcomposefs: write: .*no space left on device/)
    closeSync(full)
  })
}

output('a fifo takes it in place', async () => {
  const cwd = folder()
  const fifo = join(cwd, 'fifo')
  assert.is(spawnSync('mkfifo', [fifo]).status, 0)
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pieces: Buffer[] = []
  reader.stdout.on('data', piece => pieces.push(piece))
  const ended = new Promise(resolve => reader.on('close', resolve))
  const maker = spawn(process.execPath, [MK, '--from-file', '-', fifo], { stdio: ['pipe', 'inherit', 'inherit'] })
  maker.stdin.end(LARGE)
  const status = await new Promise(resolve => maker.on('close', resolve))
  // It waits for ever for one that never opened its fifo.
  if (status !== 0) reader.kill()
  await ended
  assert.is(status, 0)
  assert.is(difference(Buffer.concat(pieces), imageOfDump(LARGE)), undefined)
  assert.ok(lstatSync(fifo).isFIFO())
})

output('a dump that comes drop by drop, an image that goes through a pipe', async () => {
  const maker = spawn(process.execPath, [MK, '--from-file', '-', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const pieces: Buffer[] = []
  maker.stdout.on('data', piece => pieces.push(piece))
  const ended = new Promise(resolve => maker.on('close', resolve))
  for (let at = 0; at < LARGE.length; at += 60_001) {
    maker.stdin.write(LARGE.slice(at, at + 60_001))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  maker.stdin.end()
  assert.is(await ended, 0)
  assert.is(difference(Buffer.concat(pieces), imageOfDump(LARGE)), undefined)
})

if (process.getuid?.() !== 0) skip(output, 'a folder that no one may write to', 'not root, who can take another id')
else {
  output('a folder that no one may write to', () => {
    const cwd = folder()
    failed(make(DUMP, join(cwd, 'image'), { uid: NOBODY }), /^mkcomposefs: open: .*permission denied/)
    assert.equal(readdirSync(cwd), [])
  })
  addFull()
}

/** A file system of its own, so small that the image does not fit. */
function addFull(): void {
  const place = folder()
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place]).status !== 0) {
    skip(output, 'a full file system', 'tmpfs can not be mounted')
    return
  }
  mounted.push(place)
  output('a full file system: one line, and all as before', () => {
    failed(make(LARGE, join(place, 'new')), /^mkcomposefs: write: .*: no space left on device/)
    assert.equal(readdirSync(place), [])
    writeFileSync(join(place, 'image'), 'older')
    failed(make(LARGE, join(place, 'image')), /^mkcomposefs: write: .*: no space left on device/)
    assert.equal(readdirSync(place), ['image'])
    assert.is(readFileSync(join(place, 'image'), 'latin1'), 'older')
    written(make(KNOWN_DUMPS[0].dump, join(place, 'image')))
  })
  output('composefs-dump to a full file system', () => {
    const source = join(folder(), 'large')
    writeFileSync(source, imageOfDump(LARGE))
    rmSync(join(place, 'image'), { force: true })
    const run = spawnSync(process.execPath, [AGAIN, source, join(place, 'image')], { encoding: 'utf8' })
    assert.is(run.status, 1)
    assert.match(run.stderr, /^composefs-dump: write: .*: no space left on device\n$/)
    assert.equal(readdirSync(place), [])
  })
}

if (SHARED === undefined) skip(output, 'a large dump', 'no shared vectors beside this checkout')
else {
  output('cs9-x86_64-developer through pipes', () => {
    const dump = gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.dump.gz')))
    const run = spawnSync(process.execPath, [MK, '--from-file', '-', '-'], { input: dump, maxBuffer: 64 << 20 })
    assert.is(run.status, 0)
    const wanted = gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.cfs.gz')))
    assert.is(difference(run.stdout, wanted), undefined)
  })
}
output.run()
