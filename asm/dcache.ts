// The dentry cache: directories by path, so that a path costs the look-up of its last name. What is in it can't become
// wrong, since an image never changes; it is bounded (SLOTS entries an instance) and needs no invalidation, since every
// opened image has a number of its own.
// A directory gets in only where it leads on from the directory that it was found in (directory.ts), all the way to the
// root. No directory can then stand below itself on a cached path, so the fast way needs no list of ancestors; whatever is
// not so (two names for a directory, a loop) goes the long way of path.ts each time.
//
// Whoever wants to stop at symlinks (Q_STOP_SYMLINK) must not be given a directory to which one leads: such a path is kept
// as crooked.
//
//   slot:  [image u32][length u31, crooked u1][nid u64][path, zero padded]

import { hashName } from './bytes'
import { findBelow, leadsOn } from './directory'
import { readFound } from './entries'
import { image } from './image'
import { iNid, isDir, isLink, readInode } from './inode'
import { ENAMETOOLONG, ENOENT, EROFS_NAME_LEN, PATH_MAX, Q_FOLLOW, Q_STOP_SYMLINK } from './layout'
import { isRegular, isStraight, notStopped, resolvePath } from './path'
import { answer, inputByte, loadWord, maskedWord, ownU32, ownU64, PATH, WORK, WORK_BYTES } from './scratch'

const SLASH: u32 = 0x2f
const DOT: u32 = 0x2e
const SLASHES: u64 = 0x2f2f2f2f2f2f2f2f
const LOW7: u64 = 0x7f7f7f7f7f7f7f7f

const SLOT_BITS: u32 = 14
const SLOT_SIZE: usize = 128
const SLOT_LENGTH: usize = 4
const SLOT_NID: usize = 8
const SLOT_PATH: usize = 16
const CROOKED: u32 = 0x80000000
const MAX_CACHED: u32 = <u32>(SLOT_SIZE - SLOT_PATH)
const TABLE: usize = memory.data(1 << (14 + 7), 64)

/** The path of the directory asked for last, whatever its length, and the image and nid that go with it. */
const LAST: usize = memory.data(4096 + 16, 8)
let lastImage: u32 = 0
let lastLength: u32 = 0
let lastNid: u64 = 0
let lastCrooked: u32 = 0

/** Index of the last slash of a path; -1 where there is none. */
function lastSlash(length: u32): i32 {
  let end = <i32>length
  for (; end >= 8; end -= 8) {
    const x = loadWord(PATH + end - 8) ^ SLASHES
    // Bit 7 of exactly those bytes that were slashes.
    const hits = ~(((x & LOW7) + LOW7) | x | LOW7)
    if (hits != 0) return end - 1 - (<i32>clz<u64>(hits) >> 3)
  }
  while (end > 0) if (inputByte(PATH + --end) == SLASH) return end
  return -1
}

/** Are the first `length` bytes of the path those at `p`, which zeros follow? */
function isPath(p: usize, length: u32): bool {
  let i: u32 = 0
  for (; i + 8 <= length; i += 8) if (loadWord(PATH + i) != loadWord(p + i)) return false
  return i == length || maskedWord(PATH + i, length - i) == maskedWord(p + i, length - i)
}

/** The pair of slots in which a path may be; its first one. */
@inline
function slotOf(length: u32): usize {
  return TABLE + <usize>(hashName(PATH, length, image.number) >> (65 - SLOT_BITS)) * 2 * SLOT_SIZE
}

@inline
function holds(slot: usize, length: u32): bool {
  const known = ownU32(slot + SLOT_LENGTH) & ~CROOKED
  return ownU32(slot) == image.number && known == length && isPath(slot + SLOT_PATH, length)
}

function remember(length: u32, nid: u64, crooked: u32): void {
  memory.copy(LAST, PATH, length)
  lastImage = image.number
  lastLength = length
  lastNid = nid
  lastCrooked = crooked
}

/** Keeps the directory that the first `length` bytes of the path name. The newer of a pair stands first. */
function keep(length: u32, nid: u64, crooked: u32): void {
  if (length == 0 || length > MAX_CACHED) return
  const slot = slotOf(length)
  if (holds(slot, length)) return
  memory.copy(slot + SLOT_SIZE, slot, SLOT_SIZE)
  store<u32>(slot, image.number)
  store<u32>(slot + SLOT_LENGTH, length | crooked)
  store<u64>(slot + SLOT_NID, nid)
  memory.copy(slot + SLOT_PATH, PATH, length)
}

const NONE: u64 = u64.MAX_VALUE

/** Of the directory found last. */
let crooked: u32 = 0

/** The directory that the first `length` bytes of the path name, if it is in the cache; else NONE. */
function cached(length: u32): u64 {
  if (lastLength == length && lastImage == image.number && isPath(LAST, length)) {
    crooked = lastCrooked
    return lastNid
  }
  if (length > MAX_CACHED) return NONE
  const slot = slotOf(length)
  if (holds(slot, length)) return hit(slot, length)
  return holds(slot + SLOT_SIZE, length) ? hit(slot + SLOT_SIZE, length) : NONE
}

/** The directory that the first `length` bytes of the path name; NONE where the long way has to be gone. */
function directory(length: u32, flags: u32): u64 {
  crooked = 0
  if (length == 0) return image.root
  let nid = cached(length)
  if (nid == NONE) {
    if (walk(length, Q_FOLLOW) < 0 || !isDir() || !isRegular()) return NONE
    nid = iNid
    crooked = isStraight() ? 0 : CROOKED
    keep(length, nid, crooked)
    remember(length, nid, crooked)
  }
  return crooked != 0 && flags & Q_STOP_SYMLINK ? NONE : nid
}

@inline
function hit(slot: usize, length: u32): u64 {
  const nid = ownU64(slot + SLOT_NID)
  crooked = ownU32(slot + SLOT_LENGTH) & CROOKED
  remember(length, nid, crooked)
  return nid
}

/** Resolves the first `length` bytes of the path the long way. */
function walk(length: u32, flags: u32): i32 {
  memory.copy(WORK + WORK_BYTES - length, PATH, length)
  return resolvePath(image.root, length, flags)
}

/**
 * Resolves the `length` bytes at PATH from the root: the answer is the decoded inode. 0 or -errno. The chain of
 * path.ts holds nothing of use afterwards.
 */
export function lookupPath(length: u32, flags: u32): i32 {
  if (length == 0) return answer(ENOENT)
  if (length >= PATH_MAX) return answer(ENAMETOOLONG)
  const slash = lastSlash(length)
  const name = PATH + slash + 1
  const n = length - <u32>(slash + 1)
  const dots = n <= 2 && inputByte(name) == DOT && (n == 1 || inputByte(name + 1) == DOT)
  if (n == 0 || dots || n > EROFS_NAME_LEN) return walk(length, flags)
  const dir = directory(slash > 0 ? <u32>slash : 0, flags)
  if (dir == NONE) return walk(length, flags)
  const way = crooked
  notStopped()
  let r = findBelow(dir, name, n)
  if (r < 0) return r
  r = readFound(flags)
  if (r < 0) return r
  if (isLink()) return flags & Q_FOLLOW ? walk(length, flags) : 0
  if (!isDir()) return 0
  if (!leadsOn(dir)) return walk(length, flags)
  keep(length, iNid, way)
  return 0
}

/** The same for a directory about to be listed, which has most likely just been looked up. */
export function lookupDirectory(length: u32, flags: u32): i32 {
  const known = length == 0 || length >= PATH_MAX ? NONE : cached(length)
  if (known == NONE || (crooked != 0 && flags & Q_STOP_SYMLINK)) return lookupPath(length, flags | Q_FOLLOW)
  notStopped()
  return readInode(known)
}
