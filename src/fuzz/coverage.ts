// Which ways have been gone so far, and how often at a time: what makes an input worth keeping. Counts are told apart in eight steps,
// as AFL does, so that a loop that turns once more is no news for ever. Not here: where the counts come from.

const STEPS = new Uint8Array(256)
for (let count = 1; count < 256; count++) {
  STEPS[count] =
    count < 4 ? 1 << (count - 1) : count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128
}

/** Counts by four: most are 0. */
interface Words {
  readonly of: Uint8Array
  readonly words: Int32Array
}

const NO_WORDS = new Int32Array(0)

function wordsOf(counters: Uint8Array): Int32Array {
  if (counters.byteOffset % 4 !== 0) return NO_WORDS
  return new Int32Array(counters.buffer, counters.byteOffset, counters.length >> 2)
}

export class Coverage {
  readonly #seen: Uint8Array
  #edges = 0
  #view: Words = { of: new Uint8Array(0), words: NO_WORDS }

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
    if (this.#view.of !== counters) this.#view = { of: counters, words: wordsOf(counters) }
    const { words } = this.#view
    let news: 0 | 1 | 2 = 0
    for (let w = 0; w < words.length; w++) {
      if (words[w] === 0) continue
      const found = this.#addSome(counters, w * 4, w * 4 + 4)
      if (found > news) news = found
    }
    const rest = this.#addSome(counters, words.length * 4, counters.length)
    return rest > news ? rest : news
  }

  #addSome(counters: Uint8Array, from: number, to: number): 0 | 1 | 2 {
    const seen = this.#seen
    let news: 0 | 1 | 2 = 0
    for (let i = from; i < to; i++) {
      const step = STEPS[counters[i]]
      const before = seen[i]
      if ((before & step) === step) continue
      if (before === 0) {
        this.#edges++
        news = 2
      } else if (news === 0) news = 1
      seen[i] = before | step
    }
    return news
  }
}

/** Which edges a run has gone, and about how often: the same for runs that are as good as each other. */
export function stepsOf(counters: Uint8Array): Uint8Array {
  return counters.map(count => STEPS[count])
}
