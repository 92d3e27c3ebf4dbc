// Data and its stored Merkle tree, either or both of them changed, read by the digest of the data as it was. Invariants:
// - right bytes: what is handed out is what the digest was made of, all that was asked for, or there is an error with a code
// - right blocks: a block that the tree is said to vouch for is the one that the digest was made of
// - untouched: where neither data nor tree was changed all is handed out
// - no throw: nothing is thrown that has no code

import { Fault } from '../../format/errno.js'
import type { HashAlgorithm } from '../../format/hash.js'
import { MerkleTree, merkleTree } from '../../format/merkle-tree.js'
import { VERITY_BLOCK, verityDigest } from '../../format/verity.js'
import { bytesSource } from '../../source/bytes-source.js'
import { MerkleSource } from '../../source/merkle-source.js'
import { BYTE_MUTATORS } from '../mutate-bytes.js'
import { forgeBlock, merkleMutators } from '../mutate-merkle.js'
import { joinParts, PartMutators, splitParts } from '../parts.js'
import { Random } from '../random.js'
import { compareBytes } from '../random-tree.js'
import { standInAlgorithm } from '../stand-in-hash.js'
import { type Mutator, type Target, Violation } from '../target.js'

const PARTS = 3
/** u24 offset, u16 length. */
const READ = 5
const READS_MAX = 16
/** Bytes of data, and of a hash: none, less than a block, one, more, one level of the tree, two. */
const SHAPES: readonly (readonly [size: number, digestSize: 32 | 64])[] = [
  [0, 32],
  [5, 32],
  [VERITY_BLOCK, 64],
  [VERITY_BLOCK + 1, 32],
  [5 * VERITY_BLOCK - 7, 32],
  [3 * VERITY_BLOCK, 64],
  [66 * VERITY_BLOCK + 9, 64],
]
/** Bounds of the blocks that are kept: none, one or two, all. */
const KEPT = [0, 2 * VERITY_BLOCK, 1 << 22]

interface Sealed {
  readonly data: Uint8Array
  readonly tree: Uint8Array
  readonly digest: Uint8Array
  readonly hash: HashAlgorithm
}

function sealed(size: number, hash: HashAlgorithm): Sealed {
  const data = new Random(size).bytes(size)
  // Blocks that are alike have hashes that are, too.
  if (size > 3 * VERITY_BLOCK) data.copyWithin(VERITY_BLOCK, 0, VERITY_BLOCK)
  return { data, tree: merkleTree(data, hash), digest: verityDigest(data, hash), hash }
}

/** Some part of data of a size, as an input tells it. */
function readOf(random: Random, size: number): number[] {
  const [at, length] = [random.below(size + 1), random.below(3 * VERITY_BLOCK)]
  return [at & 0xff, (at >> 8) & 0xff, at >> 16, length & 0xff, length >> 8]
}

export class MerkleTarget implements Target {
  readonly name = 'merkle'
  readonly invariants = [
    'right bytes: what is handed out is what the digest was made of, all that was asked for; or an error has a code',
    'right blocks: a block that a tree vouches for is the one that the digest was made of',
    'untouched: where neither data nor tree was changed all is handed out',
    'no throw: nothing is thrown that has no code',
  ]
  readonly maxBytes = 80 * VERITY_BLOCK
  readonly #sealed = SHAPES.map(([size, digestSize]) => sealed(size, standInAlgorithm(digestSize)))
  readonly seeds = this.#sealed.map(({ data, tree }, i) => joinParts([this.#asked(i, data.length), data, tree]))
  /** A block of the data is another one, and the tree agrees up to some level: what neither a byte of data nor one of the tree is. */
  readonly #forgery: Mutator = {
    name: 'a block forged with its tree',
    mutate: (input, random) => {
      const [asked, data, tree] = splitParts(input, PARTS)
      const { hash } = this.#sealed[(asked[0] ?? 0) % this.#sealed.length]
      const parts = { data: data.slice(), tree: tree.slice() }
      return forgeBlock(parts, random, hash) ? joinParts([asked, parts.data, parts.tree]) : undefined
    },
  }
  readonly #otherRead: Mutator = {
    name: 'another read',
    mutate: (input, random) => {
      const [asked, data, tree] = splitParts(input, PARTS)
      const reads = Math.floor((asked.length - 2) / READ)
      if (reads < 1) return undefined
      const other = asked.slice()
      other.set(readOf(random, data.length), 2 + random.below(reads) * READ)
      return joinParts([other, data, tree])
    },
  }
  readonly mutators = [
    ...new PartMutators(PARTS).of(0, BYTE_MUTATORS),
    ...new PartMutators(PARTS).of(1, BYTE_MUTATORS),
    ...[32, 64].flatMap(size => new PartMutators(PARTS).of(2, merkleMutators(standInAlgorithm(size as 32 | 64)))),
    ...new PartMutators(PARTS).of(2, BYTE_MUTATORS),
    ...BYTE_MUTATORS,
    ...[0, 1, 2].flatMap(() => [this.#forgery, this.#otherRead]),
  ]

  /** Which object, how much is kept, and some reads. */
  #asked(object: number, size: number): Uint8Array {
    const random = new Random(object)
    const asked = [object, random.below(KEPT.length)]
    for (let left = 8; left > 0; left--) asked.push(...readOf(random, size))
    return Uint8Array.from(asked)
  }

  run(input: Uint8Array): boolean {
    const [asked, data, tree] = splitParts(input, PARTS)
    const object = this.#sealed[(asked[0] ?? 0) % this.#sealed.length]
    const untouched = compareBytes(data, object.data) === 0 && compareBytes(tree, object.tree) === 0
    this.#blocks(object, data, tree, untouched)
    let source: MerkleSource
    try {
      const options = { treeBytes: KEPT[(asked[1] ?? 0) % KEPT.length] }
      source = new MerkleSource(bytesSource(data), bytesSource(tree), object.digest, object.hash, options)
    } catch (error) {
      this.#refused(error, untouched)
      return false
    }
    for (let at = 2, left = READS_MAX; at + READ <= asked.length && left > 0; at += READ, left--) {
      const offset = asked[at] + asked[at + 1] * 256 + asked[at + 2] * 65536
      this.#read(source, object.data, { offset, length: asked[at + 3] + asked[at + 4] * 256 }, untouched)
    }
    source.close()
    return true
  }

  #read(
    source: MerkleSource,
    data: Uint8Array,
    { offset, length }: { offset: number; length: number },
    untouched: boolean,
  ): void {
    let bytes: Uint8Array | undefined
    try {
      bytes = source.readSync?.(offset, length)
    } catch (error) {
      this.#refused(error, untouched)
      return
    }
    const wanted = data.subarray(offset, offset + length)
    if (bytes === undefined || compareBytes(bytes, wanted) !== 0) {
      // An end of another length is no bytes at all.
      if (bytes?.length === 0 && offset >= Math.min(source.size, data.length)) return
      throw new Violation('right bytes', `${bytes?.length} bytes from ${offset}, ${length} were asked for`)
    }
  }

  #refused(error: unknown, untouched: boolean): void {
    if (!(error instanceof Error) || !('code' in error)) throw new Violation('no throw', String(error))
    if (untouched) throw new Violation('untouched', error.message)
  }

  #blocks({ data, digest, hash }: Sealed, changed: Uint8Array, tree: Uint8Array, untouched: boolean): void {
    const opened = MerkleTree.open(tree, data.length, digest, hash)
    if (opened instanceof Fault) {
      if (untouched) throw new Violation('untouched', opened.detail)
      return
    }
    // From the last one on, so that some are asked for before others that lead to them.
    for (let i = Math.min(opened.blockCount, 80); i >= 0; i--) {
      const block = changed.subarray(i * VERITY_BLOCK, (i + 1) * VERITY_BLOCK)
      const right = data.subarray(i * VERITY_BLOCK, (i + 1) * VERITY_BLOCK)
      const vouched = opened.checkBlock(i, block)
      if (vouched && (i >= opened.blockCount || compareBytes(block, right) !== 0))
        throw new Violation('right blocks', `${i}`)
      if (!vouched && untouched && i < opened.blockCount) throw new Violation('untouched', `block ${i}`)
    }
  }
}
