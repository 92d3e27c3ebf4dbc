// Facts of an image that its superblock states, as the core leaves them when it opens one. Not here: opening.

import { CONSTANTS, SCRATCH } from '../src/format/structs.js'
import type { Core } from './core.js'

const S = SCRATCH.fields

/** Facts of an image's superblock and composefs header. What a cfs v1 image does not say is 0; its blocks are of a page. */
export interface SuperblockFacts {
  readonly format: 'erofs' | 'cfs-v1'
  readonly rootNid: number
  /** Number of inodes, as the image states it. */
  readonly inos: number
  readonly epochSec: number
  readonly fixedNsec: number
  /** Bytes. */
  readonly blockSize: number
  readonly featureCompat: number
  readonly featureIncompat: number
  readonly blocks: number
  /** composefs_version of the header at byte 0; undefined where there is none. */
  readonly composefsVersion: number | undefined
  readonly composefsFlags: number
  /** Bytes of the metabox's data; 0 without one. */
  readonly boxSize: number
}

/** As the core said at the last opening. */
export function superblockFacts(core: Core): SuperblockFacts {
  const u32 = (field: { offset: number }) => core.u32[(core.scratch + field.offset) >>> 2]
  const f64 = (field: { offset: number }) => core.f64[(core.scratch + field.offset) >>> 3]
  const version = u32(S.cfs_version)
  return {
    format: u32(S.format) === CONSTANTS.FORMAT_CFS_V1 ? 'cfs-v1' : 'erofs',
    rootNid: f64(S.root),
    inos: f64(S.inos),
    epochSec: core.i32[(core.scratch + S.epoch_hi.offset) >>> 2] * 4294967296 + u32(S.epoch_lo),
    fixedNsec: u32(S.fixed_nsec),
    blockSize: 2 ** u32(S.blkszbits),
    featureCompat: u32(S.feature_compat),
    featureIncompat: u32(S.feature_incompat),
    blocks: f64(S.blocks),
    composefsVersion: version === 0xffffffff ? undefined : version,
    composefsFlags: version === 0xffffffff ? 0 : u32(S.cfs_flags),
    boxSize: f64(S.box_size),
  }
}
