// Calls of the host that fail an upper in a directory, one after another: each call of a run of operations fails once, or it and all that
// follow for a while. The caller hears of it, the mount goes on, and what is there afterwards is what it showed.
import nodeFs, { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  apply,
  inMemory,
  kept,
  keptLayers,
  type RandomOp,
  RandomOps,
  remounted,
  seen,
  type World,
} from '../helpers/kept-upper.js'

const STEP = Number(process.env['UPPER_STEP'] ?? 4)
const SEED = Number(process.env['UPPER_FIRST'] ?? 4)
const OPS = 60
const CALLS = [
  'writeSync',
  'fdatasyncSync',
  'fsyncSync',
  'ftruncateSync',
  'openSync',
  'unlinkSync',
  'renameSync',
  'readSync',
] as const

const injected = suite('calls of the host that fail an upper in a directory')
const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'composefs-injected-'))
process.on('exit', () => rmSync(base, { recursive: true, force: true }))
const { layers } = await keptLayers()
const real = Object.fromEntries(CALLS.map(name => [name, nodeFs[name]]))

/** Makes calls fail, while an action runs, as long as `fails` says so of their number. */
function failing(code: string, fails: (call: number) => boolean, action: (calls: () => number) => void): void {
  let calls = 0
  for (const name of CALLS) {
    const call = real[name] as unknown as (...args: unknown[]) => unknown
    const instead = (...args: unknown[]) => {
      if (fails(++calls)) throw Object.assign(new Error(`${code}: injected into ${name}`), { code, errno: -5 })
      return call(...args)
    }
    Object.assign(nodeFs, { [name]: instead })
  }
  try {
    action(() => calls)
  } finally {
    Object.assign(nodeFs, real)
  }
}

const script = (): RandomOp[] => {
  const ops = new RandomOps(SEED)
  const list = Array.from({ length: OPS }, () => ops.next())
  return [
    ['create', '/file'],
    ['write', '/file', 0, 'one'],
    ['fsync', '/file'],
    ...list,
    ['unlink', '/file'],
    ['fsync', '/a/c'],
  ]
}

interface Tally {
  runs: number
  told: number
  happened: number
}

/** Does what the script says; what fails has happened, or not. */
function played(world: World, memory: World, ops: readonly RandomOp[], code: string, tally: Tally): void {
  for (const op of ops) {
    const answer = apply(world, op)
    if (answer !== code) {
      assert.is(apply(memory, op), answer, JSON.stringify(op))
      continue
    }
    tally.told++
    const isUnchanged = withoutFailure(() => seen(world).join('\n') === seen(memory).join('\n'))
    if (isUnchanged) continue
    tally.happened++
    // Opened for writing, which copies up, but not written to.
    if (['write', 'truncate'].includes(op[0])) apply(memory, ['fsync', op[1]])
    if (!withoutFailure(() => seen(world).join('\n') === seen(memory).join('\n'))) apply(memory, op)
    withoutFailure(() => assert.equal(seen(world), seen(memory), JSON.stringify(op)))
  }
}

function withoutFailure<T>(action: () => T): T {
  const injectedCalls = Object.fromEntries(CALLS.map(name => [name, nodeFs[name]]))
  Object.assign(nodeFs, real)
  try {
    return action()
  } finally {
    Object.assign(nodeFs, injectedCalls)
  }
}

function run(code: string, length: number): void {
  const tally: Tally = { runs: 0, told: 0, happened: 0 }
  for (let first = 1; ; first += STEP) {
    const directory = join(base, `${code}-${length}-${first}`)
    const world = kept(directory, layers, { least: 3000 })
    const memory = inMemory(layers)
    let total = 0
    failing(
      code,
      call => call >= first && call < first + length,
      calls => {
        played(world, memory, script(), code, tally)
        total = calls()
      },
    )
    const before = seen(world)
    assert.equal(before, seen(memory), `from call ${first}`)
    // It goes on.
    played(
      world,
      memory,
      [
        ['mkdir', '/on'],
        ['create', '/on/f'],
        ['write', '/on/f', 0, 'on'],
      ],
      'none',
      tally,
    )
    world.close()
    const again = kept(directory, layers)
    assert.equal(seen(again), seen(remounted(layers, memory)), `from call ${first}, opened again`)
    again.close()
    rmSync(directory, { recursive: true })
    tally.runs++
    if (first > total) break
  }
  const { runs, told, happened } = tally
  console.log(`\nnote: ${runs} runs with ${code}, ${told} times told, ${happened} times of what has happened`)
}

for (const code of ['EIO', 'ENOSPC']) {
  injected(`${code}, once`, () => run(code, 1))
  injected(`${code}, for a while`, () => run(code, 25))
}

injected('what can not be written down at the end is told, and the directory is given back', () => {
  const directory = join(base, 'end')
  const world = kept(directory, layers)
  world.fs.mkdirSync('/before')
  failing(
    'EIO',
    () => true,
    () => {
      assert.is(apply(world, ['mkdir', '/lost']), 'EIO')
      assert.throws(() => world.close(), /EIO/)
    },
  )
  const again = kept(directory, layers)
  assert.is(again.fs.existsSync('/before'), true)
  again.close()
})

injected.run()
