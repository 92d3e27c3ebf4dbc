// composefs gc: what it removes, what it prints and how it ends. The rules beside builds: test/store/gc*.test.ts.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BuildRegister } from '../../src/store/directory-builds.js'
import { command, type Ran } from '../helpers/command.js'
import { longObject, pathsIn, poolObject, tick, write } from '../helpers/object-pool.js'
import { fixture } from '../helpers/paths.js'

const gc = suite('composefs gc')
const top = fs.mkdtempSync(join(tmpdir(), 'gc-command-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => join(top, String(count++))

const IMAGE = fixture('small.cfs')
const needed = pathsIn(fixture('objects')).filter(path => path.includes('/'))
const garbage = [poolObject(1), poolObject(2), longObject(3)]
const garbageBytes = garbage.reduce((sum, { data }) => sum + data.length, 0)

/** The fixture's store, with objects that its image does not need. */
async function littered(): Promise<string> {
  const root = fresh()
  fs.cpSync(fixture('objects'), root, { recursive: true })
  for (const { name, data } of garbage) write(root, name, data)
  await tick()
  return root
}

function objectsIn(root: string): string[] {
  return pathsIn(root).filter(path => path.includes('/'))
}

function fails(run: Ran, words: RegExp | string, status = 1): void {
  assert.is(run.status, status, run.stderr)
  assert.match(run.stderr, words)
  assert.is(run.stderr.trimEnd().split('\n').length, 1, run.stderr)
  assert.match(run.stderr, /^composefs: /)
  assert.is(run.stdout.toString(), '')
}

gc('leaves what the image needs, and fsck is content then', async () => {
  const root = await littered()
  assert.is(command('composefs', 'fsck', root, IMAGE).status, 1)
  const { status, stdout, stderr } = command('composefs', 'gc', root, IMAGE, fixture('small-v1.cfs'))
  assert.is(status, 0, stderr)
  assert.match(stdout.toString(), `3 objects removed, ${garbageBytes} bytes\n`)
  assert.match(stdout.toString(), `${needed.length} objects kept`)
  assert.equal(objectsIn(root), needed)
  assert.is(command('composefs', 'fsck', root, IMAGE).status, 0)
  assert.match(command('composefs', 'gc', root, IMAGE).stdout.toString(), '0 objects removed, 0 bytes\n')
})

gc('--dry-run says what would go, and removes nothing', async () => {
  const root = await littered()
  const before = pathsIn(root)
  const { status, stdout } = command('composefs', 'gc', root, IMAGE, '--dry-run')
  assert.is(status, 0)
  const lines = stdout.toString().trimEnd().split('\n')
  assert.equal(lines.slice(0, 3).sort(), garbage.map(({ name }) => `would remove ${name}`).sort())
  assert.is(lines[3], `3 objects would be removed, ${garbageBytes} bytes`)
  assert.equal(pathsIn(root), before)
})

gc('--json says all of it', async () => {
  const root = await littered()
  write(root, '.tmpabc123', 'left')
  fs.utimesSync(join(root, '.tmpabc123'), 1, 1)
  const dry = JSON.parse(command('composefs', 'gc', '--json', '--dry-run', root, IMAGE).stdout.toString())
  const { status, stdout } = command('composefs', 'gc', '--json', root, IMAGE)
  assert.is(status, 0)
  const result = JSON.parse(stdout.toString())
  assert.equal(result.objects.sort(), garbage.map(({ name }) => name).sort())
  assert.equal({ ...result, objects: [], dryRun: true }, { ...dry, objects: [] })
  assert.equal(
    { ...result, objects: [] },
    {
      objects: [],
      dryRun: false,
      removed: 3,
      removedBytes: garbageBytes,
      needed: needed.length,
      fresh: 0,
      trees: 0,
      leftovers: 1,
      leftoverBytes: 4,
      restored: 0,
      builds: 0,
      failures: [],
    },
  )
})

gc('says what builds that go on keep', async () => {
  const root = await littered()
  const build = BuildRegister.begin(root)
  write(root, poolObject(4).name, poolObject(4).data)
  await tick()
  const { status, stdout } = command('composefs', 'gc', root, IMAGE)
  build.end()
  assert.is(status, 0)
  assert.match(stdout.toString(), '1 that a build may use')
  assert.equal(objectsIn(root), [...needed, poolObject(4).name].sort())
})

gc('a bad image, or none: nothing is removed', async () => {
  const root = await littered()
  const before = objectsIn(root)
  const truncated = fresh()
  fs.writeFileSync(truncated, fs.readFileSync(IMAGE).subarray(0, 5000))
  const run = (...images: string[]) => command('composefs', 'gc', root, ...images)
  fails(run(), 'no image given', 2)
  fails(run('--json', '--'), 'no image given', 2)
  fails(run(IMAGE, join(top, 'none')), /none: no such file/)
  fails(run(IMAGE, truncated), truncated)
  fails(run(fixture('small.dump')), 'small.dump')
  fails(run('--json', IMAGE, truncated), truncated)
  assert.equal(objectsIn(root), before)
  assert.equal(
    pathsIn(root).filter(path => path.startsWith('.')),
    [],
  )
})

gc('an EROFS image without composefs header is an error', async () => {
  const root = await littered()
  const { gunzipSync } = await import('node:zlib')
  const plain = fresh()
  fs.writeFileSync(plain, gunzipSync(fs.readFileSync(fixture('erofs/plain.erofs.gz'))))
  fails(command('composefs', 'gc', root, IMAGE, plain), 'no composefs header')
  fails(command('composefs', 'fsck', root, IMAGE, plain), 'no composefs header')
  assert.equal(objectsIn(root).length, needed.length + garbage.length)
})

gc('wrong usage, a missing store: one line, and its status', () => {
  fails(command('composefs', 'gc'), 'no store given', 2)
  fails(command('composefs', 'gc', '--nothing', top, IMAGE), 'nothing', 2)
  fails(command('composefs', 'gc', join(top, 'none'), IMAGE), /gc: .*none: no such file/)
  assert.not.ok(fs.existsSync(join(top, 'none')))
  fails(command('composefs', 'gc', IMAGE, IMAGE), 'not a directory')
  assert.match(command('composefs', 'gc', '--help').stdout.toString(), 'Usage: composefs gc STORE IMAGE')
})

gc.run()
