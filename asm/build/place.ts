// Where each inode of an image lies, and where what follows the inodes: compact or extended, padding that keeps a tail in
// one block, tails that become blocks (spec composefs-image.md section 6).

import { mtimeOf, ROOT, sizeOf, u32Of } from './columns'
import { atNode, fail } from './failure'
import {
  COL_GID,
  COL_MTIME_NSEC,
  COL_UID,
  EFBIG,
  EROFS_SUPER_OFFSET,
  IC_SIZE,
  IX_SIZE,
  NO_INODES_MANY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  SB_SIZE,
} from './layout'
import { isWhiteout } from './order'
import { BLOCK, Inode, plan } from './plan'
import { attributesSize } from './share'

const SLOT: u64 = 32
const COMPACT_MAX: u32 = 0xffff

@inline
function roundUp(value: u64, to: u64): u64 {
  return (value + to - 1) & ~(to - 1)
}

/** Node whose owner and times an inode has: its own, or the root for one that the image adds. */
@inline
export function ownerNode(inode: Inode): i32 {
  return max(inode.node, ROOT)
}

function isCompact(inode: Inode): bool {
  const node = ownerNode(inode)
  if (mtimeOf(node) != plan.mtime || u32Of(COL_MTIME_NSEC, node) != plan.mtimeNsec) return false
  if (inode.nlink > COMPACT_MAX || u32Of(COL_UID, node) > COMPACT_MAX || u32Of(COL_GID, node) > COMPACT_MAX) return false
  if ((inode.mode & S_IFMT) == S_IFDIR) return <u64>inode.blocks * BLOCK + inode.tail <= <u64>u32.MAX_VALUE
  // The node's size decides, also where the inode's own will be 0; that of whiteouts has been set to 0.
  return inode.node < 0 || sizeOf(node) >> 32 == 0 || isWhiteout(node)
}

/** Places all inodes. 0 or -errno. */
export function placeInodes(): i32 {
  let position: u64 = EROFS_SUPER_OFFSET + SB_SIZE
  let blocks: u64 = 0
  for (let ino: u32 = 0; ino < plan.inodeCount; ino++) {
    const inode = plan.inode(ino)
    const compact = isCompact(inode)
    inode.extended = compact ? 0 : 1
    const size = attributesSize(inode, plan.inode(ino + 1).attributes)
    if (size < 0) return atNode(size, ownerNode(inode))
    inode.xattrSize = size
    const head = (compact ? IC_SIZE : IX_SIZE) + <u32>size
    position = roundUp(position, SLOT)
    position += placeTail(inode, position, head)
    inode.nid = <u32>(position / SLOT)
    blocks += inode.blocks
    position += head + inode.tail
  }
  plan.inodesEnd = roundUp(position, SLOT)
  plan.dataStart = roundUp(plan.inodesEnd + plan.sharedSize, BLOCK)
  plan.size = plan.dataStart + blocks * BLOCK
  return plan.inodesEnd / SLOT > <u64>u32.MAX_VALUE ? fail(EFBIG, NO_INODES_MANY) : 0
}

/** Keeps a tail in one block, or makes it one; answers the padding before the inode. */
function placeTail(inode: Inode, position: u64, head: u32): u64 {
  const tail: u32 = inode.tail
  if ((inode.mode & S_IFMT) == S_IFLNK) {
    const total = head + tail
    if (total >= BLOCK) moveOut(inode)
    const crosses = position / BLOCK != (position + total - 1) / BLOCK
    // Also when the target has just been moved out: libcomposefs pads all the same.
    return crosses ? roundUp(position, BLOCK) - position : 0
  }
  const room = BLOCK - <u32>((position + head) % BLOCK)
  if (room >= tail) return 0
  const padding = <u32>roundUp(room, SLOT)
  if (tail <= BLOCK - <u32>((position + head + padding) % BLOCK)) return padding
  moveOut(inode)
  return roundUp(position, BLOCK) - position
}

function moveOut(inode: Inode): void {
  inode.blocks++
  inode.tail = 0
}
