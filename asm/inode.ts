// Inodes: decoding one, and writing it out as a record. Not here: where its data lies (data.ts).
// Follows erofs_read_inode (fs/erofs/inode.c); for cfs v1 section 4.3 of its spec.
//
//   EROFS    nid n lies at metaOffset + 32 n:  [inode 32|64][xattr body][inline tail | chunk table | compression indexes]
//            of the device, or with bit 63 at 32 n of the metabox's data
//   cfs v1   nid n lies at 128 + 96 n, and refers to variable data, xattrs and digest elsewhere

import { BOX_BASE, outside, span, u16At, u32At, u64At } from './bytes'
import { image, isCfs } from './image'
import {
  AT_INODE,
  C1A_SIZE,
  C1I_DIGEST,
  C1I_SIZE,
  C1I_ST_GID,
  C1I_ST_MODE,
  C1I_ST_MTIM_NSEC,
  C1I_ST_MTIM_SEC,
  C1I_ST_NLINK,
  C1I_ST_RDEV,
  C1I_ST_SIZE,
  C1I_ST_UID,
  C1I_VARIABLE_DATA,
  C1I_XATTRS,
  C1R_LENGTH,
  C1R_OFFSET,
  C1S_SIZE,
  CFS_V1_DIGEST_SIZE,
  EOPNOTSUPP,
  EROFS_CHUNK_FORMAT_ALL,
  EROFS_I_ALL,
  EROFS_I_DATALAYOUT_MASK,
  EROFS_I_DATALAYOUT_SHIFT,
  EROFS_I_NLINK_1_BIT,
  EROFS_I_VERSION_MASK,
  EROFS_INODE_CHUNK_BASED,
  EROFS_ISLOTBITS,
  EUCLEAN,
  IC_I_FORMAT,
  IC_I_GID,
  IC_I_MODE,
  IC_I_MTIME,
  IC_I_NB,
  IC_I_SIZE,
  IC_I_U,
  IC_I_UID,
  IC_I_XATTR_ICOUNT,
  IC_SIZE,
  IX_I_GID,
  IX_I_MTIME,
  IX_I_MTIME_NSEC,
  IX_I_NLINK,
  IX_I_SIZE,
  IX_I_U,
  IX_I_UID,
  IX_SIZE,
  LAYOUT_BACKED,
  PATH_MAX,
  REC_ERROR,
  REC_FLAGS,
  REC_GID,
  REC_I_SIZE,
  REC_MODE,
  REC_MTIME_LO,
  REC_MTIME_NSEC,
  REC_NAME,
  REC_NAME_LEN,
  REC_NID,
  REC_NLINK,
  REC_RDEV,
  REC_SLOT,
  REC_UID,
  RF_EXTENDED,
  RF_XATTRS,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  XH_SIZE,
} from './layout'
import { NID_MASK, nidOut } from './nid'
import { fail, ownU32, ownU64 } from './scratch'

/** The inode that readInode read last. */
export let iNid: u64 = 0
export let iOffset: u64 = 0
export let iMode: u32 = 0
export let iSize: u64 = 0
export let iLayout: u32 = 0
export let iExtended: bool = false
export let iNlink: u32 = 0
export let iUid: u32 = 0
export let iGid: u32 = 0
export let iU: u32 = 0
export let iMtime: u64 = 0
export let iMtimeNsec: u32 = 0
export let iXattrOffset: u64 = 0
export let iXattrSize: u32 = 0
/** cfs v1: where the variable data lies in the image, and its length in bytes. */
export let iData: u64 = 0
export let iDataLength: u32 = 0
/** First byte after the inode and its xattr body. */
export let iEnd: u64 = 0
/** 48-bit start block; HOLE where the content is all zeros. */
export let iStart: u64 = 0

export const HOLE: u64 = u64.MAX_VALUE

/** Where an inode stands among all slots of 32 bytes, the metabox's behind the device's: no two have the same. */
export function slotOf(offset: u64): u64 {
  const behind = ((image.size + 31) >> EROFS_ISLOTBITS) - (BOX_BASE >> EROFS_ISLOTBITS)
  return (offset >> EROFS_ISLOTBITS) + (FULL && offset >= BOX_BASE ? behind : 0)
}

@inline
export function isDir(): bool {
  return (iMode & S_IFMT) == S_IFDIR
}

@inline
export function isLink(): bool {
  return (iMode & S_IFMT) == S_IFLNK
}

/** A character device 0:0: to a composefs mount and to overlayfs, a whiteout. */
@inline
export function isDev0(): bool {
  return (iMode & S_IFMT) == S_IFCHR && iU == 0
}

@inline
function typeIsKnown(type: u32): bool {
  return (
    type == S_IFREG ||
    type == S_IFDIR ||
    type == S_IFLNK ||
    type == S_IFCHR ||
    type == S_IFBLK ||
    type == S_IFIFO ||
    type == S_IFSOCK
  )
}

/** Decodes the inode of a nid into the variables above. 0 or -errno. */
export function readInode(nid: u64): i32 {
  if (isCfs) return readCfsInode(nid)
  const boxed = FULL && nid >> 63 != 0
  const slot = boxed ? nid & NID_MASK : nid
  // No image is 2^47 slots long.
  if (slot >> 47 != 0 || (boxed && image.boxNid == 0)) return fail(EUCLEAN, AT_INODE, 0)
  const offset = boxed ? BOX_BASE + (slot << EROFS_ISLOTBITS) : image.metaOffset + (slot << EROFS_ISLOTBITS)
  let p = span(offset, IC_SIZE)
  if (!p) return outside(AT_INODE, offset, EUCLEAN)
  const format = u16At(p, IC_I_FORMAT)
  iLayout = (format >> EROFS_I_DATALAYOUT_SHIFT) & EROFS_I_DATALAYOUT_MASK
  if (format & ~EROFS_I_ALL || iLayout > EROFS_INODE_CHUNK_BASED) return fail(EOPNOTSUPP, AT_INODE, offset)
  iNid = nid
  iOffset = offset
  iMode = u16At(p, IC_I_MODE)
  const type = iMode & S_IFMT
  if (!typeIsKnown(type)) return fail(EUCLEAN, AT_INODE, offset)
  iExtended = (format & EROFS_I_VERSION_MASK) != 0
  const nb = u16At(p, IC_I_NB)
  if (iExtended) {
    p = span(offset, IX_SIZE)
    if (!p) return outside(AT_INODE, offset, EUCLEAN)
    readExtended(p, nb)
  } else {
    readCompact(p, nb, type != S_IFDIR && (format & EROFS_I_NLINK_1_BIT) != 0)
  }
  if (<i64>iSize < 0) return fail(EUCLEAN, AT_INODE, offset)
  iXattrOffset = offset + (iExtended ? IX_SIZE : IC_SIZE)
  const icount = u16At(p, IC_I_XATTR_ICOUNT)
  iXattrSize = icount == 0 ? 0 : XH_SIZE + ((icount - 1) << 2)
  iEnd = iXattrOffset + iXattrSize
  // Of whatever type it is, as the kernel has it.
  if (iLayout == EROFS_INODE_CHUNK_BASED && iU & 0xffff & ~EROFS_CHUNK_FORMAT_ALL) {
    return fail(EOPNOTSUPP, AT_INODE, offset)
  }
  return 0
}

@inline
function readCompact(p: usize, nb: u32, nlinkIs1: bool): void {
  iSize = <u64>u32At(p, IC_I_SIZE)
  iU = u32At(p, IC_I_U)
  iUid = u16At(p, IC_I_UID)
  iGid = u16At(p, IC_I_GID)
  iMtime = image.epoch + <u64>u32At(p, IC_I_MTIME)
  iMtimeNsec = image.fixedNsec
  iNlink = nlinkIs1 ? 1 : nb
  const all: u64 = nlinkIs1 ? 0xffffffffffff : 0xffffffff
  iStart = nlinkIs1 ? <u64>iU | (<u64>nb << 32) : <u64>iU
  if (iStart == all) iStart = HOLE
}

@inline
function readExtended(p: usize, nb: u32): void {
  iSize = u64At(p, IX_I_SIZE)
  iU = u32At(p, IX_I_U)
  iUid = u32At(p, IX_I_UID)
  iGid = u32At(p, IX_I_GID)
  iMtime = u64At(p, IX_I_MTIME)
  iMtimeNsec = u32At(p, IX_I_MTIME_NSEC)
  iNlink = u32At(p, IX_I_NLINK)
  iStart = <u64>iU | (<u64>nb << 32)
  if (iStart == 0xffffffffffff) iStart = HOLE
}

/** Decodes an inode of cfs v1. Whatever it refers to is inside the image, and is as long as it may be. */
export function readCfsInode(nid: u64): i32 {
  if (nid >= image.inodes) return fail(EUCLEAN, AT_INODE, 0)
  const offset = C1S_SIZE + nid * C1I_SIZE
  const p = span(offset, C1I_SIZE)
  if (!p) return outside(AT_INODE, offset, EUCLEAN)
  iNid = nid
  iOffset = offset
  iMode = u32At(p, C1I_ST_MODE)
  const type = iMode & S_IFMT
  iSize = u64At(p, C1I_ST_SIZE)
  if (iMode >> 16 != 0 || !typeIsKnown(type) || <i64>iSize < 0) return fail(EUCLEAN, AT_INODE, offset)
  iLayout = LAYOUT_BACKED
  iExtended = false
  iNlink = u32At(p, C1I_ST_NLINK)
  iUid = u32At(p, C1I_ST_UID)
  iGid = u32At(p, C1I_ST_GID)
  iU = u32At(p, C1I_ST_RDEV)
  iMtime = u64At(p, C1I_ST_MTIM_SEC)
  iMtimeNsec = u32At(p, C1I_ST_MTIM_NSEC)
  iDataLength = u32At(p, C1I_VARIABLE_DATA + C1R_LENGTH)
  iXattrSize = u32At(p, C1I_XATTRS + C1R_LENGTH)
  const digestLength = u32At(p, C1I_DIGEST + C1R_LENGTH)
  const data = u64At(p, C1I_VARIABLE_DATA + C1R_OFFSET)
  const xattrs = u64At(p, C1I_XATTRS + C1R_OFFSET)
  if (!vdataHolds(data, iDataLength) || !vdataHolds(xattrs, iXattrSize)) return fail(EUCLEAN, AT_INODE, offset)
  if (!vdataHolds(u64At(p, C1I_DIGEST + C1R_OFFSET), digestLength)) return fail(EUCLEAN, AT_INODE, offset)
  if (digestLength != 0 && digestLength != CFS_V1_DIGEST_SIZE) return fail(EUCLEAN, AT_INODE, offset)
  if (iXattrSize != 0 && iXattrSize < C1A_SIZE) return fail(EUCLEAN, AT_INODE, offset)
  if (type == S_IFREG && (iSize != 0) != (iDataLength != 0)) return fail(EUCLEAN, AT_INODE, offset)
  if (type == S_IFLNK && iDataLength == 0) return fail(EUCLEAN, AT_INODE, offset)
  if ((type == S_IFREG || type == S_IFLNK) && iDataLength > PATH_MAX) return fail(EUCLEAN, AT_INODE, offset)
  iData = image.vdata + data
  iXattrOffset = image.vdata + xattrs
  return 0
}

/** Is what a reference of cfs v1 means inside the image? A length of 0 means nothing, whatever the offset. */
@inline
function vdataHolds(offset: u64, length: u32): bool {
  // An offset beyond the image's size could wrap around.
  return length == 0 || (offset <= image.size && span(image.vdata + offset, length) != 0)
}

/** Writes the decoded inode out as a record, all but its name. */
export function putInode(rec: usize, flags: u32): void {
  const type = iMode & S_IFMT
  store<f64>(rec + REC_NID, nidOut(iNid))
  store<f64>(rec + REC_I_SIZE, <f64>iSize)
  store<u64>(rec + REC_MTIME_LO, iMtime)
  store<u32>(rec + REC_MTIME_NSEC, iMtimeNsec)
  store<u32>(rec + REC_MODE, iMode)
  store<u32>(rec + REC_NLINK, iNlink)
  store<u32>(rec + REC_UID, iUid)
  store<u32>(rec + REC_GID, iGid)
  store<u32>(rec + REC_RDEV, type == S_IFCHR || type == S_IFBLK ? iU : 0)
  const own = iLayout | (iExtended ? RF_EXTENDED : 0) | (iXattrSize != 0 ? RF_XATTRS : 0)
  store<u32>(rec + REC_FLAGS, flags | own)
  store<u32>(rec + REC_SLOT, <u32>slotOf(iOffset))
  store<u16>(rec + REC_ERROR, 0)
}

/** Writes out an entry whose inode can't be read: what is known of it, and why. */
export function putBroken(rec: usize, nid: u64, type: u32, flags: u32, errno: i32): void {
  memory.fill(rec, 0, REC_NAME)
  store<f64>(rec + REC_NID, nidOut(nid))
  store<u32>(rec + REC_MODE, type)
  store<u32>(rec + REC_FLAGS, flags)
  store<u16>(rec + REC_ERROR, <u16>errno)
}

@inline
export function putName(rec: usize, name: usize, length: u32): void {
  store<u32>(rec + REC_NAME, <u32>name)
  store<u16>(rec + REC_NAME_LEN, <u16>length)
}

/** What is kept of a decoded inode to come back to it: KEPT bytes. */
export const KEPT: i32 = 112

export function keepInode(at: usize): void {
  store<u64>(at, iNid)
  store<u64>(at, iOffset, 8)
  store<u64>(at, iSize, 16)
  store<u64>(at, iMtime, 24)
  store<u64>(at, iXattrOffset, 32)
  store<u64>(at, iEnd, 40)
  store<u64>(at, iStart, 48)
  store<u32>(at, iMode, 56)
  store<u32>(at, iLayout, 60)
  store<u32>(at, iNlink, 64)
  store<u32>(at, iUid, 68)
  store<u32>(at, iGid, 72)
  store<u32>(at, iU, 76)
  store<u32>(at, iMtimeNsec, 80)
  store<u32>(at, iXattrSize, 84)
  store<u32>(at, <u32>iExtended, 88)
}

export function takeInode(at: usize): void {
  iNid = ownU64(at)
  iOffset = ownU64(at + 8)
  iSize = ownU64(at + 16)
  iMtime = ownU64(at + 24)
  iXattrOffset = ownU64(at + 32)
  iEnd = ownU64(at + 40)
  iStart = ownU64(at + 48)
  iMode = ownU32(at + 56)
  iLayout = ownU32(at + 60)
  iNlink = ownU32(at + 64)
  iUid = ownU32(at + 68)
  iGid = ownU32(at + 72)
  iU = ownU32(at + 76)
  iMtimeNsec = ownU32(at + 80)
  iXattrSize = ownU32(at + 84)
  iExtended = ownU32(at + 88) != 0
}
