// An upper that a directory keeps, closed and opened again: all is as it was, and as in an upper in memory that did the same.
import nodeFs, { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { readDirectoryUpper } from '../../src/host/upper-directory.js'
import { changesOf } from '../../src/overlay/changes.js'
import { MergedTree } from '../../src/overlay/merged-tree.js'
import { restoreSnapshot } from '../../src/overlay/restore.js'
import { writeSnapshot } from '../../src/overlay/snapshot.js'
import { apply, inMemory, kept, keptLayers, RandomOps, remounted, seen, type World } from '../helpers/kept-upper.js'
import { skip } from '../helpers/paths.js'

const persistence = suite('an upper that a directory keeps, opened again')
const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'composefs-upper-'))
process.on('exit', () => rmSync(base, { recursive: true, force: true }))
const { layers } = await keptLayers()
const SEEDS = Number(process.env['UPPER_SEEDS'] ?? 14)
const FIRST = Number(process.env['UPPER_FIRST'] ?? 1)

function ok<T>(outcome: T | Fault): T {
  if (outcome instanceof Fault) throw new Error(`${outcome.code} ${outcome.detail}`)
  return outcome
}

const changes = ({ tree }: World) => ok(changesOf(tree))

persistence('random operations: answers, trees and changes are those of an upper in memory, and last', () => {
  let ran = 0
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const directory = join(base, `random-${seed}`)
    const ops = new RandomOps(seed)
    let memory = inMemory(layers)
    // The log is written anew often.
    let disk = kept(directory, layers, { least: seed % 2 === 0 ? 3000 : undefined })
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 60; i++) {
        const op = ops.next()
        assert.is(apply(disk, op), apply(memory, op), `seed ${seed} round ${round} op ${i} ${JSON.stringify(op)}`)
        ran++
      }
      const at = `seed ${seed} round ${round}`
      assert.equal(seen(disk), seen(memory), at)
      const before = seen(disk, { exact: true })
      const changed = changes(disk)
      assert.equal(changed, changes(memory), at)
      disk.close()
      disk = kept(directory, layers, { least: seed % 2 === 0 ? 3000 : undefined })
      memory = remounted(layers, memory)
      assert.equal(seen(disk, { exact: true }), before, `${at}, opened again`)
      assert.equal(changes(disk), changed, `${at}, opened again`)
      assert.equal(seen(memory), seen(disk), `${at}, memory opened again`)
    }
    disk.close()
    rmSync(directory, { recursive: true })
  }
  console.log(`\nnote: ${ran} operations, ${4 * SEEDS} times opened again`)
})

persistence('a snapshot taken of a directory is restored in another, and lasts there', () => {
  const ops = new RandomOps(7)
  const one = kept(join(base, 'from'), layers)
  for (let i = 0; i < 200; i++) apply(one, ops.next())
  const other = kept(join(base, 'to'), layers)
  for (let i = 0; i < 100; i++) apply(other, ops.next())
  other.fs.writeFileSync('/open', 'x')
  const fd = other.fs.openSync('/open', 'r+')
  const snapshot = ok(writeSnapshot(one.upper))
  assert.is(restoreSnapshot(other.tree, snapshot), undefined)
  other.fs.writeSync(fd, 'still')
  other.fs.closeSync(fd)
  assert.equal(seen(other, { mtimes: true }), seen(one, { mtimes: true }))
  for (let i = 0; i < 100; i++) {
    const op = ops.next()
    assert.is(apply(other, op), apply(one, op))
  }
  const before = seen(other, { exact: true })
  other.close()
  const again = kept(join(base, 'to'), layers)
  assert.equal(seen(again, { exact: true }), before)
  assert.equal(seen(again), seen(one))
  again.close()
  one.close()
})

persistence('holes last, and take no room', () => {
  const directory = join(base, 'holes')
  let disk = kept(directory, layers, { limit: 1 << 20 })
  disk.fs.writeFileSync('/hole', '')
  disk.fs.truncateSync('/hole', 2 ** 40)
  const fd = disk.fs.openSync('/hole', 'r+')
  disk.fs.writeSync(fd, Buffer.alloc(4096, 7), 0, 4096, 2 ** 30)
  disk.fs.closeSync(fd)
  const blocks = disk.fs.statSync('/hole').blocks
  assert.is(blocks, 8)
  assert.is(disk.fs.statSync('/hole').size, 2 ** 40)
  const { used } = disk.upper.quota
  disk.close()
  disk = kept(directory, layers, { limit: 1 << 20 })
  assert.is(disk.fs.statSync('/hole').blocks, 8)
  assert.is(disk.upper.quota.used, used)
  disk.fs.truncateSync('/hole', 100)
  assert.is(disk.fs.statSync('/hole').blocks, 0)
  assert.is(disk.upper.quota.used, used - 4096)
  disk.close()
})

persistence('a limit counts what is on the disk, before and after', () => {
  const directory = join(base, 'limit')
  let disk = kept(directory, layers, { limit: 100_000 })
  const codeOf = (action: () => void) => {
    try {
      action()
      return 'ok'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  let files = 0
  while (codeOf(() => disk.fs.writeFileSync(`/f${files}`, 'x'.repeat(5000))) === 'ok') files++
  assert.ok(files >= 10 && files <= 12, String(files))
  const onDisk = readdirSync(join(directory, 'data')).reduce(
    (n, f) => n + statSync(join(directory, 'data', f)).blocks * 512,
    0,
  )
  assert.ok(onDisk >= 80_000 && onDisk <= 100_000, String(onDisk))
  const { used } = disk.upper.quota
  disk.close()
  assert.throws(
    () => kept(directory, layers, { limit: 50_000 }),
    (error: { code: string }) => error.code === 'ENOSPC',
  )
  disk = kept(directory, layers, { limit: 100_000 })
  assert.is(disk.upper.quota.used, used)
  disk.fs.unlinkSync('/f1')
  disk.fs.writeFileSync('/again', 'y'.repeat(4000))
  disk.close()
})

persistence('is looked at while it is mounted, and where nothing can be written', () => {
  const directory = join(base, 'looked')
  const disk = kept(directory, layers)
  const ops = new RandomOps(11)
  for (let i = 0; i < 100; i++) apply(disk, ops.next())
  const tree = new MergedTree(layers, readDirectoryUpper(directory, layers), { redirectDir: true, metacopy: true })
  assert.equal(ok(changesOf(tree)), changes(disk))
  disk.close()
})

persistence('a log that is cut off anywhere is an upper as it was after one of the operations', () => {
  const directory = join(base, 'cut')
  const disk = kept(directory, layers)
  const ops = new RandomOps(5)
  const first = statSync(join(directory, 'log')).size
  const states = new Map<number, string[]>()
  // What is in files is not in the log.
  const shape = (world: World) => seen(world).map(line => line.split(' ').slice(0, 6).join(' '))
  states.set(first, shape(disk))
  for (let i = 0; i < 120; i++) {
    const op = ops.next()
    apply(disk, op)
    states.set(statSync(join(directory, 'log')).size, shape(disk))
  }
  const whole = readFileSync(join(directory, 'log'))
  // Bodies that nothing leads to are there until the log is synced; an empty one will do for those after that.
  disk.close()
  const bodies = new Set(Array.from(whole.toString().matchAll(/"f":(\d+)/g), match => match[1]))
  let mounted = 0
  for (let length = 0; length <= whole.length; length += length < first ? 9 : 13) {
    writeFileSync(join(directory, 'log'), whole.subarray(0, length))
    for (const id of bodies) writeFileSync(join(directory, 'data', id), '')
    if (length < first) {
      assert.throws(
        () => kept(directory, layers),
        (error: { code: string }) => error.code === 'EUCLEAN',
        String(length),
      )
      continue
    }
    const again = kept(directory, layers)
    const at = Math.max(...[...states.keys()].filter(size => size <= length))
    assert.equal(shape(again), states.get(at), String(length))
    assert.is(apply(again, ['mkdir', '/new']), 'ok')
    again.close()
    mounted++
  }
  console.log(`\nnote: ${mounted} lengths of a log of ${whole.length} bytes mounted`)
})

persistence('a byte that is another is found, and named', () => {
  const directory = join(base, 'flipped')
  let disk = kept(directory, layers)
  const ops = new RandomOps(6)
  for (let i = 0; i < 60; i++) apply(disk, ops.next())
  disk.close()
  const whole = readFileSync(join(directory, 'log'))
  // Of the last two lines no one can tell from a line that was cut off.
  const last = whole.lastIndexOf(10, whole.lastIndexOf(10, whole.length - 2) - 1)
  for (let at = 0; at < last; at += 7) {
    const bytes = Buffer.from(whole)
    bytes[at] ^= 1 << (at % 8)
    writeFileSync(join(directory, 'log'), bytes)
    assert.throws(
      () => kept(directory, layers),
      (error: Error & { code: string }) => error.code === 'EUCLEAN' && /at byte \d+|no log/.test(error.message),
      String(at),
    )
  }
  writeFileSync(join(directory, 'log'), whole)
  writeFileSync(join(directory, 'data/rubbish'), 'x')
  writeFileSync(join(directory, 'data/007'), 'x')
  writeFileSync(join(directory, 'data/99999'), 'x')
  disk = kept(directory, layers)
  assert.not.ok(readdirSync(join(directory, 'data')).some(name => ['rubbish', '007', '99999'].includes(name)))
  disk.fs.writeFileSync('/body', 'x'.repeat(5000))
  disk.close()
  rmSync(join(directory, 'data', Math.max(...readdirSync(join(directory, 'data')).map(Number)).toString()))
  assert.throws(
    () => kept(directory, layers),
    (error: Error) => /EUCLEAN.*data\/\d+ is missing/.test(error.message),
  )
})

persistence(
  'small files are in the log, and get a file of their own when they grow or are written to again and again',
  () => {
    const directory = join(base, 'small')
    const files = () => readdirSync(join(directory, 'data')).length
    let disk = kept(directory, layers)
    const again = () => {
      disk.close()
      disk = kept(directory, layers)
    }
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 31) & 255))
    disk.fs.writeFileSync('/small', bytes)
    disk.fs.writeFileSync('/empty', '')
    assert.is(files(), 0)
    again()
    assert.ok((disk.fs.readFileSync('/small') as Buffer).equals(bytes))
    assert.is((disk.fs.readFileSync('/empty') as Buffer).length, 0)
    // One byte more than the log holds.
    disk.fs.appendFileSync('/small', 'x')
    assert.is(files(), 1)
    again()
    assert.ok((disk.fs.readFileSync('/small') as Buffer).equals(Buffer.concat([bytes, Buffer.from('x')])))
    for (let i = 0; i < 30; i++) disk.fs.appendFileSync('/often', String(i % 10))
    assert.is(files(), 2)
    again()
    assert.is(disk.fs.readFileSync('/often', 'utf8'), '0123456789'.repeat(3))
    const fd = disk.fs.openSync('/sparse', 'w+')
    disk.fs.writeSync(fd, 'end', 4000)
    disk.fs.ftruncateSync(fd, 10)
    disk.fs.ftruncateSync(fd, 20)
    disk.fs.fsyncSync(fd)
    disk.fs.writeSync(fd, 'far', 100_000)
    disk.fs.closeSync(fd)
    again()
    const expected = Buffer.alloc(100_003)
    expected.write('far', 100_000)
    assert.ok((disk.fs.readFileSync('/sparse') as Buffer).equals(expected))
    disk.close()
  },
)

/** Files of the host by name that were made to last while something ran, each as it was then. */
function synced(action: () => void): Map<string, string> {
  const real = nodeFs.fdatasyncSync
  const found = new Map<string, string>()
  nodeFs.fdatasyncSync = fd => {
    real(fd)
    const path = nodeFs.readlinkSync(`/proc/self/fd/${fd}`)
    found.set(path.slice(path.lastIndexOf('/') + 1), readFileSync(path, 'latin1'))
  }
  try {
    action()
  } finally {
    nodeFs.fdatasyncSync = real
  }
  return found
}

if (process.platform !== 'linux') skip(persistence, 'what lasts when it gets a file', 'no /proc')
else {
  persistence('what lasts without a file does when it gets one, also in a later mount', () => {
    const directory = join(base, 'lasting')
    const first = kept(directory, layers)
    first.fs.writeFileSync('/lasts', 'lasts')
    first.close()
    const world = kept(directory, layers)
    const content = 'longer'.repeat(1000)
    const found = synced(() => world.fs.appendFileSync('/lasts', content))
    assert.equal([...found], [['1', 'lasts']])
    world.close()
  })

  persistence('what a snapshot brings lasts before what it takes away is gone', () => {
    const one = inMemory(layers)
    const content = 'brought'.repeat(1000)
    one.fs.writeFileSync('/brought', content)
    const world = kept(join(base, 'brought'), layers)
    world.fs.writeFileSync('/gone', 'gone')
    const found = synced(() => assert.is(restoreSnapshot(world.tree, ok(writeSnapshot(one.upper))), undefined))
    assert.equal([...found], [['1', content]])
    world.close()
  })
}

persistence('what is held in memory of small files is limited', () => {
  const directory = join(base, 'many-small')
  let disk = kept(directory, layers)
  const content = 'y'.repeat(4096)
  for (let i = 0; i < 5000; i++) disk.fs.writeFileSync(`/f${i}`, content)
  assert.is(readdirSync(join(directory, 'data')).length, 5000 - 4096)
  disk.fs.unlinkSync('/f0')
  disk.fs.writeFileSync('/instead', content)
  assert.is(readdirSync(join(directory, 'data')).length, 5000 - 4096)
  disk.close()
  disk = kept(directory, layers)
  for (const name of ['/f1', '/f4500', '/instead']) assert.is(disk.fs.readFileSync(name, 'utf8'), content)
  disk.close()
})

persistence.run()
