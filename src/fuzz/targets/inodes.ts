// The inodes that an image's directories lead to, some of them at least: what targets ask further of. Not here: any promise.

import type { CoreImage } from '../../../wasm/core-image.js'
import { CONSTANTS, QUERY_FLAGS } from '../../format/structs.js'

const { S_IFMT, S_IFDIR } = CONSTANTS

export interface FoundInode {
  readonly nid: number
  readonly mode: number
  /** Bytes. */
  readonly size: number
  readonly name: Uint8Array
  readonly dir: number
}

/** At most so many, each once, the root first. What can't be listed or read is passed over. */
export function foundInodes(image: CoreImage, root: number, most: number): FoundInode[] {
  const seen = new Set<number>([root])
  const found: FoundInode[] = [{ nid: root, mode: S_IFDIR, size: 0, name: new Uint8Array(0), dir: root }]
  for (let at = 0; at < found.length && found.length < most; at++) {
    const { nid: dir, mode: type } = found[at]
    if ((type & S_IFMT) !== S_IFDIR) continue
    const count = image.exports.readdir(image.handle, dir, 0, QUERY_FLAGS.Q_STAT)
    for (let i = 0; i < count && found.length < most; i++) {
      const nid = image.nid(i)
      if (image.error(i) !== 0 || seen.has(nid)) continue
      seen.add(nid)
      found.push({ nid, mode: image.mode(i), size: image.fileSize(i), name: image.nameBytes(i), dir })
    }
  }
  return found
}
