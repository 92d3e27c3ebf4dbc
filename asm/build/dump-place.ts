// Where in the tree the path of a dump's line belongs. Dumps go through a tree in order, so most lines are in the directory
// of the line before, in what that line made, or in a directory above; others are looked up by name.

import { arena, count, i32Of, NONE, ROOT } from './columns'
import { here, wrong } from './fields'
import {
  COL_PARENT,
  IN_MODE,
  IN_PATH,
  NO_NO_ROOT,
  NO_PARENT_MISSING,
  NO_ROOT_NO_DIRECTORY,
  NO_SECOND_ROOT,
  S_IFDIR,
  S_IFMT,
} from './layout'
import { findPath } from './names'
import { same, u8At } from './raw'
import { addNode, addRoot } from './tree'

const SLASH: u32 = 0x2f

/** Directory that the last entry was in, and where its path lies as it was written. */
let directory: i32 = ROOT
let directoryFrom: usize = 0
let directoryTo: usize = 0
/** The last entry likewise. */
let lastFrom: usize = 0
let lastTo: usize = 0

/** Adds the node that a path names; answers it, or -errno. */
export function place(from: usize, to: usize, mode: u32): i32 {
  if (to - from == 1 && u8At(from) == SLASH) {
    if ((mode & S_IFMT) != S_IFDIR) return wrong(IN_MODE, NO_ROOT_NO_DIRECTORY)
    if (count > 0) return wrong(IN_PATH, NO_SECOND_ROOT)
    directory = ROOT
    directoryFrom = directoryTo = lastFrom = lastTo = arena
    return addRoot(mode)
  }
  if (count == 0) return wrong(IN_PATH, NO_NO_ROOT)
  let name = to
  while (name > from && u8At(name - 1) != SLASH) name--
  const parent = name == from ? ROOT : directoryAt(from, name - 1)
  if (parent < 0) return parent
  const node = addNode(parent, name, <u32>(to - name), mode)
  if (node < 0) return here(node, IN_PATH)
  lastFrom = from
  lastTo = to
  return node
}

/** The directory of a path, or -errno. */
function directoryAt(from: usize, to: usize): i32 {
  const length = <u32>(to - from)
  const known = <u32>(directoryTo - directoryFrom)
  if (length == known && same(from, directoryFrom, length)) return directory
  let node = NONE
  if (length == <u32>(lastTo - lastFrom) && same(from, lastFrom, length)) node = <i32>count - 1
  else if (length < known && u8At(directoryFrom + length) == SLASH && same(from, directoryFrom, length)) {
    node = above(directoryFrom + length)
  } else {
    node = findPath(from, to)
    if (node < NONE) return here(node + 1, IN_PATH)
    if (node == NONE) return wrong(IN_PATH, NO_PARENT_MISSING)
  }
  directory = node
  directoryFrom = from
  directoryTo = to
  return node
}

/** The directory above the last one by as many steps as its path has names behind a slash. */
function above(slash: usize): i32 {
  let node = directory
  for (let p = slash + 1; p < directoryTo; p++) {
    if (u8At(p) != SLASH && u8At(p - 1) == SLASH) node = i32Of(COL_PARENT, node)
  }
  return node
}
