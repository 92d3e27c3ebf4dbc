// The value of `trusted.overlay.metacopy`: which digest the data behind a metadata-only file must have.
// Follows struct ovl_metacopy and ovl_validate_metacopy_xattr of fs/overlayfs; spec overlayfs.md 2.4.
//
//   u8 version (0), u8 length of the value, u8 flags (0), u8 fs-verity hash algorithm, digest

import { Fault, type Outcome } from './errno.js'

const FS_VERITY_HASH_ALG_SHA256 = 1
const HEADER = 4
const SHA256_SIZE = 32

/** The SHA-256 digest in a metacopy value; undefined for one without digest. EIO for a malformed one. */
export function metacopyDigest(value: Uint8Array): Outcome<Uint8Array | undefined> {
  if (value.length === 0) return undefined
  const bad = (why: string): Fault => new Fault('EIO', `trusted.overlay.metacopy: ${why}`)
  if (value.length < HEADER || value[0] !== 0 || value[1] !== value.length || value[2] !== 0)
    return bad('malformed value')
  if (value.length === HEADER && value[3] === 0) return undefined
  if (value[3] !== FS_VERITY_HASH_ALG_SHA256) return new Fault('ENOTSUP', `fs-verity hash algorithm ${value[3]}`)
  if (value.length !== HEADER + SHA256_SIZE) return bad(`digest of ${value.length - HEADER} bytes`)
  return value.slice(HEADER)
}
