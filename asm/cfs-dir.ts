// Directories of cfs v1: looking up a name, and writing out entries as records. Follows section 4.4 of the project's
// spec; like dir.ts it also refuses names out of order, names with a NUL, and types that are not the inode's.
//
//   chunk:  [n u32]  [inode u32, name offset u32, name length u8, type u8, 0 u16] * n  names
//
// A chunk has any number of entries, so it is read as blocks of BLOCK of them: what one call can always answer.

import {
  comesBefore,
  compareNames,
  NAME_ASCII,
  NAME_BAD,
  nameClass,
  offsetOf,
  outside,
  sameBytes,
  span,
  u8At,
  u32At,
} from './bytes'
import { IN_CFS_WALK } from './canary'
import { BAD_TYPE, emitEntry, haveRoom, isDots, keepNames, notAllAscii, setFound } from './entries'
import { image } from './image'
import { iData, iDataLength, iNid, putName, readInode } from './inode'
import {
  AT_DIRECTORY,
  AT_DIRECTORY_ENTRY,
  C1D_D_TYPE,
  C1D_INODE_NUM,
  C1D_NAME_LEN,
  C1D_NAME_OFFSET,
  C1D_SIZE,
  C1H_N_DIRENTS,
  C1H_SIZE,
  ENOENT,
  EROFS_NAME_LEN,
  EUCLEAN,
  K_DIRENT,
  REC_SIZE,
  RF_ASCII,
} from './layout'
import { addPiece, leftOut } from './pieces'
import { answer, fail } from './scratch'

/** Entries of a block: their names, of 255 bytes each, fit into the table of records. */
const BLOCK: u32 = 512

/** The chunk that openChunk checked last: its entries, their number, the names behind them and their length. */
let cEntries: usize = 0
let cCount: u32 = 0
let cNames: usize = 0
let cNamesLength: u32 = 0

/** The current block: its first entry, and its number of entries. */
let bFirst: u32 = 0
let bCount: u32 = 0

/** The entry that nameOf read last. */
let eName: usize = 0
let eLength: u32 = 0

/** The last name of the block before, for the check of their order; 0 before the first. */
let lastName: usize = 0
let lastLength: u32 = 0

/** Checks the chunk of the decoded directory. 0 or -errno. */
function openChunk(): i32 {
  cCount = 0
  if (iDataLength == 0) return 0
  const p = span(iData, iDataLength)
  if (!p) return outside(AT_DIRECTORY, iData, EUCLEAN)
  if (iDataLength < C1H_SIZE) return fail(EUCLEAN, AT_DIRECTORY, iData)
  const count = u32At(p, C1H_N_DIRENTS)
  const table = C1H_SIZE + <u64>count * C1D_SIZE
  if (count == 0 || table > iDataLength) return fail(EUCLEAN, AT_DIRECTORY, iData)
  cEntries = p + C1H_SIZE
  cCount = count
  cNames = p + <usize>table
  cNamesLength = iDataLength - <u32>table
  return 0
}

/** Finds where the name of entry `k` lies. 0 or -errno. */
@inline
function nameOf(k: u32): i32 {
  const entry = cEntries + k * C1D_SIZE
  const from = u32At(entry, C1D_NAME_OFFSET)
  eLength = u8At(entry, C1D_NAME_LEN)
  if (eLength == 0 || from >= cNamesLength || eLength > cNamesLength - from) {
    return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
  }
  eName = cNames + from
  return 0
}

/** S_IFMT bits of a DT_*; 0 for unknown. Both have the same numbers. */
@inline
function modeOfType(type: u32): u32 {
  // A bit for each: unknown, FIFO, CHR, DIR, BLK, REG, LNK, SOCK.
  return type <= 12 && ((0b1_0101_0101_0111 >> type) & 1) != 0 ? type << 12 : BAD_TYPE
}

/** Where the last name was found, since who asks for one often asks for the next one then. Only a guess, as in dir.ts. */
let guessImage: u32 = 0
let guessNid: u64 = 0
let guessIndex: u32 = 0

function takeFound(k: u32): i32 {
  const entry = cEntries + k * C1D_SIZE
  setFound(u32At(entry, C1D_INODE_NUM), modeOfType(u8At(entry, C1D_D_TYPE)))
  guessImage = image.number
  guessNid = iNid
  guessIndex = k
  return 0
}

/** Looks a name up in the decoded directory: 0, -ENOENT or -errno. */
export function findInChunk(name: usize, length: u32): i32 {
  let r = openChunk()
  if (r < 0) return r
  const next = guessIndex + 1
  if (guessNid == iNid && guessImage == image.number && next < cCount) {
    if (nameOf(next) == 0 && compareNames(name, length, eName, eLength) == 0) return takeFound(next)
  }
  let low: i64 = 0
  let high = <i64>cCount - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    r = nameOf(<u32>middle)
    if (r < 0) return r
    const order = compareNames(name, length, eName, eLength)
    if (order == 0) return takeFound(<u32>middle)
    if (order > 0) low = middle + 1
    else high = middle - 1
  }
  return answer(ENOENT)
}

/** The same for directory `nid`, which need not be the decoded inode. */
export function findInCfs(nid: u64, name: usize, length: u32): i32 {
  const r = readInode(nid)
  return r < 0 ? r : findInChunk(name, length)
}

/**
 * Blocks of the decoded directory, as far as its chunk has room for their entries. What the chunk says itself is looked
 * at in openCfsBlock; a chunk that is too short for one entry still has a block, which is then refused.
 */
export function cfsBlockCount(): u64 {
  if (iDataLength == 0) return 0
  return openChunk() < 0 ? 1 : (<u64>cCount + BLOCK - 1) / BLOCK
}

/** Makes block `b` of the decoded directory the current one. 0 or -errno. */
export function openCfsBlock(b: u64): i32 {
  const r = openChunk()
  if (r < 0) return r
  bFirst = <u32>b * BLOCK
  if (bFirst >= cCount) return fail(EUCLEAN, AT_DIRECTORY, iData)
  bCount = min(BLOCK, cCount - bFirst)
  return 0
}

/** Takes up the order of names at block `b`, as resumeDirectory of dir.ts. 0 or -errno. */
export function resumeCfsDirectory(b: u64): i32 {
  lastName = 0
  if (b == 0) return 0
  let r = openCfsBlock(b - 1)
  if (r < 0) return r
  r = nameOf(bFirst + bCount - 1)
  if (r < 0) return r
  lastName = eName
  lastLength = eLength
  return 0
}

/** Have the current block's entries and names room behind `count` records? */
@inline
export function fitsCfs(count: u32): bool {
  return haveRoom(count, bCount, bCount * EROFS_NAME_LEN)
}

/** Entries of the current block. */
@inline
export function cfsEntryCount(): u32 {
  return bCount
}

/** Checks the current block and writes its entries to `rec`, as emitBlock of dir.ts. Their number, or -errno. */
export function emitCfsBlock(rec: usize, flags: u32): i32 {
  let out = rec
  // Reading inodes decodes another one, but what is known of the chunk stays.
  for (let k = bFirst, end = bFirst + bCount; k < end; k++) {
    const r = nameOf(k)
    if (r < 0) return r
    const entry = cEntries + k * C1D_SIZE
    const kind = nameClass(eName, eLength)
    const mode = modeOfType(u8At(entry, C1D_D_TYPE))
    if (kind == NAME_BAD || isDots(eName, eLength) || mode == BAD_TYPE) {
      return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
    }
    const unordered = CANARY == IN_CFS_WALK && lastLength > eLength && sameBytes(lastName, eName, eLength)
    if (lastName != 0 && !unordered && !comesBefore(lastName, lastLength, eName, eLength)) {
      return fail(EUCLEAN, AT_DIRECTORY_ENTRY, offsetOf(entry))
    }
    lastName = eName
    lastLength = eLength
    if (!emitEntry(out, u32At(entry, C1D_INODE_NUM), mode, flags, kind == NAME_ASCII ? RF_ASCII : 0)) continue
    if (kind != NAME_ASCII) notAllAscii()
    keepNames(eName, eName + eLength)
    putName(out, eName, eLength)
    out += REC_SIZE
  }
  return <i32>((out - rec) / REC_SIZE)
}

/** Adds the entries of the current block as pieces, as far as they are good. */
export function addCfsDirents(): void {
  for (let k = bFirst, end = bFirst + bCount; k < end; k++) {
    const r = nameOf(k)
    if (r < 0) return leftOut(r)
    addPiece(K_DIRENT, offsetOf(cEntries + k * C1D_SIZE), C1D_SIZE, offsetOf(eName), eLength)
  }
}
