// Worker threads of a command, for work that keeps a processor busy: jobs are numbered, and every thread, this one among
// them if wanted, takes the next number as soon as it is free. A worker runs the command's own bundle, which begins with
// `serveTasks` to see in which thread it is; so there is one file to install, and dist/ looks as without workers.
// Not here: what is done (each command's tasks).

import type { MessagePort, Worker } from 'node:worker_threads'

/** First argument of a worker: telling by node:worker_threads alone would load it at every command's start, 1.5 ms. */
const WORKER_ARGUMENT = '--worker-thread'
/** Places in the counters that threads share. */
const NEXT = 0
const JOINED = 1
/** What is left for a worker's own JavaScript heap to grow to, MiB: buffers do not count. */
const WORKER_HEAP = 256

/** The number of the next job, from 0, or -1 when none is left. */
export type NextJob = () => number

/**
 * Something that threads do together. `run` is called once in each of them and works until `next` answers -1. `data` is
 * copied to the workers, so what all should see or write is in a SharedArrayBuffer; file descriptors are the process's,
 * and can be read at positions from all threads. What `run` answers or throws is copied back.
 */
export interface Task<Data, Result> {
  /** As the workers know it; unique within a command. */
  readonly name: string
  readonly run: (data: Data, next: NextJob) => Result
}

/** A list of tasks forgets what each takes: it came from a `run` of the same task. */
type AnyTask = Task<never, unknown>

interface Call {
  readonly id: number
  readonly task: string
  readonly data: never
  readonly jobs: number
  readonly counters: Int32Array
}

interface Thrown {
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly thrown?: Thrown
}

function jobsOf(counters: Int32Array, jobs: number): NextJob {
  return () => {
    // Looked at first, so that asking again and again at the end does not count up without bound.
    if (Atomics.load(counters, NEXT) >= jobs) return -1
    const job = Atomics.add(counters, NEXT, 1)
    return job < jobs ? job : -1
  }
}

/** An error as it crosses threads: a clone of it would lose code and syscall. */
function thrownOf(error: unknown): Thrown {
  if (!(error instanceof Error)) return { message: String(error), facts: {} }
  const facts: Record<string, unknown> = {}
  for (const name of ['code', 'errno', 'syscall', 'path', 'dest']) {
    const value: unknown = Reflect.get(error, name)
    if (typeof value === 'string' || typeof value === 'number') facts[name] = value
  }
  return { message: error.message, facts }
}

function serveCall(tasks: readonly AnyTask[], port: MessagePort, call: Call): void {
  const { id, data, jobs, counters } = call
  Atomics.add(counters, JOINED, 1)
  let reply: Reply
  try {
    const task = tasks.find(one => one.name === call.task)
    if (task === undefined) throw new Error(`no task is called ${call.task}`)
    reply = { id, result: task.run(data, jobsOf(counters, jobs)) }
  } catch (error) {
    // The others need not go on.
    Atomics.store(counters, NEXT, jobs)
    reply = { id, thrown: thrownOf(error) }
  }
  port.postMessage(reply)
}

/** True in a worker, which from then on does what the pool asks for; false in a command's first thread. */
export function serveTasks(tasks: readonly AnyTask[]): boolean {
  if (process.argv[2] !== WORKER_ARGUMENT) return false
  const { isMainThread, parentPort } = process.getBuiltinModule('node:worker_threads')
  if (isMainThread || parentPort === null) return false
  parentPort.on('message', (call: Call) => serveCall(tasks, parentPort, call))
  return true
}

/** Undefined where the host has no thread to give (a limit of processes). */
function startWorker(script: URL): Worker | undefined {
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  const resourceLimits = { maxOldGenerationSizeMb: WORKER_HEAP }
  try {
    return new Worker(script, { argv: [WORKER_ARGUMENT], resourceLimits })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_INIT_FAILED') return undefined
    throw error
  }
}

/** Processors that this process may use. */
export function processors(): number {
  return process.getBuiltinModule('node:os').availableParallelism()
}

export interface RunOptions {
  /** Take part in this thread too, which then answers to nothing else until its part is done. Yes unless said so. */
  readonly here?: boolean
}

/** One run under way. */
interface Run {
  readonly id: number
  readonly replies: Reply[]
  /** All replies. */
  readonly ended: Promise<Reply[]>
  /** Ends the run if it has ended. */
  readonly check: () => void
  readonly fail: (error: Error) => void
}

export class WorkerPool {
  readonly #workers: Worker[] = []
  #run: Run | undefined
  #runs = 0
  #broken: Error | undefined

  /**
   * Starts `count` workers, or as many as the host lets us have; they boot while this thread goes on, even if it does not
   * return to its event loop. What `run` does is done by this thread if there are none. `script` is what they run, which
   * has to serve the tasks: this very bundle unless given.
   */
  constructor(count: number, script: URL = new URL(import.meta.url)) {
    for (let i = 0; i < count; i++) {
      const worker = startWorker(script)
      if (worker === undefined) break
      worker.on('message', (reply: Reply) => this.#reply(reply))
      worker.on('error', error => this.#break(error instanceof Error ? error : new Error(String(error))))
      worker.on('exit', () => this.#break(new Error('a worker thread ended')))
      this.#workers.push(worker)
    }
  }

  /** Workers beside this thread. */
  get size(): number {
    return this.#workers.length
  }

  /**
   * Has `jobs` jobs of a task done, and answers what `run` answered in each thread that had begun by then, in no order.
   * Rejects with the first error that was thrown; by then no thread works any more, unless one of them died. One run at a time.
   */
  async run<Data, Result>(
    task: Task<Data, Result>,
    data: Data,
    jobs: number,
    { here = true }: RunOptions = {},
  ): Promise<Result[]> {
    if (this.#run !== undefined) throw new Error('the pool is at work')
    if (this.#broken !== undefined) throw this.#broken
    const counters = new Int32Array(new SharedArrayBuffer(8))
    const { id, ended, check } = this.#begin(counters, jobs)
    for (const worker of this.#workers) worker.postMessage({ id, task: task.name, data, jobs, counters })
    const results: Result[] = []
    let failed: { readonly error: unknown } | undefined
    try {
      if (here || this.#workers.length === 0) results.push(task.run(data, jobsOf(counters, jobs)))
    } catch (error) {
      Atomics.store(counters, NEXT, jobs)
      failed = { error }
    }
    check()
    for (const { result, thrown } of await ended) {
      if (thrown !== undefined) failed ??= { error: Object.assign(new Error(thrown.message), thrown.facts) }
      else results.push(result as Result)
    }
    if (failed !== undefined) throw failed.error
    return results
  }

  /** Ends the workers, at once. */
  async close(): Promise<void> {
    this.#broken ??= new Error('the pool is closed')
    await Promise.all(this.#workers.map(worker => worker.terminate()))
  }

  /**
   * A run, which ends once all jobs are taken and all threads that joined have ended: a thread joins before it takes
   * a job. One that is still booting then is not waited for; its late reply belongs to no run.
   */
  #begin(counters: Int32Array, jobs: number): Run {
    const replies: Reply[] = []
    let resolve: (replies: Reply[]) => void = () => {}
    let reject: (error: Error) => void = () => {}
    const ended = new Promise<Reply[]>((yes, no) => {
      resolve = yes
      reject = no
    })
    const check = () => {
      if (Atomics.load(counters, NEXT) < jobs || replies.length < Atomics.load(counters, JOINED)) return
      this.#run = undefined
      resolve(replies)
    }
    const fail = (error: Error) => {
      this.#run = undefined
      reject(error)
    }
    const run = { id: ++this.#runs, replies, ended, check, fail }
    this.#run = run
    return run
  }

  #reply(reply: Reply): void {
    if (reply.id !== this.#run?.id) return
    this.#run.replies.push(reply)
    this.#run.check()
  }

  /** Also after `close`, whose reason stands. */
  #break(error: Error): void {
    this.#broken ??= error
    this.#run?.fail(this.#broken)
  }
}
