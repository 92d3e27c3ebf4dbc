// The core's exports: one function per question. Each takes an image handle, answers >= 0 or -errno, and leaves details
// in the scratch record and the table of records (src/format/structs.ts: SCRATCH, RECORD, XATTR_RECORD).
// nids cross as f64, those of the metabox as negative ones (inode.ts).

import { addFrame, addPieces } from './anatomy'
import { openBox } from './box'
import { beginCall, lengthToZeros, settled, span, zerosBefore } from './bytes'
import { putCtime, putDetails } from './cfs-details'
import { addBlockEntries, blockFits, countBlocks, find, resume, takeBlock, writeBlock } from './directory'
import { beginRecords, dropNames, endRecords, namesMark, readFound } from './entries'
import { IMAGE_HEAD, image, isCfs, openImage, setDevices, setPages, use } from './image'
import { isCompressed } from './data'
import { extentAt, mapPiece } from './data-answer'
import { iNid, iOffset, isDir, putInode, putName, readCfsInode, readInode } from './inode'
import { nidIn, nidOut } from './nid'
import {
  AT_INODE,
  AT_SUPERBLOCK,
  EINVAL,
  ENAMETOOLONG,
  ENOTDIR,
  EOPNOTSUPP,
  EROFS_SUPER_OFFSET,
  EUCLEAN,
  PATH_MAX,
  REC_SIZE,
  SB_ROOTNID_2B,
  SCR_BOX_SIZE,
  SCR_COOKIE,
  SCR_DATA,
  SCR_DATA_LEN,
  SCR_DIRECTORY,
} from './layout'
import { dropPage, findPage, MISSES, putPage } from './pages'
import { lookupDirectory, lookupPath } from './dcache'
import { clearWidths, fitWidths, writeLines } from './listing'
import { linkLength, linkTarget, resolvePath } from './path'
import { beginPieces, pieceCount } from './pieces'
import { missed } from './spill'
import { answer, CHAIN, fail, lastError, MAX_RECORDS, NAME, NAMES, PATH, RECORDS, SCRATCH, WORK, WORK_BYTES } from './scratch'
import { beginWalk, growWalk, nextRecords, WALK_HEAD } from './walk'
import { getXattr, listXattrs } from './xattr'

/** Addresses and sizes of the fixed areas. */
export const scratch: usize = SCRATCH
export const records: usize = RECORDS
export const maxRecords: u32 = MAX_RECORDS
export const name: usize = NAME
export const names: usize = NAMES
export const path: usize = PATH
export const chain: usize = CHAIN
/** Of a paged image: ranges of pages that the last call has missed. */
export const misses: usize = MISSES
export const imageHead: usize = IMAGE_HEAD
export const walkHead: u32 = WALK_HEAD
/** Handle of an image of no bytes: what is asked of a closed image is asked of it, and nothing can be found there. */
export const closed: usize = memory.data(<i32>IMAGE_HEAD, 64)

/** First byte that the loader may give to images. */
export const heap: usize = __heap_base

/** Bytes of the image, or of the metabox, as they are: their address. */
export function peek(handle: usize, at: f64, length: f64): i32 {
  use(handle)
  if (!(at >= 0 && length >= 0)) return answer(EINVAL)
  const p = span(<u64>at, <u64>length)
  if (!p && missed == 0) return answer(EINVAL)
  store<u32>(SCRATCH + SCR_DATA, <u32>p)
  return settled(0)
}

@inline
function put(flags: u32): i32 {
  putInode(RECORDS, flags)
  putName(RECORDS, RECORDS, 0)
  if (isCfs) putCtime()
  return 0
}

/** Checks the image of `size` bytes behind a handle; the root must be a directory. */
export function open(handle: usize, size: f64): i32 {
  return settled(openRoot(handle, <u64>size))
}

function openRoot(handle: usize, size: u64): i32 {
  let r = openImage(handle, size)
  if (r < 0) return r
  if (FULL && image.boxNid != 0) {
    r = openBox()
    if (r < 0) return r
    store<f64>(SCRATCH + SCR_BOX_SIZE, <f64>image.boxSize)
  }
  r = readInode(image.root)
  if (r < 0) return r
  if (isDir()) return 0
  if (isCfs) return fail(EUCLEAN, AT_INODE, iOffset)
  return fail(EINVAL, AT_SUPERBLOCK, EROFS_SUPER_OFFSET + SB_ROOTNID_2B)
}

/** Forgets an image whose memory is about to be given back. */
export function close(handle: usize): void {
  if (changetype<usize>(image) == handle) use(0)
}

/** Makes the image behind a handle, not open yet, one of pages. */
export function pagesInit(handle: usize, table: usize, mask: u32, used: usize, frames: usize, bits: u32): void {
  if (PAGED) setPages(handle, table, mask, used, frames, bits)
}

/** Gives an image, not open yet, `count` further devices. */
export function devices(handle: usize, at: usize, count: u32, primary: f64): void {
  if (FULL) setDevices(handle, at, count, <u64>primary)
}

/** Frame of a page; -1 where it is not here. */
export function pagesFind(handle: usize, page: f64): i32 {
  if (!PAGED) return -1
  use(handle)
  return findPage(<u64>page)
}

/** Says that a page, which was not here, lies in a frame now. */
export function pagesPut(handle: usize, page: f64, frame: u32): void {
  if (!PAGED) return
  use(handle)
  putPage(<u64>page, frame)
}

/** Says that a page, which is here, is so no longer. */
export function pagesDrop(handle: usize, page: f64): void {
  if (!PAGED) return
  use(handle)
  dropPage(<u64>page)
}

/** Record of one inode. */
export function stat(handle: usize, nid: f64): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : put(0))
}

/** Record of the entry in directory `nid` whose name is the first `length` bytes of `name`. */
export function lookup(handle: usize, nid: f64, length: u32, flags: u32): i32 {
  use(handle)
  let r = readInode(nidIn(nid))
  if (r < 0) return settled(r)
  if (!isDir()) return answer(ENOTDIR)
  r = find(NAME, length)
  if (r >= 0) r = readFound(flags)
  return settled(r < 0 ? r : put(0))
}

/** Record of what the `length` bytes at `path` lead to from directory `nid`. */
export function resolve(handle: usize, nid: f64, length: u32, flags: u32): i32 {
  use(handle)
  if (length >= PATH_MAX) return answer(ENAMETOOLONG)
  memory.copy(WORK + WORK_BYTES - length, PATH, length)
  const r = resolvePath(nidIn(nid), length, flags)
  return settled(r < 0 ? r : put(0))
}

/** Record of what the `length` bytes at `path` lead to from the root. */
export function statPath(handle: usize, length: u32, flags: u32): i32 {
  use(handle)
  const r = lookupPath(length, flags)
  return settled(r < 0 ? r : put(0))
}

/** Records of the entries of a directory from block `cookie` on; the scratch cookie is -1 after the last one. */
export function readdir(handle: usize, nid: f64, cookie: f64, flags: u32): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : list(<u64>cookie, flags))
}

/** The same for the directory that the `length` bytes at `path` lead to, from its start; its nid is in the scratch record. */
export function readdirPath(handle: usize, length: u32, flags: u32): i32 {
  use(handle)
  const r = lookupDirectory(length, flags)
  if (r < 0 || (SPILLS && missed != 0)) return settled(r)
  store<f64>(SCRATCH + SCR_DIRECTORY, nidOut(iNid))
  return settled(list(0, flags))
}

/** Writes the records of the decoded directory from a block on. */
function list(from: u64, flags: u32): i32 {
  if (!isDir()) return answer(ENOTDIR)
  const nid = iNid
  let block = from
  const blocks = countBlocks()
  if (block > blocks) return answer(EINVAL)
  let r = resume(block)
  if (r < 0) return r
  let count: u32 = 0
  beginRecords()
  for (; block < blocks; block++) {
    if (count != 0) {
      r = readInode(nid)
      if (r < 0) return r
    }
    r = takeBlock(block)
    if (SPILLS && missed != 0 && count != 0) {
      beginCall()
      break
    }
    if (r < 0) return r
    if (!blockFits(count)) break
    const names = SPILLS ? namesMark() : 0
    r = writeBlock(RECORDS + count * REC_SIZE, flags)
    if (r < 0) return r
    // Of the first block nothing is good yet: a second one must not make it look so.
    if (SPILLS && missed != 0 && count == 0) return r
    if (SPILLS && missed != 0) {
      // The blocks before are good, and may be all that has room at once.
      dropNames(names)
      beginCall()
      break
    }
    count += r
  }
  endRecords()
  store<f64>(SCRATCH + SCR_COOKIE, block < blocks ? <f64>block : -1)
  return <i32>count
}

/** Target of a symlink: its address and length. */
export function readlink(handle: usize, nid: f64): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  if (r < 0) return settled(r)
  const p = linkTarget()
  if (!p) return settled(lastError())
  store<u32>(SCRATCH + SCR_DATA, <u32>p)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>linkLength)
  return settled(0)
}

/**
 * The piece of an inode's data at byte `at`: its address (0: zeros) and length. 1 at or after the end. Of a paged image it is
 * the piece on one page; where that is not here, `most` bytes are said to be wanted.
 */
export function map(handle: usize, nid: f64, at: f64, most: f64): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : mapPiece(<u64>at, <u64>most))
}

/**
 * Where the piece of an inode's data at byte `at` lies in the image: byte offset (-1: zeros) and length; of one that is compressed
 * where that begins which it is part of, and how many bytes that takes. 1 at or after the end.
 */
export function extent(handle: usize, nid: f64, at: f64): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : extentAt(<u64>at))
}

/** What a record can't hold of an inode of cfs v1: payload, digest, ctime. EINVAL for other formats. */
export function details(handle: usize, nid: f64): i32 {
  use(handle)
  if (!isCfs) return answer(EINVAL)
  const r = readCfsInode(nidIn(nid))
  return r < 0 ? r : putDetails()
}

/** xattr records of an inode, without the first `skip`. */
export function listxattr(handle: usize, nid: f64, skip: u32): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : listXattrs(skip))
}

/** Value of the xattr with a base index and, in `name`, `length` bytes of further name. */
export function getxattr(handle: usize, nid: f64, index: u32, length: u32): i32 {
  use(handle)
  const r = readInode(nidIn(nid))
  return settled(r < 0 ? r : getXattr(index, length))
}

/**
 * Where the parts of an inode lie, as pieces; from byte `at` of its data on only those of data, where that is not 0. Their
 * number; the scratch cookie is the byte to go on with, -1 at the end.
 */
export function pieces(handle: usize, nid: f64, at: f64, flags: u32): i32 {
  use(handle)
  beginPieces()
  const r = readInode(nidIn(nid))
  if (r == 0) addPieces(<u64>at, flags)
  return settled(r < 0 ? r : <i32>pieceCount)
}

/** The same of what belongs to no inode; the nids of the inodes without a name are left (anatomy.ts). */
export function framePieces(handle: usize): i32 {
  use(handle)
  beginPieces()
  addFrame()
  return settled(<i32>pieceCount)
}

/** The entries of block `block` of a directory, as pieces; the scratch cookie is the number of blocks. */
export function direntPieces(handle: usize, nid: f64, block: f64): i32 {
  use(handle)
  beginPieces()
  let r = readInode(nidIn(nid))
  if (r < 0) return settled(r)
  if (!isDir()) return answer(ENOTDIR)
  // Its entries are at no byte of the image.
  if (FULL && isCompressed()) return answer(EOPNOTSUPP)
  const blocks = countBlocks()
  store<f64>(SCRATCH + SCR_COOKIE, <f64>blocks)
  if (!(block >= 0 && block < <f64>blocks)) return settled(0)
  r = takeBlock(<u64>block)
  if (r == 0) addBlockEntries()
  return settled(r < 0 ? r : <i32>pieceCount)
}

/**
 * Of the bytes `from`…`to` of a resident image: where the first one stands that is not zero (the cookie; `to` where all are),
 * and where those after the last such one begin.
 */
export function zeros(handle: usize, from: f64, to: f64): i32 {
  use(handle)
  if (PAGED || !(from >= 0 && to >= from)) return answer(EINVAL)
  const length = <usize>(to - from)
  const p = span(<u64>from, length)
  if (!p) return answer(EINVAL)
  const first = zerosBefore(p, length)
  store<f64>(SCRATCH + SCR_COOKIE, from + <f64>first)
  store<f64>(SCRATCH + SCR_DATA_LEN, from + <f64>(first == length ? first : lengthToZeros(p, length)))
  return 0
}

/** Forgets the widths of a listing's columns. */
export function longClear(withAcls: u32): void {
  clearWidths(withAcls != 0)
}

/** Makes the columns wide enough for records of the table. */
export function longFit(handle: usize, from: u32, to: u32): void {
  use(handle)
  fitWidths(from, to)
}

/** Lines of records of the table: the index of the first one without; where they are is in the scratch record. */
export function longWrite(handle: usize, from: u32, to: u32): u32 {
  use(handle)
  return writeLines(from, to)
}

/** The three in one, for records that are a whole directory. */
export function longWhole(handle: usize, withAcls: u32, from: u32, to: u32): u32 {
  use(handle)
  clearWidths(withAcls != 0)
  fitWidths(from, to)
  return writeLines(from, to)
}

/** Begins a walk below directory `nid` in zeroed memory at `at`. */
export function walkBegin(at: usize, bitBytes: u32, room: u32, nid: f64): void {
  beginWalk(at, bitBytes, room, nidIn(nid))
}

export function walkGrow(from: usize, to: usize, bitBytes: u32, room: u32): void {
  growWalk(from, to, bitBytes, room)
}

/** The next records of a walk. */
export function walkNext(handle: usize, at: usize, flags: u32): i32 {
  use(handle)
  beginRecords()
  const r = nextRecords(at, flags)
  endRecords()
  return r > 0 ? r : settled(r)
}
