// Brings what a command is about to ask of an image that is opened lazily, so that the answers come at once: what writes
// listings need not know of waiting. For an image that is wholly here there is nothing to do. Not here: how anything is
// brought (src/image/pager.ts).

import { Records, readBatch } from '../../wasm/records.js'
import { Fault } from '../format/errno.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { answered } from '../overlay/waiting.js'
import { find } from './paths.js'

const { S_IFMT, S_IFLNK } = CONSTANTS

/** An answer of the core, once all that it needs is here; a Fault where that can't be had. Other errors are the asker's. */
async function settled(image: Image, what: string, ask: () => number): Promise<Fault | undefined> {
  const answer = await answered(() => {
    const r = ask()
    return r === -CONSTANTS.EAGAIN ? image.fault(r, what) : r
  })
  return answer instanceof Fault ? answer : undefined
}

/** What is said of an inode beside its record: xattrs, and a symlink's target. */
async function bringFacts(image: Image, nid: number, mode: number, what: string): Promise<Fault | undefined> {
  const { core } = image
  const xattrs = await settled(image, what, () => {
    const found = core.xattrs(nid)
    return typeof found === 'number' ? found : 0
  })
  if (xattrs !== undefined || (mode & S_IFMT) !== S_IFLNK) return xattrs
  return settled(image, what, () => {
    const target = core.readlink(nid)
    return typeof target === 'number' ? target : 0
  })
}

/** All that can be asked of what is at a path. */
export async function bringInode(image: Image, path: string, follow: boolean): Promise<Fault | undefined> {
  if (!image.lazy) return undefined
  const found = await answered(() => find(image, path, follow))
  if (found instanceof Fault) return found
  return bringFacts(image, found.nid, found.mode, path)
}

/** The entries of a directory; with `facts`, all that can be asked of each. */
export async function bringDirectory(
  image: Image,
  { nid, path }: { readonly nid: number; readonly path: string },
  facts: boolean,
): Promise<Fault | undefined> {
  if (!image.lazy) return undefined
  const { core } = image
  const records = new Records(core)
  const flags = QUERY_FLAGS.Q_STAT | image.queryFlags
  for (let cookie = 0; cookie >= 0; ) {
    const at = cookie
    let count = 0
    const lacks = await settled(image, path, () => {
      const batch = readBatch(core, nid, at, flags)
      count = batch.count
      cookie = batch.cookie
      return count
    })
    if (lacks !== undefined) return lacks
    // Who lists it meets the same error.
    if (count < 0) return undefined
    records.truncate(0)
    records.append(count)
    for (let i = 0; i < count && facts; i++) {
      if (records.error(i) !== 0) continue
      const worse = await bringFacts(image, records.nid(i), records.mode(i), path)
      if (worse !== undefined) return worse
    }
  }
  return undefined
}
