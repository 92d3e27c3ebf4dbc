// Who has an upper's directory: one mount at a time, in this process or another; what a killed one leaves is taken over, by one alone.
// UPPER_LOCK_SECONDS says for how long processes race.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { takeLock } from '../../src/host/lock-file.js'
import { isRunning, thisProcess } from '../../src/store/directory-process.js'
import { kept, keptLayers } from '../helpers/kept-upper.js'

const SECONDS = Number(process.env['UPPER_LOCK_SECONDS'] ?? 4)
const RACERS = 4

/** Takes the lock again and again, and looks whether anybody else who runs believes to have it. */
function race(directory: string): void {
  const until = Date.now() + SECONDS * 1000
  const marker = join(directory, '..', 'holder')
  while (Date.now() < until) {
    let unlock: () => void
    try {
      unlock = takeLock(join(directory, 'lock'))
    } catch (error) {
      if ((error as { code: string }).code !== 'EBUSY') throw error
      continue
    }
    try {
      writeFileSync(marker, JSON.stringify(thisProcess()), { flag: 'wx' })
    } catch {
      const other = JSON.parse(readFileSync(marker, 'utf8') || '{}')
      if (isRunning(other) !== false) throw new Error('two have it')
      writeFileSync(marker, JSON.stringify(thisProcess()))
    }
    // Some die in the middle of it, and some at other times by another's hand.
    if (Math.random() < 0.01) process.kill(process.pid, 'SIGKILL')
    unlinkSync(marker)
    unlock()
    writeSync(1, '.')
  }
}

async function hold(directory: string): Promise<void> {
  const { layers } = await keptLayers()
  kept(directory, layers).fs.writeFileSync('/held', 'x')
  writeSync(1, 'held\n')
  setInterval(() => {}, 1000)
}

const started = (...args: string[]): ChildProcess =>
  spawn(process.execPath, ['--no-warnings', process.argv[1], ...args], { stdio: ['ignore', 'pipe', 'pipe'] })

// Processes that this starts need none.
const base = process.argv[2] === undefined ? mkdtempSync(join(tmpdir(), 'composefs-lock-')) : ''
const locks = suite('who has the directory of an upper')

const messageOf = (action: () => unknown): string => {
  try {
    action()
    return 'ok'
  } catch (error) {
    return (error as Error).message
  }
}

locks('a second mount in this process is EBUSY and says so, until the first ends', async () => {
  const { layers } = await keptLayers()
  const one = kept(join(base, 'own'), layers)
  assert.match(
    messageOf(() => kept(join(base, 'own'), layers)),
    /^EBUSY: .*in use by this process$/,
  )
  one.close()
  kept(join(base, 'own'), layers).close()
})

locks('a mount in another process is EBUSY and names it; once it is killed its lock is taken over', async () => {
  const { layers } = await keptLayers()
  const directory = join(base, 'other')
  const child = started('hold', directory)
  await once(child.stdout as NodeJS.EventEmitter, 'data')
  assert.match(
    messageOf(() => kept(directory, layers)),
    new RegExp(`^EBUSY: .*in use by process ${child.pid} of`),
  )
  child.kill('SIGKILL')
  await once(child, 'close')
  const world = kept(directory, layers)
  assert.is(world.fs.readFileSync('/held', 'utf8'), 'x')
  world.close()
  assert.equal(readdirSync(directory).sort(), ['data', 'log', 'spare'])
})

locks('a number that another process has by now does not keep a directory', () => {
  const directory = join(base, 'reused')
  mkdirSync(directory)
  const path = join(directory, 'lock')
  const left = { ...thisProcess(), start: '1', held: true }
  writeFileSync(`${path}-left00`, JSON.stringify(left))
  takeLock(path)()
  assert.equal(readdirSync(directory), [])
})

locks('what a machine left before it was started anew does not either, but what another machine has does', () => {
  const directory = join(base, 'boots')
  mkdirSync(directory)
  const path = join(directory, 'lock')
  const here = { ...thisProcess(), pid: 1, held: true }
  writeFileSync(`${path}-left00`, JSON.stringify({ ...here, boot: 'earlier' }))
  takeLock(path)()
  writeFileSync(`${path}-left01`, JSON.stringify({ ...here, host: 'elsewhere', boot: 'its own' }))
  assert.match(
    messageOf(() => takeLock(path)),
    /process 1 of elsewhere.*remove .*lock-left01/,
  )
  rmSync(`${path}-left01`)
  writeFileSync(`${path}-odd`, 'no claim')
  assert.match(
    messageOf(() => takeLock(path)),
    /EBUSY.*someone.*lock-odd/,
  )
  rmSync(`${path}-odd`)
  writeFileSync(`${path}-blank0`, '')
  writeFileSync(`${path}-blank1`, Buffer.alloc(200))
  writeFileSync(`${path}.tmpleft00`, '')
  utimesSync(`${path}.tmpleft00`, 1, 1)
  takeLock(path)()
  assert.equal(readdirSync(directory), [])
})

locks(`of ${RACERS} processes that want it all the time, and die, never two have it`, async () => {
  const directory = join(base, 'race/upper')
  mkdirSync(directory, { recursive: true })
  let taken = 0
  let died = 0
  const until = Date.now() + SECONDS * 1000
  const racer = async () => {
    while (Date.now() < until - 500) {
      const child = started('race', directory)
      let errors = ''
      child.stdout?.on('data', (text: Buffer) => {
        taken += text.length
      })
      child.stderr?.on('data', (text: Buffer) => {
        errors += text
      })
      const timer = Math.random() < 0.3 ? setTimeout(() => child.kill('SIGKILL'), 200 + Math.random() * 500) : undefined
      const [, signal] = await once(child, 'close')
      clearTimeout(timer)
      assert.is(errors, '')
      if (signal === 'SIGKILL') died++
    }
  }
  await Promise.all(Array.from({ length: RACERS }, racer))
  assert.ok(taken > 100, String(taken))
  takeLock(join(directory, 'lock'))()
  // What was killed before its file had its name goes after a while.
  assert.equal(
    readdirSync(directory).filter(name => !/^lock\.tmp/.test(name)),
    [],
  )
  console.log(`\nnote: taken ${taken} times by ${RACERS} processes at a time, ${died} of which were killed`)
})

if (process.argv[2] === 'race') race(process.argv[3])
else if (process.argv[2] === 'hold') await hold(process.argv[3])
else {
  process.on('exit', () => rmSync(base, { recursive: true, force: true }))
  locks.run()
}
