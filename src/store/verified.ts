// Objects whose bytes are checked before anyone sees them, over any store. The first read of an object hashes all of
// it once and keeps the hash of each 4096-byte block; from then on each block that is handed out is checked against
// its hash, so that nothing can change between check and use (as fs-verity does below overlayfs, which says EIO too).
// An object of more than a MiB is not hashed as a whole where the store has its Merkle tree beside it (verified-tree.ts):
// each block is checked by what the tree, itself checked up to the digest, says of it. In memory are then, by bounds, blocks
// of such trees, leaf hashes of other objects, and bytes that were fetched and whose reader has not come back yet.
// Not here: which digest an image gives for a file, and whether a file may do without one.

import { Fault, Miss, type Outcome } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import { BlockHasher } from '../format/verity.js'
import { MerkleBlocks } from '../source/merkle-blocks.js'
import { loadError, objectFault } from './errors.js'
import { LeafCache } from './leaf-cache.js'
import type { Expected, ObjectFile } from './object-file.js'
import { canonicalObjectName } from './object-name.js'
import type { ObjectStore, StoredObject } from './object-store.js'
import { type Shared, VerifiedFile } from './verified-file.js'
import { HeldObjects } from './verified-held.js'

export type { Expected, ObjectFile }

export interface VerifiedOptions {
  /** Bound of the leaf hashes kept of objects that are not open, in bytes; 32 MiB unless said otherwise. */
  readonly leafBytes?: number
  /** Bound of the blocks of Merkle trees kept, in bytes; 4 MiB unless said otherwise. */
  readonly treeBytes?: number
  /** Bound of the bytes held of objects that were brought before anyone reads them; 64 MiB unless said otherwise. */
  readonly prefetchBytes?: number
}

const LEAF_BYTES = 32 * 2 ** 20
const TREE_BYTES = 4 * 2 ** 20
const PREFETCH_BYTES = 64 * 2 ** 20
/** Objects opened for a Miss that nobody has come back for: how many, and for how long. */
const ARRIVED_MAX = 64
const ARRIVED_MS = 10_000

interface Arrived {
  readonly name: string
  readonly object: StoredObject
  readonly since: number
}

export class VerifiedObjects {
  readonly store: ObjectStore
  readonly #shared: Shared
  /** The oldest first. */
  #arrived: Arrived[] = []
  #prefetchGiven: boolean

  constructor(
    store: ObjectStore,
    sha256: Sha256,
    { leafBytes = LEAF_BYTES, treeBytes = TREE_BYTES, prefetchBytes }: VerifiedOptions = {},
  ) {
    this.store = store
    this.#prefetchGiven = prefetchBytes !== undefined
    this.#shared = {
      store,
      sha256,
      blocks: new BlockHasher(sha256),
      leaves: new LeafCache(leafBytes),
      trees: new MerkleBlocks(treeBytes),
      hashing: new Map(),
      held: new HeldObjects(prefetchBytes ?? PREFETCH_BYTES),
    }
  }

  /** Bytes of leaf hashes held, about. */
  get leafBytes(): number {
    return this.#shared.leaves.bytes
  }

  /** Another mount's word about `prefetchBytes`: the largest that was given counts. */
  allowPrefetch(bytes: number): void {
    const { held } = this.#shared
    held.limit = this.#prefetchGiven ? Math.max(held.limit, bytes) : bytes
    this.#prefetchGiven = true
  }

  /** Bytes of such objects held. */
  get heldBytes(): number {
    return this.#shared.held.bytes
  }

  /**
   * Opens an object. ENOENT, naming object and store, when it is missing; what is wrong with its bytes shows when they
   * are first read. With `wait` false a store that is not `immediate` gives a Miss, as one without synchronous forms
   * always does.
   */
  open(name: string, expected: Expected, wait: boolean): Outcome<ObjectFile> {
    const known = canonicalObjectName(name)
    if (known instanceof Fault) return known
    const { store } = this
    const held = this.#shared.held.open(known, expected)
    if (held !== undefined) return held
    const arrived = this.#arrived.length === 0 ? undefined : this.#take(known)
    if (arrived !== undefined) return new VerifiedFile(this.#shared, known, arrived, expected)
    if (store.openSync !== undefined && (wait || store.immediate === true)) {
      try {
        return new VerifiedFile(this.#shared, known, store.openSync(known), expected)
      } catch (error) {
        const fault = objectFault(error, known, store.label)
        // Not here yet, which says nothing of the object.
        if (fault.code !== 'EAGAIN') return fault
      }
    }
    return new Miss(`object ${name} of ${store.label} is not open yet`, () => this.#load(known))
  }

  /** Closes what was opened for a Miss and never asked for again, and forgets what was brought for later. Open files go on. */
  close(): void {
    for (const { object } of this.#arrived) object.close()
    this.#arrived = []
    this.#shared.held.clear()
  }

  async #load(name: string): Promise<void> {
    let object: StoredObject
    try {
      object = await this.store.open(name)
    } catch (error) {
      throw loadError(objectFault(error, name, this.store.label))
    }
    this.#dropStale()
    if (this.#arrived.length >= ARRIVED_MAX) this.#arrived.shift()?.object.close()
    this.#arrived.push({ name, object, since: Date.now() })
  }

  #take(name: string): StoredObject | undefined {
    this.#dropStale()
    const at = this.#arrived.findIndex(arrived => arrived.name === name)
    return at === -1 ? undefined : this.#arrived.splice(at, 1)[0].object
  }

  #dropStale(): void {
    const limit = Date.now() - ARRIVED_MS
    while (this.#arrived.length > 0 && this.#arrived[0].since < limit) this.#arrived.shift()?.object.close()
  }
}
