// The whole image in one sweep: every directory's record followed by those of its entries, directories depth first in
// the order of their names (the order of `ls -R`). The loader supplies the memory: a bit per inode slot, by which a
// directory that has two names is noticed, and a stack of the directories still to come.

import { IN_CFS_SWEEP, IN_SWEEP, sing } from './canary'
import { dropNames, namesMark } from './entries'
import { missed } from './spill'
import { blockEntries, blockFits, countBlocks, resume, takeBlock, writeBlock } from './directory'
import { isCfs } from './image'
import { iNid, iOffset, isDir, putInode, putName, readInode, slotOf } from './inode'
import { nidIn } from './nid'
import {
  AT_DIRECTORY,
  ENOTDIR,
  ERANGE,
  EUCLEAN,
  Q_STAT,
  REC_ERROR,
  REC_MODE,
  REC_NID,
  REC_SIZE,
  RF_DIRECTORY,
  S_IFDIR,
  S_IFMT,
} from './layout'
import { answer, fail, MAX_RECORDS, ownF64, ownU16, ownU32, ownU64, ownU8, RECORDS } from './scratch'

/** What a walk keeps between calls; in the loader's memory, followed by the bits and then the stack. */
@unmanaged
class Walk {
  /** Directories on the stack. */
  depth: u32
  /** Directories that fit. */
  room: u32
  bits: usize
  stack: usize
  /** The directory being read, its next block, and the stack's depth when it began. */
  nid: u64
  block: u64
  floor: u32
  reading: u32
}

/** Bytes of the state before the bits. */
export const WALK_HEAD: u32 = 64

export function beginWalk(at: usize, bitBytes: u32, room: u32, nid: u64): void {
  const walk = changetype<Walk>(at)
  walk.bits = at + WALK_HEAD
  walk.stack = walk.bits + bitBytes
  walk.room = room
  walk.depth = 1
  walk.reading = 0
  store<u64>(walk.stack, nid)
}

/** Moves a walk whose stack is full into larger memory. */
export function growWalk(from: usize, to: usize, bitBytes: u32, room: u32): void {
  const old = changetype<Walk>(from)
  memory.copy(to, from, <usize>WALK_HEAD + bitBytes + (<usize>old.depth << 3))
  const walk = changetype<Walk>(to)
  walk.bits = to + WALK_HEAD
  walk.stack = walk.bits + bitBytes
  walk.room = room
}

/** Sets a directory's bit; false when it is set already. */
function mark(walk: Walk): bool {
  const slot = isCfs ? iNid : slotOf(iOffset)
  const p = walk.bits + <usize>(slot >> 3)
  const bit = 1 << <u32>(slot & 7)
  const byte = <u32>ownU8(p)
  store<u8>(p, CANARY == IN_CFS_SWEEP ? bit : byte | bit)
  return (byte & bit) == 0
}

@inline
function stackAt(walk: Walk, i: u32): usize {
  return walk.stack + (<usize>i << 3)
}

/**
 * Fills the table of records. Answers their number, 0 at the end, -ERANGE when the stack is full (grow, call again), or
 * -errno; after an error the walk can't go on.
 */
export function nextRecords(at: usize, flags: u32): i32 {
  const walk = changetype<Walk>(at)
  let count: u32 = 0
  while (true) {
    if (!walk.reading) {
      if (walk.depth == 0 || count == MAX_RECORDS) return count
      const r = enter(walk, RECORDS + count * REC_SIZE)
      if (r < 0) return count > 0 ? count : r
      count++
    }
    const r = fill(walk, count, flags)
    if (r < 0) return count > 0 ? count : r
    count += r
    // What lacked now will be asked for again.
    if (SPILLS && missed != 0) return count
    if (walk.reading) return count
  }
}

/** Begins the directory on top of the stack and writes its own record. */
function enter(walk: Walk, rec: usize): i32 {
  const nid = ownU64(stackAt(walk, walk.depth - 1))
  const r = readInode(nid)
  if (r < 0) return r
  if (!isDir()) return answer(ENOTDIR)
  if (!mark(walk)) {
    if (CANARY == IN_SWEEP && walk.depth > 2) sing()
    return fail(EUCLEAN, AT_DIRECTORY, iOffset)
  }
  putInode(rec, RF_DIRECTORY)
  putName(rec, rec, 0)
  walk.depth--
  walk.nid = nid
  walk.block = 0
  walk.floor = walk.depth
  walk.reading = 1
  return 0
}

/** Writes blocks of the directory being read behind `count` records, as many as fit. */
function fill(walk: Walk, count: u32, flags: u32): i32 {
  let added: u32 = 0
  if (iNid != walk.nid) {
    const r = readInode(walk.nid)
    if (r < 0) return r
  }
  let r = resume(walk.block)
  if (r < 0) return r
  for (let blocks = countBlocks(); walk.block < blocks; walk.block++) {
    if (iNid != walk.nid) {
      r = readInode(walk.nid)
      if (r < 0) return added > 0 ? added : r
    }
    r = takeBlock(walk.block)
    if (r < 0) return added > 0 ? added : r
    if (!blockFits(count + added)) return added
    if (walk.depth + blockEntries() > walk.room) return added > 0 ? added : answer(ERANGE)
    const rec = RECORDS + (count + added) * REC_SIZE
    const names = SPILLS ? namesMark() : 0
    r = writeBlock(rec, flags | Q_STAT)
    if (SPILLS && missed != 0) {
      dropNames(names)
      return added > 0 ? added : -missed
    }
    if (r < 0) return added > 0 ? added : r
    push(walk, rec, r)
    added += r
  }
  reverse(walk)
  walk.reading = 0
  return added
}

function push(walk: Walk, rec: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++, rec += REC_SIZE) {
    if ((ownU32(rec + REC_MODE) & S_IFMT) != S_IFDIR || ownU16(rec + REC_ERROR) != 0) continue
    store<u64>(stackAt(walk, walk.depth++), nidIn(ownF64(rec + REC_NID)))
  }
}

/** What was pushed last would come first; names are to come in their order. */
function reverse(walk: Walk): void {
  if (walk.depth == 0) return
  for (let i = walk.floor, j = walk.depth - 1; i < j; i++, j--) {
    const a = stackAt(walk, i)
    const b = stackAt(walk, j)
    const nid = ownU64(a)
    store<u64>(a, ownU64(b))
    store<u64>(b, nid)
  }
}
