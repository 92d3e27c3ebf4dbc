// What an upper in a directory costs: its log stays small however much is done, many files mount fast, entries take little memory.
// UPPER_CHMODS says how many changes of one file.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inMemory, kept, keptLayers, seen, type World } from '../helpers/kept-upper.js'

const CHMODS = Number(process.env['UPPER_CHMODS'] ?? 60_000)
const FILES = 20_000

/** Changes something and exits without unmounting. */
async function leave(directory: string): Promise<void> {
  const { layers } = await keptLayers()
  const { fs } = kept(directory, layers)
  fs.mkdirSync('/left')
  const fd = fs.openSync('/left/file', 'w')
  fs.writeSync(fd, 'written')
  fs.writeSync(fd, ' and written')
  process.exit(0)
}

const growth = suite('what an upper in a directory costs')
// Processes that this starts need none.
const base = process.argv[2] === undefined ? mkdtempSync(join(tmpdir(), 'composefs-growth-')) : ''
const { layers } = await keptLayers()

growth(`${CHMODS} changes leave a small log, also over many mounts`, () => {
  const directory = join(base, 'chmods')
  let world = kept(directory, layers)
  world.fs.writeFileSync('/f', 'x')
  const started = performance.now()
  for (let i = 0; i < CHMODS; i++) {
    world.fs.chmodSync('/f', 0o600 + (i % 64))
    if (i % (CHMODS / 10) !== 0) continue
    world.close()
    world = kept(directory, layers)
  }
  const each = ((performance.now() - started) * 1000) / CHMODS
  const { size } = statSync(join(directory, 'log'))
  assert.ok(size < 1.1 * 2 ** 20, `${size} bytes`)
  const before = seen(world, { exact: true })
  world.close()
  world = kept(directory, layers)
  assert.equal(seen(world, { exact: true }), before)
  world.close()
  console.log(`\nnote: chmod ${each.toFixed(1)} µs each, log of ${size} bytes after ${CHMODS}`)
})

/** Bytes of the heap that an entry without content takes. */
function filled({ fs }: World): number {
  globalThis.gc?.()
  const before = process.memoryUsage()
  for (let i = 0; i < FILES / 100; i++) {
    fs.mkdirSync(`/dir${i}`)
    for (let j = 0; j < 99; j++) fs.closeSync(fs.openSync(`/dir${i}/some-file-${j}`, 'w'))
  }
  globalThis.gc?.()
  const after = process.memoryUsage()
  return (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / FILES
}

growth(`${FILES} files mount fast, and take little memory`, () => {
  const memory = filled(inMemory(layers))
  const directory = join(base, 'many')
  let world = kept(directory, layers)
  const started = performance.now()
  const onDisk = filled(world)
  const made = performance.now() - started
  world.close()
  const again = performance.now()
  world = kept(directory, layers)
  const ms = performance.now() - again
  assert.is((world.fs.readdirSync('/dir7') as string[]).length, 99)
  world.close()
  assert.ok(memory <= 700 && onDisk <= 800, `${memory} and ${onDisk} bytes an entry`)
  const figures = `${memory.toFixed(0)} bytes an entry in memory, ${onDisk.toFixed(0)} with a directory`
  const cost = ((made * 1000) / FILES).toFixed(0)
  console.log(`\nnote: ${FILES} files: made at ${cost} µs each, mounted in ${ms.toFixed(0)} ms; ${figures}`)
})

growth('a process that exits without unmounting leaves all', () => {
  const directory = join(base, 'exit')
  const child = spawnSync(process.execPath, ['--no-warnings', process.argv[1], 'leave', directory], {
    encoding: 'utf8',
  })
  assert.is(child.status, 0, child.stderr)
  const world = kept(directory, layers)
  assert.is(world.fs.readFileSync('/left/file', 'utf8'), 'written and written')
  world.close()
})

if (process.argv[2] === 'leave') await leave(process.argv[3])
else {
  process.on('exit', () => rmSync(base, { recursive: true, force: true }))
  growth.run()
}
