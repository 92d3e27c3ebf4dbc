// Bytes that are read by ranges and checked, block by block, by a stored Merkle tree and the fs-verity digest that seals
// it: neither the data nor the tree is trusted because of where it is. A read costs its blocks and those few blocks of
// the tree that are not held yet; both are asked for at once. The tree is what `fsverity digest --out-merkle-tree` writes
// (src/format/verity-blocks.ts draws it). Not here: where data and tree come from; trees that are wholly in memory
// (src/format/merkle-tree.ts).

import { Fault, faultError } from '../format/errno.js'
import type { HashAlgorithm, Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { IntegrityError } from '../format/integrity.js'
import { MerklePlaces } from '../format/merkle-places.js'
import { BlockHasher, VERITY_BLOCK } from '../format/verity-blocks.js'
import type { ByteSource } from './byte-source.js'
import { MerkleBlocks } from './merkle-blocks.js'

export interface MerkleOptions {
  /** Bound of the checked blocks of the tree that are kept, in bytes; 4 MiB unless said otherwise. */
  readonly treeBytes?: number
  /** Where checked blocks of trees are kept, for sources that share them; `treeBytes` is nothing then. */
  readonly blocks?: MerkleBlocks
  /** What messages call it. */
  readonly label?: string
}

const TREE_BYTES = 4 * 2 ** 20
/** Blocks of the levels above the leaves' that come with the top one: all of them up to 2 GiB of data. */
const UPPER_MAX = 36
/** Blocks that are read along so that two runs of blocks are one request. */
const GAP_MAX = 4

/** Blocks of the tree that were asked for in one request. */
interface Run {
  readonly from: number
  /** The first one behind. */
  readonly to: number
}

/** What a read needs of the tree. */
interface Plan {
  /** Checked blocks by number. */
  readonly trusted: Map<number, Uint8Array>
  /** In rising order, so that a parent comes before its children. Each one's parent is there or trusted. */
  readonly missing: readonly number[]
}

function sameBytes(a: Uint8Array, at: number, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[at + i] !== b[i]) return false
  return true
}

export class MerkleSource implements ByteSource {
  readonly size: number
  /** There if data and tree have it. */
  readonly readSync?: (offset: number, length: number) => Uint8Array
  readonly #data: ByteSource
  readonly #tree: ByteSource
  readonly #hasher: BlockHasher
  readonly #digest: Uint8Array
  readonly #places: MerklePlaces
  readonly #kept: MerkleBlocks
  /** By which the kept blocks of this tree are known: the size belongs to it, since it is checked with the top block. */
  readonly #prefix: string
  readonly #label: string
  /** Blocks of the tree that are being read, by number. */
  readonly #coming = new Map<number, Promise<[Run, Uint8Array]>>()
  #reads = 0
  #closed = false

  /**
   * Reads nothing yet: what is wrong with data or tree shows at the reads that need it. Data and tree are its own from
   * then on. Throws EINVAL for a digest of another length than the hash's; EIO when the tree has not the length that
   * belongs to the data's, or when the digest of no data is another.
   */
  constructor(
    data: ByteSource,
    tree: ByteSource,
    digest: Uint8Array,
    hash: Sha256 | HashAlgorithm,
    { treeBytes = TREE_BYTES, blocks = new MerkleBlocks(treeBytes), label = 'data' }: MerkleOptions = {},
  ) {
    this.#hasher = new BlockHasher(hash)
    this.#label = label
    const { name, digestSize } = this.#hasher.algorithm
    if (digest.length !== digestSize) {
      throw faultError(new Fault('EINVAL', `${digest.length} bytes are no ${name} digest`), label)
    }
    if (!Number.isSafeInteger(data.size) || data.size < 0) throw this.#broken(`${data.size} is no number of bytes`)
    this.size = data.size
    this.#data = data
    this.#tree = tree
    // slice() of a Buffer would share its memory.
    this.#digest = new Uint8Array(digest)
    this.#places = new MerklePlaces(this.size, digestSize)
    this.#kept = blocks
    this.#prefix = `${toHex(this.#digest)}/${this.size}/`
    if (tree.size !== this.#places.length) {
      throw this.#wrong(`bytes of the Merkle tree of ${this.size} bytes`, this.#places.length, tree.size)
    }
    if (this.size === 0) this.#checkRoot(new Uint8Array(0), 'no data')
    if (data.readSync !== undefined && (tree.readSync !== undefined || tree.size === 0)) {
      this.readSync = (offset, length) => this.#readSync(offset, length)
    }
  }

  /**
   * The same, with the tree's top block read and checked (by data of one block or less there is none). When it rejects,
   * data and tree are still the caller's.
   */
  static async open(
    data: ByteSource,
    tree: ByteSource,
    digest: Uint8Array,
    hash: Sha256 | HashAlgorithm,
    options: MerkleOptions = {},
  ): Promise<MerkleSource> {
    const source = new MerkleSource(data, tree, digest, hash, options)
    await source.check()
    return source
  }

  /** Reads and checks the tree's top block, if there is one that is not held: is this a tree of this digest? */
  async check(): Promise<void> {
    if (this.#places.treeBlocks > 0) await this.#whileReading(() => this.#brought(this.#planOf([0])))
  }

  /** EIO, with an IntegrityError as its cause, for a block of data or tree that is not the one that the digest seals. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    const [begin, end] = this.#blocksOf(offset, to)
    return this.#whileReading(async () => {
      const [data, leaves] = await Promise.all([
        this.#data.read(begin, end - begin),
        this.#brought(this.#plan(begin, end)),
      ])
      this.#checkData(data, begin, end, leaves)
      return data.subarray(offset - begin, to - begin)
    })
  }

  /** Gives back data and tree once reads under way have ended. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
  }

  #release(): void {
    if (!this.#closed || this.#reads > 0) return
    this.#data.close()
    this.#tree.close()
  }

  async #whileReading<T>(read: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#ended()
    this.#reads++
    try {
      return await read()
    } finally {
      this.#reads--
      this.#release()
    }
  }

  #readSync(offset: number, length: number): Uint8Array {
    if (this.#closed) throw this.#ended()
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    const [begin, end] = this.#blocksOf(offset, to)
    const plan = this.#plan(begin, end)
    for (const run of this.#runs(plan.missing)) {
      const { from } = run
      const bytes = this.#tree.readSync?.(from * VERITY_BLOCK, (run.to - from) * VERITY_BLOCK)
      this.#take(plan, run, this.#wholeRun(run, bytes))
    }
    const data = this.#data.readSync?.(begin, end - begin) ?? new Uint8Array(0)
    this.#checkData(data, begin, end, plan.trusted)
    return data.subarray(offset - begin, to - begin)
  }

  #endOf(offset: number, length: number): number {
    if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0) {
      return Math.min(offset + length, this.size)
    }
    throw faultError(new Fault('EINVAL', `${length} bytes from ${offset} are no range`), this.#label)
  }

  /** Where the blocks that hold a range begin and end. */
  #blocksOf(from: number, to: number): [number, number] {
    return [from - (from % VERITY_BLOCK), Math.min(Math.ceil(to / VERITY_BLOCK) * VERITY_BLOCK, this.size)]
  }

  /** What a read of the data from `begin` to `end` needs of the tree. */
  #plan(begin: number, end: number): Plan {
    if (this.#places.treeBlocks === 0) return this.#planOf([])
    const first = this.#places.leafBlock(begin / VERITY_BLOCK)
    const last = this.#places.leafBlock(Math.ceil(end / VERITY_BLOCK) - 1)
    return this.#planOf(Array.from({ length: last - first + 1 }, (_, i) => first + i))
  }

  #planOf(wanted: readonly number[]): Plan {
    const trusted = new Map<number, Uint8Array>()
    const missing = new Set<number>()
    for (const block of wanted) {
      // Up, until something is known. Seven levels at most.
      for (let at = block; !trusted.has(at) && !missing.has(at); at = this.#places.parent(at)) {
        const kept = this.#kept.get(this.#prefix + at)
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
    const upper = Math.min(UPPER_MAX, this.#kept.limit / (4 * VERITY_BLOCK))
    for (const block of missing) {
      const last = runs.at(-1)
      const to = block === 0 ? this.#places.upperBlocks(upper) : block + 1
      if (last === undefined || block > last.to + GAP_MAX) runs.push({ from: block, to })
      else if (to > last.to) runs[runs.length - 1] = { from: last.from, to }
    }
    return runs
  }

  /** Brings what lacks, by requests of others where they are under way, and checks it. */
  async #brought(plan: Plan): Promise<Map<number, Uint8Array>> {
    const lacking = plan.missing.filter(block => !this.#coming.has(block))
    for (const run of this.#runs(lacking)) this.#request(run)
    const coming = new Set(plan.missing.map(block => this.#coming.get(block)))
    const runs = await Promise.all(coming)
    for (const come of runs.sort((a, b) => (a?.[0].from ?? 0) - (b?.[0].from ?? 0))) {
      if (come !== undefined) this.#take(plan, ...come)
    }
    return plan.trusted
  }

  #request(run: Run): void {
    const { from, to } = run
    const read = async (): Promise<[Run, Uint8Array]> => {
      return [run, this.#wholeRun(run, await this.#tree.read(from * VERITY_BLOCK, (to - from) * VERITY_BLOCK))]
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

  #wholeRun({ from, to }: Run, bytes: Uint8Array | undefined): Uint8Array {
    const wanted = (to - from) * VERITY_BLOCK
    if (bytes?.length === wanted) return bytes
    throw this.#broken(`the Merkle tree gave ${bytes?.length} bytes of ${wanted} from byte ${from * VERITY_BLOCK}`)
  }

  /** Checks what a request brought and keeps what is right; what a plan needs must be. */
  #take({ trusted, missing }: Plan, { from, to }: Run, bytes: Uint8Array): void {
    const needed = new Set(missing)
    for (let number = from; number < to; number++) {
      if (trusted.has(number)) continue
      // Another read that waited for the same request may have been here.
      const kept = this.#kept.get(this.#prefix + number)
      if (kept !== undefined) {
        trusted.set(number, kept)
        continue
      }
      const at = (number - from) * VERITY_BLOCK
      // A copy, so that what is kept does not hold on to the whole of what came.
      const block = new Uint8Array(bytes.subarray(at, at + VERITY_BLOCK))
      const hash = this.#hasher.hash(block)
      if (number === 0) {
        this.#checkRoot(hash, 'tree block 0')
      } else {
        const parent = this.#places.parent(number)
        const above = trusted.get(parent) ?? this.#kept.get(this.#prefix + parent)
        const offset = this.#places.offsetInParent(number)
        if (above === undefined || !sameBytes(above, offset, hash)) {
          if (!needed.has(number)) continue
          const expected = above === undefined ? 'nothing' : toHex(above.subarray(offset, offset + hash.length))
          throw this.#wrong(`tree block ${number}`, expected, toHex(hash))
        }
      }
      trusted.set(number, block)
      this.#kept.keep(this.#prefix + number, block)
    }
  }

  #checkData(data: Uint8Array, begin: number, end: number, leaves: ReadonlyMap<number, Uint8Array>): void {
    if (data.length !== end - begin) {
      throw this.#broken(`the data gave ${data.length} bytes of ${end - begin} from byte ${begin}`)
    }
    for (let at = 0; at < data.length; at += VERITY_BLOCK) {
      const index = (begin + at) / VERITY_BLOCK
      const hash = this.#hasher.hashAt(data, at)
      if (this.#places.treeBlocks === 0) {
        this.#checkRoot(hash, 'data block 0')
        continue
      }
      const leaf = leaves.get(this.#places.leafBlock(index)) as Uint8Array
      const offset = this.#places.leafOffset(index)
      if (!sameBytes(leaf, offset, hash)) {
        throw this.#wrong(`data block ${index}`, toHex(leaf.subarray(offset, offset + hash.length)), toHex(hash))
      }
    }
  }

  #checkRoot(root: Uint8Array, what: string): void {
    const found = this.#hasher.digestOfRoot(root, this.size)
    if (!sameBytes(found, 0, this.#digest)) {
      throw this.#wrong(`digest by ${what}`, toHex(this.#digest), toHex(found))
    }
  }

  #wrong(what: string, expected: string | number, actual: string | number): Error {
    const cause = new IntegrityError(`wrong ${what}`, expected, actual)
    return faultError(new Fault('EIO', cause.message, cause), this.#label)
  }

  #broken(why: string): Error {
    return faultError(new Fault('EIO', why), this.#label)
  }

  #ended(): Error {
    return faultError(new Fault('EBADF', 'is closed'), this.#label)
  }
}
