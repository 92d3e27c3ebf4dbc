// Which ways have been gone so far, and how often at a time: what makes an input worth keeping. Counts are told apart in eight steps,
// as AFL does, so that a loop that turns once more is no news for ever. Not here: where the counts come from.

const STEPS = new Uint8Array(256)
for (let count = 1; count < 256; count++) {
  STEPS[count] =
    count < 4 ? 1 << (count - 1) : count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128
}

export class Coverage {
  readonly #seen: Uint8Array
  #edges = 0

  /** `present`: how many edges there are. */
  constructor(readonly present: number) {
    this.#seen = new Uint8Array(present)
  }

  /** Edges gone at least once. */
  get reached(): number {
    return this.#edges
  }

  /** Takes in the counts of a run. 2 where an edge was gone for the first time, 1 where one was gone as often for the first time, else 0. */
  add(counters: Uint8Array): 0 | 1 | 2 {
    const seen = this.#seen
    let news: 0 | 1 | 2 = 0
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i]
      if (count === 0) continue
      const step = STEPS[count]
      if ((seen[i] & step) !== 0) continue
      if (seen[i] === 0) {
        this.#edges++
        news = 2
      } else if (news === 0) news = 1
      seen[i] |= step
    }
    return news
  }
}
