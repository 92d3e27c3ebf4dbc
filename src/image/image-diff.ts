// What differs between two images, entry by entry: both are walked at once in the order in which images list, so neither is held
// in memory. Not here: how an entry is compared (entry-diff.ts), who is told of it.

import { Fault } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { type EntryChange, entryChanges } from './entry-diff.js'
import type { Image } from './image.js'
import { TreeEntries } from './tree-entries.js'

const { S_IFMT, S_IFREG } = CONSTANTS
const SLASH = 0x2f
/** Entries of one image alone between two pauses. */
const ALONE = 256

/** One side of the comparison: an image, and the entry of it that is next. */
export class DiffSide {
  readonly entries: TreeEntries
  /** Sizes of the objects that were met, by name. */
  readonly objects = new Map<string, number>()
  more = true
  readonly #failed: (fault: Fault) => Error

  /** `failed`: the Error that is thrown for a Fault. */
  constructor(image: Image, failed: (fault: Fault) => Error) {
    this.#failed = failed
    const entries = TreeEntries.open(image)
    if (entries instanceof Fault) throw failed(entries)
    this.entries = entries
    this.next()
  }

  /** After a pause the current entry is read anew. */
  again(): void {
    const failed = this.entries.again()
    if (failed !== undefined) throw this.#failed(failed)
  }

  next(): void {
    const { entries } = this
    const more = entries.next()
    if (more instanceof Fault) throw this.#failed(more)
    this.more = more
    const { payload } = entries
    if (!more || entries.hardLink || payload.from < 0 || (entries.mode & S_IFMT) !== S_IFREG) return
    this.objects.set(binaryString(payload.bytes.subarray(payload.from, payload.to)), entries.size)
  }
}

/** Order of two paths in a listing, in which a directory comes before what is in it and that before its next sibling. */
function order(a: TreeEntries, b: TreeEntries): number {
  const common = Math.min(a.pathLength, b.pathLength)
  for (let i = 0; i < common; i++) {
    const difference = (a.path[i] === SLASH ? 0 : a.path[i]) - (b.path[i] === SLASH ? 0 : b.path[i])
    if (difference !== 0) return difference
  }
  return a.pathLength - b.pathLength
}

/** Told of everything that differs; entries are good during the call. */
export interface DiffListener {
  added(entry: TreeEntries): void
  removed(entry: TreeEntries): void
  /** The entry as it is in the second image, and as it was in the first. */
  changed(entry: TreeEntries, changes: readonly EntryChange[], before: TreeEntries): void
}

/** Compares two images. Yields where the images may be asked other things before it goes on. */
export function* imageDiff(a: DiffSide, b: DiffSide, listener: DiffListener, sha256: Sha256): Generator<void> {
  for (let alone = 0; a.more || b.more; ) {
    const which = !a.more ? 1 : !b.more ? -1 : order(a.entries, b.entries)
    if (which === 0) {
      const changes = entryChanges(a.entries, b.entries, sha256)
      if (changes.length > 0) listener.changed(b.entries, changes, a.entries)
    } else if (which < 0) listener.removed(a.entries)
    else listener.added(b.entries)
    if (which === 0 || !a.more || !b.more) yield
    else if (++alone % ALONE === 0) {
      yield
      // What stays the current one may have looked into memory that others have moved.
      const stays = which < 0 ? b : a
      stays.again()
    }
    if (which <= 0) a.next()
    if (which >= 0) b.next()
  }
}
