// What stat and statfs say of an upper. Not here: lower inodes (their layers say it).

import type { Attr, FsInfo } from './layer.js'
import type { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'

const OVERLAYFS_SUPER_MAGIC = 0x794c7630
/** Bytes that statfs counts in. */
const BLOCK = 4096
/** What a disk of no limit is said to hold, in blocks. */
const NO_LIMIT = 2 ** 40
/** What a directory is said to take, in bytes. */
const DIRECTORY_SIZE = 4096

function sizeOf(inode: UpperInode): number {
  if (inode.isDirectory) return DIRECTORY_SIZE
  return inode.body?.size ?? inode.target?.length ?? inode.size
}

/** A merged directory has one link, removed or not: what is counted below is not looked at. */
function linksOf(inode: UpperInode): number {
  if (!inode.isDirectory) return inode.nlink
  if (inode.below !== undefined && inode.below.length > 0) return 1
  return inode.nlink === 0 ? 0 : 2 + inode.directories
}

export function statUpper(inode: UpperInode, out: Attr): undefined {
  out.ino = inode.ino
  out.mode = inode.mode
  out.nlink = linksOf(inode)
  out.uid = inode.uid
  out.gid = inode.gid
  out.rdev = inode.rdev
  out.size = sizeOf(inode)
  out.blksize = BLOCK
  out.blocks = inode.body?.blocks ?? (inode.isDirectory ? 0 : Math.ceil(out.size / BLOCK) * (BLOCK / 512))
  out.atimeSec = inode.atimeSec
  out.atimeNsec = inode.atimeNsec
  out.mtimeSec = inode.mtimeSec
  out.mtimeNsec = inode.mtimeNsec
  out.ctimeSec = inode.ctimeSec
  out.ctimeNsec = inode.ctimeNsec
  out.birthtimeSec = inode.birthtimeSec
  out.birthtimeNsec = inode.birthtimeNsec
  return undefined
}

export function upperInfo({ quota }: Upper): FsInfo {
  const blocks = quota.limit === Number.POSITIVE_INFINITY ? NO_LIMIT : Math.floor(quota.limit / BLOCK)
  const free = Math.max(0, blocks - Math.ceil(quota.used / BLOCK))
  return { type: OVERLAYFS_SUPER_MAGIC, bsize: BLOCK, blocks, bfree: free, bavail: free, files: 0, ffree: 0 }
}
