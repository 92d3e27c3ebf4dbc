// Merkle trees that lie in a directory store beside their objects, as `xx/yyyy….verity`: is one what the object's name says?
// Part of directory-survey.ts. A tree that leads to the digest is the only one of that digest, so the object's bytes need
// not be read for it; its size must be known.

import type { HashAlgorithm } from '../format/hash.js'
import { fromHex } from '../format/hex.js'
import { IntegrityError } from '../format/integrity.js'
import { BlockHasher, VERITY_BLOCK } from '../format/verity.js'
import { MerkleBlocks } from '../source/merkle-blocks.js'
import { MerkleLeaves } from '../source/merkle-leaves.js'
import type { DirectoryStore } from './directory.js'
import { treeName } from './object-name.js'

/** Bytes of the tree's blocks that are kept while it is checked. */
const KEPT = 4 * 2 ** 20
/** Blocks of the object whose hashes are asked for at a time. */
const STEP = 2 ** 15

/** What is wrong with the tree of an object that is named by its digest; undefined for nothing. Throws a store's error. */
export function treeFault(store: DirectoryStore, object: string, hash: HashAlgorithm): string | undefined {
  const { size } = store.statSync(object)
  const name = treeName(object)
  const tree = store.openSync(name)
  try {
    const digest = fromHex(object.replace('/', '')) as Uint8Array
    const facts = { size, digest, hasher: new BlockHasher(hash), kept: new MerkleBlocks(KEPT), label: name }
    const leaves = new MerkleLeaves(tree, facts)
    const count = leaves.isEmpty ? 0 : Math.ceil(size / VERITY_BLOCK)
    for (let at = 0; at < count; at += STEP) leaves.hashesSync(at, Math.min(STEP, count - at))
    return undefined
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (cause instanceof IntegrityError) return cause.message
    throw error
  } finally {
    tree.close()
  }
}
