// Anatomy of cfs v1: where an inode and what it refers to lie, as pieces. Follows section 1 of the project's spec; what an
// inode refers to was checked when it was decoded. Not here: EROFS (anatomy.ts), entries of directories (cfs-dir.ts).

import { span, u32At, u64At } from './bytes'
import { image } from './image'
import { iData, iDataLength, iMode, iOffset, iXattrOffset, iXattrSize } from './inode'
import {
  C1I_DIGEST,
  C1I_SIZE,
  C1R_LENGTH,
  C1R_OFFSET,
  C1S_SIZE,
  K_CFS_BACKING_PATH,
  K_CFS_DIGEST,
  K_CFS_ENTRIES,
  K_CFS_TARGET,
  K_CFS_XATTRS,
  K_INODE_CFS,
  K_SUPERBLOCK,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './layout'
import { addPiece } from './pieces'

/** Adds the pieces of the decoded inode. */
export function addCfsPieces(): void {
  addPiece(K_INODE_CFS, iOffset, C1I_SIZE, 0, 0)
  const type = iMode & S_IFMT
  const kind = type == S_IFDIR ? K_CFS_ENTRIES : type == S_IFLNK ? K_CFS_TARGET : K_CFS_BACKING_PATH
  if (type == S_IFDIR || type == S_IFLNK || type == S_IFREG) addPiece(kind, iData, iDataLength, 0, 0)
  addPiece(K_CFS_XATTRS, iXattrOffset, iXattrSize, 0, 0)
  const p = span(iOffset, C1I_SIZE)
  const length = u32At(p, C1I_DIGEST + C1R_LENGTH)
  if (length != 0) addPiece(K_CFS_DIGEST, image.vdata + u64At(p, C1I_DIGEST + C1R_OFFSET), length, 0, 0)
}

/** Adds what belongs to no inode. */
export function addCfsFrame(): void {
  addPiece(K_SUPERBLOCK, 0, C1S_SIZE, 0, 0)
}
