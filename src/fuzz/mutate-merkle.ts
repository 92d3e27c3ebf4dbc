// Changes that know stored Merkle trees of fs-verity (format/verity-blocks.ts has the layout): hashes and blocks that change places within a
// level and between levels, padding that is none, a tree that is longer or shorter, hashes repaired upwards so that only the digest
// above all is wrong. Not here: the data.

import type { HashAlgorithm } from '../format/hash.js'
import { MerklePlaces } from '../format/merkle-places.js'
import { BlockHasher, VERITY_BLOCK } from '../format/verity-blocks.js'
import type { Random } from './random.js'
import type { Mutator } from './target.js'

type Change = (tree: Uint8Array, random: Random, other: Uint8Array) => Uint8Array | undefined

function blocksOf(tree: Uint8Array): number {
  return Math.floor(tree.length / VERITY_BLOCK)
}

function copyBlock(tree: Uint8Array, from: number, to: number): Uint8Array {
  return tree.copyWithin(to * VERITY_BLOCK, from * VERITY_BLOCK, (from + 1) * VERITY_BLOCK)
}

function swap(tree: Uint8Array, one: number, other: number, size: number): Uint8Array {
  const kept = tree.slice(one, one + size)
  tree.copyWithin(one, other, other + size)
  tree.set(kept, other)
  return tree
}

function changes(digestSize: number): readonly (readonly [string, Change])[] {
  const hashes = (tree: Uint8Array) => Math.floor(tree.length / digestSize)
  return [
    [
      'a bit of a hash',
      (tree, random) => {
        tree[random.below(tree.length)] ^= 1 << random.below(8)
        return tree
      },
    ],
    [
      'two hashes change places',
      (tree, random) =>
        swap(tree, random.below(hashes(tree)) * digestSize, random.below(hashes(tree)) * digestSize, digestSize),
    ],
    [
      'a block over another',
      (tree, random) => copyBlock(tree, random.below(blocksOf(tree)), random.below(blocksOf(tree))),
    ],
    [
      'two blocks change places',
      (tree, random) => {
        const [one, other] = [random.below(blocksOf(tree)), random.below(blocksOf(tree))]
        return swap(tree, one * VERITY_BLOCK, other * VERITY_BLOCK, VERITY_BLOCK)
      },
    ],
    [
      'a hash of zeros',
      (tree, random) => {
        const at = random.below(hashes(tree)) * digestSize
        return tree.fill(0, at, at + digestSize)
      },
    ],
    [
      'something in the padding',
      (tree, random) => {
        const end = (1 + random.below(blocksOf(tree))) * VERITY_BLOCK
        tree[end - 1 - random.below(digestSize)] ^= 1 + random.below(255)
        return tree
      },
    ],
    ['a tree that ends sooner', (tree, random) => tree.subarray(0, tree.length - 1 - random.below(tree.length))],
    ['a block less', tree => (tree.length <= VERITY_BLOCK ? undefined : tree.subarray(VERITY_BLOCK))],
    [
      'a block more',
      (tree, random) => {
        const out = new Uint8Array(tree.length + VERITY_BLOCK)
        out.set(tree, random.once(2) ? VERITY_BLOCK : 0)
        return out
      },
    ],
    [
      'a block of another tree',
      (tree, random, other) => {
        if (blocksOf(other) === 0) return undefined
        const from = random.below(blocksOf(other)) * VERITY_BLOCK
        tree.set(other.subarray(from, from + VERITY_BLOCK), random.below(blocksOf(tree)) * VERITY_BLOCK)
        return tree
      },
    ],
  ]
}

/** Mutators of the tree of data of any size. */
export function merkleMutators(hash: HashAlgorithm): Mutator[] {
  const known: readonly (readonly [string, Change])[] = changes(hash.digestSize)
  return known.map(([name, change]) => ({
    name,
    mutate: (input, random, { other }) => (input.length < VERITY_BLOCK ? undefined : change(input, random, other)),
  }))
}

/**
 * Makes a tree right again from one of its blocks up: all blocks above it have the hashes of what is below, the digest alone is another.
 * Leaves what is no tree of `size` bytes as it is.
 */
export function mendTree(tree: Uint8Array, size: number, block: number, hash: HashAlgorithm): Uint8Array {
  const places = new MerklePlaces(size, hash.digestSize)
  if (tree.length !== places.length) return tree
  const hasher = new BlockHasher(hash)
  // A block's parent has always a smaller number.
  for (let at = block; at > 0; at = places.parent(at)) {
    const found = hasher.hash(tree.subarray(at * VERITY_BLOCK, (at + 1) * VERITY_BLOCK))
    tree.set(found, places.parent(at) * VERITY_BLOCK + places.offsetInParent(at))
  }
  return tree
}

/**
 * Puts another byte into a block of data and its hash into the tree, and goes on with the hash of that block of the tree, up to some level.
 * False where the tree is none of data of that size, or has no place for hashes.
 */
export function forgeBlock(
  { data, tree }: { readonly data: Uint8Array; readonly tree: Uint8Array },
  random: Random,
  hash: HashAlgorithm,
): boolean {
  const places = new MerklePlaces(data.length, hash.digestSize)
  if (tree.length !== places.length || tree.length === 0) return false
  const hasher = new BlockHasher(hash)
  const at = random.below(data.length)
  data[at] ^= 1 + random.below(255)
  const index = Math.floor(at / VERITY_BLOCK)
  let block = places.leafBlock(index)
  tree.set(hasher.hashAt(data, index * VERITY_BLOCK), block * VERITY_BLOCK + places.leafOffset(index))
  while (block > 0 && random.once(2)) {
    const parent = places.parent(block)
    const found = hasher.hashAt(tree, block * VERITY_BLOCK)
    tree.set(found, parent * VERITY_BLOCK + places.offsetInParent(block))
    block = parent
  }
  return true
}
