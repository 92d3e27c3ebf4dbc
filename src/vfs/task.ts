// One call of an operation, and the three ways to run it. An operation is written once: it checks its arguments (and
// throws, as Node does) and answers a Task, whose step gives a value or a Fault without waiting. Here a Fault becomes
// Node's error, and a Miss is waited for and the step called again. Not here: any operation.

import { Fault, loadFault, Miss, type Outcome } from '../format/errno.js'
import type { Bytes } from '../overlay/layer.js'
import { abortError } from './arg-errors.js'
import type { Core } from './core.js'
import { fsError } from './errors.js'
import { defer } from './host.js'

/** How often a step may lack something before it is taken to make no progress. */
const MISS_LIMIT = 1_000_000

/** What a running task shows its step: where it is, for the error that may come of it. */
export interface Course {
  syscall: string
  path: Bytes | undefined
  dest?: Bytes | undefined
}

/**
 * A call that is ready to run. `syscall`, `path` and `dest` are what an error will name; a step that goes on to another
 * system call (open, then read) changes them on its way. A step that is run again after a Miss finds what it already
 * has in its closure.
 */
export class Task<T> implements Course {
  constructor(
    public syscall: string,
    public path: Bytes | undefined,
    readonly step: (course: Course, wait: boolean) => Outcome<T>,
    public dest?: Bytes,
    public signal?: AbortSignal,
    /** Gives back what the step holds when the call ends without having come to its end; that is waited for. */
    public cleanUp?: () => Promise<void> | undefined | void,
  ) {}

  error(fault: Fault): Error {
    return fsError(fault, this.syscall, this.path, this.dest)
  }
}

/** An operation: arguments in, a Task out. Throws for wrong arguments. */
export type Operation<T = unknown> = (core: Core, args: readonly unknown[]) => Task<T>

/** Runs a task now; a Miss is an error (EAGAIN). */
export function runSync<T>(task: Task<T>): T {
  const value = task.step(task, true)
  if (!(value instanceof Fault)) return value
  task.cleanUp?.()
  throw task.error(value)
}

/** Runs a task as far as it comes at once, then as its Misses are filled. Calls exactly one of the two. */
function attempt<T>(
  core: Core,
  task: Task<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
  left: number,
): void {
  const giveUp = (error: unknown) => {
    const cleaned = task.cleanUp?.()
    if (cleaned === undefined) reject(error)
    else cleaned.then(() => reject(error), reject)
  }
  let value: Outcome<T>
  try {
    if (task.signal?.aborted === true) throw abortError(task.signal)
    const { patiently } = core.layer
    value = patiently === undefined ? task.step(task, false) : patiently(() => task.step(task, false))
    if (value instanceof Fault && (!(value instanceof Miss) || left === 0)) throw task.error(value)
  } catch (error) {
    giveUp(error)
    return
  }
  if (value instanceof Miss) {
    loaded(value, task.signal).then(
      () => attempt(core, task, resolve, reject, left - 1),
      cause => giveUp(failedLoad(task, cause)),
    )
  } else {
    resolve(value as T)
  }
}

/** Brings what lacks, or gives up at a signal. */
async function loaded(miss: Miss, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return miss.load()
  let stop = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new Error('aborted'))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([miss.load(), aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** What a failed load is to the caller. */
function failedLoad<T>(task: Task<T>, cause: unknown): Error {
  return task.signal?.aborted === true ? abortError(task.signal) : task.error(loadFault(cause))
}

/** Runs a task at once as far as it comes; rejects with Node's error. */
export function runPromise<T>(core: Core, task: Task<T>): Promise<T> {
  return new Promise((resolve, reject) => attempt(core, task, resolve, reject, MISS_LIMIT))
}

/** Runs a task in the next tick, and calls back in a tick of its own, so that what a callback throws is its own. */
export function runCallback<T>(core: Core, task: Task<T>, done: (error: unknown, value?: T) => void): void {
  let waited = false
  const call = (run: () => void) => (waited ? defer(run) : run())
  defer(() => {
    attempt(
      core,
      task,
      value => call(() => (value === undefined ? done(null) : done(null, value))),
      error => call(() => done(error)),
      MISS_LIMIT,
    )
    waited = true
  })
}
