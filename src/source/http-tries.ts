// How often a request is sent again, and after what time: exponential back-off with full jitter, so that many who failed
// together do not come back together. One budget for all that one operation asks.

import { HttpError } from './http-error.js'

/** The wait before the second try is up to this long, and doubles from then on. */
const FIRST_MS = 100
const LONGEST_MS = 5000
const TIMER_MAX = 2 ** 31 - 1

export class Tries {
  #used = 0

  constructor(
    readonly retries: number,
    /** No single wait is longer, even if the server says so. */
    readonly longest: number,
    readonly signals: readonly AbortSignal[],
  ) {}

  /** Waits until it is time to try again; throws the error if that is of no use, or was done often enough. */
  async again(error: unknown): Promise<void> {
    if (!(error instanceof HttpError) || !error.again || this.#used >= this.retries) throw error
    const backOff = Math.random() * Math.min(FIRST_MS * 2 ** this.#used, LONGEST_MS, this.longest)
    this.#used++
    await pause(Math.min(Math.max(backOff, error.after), this.longest, TIMER_MAX), this.signals)
  }

  /** The operation got on: what failed before does not count any more. */
  renew(): void {
    this.#used = 0
  }
}

function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (then: () => void) => () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', aborted)
      then()
    }
    const aborted = end(() => reject(signals.find(signal => signal.aborted)?.reason))
    const timer = setTimeout(end(resolve), ms)
    for (const signal of signals) signal.addEventListener('abort', aborted)
    if (signals.some(signal => signal.aborted)) aborted()
  })
}
