// What an inode of cfs v1 has beyond a record: payload, digest and a ctime. Follows section 1 of the project's spec.

import { span, u32At, u64At } from './bytes'
import { image } from './image'
import { iData, iDataLength, iMode, iOffset } from './inode'
import {
  AT_INODE,
  C1I_DIGEST,
  C1I_SIZE,
  C1I_ST_CTIM_NSEC,
  C1I_ST_CTIM_SEC,
  C1R_LENGTH,
  C1R_OFFSET,
  CFS_V1_DIGEST_SIZE,
  EUCLEAN,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SCR_CTIME_LO,
  SCR_CTIME_NSEC,
  SCR_DATA,
  SCR_DATA_LEN,
  SCR_DIGEST,
} from './layout'
import { fail, SCRATCH } from './scratch'

/** Leaves the decoded inode's ctime in the scratch record. */
export function putCtime(): void {
  const p = span(iOffset, C1I_SIZE)
  if (!p) return
  store<u64>(SCRATCH + SCR_CTIME_LO, u64At(p, C1I_ST_CTIM_SEC))
  store<u32>(SCRATCH + SCR_CTIME_NSEC, u32At(p, C1I_ST_CTIM_NSEC))
}

/**
 * Leaves the decoded inode's payload (a regular file's backing path, a symlink's target; length 0 where there is none),
 * digest and ctime in the scratch record. 0 or -errno.
 */
export function putDetails(): i32 {
  const p = span(iOffset, C1I_SIZE)
  if (!p) return fail(EUCLEAN, AT_INODE, iOffset)
  const type = iMode & S_IFMT
  const length = type == S_IFREG || type == S_IFLNK ? iDataLength : 0
  const payload = length == 0 ? 0 : span(iData, length)
  const hasDigest = u32At(p, C1I_DIGEST + C1R_LENGTH) != 0
  const digest = hasDigest ? span(image.vdata + u64At(p, C1I_DIGEST + C1R_OFFSET), CFS_V1_DIGEST_SIZE) : 0
  if ((length != 0 && !payload) || (hasDigest && !digest)) return fail(EUCLEAN, AT_INODE, iOffset)
  store<u32>(SCRATCH + SCR_DATA, <u32>payload)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>length)
  store<u32>(SCRATCH + SCR_DIGEST, <u32>digest)
  putCtime()
  return 0
}
