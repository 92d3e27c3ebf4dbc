// What directories of either format share: the entry that a look-up found, and the writing of entries as records, their
// names kept together. Not here: where entries stand (dir.ts, cfs-dir.ts).

import { copyOut, u8At } from './bytes'
import { iMode, isDev0, putBroken, putInode, readInode } from './inode'
import {
  AT_DIRECTORY_ENTRY,
  ENOENT,
  EUCLEAN,
  Q_HIDE_DEV0,
  Q_STAT,
  SCR_NAMES_ASCII,
  SCR_NAMES_USED,
  S_IFCHR,
  S_IFMT,
} from './layout'
import { answer, fail, MAX_RECORDS, NAMES, NAMES_BYTES, SCRATCH } from './scratch'

/** A type that is none, in place of S_IFMT bits. */
export const BAD_TYPE: u32 = 0xffffffff

/** What a look-up found: its nid, and its type as the entry has it in S_IFMT bits; 0 for unknown. */
export let foundNid: u64 = 0
let foundType: u32 = 0

@inline
export function setFound(nid: u64, type: u32): void {
  foundNid = nid
  foundType = type
}

/** Reads the inode of the entry just found; the type that the entry gives must be the inode's. 0 or -errno. */
export function readFound(flags: u32): i32 {
  const type = foundType
  if (type == BAD_TYPE) return fail(EUCLEAN, AT_DIRECTORY_ENTRY, 0)
  const r = readInode(foundNid)
  if (r < 0) return r
  if (type != 0 && type != (iMode & S_IFMT)) return fail(EUCLEAN, AT_DIRECTORY_ENTRY, 0)
  if (flags & Q_HIDE_DEV0 && isDev0()) return answer(ENOENT)
  return 0
}

@inline
export function isDots(name: usize, length: u32): bool {
  return length <= 2 && u8At(name, 0) == 0x2e && (length == 1 || u8At(name, 1) == 0x2e)
}

/** Bytes of NAMES that the records written so far use, and whether all of them are ASCII. */
let namesUsed: u32 = 0
let namesAscii: bool = true

/** Begins a table of records. */
export function beginRecords(): void {
  namesUsed = 0
  namesAscii = true
}

/** Have so many more entries, and bytes of names, room behind `count` records? */
@inline
export function haveRoom(count: u32, entries: u32, nameBytes: u32): bool {
  return count + entries <= MAX_RECORDS && namesUsed + nameBytes <= NAMES_BYTES
}

/** Puts the names from `start` to `end` behind those of the records before. */
@inline
export function keepNames(start: usize, end: usize): void {
  copyOut(NAMES + namesUsed, start, end - start)
  namesUsed += <u32>(end - start)
}

/** How many bytes of names there are; `dropNames` goes back to that. */
@inline
export function namesMark(): u32 {
  return namesUsed
}

@inline
export function dropNames(mark: u32): void {
  namesUsed = mark
}

/** Notes that some name has bytes beyond ASCII. */
@inline
export function notAllAscii(): void {
  namesAscii = false
}

/** Ends a table of records: says what its names are. */
export function endRecords(): void {
  store<u32>(SCRATCH + SCR_NAMES_USED, namesUsed)
  store<u32>(SCRATCH + SCR_NAMES_ASCII, namesAscii ? 1 : 0)
}

/** Writes the record of an entry of type `mode` (S_IFMT bits, 0 for unknown); false where the view hides it. */
@inline
export function emitEntry(rec: usize, nid: u64, mode: u32, flags: u32, recFlags: u32): bool {
  const mayBeDev0 = (flags & Q_HIDE_DEV0) != 0 && (mode == S_IFCHR || mode == 0)
  if ((flags & Q_STAT) == 0 && !mayBeDev0) {
    putBroken(rec, nid, mode, recFlags, 0)
    return true
  }
  const r = readInode(nid)
  if (r < 0) {
    putBroken(rec, nid, mode, recFlags, -r)
    return true
  }
  if (mode != 0 && mode != (iMode & S_IFMT)) {
    putBroken(rec, nid, mode, recFlags, EUCLEAN)
    return true
  }
  if (mayBeDev0 && isDev0()) return false
  putInode(rec, recFlags)
  return true
}
