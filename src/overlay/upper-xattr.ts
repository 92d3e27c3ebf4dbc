// Which extended attributes an upper takes, and which can be read of any inode. Not here: the overlay's own marks, which are
// fields (upper-inode.ts).
// Follows xattr_permission and vfs_setxattr of fs/xattr.c as a caller with all capabilities meets them.

import { type Fault, fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { OVERLAY_PREFIX } from '../format/xattr-name.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS
const XATTR_NAME_MAX = 255
const XATTR_SIZE_MAX = 65536
const NAMESPACES = ['user.', 'trusted.', 'security.']
const ACLS = ['system.posix_acl_access', 'system.posix_acl_default']

/** Why an attribute of that name, and with a value of that many bytes, can't be set on an inode of that type. */
export function xattrFault(mode: number, name: string, length: number): Fault | undefined {
  if (name === '' || name.length > XATTR_NAME_MAX) return fault('ERANGE')
  if (length > XATTR_SIZE_MAX) return fault('E2BIG')
  if (ACLS.includes(name)) return undefined
  const space = NAMESPACES.find(prefix => name.startsWith(prefix))
  if (space === undefined) return fault('ENOTSUP')
  if (name === OVERLAY_PREFIX) return fault('EINVAL')
  if (isUnreadUser(mode, name)) return fault('EPERM')
  return name === space ? fault('EINVAL') : undefined
}

/** Those of `user` are of files and directories: of anything else they are listed where they are stored, but not read. */
export function isUnreadUser(mode: number, name: string): boolean {
  const type = mode & S_IFMT
  return type !== S_IFREG && type !== S_IFDIR && name.startsWith('user.')
}

/** Why no attribute of that name can be read from an inode of that type: as setting it fails, where it may only be missing. */
export function xattrReadFault(mode: number, name: string): Fault | undefined {
  if ((mode & S_IFMT) === S_IFLNK && ACLS.includes(name)) return fault('ENOTSUP')
  const wrong = xattrFault(mode, name, 0)
  return wrong?.code === 'EPERM' ? fault('ENODATA') : wrong
}
