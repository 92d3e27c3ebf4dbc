// Files measured and put into a store, one by one: digests against a plain computation, changes while reading, failures,
// and what a process that is killed leaves behind.
import { execFileSync, spawn } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FACT_WORDS, writeFacts } from '../../src/format/file-facts.js'
import { objectName } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { IngestError, Ingester, type IngestOptions } from '../../src/store/directory-ingest.js'
import { syncDirectories } from '../../src/store/directory-writer.js'
import { ROOT, skip } from '../helpers/paths.js'

const test = suite('ingest')
const top = fs.mkdtempSync(join(tmpdir(), 'ingest-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
const ROOT_USER = process.getuid?.() === 0
const LINUX = process.platform === 'linux' && fs.existsSync('/proc/self/fd')

const sha256 = (data: Uint8Array): Uint8Array => crypto.createHash('sha256').update(data).digest()

/** fs-verity's definition in a few lines: no code of ours. */
function plainDigest(data: Buffer): string {
  const hashes = (bytes: Buffer): Buffer => {
    const all: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += 4096) {
      const block = Buffer.alloc(4096)
      bytes.copy(block, 0, at, at + 4096)
      all.push(sha256(block))
    }
    return Buffer.concat(all)
  }
  let level = hashes(data)
  while (level.length > 32) level = hashes(level)
  const descriptor = Buffer.alloc(256)
  descriptor.set([1, 1, 12, 0])
  descriptor.writeBigUInt64LE(BigInt(data.length), 8)
  level.copy(descriptor, 16)
  return Buffer.from(sha256(descriptor)).toString('hex')
}

function facts(path: string): BigUint64Array {
  const words = new BigUint64Array(FACT_WORDS)
  writeFacts(fs.lstatSync(path, { bigint: true }), words, 0)
  return words
}

let count = 0
const fresh = (): string => join(top, String(count++))

function written(data: Uint8Array | string): string {
  const path = fresh()
  fs.writeFileSync(path, data)
  return path
}

function storeAt(path = fresh()): string {
  fs.mkdirSync(path)
  return path
}

function ingester(options: Partial<IngestOptions> = {}): Ingester {
  return new Ingester({ sha256, ...options })
}

/** All regular files of a store, by name. */
function objectsOf(store: string): string[] {
  const all = fs.readdirSync(store, { recursive: true, withFileTypes: true })
  return all
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(store.length + 1))
    .sort()
}

function errorOf(action: () => unknown): IngestError {
  try {
    action()
  } catch (error) {
    assert.instance(error, IngestError, String(error))
    return error as IngestError
  }
  throw new Error('nothing was thrown')
}

const pattern = (size: number) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => i % 251))
const SIZES = [1, 64, 65, 4095, 4096, 4097, 524_287, 524_288, 524_289, 1_048_576, 1_048_577, 1_572_864, 3_000_001]

for (const portable of [false, true]) {
  const way = portable ? 'by path' : 'by descriptor'
  test(`${way}: digests and objects of all sizes`, () => {
    const store = storeAt()
    const one = ingester({ store, portable })
    const wanted: string[] = []
    for (const size of SIZES) {
      const path = written(pattern(size))
      const digest = plainDigest(pattern(size))
      const name = `${digest.slice(0, 2)}/${digest.slice(2)}`
      const first = one.ingest(path, facts(path), 0)
      assert.is(Buffer.from(first.bytes).toString('hex'), digest, `${size}`)
      assert.is(first.state, 'new')
      assert.ok(fs.readFileSync(join(store, name)).equals(pattern(size)), `${size}`)
      assert.is(fs.statSync(join(store, name)).mode & 0o7777, 0o644)
      const again = ingester({ store, portable }).ingest(path, facts(path), 0)
      assert.is(again.state, 'shared')
      assert.is(Buffer.from(again.bytes).toString('hex'), digest)
      const measured = ingester().ingest(path, facts(path), 0)
      assert.is(measured.state, 'measured')
      assert.is(Buffer.from(measured.bytes).toString('hex'), digest)
      wanted.push(name)
    }
    assert.equal(objectsOf(store), wanted.sort())
    assert.equal([...one.touched].sort(), ['.', ...new Set(wanted.map(name => name.slice(0, 2)))].sort())
    syncDirectories(store, one.touched, [top])
  })
}

test("the specification's vectors", () => {
  // spec composefs-tools.md section 6.1
  const vectors: [number, string][] = [
    [1, 'b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551'],
    [4097, 'b0d074abef4d544404facfab6ba242f6a8ccbde90f1325cd286f3c8aa8d0f8aa'],
    [524_289, '4dc6905041c9c4ee73e13b53f63f5d289c46da359b664a965ead7f8cc4d799d4'],
    [67_108_869, '9dd5b05ed52fe1bb86fa899e3e1c06df348699182f0f5994b124d0fbf6a284ea'],
  ]
  for (const [size, digest] of vectors) {
    const path = written(pattern(size))
    assert.is(Buffer.from(ingester().ingest(path, facts(path), 0).bytes).toString('hex'), digest, `${size}`)
    fs.rmSync(path)
  }
})

test('small files are inlined, and the store is not looked at', () => {
  const one = ingester({ store: storeAt(), inlineMax: 64 })
  for (const size of [1, 64]) {
    const path = written(pattern(size))
    const { state, bytes } = one.ingest(path, facts(path), 0)
    assert.is(state, 'inlined')
    assert.ok(Buffer.from(bytes).equals(pattern(size)))
  }
  const path = written(pattern(65))
  assert.is(one.ingest(path, facts(path), 0).state, 'new')
})

test('facts may stand anywhere among others', () => {
  const path = written('some bytes')
  const words = new BigUint64Array(3 * FACT_WORDS)
  words.set(facts(path), 2 * FACT_WORDS)
  assert.is(ingester().ingest(path, words, 2 * FACT_WORDS).state, 'measured')
  assert.is(errorOf(() => ingester().ingest(path, words, FACT_WORDS)).code, 'ESTALE')
})

test('holes stay holes, about', () => {
  const path = written('begin')
  fs.truncateSync(path, 20_000_000)
  const store = storeAt()
  const { bytes } = ingester({ store }).ingest(path, facts(path), 0)
  const name = objectName(bytes)
  assert.ok(fs.readFileSync(join(store, name)).equals(fs.readFileSync(path)))
  assert.is(Buffer.from(bytes).toString('hex'), plainDigest(fs.readFileSync(path)))
  if (fs.statSync(path).blocks * 512 < 1_000_000) assert.ok(fs.statSync(join(store, name)).blocks * 512 < 2_000_000)
})

test('names that are not UTF-8', () => {
  const path = Buffer.concat([Buffer.from(`${top}/n`), Buffer.from([0xff, 0xfe])])
  fs.writeFileSync(path, 'data')
  const words = new BigUint64Array(FACT_WORDS)
  writeFacts(fs.lstatSync(path, { bigint: true }), words, 0)
  assert.is(ingester().ingest(path.toString('latin1'), words, 0).state, 'measured')
})

for (const size of [10, 100_000, 2_000_000]) {
  const changes: [string, (path: string) => void][] = [
    ['written to', path => fs.writeFileSync(path, 'x', { flag: 'r+' })],
    ['longer', path => fs.appendFileSync(path, 'x')],
    ['shorter', path => fs.truncateSync(path, size - 1)],
    [
      'written to and its mtime put back',
      path => {
        const { atime, mtime } = fs.statSync(path)
        fs.writeFileSync(path, 'x', { flag: 'r+' })
        fs.utimesSync(path, atime, mtime)
      },
    ],
  ]
  for (const [what, change] of changes) {
    test(`a file of ${size} bytes that is ${what} while it is read is an error, and nothing is stored`, () => {
      const path = written(pattern(size))
      const store = storeAt()
      const before = facts(path)
      const error = errorOf(() => ingester({ store, onRead: change }).ingest(path, before, 0))
      assert.is(error.code, 'ESTALE')
      assert.is(error.message, `read: ${path}: changed while being read`)
      assert.equal(objectsOf(store), [])
    })
  }

  test(`a file of ${size} bytes that was replaced by its like since it was seen is an error`, () => {
    const path = written(pattern(size))
    const before = facts(path)
    const { atime, mtime } = fs.statSync(path)
    fs.renameSync(path, `${path}-old`)
    fs.writeFileSync(path, pattern(size))
    fs.utimesSync(path, atime, mtime)
    assert.is(errorOf(() => ingester().ingest(path, before, 0)).code, 'ESTALE')
  })
}

test('a file that shrinks before it is read is an error', () => {
  for (const size of [100, 2_000_000]) {
    const path = written(pattern(size))
    const before = facts(path)
    fs.truncateSync(path, size / 2)
    assert.is(errorOf(() => ingester().ingest(path, before, 0)).message, `read: ${path}: changed while being read`)
  }
})

test('a file that changed a moment ago is left alone until a change shows in its ctime', () => {
  // Whether one would go unseen otherwise depends on the kernel: newer ones have finer times for who looks at them.
  for (let tries = 0; tries < 5; tries++) {
    const path = written('one')
    const { ctimeMs } = fs.lstatSync(path)
    let readAt = 0
    ingester({ onRead: () => (readAt = Date.now()) }).ingest(path, facts(path), 0)
    assert.ok(readAt - ctimeMs >= 19, `read ${readAt - ctimeMs} ms after its change`)
    fs.rmSync(path)
  }
})

test('what is not there, can not be opened or is no file', () => {
  const path = written('x')
  const before = facts(path)
  const gone = errorOf(() => ingester().ingest(join(top, 'none'), before, 0))
  assert.is(gone.message, `open: ${join(top, 'none')}: no such file or directory`)
  const link = fresh()
  fs.symlinkSync(path, link)
  assert.is(errorOf(() => ingester().ingest(link, before, 0)).code, 'ELOOP')
  const fifo = fresh()
  execFileSync('mkfifo', [fifo])
  assert.is(errorOf(() => ingester().ingest(fifo, before, 0)).code, 'ESTALE')
  assert.is(errorOf(() => ingester().ingest(top, before, 0)).code, 'ESTALE')
})

test('a symlink or a file in the place of a directory of the store', () => {
  const path = written(pattern(100))
  const dir = plainDigest(pattern(100)).slice(0, 2)
  const linked = storeAt()
  fs.mkdirSync(join(linked, 'outside'))
  fs.symlinkSync('outside', join(linked, dir))
  const error = errorOf(() => ingester({ store: linked }).ingest(path, facts(path), 0))
  assert.is(error.code, 'ELOOP')
  assert.equal(fs.readdirSync(join(linked, 'outside')), [])
  const blocked = storeAt()
  fs.writeFileSync(join(blocked, dir), '')
  assert.is(errorOf(() => ingester({ store: blocked }).ingest(path, facts(path), 0)).code, 'ENOTDIR')
  assert.equal(objectsOf(blocked), [dir])
})

test('an object that is there is marked as used', () => {
  const path = written(pattern(100))
  const store = storeAt()
  const name = objectName(ingester({ store }).ingest(path, facts(path), 0).bytes)
  fs.utimesSync(join(store, name), 1, 1)
  const before = Date.now()
  assert.is(ingester({ store }).ingest(path, facts(path), 0).state, 'shared')
  assert.ok(fs.statSync(join(store, name)).mtimeMs >= before - 1000)
})

test('fs-verity is tried once where it does not work, on what is complete and read only', () => {
  const store = storeAt()
  const seen: string[] = []
  const seal = (fd: number) => {
    seen.push(fs.readFileSync(fd, 'latin1'))
    assert.throws(() => fs.writeSync(fd, 'x'))
    return seen.length < 2
  }
  const one = ingester({ store, seal })
  for (const text of ['a', 'b', 'c']) {
    const path = written(text)
    one.ingest(path, facts(path), 0)
  }
  assert.equal(seen, ['a', 'b'])
})

if (!LINUX) skip(test, 'paths longer than a call takes, descriptors', 'needs /proc')
else {
  test('paths longer than a call takes', () => {
    const base = fresh()
    const name = 'd'.repeat(200)
    const program = `
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for i in range(45):
    os.mkdir('${name}'); os.chdir('${name}')
open('bottom', 'w').write('x' * 100)
s = os.lstat('bottom')
print(s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
`
    const words = execFileSync('python3', ['-c', program, base], { encoding: 'utf8' }).trim().split(' ').map(BigInt)
    const { bytes } = ingester().ingest(`${base}${`/${name}`.repeat(45)}/bottom`, BigUint64Array.from(words), 0)
    assert.is(Buffer.from(bytes).toString('hex'), plainDigest(Buffer.alloc(100, 'x')))
    execFileSync('rm', ['-rf', base])
  })

  test('no descriptor stays open', () => {
    const open = () => fs.readdirSync('/proc/self/fd').length
    const before = open()
    const store = storeAt()
    const path = written(pattern(2_000_000))
    ingester({ store }).ingest(path, facts(path), 0)
    errorOf(() => ingester({ store, onRead: at => fs.appendFileSync(at, 'x') }).ingest(path, facts(path), 0))
    errorOf(() => ingester({ store: join(store, 'none') }).ingest(path, facts(path), 0))
    assert.is(open(), before)
  })
}

if (!ROOT_USER || !LINUX) skip(test, 'a full disk', 'needs root, to mount a small tmpfs')
else {
  test('a full disk is an error that names the file, and leaves complete objects only', () => {
    const store = storeAt()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', store])
    try {
      const one = ingester({ store })
      const first = written(pattern(300_000))
      const name = objectName(one.ingest(first, facts(first), 0).bytes)
      for (const size of [900_000, 4_000_000]) {
        const path = written(pattern(size))
        const error = errorOf(() => one.ingest(path, facts(path), 0))
        assert.is(error.code, 'ENOSPC')
        assert.match(
          error.message,
          new RegExp(`^store object [0-9a-f]{2}/[0-9a-f]{62}: ${path}: no space left on device$`),
        )
        assert.equal(objectsOf(store), [name])
      }
      assert.is(
        Buffer.from(verityDigest(fs.readFileSync(join(store, name)), sha256)).toString('hex'),
        name.replace('/', ''),
      )
      const small = written(pattern(100_000))
      assert.is(one.ingest(small, facts(small), 0).state, 'new')
    } finally {
      execFileSync('umount', [store])
    }
  })
}

/** A program that ingests files without end; it says `go` with the first. */
const PROGRAM = `
import crypto from 'node:crypto'
import fs from 'node:fs'
import { writeFacts } from '${join(ROOT, 'src/format/file-facts.ts')}'
import { Ingester } from '${join(ROOT, 'src/store/directory-ingest.ts')}'
const [store, scratch] = process.argv.slice(2)
const one = new Ingester({ store, sha256: data => crypto.createHash('sha256').update(data).digest() })
for (let i = 0; ; i++) {
  const path = scratch + '/' + (i % 4)
  fs.writeFileSync(path, crypto.randomBytes([100, 60_000, 900_000, 3_000_000][i % 4]))
  const past = new Date(Date.now() - 1e6)
  const words = new BigUint64Array(5)
  writeFacts(fs.lstatSync(path, { bigint: true }), words, 0)
  one.ingest(path, words, 0)
  if (i === 0) console.log('go')
}
`

test('a process that is killed leaves no half of an object under its name', async () => {
  const bundle = join(top, 'endless.cjs')
  await build({
    stdin: { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' },
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'warning',
  })
  const store = storeAt()
  for (let round = 0; round < 8; round++) {
    const scratch = storeAt()
    const child = spawn(process.execPath, [bundle, store, scratch], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise(resolve => child.stdout.once('data', resolve))
    await new Promise(resolve => setTimeout(resolve, 20 + 13 * round))
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('close', resolve))
  }
  const objects = objectsOf(store).filter(name => !name.startsWith('.tmp'))
  assert.ok(objects.length > 8)
  for (const name of objects) {
    assert.is(
      Buffer.from(verityDigest(fs.readFileSync(join(store, name)), sha256)).toString('hex'),
      name.replace('/', ''),
    )
  }
  for (const name of fs.readdirSync(store)) assert.match(name, /^(?:[0-9a-f]{2}|\.tmp[0-9a-z]{6})$/)
})

test.run()
