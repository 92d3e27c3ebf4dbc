// Worker threads of a bundle that is its own worker, as the commands are: a small one is made here and run.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from '../helpers/paths.js'

const test = suite('worker pool')

/** What a program does with `pool` (three workers), `report`, and these tasks. */
const TASKS = `
import fs from 'node:fs'
import { isMainThread, threadId } from 'node:worker_threads'
import { serveTasks, WorkerPool } from '${join(ROOT, 'src/host/worker-pool.ts')}'

const pause = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
/** Marks its jobs; answers which thread it was and how many it did. */
const mark = { name: 'mark', run: ({ marks, slow }, next) => {
  let done = 0
  for (let job = next(); job !== -1; job = next()) { Atomics.add(marks, job, 1); done++; pause(slow) }
  return { thread: threadId, done }
} }
/** Throws at a job, in a worker or here. */
const fail = { name: 'fail', run: ({ at, worker, marks }, next) => {
  for (let job = next(); job !== -1; job = next()) {
    if (job >= at && worker !== isMainThread) fs.openSync('/nonexistent/file')
    Atomics.add(marks, job, 1)
    pause(1)
  }
} }
/** Ends its worker, as running out of memory does. */
const die = { name: 'die', run: (data, next) => {
  for (let job = next(); job !== -1; job = next()) { if (!isMainThread) process.exit(3); pause(1) }
} }
const tasks = [mark, fail, die]
const marksFor = jobs => new Int32Array(new SharedArrayBuffer(4 * jobs))
const report = value => console.log(JSON.stringify(value))
const caught = async promise => { try { await promise; return 'nothing' } catch (error) { return error } }
`

const directory = mkdtempSync(join(tmpdir(), 'worker-pool-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

/** Runs a program in the shape of a command; what it reports. */
async function program(name: string, body: string): Promise<unknown[]> {
  const source = join(directory, `${name}.ts`)
  const outfile = join(directory, `${name}.cjs`)
  writeFileSync(
    source,
    `${TASKS}
    async function main() {
      const pool = new WorkerPool(3)
      ${body}
      await pool.close()
    }
    if (!serveTasks(tasks)) main()`,
  )
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    define: { 'import.meta.url': '__url' },
    banner: { js: `const __url = require('node:url').pathToFileURL(__filename).href` },
    logLevel: 'error',
  })
  const ran = spawnSync(process.execPath, [outfile], { encoding: 'utf8', timeout: 30_000 })
  assert.is(ran.status, 0, `${ran.signal ?? ''}${ran.stderr}`)
  return ran.stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

interface Part {
  readonly thread: number
  readonly done: number
}

test('every job is done once, by several threads, here or not, again and again', async () => {
  const runs = await program(
    'all',
    `for (const [jobs, here, slow] of [[400, true, 1], [400, false, 1], [1, true, 0], [1, false, 0], [0, true, 0], [0, false, 0], [100000, true, 0], [100000, false, 0]]) {
      const marks = marksFor(jobs)
      const parts = await pool.run(mark, { marks, slow }, jobs, { here })
      report({ jobs, here, slow, once: marks.every(n => n === 1), parts, size: pool.size })
    }`,
  )
  assert.is(runs.length, 8)
  for (const run of runs as { jobs: number; here: boolean; slow: number; once: boolean; parts: Part[] }[]) {
    const what = JSON.stringify(run)
    assert.ok(run.once, what)
    assert.is(
      run.parts.reduce((sum, part) => sum + part.done, 0),
      run.jobs,
      what,
    )
    const threads = run.parts.map(part => part.thread)
    assert.is(new Set(threads).size, threads.length, what)
    assert.is(threads.includes(0), run.here, what)
    // 400 ms for one thread alone: the workers are there long before.
    if (run.slow > 0) assert.ok(run.parts.filter(part => part.done > 0).length >= 2, what)
  }
})

test('an error is that of the thread, with its code; the others stop, and the pool can be used again', async () => {
  const runs = await program(
    'fail',
    `for (const worker of [true, false]) {
      const marks = marksFor(5000)
      const error = await caught(pool.run(fail, { at: 20, worker, marks }, marks.length))
      const before = marks.reduce((a, b) => a + b)
      pause(20)
      const { code, syscall, path } = error
      report({ isError: error instanceof Error, code, syscall, path, before, after: marks.reduce((a, b) => a + b) })
    }
    const marks = marksFor(50)
    await pool.run(mark, { marks, slow: 0 }, 50)
    report(marks.every(n => n === 1))`,
  )
  for (const run of runs.slice(0, 2) as Record<string, unknown>[]) {
    assert.ok(run['isError'])
    assert.is(run['code'], 'ENOENT')
    assert.is(run['syscall'], 'open')
    assert.is(run['path'], '/nonexistent/file')
    assert.ok((run['before'] as number) < 4000, 'stopped')
    assert.is(run['after'], run['before'], 'no thread goes on')
  }
  assert.is(runs[2], true)
})

test('a worker that dies, a task that no one knows, a second run at once, a closed pool: errors, no waiting', async () => {
  const found = await program(
    'die',
    `const marks = marksFor(2000)
    const first = pool.run(mark, { marks, slow: 0 }, 2000, { here: false })
    report(String(await caught(pool.run(mark, { marks, slow: 0 }, 10))))
    await first
    report(String(await caught(pool.run({ name: 'unknown', run: mark.run }, { marks, slow: 1 }, 2000, { here: false }))))
    report(String(await caught(pool.run(die, {}, 1000))))
    report(String(await caught(pool.run(mark, { marks, slow: 0 }, 10))))
    const other = new WorkerPool(1)
    await other.close()
    report(String(await caught(other.run(mark, { marks, slow: 0 }, 10))))
    const none = new WorkerPool(0)
    const alone = marksFor(9)
    await none.run(mark, { marks: alone, slow: 0 }, 9, { here: false })
    report(alone.every(n => n === 1))`,
  )
  assert.equal(found, [
    'Error: the pool is at work',
    'Error: no task is called unknown',
    'Error: a worker thread ended',
    'Error: a worker thread ended',
    'Error: the pool is closed',
    true,
  ])
})

test.run()
