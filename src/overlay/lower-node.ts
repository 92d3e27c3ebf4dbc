// The overlay's handle of an entry that has no upper part. Not here: how it comes by one (copy-up.ts).

import type { LayerNode, LowerPart } from './lower.js'
import type { UpperInode } from './upper-inode.js'

export class LowerNode implements LayerNode {
  #upper: UpperInode | undefined
  /** Who holds the handle open: they hold the copy open as soon as there is one, so that it outlives its names. */
  openers = 0
  /** Whether the entry has been removed since. */
  removed = false

  constructor(
    /** Of a directory all that it merges; of a file itself, and behind it the one with its data where that is another. */
    readonly parts: readonly LowerPart[],
    /** The upper directory nearest above. */
    public base: UpperInode,
    /** The path from there, a character a byte, without `..`. */
    public way: string,
  ) {}

  /** The copy in the upper, once there is one: whoever still holds the handle goes on with that. */
  get upper(): UpperInode | undefined {
    return this.#upper
  }

  set upper(copy: UpperInode | undefined) {
    if (this.#upper !== undefined || copy === undefined) return
    this.#upper = copy
    copy.opened += this.openers
  }

  get mode(): number {
    return this.upper?.mode ?? this.parts[0].node.mode
  }

  /** The names from `base` on. */
  names(): string[] {
    return this.way.split('/').filter(name => name !== '' && name !== '.')
  }

  /**
   * The copy, also where it was made through another handle: an upper directory has come to stand on the way, or the copy
   * itself does.
   */
  get current(): UpperInode | undefined {
    if (this.upper !== undefined || this.removed || this.base.children?.size === 0) return this.upper
    const names = this.names()
    let at = this.base
    for (const [i, name] of names.entries()) {
      const entry = at.children?.get(name)
      if (entry === undefined || entry === null || !entry.copied) return undefined
      if (i === names.length - 1) {
        this.upper = entry
        return entry
      }
      at = entry
      this.base = entry
      this.way = names.slice(i + 1).join('/')
    }
    return undefined
  }

  get data(): LowerPart {
    return this.parts[this.parts.length - 1]
  }
}

/** What the overlay hands out for an inode. */
export type OverlayNode = UpperInode | LowerNode

/** The upper part of a node, if there is one by now. */
export function upperOf(node: OverlayNode): UpperInode | undefined {
  return node instanceof LowerNode ? node.current : node
}
