// A host that fails an upper in a directory: full disks, disks that can't be written to, what is in the directory that does not belong
// there. UPPER_DISKS says how many full disks.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readDirectoryUpper } from '../../src/host/upper-directory.js'
import { restoreSnapshot } from '../../src/overlay/restore.js'
import { writeSnapshot } from '../../src/overlay/snapshot.js'
import { apply, inMemory, kept, keptLayers, RandomOps, remounted, seen } from '../helpers/kept-upper.js'
import { kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { Dice } from '../helpers/random-layers.js'

const failures = suite('an upper in a directory whose host fails')
const base = mkdtempSync(join(tmpdir(), 'composefs-failures-'))
process.on('exit', () => rmSync(base, { recursive: true, force: true }))
const { layers } = await keptLayers()
const DISKS = Number(process.env['UPPER_DISKS'] ?? 12)

function codeOf(action: () => unknown): string {
  try {
    action()
    return 'ok'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** A small disk, which is gone afterwards. */
function onDisk(name: string, bytes: number, action: (path: string) => void): void {
  const path = join(base, name)
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
  try {
    action(path)
  } finally {
    execFileSync('umount', ['-l', path])
  }
}

/** Takes all but some bytes of a disk. */
function fill(disk: string, leave: number): void {
  const { bavail, bsize } = statfsSync(disk)
  const bytes = Math.max(0, bavail * bsize - leave)
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bytes, 1))
}

function fullDisks(): void {
  const told = { enospc: 0, ops: 0, late: 0 }
  for (let seed = 1; seed <= DISKS; seed++) {
    onDisk(`full-${seed}`, 1 << 20, disk => {
      const dice = new Dice(seed)
      const directory = join(disk, 'upper')
      const ops = new RandomOps(seed)
      let world = kept(directory, layers, { least: 4000 })
      let memory = inMemory(layers)
      for (let round = 0; round < 3; round++) {
        const at = `seed ${seed} round ${round}`
        if (round > 0) fill(disk, dice.pick([0, 4096, 8192, 40_000]))
        for (let i = 0; i < 150; i++) {
          const op = ops.next()
          const answer = apply(world, op)
          told.ops++
          if (answer !== 'ENOSPC') {
            assert.is(apply(memory, op), answer, `${at} op ${i} ${JSON.stringify(op)}`)
            continue
          }
          told.enospc++
          // Nothing of it has happened, but what an open for writing copies up.
          if (seen(world).join() === seen(memory).join()) continue
          told.late++
          assert.ok(['write', 'truncate', 'fsync'].includes(op[0]), `${at} op ${i} ${JSON.stringify(op)}`)
          apply(memory, ['truncate', op[1], (world.fs.statSync(op[1] as string) as { size: number }).size])
          assert.equal(seen(world), seen(memory), `${at} op ${i} ${JSON.stringify(op)}`)
        }
        assert.equal(seen(world), seen(memory), at)
        if (dice.chance(0.5)) {
          world.close()
          world = kept(directory, layers, { least: 4000 })
          memory = remounted(layers, memory)
          assert.equal(seen(world), seen(memory), `${at}, opened again on a full disk`)
        }
        rmSync(join(disk, 'ballast'), { force: true })
        for (let i = 0; i < 30; i++) {
          const op = ops.next()
          const answer = apply(world, op)
          assert.is.not(answer, 'ENOSPC', `${at}, with room again, ${JSON.stringify(op)}`)
          assert.is(answer, apply(memory, op))
        }
        world.close()
        world = kept(directory, layers, { least: 4000 })
        memory = remounted(layers, memory)
        assert.equal(seen(world), seen(memory), `${at}, opened again`)
      }
      world.close()
    })
  }
  console.log(
    `\nnote: ${told.ops} operations on full disks, ${told.enospc} without room, ${told.late} of them half done`,
  )
}

const reason = kernelReason()
if (reason !== undefined) skip(failures, 'full disks', reason)
else {
  failures('a full disk: ENOSPC before anything has changed; with room again all goes on', fullDisks)

  failures('a full disk: what frees room works, and frees it', () => {
    onDisk('frees', 2 << 20, disk => {
      const world = kept(join(disk, 'upper'), layers)
      for (let i = 0; codeOf(() => world.fs.writeFileSync(`/f${i}`, Buffer.alloc(8192))) === 'ok'; i++);
      const files = (world.fs.readdirSync('/') as string[]).filter(name => name.startsWith('f'))
      assert.ok(files.length > 100)
      let dirs = 0
      while (codeOf(() => world.fs.mkdirSync(`/more${dirs}`)) === 'ok') dirs++
      const refused = codeOf(() => world.fs.mkdirSync('/more'))
      assert.is(refused, 'ENOSPC')
      assert.not.ok(world.fs.existsSync(`/more${dirs}`) || world.fs.existsSync('/more'))
      for (const name of files) world.fs.unlinkSync(`/${name}`)
      world.fs.writeFileSync('/large', Buffer.alloc(1 << 20))
      world.close()
      const again = kept(join(disk, 'upper'), layers)
      assert.is((again.fs.readFileSync('/large') as Buffer).length, 1 << 20)
      assert.not.ok((again.fs.readdirSync('/') as string[]).some(name => name.startsWith('f')))
      again.close()
    })
  })

  failures('a full disk: a restore that has no room changes nothing, on the disk neither', () => {
    onDisk('restore', 1 << 20, disk => {
      const ops = new RandomOps(3)
      const other = inMemory(layers)
      for (let i = 0; i < 300; i++) apply(other, ops.next())
      const snapshot = writeSnapshot(other.upper) as Uint8Array
      let world = kept(join(disk, 'upper'), layers)
      for (let i = 0; i < 100; i++) apply(world, ops.next())
      let refused = 0
      for (let leave = 0; leave < 200_000; leave += 4096) {
        fill(disk, leave)
        const before = seen(world)
        const failed = restoreSnapshot(world.tree, snapshot)
        if (failed !== undefined) {
          assert.is(failed.code, 'ENOSPC')
          refused++
        }
        const after = seen(failed === undefined ? other : world)
        if (failed !== undefined) assert.equal(after, before)
        rmSync(join(disk, 'ballast'))
        world.close()
        world = kept(join(disk, 'upper'), layers)
        assert.equal(seen(world), after, String(leave))
        for (let i = 0; i < 10; i++) apply(world, ops.next())
        const now = seen(world)
        world.close()
        world = kept(join(disk, 'upper'), layers)
        assert.equal(seen(world), now)
        if (failed === undefined) break
      }
      assert.ok(refused > 0, String(refused))
      world.close()
    })
  })

  failures('a disk that can only be read: mounting fails, looking does not', () => {
    onDisk('read-only', 1 << 20, disk => {
      const world = kept(join(disk, 'upper'), layers)
      world.fs.writeFileSync('/f', 'content')
      world.close()
      execFileSync('mount', ['-o', 'remount,ro', disk])
      assert.is(
        codeOf(() => kept(join(disk, 'upper'), layers)),
        'EROFS',
      )
      const body = readDirectoryUpper(join(disk, 'upper'), layers).root.children?.get('f')?.body
      const bytes = new Uint8Array(7)
      assert.is(body?.read(bytes, 0), 7)
      assert.is(Buffer.from(bytes).toString(), 'content')
    })
  })

  failures('a disk that becomes read-only under a mount: EROFS, and what was there is', () => {
    onDisk('turns', 1 << 20, disk => {
      const world = kept(join(disk, 'upper'), layers)
      world.fs.writeFileSync('/f', 'content')
      world.fs.mkdirSync('/d')
      const before = seen(world)
      world.close()
      execFileSync('mount', ['-o', 'remount,ro', disk])
      assert.is(
        codeOf(() => kept(join(disk, 'upper'), layers)),
        'EROFS',
      )
      execFileSync('mount', ['-o', 'remount,rw', disk])
      const again = kept(join(disk, 'upper'), layers)
      assert.equal(seen(again), before)
      again.close()
    })
  })
}

/** More than the log holds itself. */
const LARGE = 'large '.repeat(1000)

failures('bytes that are gone are EIO, other files go on', () => {
  const directory = join(base, 'gone')
  const world = kept(directory, layers)
  world.fs.writeFileSync('/one', LARGE)
  world.fs.writeFileSync('/two', 'two')
  world.close()
  const again = kept(directory, layers)
  writeFileSync(join(directory, 'data/1'), '')
  assert.is(
    codeOf(() => again.fs.readFileSync('/one')),
    'EIO',
  )
  assert.is(again.fs.readFileSync('/two', 'utf8'), 'two')
  again.close()
})

failures('a directory of other things is none: ENOTEMPTY, and they stay', () => {
  for (const [i, make] of [
    (at: string) => writeFileSync(join(at, 'notes.txt'), 'mine'),
    (at: string) => mkdirSync(join(at, 'work')),
    (at: string) => {
      mkdirSync(join(at, 'data'))
      writeFileSync(join(at, 'data/1'), 'mine')
    },
  ].entries()) {
    const at = join(base, `others-${i}`)
    mkdirSync(at)
    make(at)
    const before = readdirSync(at, { recursive: true })
    assert.is(
      codeOf(() => kept(at, layers)),
      'ENOTEMPTY',
    )
    assert.equal(readdirSync(at, { recursive: true }), before)
  }
  writeFileSync(join(base, 'file'), '')
  assert.match(
    codeOf(() => kept(join(base, 'file'), layers)),
    /^(?:ENOTDIR|EEXIST)$/,
  )
})

failures('links in it lead nowhere', () => {
  const outside = join(base, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'precious'), 'precious')
  const make = (name: string): string => {
    const at = join(base, name)
    const world = kept(at, layers)
    world.fs.writeFileSync('/f', LARGE)
    world.close()
    return at
  }
  const log = make('link-log')
  renameSync(join(log, 'log'), join(outside, 'log'))
  symlinkSync(join(outside, 'log'), join(log, 'log'))
  assert.is(
    codeOf(() => kept(log, layers)),
    'ELOOP',
  )

  const body = make('link-body')
  rmSync(join(body, 'data/1'))
  symlinkSync(join(outside, 'precious'), join(body, 'data/1'))
  assert.is(
    codeOf(() => kept(body, layers)),
    'EUCLEAN',
  )

  const data = make('link-data')
  rmSync(join(data, 'data'), { recursive: true })
  symlinkSync(outside, join(data, 'data'))
  assert.is(
    codeOf(() => kept(data, layers)),
    'EUCLEAN',
  )

  const later = make('link-later')
  const world = kept(later, layers)
  rmSync(join(later, 'data/1'))
  symlinkSync(join(outside, 'precious'), join(later, 'data/1'))
  assert.is(
    codeOf(() => world.fs.writeFileSync('/f', 'over')),
    'ELOOP',
  )
  symlinkSync(join(outside, 'precious'), join(later, 'data/2'))
  assert.is(
    codeOf(() => world.fs.writeFileSync('/g', LARGE)),
    'EEXIST',
  )
  world.close()

  const fresh = join(base, 'link-new')
  mkdirSync(fresh)
  for (const name of ['log.new', 'spare', 'lock']) symlinkSync(join(outside, 'precious'), join(fresh, name))
  const codes = codeOf(() => kept(fresh, layers).close())
  assert.match(codes, /^(?:ok|ENOTEMPTY)$/)

  const pipe = make('pipe')
  rmSync(join(pipe, 'log'))
  execFileSync('mkfifo', [join(pipe, 'log')])
  assert.is(
    codeOf(() => kept(pipe, layers)),
    'EUCLEAN',
  )

  assert.equal(readdirSync(outside).sort(), ['log', 'precious'])
  assert.is(readFileSync(join(outside, 'precious'), 'utf8'), 'precious')
  assert.ok(lstatSync(join(log, 'log')).isSymbolicLink() && existsSync(outside))
})

failures.run()
