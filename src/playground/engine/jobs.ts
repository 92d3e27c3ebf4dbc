// Long work in slices: the worker answers other calls in between, says how far it has come, and stops when the page says so. Not
// here: any work.

import type { JobId, Progress, ProgressListener } from '../protocol.js'
import { PlainError } from './plain-words.js'

/** Work without a pause is not longer than this. Milliseconds. */
const SLICE_MS = 12
/** The page is told this often at most. Milliseconds. */
const TELL_MS = 80

/** The name of the Error of work that was cancelled. */
export const CANCELLED = 'AbortError'

/** Whether work has ended since it was cancelled. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.name === CANCELLED
}

export class Jobs {
  readonly #cancelled = new Set<JobId>()

  /** Work that the page has given a number to. */
  begin(id: JobId | undefined, progress: Progress, listener?: ProgressListener): Job {
    return new Job(() => id !== undefined && this.#cancelled.delete(id), progress, listener)
  }

  /** Stops work at its next pause. */
  cancel(id: JobId): void {
    this.#cancelled.add(id)
  }
}

/** One piece of work. */
export class Job {
  readonly #isCancelled: () => boolean
  readonly #listener: ProgressListener | undefined
  #progress: Progress
  #sliceEnds = performance.now() + SLICE_MS
  #told = 0
  #turn: Promise<void> | undefined
  /** Stays so: work may have several lanes, each of which has to see it. */
  #cancelled = false

  constructor(isCancelled: () => boolean, progress: Progress, listener?: ProgressListener) {
    this.#isCancelled = isCancelled
    this.#listener = listener
    this.#progress = progress
  }

  /** To be called often. Waits where it is others' turn; throws an AbortError where the work is cancelled. */
  async pause(done: number, total = this.#progress.total): Promise<void> {
    const now = performance.now()
    if (now < this.#sliceEnds) return
    if (now - this.#told > TELL_MS) {
      this.#told = now
      this.#progress = { ...this.#progress, done, total }
      this.#listener?.(this.#progress)
    }
    // Lanes wait for the same turn.
    this.#turn ??= othersTurn()
    await this.#turn
    this.#turn = undefined
    this.#cancelled ||= this.#isCancelled()
    if (this.#cancelled) throw new PlainError(CANCELLED, 'Cancelled.')
    this.#sliceEnds = performance.now() + SLICE_MS
  }
}

/** Lets the messages that are waiting be answered first. */
export function othersTurn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
