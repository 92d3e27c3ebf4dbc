// What a cfs v1 image says of an inode beyond its record: backing path or target, digest, ctime. Not here: decoding
// (asm/cfs-details.ts).

import { CONSTANTS, SCRATCH } from '../src/format/structs.js'
import type { Core } from './core.js'
import type { CoreImage } from './core-image.js'

const S = SCRATCH.fields
const CTIME_LO = S.ctime_lo.offset >> 2
const CTIME_HI = S.ctime_hi.offset >> 2
const CTIME_NSEC = S.ctime_nsec.offset >> 2

/** The ctime of the one inode that the core's last answer was about. The caller owns the record. */
export function readCtime({ u32, i32, scratch }: Core, out: { ctimeSec: number; ctimeNsec: number }): void {
  const at = scratch >>> 2
  out.ctimeSec = i32[at + CTIME_HI] * 4294967296 + u32[at + CTIME_LO]
  out.ctimeNsec = u32[at + CTIME_NSEC]
}

/** Ranges are those of `Records.bytes`, good until the next image is opened; absent where `from` is negative. */
export class CfsDetails {
  /** Backing path of a regular file, target of a symlink. */
  readonly payload = { from: -1, to: -1 }
  /** 32 bytes. */
  readonly digest = { from: -1, to: -1 }
  /** Seconds since the epoch: low and (signed) high word of 64 bits. */
  ctimeLow = 0
  ctimeHigh = 0
  ctimeNsec = 0

  /** Reads those of an inode. 0 or -errno. */
  load({ core, handle }: CoreImage, nid: number): number {
    const r = core.exports.details(handle, nid)
    if (r < 0) return r
    const { u32, i32, f64, scratch } = core
    const at = scratch >>> 2
    const length = f64[(scratch + S.data_len.offset) >>> 3]
    const digest = u32[at + (S.digest.offset >> 2)]
    this.payload.from = length === 0 ? -1 : u32[at + (S.data.offset >> 2)]
    this.payload.to = length === 0 ? -1 : this.payload.from + length
    this.digest.from = digest === 0 ? -1 : digest
    this.digest.to = digest === 0 ? -1 : digest + CONSTANTS.CFS_V1_DIGEST_SIZE
    this.ctimeLow = u32[at + CTIME_LO]
    this.ctimeHigh = i32[at + CTIME_HI]
    this.ctimeNsec = u32[at + CTIME_NSEC]
    return 0
  }
}
