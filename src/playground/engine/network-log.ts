// What goes over the network for an image: a client whose requests are noted, a store that keeps what it has fetched and counts
// what it had already. Not here: the requests themselves (src/source), what is opened by them (documents.ts), what is told of
// them (network.ts).

import { HttpClient } from '../../source/http-client.js'
import { httpTarget } from '../../source/http-target.js'
import { CachedStore } from '../../store/cached.js'
import { HttpStore } from '../../store/http.js'
import { MemoryStore } from '../../store/memory.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'
import { OpfsStore } from '../../store/opfs.js'
import type { NetworkRequest, NetworkState } from '../network.js'
import type { Cached } from './late-store.js'

/** Requests that are remembered one by one. */
const REQUESTS_MAX = 2000
/** Bytes of objects that are kept, of all images together. */
const KEPT_MAX = 256 << 20
/** Of that, where nothing can be kept on the disk. */
const MEMORY_MAX = 32 << 20
const PLACE = 'composefs-objects'

/** One request that is still being noted. */
type Note = { -readonly [K in keyof NetworkRequest]: NetworkRequest[K] }

export class NetworkLog {
  readonly #began = performance.now()
  readonly #requests: Note[] = []
  #count = 0
  #failed = 0
  readonly #bytes = { image: 0, tree: 0, object: 0 }
  #opened = 0
  #asked = 0
  /** The store that keeps objects, if there is one. */
  kept: CachedStore | undefined

  /** A client whose requests are for one kind of thing; it tries again so often. `seen` is shown each answer. */
  client(what: NetworkRequest['what'], retries?: number, seen?: (response: Response) => void): HttpClient {
    return new HttpClient({
      retries,
      fetch: async (input, init) => {
        const response = await this.#fetch(what, new Request(input, init))
        seen?.(response)
        return response
      },
    })
  }

  async #fetch(what: NetworkRequest['what'], request: Request): Promise<Response> {
    const began = performance.now()
    const { method, headers, url } = request
    const note: Note = { number: ++this.#count, at: began - this.#began, what, method, url: httpTarget(url).label }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.get('range') ?? '') ?? []
    if (first !== undefined) note.range = [Number(first), Number(last) + 1]
    this.#requests.push(note)
    if (this.#requests.length > REQUESTS_MAX) this.#requests.shift()
    try {
      const response = await fetch(request)
      note.status = response.status
      note.took = performance.now() - began
      note.bytes = method === 'HEAD' ? 0 : Number(response.headers.get('content-length') ?? 0)
      this.#bytes[what] += note.bytes
      if (!response.ok) this.#failed++
      return response
    } catch (error) {
      note.took = performance.now() - began
      note.failed = error instanceof Error ? error.message : String(error)
      this.#failed++
      throw error
    }
  }

  opened(): void {
    this.#opened++
  }

  askedServer(): void {
    this.#asked++
  }

  async state(): Promise<NetworkState> {
    const { image, tree, object } = this.#bytes
    return {
      requests: this.#count,
      failed: this.#failed,
      bytes: image + tree + object,
      imageBytes: image + tree,
      objectBytes: object,
      opened: this.#opened,
      hits: Math.max(this.#opened - this.#asked, 0),
      kept: await this.kept?.usage(),
    }
  }

  /** The newest first. */
  requests(start: number, length: number): NetworkRequest[] {
    const end = this.#requests.length - start
    return this.#requests.slice(Math.max(end - length, 0), Math.max(end, 0)).reverse()
  }
}

/** Calls of a store, counted. */
class Counted implements ObjectStore, Cached {
  readonly label: string
  readonly behind: ObjectStore | undefined
  readonly #store: ObjectStore
  readonly #count: () => void

  constructor(store: ObjectStore, count: () => void, behind?: ObjectStore) {
    this.label = store.label
    this.behind = behind
    this.#store = store
    this.#count = count
  }

  open(name: string): Promise<StoredObject> {
    this.#count()
    return this.#store.open(name)
  }

  stat(name: string): Promise<ObjectInfo> {
    return this.#store.stat(name)
  }

  put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    return this.#store.put(name, data)
  }

  list(): AsyncIterable<string> {
    return this.#store.list()
  }

  delete(name: string): Promise<void> {
    return this.#store.delete(name)
  }
}

/** Where fetched objects of all images are kept: on the disk, or in memory where the browser has no place for them. */
export class ObjectCache {
  #place: Promise<{ readonly store: ObjectStore; readonly maxBytes: number }> | undefined

  async #found(): Promise<{ readonly store: ObjectStore; readonly maxBytes: number }> {
    try {
      // Only asking tells whether there may be files.
      await navigator.storage.getDirectory()
      return { store: new OpfsStore(PLACE), maxBytes: KEPT_MAX }
    } catch {
      return { store: new MemoryStore(), maxBytes: MEMORY_MAX }
    }
  }

  /** The store at a URL: objects that were fetched once are kept here. */
  async store(log: NetworkLog, url: string): Promise<ObjectStore> {
    const remote = new Counted(new HttpStore(url, { client: log.client('object') }), () => log.askedServer())
    this.#place ??= this.#found()
    const { store, maxBytes } = await this.#place
    log.kept = new CachedStore({ fast: store, slow: remote, maxBytes })
    return new Counted(log.kept, () => log.opened(), remote)
  }
}
