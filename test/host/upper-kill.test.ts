// Processes that write to an upper in a directory are killed at any moment. What they had said that they did is there, what they
// were doing is there whole or not at all, and the next one goes on. UPPER_KILLS says how many, UPPER_FIRST from which seed.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { apply, inMemory, kept, keptLayers, RandomOps, remounted, seen, type World } from '../helpers/kept-upper.js'
import { Dice } from '../helpers/random-layers.js'

const KILLS = Number(process.env['UPPER_KILLS'] ?? 150)
const FIRST = Number(process.env['UPPER_FIRST'] ?? 1)
const LIVES = 10
/** So that logs are written anew all the time by half of the processes. */
const LEAST = 4000

/** The life of a process: says of each operation when it begins and what it answered. */
async function live(directory: string, seed: number): Promise<void> {
  const { layers } = await keptLayers()
  const world = kept(directory, layers, { least: seed % 2 === 0 ? LEAST : undefined })
  const ops = new RandomOps(seed)
  writeSync(2, 'ready\n')
  for (;;) {
    const op = ops.next()
    writeSync(1, 'begin\n')
    writeSync(1, `${apply(world, op)}\n`)
  }
}

interface Life {
  /** What its operations answered. */
  readonly answers: string[]
  /** Whether it was about to do another. */
  readonly underWay: boolean
}

/** Starts one and kills it; sooner than it can begin, now and then. */
function lived(directory: string, seed: number, dice: Dice): Promise<Life> {
  return new Promise((resolve, reject) => {
    const args = ['--no-warnings', process.argv[1], 'live', directory, String(seed)]
    // What is in a file is there when its writer is killed.
    const told = `${directory}.told`
    const fd = openSync(told, 'w')
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', fd, 'pipe'] })
    closeSync(fd)
    let errors = ''
    const early = dice.chance(0.15)
    const delay = early ? 60 + dice.int(80) : dice.int(dice.chance(0.5) ? 4 : 60)
    const kill = () => void child.kill('SIGKILL')
    if (early) setTimeout(kill, delay)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (errors === '' && !early) setTimeout(kill, delay)
      errors += text
    })
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`seed ${seed}: ended by itself: ${errors}`))
      const lines = readFileSync(told, 'latin1').split('\n').slice(0, -1)
      resolve({ answers: lines.filter(line => line !== 'begin'), underWay: lines.at(-1) === 'begin' })
    })
  })
}

interface Tally {
  kills: number
  ops: number
  halfway: number
  halfwayDone: number
}

function copyUp({ fs }: World, path: string): void {
  try {
    fs.closeSync(fs.openSync(path, 'r+') as number)
  } catch {
    // The operation fails as well then.
  }
}

/** Processes one after another on one directory, each killed. */
async function history(first: number, tally: Tally): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'composefs-kill-'))
  const { layers, close } = await keptLayers()
  const dice = new Dice(first)
  let memory = inMemory(layers)
  try {
    for (let seed = first; seed < first + LIVES; seed++) {
      const { answers, underWay } = await lived(directory, seed, dice)
      const ops = new RandomOps(seed)
      for (const [i, answer] of answers.entries()) {
        const op = ops.next()
        assert.is(apply(memory, op), answer, `seed ${seed} op ${i} ${JSON.stringify(op)}`)
      }
      tally.kills++
      tally.ops += answers.length
      const disk = kept(directory, layers, { least: LEAST })
      const found = seen(disk)
      memory = remounted(layers, memory)
      const last = ops.next()
      if (underWay && found.join('\n') !== seen(memory).join('\n')) {
        tally.halfwayDone++
        // These open a file first, which copies it up: an operation of its own.
        if (['write', 'truncate', 'fsync'].includes(last[0])) copyUp(memory, last[1] as string)
        if (found.join('\n') !== seen(memory).join('\n')) apply(memory, last)
      }
      if (underWay) tally.halfway++
      assert.equal(found, seen(memory), `seed ${seed} after ${answers.length}, ${JSON.stringify(last)}`)
      if (dice.chance(0.3)) for (let i = 0; i < 20; i++) assert.is(apply(disk, last), apply(memory, last))
      disk.close()
      const left = readdirSync(directory).filter(name => !/^(?:log|data|spare|lock\.tmp.*)$/.test(name))
      assert.equal(left, [], `seed ${seed}`)
    }
  } finally {
    close()
    for (const path of [directory, `${directory}.told`]) rmSync(path, { recursive: true, force: true })
  }
}

const kills = suite('an upper whose processes are killed')

kills(`what was answered is there, and nothing is torn (${KILLS} kills)`, async () => {
  const tally: Tally = { kills: 0, ops: 0, halfway: 0, halfwayDone: 0 }
  let next = FIRST
  const run = async () => {
    while (next < FIRST + KILLS) {
      next += LIVES
      await history(next - LIVES, tally)
    }
  }
  await Promise.all([run(), run()])
  const { ops, halfway, halfwayDone } = tally
  console.log(
    `note: ${tally.kills} kills, ${ops} operations answered, ${halfway} under way, ${halfwayDone} of them done`,
  )
})

if (process.argv[2] === 'live') await live(process.argv[3], Number(process.argv[4]))
else {
  kills.run()
}
