// Extended attributes: all of an inode's, or one by its name.
// Those of cfs v1 are found in cfs-xattr.ts, and asked for here.
// Follows fs/erofs/xattr.c; stricter where that tolerates a lie (an index that does not exist, a body cut short).
//
//   body at iXattrOffset:  [filter u32][shared count u8][7]  [shared id u32]*  [inline entry]*
//   entry:                 [name length u8][index u8][value length u16] name value, padded to 4

import { BOX_BASE, outside, sameBytes, span, u8At, u16At, u32At } from './bytes'
import { IN_XATTRS, sing } from './canary'
import { getCfsXattr, listCfsXattrs } from './cfs-xattr'
import { image, isCfs } from './image'
import { dataSpan } from './data'
import { iSize, iXattrOffset, iXattrSize, readInode } from './inode'
import {
  AT_XATTR,
  AT_XATTR_PREFIX_TABLE,
  ENODATA,
  EOPNOTSUPP,
  EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX,
  EROFS_FEATURE_COMPAT_XATTR_FILTER,
  EROFS_XATTR_FILTER_SEED,
  EROFS_XATTR_LONG_PREFIX,
  EUCLEAN,
  XATTR_INDEX_MAX,
  XE_E_NAME_INDEX,
  XE_E_NAME_LEN,
  XE_E_VALUE_SIZE,
  XE_SIZE,
  XH_H_NAME_FILTER,
  XH_H_SHARED_COUNT,
  XH_SIZE,
} from './layout'
import { spillIsFull, spillMark, unspill } from './spill'
import { answer, fail, NAME } from './scratch'
import { putValue, putXattr, putXattrPrefix, XATTR_ROOM } from './xattr-answer'
import { xxh32 } from './xxh32'

/** The entry that takeEntry decoded last. */
let xIndex: u32 = 0
let xInfix: usize = 0
let xInfixLength: u32 = 0
let xName: usize = 0
let xNameLength: u32 = 0
let xValue: usize = 0
let xValueLength: u32 = 0

/** The body that openBody checked last. */
let bodyStart: usize = 0
let bodySize: u32 = 0
let sharedCount: u32 = 0

/** Checks the decoded inode's xattr body. Its size, 0 where there is none, or -errno. */
function openBody(): i32 {
  if (iXattrSize == 0) return 0
  if (iXattrSize == XH_SIZE) return fail(EOPNOTSUPP, AT_XATTR, iXattrOffset)
  bodySize = iXattrSize
  bodyStart = span(iXattrOffset, bodySize)
  if (!bodyStart) return outside(AT_XATTR, iXattrOffset, EUCLEAN)
  sharedCount = u8At(bodyStart, XH_H_SHARED_COUNT)
  if (XH_SIZE + (sharedCount << 2) > bodySize) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  return <i32>bodySize
}

/** Decodes the entry at `p`, of which `left` bytes are there. Its padded size, or -errno. */
function takeEntry(p: usize, left: u32): i32 {
  if (left < XE_SIZE) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  xNameLength = u8At(p, XE_E_NAME_LEN)
  xValueLength = u16At(p, XE_E_VALUE_SIZE)
  const size = XE_SIZE + xNameLength + xValueLength
  if (size > left) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  xName = p + XE_SIZE
  xValue = xName + xNameLength
  xIndex = u8At(p, XE_E_NAME_INDEX)
  xInfixLength = 0
  if (xIndex & EROFS_XATTR_LONG_PREFIX) {
    const r = takePrefix(xIndex & ~EROFS_XATTR_LONG_PREFIX)
    if (r < 0) return r
  }
  if (xIndex > XATTR_INDEX_MAX) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  return <i32>min((size + 3) & ~3, left)
}

/** Decodes the shared entry of an id. Its size, or -errno. */
function takeShared(id: u32): i32 {
  const offset = image.xattrOffset + ((<u64>id) << 2)
  const head = span(offset, XE_SIZE)
  if (!head) return outside(AT_XATTR, offset, EUCLEAN)
  const size = XE_SIZE + u8At(head, XE_E_NAME_LEN) + u16At(head, XE_E_VALUE_SIZE)
  const p = span(offset, size)
  return p ? takeEntry(p, size) : outside(AT_XATTR, offset, EUCLEAN)
}

/**
 * Takes base index and infix of a long prefix: the item `wanted` of the table, which lies on the device, in the metabox or in the
 * packed inode's data. The decoded inode is the packed one afterwards. 0 or -errno.
 */
function takePrefix(wanted: u32): i32 {
  if (wanted >= image.prefixCount) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  if (CANARY == IN_XATTRS) sing()
  const plain = (image.featureCompat & EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX) != 0
  const inBox: bool = FULL && !plain && image.boxNid != 0
  const inDevice: bool = plain || inBox || image.packedNid == 0
  if (!inDevice) {
    const r = readInode(image.packedNid)
    if (r < 0) return r
  }
  let at = image.prefixOffset + (inBox ? BOX_BASE : 0)
  for (let i: u32 = 0; i <= wanted; i++) {
    at = (at + 3) & ~3
    const head = tableSpan(at, 2, inDevice)
    const length = head ? u16At(head, 0) : 0
    if (length < 1) return fail(EUCLEAN, AT_XATTR_PREFIX_TABLE, at)
    if (i == wanted) {
      const item = tableSpan(at + 2, length, inDevice)
      if (!item) return outside(AT_XATTR_PREFIX_TABLE, at, EUCLEAN)
      xIndex = u8At(item, 0)
      xInfix = item + 1
      xInfixLength = length - 1
      return 0
    }
    at += 2 + length
  }
  return fail(EUCLEAN, AT_XATTR_PREFIX_TABLE, at)
}

function tableSpan(at: u64, length: u32, inDevice: bool): usize {
  if (inDevice) return span(at, length)
  return at < iSize && length <= iSize - at ? dataSpan(at, length, AT_XATTR_PREFIX_TABLE, EUCLEAN) : 0
}

/**
 * Writes the xattrs of the decoded inode to the table of records, inline ones first, leaving out the first `skip`.
 * Their number (0 at the end), or -errno.
 */
export function listXattrs(skip: u32): i32 {
  if (isCfs) return listCfsXattrs(skip)
  let r = openBody()
  if (r <= 0) return r
  const body = bodyStart
  const size = bodySize
  const shared = sharedCount
  let seen: u32 = 0
  let out: u32 = 0
  for (let at = XH_SIZE + (shared << 2); at < size && out < XATTR_ROOM && !isFull(); seen++) {
    r = takeEntry(body + at, size - at)
    if (r < 0) return r
    if (seen >= skip) putEntry(out++)
    at += r
  }
  for (let i: u32 = 0; i < shared && out < XATTR_ROOM && !isFull(); i++, seen++) {
    if (seen < skip) continue
    r = takeShared(u32At(body, XH_SIZE + (i << 2)))
    if (r < 0) return r
    putEntry(out++)
  }
  return <i32>out
}

/** Is it time to answer with what has been found? (The next call goes on.) */
@inline
function isFull(): bool {
  return SPILLS && spillIsFull()
}

@inline
function putEntry(n: u32): void {
  putXattrPrefix(n, xIndex, xInfix, xInfixLength)
  putXattr(n, xName, xNameLength, xValue, xValueLength)
}

/** Is the entry decoded last the one of base index `index` whose rest of the name stands in NAME? */
function matches(index: u32, length: u32): bool {
  return (
    xIndex == index &&
    xInfixLength + xNameLength == length &&
    sameBytes(xInfix, NAME, xInfixLength) &&
    sameBytes(xName, NAME + xInfixLength, xNameLength)
  )
}

/** Finds an xattr of the decoded inode by base index and the rest of its name in NAME. 0, -ENODATA or -errno. */
export function getXattr(index: u32, length: u32): i32 {
  if (isCfs) return getCfsXattr(index, length)
  let r = openBody()
  if (r < 0) return r
  if (r == 0) return answer(ENODATA)
  const body = bodyStart
  const size = bodySize
  const shared = sharedCount
  if (image.featureCompat & EROFS_FEATURE_COMPAT_XATTR_FILTER && image.filterReserved == 0) {
    const bit = xxh32(NAME, length, EROFS_XATTR_FILTER_SEED + index) & 31
    if ((u32At(body, XH_H_NAME_FILTER) >> bit) & 1) return answer(ENODATA)
  }
  for (let at = XH_SIZE + (shared << 2); at < size; ) {
    const mark = SPILLS ? spillMark() : 0
    r = takeEntry(body + at, size - at)
    if (r < 0) return r
    if (matches(index, length)) return putValue(xValue, xValueLength)
    if (SPILLS) unspill(mark)
    at += r
  }
  for (let i: u32 = 0; i < shared; i++) {
    const mark = SPILLS ? spillMark() : 0
    r = takeShared(u32At(body, XH_SIZE + (i << 2)))
    if (r < 0) return r
    if (matches(index, length)) return putValue(xValue, xValueLength)
    if (SPILLS) unspill(mark)
  }
  return answer(ENODATA)
}

/** What the pieces of an inode's xattrs are read from: its body, checked as far as its shared ids. 0 for none, or -errno. */
export function xattrBody(): i32 {
  return openBody()
}

/** Ids of shared entries in the body that xattrBody checked. */
@inline
export function sharedIds(): u32 {
  return sharedCount
}

/** The id of shared entry `i` of a body at `body`. */
@inline
export function sharedId(body: usize, i: u32): u32 {
  return u32At(body, XH_SIZE + (i << 2))
}

@inline
export function xattrBodyStart(): usize {
  return bodyStart
}

/** Checks the inline entry at byte `at` of a body of `size` bytes. Its padded size, or -errno. */
export function inlineEntry(body: usize, at: u32, size: u32): i32 {
  return takeEntry(body + at, size - at)
}

/** Checks the shared entry of an id. Its size with the padding behind it, or -errno. */
export function sharedEntry(id: u32): i32 {
  const r = takeShared(id)
  return r < 0 ? r : <i32>((XE_SIZE + xNameLength + xValueLength + 3) & ~3)
}

/** Byte offset in the image of the shared entry of an id. */
@inline
export function sharedOffset(id: u32): u64 {
  return image.xattrOffset + ((<u64>id) << 2)
}
