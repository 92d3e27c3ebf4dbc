// Putting a tree in the place of all that an upper holds, while it is mounted. What was opened goes on as a file without a name
// does. Not here: what a snapshot is (snapshot.ts).

import { Fault } from '../format/errno.js'
import type { MergedTree } from './merged-tree.js'
import { readSnapshot } from './snapshot.js'
import type { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'

/** Makes the upper of a tree what a snapshot says. EINVAL, EUCLEAN, ENOSPC, EIO: it stays as it was. */
export function restoreSnapshot({ upper, opened }: MergedTree, snapshot: Uint8Array): Fault | undefined {
  const read = readSnapshot(snapshot, upper)
  if (read instanceof Fault) return read
  const failed = upper.replaced(read.root)
  if (failed !== undefined) {
    upper.quota.give(read.root.charged)
    for (const entry of read.root.children?.values() ?? []) if (entry !== null) detach(entry, upper)
    return failed
  }
  const before = [...(upper.root.children?.values() ?? [])]
  for (const handle of opened) handle.removed = true
  upper.reserve(read.last)
  upper.quota.give(upper.root.charged)
  upper.root.become(read.root)
  upper.version++
  for (const entry of before) if (entry !== null) detach(entry, upper)
  return undefined
}

/** Takes all names from an inode and what is below it. */
function detach(top: UpperInode, upper: Upper): void {
  const all = new Set([top])
  for (const inode of all) for (const child of inode.children?.values() ?? []) if (child !== null) all.add(child)
  for (const inode of all) {
    // A second name has led here before.
    if (inode.nlink === 0) continue
    inode.nlink = 0
    inode.parent = undefined
    inode.children?.clear()
    upper.release(inode)
  }
}
