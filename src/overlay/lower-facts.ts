// What a walk over an upper asks about the entries below, remembered for as long as the walk takes: one that lacked something
// is begun again, and gets by without asking anew, for what it asked first may be gone by then from a lazy image. Layers never
// change, so no answer goes stale. Not here: what is asked for (differences.ts, changes.ts).

import { Fault, type Outcome } from '../format/errno.js'
import { shownXattrs } from './copied-inode.js'
import { type Attr, newAttr } from './layer.js'
import type { LowerPart } from './lower.js'
import type { MergedTree } from './merged-tree.js'

type Xattrs = ReadonlyMap<string, Uint8Array> | undefined

export class LowerFacts {
  readonly #found = new Map<readonly LowerPart[], Map<string, readonly LowerPart[]>>()
  readonly #attrs = new Map<LowerPart, Attr>()
  readonly #xattrs = new Map<LowerPart, Xattrs>()
  readonly #targets = new Map<LowerPart, Uint8Array>()

  /** What a name stands for in directories. */
  search(tree: MergedTree, parts: readonly LowerPart[], name: string): Outcome<readonly LowerPart[]> {
    const names = this.#found.get(parts) ?? new Map<string, readonly LowerPart[]>()
    const known = names.get(name)
    if (known !== undefined) return known
    const found = tree.searchBelow(parts, name)
    if (found instanceof Fault) return found
    this.#found.set(parts, names.set(name, found))
    return found
  }

  /** Not to be changed. */
  attr(part: LowerPart): Outcome<Readonly<Attr>> {
    const known = this.#attrs.get(part)
    if (known !== undefined) return known
    const attr = newAttr()
    const failed = part.lower.stat(part.node, attr)
    if (failed !== undefined) return failed
    this.#attrs.set(part, attr)
    return attr
  }

  xattrs(part: LowerPart): Outcome<Xattrs> {
    if (this.#xattrs.has(part)) return this.#xattrs.get(part)
    const found = shownXattrs(part, 'readable')
    if (!(found instanceof Fault)) this.#xattrs.set(part, found)
    return found
  }

  target(part: LowerPart): Outcome<Uint8Array> {
    const known = this.#targets.get(part)
    if (known !== undefined) return known
    const target = part.lower.layer.readlink(part.node)
    if (!(target instanceof Fault)) this.#targets.set(part, target)
    return target
  }
}
