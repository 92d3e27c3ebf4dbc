// Path resolution in one call, and symlink targets.
// Follows link_path_walk (fs/namei.c): `..` is physical, 40 symlinks at most, a trailing slash asks for a directory.
// The path stands at the end of the work buffer; a symlink's target is put before what is left of it. The directories
// on the way are kept as a chain of nids, by which `..` goes back and a directory below itself is noticed (ELOOP).

import { copyOut, inside, lengthToNul, span, u8At } from './bytes'
import { IN_CFS_LINK, IN_LOOK_UP, NO_LINK_LIMIT, sing } from './canary'
import { find, leadsOn } from './directory'
import { readFound } from './entries'
import { image, isCfs } from './image'
import { dataSpan, isCompressed, mapData, mLength, mOffset } from './data'
import { iData, iDataLength, iNid, iOffset, iSize, isDir, isLink, readInode } from './inode'
import { nidIn, nidOut } from './nid'
import {
  AT_SYMLINK,
  EINVAL,
  EIO,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EROFS_NAME_LEN,
  EUCLEAN,
  MAX_DEPTH,
  MAXSYMLINKS,
  PATH_MAX,
  Q_FOLLOW,
  Q_STOP_ABOVE,
  Q_STOP_SYMLINK,
  SCR_CHAIN_LEN,
  SCR_REST,
  SCR_REST_LEN,
  SCR_STOP,
  STOP_ABOVE,
  STOP_NONE,
  STOP_SYMLINK,
} from './layout'
import { answer, CHAIN, fail, inputByte, lastError, LINK, MAX_LINK, ownF64, SCRATCH, WORK, WORK_BYTES } from './scratch'

const SLASH: u32 = 0x2f
const DOT: u32 = 0x2e
const END: usize = WORK + WORK_BYTES

@inline
function chainAt(depth: u32): usize {
  return CHAIN + (<usize>depth << 3)
}

/** Is a nid among the directories of the chain up to `depth`? */
export function inChain(nid: u64, depth: u32): bool {
  const wanted = nidOut(nid)
  for (let i: u32 = 0; i <= depth; i++) if (ownF64(chainAt(i)) == wanted) return true
  return false
}

/** Notes that the last answer is the end of its path. */
@inline
export function notStopped(): void {
  store<u32>(SCRATCH + SCR_STOP, STOP_NONE)
}

function done(chainLength: u32, stop: u32, rest: usize): i32 {
  store<u32>(SCRATCH + SCR_CHAIN_LEN, chainLength)
  store<u32>(SCRATCH + SCR_STOP, stop)
  store<u32>(SCRATCH + SCR_REST, <u32>rest)
  store<u32>(SCRATCH + SCR_REST_LEN, <u32>(END - rest))
  return 0
}

/** Did every directory on the way to the last answer lead on from the one before it? */
let regular: bool = true

@inline
export function isRegular(): bool {
  return regular
}

/** Was no symlink followed on the way to the last answer? */
let straight: bool = true

@inline
export function isStraight(): bool {
  return straight
}

/** Bytes of the target that linkTarget found last. In cfs v1 a symlink's size may say something else. */
export let linkLength: u32 = 0

/** Pointer to the target of the decoded symlink, of linkLength bytes; 0 after `fail`. */
export function linkTarget(): usize {
  if (!isLink()) {
    answer(EINVAL)
    return 0
  }
  if (isCfs) {
    linkLength = iDataLength
    if (CANARY == IN_CFS_LINK && u8At(span(iData, iDataLength), iDataLength - 1) == 0) return span(iData, iDataLength)
    return checkedTarget(span(iData, iDataLength))
  }
  if (iSize == 0 || mapData(0) < 0) {
    fail(EUCLEAN, AT_SYMLINK, iOffset)
    return 0
  }
  if (PAGED && iSize > MAX_LINK && mLength >= iSize) {
    // Not worth waiting for.
    fail(inside(mOffset, iSize) ? EUCLEAN : EIO, AT_SYMLINK, iOffset)
    return 0
  }
  const whole = mLength >= iSize || (FULL && iSize <= MAX_LINK && isCompressed())
  const p = whole ? dataSpan(0, iSize, AT_SYMLINK, EIO) : gathered()
  if (!p) return 0
  linkLength = <u32>min(iSize, u32.MAX_VALUE)
  return checkedTarget(p)
}

/** The target at `p`, unless it is none; 0 after `fail`. */
function checkedTarget(p: usize): usize {
  if (p && linkLength <= MAX_LINK && lengthToNul(p, linkLength) == linkLength) return p
  fail(EUCLEAN, AT_SYMLINK, iOffset)
  return 0
}

/** The target copied together, where it lies in several pieces (blocks and an inline tail). */
function gathered(): usize {
  if (iSize > MAX_LINK) {
    fail(EIO, AT_SYMLINK, iOffset)
    return 0
  }
  for (let at: u64 = 0; at < iSize; at += mLength) {
    if (mapData(at) < 0) return 0
    const p = dataSpan(at, mLength, AT_SYMLINK, EIO)
    if (!p) return 0
    copyOut(LINK + <usize>at, p, <usize>mLength)
  }
  return LINK
}

/**
 * Resolves the `length` bytes before the end of the work buffer, beginning at directory `start`. 0: the answer is the
 * decoded inode, the chain holds the directories that lead to it, and the scratch record says whether the walk stopped
 * early. Or -errno.
 */
export function resolvePath(start: u64, length: u32, flags: u32): i32 {
  if (length == 0) return answer(ENOENT)
  if (length >= PATH_MAX) return answer(ENAMETOOLONG)
  let at = END - length
  let depth: u32 = 0
  let links: u32 = 0
  let current = start
  regular = start == image.root
  straight = true
  store<f64>(CHAIN, nidOut(start))
  let r = readInode(start)
  if (r < 0) return r
  while (true) {
    while (at < END && inputByte(at) == SLASH) at++
    if (iNid != current) {
      r = readInode(current)
      if (r < 0) return r
    }
    if (at == END) return done(depth, STOP_NONE, END)
    if (!isDir()) return answer(ENOTDIR)
    const name = at
    while (at < END && inputByte(at) != SLASH) at++
    const n = <u32>(at - name)
    if (inputByte(name) == DOT && (n == 1 || (n == 2 && inputByte(name + 1) == DOT))) {
      if (n == 1) continue
      if (depth == 0 && flags & Q_STOP_ABOVE) return done(0, STOP_ABOVE, name)
      if (depth != 0) depth--
      current = nidIn(ownF64(chainAt(depth)))
      continue
    }
    if (n > EROFS_NAME_LEN) return answer(ENAMETOOLONG)
    r = find(name, n)
    if (r < 0) return r
    r = readFound(flags)
    if (r < 0) return r
    const last = isLast(at)
    if (isLink() && (at < END || flags & Q_FOLLOW)) {
      if (flags & Q_STOP_SYMLINK) return done(depth + 1, STOP_SYMLINK, at)
      if (++links > MAXSYMLINKS && CANARY != NO_LINK_LIMIT) return answer(ELOOP)
      straight = false
      if (CANARY == IN_LOOK_UP && links > 1 && depth > 0) sing()
      const target = linkTarget()
      if (!target) return lastError()
      if (linkLength >= PATH_MAX) return answer(ENAMETOOLONG)
      at -= linkLength
      copyOut(at, target, linkLength)
      if (inputByte(at) == SLASH) {
        depth = 0
        current = image.root
        store<f64>(CHAIN, nidOut(current))
      }
      continue
    }
    if (isDir()) {
      if (inChain(iNid, depth)) return answer(ELOOP)
      regular = regular && leadsOn(current)
      if (last) return done(depth + 1, STOP_NONE, END)
      if (++depth >= MAX_DEPTH) return answer(ENAMETOOLONG)
      current = iNid
      store<f64>(chainAt(depth), nidOut(current))
      continue
    }
    return at == END ? done(depth + 1, STOP_NONE, END) : answer(ENOTDIR)
  }
}

function isLast(at: usize): bool {
  while (at < END && inputByte(at) == SLASH) at++
  return at == END
}
