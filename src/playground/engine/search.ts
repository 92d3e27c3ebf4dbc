// The search over each open image: sees to it that its names are at hand, asks the finder, and tells what was found is. The finder
// runs elsewhere, so that a search that never ends can be ended. Not here: how names are compared (search-index.ts).

import { Fault } from '../../format/errno.js'
import { answered } from '../../overlay/waiting.js'
import { baseName, parentPath, pathArgument } from '../path-text.js'
import type { Badge, DocumentId, Entry, Found, ProgressListener, SearchKind, SearchResult } from '../protocol.js'
import type { Documents } from './documents.js'
import { BROKEN, entryFacts } from './entry-facts.js'
import { Job } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, plainError } from './plain-words.js'
import type { Hit, Hits, NameChunk, SearchIndex } from './search-index.js'
import { walkNames } from './search-names.js'

/** A finder that has not answered for this long is asked whether it can at all. Milliseconds. */
const ASK_AFTER_MS = 700
/** It is ended if it does not answer that within this time. Milliseconds. */
const END_AFTER_MS = 500

type Later<T> = T | Promise<T>

/** A SearchIndex, wherever it runs. */
export type FinderCalls = {
  readonly [K in 'add' | 'alive' | 'find' | 'window']: (
    ...given: Parameters<SearchIndex[K]>
  ) => Later<Awaited<ReturnType<SearchIndex[K]>>>
}

export interface RunningFinder {
  readonly calls: FinderCalls
  /** Ends it whatever it does. */
  end(): void
}

/** The names of one document, as it was at a revision. */
interface Names {
  readonly revision: number
  readonly finder: RunningFinder
  /** Folders that can't be read. */
  readonly ready: Promise<number>
  /** Told how far it is. */
  listener: ProgressListener | undefined
  over: boolean
}

export class Search {
  readonly #documents: Documents
  readonly #start: () => RunningFinder
  readonly #names = new WeakMap<OpenDocument, Names>()
  readonly #badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>

  constructor(
    documents: Documents,
    start: () => RunningFinder,
    badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>,
  ) {
    this.#documents = documents
    this.#start = start
    this.#badges = badges
  }

  /** Reads the names before someone asks for them; those of a lazy image only once someone does. Answers whether it has. */
  prepare(id: DocumentId): Promise<boolean> {
    return inPlainWords('The names can’t be read', async () => {
      const document = this.#documents.get(id)
      if (document.image.lazy && document.parts.mount === document.mount) return false
      await this.#namesOf(document).ready
      return true
    })
  }

  /** Looks for something; undefined where something else is looked for meanwhile. */
  find(
    id: DocumentId,
    query: string,
    kind: SearchKind,
    length: number,
    listener?: ProgressListener,
  ): Promise<SearchResult | undefined> {
    return inPlainWords('The search has failed', async () => {
      const document = this.#documents.get(id)
      const names = this.#namesOf(document)
      names.listener = listener
      const unread = await names.ready.catch(error => {
        // Others have begun anew meanwhile.
        if (names.over && !document.image.closed) return undefined
        throw error
      })
      if (unread === undefined) return undefined
      const found = await this.#ask(document, names, query, kind, length)
      if (found === undefined) return undefined
      if (found === 'hangs') return { ...NOTHING, kind, problem: 'it takes too long; make it simpler' }
      const { hits, ...rest } = found
      return { ...rest, unread, entries: await this.#entries(document, hits) }
    })
  }

  /** More of what the newest search has found. */
  window(id: DocumentId, search: number, start: number, length: number): Promise<readonly Found[]> {
    return inPlainWords('What was found can’t be shown', async () => {
      const document = this.#documents.get(id)
      const names = this.#names.get(document)
      if (names === undefined || names.over) return []
      return this.#entries(document, await names.finder.calls.window(search, start, length))
    })
  }

  /** Starts to read the names of a document as it is now, unless that has been done. */
  #namesOf(document: OpenDocument): Names {
    const old = this.#names.get(document)
    if (old !== undefined && !old.over && old.revision === document.revision) return old
    if (old !== undefined) end(old)
    else document.atClose(() => this.#drop(document))
    const finder = this.#start()
    const tell: ProgressListener = progress => names.listener?.(progress)
    const job = new Job(() => names.over, { what: 'Reading names', done: 0, total: 0, unit: 'entries' }, tell)
    const give = async (chunk: NameChunk) => finder.calls.add(chunk)
    // Not waited for: what is asked afterwards is answered afterwards.
    const ready = walkNames(document, job, chunk => void give(chunk).catch(() => end(names)))
    const names: Names = { revision: document.revision, finder, ready, listener: undefined, over: false }
    this.#names.set(document, names)
    // Whoever waits for it is told.
    ready.catch(() => end(names))
    return names
  }

  #drop(document: OpenDocument): void {
    const names = this.#names.get(document)
    if (names !== undefined) end(names)
    this.#names.delete(document)
  }

  async #ask(
    document: OpenDocument,
    names: Names,
    query: string,
    kind: SearchKind,
    length: number,
  ): Promise<Hits | undefined | 'hangs'> {
    const { calls } = names.finder
    const watched = new Watched(async () => calls.alive())
    try {
      const found = await Promise.race([calls.find(query, kind, length), watched.hangs])
      if (names.over) return undefined
      if (found === 'hangs') {
        end(names)
        // The next key needs them again.
        this.#namesOf(document)
      }
      return found
    } catch (error) {
      if (names.over) return undefined
      throw plainError('The search has failed', error)
    } finally {
      watched.stop()
    }
  }

  /** What was found as lists show it. */
  async #entries(document: OpenDocument, hits: readonly Hit[]): Promise<Found[]> {
    const badges = await this.#badges(document)
    const nodes = new Map<string, Promise<object | undefined>>()
    const found: Found[] = []
    for (const hit of hits) {
      const [dir, name] = [parentPath(hit.path), baseName(hit.path)]
      const node = nodes.get(dir) ?? document.nodeAt(dir).catch(() => undefined)
      nodes.set(dir, node)
      const facts = await factsIn(document, await node, name)
      const badge = badges.get(hit.path)
      found.push({ ...facts, ...hit, name, badges: badge === undefined ? facts.badges : [...facts.badges, badge] })
    }
    return found
  }
}

const NOTHING = { search: 0, count: 0, took: 0, onPaths: false, unread: 0, entries: [] } as const

function end(names: Names): void {
  if (names.over) return
  names.over = true
  names.finder.end()
}

async function factsIn(
  document: OpenDocument,
  dir: object | undefined,
  name: string,
): Promise<Omit<Entry, 'path' | 'name'>> {
  if (dir === undefined) return BROKEN
  const facts = await answered(() => entryFacts(document.layer, dir, pathArgument(name)))
  return facts instanceof Fault ? BROKEN : facts
}

/** Whether someone who works still answers. */
class Watched {
  readonly hangs: Promise<'hangs'>
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  constructor(alive: () => Promise<boolean>) {
    this.hangs = new Promise(resolve => {
      const ask = () => {
        if (this.#stopped) return
        this.#timer = setTimeout(() => resolve('hangs'), END_AFTER_MS)
        void alive().then(() => {
          clearTimeout(this.#timer)
          if (!this.#stopped) this.#timer = setTimeout(ask, ASK_AFTER_MS)
        })
      }
      this.#timer = setTimeout(ask, ASK_AFTER_MS)
    })
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
