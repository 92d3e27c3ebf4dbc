// Random calls of preview1 on ours and on Node's own WASI (node:wasi), over equal trees: after each call the errno and what was given
// are compared, at the end the whole trees. The seed is fixed; WASI_SEED=fresh takes another, WASI_SEED=N that one, and
// WASI_SEQUENCES=N makes so many. Where the two differ on purpose is in wasi-deviations.ts.
import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { perform, type Step, shownStep } from './random-wasi.js'
import { runSequence, type SequenceResult } from './wasi-compare.js'
import { newWasiWorlds, type WasiCall, type WorldsOptions, worldImage } from './wasi-worlds.js'

/** Time for each kind of tree; as many sequences as have room in it, and at least some. */
const BUDGET_MS = 4000
const LEAST = 20
const LENGTH = 60
const ERRNO = { EINVAL: 28, EBADF: 8, EFAULT: 21, ENOTCAPABLE: 76, ENAMETOOLONG: 37, EPERM: 63 } as const

const asked = process.env['WASI_SEED']
const seed = asked === 'fresh' ? Math.floor(Math.random() * 2 ** 31) : Number(asked ?? 7)
const sequences = Number(process.env['WASI_SEQUENCES'] ?? 0)

const image = await worldImage()

/** A difference, after the calls that led to it. */
function shownDifference(at: number, { difference, steps }: SequenceResult): string {
  return `WASI_SEED=${at}: ${difference}\n${steps.map(shownStep).join('\n')}`
}

function compareMany(options: WorldsOptions): { calls: number; succeeded: number; run: number; noted: number } {
  const until = performance.now() + BUDGET_MS
  const notes = new Map<string, number>()
  let [calls, succeeded, run] = [0, 0, 0]
  const goesOn = () => (sequences > 0 ? run < sequences : run < LEAST || performance.now() < until)
  for (; goesOn(); run++) {
    const worlds = newWasiWorlds(image, options)
    try {
      const result = runSequence(worlds, { seed: seed + run, length: LENGTH })
      if (result.difference !== undefined) assert.unreachable(shownDifference(seed + run, result))
      calls += result.calls
      succeeded += result.succeeded
      for (const [reason, count] of result.notes) notes.set(reason, (notes.get(reason) ?? 0) + count)
    } finally {
      worlds.close()
    }
  }
  console.log(`note: seed ${seed}: ${run} sequences, ${calls} calls, of which ${succeeded} succeeded`)
  for (const [reason, count] of notes) console.log(`note: ${count} × ${reason}`)
  return { calls, succeeded, run, noted: [...notes.values()].reduce((sum, count) => sum + count, 0) }
}

const differential = suite('preview1 on ours and on node:wasi')

differential('random calls on a writable tree are answered alike', () => {
  const { calls, succeeded, noted, run } = compareMany({ writable: true })
  assert.ok(calls > run * 20, `${calls} calls of ${run} sequences`)
  assert.ok(succeeded > calls / 10, `${succeeded} of ${calls} succeeded`)
  assert.ok(noted < calls / 10, `${noted} of ${calls} noted`)
})

const noBind = kernelReason()
if (noBind !== undefined) skip(differential, 'random calls on a read-only tree are answered alike', noBind)
else {
  differential('random calls on a read-only tree are answered alike', () => {
    const bound: string[] = []
    const view = (root: string) => {
      execFileSync('mount', ['--bind', root, root])
      bound.push(root)
      execFileSync('mount', ['-o', 'remount,bind,ro', root])
      return root
    }
    const unmount = () => {
      for (const root of bound.splice(0)) execFileSync('umount', ['-l', root])
    }
    const onTerm = () => process.exit(128 + 15)
    process.once('exit', unmount)
    process.once('SIGTERM', onTerm)
    try {
      const { calls, succeeded, noted } = compareMany({ writable: false, view, unview: unmount })
      assert.ok(succeeded > calls / 10, `${succeeded} of ${calls} succeeded`)
      assert.ok(noted < calls / 10, `${noted} of ${calls} noted`)
    } finally {
      unmount()
      process.removeListener('exit', unmount)
      process.removeListener('SIGTERM', onTerm)
    }
  })
}

differential('what differs is found: by what is given, by an errno, by the trees', () => {
  const faults: Readonly<Record<string, (right: WasiCall) => WasiCall>> = {
    fd_seek: () => () => 0,
    path_readlink:
      right =>
      (...args) =>
        right(...args) === 0 ? ERRNO.EINVAL : 0,
    path_unlink_file: () => () => 0,
    fd_write: right => (fd, iovs, count, out) => right(fd, iovs, Math.min(Number(count), 1), out),
  }
  for (const [name, fault] of Object.entries(faults)) {
    let found = false
    for (let at = 0; at < 200 && !found; at++) {
      const worlds = newWasiWorlds(image, { writable: true })
      const { calls, memory } = worlds.ours
      const ours = { calls: { ...calls, [name]: fault(calls[name]) }, memory }
      try {
        found = runSequence({ ...worlds, ours }, { seed: at, length: LENGTH }).difference !== undefined
      } finally {
        worlds.close()
      }
    }
    assert.ok(found, name)
  }
})

/** The answers of ours to some calls, one after the other. */
function answers(...steps: Step[]): number[] {
  const worlds = newWasiWorlds(image, { writable: true })
  try {
    return steps.map(step => perform(worlds.ours, step, false).errno)
  } finally {
    worlds.close()
  }
}

differential('what leads out of a directory is ENOTCAPABLE, a link to an absolute path EPERM', () => {
  const stat = { call: 'path_filestat_get', fd: 4, follow: true }
  assert.equal(answers({ ...stat, path: '../c' }, { ...stat, path: 'out' }, { ...stat, path: '/sub/../c' }), [
    ERRNO.ENOTCAPABLE,
    ERRNO.ENOTCAPABLE,
    ERRNO.ENOTCAPABLE,
  ])
  assert.equal(answers({ call: 'path_symlink', fd: 3, path: 'n1', path2: '/d' }), [ERRNO.EPERM])
  const name = { call: 'fd_prestat_dir_name', fd: 4 }
  assert.equal(answers({ ...name, n: 3 }, { ...name, n: 5, wild: 0x1fffd }, { ...name, n: 4 }), [
    ERRNO.ENAMETOOLONG,
    ERRNO.EFAULT,
    0,
  ])
})

differential('what node:wasi would wait for itself for ever, or lets pass, is EINVAL', () => {
  const both = { a: 0n, b: 0n, n: 3 }
  const path = { call: 'path_filestat_set_times', fd: 3, path: 'c', follow: true }
  assert.equal(answers({ ...path, ...both }, { ...path, n: 12 }, { ...path, n: 16 }, { ...path, fd: 77, ...both }), [
    ERRNO.EINVAL,
    ERRNO.EINVAL,
    ERRNO.EINVAL,
    ERRNO.EBADF,
  ])
})

differential('a memory that has grown since the last call is the one that is read and written', () => {
  const worlds = newWasiWorlds(image, { writable: true })
  try {
    const { ours } = worlds
    const tell = { call: 'fd_tell', fd: 5 }
    const open = { call: 'path_open', fd: 3, path: 'c', follow: true, base: 36n, inheriting: 0n }
    const results = [perform(ours, open, false)]
    ours.memory.grow(1)
    results.push(perform(ours, tell, false), perform(ours, { call: 'fd_prestat_get', fd: 3 }, false))
    assert.equal(
      results.map(({ errno }) => errno),
      [0, 0, 0],
    )
    ours.memory.grow(1)
    const at = 0x1fff8 + 0x10000
    assert.is(ours.calls['fd_tell'](5, at), 0)
  } finally {
    worlds.close()
  }
})

differential.run()
