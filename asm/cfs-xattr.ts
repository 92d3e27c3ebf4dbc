// Extended attributes of cfs v1. Follows section 4.5 of the project's spec: names are stored whole, and are given with
// base index 0; who asks for one may split its name as EROFS does.
//
//   chunk:  [n u16]  [key length u16, value length u16] * n  key value key value …

import { outside, sameBytes, span, u8At, u16At } from './bytes'
import { IN_CFS_XATTRS } from './canary'
import { iXattrOffset, iXattrSize } from './inode'
import { AT_XATTR, C1X_KEY_LENGTH, C1X_SIZE, C1X_VALUE_LENGTH, C1A_N_ATTR, C1A_SIZE, ENODATA, EUCLEAN } from './layout'
import { answer, fail, NAME } from './scratch'
import { putValue, putXattr, putXattrPrefix, XATTR_ROOM } from './xattr-answer'

/** Most bytes of a key. */
const KEY_MAX: u32 = 255

/** The element that nextElement decoded last. */
let xKey: usize = 0
let xKeyLength: u32 = 0
let xValue: usize = 0
let xValueLength: u32 = 0

/** The chunk that openChunk checked last, the next element, and where its key must be. */
let cStart: usize = 0
let cCount: u32 = 0
let cNext: u32 = 0
let cAt: u32 = 0

/** Checks the decoded inode's xattr chunk. Its number of elements, 0 without one, or -errno. */
function openChunk(): i32 {
  if (iXattrSize == 0) return 0
  cStart = span(iXattrOffset, iXattrSize)
  if (!cStart) return outside(AT_XATTR, iXattrOffset, EUCLEAN)
  cCount = u16At(cStart, C1A_N_ATTR)
  cNext = 0
  cAt = C1A_SIZE + cCount * C1X_SIZE
  if (cCount == 0 || cAt > iXattrSize) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  return <i32>cCount
}

/** Decodes the next element. 0 or -errno. */
function nextElement(): i32 {
  const element = cStart + C1A_SIZE + cNext++ * C1X_SIZE
  xKeyLength = u16At(element, C1X_KEY_LENGTH)
  xValueLength = u16At(element, C1X_VALUE_LENGTH)
  if (xKeyLength > KEY_MAX || xKeyLength + xValueLength > iXattrSize - cAt) return fail(EUCLEAN, AT_XATTR, iXattrOffset)
  xKey = cStart + cAt
  xValue = xKey + xKeyLength
  cAt += xKeyLength + xValueLength
  return 0
}

/** Writes the xattrs of the decoded inode to the table of records, but the first `skip`. Their number, or -errno. */
export function listCfsXattrs(skip: u32): i32 {
  let r = openChunk()
  if (r <= 0) return r
  let out: u32 = 0
  while (cNext < cCount && out < XATTR_ROOM) {
    r = nextElement()
    if (r < 0) return r
    if (cNext <= skip) continue
    putXattrPrefix(out, 0, xKey, 0)
    putXattr(out++, xKey, xKeyLength, xValue, xValueLength)
  }
  return <i32>out
}

/** The prefix that a base index of EROFS (EROFS_XATTR_INDEX_*) stands for. */
function prefixOf(index: u32): string {
  if (index == 1) return 'user.'
  if (index == 2) return 'system.posix_acl_access'
  if (index == 3) return 'system.posix_acl_default'
  if (index == 4) return 'trusted.'
  if (index == 5) return 'lustre.'
  return index == 6 ? 'security.' : ''
}

/** Is the key decoded last a prefix and, behind it, the first `length` bytes of NAME? */
function matches(prefix: string, length: u32): bool {
  const n = <u32>prefix.length
  if (CANARY == IN_CFS_XATTRS ? xKeyLength < n + length : xKeyLength != n + length) return false
  for (let i: u32 = 0; i < n; i++) if (u8At(xKey, i) != <u32>prefix.charCodeAt(i)) return false
  return sameBytes(xKey + n, NAME, length)
}

/** Finds an xattr of the decoded inode by base index and the rest of its name in NAME. 0, -ENODATA or -errno. */
export function getCfsXattr(index: u32, length: u32): i32 {
  let r = openChunk()
  if (r < 0) return r
  if (r == 0) return answer(ENODATA)
  const prefix = prefixOf(index)
  while (cNext < cCount) {
    r = nextElement()
    if (r < 0) return r
    if (matches(prefix, length)) return putValue(xValue, xValueLength)
  }
  return answer(ENODATA)
}
