// What IndexedDbStore and OpfsStore keep: over reloads, over restarts of the browser, and over its death by SIGKILL in
// the middle of puts.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths.js'
import { ARGS, CHROMIUM, TIMEOUT_MS } from './chromium.js'
import { ask, KINDS, ready, type Site, serveStores } from './stores-driver.js'

const KILLS = 10
/** Names an object that IndexedDB has as chunks. */
const LARGE = 1_000_016

const temporary = mkdtempSync(join(tmpdir(), 'composefs-profiles-'))
const running = new Set<ChildProcess>()

/** Ends a browser and all that it started. */
function kill(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL')
  } catch {
    // It has ended already.
  }
  running.delete(child)
}

process.on('exit', () => {
  for (const child of running) kill(child)
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
})

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Starts a program, and kills its process group when standard input ends: with this process, however that ends. */
const GUARD = '"$@" & read -r _; kill -9 0'

/** A browser in a process group of its own, so that it can be killed whole. */
async function start(executablePath: string, profile: string): Promise<{ child: ChildProcess; browser: Browser }> {
  const port = join(profile, 'DevToolsActivePort')
  rmSync(port, { force: true })
  const args = [...ARGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
  const child = spawn('sh', ['-c', GUARD, 'sh', executablePath, ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  running.add(child)
  const began = Date.now()
  while (!existsSync(port) || !readFileSync(port, 'utf8').includes('\n')) {
    assert.ok(Date.now() - began < TIMEOUT_MS && child.exitCode === null, 'the browser does not start')
    await pause(20)
  }
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(port, 'utf8').split('\n')[0]}`)
  return { child, browser }
}

/** Does a process of the group still run? */
function alive(group: number): boolean {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      // pid (name) state parent group; the name may have anything in it.
      const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (Number(pgrp) === group && state !== 'Z') return true
    } catch {
      // It has ended meanwhile.
    }
  }
  return false
}

/** Kills a browser, and waits until none of its processes has the profile open any more. */
async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise(resolve => child.once('exit', resolve))
    kill(child)
    await ended
  }
  if (!existsSync('/proc/self/stat')) return pause(1000)
  while (alive(child.pid as number)) await pause(5)
}

interface Checked {
  readonly found: number
  readonly wrong: string[]
  readonly missing: number[]
}

const test = suite('browser: stores that last')

function addRestarts(site: Site, executablePath: string): void {
  test('objects are there after a reload, and after a restart', async () => {
    const open = () =>
      chromium.launchPersistentContext(join(temporary, 'kept'), { executablePath, args: ARGS, timeout: TIMEOUT_MS })
    let context = await open()
    const page = await ready(await context.newPage(), site)
    const task = { place: 'kept', from: 0, count: 22 }
    for (const kind of KINDS) assert.equal(await ask(page, 'page', 'putMany', { ...task, kind }), [])
    const all = async (tab: Page): Promise<void> => {
      for (const kind of KINDS) {
        const seen = await ask(tab, kind === 'opfs' ? 'worker' : 'page', 'check', { ...task, kind, from: 22 })
        assert.equal(seen, { found: 22, wrong: [], missing: [] }, kind)
      }
    }
    await page.reload()
    await all(await ready(page, site))
    await context.close()
    context = await open()
    await all(await ready(await context.newPage(), site))
    await context.close()
  })
}

function addKills(site: Site, executablePath: string): void {
  test(`${KILLS} times killed while objects are put: none is bad, none that IndexedDB has is missing`, async () => {
    const profile = join(temporary, 'killed')
    let done = { indexeddb: 0, opfs: 0 }
    // Chromium writes down what is in a folder of OPFS some time after it has said that a file is there. What a kill takes with it is
    // missing then, as a whole, and can be put again.
    const gone = new Set<number>()
    try {
      for (let round = 0; round <= KILLS; round++) {
        const { child, browser } = await start(executablePath, profile)
        const page = await ready(await browser.contexts()[0].newPage(), site)
        for (const kind of KINDS) {
          const { wrong, missing, found } = await ask<Checked>(page, 'page', 'check', {
            kind,
            place: 'killed',
            from: done[kind],
          })
          assert.equal(wrong, [], `${kind}, round ${round}, ${found} found`)
          if (kind === 'opfs') for (const one of missing) gone.add(one)
          else assert.equal(missing, [], `${kind}, round ${round}, ${found} found`)
          done = { ...done, [kind]: found }
        }
        if (round < KILLS) {
          // Never answered; in a worker and in the page by turns.
          const [one, other] = round % 2 === 0 ? (['page', 'worker'] as const) : (['worker', 'page'] as const)
          ask(page, one, 'putMany', { kind: 'indexeddb', place: 'killed', from: done.indexeddb, count: 1e6 }).catch(
            () => {},
          )
          ask(page, other, 'putMany', { kind: 'opfs', place: 'killed', from: done.opfs, count: 1e6 }).catch(() => {})
          await pause(100 + ((round * 397) % 700))
        } else {
          assert.ok(done.indexeddb > KILLS && done.opfs > KILLS && gone.size < done.opfs / 2, JSON.stringify(done))
          const again = { kind: 'opfs', place: 'killed' } as const
          for (const from of gone) await ask(page, 'page', 'putMany', { ...again, from, count: 1 })
          const { missing } = await ask<Checked>(page, 'page', 'check', { ...again, from: done.opfs })
          assert.equal(missing, [], 'put again')
          for (const kind of KINDS) {
            // What the dead left is cleared by the next one's put.
            await ask(page, 'page', 'putMany', { kind, place: 'killed', from: LARGE, count: 1 })
            assert.is(await ask(page, 'page', 'leftovers', { kind, place: 'killed' }), 0, kind)
          }
        }
        await killed(child)
        await browser.close().catch(() => {})
      }
    } finally {
      // Who fails must not leave one to be waited for.
      for (const child of running) kill(child)
    }
    console.log(
      `note: ${KILLS} kills: ${done.indexeddb} objects in IndexedDB, ${done.opfs} in OPFS, ${gone.size} of them put again`,
    )
  })
}

async function addAll(executablePath: string): Promise<void> {
  const site = await serveStores()
  addRestarts(site, executablePath)
  addKills(site, executablePath)
  test('and goes away', () => site.close())
}

if (CHROMIUM === undefined) skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
else await addAll(CHROMIUM)
test.run()
