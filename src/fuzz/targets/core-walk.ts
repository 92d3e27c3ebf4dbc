// The whole of an image: every directory listed, every entry looked up. Invariants: those of CORE_INVARIANTS, and
// - look-up: a name that a listing has is found by look-up, and leads to the same inode, or is refused (ELOOP, EUCLEAN)
// - stat: an inode that a listing could read is read alone, with the same mode and size
// - order: the names of a listing are in byte order, none twice

import type { CoreImage } from '../../../wasm/core-image.js'
import { CONSTANTS, QUERY_FLAGS } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { compareBytes } from '../random-tree.js'
import { Violation } from '../target.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
/** Entries that are looked at: what one image has may be more than a fuzzer should wait for. */
const ENTRIES_MAX = 256

interface Entry {
  readonly nid: number
  readonly mode: number
  readonly size: number
  readonly error: number
  readonly name: Uint8Array
}

export class CoreWalkTarget extends CoreTarget {
  readonly name = 'walk'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'look-up: a listed name is found, and leads to the same inode',
    'stat: an inode that a listing has read is read alone, with the same mode and size',
    'order: names of a listing are in byte order, none twice',
  ]

  protected ask(image: CoreImage): void {
    const seen = new Set<number>()
    const queue = [this.rootOf(image)]
    let left = ENTRIES_MAX
    for (let dir = queue.pop(); dir !== undefined && left > 0; dir = queue.pop()) {
      if (seen.has(dir)) continue
      seen.add(dir)
      for (const entry of this.#list(image, dir, left)) {
        left--
        this.#check(image, dir, entry)
        if ((entry.mode & S_IFMT) === S_IFDIR && entry.error === 0) queue.push(entry.nid)
      }
    }
  }

  /** The first answer of a listing, which of a small directory is all. */
  #list(image: CoreImage, dir: number, most: number): Entry[] {
    const question = () => image.exports.readdir(image.handle, dir, 0, QUERY_FLAGS.Q_STAT)
    const count = this.answer('readdir', this.asked('readdir', question))
    const entries: Entry[] = []
    for (let i = 0; i < Math.min(count, most); i++) {
      const error = image.error(i)
      entries.push({ nid: image.nid(i), mode: image.mode(i), size: image.fileSize(i), error, name: image.nameBytes(i) })
      if (i > 0 && compareBytes(entries[i - 1].name, entries[i].name) >= 0) {
        throw new Violation('order', `directory ${dir}: entry ${i} is not behind the one before`)
      }
    }
    return entries
  }

  #check(image: CoreImage, dir: number, { nid, mode, size, error, name }: Entry): void {
    const found = this.answer(
      'lookup',
      this.asked('lookup', () => image.lookup(dir, name, 0)),
    )
    if (found === 0 && error !== 0) throw new Violation('look-up', `found what the listing could not read (${error})`)
    if (found === 0 && image.nid() !== nid) throw new Violation('look-up', `${image.nid()}, the listing has ${nid}`)
    const missing = found === -CONSTANTS.ENOENT
    if (missing) throw new Violation('look-up', `a name of directory ${dir} is not found`)
    const read = this.answer(
      'stat',
      this.asked('stat', () => image.stat(nid)),
    )
    if (error !== 0) return
    if (read < 0) throw new Violation('stat', `inode ${nid} answers ${read}, the listing read it`)
    if (image.mode() !== mode || image.fileSize() !== size) throw new Violation('stat', `inode ${nid} differs`)
  }
}
