// Anatomy: which structures an inode of EROFS has and where its data lies, and what belongs to the image as a whole, all as
// pieces. Nothing is read that a stat or a read would not read. Not here: cfs v1 (cfs-anatomy.ts), entries of directories
// (dir.ts).
// Follows sections 1, 3, 4 and 6 of the project's spec of EROFS.
//
//   [inode 32|64][xattr body][inline tail | pad, chunk table | pad, compression header]   blocks elsewhere

import { BOX_BASE, span, u8At, u16At, u32At } from './bytes'
import { IN_PIECES, sing } from './canary'
import { addCfsFrame, addCfsPieces } from './cfs-anatomy'
import { addCompressed } from './compressed-anatomy'
import { image, isCfs } from './image'
import {
  HOLE,
  iEnd,
  iExtended,
  iLayout,
  iMode,
  iNid,
  iOffset,
  iSize,
  iU,
  iXattrOffset,
  iXattrSize,
  readInode,
} from './inode'
import { nidOut } from './nid'
import { isCompressed, mapData, mLength, mOffset } from './data'
import {
  AT_SUPERBLOCK,
  CFS_MAGIC,
  CFS_SIZE,
  CI_SIZE,
  ERANGE,
  EROFS_CHUNK_FORMAT_BLKBITS_MASK,
  EROFS_CHUNK_FORMAT_INDEXES,
  EROFS_DEVT_SLOT_SIZE,
  EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX,
  EROFS_FEATURE_INCOMPAT_COMPR_CFGS,
  EROFS_INODE_CHUNK_BASED,
  EROFS_INODE_FLAT_INLINE,
  EROFS_INODE_FLAT_PLAIN,
  EROFS_SB_EXTSLOT_SIZE,
  EROFS_SUPER_OFFSET,
  EUCLEAN,
  IC_SIZE,
  IX_SIZE,
  K_CHUNK_INDEXES,
  K_COMPOSEFS_HEADER,
  K_COMPRESSION_CONFIGURATION,
  K_COMPRESSION_HEADER,
  K_DEVICE_TABLE,
  K_DIRECTORY_BLOCK,
  K_FILE_DATA,
  K_INLINE_DATA,
  K_INLINE_ENTRIES,
  K_INLINE_TARGET,
  K_INODE_COMPACT,
  K_INODE_EXTENDED,
  K_INODE_XATTRS,
  K_SHARED_XATTR,
  K_SUPERBLOCK,
  K_SYMLINK_BLOCK,
  K_XATTR_ENTRY,
  K_XATTR_HEADER,
  K_XATTR_PREFIX,
  K_XATTR_SHARED_IDS,
  LCFS_EROFS_MAGIC,
  PF_ENTRIES,
  PF_EXTENTS,
  PF_NO_CHUNKS,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SB_AVAILABLE_COMPR_ALGS,
  SB_SB_EXTSLOTS,
  SB_SIZE,
  SCR_COOKIE,
  SCR_DATA_LEN,
  XH_SIZE,
} from './layout'
import { spillMark, unspill } from './spill'
import { addPiece, growPiece, leftOut, PIECE_ROOM, pieceCount } from './pieces'
import { fail, lastError, SCRATCH } from './scratch'
import { inlineEntry, sharedEntry, sharedId, sharedIds, sharedOffset, xattrBody, xattrBodyStart } from './xattr'

/** Entries of a chunk table that one call looks at. */
const CHUNKS_AT_ONCE: u32 = 1 << 16
/** Pieces that an inode has besides its inline xattrs, at most: 255 shared ones and a few. */
const OTHERS: u32 = 300
/** Bytes of a compressed inode's map header, which stands aligned to them. */
const MAP_HEADER: u64 = 8
/** Algorithms that a superblock has a bit for. */
const ALGORITHMS: u32 = 16

/** Adds the pieces of the decoded inode; from byte `at` of its data on only those of data, where that is not 0. */
export function addPieces(at: u64, flags: u32): void {
  goOnAt(-1)
  if (isCfs) {
    if (!FULL || (flags & PF_EXTENTS) == 0) addCfsPieces()
    return
  }
  if (at == 0 && (!FULL || (flags & PF_EXTENTS) == 0)) {
    addPiece(iExtended ? K_INODE_EXTENDED : K_INODE_COMPACT, iOffset, iExtended ? IX_SIZE : IC_SIZE, 0, 0)
    if (iXattrSize != 0) {
      const nid = iNid
      addXattrs(flags)
      // A long prefix may lie in another inode's data.
      if (image.prefixCount != 0 && readInode(nid) < 0) return leftOut(lastError())
    }
  }
  addData(at, flags)
}

@inline
function goOnAt(at: f64): void {
  store<f64>(SCRATCH + SCR_COOKIE, at)
}

function addXattrs(flags: u32): void {
  const first = iXattrOffset
  const size = iXattrSize
  const entries = (flags & PF_ENTRIES) != 0
  if (!entries) addPiece(K_INODE_XATTRS, first, size, 0, 0)
  else addPiece(K_XATTR_HEADER, first, min(size, XH_SIZE), 0, 0)
  const r = xattrBody()
  if (r < 0) return leftOut(r)
  const body = xattrBodyStart()
  const shared = sharedIds()
  if (entries) {
    addPiece(K_XATTR_SHARED_IDS, first + XH_SIZE, shared << 2, 0, shared)
    for (let at = XH_SIZE + (shared << 2); at < size; ) {
      const mark = SPILLS ? spillMark() : 0
      const length = inlineEntry(body, at, size)
      if (length < 0) return leftOut(length)
      if (pieceCount + OTHERS > PIECE_ROOM) return leftOut(-ERANGE)
      addPiece(K_XATTR_ENTRY, first + at, length, 0, 0)
      if (SPILLS) unspill(mark)
      at += length
    }
  }
  for (let i: u32 = 0; i < shared; i++) {
    const mark = SPILLS ? spillMark() : 0
    const id = sharedId(body, i)
    const length = sharedEntry(id)
    if (length < 0) return leftOut(length)
    addPiece(K_SHARED_XATTR, sharedOffset(id), length, 0, id)
    if (SPILLS) unspill(mark)
  }
}

function addData(at: u64, flags: u32): void {
  const type = iMode & S_IFMT
  if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK) return
  const kind = type == S_IFDIR ? K_DIRECTORY_BLOCK : type == S_IFLNK ? K_SYMLINK_BLOCK : K_FILE_DATA
  if (FULL && isCompressed()) return goOnAt(addCompressed(at, flags))
  if (FULL && flags & PF_EXTENTS) return
  if (iLayout == EROFS_INODE_CHUNK_BASED) return addChunks(at, kind, flags)
  if (iLayout != EROFS_INODE_FLAT_PLAIN && iLayout != EROFS_INODE_FLAT_INLINE) {
    return addPiece(K_COMPRESSION_HEADER, (iEnd + MAP_HEADER - 1) & ~(MAP_HEADER - 1), MAP_HEADER, 0, 0)
  }
  if (iSize == 0) return
  const tail = iLayout == EROFS_INODE_FLAT_INLINE ? ((iSize - 1) >> image.blkszbits) << image.blkszbits : iSize
  if (tail != 0) {
    if (mapData(0) < 0) return leftOut(lastError())
    if (mOffset != HOLE) addPiece(kind, mOffset, mLength, 0, 0)
  }
  if (tail == iSize) return
  if (mapData(tail) < 0) return leftOut(lastError())
  const inline = type == S_IFDIR ? K_INLINE_ENTRIES : type == S_IFLNK ? K_INLINE_TARGET : K_INLINE_DATA
  addPiece(inline, mOffset, mLength, tail, 0)
}

/** Adds the chunk table, and the data as far as one call goes: a run of neighbours is one piece. */
function addChunks(from: u64, kind: u32, flags: u32): void {
  if (iSize == 0) return
  const format = iU & 0xffff
  const bits = <u64>(image.blkszbits + (format & EROFS_CHUNK_FORMAT_BLKBITS_MASK))
  const unit: u64 = format & EROFS_CHUNK_FORMAT_INDEXES ? CI_SIZE : 4
  const table = (iEnd + unit - 1) & ~(unit - 1)
  if (from == 0) addPiece(K_CHUNK_INDEXES, table, (((iSize - 1) >> bits) + 1) * unit, 0, <u32>unit)
  if (flags & PF_NO_CHUNKS) return
  let left = CHUNKS_AT_ONCE
  for (let at = from; at < iSize; at += mLength) {
    if (left-- == 0 || pieceCount == PIECE_ROOM) return goOnAt(<f64>at)
    if (mapData(at) < 0) return leftOut(lastError())
    if (mOffset != HOLE && !growPiece(kind, mOffset, mLength, at)) addPiece(kind, mOffset, mLength, at, 0)
  }
}

/**
 * Adds what belongs to no inode. The nids of the inodes without a name, that of the packed one as the cookie and that of the metabox
 * as a length, are left; 0 without one.
 */
export function addFrame(): void {
  goOnAt(0)
  store<f64>(SCRATCH + SCR_DATA_LEN, 0)
  if (isCfs) return addCfsFrame()
  const header = span(0, CFS_SIZE)
  if (header && u32At(header, CFS_MAGIC) == LCFS_EROFS_MAGIC) addPiece(K_COMPOSEFS_HEADER, 0, CFS_SIZE, 0, 0)
  const sb = span(EROFS_SUPER_OFFSET, SB_SIZE)
  if (!sb) return leftOut(fail(EUCLEAN, AT_SUPERBLOCK, EROFS_SUPER_OFFSET))
  const size = SB_SIZE + u8At(sb, SB_SB_EXTSLOTS) * EROFS_SB_EXTSLOT_SIZE
  addPiece(K_SUPERBLOCK, EROFS_SUPER_OFFSET, size, 0, 0)
  if (image.featureIncompat & EROFS_FEATURE_INCOMPAT_COMPR_CFGS) {
    addConfigurations(EROFS_SUPER_OFFSET + size, u16At(sb, SB_AVAILABLE_COMPR_ALGS))
  }
  if (FULL) {
    if (image.extraDevices != 0) {
      addPiece(K_DEVICE_TABLE, image.deviceTable, <u64>image.extraDevices * EROFS_DEVT_SLOT_SIZE, 0, image.extraDevices)
    }
    if (image.boxNid != 0) store<f64>(SCRATCH + SCR_DATA_LEN, nidOut(image.boxNid))
  }
  const plain = (image.featureCompat & EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX) != 0
  if (FULL && !plain && image.boxNid != 0) addPrefixes(BOX_BASE)
  else if (plain || image.packedNid == 0) addPrefixes(0)
  if (image.packedNid != 0) goOnAt(nidOut(image.packedNid))
}

//  one for each algorithm, aligned to 4:  [length u16][record]
function addConfigurations(from: u64, algorithms: u32): void {
  let at = from
  for (let bit: u32 = 0; bit < ALGORITHMS; bit++) {
    if (((algorithms >> bit) & 1) == 0) continue
    if (CANARY == IN_PIECES) sing()
    at = (at + 3) & ~3
    const head = span(at, 2)
    if (!head) return leftOut(fail(EUCLEAN, AT_SUPERBLOCK, at))
    const length = 2 + u16At(head, 0)
    addPiece(K_COMPRESSION_CONFIGURATION, at, length, 0, bit)
    at += length
  }
}

//  items aligned to 4:  [length u16][base index u8][infix]
function addPrefixes(base: u64): void {
  let at = base + image.prefixOffset
  for (let i: u32 = 0; i < image.prefixCount; i++) {
    at = (at + 3) & ~3
    const head = span(at, 2)
    if (!head) return leftOut(fail(EUCLEAN, AT_SUPERBLOCK, at))
    const length = 2 + u16At(head, 0)
    addPiece(K_XATTR_PREFIX, at, length, 0, i)
    at += length
  }
}
