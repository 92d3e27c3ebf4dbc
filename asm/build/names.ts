// Names in directories: who is a child of whom by name, and children in byte order. A name that comes after all those that
// its directory has can not be there yet, and dumps are mostly in order; so nodes are put into the table of names only when
// something has to be found by its name.

import { count, nameLengthOf, nameOf, NONE, ROOT, u32Of, u8Of, i32Of } from './columns'
import { noMemory } from './failure'
import { alloc, release } from './heap'
import { COL_FIRST_CHILD, COL_NEXT_SIBLING, COL_PARENT, COL_UNSORTED } from './layout'
import { compare, hashBytes, i32At, put32, same, u8At } from './raw'
import { mergeSort } from './sort'
import { hashIs, rowAt, Table } from './table'

const SLASH: u32 = 0x2f
const NAME_MAX: u32 = 255

const table = changetype<Table>(memory.data(32, 8))
/** Nodes that are in the table. The root, which has no name, is none of them. */
let indexed: u32 = 1

/** Puts the nodes that are not in the table yet into it. 0 or -errno. */
function index(): i32 {
  if (indexed >= count && table.slots != 0) return 0
  if (!table.reserve(max(count, indexed) - indexed + 1)) return noMemory()
  for (; indexed < count; indexed++) {
    const node = <i32>indexed
    table.add(hashBytes(nameOf(node), nameLengthOf(node), u32Of(COL_PARENT, node)), indexed)
  }
  return 0
}

/** Child of that name; NONE, or below that -errno - 1. */
export function findChild(parent: i32, name: usize, length: u32): i32 {
  const r = index()
  if (r < 0) return r - 1
  if (length > NAME_MAX) return NONE
  const hash = hashBytes(name, length, parent)
  for (let slot = table.first(hash); ; slot = table.next(slot)) {
    const node = rowAt(slot)
    if (node < 0) break
    if (!hashIs(slot, hash) || i32Of(COL_PARENT, node) != parent || nameLengthOf(node) != length) continue
    if (same(nameOf(node), name, length)) return node
  }
  return NONE
}

/** Node at a path from the root; runs of slashes count as one. NONE, or below that -errno - 1. */
export function findPath(from: usize, to: usize): i32 {
  let node = ROOT
  let at = from
  while (at < to && node >= 0) {
    let end = at
    while (end < to && u8At(end) != SLASH) end++
    if (end > at) node = findChild(node, at, <u32>(end - at))
    at = end + 1
  }
  return node
}

/** Order of the names of two nodes. */
export function compareNodes(a: i32, b: i32): i32 {
  return compare(nameOf(a), nameLengthOf(a), nameOf(b), nameLengthOf(b))
}

/** Children of the directory that was listed last, in order: u32 each. Room for them, and for sorting them, is kept. */
export let children: usize = 0
let childRoom: u32 = 0

function moreRoom(used: u32): bool {
  const room = max<u32>(1024, 2 * used)
  const wider = alloc(<u64>room << 3)
  if (wider == 0) return false
  for (let i: u32 = 0; i < used; i++) put32(wider + (<usize>i << 2), i32At(children + (<usize>i << 2)))
  release(children)
  children = wider
  childRoom = room
  return true
}

/** Lists a directory's children; answers how many there are, or -errno. */
export function sortChildren(directory: i32): i32 {
  let n: u32 = 0
  for (let node = i32Of(COL_FIRST_CHILD, directory); node != NONE; node = i32Of(COL_NEXT_SIBLING, node)) {
    if (n == childRoom && !moreRoom(n)) return noMemory()
    put32(children + (<usize>(n++) << 2), node)
  }
  if (u8Of(COL_UNSORTED, directory) != 0) mergeSort(children, children + (<usize>childRoom << 2), n, (a: u32, b: u32) => compareNodes(a, b) > 0)
  return n
}

/** Gives the room back. */
export function dropChildren(): void {
  release(children)
  children = 0
  childRoom = 0
}

/** Gives the table of names back; it is made anew when something has to be found. */
export function dropNames(): void {
  table.drop()
  indexed = 1
}
