// Pieces of an inode's data as answers: bytes in memory, or where in the image they lie. Not here: finding them (data.ts).

import { BOX_BASE, inside, span } from './bytes'
import { decodedPiece, mapData, mCoded, mLength, mOffset } from './data'
import { NOWHERE } from './devices'
import { eForm, eLength } from './extents'
import { image } from './image'
import { HOLE, iSize } from './inode'
import { AT_DATA, AT_DEVICE_TABLE, EIO, SCR_COOKIE, SCR_DATA, SCR_DATA_LEN, SCR_EXTENT_FORM, SCR_STORED, Z_EROFS_COMPRESSION_SHIFTED } from './layout'
import { leftOfPage, want } from './pages'
import { fail, lastError, SCRATCH } from './scratch'

/** The piece just mapped is not where it should be: behind the image's end, or on a device that does not hold it. */
function elsewhere(): i32 {
  return mOffset == NOWHERE ? fail(EIO, AT_DEVICE_TABLE, image.deviceTable) : fail(EIO, AT_DATA, mOffset)
}

/** Answers the piece at byte `from` of the decoded inode; `most` bytes of it are wanted. 0, 1 behind the end, or -errno. */
export function mapPiece(from: u64, most: u64): i32 {
  if (from >= iSize) return 1
  if (mapData(from) < 0) return lastError()
  let p: usize = 0
  let length = mLength
  if (FULL && mCoded) {
    p = decodedPiece()
    if (!p) return lastError()
  } else if (mOffset != HOLE) {
    if (!inside(mOffset, mLength)) return elsewhere()
    // What lies in the metabox is in one block, and in no page.
    if (PAGED && mOffset < BOX_BASE) {
      if (!want(mOffset, min(length, most))) return 0
      length = min(length, leftOfPage(mOffset))
    }
    p = span(mOffset, length)
  }
  store<u32>(SCRATCH + SCR_DATA, <u32>p)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>length)
  return 0
}

/** Answers where the piece at byte `from` lies. 0, 1 behind the end, or -errno. */
export function extentAt(from: u64): i32 {
  if (from >= iSize) return 1
  if (mapData(from) < 0) return lastError()
  const coded = FULL && mCoded
  if (mOffset != HOLE && !inside(mOffset, coded ? eLength : mLength)) return elsewhere()
  store<f64>(SCRATCH + SCR_COOKIE, mOffset == HOLE ? -1 : <f64>mOffset)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>mLength)
  const boxed = FULL && mOffset != HOLE && mOffset >= BOX_BASE
  store<u32>(SCRATCH + SCR_STORED, coded ? eLength : boxed ? <u32>mLength : 0)
  store<u32>(SCRATCH + SCR_EXTENT_FORM, coded ? eForm : Z_EROFS_COMPRESSION_SHIFTED)
  return 0
}
