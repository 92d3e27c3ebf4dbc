// A bound on how many reads are under way at once. The one that came last goes first: an operation that has already
// brought some of what it needs is served before those that have not begun, so that a small cache is not filled with
// everybody's first page again and again, and every operation ends.

export class Lane {
  readonly #limit: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
    try {
      return await action()
    } finally {
      this.#running--
      this.#waiting.pop()?.()
    }
  }
}
