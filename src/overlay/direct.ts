// Whose a path is: the one layer that alone answers for all of it, because the upper and the other layers have nothing on the
// way. Most paths are so, and such a layer takes them whole. Not here: what is asked of the layer (merged-tree.ts).

import type { Fault } from '../format/errno.js'
import type { Lower, LowerPart } from './lower.js'
import type { UpperInode } from './upper-inode.js'

/** The directories that a name merges in directories that are merged themselves, or why that can't be said. */
export type MergedChild = (parts: readonly LowerPart[], name: string) => readonly LowerPart[] | Fault

// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that are a byte of their own in UTF-8
const ASCII = /^[\x00-\x7f]*$/

export class DirectPaths {
  readonly #root: UpperInode
  readonly #child: MergedChild
  /** The layer that answers for the path asked about last; undefined where it is not one alone, or not plainly. */
  lower: Lower | undefined
  /** Where more than one have the directory of its last name: these, and no upper has that name. */
  parts: readonly LowerPart[] | undefined
  /** Where that name begins. */
  last = 0
  /** The upper directory nearest above, and where the path below it begins. */
  base: UpperInode
  from = 0

  /** Where a layer has marks, a redirect among them may lead elsewhere: no path there is surely its own. */
  readonly #plain: boolean

  constructor(root: UpperInode, lowers: readonly Lower[], child: MergedChild) {
    this.#root = root
    this.#child = child
    this.#plain = lowers.every(lower => lower.plain !== undefined)
    this.base = root
  }

  /** Looks; whether `lower` or `parts` has an answer. Paths that are not plain (`.`, `..`, `//`, not ASCII) have none. */
  find(path: string): boolean {
    this.lower = undefined
    this.parts = undefined
    if (!this.#plain || path.indexOf('..') !== -1 || !ASCII.test(path)) return false
    const start = path.charCodeAt(0) === 0x2f ? 1 : 0
    let dir: UpperInode | undefined = this.#root
    let parts = dir.below as readonly LowerPart[]
    for (let at = start; ; ) {
      const slash = path.indexOf('/', at)
      const end = slash === -1 ? path.length : slash
      const name = path.slice(at, end)
      if (name === '' || name === '.') return false
      const entry: UpperInode | null | undefined = dir?.children?.get(name)
      if (entry !== undefined) {
        // A path below it by another name is not this path.
        if (slash === -1 || entry?.children === undefined || entry.redirect !== undefined) return false
        if (entry.below === undefined) return false
        parts = entry.below as readonly LowerPart[]
        dir = entry
      } else {
        if (dir !== undefined) {
          this.base = dir
          this.from = at
        }
        dir = undefined
        if (parts.length === 0) return false
        if (parts.length === 1) {
          this.lower = parts[0].lower
          return true
        }
        if (slash === -1) {
          this.parts = parts
          this.last = at
          return true
        }
        const next = this.#child(parts, name)
        if (!Array.isArray(next)) return false
        parts = next
      }
      at = end + 1
    }
  }
}
