// What a change of owner, or a write, takes away from a file. Not here: when.

import type { Upper } from './upper.js'
import { type UpperInode, xattrCost } from './upper-inode.js'

const S_ISUID = 0o4000
const S_ISGID = 0o2000
const S_IXGRP = 0o010
const CAPABILITY = 'security.capability'

/**
 * What a change of owner, or a write, takes away: capabilities, and with `ids` setuid, and setgid of what its group executes
 * (file_remove_privs, setattr_should_drop_sgid).
 */
export function dropPrivileges(upper: Upper, inode: UpperInode, ids: boolean): void {
  if (ids) {
    const setgid = (inode.mode & S_IXGRP) !== 0 ? S_ISGID : 0
    inode.mode &= ~(S_ISUID | setgid)
  }
  if (inode.xattrs?.delete(CAPABILITY) === true) upper.charge(inode, xattrCost(inode.xattrs))
}
