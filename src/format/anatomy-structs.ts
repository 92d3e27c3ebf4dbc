// What an image is made of: the kinds of its pieces, and how the core answers them. Part of the table of structs.ts, for the
// core and for src/anatomy. Not here: the structs that the pieces hold (structs.ts, cfs-v1-structs.ts).

import { struct } from './struct.js'

/** What the core answers about one piece of an image. Ours, not on disk; a power of two, read as typed arrays. */
export const PIECE = /* @__PURE__ */ struct('PC', 32, {
  /** Byte offset in the image, and bytes; a piece is never beyond the image's end. */
  start: [0, 8],
  length: [8, 8],
  /** Byte of the file's data that it begins with; of a dirent, byte offset of its name in the image. */
  at: [16, 8],
  /** Index in PIECE_KINDS. */
  kind: [24, 4],
  /** Id of a shared xattr, number of a prefix, device of a chunk, length of a dirent's name. */
  detail: [28, 4],
})

/**
 * Kinds of pieces. The first three are what is left where no structure is: zeros, bytes that nothing refers to, and bytes that
 * only inodes that can't be read can say something of.
 */
export const PIECE_KINDS = [
  'padding',
  'unclaimed',
  'unread',
  'composefs-header',
  'superblock',
  'compression-configuration',
  'xattr-prefix',
  'shared-xattr',
  'inode-compact',
  'inode-extended',
  'inode-xattrs',
  'chunk-indexes',
  'compression-header',
  'inline-entries',
  'inline-target',
  'inline-data',
  'directory-block',
  'symlink-block',
  'file-data',
  /** Of cfs v1. */
  'inode-cfs',
  'cfs-entries',
  'cfs-target',
  'cfs-backing-path',
  'cfs-xattrs',
  'cfs-digest',
  'device-table',
  /** Lclusters' indexes, or records of extents: `detail` is 0 for packs, 1 for whole ones, or the bytes of a record. */
  'compression-indexes',
  /**
   * A pcluster; `detail` is Z_EROFS_COMPRESSION_*. The other one lies behind the indexes. Of an extent that was asked for (PF_EXTENTS) the
   * bytes of the file stand above that, from bit EXTENT_SHIFT on.
   */
  'compressed-data',
  'compressed-inline',
  /** Extents that have no place in the image of their own: `start` is a place in the packed inode's data, or nothing. */
  'fragment',
  'hole',
  /** Inside of others, where they are asked for. */
  'xattr-header',
  'xattr-shared-ids',
  'xattr-entry',
  'dirent',
] as const

export type PieceKind = (typeof PIECE_KINDS)[number]

/** Flags of a question for pieces. */
export const PIECE_FLAGS = {
  /** Header, ids and every entry of the xattrs instead of all in one. */
  PF_ENTRIES: 1,
  /** No data of chunk-based inodes: only their table. */
  PF_NO_CHUNKS: 2,
  /** Every extent of a compressed inode, and nothing else. */
  PF_EXTENTS: 4,
} as const

/** Bits that Z_EROFS_COMPRESSION_* has room in. */
export const EXTENT_SHIFT = 3

/** The kinds as constants of the core. */
export const PIECE_CONSTANTS = /* @__PURE__ */ pieceConstants()

function pieceConstants(): Record<string, number> {
  const kinds = PIECE_KINDS.map((name, at) => [`K_${name.toUpperCase().replaceAll('-', '_')}`, at] as const)
  return { ...Object.fromEntries(kinds), EXTENT_SHIFT }
}
