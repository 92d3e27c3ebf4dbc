// The rows of the tree: a column for each fact, all of them in one region, and the byte string in which names, targets and
// values lie. Not here: what may be put in (tree.ts).

import { fail, noMemory } from './failure'
import { alloc, countMove, release, resize } from './heap'
import {
  ARENA_MAX,
  COL_FIRST_CHILD,
  COL_MODE,
  COL_MTIME_HIGH,
  COL_MTIME_LOW,
  COL_MTIME_NSEC,
  COL_NAME_AT,
  COL_NAME_LENGTH,
  COL_NLINK,
  COL_PAYLOAD_LENGTH,
  COL_ROW,
  COL_SIZE_HIGH,
  COL_SIZE_LOW,
  CT_ROW,
  EFBIG,
  NO_ARENA_FULL,
  ROW_UNIT,
} from './layout'
import { copy, fill, i32At, put16, put32, put8, u16At, u32At, u8At } from './raw'

export const NONE: i32 = -1
export const ROOT: i32 = 0

/** More rows do not fit in memory, and their numbers and byte counts stay clear of 2^32. */
const MAX_ROWS: u32 = 1 << 25

export let rows: usize = 0
export let capacity: u32 = 0
export let count: u32 = 0
/** Times of last change, where any was set. */
export let ctimes: usize = 0
/** The byte string: where it lies, how much of it is used and how much there is. */
export let arena: usize = 0
export let arenaUsed: u32 = 0
export let arenaRoom: u32 = 0

/** Address of a value of four bytes, of two, of one. */
@inline
function wide(column: u32, node: i32): usize {
  return rows + <usize>column * capacity + (<usize>node << 2)
}

@inline
function half(column: u32, node: i32): usize {
  return rows + <usize>column * capacity + (<usize>node << 1)
}

@inline
function byte(column: u32, node: i32): usize {
  return rows + <usize>column * capacity + <usize>node
}

@inline
export function modeOf(node: i32): u32 {
  return u32At(wide(COL_MODE, node))
}

@inline
export function u32Of(column: u32, node: i32): u32 {
  return u32At(wide(column, node))
}

@inline
export function i32Of(column: u32, node: i32): i32 {
  return i32At(wide(column, node))
}

@inline
export function u16Of(column: u32, node: i32): u32 {
  return u16At(half(column, node))
}

@inline
export function u8Of(column: u32, node: i32): u32 {
  return u8At(byte(column, node))
}

@inline
export function set32(column: u32, node: i32, value: u32): void {
  put32(wide(column, node), value)
}

@inline
export function set16(column: u32, node: i32, value: u32): void {
  put16(half(column, node), value)
}

@inline
export function set8(column: u32, node: i32, value: u32): void {
  put8(byte(column, node), value)
}

@inline
export function nameOf(node: i32): usize {
  return arena + u32Of(COL_NAME_AT, node)
}

@inline
export function nameLengthOf(node: i32): u32 {
  return u8Of(COL_NAME_LENGTH, node)
}

@inline
export function sizeOf(node: i32): u64 {
  return (<u64>u32Of(COL_SIZE_HIGH, node) << 32) | <u64>u32Of(COL_SIZE_LOW, node)
}

@inline
export function setSize(node: i32, size: u64): void {
  set32(COL_SIZE_LOW, node, <u32>size)
  set32(COL_SIZE_HIGH, node, <u32>(size >> 32))
}

@inline
export function mtimeOf(node: i32): i64 {
  return <i64>((<u64>u32Of(COL_MTIME_HIGH, node) << 32) | <u64>u32Of(COL_MTIME_LOW, node))
}

/** Position in the byte string of an address in it. */
@inline
export function position(p: usize): u32 {
  return <u32>(p - arena)
}

/** Moves the columns of a row of `row` bytes to where they have `wider` rows; the new ones are 0, or NONE. */
function moveColumns(to: usize, from: usize, row: u32, wider: u32): void {
  for (let at: u32 = 0; at < row; ) {
    const width: u32 = at < COL_PAYLOAD_LENGTH ? 4 : at < COL_NAME_LENGTH ? 2 : 1
    const used = <usize>count * width
    copy(to + <usize>at * wider, from + <usize>at * capacity, used)
    fill(to + <usize>at * wider + used, at >= COL_FIRST_CHILD && width == 4 ? 0xff : 0, <usize>wider * width - used)
    at += width
  }
}

/** Makes room for that many rows in all. 0 or -errno. */
export function reserveRows(wanted: u32): i32 {
  if (wanted <= capacity) return 0
  const wider = (max(wanted, 64) + ROW_UNIT - 1) & ~(ROW_UNIT - 1)
  if (wanted > MAX_ROWS) return noMemory()
  const block = alloc(<u64>wider * COL_ROW)
  if (block == 0) return noMemory()
  if (ctimes != 0) {
    const times = alloc(<u64>wider * CT_ROW)
    if (times == 0) {
      release(block)
      return noMemory()
    }
    moveColumns(times, ctimes, CT_ROW, wider)
    release(ctimes)
    ctimes = times
  }
  moveColumns(block, rows, COL_ROW, wider)
  release(rows)
  rows = block
  capacity = wider
  countMove()
  return 0
}

/** Makes the columns of ctime. 0 or -errno. */
export function reserveCtimes(): i32 {
  if (ctimes != 0) return 0
  const bytes = <u64>max<u32>(capacity, ROW_UNIT) * CT_ROW
  ctimes = alloc(bytes)
  if (ctimes == 0) return noMemory()
  fill(ctimes, 0, <usize>bytes)
  countMove()
  return 0
}

/** Makes room for `wanted` bytes more behind the byte string. 0 or -errno. */
export function reserveArena(wanted: u32): i32 {
  if (arena != 0 && wanted <= arenaRoom - arenaUsed) return 0
  const bytes = <u64>arenaUsed + wanted
  if (bytes > ARENA_MAX) return fail(EFBIG, NO_ARENA_FULL)
  const room = min(max(bytes, min(<u64>arenaRoom << 1, <u64>arenaRoom + (1 << 28))), <u64>ARENA_MAX)
  // All of it: a dump is put there before it counts.
  const at = resize(arena, arenaRoom, room)
  if (at == 0) return noMemory()
  arena = at
  arenaRoom = <u32>room
  countMove()
  return 0
}

/** The bytes that were put behind the byte string are part of it. */
export function takeArena(length: u32): void {
  arenaUsed += length
}

/** Adds a node that has a mode and nothing else; there is room, and nothing in it. */
export function addRow(mode: u32): i32 {
  const node = <i32>(count++)
  set32(COL_MODE, node, mode)
  set32(COL_NLINK, node, 1)
  return node
}
