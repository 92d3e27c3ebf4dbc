// The leaf hashes of a stored Merkle tree, read as they are needed and checked up to the digest before they are handed
// out. Asking for some costs the few blocks of the tree that are not held yet; who needs the same block at once shares
// the request. The tree is what `fsverity digest --out-merkle-tree` writes (src/format/verity-blocks.ts draws it). Not
// here: the data (merkle-source.ts), trees that are wholly in memory (src/format/merkle-tree.ts).

import { Fault, faultError } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { IntegrityError } from '../format/integrity.js'
import { MerklePlaces } from '../format/merkle-places.js'
import { type BlockHasher, VERITY_BLOCK } from '../format/verity-blocks.js'
import type { ByteSource } from './byte-source.js'
import type { MerkleBlocks } from './merkle-blocks.js'

/** Blocks of the levels above the leaves' that come with the top one: all of them up to 2 GiB of data. */
const UPPER_MAX = 36
/** Blocks that are read along so that two runs of blocks are one request. */
const GAP_MAX = 4

/** Blocks of the tree that are read by one request. */
interface Run {
  readonly from: number
  /** The first one behind. */
  readonly to: number
}

/** What hashes need of the tree. */
interface Plan {
  /** Checked blocks by number. */
  readonly trusted: Map<number, Uint8Array>
  /** In rising order, so that a parent comes before its children. Each one's parent is here or trusted. */
  readonly missing: readonly number[]
}

/** What belongs to one tree. */
export interface MerkleFacts {
  /** Bytes of the data. */
  readonly size: number
  readonly digest: Uint8Array
  readonly hasher: BlockHasher
  /** Where checked blocks are kept. */
  readonly kept: MerkleBlocks
  /** What messages call it. */
  readonly label: string
}

/** The error for bytes that are not those that a digest seals; `what` names them. */
export function wrongBytes(label: string, what: string, expected: string | number, actual: string | number): Error {
  const cause = new IntegrityError(`wrong ${what}`, expected, actual)
  return faultError(new Fault('EIO', cause.message, cause), label)
}

export function sameBytes(a: Uint8Array, at: number, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[at + i] !== b[i]) return false
  return true
}

export class MerkleLeaves {
  /** Whether there are hashes in the tree: data of one block or none has an empty one. */
  readonly isEmpty: boolean
  readonly #tree: ByteSource
  readonly #facts: MerkleFacts
  readonly #places: MerklePlaces
  readonly #digestSize: number
  /** By which the kept blocks of this tree are known: the size belongs to it, since it is checked with the top block. */
  readonly #prefix: string
  /** Requests under way, by the numbers of the blocks that they bring. */
  readonly #coming = new Map<number, Promise<[Run, Uint8Array]>>()

  /**
   * Reads nothing yet: what is wrong with the tree shows when it is read. Throws EIO when it has not the length that
   * belongs to the data's, EINVAL for a digest of another length than the hash's or a size that is none.
   */
  constructor(tree: ByteSource, facts: MerkleFacts) {
    const { size, digest, hasher, label } = facts
    const { name, digestSize } = hasher.algorithm
    if (digest.length !== digestSize) {
      throw faultError(new Fault('EINVAL', `${digest.length} bytes are no ${name} digest`), label)
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw faultError(new Fault('EINVAL', `${size} is no number of bytes`), label)
    }
    this.#tree = tree
    // slice() of a Buffer would share its memory.
    this.#facts = { ...facts, digest: new Uint8Array(digest) }
    this.#places = new MerklePlaces(size, digestSize)
    this.#digestSize = digestSize
    this.#prefix = `${toHex(digest)}/${size}/`
    this.isEmpty = this.#places.treeBlocks === 0
    if (tree.size !== this.#places.length) {
      throw wrongBytes(label, `length of the Merkle tree of ${size} bytes`, this.#places.length, tree.size)
    }
  }

  /** Reads and checks the top block, if there is one that is not held: is this a tree of this digest? */
  async check(): Promise<void> {
    if (!this.isEmpty) await this.#bring(this.#plan(0, 0))
  }

  /**
   * The hashes of `count` blocks of the data from number `first` on, one after the other; of a tree that is not empty.
   * EIO, with an IntegrityError as its cause, for a block of the tree that does not lead to the digest.
   */
  async hashes(first: number, count: number): Promise<Uint8Array> {
    const held = this.#held(first, count)
    if (held !== undefined) return held
    const plan = this.#planOfLeaves(first, count)
    if (plan.missing.length > 0) await this.#bring(plan)
    return this.#collect(plan, first, count)
  }

  /** The same without waiting for others; EAGAIN where something lacks and the tree can't be read so. */
  hashesSync(first: number, count: number): Uint8Array {
    const held = this.#held(first, count)
    if (held !== undefined) return held
    const plan = this.#planOfLeaves(first, count)
    for (const run of this.#runs(plan.missing)) {
      const { from, to } = run
      const bytes = this.#tree.readSync?.(from * VERITY_BLOCK, (to - from) * VERITY_BLOCK)
      if (bytes === undefined) throw faultError(new Fault('EAGAIN', 'has to be waited for'), this.#facts.label)
      this.#take(plan, run, this.#whole(run, bytes))
    }
    return this.#collect(plan, first, count)
  }

  close(): void {
    this.#tree.close()
  }

  /** The usual case: all the hashes are in one block, which is kept. */
  #held(first: number, count: number): Uint8Array | undefined {
    const block = this.#places.leafBlock(first)
    const at = this.#places.leafOffset(first)
    const to = at + count * this.#digestSize
    return to > VERITY_BLOCK ? undefined : this.#facts.kept.get(this.#prefix + block)?.slice(at, to)
  }

  #planOfLeaves(first: number, count: number): Plan {
    return this.#plan(this.#places.leafBlock(first), this.#places.leafBlock(first + count - 1))
  }

  /** What it takes to have blocks of the tree, `last` too. */
  #plan(first: number, last: number): Plan {
    const trusted = new Map<number, Uint8Array>()
    const missing = new Set<number>()
    for (let block = first; block <= last; block++) {
      // Up, until something is known. Seven levels at most.
      for (let at = block; !trusted.has(at) && !missing.has(at); at = this.#places.parent(at)) {
        const kept = this.#facts.kept.get(this.#prefix + at)
        if (kept === undefined) missing.add(at)
        else trusted.set(at, kept)
        if (kept !== undefined || at === 0) break
      }
    }
    return { trusted, missing: [...missing].sort((a, b) => a - b) }
  }

  /** The fewest requests that bring blocks of the tree: with the top one come the levels below it that are small. */
  #runs(missing: readonly number[]): Run[] {
    const runs: Run[] = []
    const upper = Math.min(UPPER_MAX, this.#facts.kept.limit / (4 * VERITY_BLOCK))
    for (const block of missing) {
      const last = runs.at(-1)
      const to = block === 0 ? this.#places.upperBlocks(upper) : block + 1
      if (last === undefined || block > last.to + GAP_MAX) runs.push({ from: block, to })
      else if (to > last.to) runs[runs.length - 1] = { from: last.from, to }
    }
    return runs
  }

  /** Brings what lacks, by requests of others where they are under way, and checks it. */
  async #bring(plan: Plan): Promise<void> {
    for (const run of this.#runs(plan.missing.filter(block => !this.#coming.has(block)))) this.#request(run)
    const coming = new Set(plan.missing.map(block => this.#coming.get(block) as Promise<[Run, Uint8Array]>))
    const runs = await Promise.all(coming)
    // Parents before their children.
    for (const [run, bytes] of runs.sort(([a], [b]) => a.from - b.from)) this.#take(plan, run, bytes)
  }

  #request(run: Run): void {
    const { from, to } = run
    const read = async (): Promise<[Run, Uint8Array]> => {
      return [run, this.#whole(run, await this.#tree.read(from * VERITY_BLOCK, (to - from) * VERITY_BLOCK))]
    }
    const coming = read()
    for (let block = from; block < to; block++) this.#coming.set(block, coming)
    const ended = () => {
      for (let block = from; block < to; block++) {
        if (this.#coming.get(block) === coming) this.#coming.delete(block)
      }
    }
    coming.then(ended, ended)
  }

  #whole({ from, to }: Run, bytes: Uint8Array): Uint8Array {
    const wanted = (to - from) * VERITY_BLOCK
    if (bytes.length === wanted) return bytes
    const why = `the Merkle tree gave ${bytes.length} bytes of ${wanted} from byte ${from * VERITY_BLOCK}`
    throw faultError(new Fault('EIO', why), this.#facts.label)
  }

  /** Checks what a request brought and keeps what is right; what a plan needs must be. */
  #take({ trusted, missing }: Plan, { from, to }: Run, bytes: Uint8Array): void {
    const { kept, hasher } = this.#facts
    const needed = new Set(missing)
    for (let number = from; number < to; number++) {
      if (trusted.has(number)) continue
      const key = this.#prefix + number
      // Another read that waited for the same request may have been here.
      let block = kept.get(key)
      if (block === undefined) {
        const at = (number - from) * VERITY_BLOCK
        // A copy, so that what is kept does not hold on to the whole of what came.
        block = new Uint8Array(bytes.subarray(at, at + VERITY_BLOCK))
        const wrong = this.#wrong(trusted, number, hasher.hash(block))
        if (wrong !== undefined) {
          if (needed.has(number)) throw wrong
          continue
        }
        kept.keep(key, block)
      }
      trusted.set(number, block)
    }
  }

  /** What is wrong with a block of the tree that has a hash. */
  #wrong(trusted: ReadonlyMap<number, Uint8Array>, number: number, hash: Uint8Array): Error | undefined {
    const { hasher, digest, size, label } = this.#facts
    if (number === 0) {
      const found = hasher.digestOfRoot(hash, size)
      if (sameBytes(found, 0, digest)) return undefined
      return wrongBytes(label, 'digest by tree block 0', toHex(digest), toHex(found))
    }
    const parent = this.#places.parent(number)
    const above = trusted.get(parent) ?? this.#facts.kept.get(this.#prefix + parent)
    const at = this.#places.offsetInParent(number)
    if (above !== undefined && sameBytes(above, at, hash)) return undefined
    const expected = above === undefined ? 'nothing' : toHex(above.subarray(at, at + hash.length))
    return wrongBytes(label, `tree block ${number}`, expected, toHex(hash))
  }

  #collect({ trusted }: Plan, first: number, count: number): Uint8Array {
    const hashes = new Uint8Array(count * this.#digestSize)
    for (let index = first, at = 0; index < first + count; ) {
      const block = trusted.get(this.#places.leafBlock(index)) as Uint8Array
      const from = this.#places.leafOffset(index)
      const to = Math.min(VERITY_BLOCK, from + (hashes.length - at))
      hashes.set(block.subarray(from, to), at)
      at += to - from
      index += (to - from) / this.#digestSize
    }
    return hashes
  }
}
