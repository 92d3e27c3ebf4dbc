// An object that a cache (cached.ts) does not fetch whole: its slow store has its Merkle tree, so that it is brought in
// segments, each checked before it is kept, and a read costs what it reads. Of several slow stores the next one is asked
// when one fails or lies. What is kept is handed out as it is: who reads it checks it again, and renews it (StoredObject).

import type { Sha256 } from '../format/hash.js'
import { fromHex } from '../format/hex.js'
import { merkleTreeLength } from '../format/merkle-tree.js'
import { MerkleSource } from '../source/merkle-source.js'
import { Failures } from './cached-fetch.js'
import { digestHex, segmentPrefix, treeName } from './cached-names.js'
import { SegmentedBytes, type SegmentRoom } from './cached-segments.js'
import { IntegrityError, objectError } from './errors.js'
import type { ObjectStore, StoredObject } from './object-store.js'

/** Bytes of a SHA-256 digest. */
const DIGEST_SIZE = 32

/** What all large objects of one cache share. */
export interface LargeRoom {
  readonly slow: readonly ObjectStore[]
  readonly data: SegmentRoom
  readonly tree: SegmentRoom
  readonly sha256: () => Promise<Sha256>
}

/** The object in one slow store, its bytes checked. */
interface Origin {
  readonly checked: MerkleSource
  readonly tree: StoredObject
}

export class LargeObject implements StoredObject {
  readonly size: number
  readonly readSync?: (offset: number, length: number) => Uint8Array
  readonly #tree: SegmentedBytes
  readonly #data: SegmentedBytes
  readonly #name: string
  readonly #room: LargeRoom
  /** Number of the slow store that is asked; the origin is undefined until something is missing. */
  #at = 0
  #origin: Promise<Origin> | undefined
  #reads = 0
  #closed = false

  /** Asks no one for anything. The name is a digest, the size somebody's word. */
  constructor(room: LargeRoom, name: string, size: number) {
    this.size = size
    this.#name = name
    this.#room = room
    const { data, tree } = room
    const dataPrefix = segmentPrefix(name, size, data.length, 'd')
    this.#data = new SegmentedBytes(data, dataPrefix, size, (from, to) => this.#checked(from, to))
    const treePrefix = segmentPrefix(name, size, tree.length, 't')
    const bringTree = (from: number, to: number): Promise<Uint8Array> =>
      this.#fromOrigins(async origin => this.#whole(await origin.tree.read(from, to - from), to - from))
    this.#tree = new SegmentedBytes(tree, treePrefix, merkleTreeLength(size, DIGEST_SIZE), bringTree)
    if (data.fast.openSync !== undefined) this.readSync = (offset, length) => this.#data.readSync(offset, length)
  }

  /** An object that is open in slow store number `at`; undefined when that has no tree of it, or a wrong one. */
  static async adopt(room: LargeRoom, name: string, data: StoredObject, at: number): Promise<LargeObject | undefined> {
    const large = new LargeObject(room, name, data.size)
    large.#at = at
    try {
      large.#origin = Promise.resolve(await large.#opened(data, true))
      return large
    } catch {
      // The data is the caller's still.
      await large.dropTree()
      return undefined
    }
  }

  /** Its stored Merkle tree; `closed` is called when that is closed. */
  treeObject(closed: () => void): StoredObject {
    const { size } = this.#tree
    const read = (offset: number, length: number) => this.#during(() => this.#tree.read(offset, length))
    if (this.readSync === undefined) return { size, read, close: closed }
    return { size, read, readSync: (offset, length) => this.#tree.readSync(offset, length), close: closed }
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#during(() => this.#data.read(offset, length))
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  /** Deletes what is kept of its tree. */
  dropTree(): Promise<void> {
    return this.#tree.drop()
  }

  /** Deletes what is kept of it. */
  async drop(): Promise<void> {
    await this.dropTree()
    await this.#data.drop()
  }

  async #during(read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    this.#reads++
    try {
      return await read()
    } finally {
      this.#reads--
      this.#release()
    }
  }

  #release(): void {
    if (this.#closed && this.#reads === 0) this.#leave()
  }

  #leave(): void {
    // One that could not be opened has been heard of.
    this.#origin?.then(origin => this.#closeOrigin(origin)).catch(() => {})
    this.#origin = undefined
  }

  #closeOrigin(origin: Origin): void {
    origin.checked.close()
    origin.tree.close()
  }

  async #checked(from: number, to: number): Promise<Uint8Array> {
    return this.#fromOrigins(async origin => {
      const read = () => origin.checked.read(from, to - from)
      try {
        // The tree that is kept may be what is wrong: once more without it. What is wrong after that is not kept.
        return await read().catch(error => this.#afterDrop(error, read))
      } catch (error) {
        return this.#afterDrop(error, () => Promise.reject(error))
      }
    })
  }

  /** Drops what is kept of the tree and goes on, if it was bytes that were wrong. */
  async #afterDrop(error: unknown, next: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (!(error instanceof Error && error.cause instanceof IntegrityError)) throw error
    await this.#tree.drop()
    return next()
  }

  /** What the first slow store that can gives. */
  async #fromOrigins(get: (origin: Origin) => Promise<Uint8Array>): Promise<Uint8Array> {
    const { slow } = this.#room
    const failures = new Failures()
    for (let tries = 0; tries < slow.length; tries++) {
      this.#origin ??= this.#open(slow[this.#at])
      const origin = this.#origin
      try {
        return await get(await origin)
      } catch (error) {
        failures.add(error)
        if (this.#origin !== origin) continue
        this.#leave()
        this.#at = (this.#at + 1) % slow.length
      }
    }
    throw failures.error(this.#name)
  }

  async #open(store: ObjectStore): Promise<Origin> {
    const data = await store.open(this.#name)
    try {
      return await this.#opened(data, false)
    } catch (error) {
      data.close()
      throw error
    }
  }

  /**
   * The data is closed with it, or stays the caller's when it rejects. Later ones are not checked by the tree's top block
   * now: who waits for them may be the one who brings that.
   */
  async #opened(data: StoredObject, check: boolean): Promise<Origin> {
    if (data.size !== this.size) throw this.#wrong('size', this.size, data.size)
    const tree = await this.#room.slow[this.#at].open(treeName(this.#name))
    try {
      if (tree.size !== this.#tree.size) throw this.#wrong('size of its Merkle tree', this.#tree.size, tree.size)
      const bring = async (from: number, to: number) => this.#whole(await tree.read(from, to - from), to - from)
      const { length } = this.#room.tree
      const prefix = segmentPrefix(this.#name, this.size, length, 't')
      const kept = new SegmentedBytes(this.#room.tree, prefix, tree.size, bring)
      const source = { size: tree.size, read: kept.read.bind(kept), close: () => {} }
      const digest = fromHex(digestHex(this.#name)) as Uint8Array
      const sha256 = await this.#room.sha256()
      const options = { label: `object ${this.#name}` }
      if (!check) return { checked: new MerkleSource(data, source, digest, sha256, options), tree }
      const open = () => MerkleSource.open(data, source, digest, sha256, options)
      // Once more when the tree that is kept is wrong.
      const checked = await open().catch(async () => {
        await kept.drop()
        return open()
      })
      return { checked, tree }
    } catch (error) {
      tree.close()
      throw error
    }
  }

  #whole(bytes: Uint8Array, length: number): Uint8Array {
    if (bytes.length === length) return bytes
    throw this.#wrong('size of its Merkle tree', length, bytes.length)
  }

  #wrong(what: string, expected: number, actual: number): Error {
    const cause = new IntegrityError(`object ${this.#name}: wrong ${what}`, expected, actual)
    return objectError('EIO', this.#name, cause.message, cause)
  }
}
