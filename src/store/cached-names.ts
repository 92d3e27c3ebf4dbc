// Names of what a cache keeps in its fast store (cached.ts): objects by their own names, `OBJECT.verity` for the Merkle
// tree of an object that is there whole, and segments of objects that are not. A segment's name tells all about it:
//
//   segments/ab/DIGITS-DIGITS-SIZE-LENGTH-dN     `d`: of the data, `t`: of the tree; N from 0
//
// The digest's other 62 digits are cut in the middle, so that a survey of a directory store takes it for no object.

import { isDigestName, objectOfTree as objectOfAnyTree, treeName } from './object-name.js'

export { treeName }

/** Of an object's name: two digits of the digest, a slash, and the other 62. */
const SHA256_NAME = 65
const HALF = 34
const SEGMENT = /^segments\/([0-9a-f]{2}\/[0-9a-f]{31})-([0-9a-f]{31})-([1-9][0-9]{0,15})-[1-9][0-9]{0,15}-[dt][0-9]+$/

/** Does the name vouch for the object's bytes: is it a SHA-256 digest? */
export function isCacheable(name: string): boolean {
  return name.length === SHA256_NAME && isDigestName(name)
}

/** The object whose tree has this name; undefined when it is no such name. */
export function objectOfTree(name: string): string | undefined {
  const object = objectOfAnyTree(name)
  return object !== undefined && isCacheable(object) ? object : undefined
}

/** The digest in hex that an object's name is. */
export function digestHex(object: string): string {
  return object.slice(0, 2) + object.slice(3)
}

/** What the names of the segments of an object begin with; the number of each follows. */
export function segmentPrefix(object: string, size: number, length: number, kind: 'd' | 't'): string {
  return `segments/${object.slice(0, HALF)}-${object.slice(HALF)}-${size}-${length}-${kind}`
}

/** Whose segment it is, and how many bytes that object has; undefined for another name. */
export function segmentOwner(name: string): { object: string; size: number } | undefined {
  const match = SEGMENT.exec(name)
  return match === null ? undefined : { object: match[1] + match[2], size: Number(match[3]) }
}

/** Is this a name that a cache gives? What else is in a fast store is not its own. */
export function isCacheEntry(name: string): boolean {
  return isCacheable(name) || objectOfTree(name) !== undefined || SEGMENT.test(name)
}
