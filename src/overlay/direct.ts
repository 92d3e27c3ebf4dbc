// Whose a path is: the one layer that alone answers for all of it, because the upper and the other layers have nothing on the
// way. Most paths are so, and such a layer takes them whole. Not here: what is asked of the layer (merged-tree.ts).

import type { Fault } from '../format/errno.js'
import type { Lower, LowerPart } from './lower.js'
import type { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'

/** The directories that a name merges in directories that are merged themselves, or why that can't be said. */
export type MergedChild = (parts: readonly LowerPart[], name: string) => readonly LowerPart[] | Fault

// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that are a byte of their own in UTF-8
const ASCII = /^[\x00-\x7f]*$/

/** Where a path has come to before its last name. */
interface Above {
  /** The path so far, without the slash. */
  readonly path: string
  /** The upper's `version` for which this is so. */
  readonly version: number
  /** The upper directory there, if there is one. */
  readonly dir: UpperInode | undefined
  /** The lower directories there; of a path that one layer answers for alone, a directory above. */
  readonly parts: readonly LowerPart[]
  readonly base: UpperInode
  readonly from: number
}

export class DirectPaths {
  readonly #upper: Upper
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
  /** Of the path asked about last that had an answer: names of one directory are asked for one after the other. */
  #above: Above | undefined

  /** Where a layer has marks, a redirect among them may lead elsewhere: no path there is surely its own. */
  readonly #plain: boolean

  constructor(upper: Upper, lowers: readonly Lower[], child: MergedChild) {
    this.#upper = upper
    this.#child = child
    this.#plain = lowers.every(lower => lower.plain !== undefined)
    this.base = upper.root
  }

  /** Looks; whether `lower` or `parts` has an answer. Paths that are not plain (`.`, `..`, `//`, not ASCII) have none. */
  find(path: string): boolean {
    this.lower = undefined
    this.parts = undefined
    if (!this.#plain) return false
    const slash = path.lastIndexOf('/')
    const above = this.#above
    if (above !== undefined && slash === above.path.length && above.version === this.#upper.version) {
      if (path.slice(0, slash) === above.path) return this.#answer(above, path, slash + 1)
    }
    const found = this.#walk(path, slash)
    if (found === undefined) return false
    if (slash >= 0) this.#above = found
    return this.#answer(found, path, slash + 1)
  }

  /** Says whose the last name of a path is. */
  #answer({ dir, parts, base, from }: Above, path: string, at: number): boolean {
    const name = path.slice(at)
    if (name.indexOf('..') !== -1 || !ASCII.test(name)) return false
    // Below a directory that one layer has, that layer knows what dots and slashes mean.
    if ((name === '' || name === '.') && (dir !== undefined || parts.length > 1)) return false
    if (dir?.children?.has(name) === true || parts.length === 0) return false
    this.base = dir ?? base
    this.from = dir === undefined ? from : at
    if (parts.length === 1) this.lower = parts[0].lower
    else {
      this.parts = parts
      this.last = at
    }
    return true
  }

  /** Goes to where the last name of a path begins; undefined where that is not plain. */
  #walk(path: string, slash: number): Above | undefined {
    const way = path.slice(0, Math.max(0, slash))
    if (way.indexOf('..') !== -1 || !ASCII.test(way)) return undefined
    const { root, version } = this.#upper
    let dir: UpperInode | undefined = root
    let base = root
    let from = way.charCodeAt(0) === 0x2f ? 1 : 0
    let parts = root.below as readonly LowerPart[]
    for (let at = from; at < way.length; ) {
      const next = way.indexOf('/', at)
      const end = next === -1 ? way.length : next
      const name = way.slice(at, end)
      if (name === '' || name === '.') return undefined
      const entry: UpperInode | null | undefined = dir?.children?.get(name)
      if (entry !== undefined) {
        // A path below it by another name is not this path.
        if (entry?.children === undefined || entry.redirect !== undefined || entry.below === undefined) return undefined
        parts = entry.below as readonly LowerPart[]
        dir = entry
      } else {
        if (dir !== undefined) {
          base = dir
          from = at
        }
        dir = undefined
        if (parts.length === 1) break
        const below = this.#child(parts, name)
        if (!Array.isArray(below)) return undefined
        parts = below
      }
      at = end + 1
    }
    return { path: way, version, dir, parts, base, from }
  }
}
