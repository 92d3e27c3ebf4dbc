// Entries of directories as an image has them, in blocks: records, then the names that they point to.
//
//   dirent   u64 nid | u16 offset of the name in its block | u8 file type | u8 zero

import { i32Of } from './columns'
import {
  COL_PARENT,
  DE_FILE_TYPE,
  DE_NAMEOFF,
  DE_NID,
  DE_SIZE,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './layout'
import { entryAt, entryInode, entryName, entryNameLength } from './order'
import { outEnd, advance, putBytes } from './out'
import { ownerNode } from './place'
import { BLOCK, Inode, plan } from './plan'
import { put16, put64 } from './raw'

/** EROFS_FT_*. */
function fileType(mode: u32): u32 {
  const type = mode & S_IFMT
  if (type == S_IFREG) return 1
  if (type == S_IFDIR) return 2
  if (type == S_IFLNK) return 7
  if (type == S_IFCHR) return 3
  if (type == S_IFBLK) return 4
  return type == S_IFIFO ? 5 : 6
}

/** The entries from one on that fit in a block; answers where the next block's begin. */
export function chunkEnd(from: u32, to: u32): u32 {
  let used: u32 = 0
  let at = from
  for (; at < to; at++) {
    used += DE_SIZE + entryNameLength(entryAt(at))
    if (used > BLOCK) break
  }
  return at
}

/** The entries that follow those in whole blocks. */
export function writeLastDirents(ino: u32, inode: Inode): void {
  const to = plan.inode(ino + 1).entries
  let from = inode.entries
  for (let next = chunkEnd(from, to); next < to; next = chunkEnd(from, to)) from = next
  writeDirents(ino, inode, from, to)
}

/** One block's entries. */
export function writeDirents(ino: u32, inode: Inode, from: u32, to: u32): void {
  const parent = i32Of(COL_PARENT, ownerNode(inode))
  let at = outEnd()
  let name = DE_SIZE * (to - from)
  for (let i = from; i < to; i++) {
    const entry = entryAt(i)
    const target = plan.inode(entryInode(ino, entry, parent))
    put64(at + DE_NID, target.nid)
    put16(at + DE_NAMEOFF, name)
    // With the zero behind it.
    put16(at + DE_FILE_TYPE, fileType(target.mode))
    at += DE_SIZE
    name += entryNameLength(entry)
  }
  advance(DE_SIZE * (to - from))
  for (let i = from; i < to; i++) {
    const entry = entryAt(i)
    putBytes(entryName(entry), entryNameLength(entry))
  }
}
