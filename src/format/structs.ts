// Every on-disk struct and every record that crosses the WebAssembly boundary, as one table: name, offset, width, size.
// The build writes it out as constants for asm/ (asm/layout.ts); decoders, writers and mutation tests read it from here,
// so that no one writes a bare offset. Not here: what the fields mean to a mount.
// EROFS: fs/erofs/erofs_fs.h; composefs header: libcomposefs/lcfs-erofs.h; facts in the project's spec of both. The
// structs of cfs v1 are written down in cfs-v1-structs.ts.

import { PIECE, PIECE_CONSTANTS, PIECE_FLAGS } from './anatomy-structs.js'
import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from './cfs-v1-structs.js'
import { COMPRESSION_CONSTANTS, DEVICE_SLOT, EXTENT, LCLUSTER_INDEX, MAP_HEADER } from './compressed-structs.js'
import { type Struct, struct } from './struct.js'

export {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from './cfs-v1-structs.js'
export { COMPRESSION_CONSTANTS, DEVICE_SLOT, EXTENT, LCLUSTER_INDEX, MAP_HEADER } from './compressed-structs.js'
export type { Field, Struct } from './struct.js'

/** composefs header, at byte 0 of an image that mkcomposefs wrote (struct lcfs_erofs_header_s). */
export const COMPOSEFS_HEADER = /* @__PURE__ */ struct('CFS', 32, {
  magic: [0, 4],
  version: [4, 4],
  flags: [8, 4],
  composefs_version: [12, 4],
})

/** struct erofs_super_block, at byte 1024. */
export const SUPERBLOCK = /* @__PURE__ */ struct('SB', 128, {
  magic: [0, 4],
  checksum: [4, 4],
  feature_compat: [8, 4],
  blkszbits: [12, 1],
  sb_extslots: [13, 1],
  rootnid_2b: [14, 2],
  inos: [16, 8],
  epoch: [24, 8],
  fixed_nsec: [32, 4],
  blocks_lo: [36, 4],
  meta_blkaddr: [40, 4],
  xattr_blkaddr: [44, 4],
  uuid: [48, 16],
  volume_name: [64, 16],
  feature_incompat: [80, 4],
  available_compr_algs: [84, 2],
  extra_devices: [86, 2],
  devt_slotoff: [88, 2],
  dirblkbits: [90, 1],
  xattr_prefix_count: [91, 1],
  xattr_prefix_start: [92, 4],
  packed_nid: [96, 8],
  xattr_filter_reserved: [104, 1],
  build_time: [108, 4],
  rootnid_8b: [112, 8],
})

/** struct erofs_inode_compact. */
export const INODE_COMPACT = /* @__PURE__ */ struct('IC', 32, {
  i_format: [0, 2],
  i_xattr_icount: [2, 2],
  i_mode: [4, 2],
  i_nb: [6, 2],
  i_size: [8, 4],
  i_mtime: [12, 4],
  i_u: [16, 4],
  i_ino: [20, 4],
  i_uid: [24, 2],
  i_gid: [26, 2],
})

/** struct erofs_inode_extended. */
export const INODE_EXTENDED = /* @__PURE__ */ struct('IX', 64, {
  i_format: [0, 2],
  i_xattr_icount: [2, 2],
  i_mode: [4, 2],
  i_nb: [6, 2],
  i_size: [8, 8],
  i_u: [16, 4],
  i_ino: [20, 4],
  i_uid: [24, 4],
  i_gid: [28, 4],
  i_mtime: [32, 8],
  i_mtime_nsec: [40, 4],
  i_nlink: [44, 4],
})

/** struct erofs_dirent. */
export const DIRENT = /* @__PURE__ */ struct('DE', 12, {
  nid: [0, 8],
  nameoff: [8, 2],
  file_type: [10, 1],
})

/** struct erofs_xattr_ibody_header. */
export const XATTR_IBODY = /* @__PURE__ */ struct('XH', 12, {
  h_name_filter: [0, 4],
  h_shared_count: [4, 1],
})

/** struct erofs_xattr_entry. */
export const XATTR_ENTRY = /* @__PURE__ */ struct('XE', 4, {
  e_name_len: [0, 1],
  e_name_index: [1, 1],
  e_value_size: [2, 2],
})

/** struct erofs_inode_chunk_index. */
export const CHUNK_INDEX = /* @__PURE__ */ struct('CI', 8, {
  startblk_hi: [0, 2],
  device_id: [2, 2],
  startblk_lo: [4, 4],
})

/** What the core answers about one inode or directory entry. Ours, not on disk; a power of two, read as typed arrays. */
export const RECORD = /* @__PURE__ */ struct('REC', 64, {
  nid: [0, 8],
  i_size: [8, 8],
  mtime_lo: [16, 4],
  mtime_hi: [20, 4],
  mtime_nsec: [24, 4],
  mode: [28, 4],
  nlink: [32, 4],
  uid: [36, 4],
  gid: [40, 4],
  rdev: [44, 4],
  /** Bits of RECORD_FLAGS. */
  flags: [48, 4],
  /** Where the name lies in the core's memory, and how long it is. */
  name: [52, 4],
  name_len: [56, 2],
  /** errno with which the inode of a directory entry can't be read; 0. */
  error: [58, 2],
  /** Position of the inode in the image, in units of its 32-byte slots. */
  slot: [60, 4],
})

/** What the core answers about one extended attribute. Ours. */
export const XATTR_RECORD = /* @__PURE__ */ struct('XR', 32, {
  /** Name index of the base prefix (EROFS_XATTR_INDEX_*). */
  index: [0, 4],
  infix: [4, 4],
  infix_len: [8, 4],
  name: [12, 4],
  name_len: [16, 4],
  value: [20, 4],
  value_len: [24, 4],
})

/** What the core leaves beside an answer. Ours; one per instance, at the address that the core exports as `scratch`. */
export const SCRATCH = /* @__PURE__ */ struct('SCR', 168, {
  /** ERROR_WHERE: the structure that was wrong, and its byte offset in the image. */
  error_where: [0, 4],
  /** open: FORMAT_EROFS or FORMAT_CFS_V1. */
  format: [4, 4],
  error_offset: [8, 8],
  /** resolve: where the unresolved rest of the path begins in the work buffer, its length, and why it stopped. */
  rest: [16, 4],
  rest_len: [20, 4],
  stop: [24, 4],
  /** resolve: number of directories on the way to the answer's parent, their nids being at `chain`. */
  chain_len: [28, 4],
  /** map: position in memory (0 for a hole) and length of the piece of data. */
  data: [32, 4],
  data_len: [40, 8],
  /** open: facts of the superblock. */
  root: [48, 8],
  inos: [56, 8],
  epoch_lo: [64, 4],
  epoch_hi: [68, 4],
  fixed_nsec: [72, 4],
  blkszbits: [76, 4],
  feature_compat: [80, 4],
  feature_incompat: [84, 4],
  blocks: [88, 8],
  /** readdir, walk: where to go on. */
  cookie: [96, 8],
  /** open: composefs_version and flags of the composefs header; version 0xffffffff where there is no such header. */
  cfs_version: [104, 4],
  cfs_flags: [108, 4],
  /** readdir, walk: bytes of names of the records, and whether all are below 0x80. */
  names_used: [112, 4],
  names_ascii: [116, 4],
  /** readdirPath: nid of the directory. */
  directory: [120, 8],
  /** Any answer about one inode of a cfs v1 image: its ctime, which is in no record, as EROFS has none. */
  ctime_lo: [128, 4],
  ctime_hi: [132, 4],
  ctime_nsec: [136, 4],
  /** details: position in memory of the 32 bytes of digest; 0 for none. */
  digest: [140, 4],
  /** Paged images: pages that the call has missed, as ranges at \`misses\`. */
  misses: [144, 4],
  /** pieces: errno of what is wrong with a part of the inode, which is left out; 0. */
  pieces_error: [148, 4],
  /** open: bytes of the metabox inode's data; 0 without one. */
  box_size: [152, 8],
  /** extent: bytes that the piece takes in the image where it is compressed, and its form (Z_EROFS_*). */
  stored: [160, 4],
  extent_form: [164, 4],
})

/** Flags of a RECORD. */
export const RECORD_FLAGS = {
  RF_LAYOUT_MASK: 0x7,
  RF_EXTENDED: 0x8,
  RF_XATTRS: 0x10,
  /** The record stands for the directory whose entries follow. */
  RF_DIRECTORY: 0x20,
  /** Every byte of the name is below 0x80. */
  RF_ASCII: 0x40,
  /** File type of the dirent, as EROFS_FT_*. */
  RF_FTYPE_SHIFT: 8,
} as const

/** Flags of a question. */
export const QUERY_FLAGS = {
  /** Follow a symlink in last place. */
  Q_FOLLOW: 1,
  /** Stop at any symlink and answer with the rest of the path. */
  Q_STOP_SYMLINK: 2,
  /** Stop at a `..` above the start. */
  Q_STOP_ABOVE: 4,
  /** Character devices 0:0 are absent (a composefs mount). */
  Q_HIDE_DEV0: 8,
  /** readdir: read the inodes too. */
  Q_STAT: 16,
} as const

/** Why resolve stopped. */
export const STOP = { STOP_NONE: 0, STOP_SYMLINK: 1, STOP_ABOVE: 2 } as const

/** Which structure was wrong; SCRATCH.error_where. */
export const ERROR_WHERE = [
  'image',
  'superblock',
  'inode',
  'directory',
  'directory entry',
  'xattr',
  'data',
  'symlink',
  'chunk table',
  'xattr prefix table',
  'path',
  'compression index',
  'compressed data',
  'device table',
] as const

const constantOf = (name: string) => `AT_${name.toUpperCase().replaceAll(' ', '_')}`
const WHERE = /* @__PURE__ */ Object.fromEntries(/* @__PURE__ */ ERROR_WHERE.map((name, at) => [constantOf(name), at]))

/** Constants of the formats, in the kernel's spelling. */
export const CONSTANTS = {
  LCFS_EROFS_MAGIC: 0xd078629a,
  LCFS_EROFS_VERSION: 1,
  LCFS_EROFS_FLAGS_HAS_ACL: 1,
  NO_CFS_HEADER: 0xffffffff,
  /** Which format an image has. */
  FORMAT_EROFS: 0,
  FORMAT_CFS_V1: 1,
  CFS_V1_VERSION: 1,
  CFS_V1_MAGIC: 0xc078629a,
  CFS_V1_DIGEST_SIZE: 32,
  /** Layout of an inode whose data is in no image, in place of an EROFS_INODE_*. */
  LAYOUT_BACKED: 7,
  EROFS_SUPER_OFFSET: 1024,
  EROFS_SUPER_MAGIC_V1: 0xe0f5e1e2,
  EROFS_ISLOTBITS: 5,
  /** struct erofs_super_block: where an extension slot has the nid of the metabox. */
  SB_METABOX_NID: 128,
  EROFS_DEVT_SLOT_SIZE: 128,
  EROFS_MIN_BLKSZBITS: 9,
  EROFS_MAX_BLKSZBITS: 16,
  EROFS_SB_EXTSLOT_SIZE: 16,
  EROFS_FEATURE_COMPAT_SB_CHKSUM: 0x1,
  EROFS_FEATURE_COMPAT_MTIME: 0x2,
  EROFS_FEATURE_COMPAT_XATTR_FILTER: 0x4,
  EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX: 0x10,
  EROFS_FEATURE_INCOMPAT_COMPR_CFGS: 0x2,
  EROFS_FEATURE_INCOMPAT_CHUNKED_FILE: 0x4,
  EROFS_FEATURE_INCOMPAT_DEVICE_TABLE: 0x8,
  EROFS_FEATURE_INCOMPAT_FRAGMENTS: 0x20,
  EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES: 0x40,
  EROFS_FEATURE_INCOMPAT_48BIT: 0x80,
  EROFS_FEATURE_INCOMPAT_METABOX: 0x100,
  EROFS_ALL_FEATURE_INCOMPAT: 0x1ff,
  EROFS_INODE_FLAT_PLAIN: 0,
  EROFS_INODE_COMPRESSED_FULL: 1,
  EROFS_INODE_FLAT_INLINE: 2,
  EROFS_INODE_COMPRESSED_COMPACT: 3,
  EROFS_INODE_CHUNK_BASED: 4,
  EROFS_I_VERSION_MASK: 0x1,
  EROFS_I_DATALAYOUT_SHIFT: 1,
  EROFS_I_DATALAYOUT_MASK: 0x7,
  EROFS_I_NLINK_1_BIT: 0x10,
  EROFS_I_ALL: 0x1f,
  EROFS_CHUNK_FORMAT_BLKBITS_MASK: 0x1f,
  EROFS_CHUNK_FORMAT_INDEXES: 0x20,
  EROFS_CHUNK_FORMAT_48BIT: 0x40,
  EROFS_CHUNK_FORMAT_ALL: 0x7f,
  EROFS_XATTR_LONG_PREFIX: 0x80,
  /** EROFS_XATTR_INDEX_SECURITY, the last one. */
  XATTR_INDEX_MAX: 6,
  EROFS_XATTR_FILTER_SEED: 0x25bbe08f,
  EROFS_NAME_LEN: 255,
  EROFS_FT_MAX: 7,
  PATH_MAX: 4096,
  MAXSYMLINKS: 40,
  /** Directories below one another that one path may pass. */
  MAX_DEPTH: 8192,
  /** Paged images: ranges of pages that one call can say it misses, and bytes that it can copy together. */
  MAX_MISSES: 512,
  SPILL_BYTES: 1 << 20,
  S_IFMT: 0o170000,
  S_IFIFO: 0o010000,
  S_IFCHR: 0o020000,
  S_IFDIR: 0o040000,
  S_IFBLK: 0o060000,
  S_IFREG: 0o100000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
  ENOENT: 2,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  ENOTDIR: 20,
  EINVAL: 22,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ELOOP: 40,
  ENODATA: 61,
  EBADMSG: 74,
  EOPNOTSUPP: 95,
  EUCLEAN: 117,
} as const

const STRUCTS: readonly Struct[] = [
  COMPOSEFS_HEADER,
  SUPERBLOCK,
  INODE_COMPACT,
  INODE_EXTENDED,
  DIRENT,
  XATTR_IBODY,
  XATTR_ENTRY,
  CHUNK_INDEX,
  DEVICE_SLOT,
  MAP_HEADER,
  LCLUSTER_INDEX,
  EXTENT,
  CFS_V1_SUPERBLOCK,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_XATTR_HEADER,
  CFS_V1_XATTR,
  RECORD,
  XATTR_RECORD,
  PIECE,
  SCRATCH,
]

/** Pages of memory (64 KiB) that hold the core's own areas; an image comes on top. */
export const CORE_PAGES = 52
/** The same of the cores that decode: a MiB to put things together in, one for a pcluster, 16 for what extents decode to, tables. */
export const FULL_CORE_PAGES = CORE_PAGES + 310

/** Everything above as name and value, for the build to write asm/layout.ts. */
export function layoutConstants(): [string, number][] {
  const out: [string, number][] = []
  for (const { prefix, size, fields } of STRUCTS) {
    out.push([`${prefix}_SIZE`, size])
    for (const [name, field] of Object.entries(fields)) out.push([`${prefix}_${name.toUpperCase()}`, field.offset])
  }
  const flags = [RECORD_FLAGS, QUERY_FLAGS, STOP, WHERE, PIECE_FLAGS, PIECE_CONSTANTS]
  for (const table of [CONSTANTS, COMPRESSION_CONSTANTS, ...flags]) out.push(...Object.entries(table))
  return out
}
