// Directories of EROFS: looking up a name, and writing out entries as records. Not here: those of cfs v1 (cfs-dir.ts),
// and which of the two an image has (directory.ts).
// Follows erofs_namei and erofs_readdir (fs/erofs/namei.c, dir.c), but refuses what those accept in silence.
//
//   block:  [dirent 12] * k  [name 0][name 1]…[name k-1]  zeros     k = nameoff of dirent 0 / 12

import { comesBefore, compareNames, lengthToNul, NAME_ASCII, NAME_BAD, nameClass, offsetOf, u8At, u16At, u64At } from './bytes'
import { ENDLESS, IN_WALK, sing } from './canary'
import { BAD_TYPE, emitEntry, foundNid, haveRoom, isDots, keepNames, notAllAscii, setFound } from './entries'
import { image } from './image'
import { dataSpan } from './data'
import { iNid, iSize, putName, readInode } from './inode'
import {
  AT_DIRECTORY,
  AT_DIRECTORY_ENTRY,
  DE_FILE_TYPE,
  DE_NAMEOFF,
  DE_NID,
  DE_SIZE,
  ENOENT,
  EROFS_FT_MAX,
  EROFS_NAME_LEN,
  EUCLEAN,
  K_DIRENT,
  REC_SIZE,
  RF_ASCII,
  RF_FTYPE_SHIFT,
} from './layout'
import { addPiece, leftOut } from './pieces'
import { answer, fail, lastError, ownU32, ownU64 } from './scratch'
import { isSpilt } from './spill'

/** The directory block that openBlock checked last: its bytes, its length, its number of entries. */
let bStart: usize = 0
let bLength: u32 = 0
let bCount: u32 = 0

/** The entry that nameOf read last. */
let eName: usize = 0
let eLength: u32 = 0

/** The last name of the block before, for the check of their order; 0 before the first. */
let lastName: usize = 0
let lastLength: u32 = 0

@inline
export function blockCount(): u64 {
  return (iSize + (<u64>1 << image.blkszbits) - 1) >> image.blkszbits
}

/** Makes block `b` of the decoded directory the current one. 0 or -errno. */
export function openBlock(b: u64): i32 {
  const offset = b << image.blkszbits
  const length = min(<u64>1 << image.blkszbits, iSize - offset)
  const p = dataSpan(offset, length, AT_DIRECTORY, EUCLEAN)
  if (!p) return lastError()
  if (length < DE_SIZE) return fail(EUCLEAN, AT_DIRECTORY, offsetOf(p))
  const first = u16At(p, DE_NAMEOFF)
  if (first < DE_SIZE || first >= <u32>length || first % DE_SIZE != 0) return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(p))
  bStart = p
  bLength = <u32>length
  bCount = first / DE_SIZE
  return 0
}

/** Finds where the name of entry `k` lies. 0 or -errno. */
@inline
function nameOf(k: u32): i32 {
  const entry = bStart + k * DE_SIZE
  const from = u16At(entry, DE_NAMEOFF)
  const table = bCount * DE_SIZE
  let to = bLength
  if (k + 1 < bCount) to = u16At(entry, DE_SIZE + DE_NAMEOFF)
  if (from < table || from >= to || to > bLength) return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
  eName = bStart + from
  eLength = k + 1 < bCount ? to - from : lengthToNul(eName, min(to - from, EROFS_NAME_LEN + 1))
  if (eLength - 1 >= EROFS_NAME_LEN) return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
  return 0
}

/** S_IFMT bits of an EROFS_FT_*: REG, DIR, CHR, BLK, FIFO, SOCK, LNK; 0 for unknown. */
@inline
function modeOfType(type: u32): u32 {
  // One nibble (mode >> 12) per type, unknown first.
  return ((0xac162480 >> (type << 2)) & 0xf) << 12
}

@inline
function takeEntry(k: u32): void {
  const entry = bStart + k * DE_SIZE
  const type = u8At(entry, DE_FILE_TYPE)
  setFound(u64At(entry, DE_NID), type > EROFS_FT_MAX ? BAD_TYPE : modeOfType(type))
}

/**
 * Where the last name was found in some directories, since who asks for one name often asks for the next one then.
 * Only a guess: the entry that stands there is compared like any other.
 *
 *   { image u32, index u32, nid u64, block's start u32, length u32, entries u32, 0 }
 */
const GUESS_SIZE: usize = 32
const GUESS_BITS: u32 = 7
const GUESSES: usize = memory.data(<i32>(32 << 7), 32)

@inline
function guessOf(nid: u64): usize {
  return GUESSES + <usize>((<u32>nid * 0x9e3779b1) >> (32 - GUESS_BITS)) * GUESS_SIZE
}

@inline
function takeFound(nid: u64, k: u32): i32 {
  takeEntry(k)
  // What was put together for this call is gone with it.
  if (SPILLS && isSpilt(bStart)) return 0
  const guess = guessOf(nid)
  store<u32>(guess, image.number)
  store<u32>(guess, k, 4)
  store<u64>(guess, nid, 8)
  store<u32>(guess, <u32>bStart, 16)
  store<u32>(guess, bLength, 20)
  store<u32>(guess, bCount, 24)
  return 0
}

/** Is the entry of directory `nid` after the one found last the one wanted? Then foundNid and foundType are its. */
function guessed(nid: u64, name: usize, length: u32): bool {
  // A page may have come and gone since.
  if (PAGED) return false
  const guess = guessOf(nid)
  if (ownU64(guess + 8) != nid || ownU32(guess) != image.number) return false
  const k = ownU32(guess + 4) + 1
  bCount = ownU32(guess + 24)
  if (k >= bCount) return false
  bStart = <usize>ownU32(guess + 16)
  bLength = ownU32(guess + 20)
  if (nameOf(k) < 0 || compareNames(name, length, eName, eLength) != 0) return false
  takeEntry(k)
  store<u32>(guess, k, 4)
  return true
}

/** Finds a name of directory `nid`, which need not be the decoded inode. 0, -ENOENT or -errno. */
export function findIn(nid: u64, name: usize, length: u32): i32 {
  if (guessed(nid, name, length)) return 0
  const r = readInode(nid)
  return r < 0 ? r : findEntry(name, length)
}

/** Looks a name up in the decoded directory: foundNid and foundType, or -ENOENT, or -errno. */
export function findEntry(name: usize, length: u32): i32 {
  let low: i64 = 0
  let high = <i64>blockCount() - 1
  let block: i64 = -1
  while (low <= high) {
    const middle = (low + high) >> 1
    let r = openBlock(<u64>middle)
    if (r < 0) return r
    r = nameOf(0)
    if (r < 0) return r
    const order = compareNames(name, length, eName, eLength)
    if (order == 0) return takeFound(iNid, 0)
    if (order > 0) {
      block = middle
      low = middle + 1
    } else {
      high = middle - 1
    }
  }
  if (block < 0) return answer(ENOENT)
  const r = openBlock(<u64>block)
  return r < 0 ? r : findInBlock(name, length)
}

function findInBlock(name: usize, length: u32): i32 {
  let low: i32 = 1
  let high = <i32>bCount - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const r = nameOf(<u32>middle)
    if (CANARY == ENDLESS && r < 0) sing()
    if (r < 0) return r
    const order = compareNames(name, length, eName, eLength)
    if (order == 0) return takeFound(iNid, <u32>middle)
    if (order > 0) low = middle + 1
    else high = middle - 1
  }
  return answer(ENOENT)
}

const DOTDOT: usize = memory.data<u8>([0x2e, 0x2e, 0, 0, 0, 0, 0, 0], 8)

/**
 * Does the decoded directory name that one as its parent? False for the root and where it names itself, too: then no
 * chain of such directories comes back to where it began.
 */
export function parentIs(nid: u64): bool {
  if (iNid == nid || iNid == image.root || iSize == 0 || openBlock(0) < 0) return false
  // `..` is second, or first where `.` is left out, but for names that begin with a byte below the dot.
  for (let k: u32 = 0; k < 2 && k < bCount; k++) {
    if (nameOf(k) < 0) return false
    if (compareNames(eName, eLength, DOTDOT, 2) == 0) return u64At(bStart + k * DE_SIZE, DE_NID) == nid
  }
  return findEntry(DOTDOT, 2) == 0 && foundNid == nid
}

/**
 * Takes up the order of names at block `b` of the decoded directory, of which the blocks before were read by an earlier
 * call. 0 or -errno.
 */
export function resumeDirectory(b: u64): i32 {
  lastName = 0
  if (b == 0) return 0
  let r = openBlock(b - 1)
  if (r < 0) return r
  r = nameOf(bCount - 1)
  if (r < 0) return r
  lastName = eName
  lastLength = eLength
  return 0
}

/** Have the current block's entries and names room behind `count` records? */
@inline
export function fits(count: u32): bool {
  return haveRoom(count, bCount, bLength)
}

/** Entries of the current block. */
@inline
export function entryCount(): u32 {
  return bCount
}

/**
 * Checks the whole current block and writes its entries, without `.` and `..`, to `rec`; with Q_STAT their inodes are
 * read, otherwise only the nid, the type and the name are given. The names are also copied together, so that the whole
 * table's can be decoded at once. Answers the entries' number, or -errno.
 * The decoded inode is another one afterwards where inodes were read.
 */
export function emitBlock(rec: usize, flags: u32): i32 {
  const start = bStart
  const last = bCount - 1
  let r = nameOf(last)
  if (r < 0) return r
  const table = bCount * DE_SIZE
  const area = start + table
  const areaLength = <u32>(eName - area) + eLength
  const kind = nameClass(area, areaLength)
  if (kind == NAME_BAD) return fail(EUCLEAN, AT_DIRECTORY, offsetOf(start))
  if (kind != NAME_ASCII) notAllAscii()
  let run = area
  let out = rec
  let from = table
  for (let k: u32 = 0; k <= last; k++) {
    const entry = start + k * DE_SIZE
    const to = k < last ? u16At(entry, DE_SIZE + DE_NAMEOFF) : table + areaLength
    const type = u8At(entry, DE_FILE_TYPE)
    const name = start + from
    const length = to - from
    if (to <= from || to > table + areaLength || length > EROFS_NAME_LEN || type > EROFS_FT_MAX) {
      return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
    }
    const unordered = CANARY == IN_WALK && k == 0
    if (lastName != 0 && !unordered && !comesBefore(lastName, lastLength, name, length)) {
      return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
    }
    lastName = name
    lastLength = length
    from = to
    const ascii = kind == NAME_ASCII || nameClass(name, length) == NAME_ASCII
    const recFlags = (ascii ? RF_ASCII : 0) | (type << RF_FTYPE_SHIFT)
    if (isDots(name, length) || !emitEntry(out, u64At(entry, DE_NID), modeOfType(type), flags, recFlags)) {
      keepNames(run, name)
      run = name + length
      continue
    }
    putName(out, name, length)
    out += REC_SIZE
  }
  keepNames(run, area + areaLength)
  return <i32>((out - rec) / REC_SIZE)
}

/** Adds the entries of the current block as pieces, as far as they are good. */
export function addDirents(): void {
  const start = offsetOf(bStart)
  for (let k: u32 = 0; k < bCount; k++) {
    const r = nameOf(k)
    if (r < 0) return leftOut(r)
    addPiece(K_DIRENT, start + k * DE_SIZE, DE_SIZE, start + (eName - bStart), eLength)
  }
}
