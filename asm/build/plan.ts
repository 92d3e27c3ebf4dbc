// What is known of an image of the tree before a byte of it is written: one record of it, in memory of its own, so that a
// tree can have several; and a record an inode. Not here: how it comes about (order.ts, rewrite.ts, marks.ts, place.ts).

import { arena, count } from './columns'
import { alloc, release } from './heap'
import { fill } from './raw'
import { Table } from './table'

export const BLOCK: u32 = 4096
export const TABLE_SIZE: u32 = 256

/** An inode of the image. */
@unmanaged
export class Inode {
  /** Node, or the entry of the table that it is: negative, see order.ts. */
  node: i32
  nlink: u32
  /** Blocks in the data area. */
  blocks: u32
  /** Disk slot: position in the image over 32. */
  nid: u32
  xattrSize: u32
  /** Where its entries begin and where its attributes; they end where those of the next inode begin. */
  entries: u32
  attributes: u32
  /** Mode in the image: a whiteout is a regular file. */
  mode: u16
  /** Bytes behind the inode and its xattrs. */
  tail: u16
  extended: u8
  external: u8
}
export const INODE_SIZE: usize = 36

@unmanaged
export class Plan {
  /** composefs_version of the image. */
  version: u32
  inodes: usize
  inodeCount: u32
  /** Inode of each node; for a hard link that of its target, once it has been asked for. */
  inodeOf: usize
  /** Entries of all directories: nodes, hard links included, or what the image adds. */
  entries: usize
  entryCount: u32
  entryRoom: u32
  /** Inodes of the 256 entries that the image adds to its root. */
  table: usize
  /** The least mtime, which compact inodes have. */
  mtime: i64
  mtimeNsec: u32
  /** Positions in the image, in bytes. */
  inodesEnd: u64
  dataStart: u64
  size: u64
  /** Keys of attributes, their names where the image has others than the tree, pairs of keys and values. */
  keys: usize
  keyCount: u32
  keyTexts: usize
  keyOf: usize
  labelKey: i32
  pairs: usize
  pairCount: u32
  pairRoom: u32
  pairTable: usize
  hasAcl: bool
  /** Pairs of all inodes, in ascending order of their keys once they are placed. */
  attributes: usize
  attributeCount: u32
  attributeRoom: u32
  /** Pairs in the shared area in the order in which they lie there, and bytes of it. */
  shared: usize
  sharedCount: u32
  sharedSize: u64
  /** What is being written: the piece, how much is in it, what was handed on before. */
  out: usize
  length: usize
  taken: u64
  phase: u32
  next: u32
  /** Entry of the directory at hand that comes next, and block of it; the block that the next inode's data will be in. */
  entry: u32
  block: u32
  nextBlock: u32
  /** Where the tree's byte string was, and how many nodes there were. */
  arena: usize
  count: u32

  @inline
  inode(ino: u32): Inode {
    return changetype<Inode>(this.inodes + <usize>ino * INODE_SIZE)
  }

  @inline
  pairIndex(): Table {
    return changetype<Table>(this.pairTable)
  }
}

/** The plan at hand. */
export let plan = changetype<Plan>(0)

export function usePlan(handle: usize): void {
  plan = changetype<Plan>(handle)
}

/** Makes an empty plan the one at hand; false when there is no more memory. */
export function newPlan(): bool {
  const at = alloc(offsetof<Plan>())
  const table = alloc(offsetof<Table>())
  if (at == 0 || table == 0) {
    release(at)
    release(table)
    plan = changetype<Plan>(0)
    return false
  }
  fill(at, 0, offsetof<Plan>())
  fill(table, 0, offsetof<Table>())
  plan = changetype<Plan>(at)
  plan.pairTable = table
  plan.arena = arena
  plan.count = count
  return true
}

/** Gives back all memory of the plan at hand. */
export function dropPlan(): void {
  if (changetype<usize>(plan) == 0) return
  plan.pairIndex().drop()
  release(plan.pairTable)
  release(plan.inodes)
  release(plan.inodeOf)
  release(plan.entries)
  release(plan.table)
  release(plan.keys)
  release(plan.keyTexts)
  release(plan.keyOf)
  release(plan.pairs)
  release(plan.attributes)
  release(plan.shared)
  release(plan.out)
  release(changetype<usize>(plan))
  plan = changetype<Plan>(0)
}
