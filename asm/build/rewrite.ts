// What an image makes of each inode: its mode, links, size of its data and attributes; external files, whiteouts and the
// root's table as composefs has them (spec composefs-image.md sections 3 and 4). Not here: where things lie (place.ts).

import {
  beginAttributes,
  beginInode,
  endInode,
  markExternal,
  markRoot,
  markWhiteout,
  markWhiteouts,
} from './attributes'
import { chunkCount } from './chunks'
import { arena, count, i32Of, modeOf, mtimeOf, NONE, ROOT, sizeOf, u16Of, u32Of } from './columns'
import { atNode, fail } from './failure'
import { makeKeys } from './keys'
import {
  COL_CONTENT_AT,
  COL_DIGEST_AT,
  COL_MTIME_NSEC,
  COL_NLINK,
  COL_PAYLOAD_AT,
  COL_PAYLOAD_LENGTH,
  DE_SIZE,
  EFBIG,
  EINVAL,
  NO_FILE_TOO_LARGE,
  NO_TARGET_MISSING,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './layout'
import { entryAt, entryNameLength, isLink, isWhiteout } from './order'
import { BLOCK, Inode, plan } from './plan'

const CHUNK_POINTER: u32 = 4
const INLINE_TAIL_MAX: u32 = 2048
const PERMISSIONS_MASK: u32 = 0o7777
const TABLE_MODE: u32 = 0o020644

/** Whether a regular file's data is an object's. */
@inline
function isExternal(node: i32): bool {
  return i32Of(COL_CONTENT_AT, node) == NONE && sizeOf(node) != 0
}

/** Looks through the tree for what decides about the image as a whole; the number of external files. */
function survey(minVersion: u32, maxVersion: u32): u32 {
  let externals: u32 = 0
  let whiteouts = false
  for (let node = 0; node < <i32>count; node++) {
    const type = modeOf(node) & S_IFMT
    if (type == S_IFREG) {
      if (isExternal(node)) externals++
    } else if (type == S_IFCHR && !isLink(node) && isWhiteout(node)) {
      whiteouts = true
    }
  }
  plan.version = minVersion < maxVersion && whiteouts ? 1 : minVersion
  return externals
}

/** Rewrites all inodes. 0 or -errno. */
export function rewriteTree(minVersion: u32, maxVersion: u32): i32 {
  const externals = survey(minVersion, maxVersion)
  let r = makeKeys()
  if (r == 0) r = beginAttributes(externals)
  plan.mtime = mtimeOf(ROOT)
  plan.mtimeNsec = u32Of(COL_MTIME_NSEC, ROOT)
  for (let ino: u32 = 0; ino < plan.inodeCount && r == 0; ino++) {
    const inode = plan.inode(ino)
    inode.attributes = plan.attributeCount
    inode.blocks = 0
    inode.tail = 0
    inode.extended = 0
    inode.external = 0
    r = inode.node < 0 ? rewriteAdded(inode) : rewriteNode(ino, inode)
    if (r == 0) endInode()
    else if (inode.node >= 0) atNode(r, inode.node)
  }
  plan.inode(plan.inodeCount).attributes = plan.attributeCount
  return r
}

function rewriteAdded(inode: Inode): i32 {
  inode.mode = <u16>TABLE_MODE
  inode.nlink = 1
  return beginInode(ROOT, true)
}

function rewriteNode(ino: u32, inode: Inode): i32 {
  const node = inode.node
  const mode = modeOf(node)
  const type = mode & S_IFMT
  inode.mode = <u16>mode
  inode.nlink = u32Of(COL_NLINK, node)
  takeMtime(node)
  const r = beginInode(node, false)
  if (r < 0) return r
  if (type == S_IFREG) {
    if (isExternal(node)) return rewriteExternal(inode)
    split(inode, <u32>sizeOf(node))
  } else if (type == S_IFLNK) {
    if (i32Of(COL_PAYLOAD_AT, node) == NONE) return fail(EINVAL, NO_TARGET_MISSING)
    inode.tail = <u16>u16Of(COL_PAYLOAD_LENGTH, node)
  } else if (type == S_IFDIR) {
    return rewriteDirectory(ino, inode)
  } else if (isWhiteout(node)) {
    inode.mode = <u16>(S_IFREG | (mode & PERMISSIONS_MASK))
    return markWhiteout()
  }
  return 0
}

@inline
function takeMtime(node: i32): void {
  const seconds = mtimeOf(node)
  if (seconds > plan.mtime) return
  const nsec = u32Of(COL_MTIME_NSEC, node)
  if (seconds == plan.mtime && nsec >= plan.mtimeNsec) return
  plan.mtime = seconds
  plan.mtimeNsec = nsec
}

function rewriteExternal(inode: Inode): i32 {
  const node = inode.node
  const chunks = chunkCount(sizeOf(node))
  if (chunks < 0) return fail(EFBIG, NO_FILE_TOO_LARGE)
  inode.external = 1
  inode.tail = <u16>(CHUNK_POINTER * chunks)
  const digest = i32Of(COL_DIGEST_AT, node)
  const payload = i32Of(COL_PAYLOAD_AT, node)
  const length = payload == NONE ? 0 : u16Of(COL_PAYLOAD_LENGTH, node)
  return markExternal(digest == NONE ? 0 : arena + digest, arena + payload, length)
}

function rewriteDirectory(ino: u32, inode: Inode): i32 {
  const end = plan.inode(ino + 1).entries
  let directories: u32 = 0
  let whiteouts = false
  let blocks: u32 = 0
  let used: u32 = 0
  for (let i = inode.entries; i < end; i++) {
    const entry = entryAt(i)
    const cost = DE_SIZE + entryNameLength(entry)
    if (used + cost > BLOCK) {
      blocks++
      used = 0
    }
    used += cost
    if (entry < 0 || isLink(entry)) continue
    if ((modeOf(entry) & S_IFMT) == S_IFDIR) directories++
    else if (!whiteouts && isWhiteout(entry)) whiteouts = true
  }
  split(inode, used)
  inode.blocks += blocks
  inode.nlink = 2 + directories
  const r = whiteouts ? markWhiteouts(plan.version >= 1) : 0
  return r == 0 && ino == 0 ? markRoot() : r
}

/** Blocks and tail of data: a tail of more than half a block becomes one. */
function split(inode: Inode, size: u32): void {
  const tail = size % BLOCK
  const whole = tail > INLINE_TAIL_MAX
  inode.blocks = size / BLOCK + (whole ? 1 : 0)
  inode.tail = <u16>(whole ? 0 : tail)
}
