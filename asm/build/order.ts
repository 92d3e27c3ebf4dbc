// The order in which an image numbers its inodes and lists its directories: breadth first, children in byte order of their
// names, `.` and `..` among them, hard links left out, and in the root the 256 entries that hide a store's directories
// (spec composefs-image.md sections 3 and 4.1). Not here: what becomes of an inode (rewrite.ts).

import { count, i32Of, modeOf, nameLengthOf, nameOf, NONE, ROOT, u32Of } from './columns'
import { fail, noMemory } from './failure'
import { alloc } from './heap'
import { COL_LINK, COL_RDEV, ESTALE, NO_TREE_CHANGED, S_IFCHR, S_IFDIR, S_IFMT } from './layout'
import { children, sortChildren } from './names'
import { INODE_SIZE, plan, TABLE_SIZE } from './plan'
import { compare, fill, i32At, put16, put32, put8 } from './raw'

/** Entries that are no nodes of the tree: `.`, `..`, and entry i of the table at FIRST_TABLE_ENTRY - i. */
export const DOT_ENTRY: i32 = -1
export const DOTDOT_ENTRY: i32 = -2
export const FIRST_TABLE_ENTRY: i32 = -3
const ADDED: i32 = 258

/** Names that the image adds, two bytes each. */
const ADDED_NAMES: usize = memory.data(2 * 258 + 16, 8)

/** Writes the added names: `.` `..` `00` … `ff`. */
function writeNames(): void {
  put16(ADDED_NAMES, 0x002e)
  put16(ADDED_NAMES + 2, 0x2e2e)
  for (let i: u32 = 0; i < TABLE_SIZE; i++) {
    put8(ADDED_NAMES + 4 + 2 * i, hexLetter(i >> 4))
    put8(ADDED_NAMES + 5 + 2 * i, hexLetter(i & 15))
  }
}

function hexLetter(digit: u32): u32 {
  return digit < 10 ? 0x30 + digit : 0x57 + digit
}

@inline
export function entryName(entry: i32): usize {
  return entry >= 0 ? nameOf(entry) : ADDED_NAMES + (<usize>(-1 - entry) << 1)
}

@inline
export function entryNameLength(entry: i32): u32 {
  return entry >= 0 ? nameLengthOf(entry) : entry == DOT_ENTRY ? 1 : 2
}

@inline
export function entryAt(at: u32): i32 {
  return i32At(plan.entries + (<usize>at << 2))
}

@inline
export function isLink(node: i32): bool {
  return i32Of(COL_LINK, node) != NONE
}

/** An overlay's mark that a name is gone: a character device 0:0. */
@inline
export function isWhiteout(node: i32): bool {
  return (modeOf(node) & S_IFMT) == S_IFCHR && u32Of(COL_RDEV, node) == 0
}

/** Inode of a node; for a hard link that of what its chain ends in, noted for all of the chain. */
export function inodeOf(node: i32): u32 {
  let end = node
  let ino = i32At(plan.inodeOf + (<usize>end << 2))
  // A chain is no longer than the tree has nodes.
  for (let steps: u32 = 0; ino == NONE && isLink(end) && steps < count; steps++) {
    end = i32Of(COL_LINK, end)
    ino = i32At(plan.inodeOf + (<usize>end << 2))
  }
  if (ino == NONE) ino = 0
  while (node != end) {
    put32(plan.inodeOf + (<usize>node << 2), ino)
    node = i32Of(COL_LINK, node)
  }
  return ino
}

/** Reserves the lists of a walk: no tree has more inodes and entries than this. */
function reserve(): bool {
  let directories: u32 = 0
  for (let node = 0; node < <i32>count; node++) if ((modeOf(node) & S_IFMT) == S_IFDIR) directories++
  plan.entryRoom = count + 2 * directories + TABLE_SIZE
  plan.inodes = alloc(<u64>(count + TABLE_SIZE + 1) * INODE_SIZE)
  plan.entries = alloc(<u64>plan.entryRoom << 2)
  plan.inodeOf = alloc(<u64>count << 2)
  plan.table = alloc(TABLE_SIZE << 2)
  if (plan.inodes == 0 || plan.entries == 0 || plan.inodeOf == 0 || plan.table == 0) return false
  fill(plan.inodeOf, 0xff, <usize>count << 2)
  writeNames()
  return true
}

@inline
function addInode(node: i32): void {
  plan.inode(plan.inodeCount++).node = node
}

@inline
function addEntry(entry: i32): void {
  put32(plan.entries + (<usize>(plan.entryCount++) << 2), entry)
  if (entry >= 0 ? !isLink(entry) : entry <= FIRST_TABLE_ENTRY) addInode(entry)
}

/** Entries of a directory whose `n` children are listed in order. */
function addEntries(directory: i32, n: i32): void {
  const last = directory == ROOT ? -ADDED : DOTDOT_ENTRY
  let added = DOT_ENTRY
  for (let i = 0; i < n; i++) {
    const child = i32At(children + (<usize>i << 2))
    while (added >= last) {
      const order = compare(entryName(added), entryNameLength(added), nameOf(child), nameLengthOf(child))
      if (order > 0) break
      // A child of the tree takes the place of one of the table.
      if (order < 0) addEntry(added)
      added--
    }
    addEntry(child)
  }
  while (added >= last) addEntry(added--)
}

/** Whether a directory's entries are no more than a tree can have, in which no node is in two. */
function hasRoom(n: u32, isRoot: bool): bool {
  if (<u64>plan.inodeCount + n + (isRoot ? TABLE_SIZE : 0) > <u64>count + TABLE_SIZE) return false
  return <u64>plan.entryCount + n + (isRoot ? ADDED : 2) <= <u64>plan.entryRoom
}

/** Lists all directories and numbers all inodes. 0 or -errno. */
export function orderTree(): i32 {
  if (!reserve()) return noMemory()
  addInode(ROOT)
  for (let ino: u32 = 0; ino < plan.inodeCount; ino++) {
    const inode = plan.inode(ino)
    const node = inode.node
    inode.entries = plan.entryCount
    if (node < 0) {
      put32(plan.table + (<usize>(FIRST_TABLE_ENTRY - node) << 2), ino)
      continue
    }
    put32(plan.inodeOf + (<usize>node << 2), ino)
    if ((modeOf(node) & S_IFMT) != S_IFDIR) continue
    const n = sortChildren(node)
    if (n < 0) return n
    if (!hasRoom(n, node == ROOT)) return fail(ESTALE, NO_TREE_CHANGED)
    addEntries(node, n)
  }
  plan.inode(plan.inodeCount).entries = plan.entryCount
  return 0
}

/** Inode that an entry of a directory leads to. */
export function entryInode(directory: u32, entry: i32, parent: i32): u32 {
  if (entry >= 0) return inodeOf(entry)
  if (entry == DOT_ENTRY) return directory
  if (entry == DOTDOT_ENTRY) return inodeOf(parent)
  return i32At(plan.table + (<usize>(FIRST_TABLE_ENTRY - entry) << 2))
}
