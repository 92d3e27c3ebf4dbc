// Objects in an IndexedDB database of the page's origin: on the main thread and in workers, in any browser. Objects of
// a few bytes are one value; larger ones are chunks, which are written first, so that an object is there, whole, when
// its record is. Not here: the connection (indexed-db-database.ts), checking of digests, eviction (it is no cache).
// An open object outlives its deletion by the same IndexedDbStore; one of another tab is ESTALE then.

import { canonicalName, objectError } from './errors.js'
import { type ChunkedRecord, Database, type InlineRecord, type Transaction } from './indexed-db-database.js'
import { Leases } from './leases.js'
import { isDigestName } from './object-name.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'
import { pieces } from './pieces.js'
import { namesAbove } from './plain-name.js'

export interface IndexedDbOptions {
  /**
   * `strict` waits for the disk at each put, so that an object outlives a loss of power as soon as it was put;
   * `relaxed`, the default, for the operating system only.
   */
  readonly durability?: 'strict' | 'relaxed'
}

/** Bytes of an object that is one value. Chromium has values of more than 64 KiB in files of their own. */
const INLINE_MAX = 32 * 1024
/** A small read fetches a whole chunk. */
const CHUNK_BYTES = 256 * 1024
/** Chunks that are written in one transaction, and fetched at a time. */
const BATCH = 8
const NAMES_AT_ONCE = 1000

type Data = Uint8Array | AsyncIterable<Uint8Array>
type Piece = Uint8Array<ArrayBuffer>

function chunksOf(id: string, first = 0, last = Number.POSITIVE_INFINITY): IDBKeyRange {
  return IDBKeyRange.bound([id, first], [id, last])
}

async function rejectBelowObject(transaction: Transaction<'readonly' | 'readwrite'>, name: string): Promise<void> {
  for (const above of namesAbove(name)) {
    if ((await transaction.objectStore('objects').getKey(above)) !== undefined)
      throw objectError('ENOTDIR', name, `${above} is an object`)
  }
}

/** Reads an open object: what IndexedDbStore lends it. */
interface Reader {
  read(name: string, record: ChunkedRecord, from: number, to: number): Promise<Uint8Array>
  closed(record: ChunkedRecord): void
  readonly isClosed: boolean
}

class IndexedDbObject implements StoredObject {
  readonly size: number
  #record: InlineRecord | ChunkedRecord | undefined

  constructor(
    readonly name: string,
    readonly reader: Reader,
    record: InlineRecord | ChunkedRecord,
  ) {
    this.size = record.size
    this.#record = record
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const record = this.#record
    if (record === undefined || this.reader.isClosed) throw objectError('EBADF', this.name, 'is closed')
    const to = Math.min(offset + length, this.size)
    if (to <= offset) return new Uint8Array(0)
    return 'data' in record ? record.data.slice(offset, to) : this.reader.read(this.name, record, offset, to)
  }

  close(): void {
    const record = this.#record
    this.#record = undefined
    if (record !== undefined && 'id' in record) this.reader.closed(record)
  }
}

export class IndexedDbStore implements ObjectStore {
  readonly label: string
  readonly #database: Database
  readonly #leases: Leases
  readonly #reader: Reader
  /** Open objects by the id of their chunks, reads under way included. */
  readonly #users = new Map<string, number>()
  /** Chunks to remove when their last user goes, and the lease on them. */
  readonly #doomed = new Map<string, () => void>()
  #swept: Promise<void> | undefined
  #puts = 0

  /** `name` is the database's, which is made when it is first used. */
  constructor(name = 'composefs', { durability = 'relaxed' }: IndexedDbOptions = {}) {
    this.label = `indexeddb:${name}`
    this.#database = new Database(name, durability)
    this.#leases = new Leases(`composefs ${this.label}`)
    const database = this.#database
    this.#reader = {
      read: (object, record, from, to) => this.#readChunks(object, record, from, to),
      closed: record => this.#leave(record.id),
      get isClosed() {
        return database.closed
      },
    }
  }

  async open(name: string): Promise<StoredObject> {
    const known = canonicalName(name)
    return this.#database.transact(['objects'], 'readonly', known, async transaction => {
      const record = await this.#find(transaction, known)
      // Before anything else is awaited: a deletion that comes next has to see it.
      if ('id' in record) this.#enter(record.id)
      return new IndexedDbObject(known, this.#reader, record)
    })
  }

  async stat(name: string): Promise<ObjectInfo> {
    const known = canonicalName(name)
    const find = (transaction: Transaction<'readonly'>) => this.#find(transaction, known)
    return { size: (await this.#database.transact(['objects'], 'readonly', known, find)).size }
  }

  async put(name: string, data: Data): Promise<void> {
    const known = canonicalName(name)
    if (data instanceof Uint8Array && data.length <= INLINE_MAX) {
      await this.#putInline(known, new Uint8Array(data))
      return
    }
    if (await this.#has(known)) return
    const source = pieces(data, CHUNK_BYTES * BATCH)
    try {
      const { value: first } = await source.next()
      if (first === undefined || first.length <= INLINE_MAX) await this.#putInline(known, first ?? new Uint8Array(0))
      else await this.#putChunks(known, first, source)
    } finally {
      await source.return(undefined)
    }
  }

  async *list(): AsyncGenerator<string> {
    let after: string | undefined
    do {
      const range = after === undefined ? undefined : IDBKeyRange.lowerBound(after, true)
      const names = await this.#database.transact(['objects'], 'readonly', 'list', transaction =>
        transaction.objectStore('objects').getAllKeys(range, NAMES_AT_ONCE),
      )
      yield* names
      after = names.length < NAMES_AT_ONCE ? undefined : names.at(-1)
    } while (after !== undefined)
  }

  async delete(name: string): Promise<void> {
    const known = canonicalName(name)
    // In case it is this object that is open; taken before the transaction, which can't wait for it.
    const release = this.#users.size > 0 ? await this.#leases.take() : () => {}
    let doomed: string | undefined
    try {
      doomed = await this.#deleteRecord(known)
    } finally {
      if (doomed === undefined) release()
    }
    if (doomed === undefined) return
    this.#doomed.set(doomed, release)
    if (!this.#users.has(doomed)) this.#removeDoomed(doomed)
  }

  /** Gives the connection back; everything afterwards is EBADF. */
  close(): void {
    this.#database.close()
    for (const release of this.#doomed.values()) release()
    this.#doomed.clear()
  }

  async #find(transaction: Transaction<'readonly'>, known: string): Promise<InlineRecord | ChunkedRecord> {
    const record = await transaction.objectStore('objects').get(known)
    if (record !== undefined) return record
    await rejectBelowObject(transaction, known)
    throw objectError('ENOENT', known, 'is not in the store')
  }

  #has(known: string): Promise<boolean> {
    return this.#database.transact(['objects'], 'readonly', known, async transaction => {
      if ((await transaction.objectStore('objects').getKey(known)) !== undefined) return true
      if (!isDigestName(known)) await rejectBelowObject(transaction, known)
      return false
    })
  }

  async #putInline(known: string, data: Uint8Array): Promise<void> {
    await this.#database.transact(['objects'], 'readwrite', known, async transaction => {
      const objects = transaction.objectStore('objects')
      if ((await objects.getKey(known)) !== undefined) return
      if (!isDigestName(known)) await rejectBelowObject(transaction, known)
      await objects.put({ size: data.length, data }, known)
    })
  }

  async #putChunks(known: string, first: Piece, others: AsyncGenerator<Piece>): Promise<void> {
    this.#swept ??= this.#sweep()
    await this.#swept
    const release = await this.#leases.take()
    const id = `${this.#leases.id}-${this.#puts++}`
    try {
      // A transaction ends while one waits for anything else: one for each piece.
      await this.#putPiece(known, id, 0, first)
      let size = first.length
      for await (const piece of others) {
        await this.#putPiece(known, id, size / CHUNK_BYTES, piece)
        size += piece.length
      }
      await this.#putRecord(known, { size, id, chunkBytes: CHUNK_BYTES })
    } catch (error) {
      // What can't be removed now has nobody when this page is gone: the next one's put clears it.
      await this.#remove(id).catch(() => {})
      throw error
    } finally {
      release()
    }
  }

  /** Writes the chunks from `index` on. */
  async #putPiece(known: string, id: string, index: number, piece: Piece): Promise<void> {
    await this.#database.transact(['chunks', 'leftovers'], 'readwrite', known, async transaction => {
      const leftovers = transaction.objectStore('leftovers')
      const chunks = transaction.objectStore('chunks')
      if (index > 0 && (await leftovers.getKey(id)) === undefined) throw cleared(known)
      const requests: Promise<unknown>[] = [leftovers.put({ lease: this.#leases.id, touched: Date.now() }, id)]
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
        // A copy: of a view all that is behind it would be stored.
        requests.push(chunks.put(piece.slice(at, at + CHUNK_BYTES), [id, index + at / CHUNK_BYTES]))
      }
      await Promise.all(requests)
    })
  }

  /** What was chunks becomes an object, unless there is one by now. */
  async #putRecord(known: string, record: ChunkedRecord): Promise<void> {
    await this.#database.transact(['objects', 'chunks', 'leftovers'], 'readwrite', known, async transaction => {
      const leftovers = transaction.objectStore('leftovers')
      if ((await leftovers.getKey(record.id)) === undefined) throw cleared(known)
      await leftovers.delete(record.id)
      const objects = transaction.objectStore('objects')
      if ((await objects.getKey(known)) === undefined) await objects.put(record, known)
      else await transaction.objectStore('chunks').delete(chunksOf(record.id))
    })
  }

  async #readChunks(known: string, record: ChunkedRecord, from: number, to: number): Promise<Uint8Array> {
    const { id, chunkBytes, size } = record
    const last = Math.floor((to - 1) / chunkBytes)
    this.#enter(id)
    try {
      return await this.#database.transact(['chunks'], 'readonly', known, async transaction => {
        const chunks = transaction.objectStore('chunks')
        const bytes = new Uint8Array(to - from)
        for (let index = Math.floor(from / chunkBytes); index <= last; ) {
          const until = Math.min(index + BATCH - 1, last)
          const found = await chunks.getAll(chunksOf(id, index, until))
          if (found.length !== until - index + 1) throw objectError('ESTALE', known, 'was deleted by another tab')
          for (const chunk of found) {
            const at = index * chunkBytes
            if (chunk.length !== Math.min(chunkBytes, size - at)) throw objectError('EIO', known, `bad chunk ${index}`)
            const begin = Math.max(from - at, 0)
            bytes.set(chunk.subarray(begin, to - at), at + begin - from)
            index++
          }
        }
        return bytes
      })
    } finally {
      this.#leave(id)
    }
  }

  #enter(id: string): void {
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1)
  }

  #leave(id: string): void {
    const left = (this.#users.get(id) ?? 0) - 1
    if (left > 0) this.#users.set(id, left)
    else {
      this.#users.delete(id)
      this.#removeDoomed(id)
    }
  }

  #removeDoomed(id: string): void {
    const release = this.#doomed.get(id)
    if (release === undefined) return
    this.#doomed.delete(id)
    this.#remove(id)
      .catch(() => {})
      .finally(release)
  }

  /** Answers the id of chunks that are still in use. */
  #deleteRecord(known: string): Promise<string | undefined> {
    const stores: ('objects' | 'chunks' | 'leftovers')[] = ['objects', 'chunks', 'leftovers']
    return this.#database.transact(stores, 'readwrite', known, async transaction => {
      const record = await transaction.objectStore('objects').get(known)
      if (record === undefined) return undefined
      await transaction.objectStore('objects').delete(known)
      if (!('id' in record)) return undefined
      if (!this.#users.has(record.id)) {
        await transaction.objectStore('chunks').delete(chunksOf(record.id))
        return undefined
      }
      await transaction.objectStore('leftovers').put({ lease: this.#leases.id, touched: Date.now() }, record.id)
      return record.id
    })
  }

  /** Removes chunks that no object has; if one has them by now, they stay. */
  async #remove(id: string): Promise<void> {
    await this.#database.transact(['chunks', 'leftovers'], 'readwrite', id, async transaction => {
      if ((await transaction.objectStore('leftovers').getKey(id)) === undefined) return
      await transaction.objectStore('chunks').delete(chunksOf(id))
      await transaction.objectStore('leftovers').delete(id)
    })
  }

  /** Removes what puts left that never came to an end. */
  async #sweep(): Promise<void> {
    try {
      const found = await this.#database.transact(['leftovers'], 'readonly', 'leftovers', async transaction => {
        const leftovers = transaction.objectStore('leftovers')
        const [ids, marks] = await Promise.all([leftovers.getAllKeys(), leftovers.getAll()])
        return ids.map((id, at) => ({ id, ...marks[at] }))
      })
      for (const { id, lease, touched } of found) {
        await this.#leases.clear(
          lease,
          () => touched,
          () => this.#remove(id),
        )
      }
    } catch {
      // The put itself says what is wrong.
    }
  }
}

function cleared(known: string): Error {
  return objectError('ESTALE', known, 'its chunks were cleared away while it was put')
}
