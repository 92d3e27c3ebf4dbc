// Where an inode's data lies in the image: in pieces, each somewhere in one run, all zeros, or inside an extent that has to be
// decoded (compressed.ts, records.ts). Not here: decoding (extents.ts).
// Follows erofs_map_blocks and erofs_map_dev (fs/erofs/data.c), and z_erofs_map_blocks_iter for fragments.

import { copyOut, outside, span, u16At, u32At } from './bytes'
import { IN_READ, sing } from './canary'
import { mapCompressed } from './compressed'
import { onDevice } from './devices'
import { decoded, eAddress, eEnd, eForm, eFragment, eLength, eStart } from './extents'
import { image } from './image'
import { HOLE, iEnd, iLayout, iNid, iOffset, iSize, iStart, iU, readInode } from './inode'
import {
  AT_CHUNK_TABLE,
  AT_COMPRESSION_INDEX,
  AT_DATA,
  CI_DEVICE_ID,
  CI_SIZE,
  CI_STARTBLK_HI,
  CI_STARTBLK_LO,
  EIO,
  EOPNOTSUPP,
  EROFS_CHUNK_FORMAT_48BIT,
  EROFS_CHUNK_FORMAT_BLKBITS_MASK,
  EROFS_CHUNK_FORMAT_INDEXES,
  EROFS_INODE_CHUNK_BASED,
  EROFS_INODE_COMPRESSED_COMPACT,
  EROFS_INODE_COMPRESSED_FULL,
  EROFS_INODE_FLAT_INLINE,
  EROFS_INODE_FLAT_PLAIN,
  EUCLEAN,
  Z_EROFS_COMPRESSION_INTERLACED,
  Z_EROFS_COMPRESSION_SHIFTED,
  Z_EROFS_FRAGMENT,
  Z_EROFS_HOLE,
} from './layout'
import { fail, lastError } from './scratch'
import { spillMark, spillRoom, unspill } from './spill'

/** Where a piece of the inode's data lies: byte offset in the image (HOLE for zeros) and length in bytes. */
export let mOffset: u64 = 0
export let mLength: u64 = 0
/** Is it part of an extent that has to be decoded? Then the piece begins at byte mSkip of what that decodes to. */
export let mCoded: bool = false
export let mSkip: u64 = 0

/** Puts back what another mapping in between has changed. */
export function setPiece(offset: u64, length: u64, coded: bool, skip: u64): void {
  mOffset = offset
  mLength = length
  mCoded = coded
  mSkip = skip
}

@inline
export function isCompressed(): bool {
  return iLayout == EROFS_INODE_COMPRESSED_FULL || iLayout == EROFS_INODE_COMPRESSED_COMPACT
}

/**
 * Finds the piece of the decoded inode's data that holds byte `at` (below iSize). 0 or -errno. In cfs v1 no file has data
 * in the image.
 */
export function mapData(at: u64): i32 {
  if (FULL) mCoded = false
  if (iLayout == EROFS_INODE_FLAT_PLAIN) {
    mLength = iSize - at
    mOffset = iStart == HOLE ? HOLE : onDevice(0, (iStart << image.blkszbits) + at, mLength)
    return 0
  }
  if (iLayout == EROFS_INODE_FLAT_INLINE) return mapInline(at)
  if (iLayout == EROFS_INODE_CHUNK_BASED) return mapChunk(at)
  if (FULL && isCompressed()) return mapExtent(at)
  return fail(EOPNOTSUPP, AT_DATA, iOffset)
}

function mapInline(at: u64): i32 {
  const bits = <u64>image.blkszbits
  const tail = ((iSize - 1) >> bits) << bits
  if (at < tail) {
    mLength = tail - at
    mOffset = onDevice(0, (iStart << bits) + at, mLength)
    return 0
  }
  const tailLength = iSize - tail
  if (iEnd >> bits != (iEnd + tailLength - 1) >> bits) return fail(EUCLEAN, AT_DATA, iEnd)
  mOffset = iEnd + (at - tail)
  mLength = iSize - at
  return 0
}

//  chunk table at iEnd, aligned to its entries:  u32 block  |  { u16 hi, u16 device, u32 lo }
function mapChunk(at: u64): i32 {
  const format = iU & 0xffff
  const chunkbits = <u64>(image.blkszbits + (format & EROFS_CHUNK_FORMAT_BLKBITS_MASK))
  const chunk = at >> chunkbits
  mLength = min(((chunk + 1) << chunkbits) - at, iSize - at)
  const wide = (format & EROFS_CHUNK_FORMAT_INDEXES) != 0
  const unit: u64 = wide ? CI_SIZE : 4
  const entry = ((iEnd + unit - 1) & ~(unit - 1)) + chunk * unit
  const p = span(entry, unit)
  if (!p) return outside(AT_CHUNK_TABLE, entry, EIO)
  let block = <u64>u32At(p, wide ? <usize>CI_STARTBLK_LO : 0)
  let none: u64 = 0xffffffff
  if (wide && format & EROFS_CHUNK_FORMAT_48BIT) {
    block |= <u64>u16At(p, CI_STARTBLK_HI) << 32
    none = 0xffffffffffff
    if (CANARY == IN_READ && block >> 32 != 0) sing()
  }
  const device = wide ? u16At(p, CI_DEVICE_ID) : 0
  const address = (block << image.blkszbits) + (at & ((<u64>1 << chunkbits) - 1))
  mOffset = block == none ? HOLE : onDevice(device, address, mLength)
  return 0
}

function mapExtent(at: u64): i32 {
  const r = mapCompressed(at)
  if (r < 0) return r
  mLength = eEnd - at
  if (eForm == Z_EROFS_FRAGMENT) return mapFragment(eFragment + (at - eStart), mLength)
  if (eForm == Z_EROFS_HOLE) {
    mOffset = HOLE
    return 0
  }
  mSkip = at - eStart
  mOffset = eAddress
  mCoded = eForm != Z_EROFS_COMPRESSION_SHIFTED && eForm != Z_EROFS_COMPRESSION_INTERLACED
  if (mCoded) return 0
  if (eEnd - eStart > eLength) return fail(EUCLEAN, AT_COMPRESSION_INDEX, iOffset)
  if (eForm == Z_EROFS_COMPRESSION_SHIFTED) {
    mOffset = eAddress + mSkip
    return 0
  }
  // The block's bytes stand where they would stand in a page of the file: its beginning is at the end of the pcluster.
  const over = eStart & ((<u64>1 << image.blkszbits) - 1)
  const first = min((<u64>1 << image.blkszbits) - over, eEnd - eStart)
  if (mSkip < first) {
    mOffset = eAddress + eLength - ((<u64>1 << image.blkszbits) - over) + mSkip
    mLength = first - mSkip
  } else {
    mOffset = eAddress + (mSkip - first)
  }
  return 0
}

/** Is it the packed inode that is being mapped? It has no fragments of its own. */
let inPacked: bool = false

/** Maps byte `at` of the packed inode's data, of which `length` bytes belong to the decoded inode. */
function mapFragment(at: u64, length: u64): i32 {
  if (inPacked || image.packedNid == 0 || iNid == image.packedNid) return fail(EUCLEAN, AT_COMPRESSION_INDEX, iOffset)
  const nid = iNid
  inPacked = true
  let r = readInode(image.packedNid)
  if (r == 0) {
    if (at >= iSize || length > iSize - at) r = fail(EUCLEAN, AT_DATA, iOffset)
    else r = mapData(at)
  }
  inPacked = false
  mLength = min(mLength, length)
  const again = readInode(nid)
  return r < 0 ? r : again
}

/**
 * Pointer to mLength bytes of the piece just mapped, which is coded; 0 after `fail`. Good until the next one is decoded.
 */
export function decodedPiece(): usize {
  const p = decoded()
  return p ? p + <usize>mSkip : 0
}

/** Copies bytes of the decoded inode's data, wherever they are in how many pieces. 0 or -errno; `errno` for bytes outside. */
export function copyData(at: u64, length: u64, to: usize, where: u32, errno: i32): i32 {
  for (let done: u64 = 0; done < length; ) {
    const r = mapData(at + done)
    if (r < 0) return r
    const n = min(mLength, length - done)
    if (mOffset == HOLE) {
      memory.fill(to + <usize>done, 0, <usize>n)
    } else if (mCoded) {
      const p = decodedPiece()
      if (!p) return lastError()
      copyOut(to + <usize>done, p, <usize>n)
    } else {
      const mark = spillMark()
      const p = span(mOffset, n)
      if (!p) return outside(where, mOffset, errno)
      copyOut(to + <usize>done, p, <usize>n)
      unspill(mark)
    }
    done += n
  }
  return 0
}

/**
 * Pointer to `length` bytes of the decoded inode's data at `at`, which must lie in one piece unless they are compressed (a
 * directory block, a symlink's target); 0 after `fail`. `errno` is for bytes outside the image.
 */
export function dataSpan(at: u64, length: u64, where: u32, errno: i32): usize {
  if (mapData(at) < 0) return 0
  if (FULL && isCompressed() && (mCoded || mLength < length)) {
    const to = spillRoom(mOffset, length)
    return to && copyData(at, length, to, where, errno) == 0 ? to : 0
  }
  if (mOffset == HOLE || mLength < length) {
    fail(errno, where, iOffset)
    return 0
  }
  const p = span(mOffset, length)
  if (!p) outside(where, mOffset, errno)
  return p
}
