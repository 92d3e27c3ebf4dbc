// The machine stops: what a disk holds at that moment is all that is left of an upper. Disks are ext4 in a file of the host, and a copy of
// that file is what is left. What was synced is there; of the rest the operations up to some moment, in order. UPPER_CUTS says how many
// times, UPPER_FIRST from which seed.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { apply, inMemory, kept, keptLayers, type RandomOp, RandomOps, seen, type World } from '../helpers/kept-upper.js'
import { kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { Dice } from '../helpers/random-layers.js'

const CUTS = Number(process.env['UPPER_CUTS'] ?? 20)
const FIRST = Number(process.env['UPPER_FIRST'] ?? 1)
const DISK = 8 << 20

const power = suite('an upper on a machine that stops')
const base = mkdtempSync(join(tmpdir(), 'composefs-power-'))
const mounted = new Set<string>()
process.on('exit', () => {
  for (const path of mounted) spawnSync('umount', ['-l', path])
  rmSync(base, { recursive: true, force: true })
})
const { layers } = await keptLayers()

function mount(disk: string, path: string): void {
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-o', 'loop', disk, path])
  mounted.add(path)
}

function unmount(path: string): void {
  execFileSync('umount', [path])
  mounted.delete(path)
}

/** What names stand for, without what is in files, which only a sync of theirs makes last. */
const shape = (world: World) =>
  seen(world)
    .map(line => line.split(' ').slice(0, 6).join(' '))
    .join('\n')

function sync(path: string): void {
  const fd = openSync(path, constants.O_RDONLY)
  fsyncSync(fd)
  closeSync(fd)
}

/** One disk, which is looked at as it is at several moments. */
function history(seed: number, tally: { cuts: number; ahead: number; synced: number }): void {
  const disk = join(base, 'disk')
  const left = join(base, 'left')
  const at = join(base, 'mounted')
  writeFileSync(disk, Buffer.alloc(DISK))
  execFileSync('mkfs.ext4', ['-q', '-F', '-J', 'size=1', disk], { stdio: 'ignore' })
  mount(disk, at)
  const dice = new Dice(seed)
  const ops = new RandomOps(seed)
  const directory = join(at, 'upper')
  const world = kept(directory, layers, { least: seed % 2 === 0 ? 3000 : undefined })
  const memory = inMemory(layers)
  const states = [shape(memory)]
  let last = 0
  const content = new Map<string, string>()
  for (let cut = 0; cut < 4; cut++) {
    for (let i = 0; i < 20 + dice.int(60); i++) {
      const files = seen(memory).flatMap(line => (/ 100\d+ /.test(line) ? [line.split(' ')[0]] : []))
      const op: RandomOp = dice.chance(0.1) && files.length > 0 ? ['fsync', dice.pick(files)] : ops.next()
      const answer = apply(world, op)
      assert.is(answer, apply(memory, op), `seed ${seed}`)
      const state = shape(memory)
      if (state !== states.at(-1)) states.push(state)
      if (op[0] === 'fsync' && answer === 'ok') {
        last = states.length - 1
        content.clear()
        content.set(op[1] as string, world.fs.readFileSync(op[1] as string, 'latin1') as string)
        tally.synced++
      } else content.clear()
      // The host writes on its own now and then: the log, names of bodies.
      if (dice.chance(0.03)) sync(dice.pick([join(directory, 'log'), directory, join(directory, 'data')]))
    }
    copyFileSync(disk, left)
    mount(left, `${at}-left`)
    // The process that had it is none of the machine's that is started next.
    for (const name of readdirSync(join(`${at}-left`, 'upper'))) {
      if (name.startsWith('lock-')) rmSync(join(`${at}-left`, 'upper', name))
    }
    const again = kept(join(`${at}-left`, 'upper'), layers)
    const index = states.lastIndexOf(shape(again))
    assert.ok(index >= last, `seed ${seed} cut ${cut}: state ${index} of ${states.length}, synced ${last}`)
    for (const [path, text] of content) assert.is(again.fs.readFileSync(path, 'latin1'), text)
    if (index > last) tally.ahead++
    for (let i = 0; i < 20; i++) apply(again, ['create', `/after${i}`])
    again.close()
    unmount(`${at}-left`)
    tally.cuts++
  }
  world.close()
  unmount(at)
}

const reason = kernelReason() ?? (spawnSync('mkfs.ext4', ['-V']).status === 0 ? undefined : 'no mkfs.ext4')
if (reason !== undefined) skip(power, 'what is left', reason)
else {
  power('what was synced is there, and the rest up to some operation', () => {
    const tally = { cuts: 0, ahead: 0, synced: 0 }
    for (let seed = FIRST; tally.cuts < CUTS; seed++) history(seed, tally)
    console.log(
      `\nnote: ${tally.cuts} times, ${tally.synced} syncs; ${tally.ahead} times more was there than had been synced`,
    )
  })
}

power.run()
