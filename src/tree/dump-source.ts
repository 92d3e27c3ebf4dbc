// A tree from composefs dump text, as mkcomposefs --from-file reads it (spec composefs-dump.md). The build core parses it
// where it lies (asm/build/dump.ts): so a file is best read straight into its memory.

import type { BuildCore } from '../../wasm/build-core.js'
import { accepted } from './reasons.js'
import { Tree } from './tree.js'

/** What the memory has on top of the text: the LF that ends it, and room for what is added to the tree. */
const SLACK = 1 << 12

export interface DumpOptions {
  /** Refuse what only careless writers write (CFS_PARSE_STRICT of libcomposefs). */
  readonly strict?: boolean
}

/** Reads a dump. Throws a TreeError with line and field. */
export function treeFromDump(text: Uint8Array | string, options: DumpOptions = {}): Tree {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const dump = new DumpText()
  dump.room(bytes.length).set(bytes)
  return dump.tree(bytes.length, options)
}

/** The memory of a tree that is still a dump. */
export class DumpText {
  readonly #tree: Tree

  /** `core`: as for a Tree. */
  constructor(core?: BuildCore) {
    this.#tree = new Tree(core)
  }

  /**
   * Memory for a dump of so many bytes, with what has been put there before. The view is good until the next call. Throws
   * a TreeError: EFBIG beyond 2 GiB, ENOMEM.
   */
  room(size: number): Uint8Array {
    const { core } = this.#tree
    accepted(core, core.settled(core.exports.reserveArena(size + SLACK)))
    return core.u8.subarray(core.arena, core.arena + size)
  }

  /** The tree that the first `length` bytes say. Once only. Throws a TreeError with line and field. */
  tree(length: number, { strict = false }: DumpOptions = {}): Tree {
    const { core } = this.#tree
    accepted(core, core.settled(core.exports.readDump(length, core.firstNul(length), strict ? 1 : 0)))
    return this.#tree
  }
}
