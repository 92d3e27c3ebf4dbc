// Which names an object may have. Follows the kernel: ovl_get_redirect_xattr() for the form, then the path walk of a
// data-only layer (LOOKUP_BENEATH | LOOKUP_NO_SYMLINKS), whose answers were read off Linux 6.18.
// One difference: `..` is taken back in the text, so that no store ever sees one. The kernel looks whether what stands
// before it is there (ENOENT, ENOTDIR or ELOOP where it is not a directory); we don't.

import { Fault, type Outcome } from '../format/errno.js'

/** Bytes in one component, as in every Linux file system. */
const NAME_MAX = 255
/** Bytes in a whole path, its final NUL included. */
const PATH_MAX = 4096
/** Characters of a name that a message shows. */
const QUOTED_MAX = 160
const SHA256_NAME = 65
const SHA512_NAME = 129
const SLASH = 0x2f

const LONE_SURROGATE = /\p{Surrogate}/u

const encoder = new TextEncoder()

/** Bytes of UTF-8; three a character at most, so that the usual name is not encoded to learn that it is short. */
function longerThan(text: string, limit: number): boolean {
  return text.length > limit || (text.length * 3 > limit && encoder.encode(text).length > limit)
}

/** A name for messages: escaped, and not longer than a line. */
function quoted(name: string): string {
  return JSON.stringify(name.length > QUOTED_MAX ? `${name.slice(0, QUOTED_MAX)}…` : name)
}

/**
 * Is this the name that mkcomposefs gives an object: a digest in lower-case hex (SHA-256, or composefs-rs' SHA-512), cut
 * after two digits? A loop, since it is asked at every open and a regular expression takes several times as long.
 */
export function isDigestName(name: string): boolean {
  if ((name.length !== SHA256_NAME && name.length !== SHA512_NAME) || name.charCodeAt(2) !== SLASH) return false
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    const digit = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66)
    if (!digit && i !== 2) return false
  }
  return true
}

/**
 * The canonical form of an object's name: no `.`, no `..`, no empty component, so that joined to a store's root it
 * stays below it. A Fault for a name that has none: EINVAL when it is malformed (empty, an empty component, a slash at
 * either end, a NUL, not Unicode), EXDEV when it leaves the store, ENAMETOOLONG, ENOENT when it is the store itself.
 */
export function canonicalObjectName(name: string): Outcome<string> {
  if (isDigestName(name)) return name
  const parts = name.split('/')
  if (parts.includes('')) return new Fault('EINVAL', `object name ${quoted(name)} has an empty component`)
  if (name.includes('\0')) return new Fault('EINVAL', `object name ${quoted(name)} has a NUL in it`)
  if (LONE_SURROGATE.test(name)) return new Fault('EINVAL', `object name ${quoted(name)} is not Unicode`)
  if (longerThan(name, PATH_MAX - 1)) return new Fault('ENAMETOOLONG', `object name of ${name.length} characters`)
  const kept: string[] = []
  // In the order of the kernel's walk, since a name can be wrong in two ways.
  for (const part of parts) {
    if (longerThan(part, NAME_MAX))
      return new Fault('ENAMETOOLONG', `object name has a part of ${part.length} characters`)
    if (part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.pop() === undefined) return new Fault('EXDEV', `object name ${quoted(name)} leaves the store`)
  }
  if (kept.length === 0) return new Fault('ENOENT', `object name ${quoted(name)} is the store itself`)
  return kept.length === parts.length ? name : kept.join('/')
}

const TREE_SUFFIX = '.verity'

/** The name under which a store keeps an object's Merkle tree, as `fsverity digest --out-merkle-tree` writes it. */
export function treeName(object: string): string {
  return object + TREE_SUFFIX
}

/** The object whose tree has this name; undefined for what is no tree of an object that is named by its digest. */
export function objectOfTree(name: string): string | undefined {
  if (!name.endsWith(TREE_SUFFIX)) return undefined
  const object = name.slice(0, -TREE_SUFFIX.length)
  return isDigestName(object) ? object : undefined
}
