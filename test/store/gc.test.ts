// What gc keeps, what it removes, what it never touches; and what a put tells it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryStore } from '../../src/store/directory.js'
import { BuildRegister } from '../../src/store/directory-builds.js'
import { GarbageCollector, type GcOptions, type GcReport } from '../../src/store/directory-gc.js'
import { topKind } from '../../src/store/directory-names.js'
import { longObject, type PoolObject, pathsIn, poolObject, tick, write } from '../helpers/object-pool.js'
import { skip } from '../helpers/paths.js'

const top = fs.mkdtempSync(join(tmpdir(), 'gc-'))
fs.chmodSync(top, 0o755)
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => join(top, String(count++))
const gc = suite('GarbageCollector')
const isRoot = process.getuid?.() === 0
const HOUR_S = 3600

/** A store with these objects, which a gc that starts now takes for old. */
async function furnished(...objects: readonly PoolObject[]): Promise<{ root: string; store: DirectoryStore }> {
  const root = fresh()
  const store = new DirectoryStore(root)
  fs.mkdirSync(root)
  for (const { name, data } of objects) await store.put(name, data)
  await tick()
  return { root, store }
}

function collect(root: string, needed: readonly string[], options: GcOptions = {}): GcReport {
  const collector = GarbageCollector.begin(root, options)
  try {
    return collector.collect(new Set(needed))
  } finally {
    collector.close()
  }
}

function objectsIn(root: string): string[] {
  return pathsIn(root).filter(path => /^..\/./.test(path))
}

/** Puts a register in a store, of somebody who began `hours` ago. */
function register(root: string, registration: unknown, hours: number): string {
  const name = `.build-${String(count++).padStart(6, '0')}`
  const text = typeof registration === 'string' ? registration : JSON.stringify(registration)
  fs.writeFileSync(join(root, name), text)
  const seconds = Date.now() / 1000 - hours * HOUR_S
  fs.utimesSync(join(root, name), seconds, seconds)
  return name
}

/** The register that this process would write. */
function ownRegistration(): Record<string, unknown> {
  const root = fresh()
  const begun = BuildRegister.begin(root)
  const [name] = fs.readdirSync(root)
  const registration = JSON.parse(fs.readFileSync(join(root, name), 'utf8'))
  begun.end()
  assert.not.ok(fs.existsSync(root), 'a store that was made for a build which put nothing is gone with it')
  return registration
}

gc('keeps what is needed, removes the rest, in both layouts', async () => {
  const all = [poolObject(1), poolObject(2), poolObject(3), longObject(1), longObject(2)]
  const { root } = await furnished(...all)
  const needed = [all[1].name, all[4].name, poolObject(9).name]
  const removed: [string, number][] = []
  const report = collect(root, needed, { removed: (name, size) => removed.push([name, size]) })
  assert.equal(objectsIn(root), [all[1].name, all[4].name].sort())
  const gone = [all[0], all[2], all[3]]
  assert.equal(removed.sort(), gone.map(({ name, data }) => [name, data.length]).sort())
  assert.is(report.removed, 3)
  assert.is(
    report.removedBytes,
    gone.reduce((sum, { data }) => sum + data.length, 0),
  )
  assert.is(report.needed, 2)
  assert.equal(report.failures, [])
  assert.ok(
    pathsIn(root).every(path => !path.startsWith('.')),
    'nothing of gc is left',
  )
})

gc('a dry run changes nothing and says the same', async () => {
  const { root } = await furnished(poolObject(1), poolObject(2))
  write(root, '.tmpabc123', 'x')
  fs.utimesSync(join(root, '.tmpabc123'), 1, 1)
  const parked = `.gc-${poolObject(3).digest}-0`
  write(root, parked, poolObject(3).data)
  await tick()
  const snapshot = () => pathsIn(root).map(path => [path, fs.lstatSync(join(root, path), { bigint: true }).ctimeNs])
  const before = snapshot()
  const forecast = collect(root, [poolObject(1).name, poolObject(3).name], { dryRun: true })
  assert.equal(snapshot(), before)
  assert.equal(collect(root, [poolObject(1).name, poolObject(3).name]), { ...forecast, needed: forecast.needed + 1 })
  assert.equal(objectsIn(root), [poolObject(1).name, poolObject(3).name].sort())
})

gc('never touches what is not in the layout', async () => {
  const { root } = await furnished(poolObject(1))
  const outside = fresh()
  const digits = poolObject(2).digest
  write(outside, digits.slice(2), 'outside')
  write(root, 'README', 'x')
  write(root, digits, 'a digest in the top directory')
  write(root, `AB/${digits.slice(2)}`, 'x')
  write(root, `abc/${digits.slice(2)}`, 'x')
  write(root, `aa/${digits.slice(2, 20)}`, 'too short')
  write(root, `aa/${digits.slice(2)}0`, 'too long')
  write(root, `aa/${digits.slice(2).toUpperCase()}`, 'upper case')
  write(root, `aa/.tmpabc123`, 'not in the top directory')
  write(root, `ab/${digits.slice(2)}/inner`, 'a directory at an object place')
  write(root, '.tmpabc', 'no temporary name')
  write(root, '.gc-abc-1', 'no parked name')
  fs.mkdirSync(join(root, '.tmp000000'))
  fs.mkdirSync(join(root, '.build-0'))
  fs.symlinkSync(join(outside, digits.slice(2)), join(root, `aa/${digits.slice(2)}`))
  fs.symlinkSync(outside, join(root, digits.slice(0, 2)))
  fs.symlinkSync(join(outside, digits.slice(2)), join(root, '.tmp000001'))
  fs.symlinkSync(join(outside, digits.slice(2)), join(root, `.gc-${digits}-1`))
  fs.symlinkSync('loop', join(root, 'loop'))
  for (const name of pathsIn(root)) fs.lutimesSync(join(root, name), 1, 1)
  await tick()
  const before = pathsIn(root)
  const report = collect(root, [])
  assert.equal(
    pathsIn(root),
    before.filter(path => path !== poolObject(1).name),
  )
  assert.equal(pathsIn(outside), [digits.slice(2)])
  assert.is(report.removed, 1)
  assert.is(report.leftovers, 0)
})

gc('temporary files go when they are older than a day and than every living build', async () => {
  const { root } = await furnished()
  const hoursAgo = (hours: number) => Date.now() / 1000 - hours * HOUR_S
  const make = (name: string, hours: number) => {
    write(root, name, 'half an object')
    fs.utimesSync(join(root, name), hoursAgo(hours), hoursAgo(hours))
  }
  make('.tmpAbC123', 25)
  make('.tmpabc124', 23)
  const { leftovers, leftoverBytes } = collect(root, [])
  assert.equal([leftovers, leftoverBytes], [1, 14])
  assert.equal(pathsIn(root), ['.tmpabc124'])
  make('.tmpabc125', 25)
  make('.tmpabc126', 27)
  const name = register(root, ownRegistration(), 26)
  collect(root, [])
  assert.equal(pathsIn(root), [name, '.tmpabc124', '.tmpabc125'])
})

gc('what was put or found since a living build began stays, older things do not', async () => {
  const { root, store } = await furnished(poolObject(1), poolObject(2))
  const build = BuildRegister.begin(root)
  await store.put(poolObject(2).name, poolObject(2).data)
  await store.put(poolObject(3).name, poolObject(3).data)
  await tick()
  const report = collect(root, [])
  assert.equal(objectsIn(root), [poolObject(2).name, poolObject(3).name].sort())
  assert.equal([report.removed, report.fresh], [1, 2])
  build.end()
  build.end()
  await tick()
  assert.is(collect(root, [poolObject(3).name]).removed, 1)
  assert.equal(objectsIn(root), [poolObject(3).name])
  assert.ok(pathsIn(root).every(path => !path.startsWith('.')))
})

gc('an object that was put with an old time stays, too', async () => {
  const { root, store } = await furnished()
  const build = BuildRegister.begin(root)
  await store.put(poolObject(1).name, poolObject(1).data)
  fs.utimesSync(join(root, poolObject(1).name), 1, 1)
  await tick()
  assert.is(collect(root, []).removed, 0)
  build.end()
})

const dead = spawnSync('true').pid
const OTHERS: readonly [string, (own: Record<string, unknown>) => unknown, number, boolean][] = [
  ['this process, for however long', own => own, 1000, true],
  ['a process that is gone', own => ({ ...own, pid: dead }), 0, false],
  ['another process by the same number', own => ({ ...own, start: '1' }), 0, false],
  ['another boot, today', own => ({ ...own, boot: 'other', pid: dead }), 23, true],
  ['another boot, yesterday', own => ({ ...own, boot: 'other' }), 25, false],
  ['another host, today', own => ({ ...own, host: `not-${os.hostname()}`, pid: dead }), 23, true],
  ['another host, yesterday', own => ({ ...own, host: `not-${os.hostname()}` }), 25, false],
  ['another container, today', own => ({ ...own, pids: 'pid:[1]', pid: dead }), 23, true],
  ['nobody knows, today', () => '', 23, true],
  ['nobody knows, yesterday', () => '{"pid":', 25, false],
  ['a number that is none', own => ({ ...own, pid: -1 }), 25, false],
  ['far too long a one', own => ({ ...own, more: 'x'.repeat(1 << 20) }), 25, false],
]

if (process.platform !== 'linux') skip(gc, 'whose register counts', 'needs Linux')
else {
  for (const [what, change, hours, lives] of OTHERS) {
    gc(`a register of ${what}, ${lives ? 'counts' : 'goes'}`, async () => {
      const { root } = await furnished(poolObject(1))
      const name = register(root, change(ownRegistration()), hours)
      const report = collect(root, [])
      assert.is(fs.existsSync(join(root, name)), lives)
      // The object is younger than the register.
      assert.equal([report.removed, report.fresh, report.leftovers], lives ? [0, 1, 0] : [1, 0, 1])
    })
  }

  gc('a zombie is no build', async () => {
    const { root } = await furnished(poolObject(1))
    // The shell's child ends, and the program that took the shell's place never asks for its end.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const pid = Number(await new Promise<Buffer>(resolve => parent.stdout.once('data', resolve)))
      const stat = () => fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
      while (!/\) Z /.test(stat())) await tick()
      register(
        root,
        {
          ...ownRegistration(),
          pid,
          start: stat()
            .slice(stat().lastIndexOf(')') + 2)
            .split(' ')[19],
        },
        1,
      )
      assert.is(collect(root, []).removed, 1)
    } finally {
      parent.kill()
    }
  })
}

gc('what a gc that was killed had moved aside goes back or goes', async () => {
  const [needed, unneeded, come] = [poolObject(1), poolObject(2), poolObject(3)]
  const { root } = await furnished(come)
  write(root, `.gc-${needed.digest}-0a`, needed.data)
  write(root, `.gc-${unneeded.digest}-0b`, unneeded.data)
  write(root, `.gc-${come.digest}-0c`, 'not what has come meanwhile')
  await tick()
  const report = collect(root, [needed.name, come.name])
  assert.equal([report.restored, report.leftovers], [2, 1])
  assert.equal(objectsIn(root), [needed.name, come.name].sort())
  assert.equal(new Uint8Array(fs.readFileSync(join(root, needed.name))), needed.data)
  assert.equal(new Uint8Array(fs.readFileSync(join(root, come.name))), come.data)
  assert.ok(pathsIn(root).every(path => topKind(path) === undefined))
})

gc('what is moved aside does not go back through a symlink', async () => {
  const { root } = await furnished()
  const outside = fresh()
  fs.mkdirSync(outside)
  const { name, digest, data } = poolObject(1)
  fs.symlinkSync(outside, join(root, name.slice(0, 2)))
  write(root, `.gc-${digest}-0`, data)
  await tick()
  const report = collect(root, [name])
  assert.is(report.failures.length, 1)
  assert.equal(pathsIn(outside), [])
  assert.ok(fs.existsSync(join(root, `.gc-${digest}-0`)))
})

gc('a store that is missing is an error, and is not made', () => {
  const root = fresh()
  assert.throws(() => GarbageCollector.begin(root), /ENOENT/)
  assert.not.ok(fs.existsSync(root))
})

gc('a put of what is there freshens it, and leaves it alone otherwise', async () => {
  const { name, data } = poolObject(1)
  const { root, store } = await furnished(poolObject(1))
  const path = join(root, name)
  const before = fs.lstatSync(path, { bigint: true })
  fs.utimesSync(path, 1, 1)
  await store.put(name, data)
  const after = fs.lstatSync(path, { bigint: true })
  assert.is(after.ino, before.ino)
  assert.ok(after.mtimeNs > before.mtimeNs)
  assert.equal(new Uint8Array(fs.readFileSync(path)), data)
})

if (!isRoot || process.platform === 'win32') {
  skip(gc, "another user's object is replaced by a copy", 'needs root, to be another user')
  skip(gc, 'what can not be removed is said, and the rest goes on', 'needs root, to be another user')
} else {
  gc("another user's object is replaced by a copy", async () => {
    const { name, data } = poolObject(1)
    const { root, store } = await furnished(poolObject(1))
    for (const path of ['', name.slice(0, 2)]) fs.chmodSync(join(root, path), 0o777)
    const before = fs.lstatSync(join(root, name), { bigint: true })
    process.seteuid?.(65534)
    try {
      await store.put(name, data)
    } finally {
      process.seteuid?.(0)
    }
    const after = fs.lstatSync(join(root, name), { bigint: true })
    assert.not.equal(after.ino, before.ino)
    assert.is(after.uid, 65534n)
    assert.equal(new Uint8Array(fs.readFileSync(join(root, name))), data)
  })

  gc('what can not be removed is said, and the rest goes on', async () => {
    const { root } = await furnished(poolObject(1), poolObject(2), poolObject(3))
    fs.chmodSync(root, 0o777)
    for (const i of [1, 2]) fs.chmodSync(join(root, poolObject(i).name.slice(0, 2)), 0o777)
    await tick()
    process.seteuid?.(65534)
    let report: GcReport
    try {
      report = collect(root, [])
    } finally {
      process.seteuid?.(0)
    }
    assert.is(report.removed, 2)
    assert.equal(
      report.failures.map(({ name, error }) => [name, (error as { code: string }).code]),
      [[poolObject(3).name, 'EACCES']],
    )
    assert.equal(objectsIn(root), [poolObject(3).name])
    assert.ok(pathsIn(root).every(path => topKind(path) === undefined))
  })
}

if (process.platform === 'linux') {
  gc('keeps no descriptor open', async () => {
    const { root } = await furnished(poolObject(1), poolObject(2))
    const fds = () => fs.readdirSync('/proc/self/fd').length
    const before = fds()
    fs.mkdirSync(join(root, 'ff'), { mode: 0 })
    execFileSync('mkfifo', [join(root, `ff/${poolObject(5).digest.slice(2)}`)])
    collect(root, [poolObject(1).name])
    BuildRegister.begin(root).end()
    assert.is(fds(), before)
  })
}

gc.run()
