// Extended attributes of a tree: each (key, value) once, and per node a list of them in the order in which they were set.
// Not here: setting them (tree.ts), what a key means, how it is stored in an image.

import type { BuildCore } from '../../wasm/build-core.js'
import { LIMITS } from '../format/build-layout.js'

/** Most that the attributes of one node may take, as libcomposefs counts (spec composefs-image.md 1.2); more when read. */
export const XATTR_SPACE_MAX = LIMITS.XATTR_SPACE_MAX
export const XATTR_SPACE_MAX_READ = 65535

/** Views, good until the tree changes. */
export class XattrTable {
  readonly #core: BuildCore

  constructor(core: BuildCore) {
    this.#core = core
  }

  /** Per key: where its bytes lie. */
  get keyCount(): number {
    return this.#core.exports.keyCount.value
  }

  get keyAt(): Int32Array {
    return this.#core.xattrs.keyAt
  }

  get keyLength(): Uint8Array {
    return this.#core.xattrs.keyLength
  }

  /** Per pair: its key, and where the value lies. */
  get pairCount(): number {
    return this.#core.exports.pairCount.value
  }

  get pairKey(): Int32Array {
    return this.#core.xattrs.pairKey
  }

  get valueAt(): Int32Array {
    return this.#core.xattrs.valueAt
  }

  get valueLength(): Uint16Array {
    return this.#core.xattrs.valueLength
  }

  /** Per node: where its run in `list` begins, and how many pairs it has. */
  get start(): Int32Array {
    return this.#core.columns.xattrStart
  }

  get count(): Uint16Array {
    return this.#core.columns.xattrCount
  }

  get list(): Int32Array {
    return this.#core.xattrs.list
  }

  /** A key, a character a byte. */
  keyName(key: number): string {
    const at = this.#core.arena + this.keyAt[key]
    return String.fromCharCode(...this.#core.u8.subarray(at, at + this.keyLength[key]))
  }
}
