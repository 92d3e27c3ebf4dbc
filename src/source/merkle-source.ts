// Bytes that are read by ranges and checked, block by block, by a stored Merkle tree and the fs-verity digest that seals
// it: neither the data nor the tree is trusted because of where it is. A read costs its blocks and those few blocks of
// the tree that are not held yet; both are asked for at once. Not here: where data and tree come from, and how the tree
// is read (merkle-leaves.ts).

import { Fault, faultError } from '../format/errno.js'
import type { HashAlgorithm, Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { BlockHasher, VERITY_BLOCK } from '../format/verity-blocks.js'
import type { ByteSource } from './byte-source.js'
import { MerkleBlocks } from './merkle-blocks.js'
import { MerkleLeaves, sameBytes, wrongBytes } from './merkle-leaves.js'

export interface MerkleOptions {
  /** Bound of the checked blocks of the tree that are kept, in bytes; 4 MiB unless said otherwise. */
  readonly treeBytes?: number
  /** Where checked blocks of trees are kept, for sources that share them; `treeBytes` is nothing then. */
  readonly blocks?: MerkleBlocks
  /** What messages call it. */
  readonly label?: string
}

const TREE_BYTES = 4 * 2 ** 20
const NOTHING = new Uint8Array(0)

/** The blocks that hold a range of the data. */
interface Blocks {
  /** Bytes. */
  readonly begin: number
  readonly end: number
  readonly first: number
  readonly count: number
}

export class MerkleSource implements ByteSource {
  readonly size: number
  /** There if data and tree have it. */
  readonly readSync?: (offset: number, length: number) => Uint8Array
  readonly #data: ByteSource
  readonly #leaves: MerkleLeaves
  readonly #hasher: BlockHasher
  readonly #digest: Uint8Array
  readonly #label: string
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
    const { size } = data
    this.size = size
    this.#data = data
    this.#hasher = new BlockHasher(hash)
    this.#label = label
    this.#leaves = new MerkleLeaves(tree, { size, digest, hasher: this.#hasher, kept: blocks, label })
    // slice() of a Buffer would share its memory.
    this.#digest = new Uint8Array(digest)
    if (size === 0) this.#checkRoot(NOTHING)
    if (data.readSync !== undefined && (tree.readSync !== undefined || this.#leaves.isEmpty)) {
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
    await source.#leaves.check()
    return source
  }

  /** EIO, with an IntegrityError as its cause, for a block of data or tree that is not the one that the digest seals. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    const blocks = this.#blocksOf(offset, to)
    const { begin, end, first, count } = blocks
    this.#reads++
    try {
      const [data, hashes] = await Promise.all([
        this.#data.read(begin, end - begin),
        this.#leaves.isEmpty ? NOTHING : this.#leaves.hashes(first, count),
      ])
      this.#check(data, blocks, hashes)
      return data.subarray(offset - begin, to - begin)
    } finally {
      this.#reads--
      this.#release()
    }
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
    this.#leaves.close()
  }

  #readSync(offset: number, length: number): Uint8Array {
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    const blocks = this.#blocksOf(offset, to)
    const { begin, end, first, count } = blocks
    const hashes = this.#leaves.isEmpty ? NOTHING : this.#leaves.hashesSync(first, count)
    const data = this.#data.readSync?.(begin, end - begin) ?? NOTHING
    this.#check(data, blocks, hashes)
    return data.subarray(offset - begin, to - begin)
  }

  #endOf(offset: number, length: number): number {
    if (this.#closed) throw faultError(new Fault('EBADF', 'is closed'), this.#label)
    if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0) {
      return Math.min(offset + length, this.size)
    }
    throw faultError(new Fault('EINVAL', `${length} bytes from ${offset} are no range`), this.#label)
  }

  #blocksOf(from: number, to: number): Blocks {
    const first = Math.floor(from / VERITY_BLOCK)
    const last = Math.ceil(to / VERITY_BLOCK)
    return { begin: first * VERITY_BLOCK, end: Math.min(last * VERITY_BLOCK, this.size), first, count: last - first }
  }

  #check(data: Uint8Array, { begin, end, first }: Blocks, hashes: Uint8Array): void {
    if (data.length !== end - begin) {
      const why = `the data gave ${data.length} bytes of ${end - begin} from byte ${begin}`
      throw faultError(new Fault('EIO', why), this.#label)
    }
    if (this.#leaves.isEmpty) {
      this.#checkRoot(this.#hasher.hash(data))
      return
    }
    for (let at = 0, leaf = 0; at < data.length; at += VERITY_BLOCK) {
      const hash = this.#hasher.hashAt(data, at)
      if (!sameBytes(hashes, leaf, hash)) {
        const expected = toHex(hashes.subarray(leaf, leaf + hash.length))
        throw wrongBytes(this.#label, `data block ${first + at / VERITY_BLOCK}`, expected, toHex(hash))
      }
      leaf += hash.length
    }
  }

  /** Data of one block or none: its hash is the root itself. */
  #checkRoot(root: Uint8Array): void {
    const found = this.#hasher.digestOfRoot(root, this.size)
    if (!sameBytes(found, 0, this.#digest)) {
      throw wrongBytes(this.#label, 'digest of the data', toHex(this.#digest), toHex(found))
    }
  }
}
