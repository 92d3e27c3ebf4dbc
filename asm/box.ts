// The metabox: an inode, compressed as a rule, whose data holds other inodes and what follows them. To everything else it is a
// range of offsets (from BOX_BASE on) behind all that an image can have. Not here: which nids lead there (inode.ts).
// Follows erofs_init_metabuf and erofs_bread with in_metabox (fs/erofs/data.c); section 11 of the project's spec of EROFS.

import { BOX_BASE, setBoxReader, useBox } from './bytes'
import { copyData, mCoded, mLength, mOffset, mSkip, setPiece } from './data'
import { keepExtent, takeExtent } from './extents'
import { image } from './image'
import { iSize, KEPT, keepInode, readInode, takeInode } from './inode'
import { AT_INODE, EIO, EUCLEAN } from './layout'
import { keepHeader, takeHeader } from './map-header'
import { fail } from './scratch'
import { spillRoom } from './spill'

const CALLER: usize = memory.data(FULL ? KEPT : 8, 8)
const BOX: usize = memory.data(FULL ? KEPT : 8, 8)
/** Of which image BOX is the metabox. */
let boxOf: u32 = 0
/** Is its data being looked at? It must not lie in itself. */
let open: bool = false

/** Reads the metabox inode of the current image, which is on the device. 0 or -errno. */
export function openBox(): i32 {
  boxOf = 0
  setBoxReader(boxSpan)
  if (image.boxNid >> 63 != 0) return fail(EUCLEAN, AT_INODE, 0)
  const r = readInode(image.boxNid)
  if (r < 0) return r
  if (iSize >= BOX_BASE) return fail(EUCLEAN, AT_INODE, 0)
  image.boxSize = iSize
  useBox(iSize)
  return 0
}

/** Pointer to bytes of the metabox's data, copied together; 0 after `fail`. The decoded inode stays what it is. */
function boxSpan(at: u64, length: u64): usize {
  if (open) return 0
  const to = spillRoom(BOX_BASE + at, length)
  if (!to || length == 0) return to
  keepInode(CALLER)
  keepExtent()
  keepHeader()
  const offset = mOffset
  const pieceLength = mLength
  const coded = mCoded
  const skip = mSkip
  open = true
  let r = 0
  if (boxOf == image.number) {
    takeInode(BOX)
  } else {
    r = readInode(image.boxNid)
    if (r == 0) {
      keepInode(BOX)
      boxOf = image.number
    }
  }
  if (r == 0) r = copyData(at, length, to, AT_INODE, EIO)
  open = false
  takeInode(CALLER)
  takeExtent()
  takeHeader()
  setPiece(offset, pieceLength, coded, skip)
  return r < 0 ? 0 : to
}
