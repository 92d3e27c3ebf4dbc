// The database of an IndexedDbStore: its layout, its connection, its transactions. A connection gives way to who wants
// to delete or upgrade the database, and comes back when it is next needed. Not here: what objects are
// (indexed-db.ts).
//
//   objects     name          -> { size, data }               an object of a few bytes
//                                { size, id, chunkBytes }     a larger one
//   chunks      [id, index]   -> Uint8Array of chunkBytes, the last one shorter
//   leftovers   id            -> { lease, touched }           chunks that no object has, yet or any more

import {
  type DBSchema,
  type IDBPDatabase,
  type IDBPTransaction,
  type OpenDBCallbacks,
  openDB,
  type StoreNames,
} from 'idb'
import { domError, domName } from './dom-errors.js'
import { objectError } from './errors.js'

export interface InlineRecord {
  readonly size: number
  readonly data: Uint8Array
}

export interface ChunkedRecord {
  readonly size: number
  readonly id: string
  readonly chunkBytes: number
}

export interface Schema extends DBSchema {
  objects: { key: string; value: InlineRecord | ChunkedRecord }
  chunks: { key: [string, number]; value: Uint8Array }
  leftovers: { key: string; value: { readonly lease: string; readonly touched: number } }
}

type StoreName = StoreNames<Schema>
export type Transaction<M extends IDBTransactionMode> = IDBPTransaction<Schema, StoreName[], M>

const VERSION = 1
/** How long another tab may keep a connection that is in our way. */
const BLOCKED_MS = 10_000

export class Database {
  readonly name: string
  readonly #durability: IDBTransactionDurability
  #connecting: Promise<IDBPDatabase<Schema>> | undefined
  #closed = false

  constructor(name: string, durability: IDBTransactionDurability) {
    this.name = name
    this.#durability = durability
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#drop()
  }

  /**
   * What `body` answers, once the transaction has lasted; all of it is undone when something fails. `body` awaits
   * nothing but requests of the transaction. `object` is for messages.
   */
  async transact<M extends 'readonly' | 'readwrite', T>(
    stores: StoreName[],
    mode: M,
    object: string,
    body: (transaction: Transaction<M>) => Promise<T>,
  ): Promise<T> {
    const transaction = await this.#begin(stores, mode, object)
    // Awaited in any case, so that no rejection is left alone.
    const ended = transaction.done.then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    let value: T
    try {
      value = await body(transaction)
    } catch (error) {
      try {
        transaction.abort()
      } catch {
        // It has ended already.
      }
      const failed = await ended
      // The transaction knows why its requests were aborted.
      throw domError(domName(error) === 'AbortError' ? failed?.error : error, object)
    }
    const failed = await ended
    if (failed !== undefined) throw domError(failed.error, object)
    return value
  }

  async #begin<M extends 'readonly' | 'readwrite'>(
    stores: StoreName[],
    mode: M,
    object: string,
  ): Promise<Transaction<M>> {
    for (let again = true; ; again = false) {
      const connecting = this.#connect(object)
      const database = await connecting
      try {
        return database.transaction(stores, mode, { durability: this.#durability }) as unknown as Transaction<M>
      } catch (error) {
        if (domName(error) === 'NotFoundError')
          throw objectError('ENOTSUP', object, `database ${this.name} is none of objects`, error)
        // The connection has gone since.
        if (domName(error) !== 'InvalidStateError' || !again) throw domError(error, object)
        if (this.#connecting === connecting) this.#drop()
      }
    }
  }

  #connect(object: string): Promise<IDBPDatabase<Schema>> {
    if (this.#closed) return Promise.reject(objectError('EBADF', object, `store ${this.name} is closed`))
    if (this.#connecting !== undefined) return this.#connecting
    const connecting = this.#open(object)
    this.#connecting = connecting
    // Whoever comes next tries again.
    connecting.catch(() => this.#forget(connecting))
    return connecting
  }

  async #open(object: string): Promise<IDBPDatabase<Schema>> {
    if (typeof indexedDB === 'undefined') throw objectError('ENOTSUP', object, 'there is no IndexedDB here')
    let timer: ReturnType<typeof setTimeout> | undefined
    let given = false
    const callbacks: OpenDBCallbacks<Schema> = {
      upgrade: database => {
        for (const store of ['objects', 'chunks', 'leftovers'] as const) database.createObjectStore(store)
      },
      blocking: (_current, _wanted, event) => {
        ;(event.target as IDBDatabase).close()
        this.#connecting = undefined
      },
      terminated: () => {
        this.#connecting = undefined
      },
    }
    try {
      const blocked = new Promise<never>((_resolve, reject) => {
        callbacks.blocked = () => {
          const error = objectError('EBUSY', object, `another tab keeps database ${this.name} from being opened`)
          timer = setTimeout(() => reject(error), BLOCKED_MS)
        }
      })
      const opening = openDB<Schema>(this.name, VERSION, callbacks)
      // Opened after all, when nobody waits any more.
      opening.then(database => given && database.close()).catch(() => {})
      return await Promise.race([opening, blocked])
    } catch (error) {
      given = true
      if (domName(error) === 'InvalidStateError')
        throw objectError('ENOTSUP', object, 'IndexedDB can not be used here', error)
      throw domError(error, object)
    } finally {
      clearTimeout(timer)
    }
  }

  #forget(connecting: Promise<IDBPDatabase<Schema>>): void {
    if (this.#connecting === connecting) this.#connecting = undefined
  }

  #drop(): void {
    // Transactions under way still end.
    this.#connecting?.then(database => database.close()).catch(() => {})
    this.#connecting = undefined
  }
}
