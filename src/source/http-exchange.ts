// One request and its answer, while they are under way: its time limits, the caller's signals, its place among the
// requests of a client. It ends exactly once. Not here: what is asked and answered.

import { timeoutError } from './http-error.js'

/** The slowest body that is waited for, bytes a second: one that drips would never end otherwise. */
export const SLOWEST_BODY = 16 * 1024
const TIMER_MAX = 2 ** 31 - 1

/** How long a body of so many bytes may take, in milliseconds. */
export function bodyTime(timeout: number, length: number): number {
  return Math.min(timeout + (length / SLOWEST_BODY) * 1000, TIMER_MAX)
}

export class Exchange {
  readonly #controller = new AbortController()
  readonly #signals: readonly AbortSignal[]
  readonly #label: string
  readonly #timeout: number
  readonly #ended: () => void
  #isOver = false
  #hasPlace = true
  #isParked = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When the body must be there at the latest, and how far it is. */
  #until = 0
  #received = 0
  /** Milliseconds waited for it so far, and when the wait that is going on began. */
  #waited = 0
  #waitingSince: number | undefined
  #reject: ((error: unknown) => void) | undefined
  #reason: unknown

  /** What is sent, of so many bytes, has its time as well. */
  constructor(label: string, signals: readonly AbortSignal[], timeout: number, sent: number, ended: () => void) {
    this.#label = label
    this.#signals = signals
    this.#timeout = timeout
    this.#ended = ended
    for (const signal of signals) signal.addEventListener('abort', this.#onAbort)
    const answer = bodyTime(timeout, sent)
    this.#timer = setTimeout(() => this.stop(timeoutError(label, 'no answer', answer)), answer)
    if (signals.some(signal => signal.aborted)) this.#onAbort()
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it was stopped before its end; undefined if it was not. */
  get reason(): unknown {
    return this.#reason
  }

  readonly #onAbort = (): void => {
    this.stop(this.#signals.find(signal => signal.aborted)?.reason)
  }

  /** Waits for a part of the exchange, and no longer than the exchange lasts, whatever the platform does with signals. */
  wait<T>(part: Promise<T>): Promise<T> {
    this.#waitingSince = performance.now()
    if (this.#isParked) {
      this.#isParked = false
      this.#arm()
    }
    // Not Promise.race: it would hold every chunk of a body until the last one.
    return new Promise<T>((resolve, reject) => {
      if (this.#reason !== undefined) {
        part.catch(() => {})
        reject(this.#reason)
        return
      }
      this.#reject = reject
      part.then(resolve, error => reject(this.#reason ?? error))
    }).finally(() => {
      this.#reject = undefined
      this.#waited += performance.now() - (this.#waitingSince as number)
      this.#waitingSince = undefined
    })
  }

  /** The answer has come; now its body is to come, in the time that so many bytes may take at the most. */
  expectBody(length: number): void {
    this.#until = performance.now() + bodyTime(this.#timeout, length)
    this.#waited = 0
    this.#arm()
  }

  received(length: number): void {
    this.#received += length
  }

  /** Nobody reads on for the moment: it ends if that lasts, and takes no one's place meanwhile. */
  park(ms: number): void {
    if (this.#isOver) return
    this.#giveUpPlace()
    clearTimeout(this.#timer)
    this.#isParked = true
    this.#timer = setTimeout(() => this.stop(timeoutError(this.#label, 'nobody has read on', ms)), ms)
  }

  /** Ends the exchange before its end: the connection is given up. */
  stop(reason: unknown): void {
    if (this.#isOver) return
    this.#reason = reason ?? new DOMException('This operation was aborted', 'AbortError')
    this.#reject?.(this.#reason)
    this.#controller.abort(this.#reason)
    this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort)
    this.#giveUpPlace()
  }

  #giveUpPlace(): void {
    if (!this.#hasPlace) return
    this.#hasPlace = false
    this.#ended()
  }

  /**
   * One timer for all limits of a body, so that a chunk that comes in costs none: no wait is longer than the time limit, all
   * waits together are no longer than what is there may take, and it is not forgotten.
   */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    const now = performance.now()
    const patience = Math.min(this.#timeout, bodyTime(this.#timeout, this.#received) - this.#waited)
    const due = Math.min(this.#until, (this.#waitingSince ?? now) + patience)
    if (now < due) {
      this.#timer = setTimeout(() => this.#arm(), Math.min(due - now + 1, TIMER_MAX))
      return
    }
    this.stop(timeoutError(this.#label, 'the body did not come', this.#timeout))
  }
}
