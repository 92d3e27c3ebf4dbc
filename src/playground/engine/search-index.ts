// All names of an image as few long strings, and what is found in them. Runs in a worker of its own (search.main.ts), which can be
// ended where a regular expression never comes to an end. Not here: where the names come from (search-names.ts).

import type { SearchKind } from '../protocol.js'
import { othersTurn } from './jobs.js'
import { folded, type Pattern, patternOf, type RegexPattern, type TextPattern } from './search-pattern.js'

/** Looking without a pause is not longer than this. Milliseconds. */
const SLICE_MS = 12
/** No name holds it. */
const END = '\0'

/** Some directories with what is in each of them. */
export interface NameChunk {
  /** Path text of each directory; '' for the root. */
  readonly dirs: readonly string[]
  /** Entries in each of them. */
  readonly counts: readonly number[]
  /** Names of all their entries, each with a NUL behind it. */
  readonly names: string
}

/** Where something was found. */
export interface Hit {
  /** Path text. */
  readonly path: string
  /** The part of the path that was looked for, in code units. */
  readonly from: number
  readonly to: number
}

export interface Hits {
  readonly search: number
  readonly count: number
  readonly took: number
  readonly kind: SearchKind
  readonly onPaths: boolean
  readonly problem?: string
  readonly hits: readonly Hit[]
}

interface Segment extends NameChunk {
  readonly folded: string
  /** Where each name begins in `names`; one more for the end. */
  readonly starts: Uint32Array
  /** Number of its first entry among all. */
  readonly first: number
}

function segmentOf(chunk: NameChunk, first: number): Segment {
  const { names, counts } = chunk
  const starts = new Uint32Array(counts.reduce((sum, count) => sum + count, 0) + 1)
  for (let i = 1; i < starts.length; i++) starts[i] = names.indexOf(END, starts[i - 1]) + 1
  return { ...chunk, folded: folded(names), starts, first }
}

/** Numbers of entries that were found, the best ones first. */
class Ranked {
  readonly #ranks: readonly [number[], number[], number[]] = [[], [], []]

  add(entry: number, rank: 0 | 1 | 2): void {
    this.#ranks[rank].push(entry)
  }

  all(): Uint32Array {
    const [best, good, rest] = this.#ranks
    const all = new Uint32Array(best.length + good.length + rest.length)
    all.set(best)
    all.set(good, best.length)
    all.set(rest, best.length + good.length)
    return all
  }
}

/** Names that hold a text: the same name first, then those that begin with it. */
function findText({ text, folds }: TextPattern, { names, folded: small, starts, first }: Segment, into: Ranked): void {
  const hay = folds ? small : names
  let entry = 0
  for (let at = hay.indexOf(text); at >= 0; at = hay.indexOf(text, starts[entry + 1])) {
    while (starts[entry + 1] <= at) entry++
    const begins = at === starts[entry]
    into.add(first + entry, begins && at + text.length === starts[entry + 1] - 1 ? 0 : begins ? 1 : 2)
    if (entry + 2 >= starts.length) return
  }
}

/** Paths that hold a text with slashes: its last slash is in the directory's part, or is the one behind it. */
function findPathText({ text, folds }: TextPattern, segment: Segment, into: Ranked): void {
  const cut = text.lastIndexOf('/') + 1
  const [head, rest] = [text.slice(0, cut), text.slice(cut)]
  const hay = folds ? segment.folded : segment.names
  let entry = 0
  segment.dirs.forEach((path, i) => {
    const end = entry + segment.counts[i]
    const dir = `${folds ? folded(path) : path}/`
    const all = dir.includes(text)
    if (all || dir.endsWith(head)) {
      for (; entry < end; entry++) {
        const from = segment.starts[entry]
        if (hay.startsWith(rest, from) && dir.endsWith(head)) {
          const exact = from + rest.length === segment.starts[entry + 1] - 1
          into.add(segment.first + entry, exact ? 0 : 1)
        } else if (all) into.add(segment.first + entry, 2)
      }
    }
    entry = end
  })
}

export class SearchIndex {
  readonly #segments: Segment[] = []
  #length = 0
  #search = 0
  #found: { readonly pattern: Pattern; readonly entries: Uint32Array } | undefined

  add(chunk: NameChunk): void {
    const segment = segmentOf(chunk, this.#length)
    this.#segments.push(segment)
    this.#length += segment.starts.length - 1
  }

  /** Answers, so that whoever asks knows that it can. */
  alive(): boolean {
    return true
  }

  /** Looks for something, and answers the first that is found; undefined where something else is looked for meanwhile. */
  async find(query: string, kind: SearchKind, length: number): Promise<Hits | undefined> {
    const search = ++this.#search
    const began = performance.now()
    let pattern: Pattern
    try {
      pattern = patternOf(query, kind)
    } catch (error) {
      this.#found = undefined
      const problem = error instanceof Error ? error.message : String(error)
      return { search, count: 0, took: 0, kind, onPaths: false, problem, hits: [] }
    }
    const ranked = new Ranked()
    const pause = this.#pauses(search)
    for (const segment of query.includes(END) ? [] : this.#segments) {
      if (pattern.kind !== 'text') {
        if (!(await this.#findRegex(pattern, segment, ranked, pause))) return undefined
      } else if (pattern.onPaths) findPathText(pattern, segment, ranked)
      else findText(pattern, segment, ranked)
      if (!(await pause())) return undefined
    }
    const entries = ranked.all()
    this.#found = { pattern, entries }
    const { kind: understood, onPaths } = pattern
    const took = performance.now() - began
    const hits = this.window(search, 0, length)
    return { search, count: entries.length, took, kind: understood, onPaths, hits }
  }

  /** What was found by the newest search, from one on. */
  window(search: number, start: number, length: number): Hit[] {
    if (search !== this.#search || this.#found === undefined) return []
    const { pattern, entries } = this.#found
    return Array.from(entries.subarray(start, start + length), entry => this.#hit(pattern, entry))
  }

  /** Lets others have their turn now and then; false where something else is looked for. */
  #pauses(search: number): () => Promise<boolean> | true {
    let ends = performance.now() + SLICE_MS
    return () => {
      if (performance.now() < ends) return true
      return othersTurn().then(() => {
        ends = performance.now() + SLICE_MS
        return search === this.#search
      })
    }
  }

  async #findRegex(
    { regex, onPaths, relative }: RegexPattern,
    { names, starts, first, dirs, counts }: Segment,
    into: Ranked,
    pause: () => Promise<boolean> | true,
  ): Promise<boolean> {
    let entry = 0
    for (let i = 0; i < dirs.length; i++) {
      const end = entry + counts[i]
      const dir = `${relative ? dirs[i].slice(1) : dirs[i]}${relative && dirs[i] === '' ? '' : '/'}`
      for (; entry < end; entry++) {
        const name = names.slice(starts[entry], starts[entry + 1] - 1)
        if (regex.test(onPaths ? dir + name : name)) into.add(first + entry, 0)
        if (entry % 256 === 0 && !(await pause())) return false
      }
    }
    return true
  }

  #pathOf(entry: number): string {
    let [low, high] = [0, this.#segments.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#segments[middle].first <= entry) low = middle
      else high = middle - 1
    }
    const { first, dirs, counts, names, starts } = this.#segments[low]
    const within = entry - first
    let dir = 0
    for (let before = counts[0]; before <= within; before += counts[dir]) dir++
    return `${dirs[dir]}/${names.slice(starts[within], starts[within + 1] - 1)}`
  }

  #hit(pattern: Pattern, entry: number): Hit {
    const path = this.#pathOf(entry)
    const begins = pattern.onPaths ? 0 : path.lastIndexOf('/') + 1
    if (pattern.kind === 'text') {
      const hay = pattern.folds ? folded(path) : path
      // The last place: that nearest to the name.
      const from = pattern.onPaths ? hay.lastIndexOf(pattern.text) : hay.indexOf(pattern.text, begins)
      return { path, from, to: from + pattern.text.length }
    }
    if (pattern.kind === 'glob') return { path, from: path.lastIndexOf('/') + 1, to: path.length }
    const match = pattern.regex.exec(path.slice(begins))
    if (match === null) return { path, from: begins, to: begins }
    return { path, from: begins + match.index, to: begins + match.index + match[0].length }
  }
}
