// Threads that take turns at calls of `fs`: a test decides, call by call, which of them goes on, and so tries every order
// in which two processes could touch the same files. A thread can also be stopped for good, as kill -9 would.
import fs from 'node:fs'
import { type MessagePort, Worker, workerData } from 'node:worker_threads'

const RUNNING = 0
const WAITING = 1
const DONE = 2
const FAILED = 3
const STATE = 0
const KILLED = 1
const CELLS = 2
const PATIENCE_MS = 20_000

type Call = (...args: unknown[]) => unknown

/** One thread, as the test sees it. */
export class Turns {
  readonly #cells = new Int32Array(new SharedArrayBuffer(4 * CELLS))
  readonly #worker: Worker

  /** `file` calls `takeTurns` where it is not the main thread. */
  constructor(file: URL) {
    this.#worker = new Worker(file, { workerData: this.#cells, stdout: false, stderr: false })
    this.#cells[STATE] = DONE
  }

  /** Begins a task; it runs until its first call. */
  start(task: unknown): void {
    this.#cells[STATE] = RUNNING
    this.#cells[KILLED] = 0
    this.#worker.postMessage(task)
    this.#settle()
  }

  /** Has it calls left? */
  get waits(): boolean {
    return this.#cells[STATE] === WAITING
  }

  get failed(): boolean {
    return this.#cells[STATE] === FAILED
  }

  /** Lets it do the call that it waits at. */
  step(): void {
    this.#go()
  }

  /** Stops it at that call: that one, and all after it, are never made. */
  kill(): void {
    this.#cells[KILLED] = 1
    this.#go()
    while (this.waits) this.#go()
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #go(): void {
    Atomics.store(this.#cells, STATE, RUNNING)
    Atomics.notify(this.#cells, STATE)
    this.#settle()
  }

  #settle(): void {
    const until = Date.now() + PATIENCE_MS
    while (Atomics.load(this.#cells, STATE) === RUNNING) {
      if (Date.now() > until) throw new Error('a thread does not come to its next call')
      Atomics.wait(this.#cells, STATE, RUNNING, 1000)
    }
  }
}

function wait(cells: Int32Array): void {
  Atomics.store(cells, STATE, WAITING)
  Atomics.notify(cells, STATE)
  while (Atomics.load(cells, STATE) === WAITING) Atomics.wait(cells, STATE, WAITING)
  if (Atomics.load(cells, KILLED) === 1) throw Object.assign(new Error('killed'), { code: 'EKILLED' })
}

/**
 * In a thread: does the tasks that `start` gives, waiting for its turn before each call named. `lutimesSync` takes two
 * turns, of which the first is its look-up's.
 */
export function takeTurns(port: MessagePort, calls: readonly string[], run: (task: unknown) => unknown): void {
  const cells = workerData as Int32Array
  const hook = (on: Record<string, unknown>, name: string): void => {
    const real = on[name] as Call
    on[name] = (...args: unknown[]) => {
      if (inTask) wait(cells)
      return real.apply(on, args)
    }
  }
  let inTask = false
  // The kernel looks the path up, then sets the times of what it found: another may come in between.
  fs.lutimesSync = (path, atime, mtime) => {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    try {
      if (inTask) wait(cells)
      fs.futimesSync(fd, atime, mtime)
    } finally {
      fs.closeSync(fd)
    }
  }
  for (const name of calls) {
    const [first, second] = name.split('.')
    if (second === undefined) hook(fs as unknown as Record<string, unknown>, first)
    else hook(fs.promises as unknown as Record<string, unknown>, second)
  }
  port.on('message', async (task: unknown) => {
    let state = DONE
    inTask = true
    try {
      await run(task)
    } catch {
      state = FAILED
    }
    inTask = false
    Atomics.store(cells, STATE, state)
    Atomics.notify(cells, STATE)
  })
}
