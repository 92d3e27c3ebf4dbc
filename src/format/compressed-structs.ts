// On-disk structs and constants of compressed inodes and of further devices. Part of structs.ts.
// fs/erofs/erofs_fs.h; sections 2 and 7 to 10 of the project's spec of EROFS.

import { struct } from './struct.js'

/** struct erofs_deviceslot. */
export const DEVICE_SLOT = /* @__PURE__ */ struct('DS', 128, {
  tag: [0, 64],
  blocks_lo: [64, 4],
  uniaddr_lo: [68, 4],
  blocks_hi: [72, 2],
  uniaddr_hi: [74, 2],
})

/** struct z_erofs_map_header. */
export const MAP_HEADER = /* @__PURE__ */ struct('ZH', 8, {
  h_fragmentoff: [0, 4],
  h_idata_size: [2, 2],
  h_advise: [4, 2],
  h_algorithmtype: [6, 1],
  h_clusterbits: [7, 1],
})

/** struct z_erofs_lcluster_index. */
export const LCLUSTER_INDEX = /* @__PURE__ */ struct('ZI', 8, {
  di_advise: [0, 2],
  di_clusterofs: [2, 2],
  blkaddr: [4, 4],
  delta_0: [4, 2],
  delta_1: [6, 2],
})

/** struct z_erofs_extent, of which the records of an inode may be the first 4, 8 or 16 bytes. */
export const EXTENT = /* @__PURE__ */ struct('ZX', 32, {
  plen: [0, 4],
  pstart_lo: [4, 4],
  pstart_hi: [8, 4],
  lstart_lo: [12, 4],
  lstart_hi: [16, 4],
})

/** Apart, so that who wants no other need not carry them all. */
export const Z_EROFS_ADVISE_EXTENTS = 0x1

export const COMPRESSION_CONSTANTS = {
  EROFS_FEATURE_INCOMPAT_ZERO_PADDING: 0x1,
  EROFS_FEATURE_INCOMPAT_BIG_PCLUSTER: 0x2,
  EROFS_FEATURE_COMPAT_SHARED_EA_IN_METABOX: 0x8,
  Z_EROFS_COMPRESSION_LZ4: 0,
  Z_EROFS_COMPRESSION_LZMA: 1,
  Z_EROFS_COMPRESSION_DEFLATE: 2,
  Z_EROFS_COMPRESSION_ZSTD: 3,
  Z_EROFS_COMPRESSION_MAX: 4,
  Z_EROFS_ADVISE_EXTENTS,
  Z_EROFS_ADVISE_COMPACTED_2B: 0x1,
  Z_EROFS_ADVISE_BIG_PCLUSTER_1: 0x2,
  Z_EROFS_ADVISE_BIG_PCLUSTER_2: 0x4,
  Z_EROFS_ADVISE_INLINE_PCLUSTER: 0x8,
  Z_EROFS_ADVISE_INTERLACED_PCLUSTER: 0x10,
  Z_EROFS_ADVISE_FRAGMENT_PCLUSTER: 0x20,
  Z_EROFS_LCLUSTER_TYPE_PLAIN: 0,
  Z_EROFS_LCLUSTER_TYPE_HEAD1: 1,
  Z_EROFS_LCLUSTER_TYPE_NONHEAD: 2,
  Z_EROFS_LCLUSTER_TYPE_HEAD2: 3,
  Z_EROFS_LI_LCLUSTER_TYPE_MASK: 0x3,
  Z_EROFS_LI_PARTIAL_REF: 0x8000,
  Z_EROFS_LI_D0_CBLKCNT: 0x800,
  Z_EROFS_EXTENT_PLEN_MASK: 0x1fffff,
  Z_EROFS_EXTENT_PLEN_FMT_BIT: 28,
  /** Largest pcluster, and what it may decode to. Bytes. */
  Z_EROFS_PCLUSTER_MAX_SIZE: 0x100000,
  Z_EROFS_PCLUSTER_MAX_DSIZE: 0xc00000,
  /** Forms of an extent that is not compressed; one that is has its algorithm in place of them. */
  Z_EROFS_COMPRESSION_SHIFTED: 4,
  Z_EROFS_COMPRESSION_INTERLACED: 5,
  Z_EROFS_FRAGMENT: 6,
  Z_EROFS_HOLE: 7,
} as const
