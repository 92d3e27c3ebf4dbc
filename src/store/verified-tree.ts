// The Merkle tree that a store may keep beside a large object, as `NAME.verity`: the file that `fsverity digest
// --out-merkle-tree` writes. With it a read costs its blocks, not the object. It is a help and never a hindrance: whatever
// is wrong with it, the object is read without it. Not here: the object's own bytes (verified-file.ts).

import { Fault, type Outcome } from '../format/errno.js'
import { IntegrityError } from '../format/integrity.js'
import { type BlockHasher, VERITY_BLOCK } from '../format/verity.js'
import type { MerkleBlocks } from '../source/merkle-blocks.js'
import { MerkleLeaves } from '../source/merkle-leaves.js'
import { treeName } from './object-name.js'
import type { ObjectStore, StoredObject } from './object-store.js'

/** What trees of one VerifiedObjects have in common. */
export interface TreeShared {
  readonly store: ObjectStore
  readonly blocks: BlockHasher
  readonly trees: MerkleBlocks
}

function isWrong(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof IntegrityError
}

function isLater(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

export class ObjectTree {
  readonly #shared: TreeShared
  readonly #name: string
  readonly #size: number
  readonly #digest: Uint8Array
  #leaves: MerkleLeaves | undefined
  #object: StoredObject | undefined
  /** The one time that the store was asked for the tree anew. */
  #renewal: Promise<void> | undefined
  #opening: Promise<void> | undefined
  /** There is none, or it is not one of this object. */
  #useless = false

  constructor(shared: TreeShared, object: string, size: number, digest: Uint8Array) {
    this.#shared = shared
    this.#name = treeName(object)
    this.#size = size
    this.#digest = digest
  }

  get isOpen(): boolean {
    return this.#leaves !== undefined
  }

  /** Whether it makes sense to ask. */
  get isUseless(): boolean {
    return this.#useless
  }

  /** Sees whether it is there; the store is asked for it once. */
  async open(): Promise<boolean> {
    if (this.#leaves === undefined && !this.#useless) {
      this.#opening ??= this.#open()
      await this.#opening
    }
    return this.isOpen
  }

  /** Hashes of the blocks of the object from byte `begin` to `end`; undefined: do without. */
  async hashes(begin: number, end: number): Promise<Uint8Array | undefined> {
    const leaves = this.#leaves
    try {
      return await leaves?.hashes(begin / VERITY_BLOCK, Math.ceil((end - begin) / VERITY_BLOCK))
    } catch (error) {
      if (isWrong(error)) {
        this.#renewal ??= this.#renew()
        await this.#renewal
        if (this.#leaves !== leaves) return this.hashes(begin, end)
      }
      this.close()
      return undefined
    }
  }

  /** The same, at once; opens the tree if it was not open. EAGAIN for what is not here yet. */
  hashesSync(begin: number, end: number): Outcome<Uint8Array> | undefined {
    try {
      if (this.#leaves === undefined && !this.#useless) this.#openSync()
      return this.#leaves?.hashesSync(begin / VERITY_BLOCK, Math.ceil((end - begin) / VERITY_BLOCK))
    } catch (error) {
      const renewable = this.#renewal === undefined && this.#object?.renew !== undefined
      if (isLater(error) || (renewable && isWrong(error))) return new Fault('EAGAIN', `${this.#name} is not here yet`)
      this.close()
      return undefined
    }
  }

  /** Ends its use. */
  close(): void {
    this.#useless = true
    this.#leaves?.close()
    this.#leaves = undefined
  }

  async #open(): Promise<void> {
    try {
      this.#adopt(await this.#shared.store.open(this.#name))
    } catch {
      if (this.#leaves === undefined) this.#useless = true
    }
  }

  #openSync(): void {
    const tree = this.#shared.store.openSync?.(this.#name)
    if (tree !== undefined) this.#adopt(tree)
  }

  /** Another copy in place of a wrong one, where the store has somewhere to bring it from. */
  async #renew(): Promise<void> {
    const renewed = await this.#object?.renew?.().catch(() => undefined)
    if (renewed === undefined) return
    this.#leaves?.close()
    this.#leaves = undefined
    this.#adopt(renewed)
  }

  #adopt(tree: StoredObject): void {
    if (this.#useless || this.#leaves !== undefined) {
      tree.close()
      return
    }
    const { blocks: hasher, trees: kept } = this.#shared
    try {
      const facts = { size: this.#size, digest: this.#digest, hasher, kept, label: this.#name }
      this.#leaves = new MerkleLeaves(tree, facts)
      this.#object = tree
    } catch {
      this.#useless = true
      tree.close()
    }
  }
}
