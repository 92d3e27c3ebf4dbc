// The on-disk structs of cfs v1, composefs' own format before it took EROFS: part of the table of structs.ts, for the
// core, the writer and the mutation tests. Packed, little-endian. Not here: what is right and wrong in them (asm/).
// Follows the project's spec of cfs v1, which was checked against what mkcomposefs 0.1.2 writes.

import { struct } from './struct.js'

/** struct cfs_superblock, at byte 0 of a cfs v1 image (spec cfs-v1.md section 1, as are the next ones). */
export const CFS_V1_SUPERBLOCK = /* @__PURE__ */ struct('C1S', 128, {
  version: [0, 4],
  magic: [4, 4],
  /** Where the variable data begins: byte offset in the file, behind the inodes. */
  vdata_offset: [8, 8],
  unused: [16, 112],
})

/** struct cfs_inode_data, number n at 128 + 96 n; references are u64 offset in the variable data, u32 length. */
export const CFS_V1_INODE = /* @__PURE__ */ struct('C1I', 96, {
  st_mode: [0, 4],
  st_nlink: [4, 4],
  st_uid: [8, 4],
  st_gid: [12, 4],
  st_rdev: [16, 4],
  st_size: [20, 8],
  st_mtim_sec: [28, 8],
  st_mtim_nsec: [36, 4],
  st_ctim_sec: [40, 8],
  st_ctim_nsec: [48, 4],
  /** Directory: its chunk of entries; regular file: its backing path; symlink: its target. */
  variable_data: [52, 12],
  xattrs: [64, 12],
  digest: [76, 12],
  unused: [88, 8],
})

/** struct cfs_vdata: a reference of an inode. A length of 0 is none. */
export const CFS_V1_REFERENCE = /* @__PURE__ */ struct('C1R', 12, {
  offset: [0, 8],
  length: [8, 4],
})

/** struct cfs_dir_header: number of the entries that follow. */
export const CFS_V1_DIR_HEADER = /* @__PURE__ */ struct('C1H', 4, { n_dirents: [0, 4] })

/** struct cfs_dirent; names begin behind the last one. */
export const CFS_V1_DIRENT = /* @__PURE__ */ struct('C1D', 12, {
  inode_num: [0, 4],
  name_offset: [4, 4],
  name_len: [8, 1],
  /** The kernel's DT_*. */
  d_type: [9, 1],
  padding: [10, 2],
})

/** struct cfs_xattr_header: number of the elements that follow. */
export const CFS_V1_XATTR_HEADER = /* @__PURE__ */ struct('C1A', 2, { n_attr: [0, 2] })

/** struct cfs_xattr_element; keys and values, each key before its value, begin behind the last one. */
export const CFS_V1_XATTR = /* @__PURE__ */ struct('C1X', 4, {
  key_length: [0, 2],
  value_length: [2, 2],
})
