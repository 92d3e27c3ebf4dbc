// The bytes of a composefs image, in the order in which they lie: header, superblock, inodes, shared xattrs, data blocks
// (spec composefs-image.md section 7). Not here: what lies where (place.ts), directories (image-dirs.ts) and attributes
// (image-xattrs.ts).

import { followArena } from './attributes'
import { chunkBits } from './chunks'
import { arena, count, i32Of, modeOf, sizeOf, u16Of, u32Of } from './columns'
import { fail } from './failure'
import { chunkEnd, writeDirents, writeLastDirents } from './image-dirs'
import { writeAttributes, writeShared } from './image-xattrs'
import {
  CFS_COMPOSEFS_VERSION,
  CFS_FLAGS,
  CFS_MAGIC,
  CFS_VERSION,
  COL_CONTENT_AT,
  COL_CONTENT_LENGTH,
  COL_GID,
  COL_MTIME_HIGH,
  COL_MTIME_LOW,
  COL_MTIME_NSEC,
  COL_PAYLOAD_AT,
  COL_PAYLOAD_LENGTH,
  COL_RDEV,
  COL_UID,
  EROFS_FEATURE_COMPAT_MTIME,
  EROFS_FEATURE_COMPAT_XATTR_FILTER,
  EROFS_I_DATALAYOUT_SHIFT,
  EROFS_INODE_CHUNK_BASED,
  EROFS_INODE_FLAT_INLINE,
  EROFS_INODE_FLAT_PLAIN,
  EROFS_SUPER_MAGIC_V1,
  EROFS_SUPER_OFFSET,
  ESTALE,
  IC_I_GID,
  IC_I_INO,
  IC_I_MTIME,
  IC_I_NB,
  IC_I_SIZE,
  IC_I_U,
  IC_I_UID,
  IC_SIZE,
  IX_I_FORMAT,
  IX_I_GID,
  IX_I_INO,
  IX_I_MODE,
  IX_I_MTIME,
  IX_I_MTIME_NSEC,
  IX_I_NB,
  IX_I_NLINK,
  IX_I_SIZE,
  IX_I_U,
  IX_I_UID,
  IX_I_XATTR_ICOUNT,
  IX_SIZE,
  LCFS_EROFS_FLAGS_HAS_ACL,
  LCFS_EROFS_MAGIC,
  LCFS_EROFS_VERSION,
  NO_TREE_CHANGED,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SB_BLKSZBITS,
  SB_BLOCKS_LO,
  SB_EPOCH,
  SB_FEATURE_COMPAT,
  SB_FIXED_NSEC,
  SB_INOS,
  SB_MAGIC,
  SB_ROOTNID_2B,
  SB_SIZE,
  SB_XATTR_BLKADDR,
  XH_SIZE,
} from './layout'
import { advance, isFull, outEnd, padTo, putBytes, putFill } from './out'
import { ownerNode } from './place'
import { BLOCK, Inode, plan } from './plan'
import { put16, put32, put64, put8 } from './raw'

const BLOCK_BITS: u32 = 12
const NULL_POINTER: u8 = 0xff

/** Parts of an image; Plan.phase. */
const HEAD: u32 = 0
const INODES: u32 = 1
const SHARED: u32 = 2
const DATA: u32 = 3
const DONE: u32 = 4

/** Writes the next piece of the image at hand; answers its length, 0 at the end, or -errno. */
export function nextPiece(): i32 {
  if (plan.count != count) return fail(ESTALE, NO_TREE_CHANGED)
  if (plan.arena != arena) followArena()
  plan.taken += plan.length
  plan.length = 0
  while (plan.phase != DONE && !isFull()) {
    if (plan.phase == HEAD) writeHead()
    else if (plan.phase == INODES) writeInodes()
    else if (plan.phase == SHARED) writeSharedArea()
    else writeData()
  }
  return <i32>plan.length
}

function enter(phase: u32): void {
  plan.phase = phase
  plan.next = 0
}

function writeHead(): void {
  putFill(0, EROFS_SUPER_OFFSET + SB_SIZE)
  const head = plan.out
  put32(head + CFS_MAGIC, LCFS_EROFS_MAGIC)
  put32(head + CFS_VERSION, LCFS_EROFS_VERSION)
  put32(head + CFS_FLAGS, plan.hasAcl ? LCFS_EROFS_FLAGS_HAS_ACL : 0)
  put32(head + CFS_COMPOSEFS_VERSION, plan.version)
  const superblock = plan.out + EROFS_SUPER_OFFSET
  put32(superblock + SB_MAGIC, EROFS_SUPER_MAGIC_V1)
  put32(superblock + SB_FEATURE_COMPAT, EROFS_FEATURE_COMPAT_MTIME | EROFS_FEATURE_COMPAT_XATTR_FILTER)
  put8(superblock + SB_BLKSZBITS, BLOCK_BITS)
  put16(superblock + SB_ROOTNID_2B, plan.inode(0).nid)
  put64(superblock + SB_INOS, plan.inodeCount)
  put64(superblock + SB_EPOCH, plan.mtime)
  put32(superblock + SB_FIXED_NSEC, plan.mtimeNsec)
  put32(superblock + SB_BLOCKS_LO, <u32>(plan.size / BLOCK))
  put32(superblock + SB_XATTR_BLKADDR, <u32>(plan.inodesEnd / BLOCK))
  plan.nextBlock = <u32>(plan.dataStart / BLOCK)
  enter(INODES)
}

function writeInodes(): void {
  const base = <u32>(plan.inodesEnd % BLOCK)
  while (plan.next < plan.inodeCount && !isFull()) {
    const ino = plan.next++
    const inode = plan.inode(ino)
    padTo(<u64>inode.nid << 5)
    writeInode(ino, inode)
    if (inode.xattrSize > 0) writeAttributes(inode, plan.inode(ino + 1).attributes, base)
    if (inode.tail > 0) writeTail(ino, inode)
  }
  if (plan.next < plan.inodeCount) return
  padTo(plan.inodesEnd)
  enter(SHARED)
}

/** Bytes of data as the inode says. */
function dataSize(inode: Inode, type: u32): u64 {
  if (type == S_IFREG) return (modeOf(inode.node) & S_IFMT) == S_IFREG ? sizeOf(inode.node) : 0
  if (type == S_IFDIR) return <u64>inode.blocks * BLOCK + inode.tail
  return type == S_IFLNK ? u16Of(COL_PAYLOAD_LENGTH, inode.node) : 0
}

/** i_u: the first data block, a device number, or the chunk size; takes the blocks. */
function union(inode: Inode, type: u32): u32 {
  if (type == S_IFCHR || type == S_IFBLK) return inode.node < 0 ? 0 : u32Of(COL_RDEV, inode.node)
  let block: u32 = 0
  if (inode.blocks > 0) {
    block = plan.nextBlock
    plan.nextBlock += inode.blocks
  }
  return inode.external ? (block & 0xffff0000) | (chunkBits(sizeOf(inode.node)) - BLOCK_BITS) : block
}

function writeInode(ino: u32, inode: Inode): void {
  const at = outEnd()
  const node = ownerNode(inode)
  const type = inode.mode & S_IFMT
  const inline = inode.tail > 0 ? EROFS_INODE_FLAT_INLINE : EROFS_INODE_FLAT_PLAIN
  const layout = inode.external ? EROFS_INODE_CHUNK_BASED : inline
  const size = inode.xattrSize
  // Format, xattr count and mode lie the same in both.
  put16(at + IX_I_FORMAT, (layout << EROFS_I_DATALAYOUT_SHIFT) | inode.extended)
  put16(at + IX_I_XATTR_ICOUNT, size == 0 ? 0 : (size - XH_SIZE) / 4 + 1)
  put16(at + IX_I_MODE, inode.mode)
  const bytes = dataSize(inode, type)
  const u = union(inode, type)
  if (!inode.extended) {
    put16(at + IC_I_NB, inode.nlink)
    put32(at + IC_I_SIZE, <u32>bytes)
    put32(at + IC_I_MTIME, 0)
    put32(at + IC_I_U, u)
    put32(at + IC_I_INO, ino)
    put16(at + IC_I_UID, u32Of(COL_UID, node))
    put16(at + IC_I_GID, u32Of(COL_GID, node))
    put32(at + IC_I_GID + 2, 0)
    advance(IC_SIZE)
    return
  }
  put16(at + IX_I_NB, 0)
  put64(at + IX_I_SIZE, bytes)
  put32(at + IX_I_U, u)
  put32(at + IX_I_INO, ino)
  put32(at + IX_I_UID, u32Of(COL_UID, node))
  put32(at + IX_I_GID, u32Of(COL_GID, node))
  put32(at + IX_I_MTIME, u32Of(COL_MTIME_LOW, node))
  put32(at + IX_I_MTIME + 4, u32Of(COL_MTIME_HIGH, node))
  put32(at + IX_I_MTIME_NSEC, u32Of(COL_MTIME_NSEC, node))
  put32(at + IX_I_NLINK, inode.nlink)
  put64(at + IX_I_NLINK + 4, 0)
  put64(at + IX_I_NLINK + 12, 0)
  advance(IX_SIZE)
}

function writeTail(ino: u32, inode: Inode): void {
  const tail: u32 = inode.tail
  const type = inode.mode & S_IFMT
  const node = inode.node
  if (inode.external) putFill(NULL_POINTER, tail)
  else if (type == S_IFDIR) writeLastDirents(ino, inode)
  else if (type == S_IFLNK) putBytes(arena + i32Of(COL_PAYLOAD_AT, node), tail)
  else putBytes(arena + i32Of(COL_CONTENT_AT, node) + u16Of(COL_CONTENT_LENGTH, node) - tail, tail)
}

function writeSharedArea(): void {
  while (plan.next < plan.sharedCount && !isFull()) writeShared(plan.next++)
  if (plan.next < plan.sharedCount) return
  padTo(plan.dataStart)
  enter(DATA)
}

function writeData(): void {
  for (; plan.next < plan.inodeCount; plan.next++) {
    const inode = plan.inode(plan.next)
    if (inode.blocks == 0) continue
    if (isFull()) return
    if ((inode.mode & S_IFMT) != S_IFDIR) writeBlock(inode)
    else if (!writeDirentBlocks(plan.next, inode)) return
  }
  enter(DONE)
}

/** Blocks of a directory, from the one at hand on; false where the piece is full before the last one. */
function writeDirentBlocks(ino: u32, inode: Inode): bool {
  const end = plan.inode(ino + 1).entries
  if (plan.block == 0) plan.entry = inode.entries
  while (plan.block < inode.blocks) {
    if (isFull()) return false
    const next = chunkEnd(plan.entry, end)
    const length = plan.length
    writeDirents(ino, inode, plan.entry, next)
    putFill(0, BLOCK - <u32>(plan.length - length))
    plan.entry = next
    plan.block++
  }
  plan.block = 0
  return true
}

/** The data block of what is no directory: it has one at most. */
function writeBlock(inode: Inode): void {
  if (inode.external) {
    putFill(NULL_POINTER, BLOCK)
    return
  }
  const symlink = (inode.mode & S_IFMT) == S_IFLNK
  const at = i32Of(symlink ? COL_PAYLOAD_AT : COL_CONTENT_AT, inode.node)
  const length = min(u16Of(symlink ? COL_PAYLOAD_LENGTH : COL_CONTENT_LENGTH, inode.node), BLOCK)
  putBytes(arena + at, length)
  putFill(0, BLOCK - length)
}
