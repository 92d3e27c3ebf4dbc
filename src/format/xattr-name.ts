// Names of extended attributes: EROFS' base prefixes, and the overlay's own and escaped names.
// Not here: what a mark means in which view (src/image/view.ts).
// EROFS: fs/erofs/xattr.h; overlay: fs/overlayfs/overlayfs.h, Documentation/filesystems/overlayfs.rst "Nesting".

/** Prefix by name index (EROFS_XATTR_INDEX_*); index 0 is the whole name. */
export const XATTR_PREFIXES = [
  '',
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
] as const

export const XATTR_INDEX_TRUSTED = 4
export const XATTR_INDEX_LUSTRE = 5

/** An attribute of the overlay itself begins so … */
export const OVERLAY_PREFIX = 'trusted.overlay.'
/** … and one of a user, stored through an overlay, so. */
export const OVERLAY_ESCAPED_PREFIX = 'trusted.overlay.overlay.'

/** Splits a full name as mkcomposefs does: first matching prefix wins, also where the prefix is a whole name. */
export function splitXattrName(name: string): { index: number; rest: string } {
  for (const index of [1, 2, 3, 4, 6]) {
    const prefix = XATTR_PREFIXES[index]
    if (name.startsWith(prefix)) return { index, rest: name.slice(prefix.length) }
  }
  return { index: 0, rest: name }
}

/**
 * A byte string as a string of as many characters, and back. Names of xattrs are compared by prefix, which a string
 * does and bytes do not; no character set is meant.
 */
export function binaryString(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 4096) out += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return out
}

export function binaryBytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}
