// The directories of an image, of whichever format: names looked up, entries written as records a block at a time. The
// decoded inode is the directory. Not here: how either format does it (dir.ts, cfs-dir.ts).

import {
  addCfsDirents,
  cfsBlockCount,
  cfsEntryCount,
  emitCfsBlock,
  findInCfs,
  findInChunk,
  fitsCfs,
  openCfsBlock,
  resumeCfsDirectory,
} from './cfs-dir'
import { addDirents, blockCount, emitBlock, entryCount, findEntry, findIn, fits, openBlock, parentIs, resumeDirectory } from './dir'
import { isCfs } from './image'
import { iNid } from './inode'

/** Looks a name up in the decoded directory: 0 and what entries.ts holds, or -ENOENT, or -errno. */
@inline
export function find(name: usize, length: u32): i32 {
  return isCfs ? findInChunk(name, length) : findEntry(name, length)
}

/** The same for directory `nid`, which need not be the decoded inode. */
@inline
export function findBelow(nid: u64, name: usize, length: u32): i32 {
  return isCfs ? findInCfs(nid, name, length) : findIn(nid, name, length)
}

/**
 * Does the decoded directory, found in directory `nid`, lead away from the root for certain, so that no chain of such
 * steps comes back to where it began? In EROFS it does where it names that one as its parent. cfs v1 has no `..`, but its
 * writer numbers a directory before what is in it.
 */
@inline
export function leadsOn(nid: u64): bool {
  return isCfs ? iNid > nid : parentIs(nid)
}

@inline
export function countBlocks(): u64 {
  return isCfs ? cfsBlockCount() : blockCount()
}

/** Makes block `b` of the decoded directory the current one. 0 or -errno. */
@inline
export function takeBlock(b: u64): i32 {
  return isCfs ? openCfsBlock(b) : openBlock(b)
}

/**
 * Takes up the order of names at block `b` of the decoded directory, of which the blocks before were read by an earlier
 * call. 0 or -errno.
 */
@inline
export function resume(b: u64): i32 {
  return isCfs ? resumeCfsDirectory(b) : resumeDirectory(b)
}

/** Have the current block's entries and names room behind `count` records? */
@inline
export function blockFits(count: u32): bool {
  return isCfs ? fitsCfs(count) : fits(count)
}

/** Entries of the current block, hidden ones included. */
@inline
export function blockEntries(): u32 {
  return isCfs ? cfsEntryCount() : entryCount()
}

/** Writes the entries of the current block as records to `rec`. Their number, or -errno. */
@inline
export function writeBlock(rec: usize, flags: u32): i32 {
  return isCfs ? emitCfsBlock(rec, flags) : emitBlock(rec, flags)
}

/** Adds the entries of the current block as pieces. */
export function addBlockEntries(): void {
  if (isCfs) addCfsDirents()
  else addDirents()
}
