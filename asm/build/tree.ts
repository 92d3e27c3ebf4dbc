// Adding to the tree, with the rules and limits of libcomposefs (spec composefs-image.md section 1). All bytes that are
// named here lie in the byte string already. Functions answer >= 0 or -errno, with the failure in its record.

import {
  addRow,
  capacity,
  count,
  i32Of,
  modeOf,
  nameLengthOf,
  nameOf,
  NONE,
  position,
  reserveRows,
  ROOT,
  set16,
  set32,
  set8,
  setSize,
  u8Of,
} from './columns'
import { fail } from './failure'
import {
  COL_CONTENT_AT,
  COL_CONTENT_LENGTH,
  COL_DIGEST_AT,
  COL_FIRST_CHILD,
  COL_LAST_CHILD,
  COL_LINK,
  COL_NAME_AT,
  COL_NAME_LENGTH,
  COL_NEXT_SIBLING,
  COL_PARENT,
  COL_PAYLOAD_AT,
  COL_PAYLOAD_LENGTH,
  COL_UNSORTED,
  CONTENT_MAX,
  EEXIST,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENOTDIR,
  EROFS_NAME_LEN,
  NO_CONTENT_LONG,
  NO_LINK_LOOP,
  NO_LINK_OF_DIRECTORY,
  NO_LINK_TO_DIRECTORY,
  NO_NAME_DOTS,
  NO_NAME_EMPTY,
  NO_NAME_EXISTS,
  NO_NAME_LONG,
  NO_NO_TYPE,
  NO_PARENT_NO_DIRECTORY,
  NO_PAYLOAD_LONG,
  NO_ROOT_NO_DIRECTORY,
  NO_SECOND_ROOT,
  NO_TARGET_MISSING,
  PAYLOAD_MAX,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from './layout'
import { findChild } from './names'
import { compare, u16At, u8At } from './raw'

const DOT: u32 = 0x2e
const TWO_DOTS: u32 = 0x2e2e

export function isFileType(mode: u32): bool {
  const type = mode & S_IFMT
  if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK || type == S_IFCHR) return true
  return type == S_IFBLK || type == S_IFIFO || type == S_IFSOCK
}

@inline
export function isDirectory(node: i32): bool {
  return (modeOf(node) & S_IFMT) == S_IFDIR
}

/** Makes room for one row more. */
@inline
function reserveRow(): i32 {
  return count < capacity ? 0 : reserveRows(max<u32>(2 * capacity, 256))
}

/** Adds the root, a directory. */
export function addRoot(mode: u32): i32 {
  if (count > 0) return fail(EINVAL, NO_SECOND_ROOT)
  if ((mode & S_IFMT) != S_IFDIR) return fail(ENOTDIR, NO_ROOT_NO_DIRECTORY)
  const r = reserveRow()
  if (r < 0) return r
  const node = addRow(mode)
  set32(COL_PARENT, node, ROOT)
  return node
}

/** 0 when a directory has no child of a name yet, or -errno. */
function checkNew(parent: i32, name: usize, length: u32): i32 {
  const last = i32Of(COL_LAST_CHILD, parent)
  if (last == NONE) return 0
  if (u8Of(COL_UNSORTED, parent) == 0) {
    if (compare(name, length, nameOf(last), nameLengthOf(last)) > 0) return 0
    set8(COL_UNSORTED, parent, 1)
  }
  const same = findChild(parent, name, length)
  if (same < NONE) return same + 1
  return same == NONE ? 0 : fail(EEXIST, NO_NAME_EXISTS)
}

/** Adds a node below a directory. */
export function addNode(parent: i32, name: usize, length: u32, mode: u32): i32 {
  if (length == 0) return fail(EINVAL, NO_NAME_EMPTY)
  if (length > <u32>EROFS_NAME_LEN) return fail(ENAMETOOLONG, NO_NAME_LONG, length)
  if (u8At(name) == DOT && (length == 1 || (length == 2 && u16At(name) == TWO_DOTS))) return fail(EINVAL, NO_NAME_DOTS)
  if (!isFileType(mode)) return fail(EINVAL, NO_NO_TYPE, mode)
  if (!isDirectory(parent) || i32Of(COL_LINK, parent) != NONE) return fail(ENOTDIR, NO_PARENT_NO_DIRECTORY)
  let r = checkNew(parent, name, length)
  if (r < 0) return r
  r = reserveRow()
  if (r < 0) return r
  const node = addRow(mode)
  set32(COL_NAME_AT, node, position(name))
  set8(COL_NAME_LENGTH, node, length)
  set32(COL_PARENT, node, parent)
  const last = i32Of(COL_LAST_CHILD, parent)
  if (last == NONE) set32(COL_FIRST_CHILD, parent, node)
  else set32(COL_NEXT_SIBLING, last, node)
  set32(COL_LAST_CHILD, parent, node)
  return node
}

/** Sets what a symlink points to, whose size becomes the length, or which file backs a regular one. */
export function setPayload(node: i32, at: usize, length: u32): i32 {
  if (length > PAYLOAD_MAX) return fail(ENAMETOOLONG, NO_PAYLOAD_LONG, length, PAYLOAD_MAX)
  const symlink = (modeOf(node) & S_IFMT) == S_IFLNK
  if (symlink && length == 0) return fail(EINVAL, NO_TARGET_MISSING)
  set32(COL_PAYLOAD_AT, node, position(at))
  set16(COL_PAYLOAD_LENGTH, node, length)
  if (symlink) setSize(node, length)
  return 0
}

/** Sets bytes that the image holds itself; the size becomes theirs. Nothing to hold is the same as not to hold it. */
export function setContent(node: i32, at: usize, length: u32): i32 {
  if (length > CONTENT_MAX) return fail(EINVAL, NO_CONTENT_LONG, length, CONTENT_MAX)
  setSize(node, length)
  if (length == 0) return 0
  set32(COL_CONTENT_AT, node, position(at))
  set16(COL_CONTENT_LENGTH, node, length)
  return 0
}

@inline
export function setDigest(node: i32, at: usize): void {
  set32(COL_DIGEST_AT, node, position(at))
}

/** The node that a chain of hard links ends in. The chain becomes short, so that no chain is walked often; its end stays. */
export function resolveLink(node: i32): i32 {
  let end = node
  for (let next = i32Of(COL_LINK, end); next != NONE; next = i32Of(COL_LINK, end)) end = next
  while (node != end) {
    const next = i32Of(COL_LINK, node)
    set32(COL_LINK, node, end)
    node = next
  }
  return end
}

/** Makes a node a hard link. */
export function setLink(node: i32, target: i32): i32 {
  if (isDirectory(node)) return fail(EINVAL, NO_LINK_OF_DIRECTORY)
  const end = resolveLink(target)
  if (end == node || target == node) return fail(ELOOP, NO_LINK_LOOP)
  if (isDirectory(end)) return fail(EINVAL, NO_LINK_TO_DIRECTORY)
  set32(COL_LINK, node, end)
  return 0
}
