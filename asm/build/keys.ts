// Keys of attributes in an image: those of the overlay's marks, then the tree's own, escaped where they would be read as
// the overlay's (spec composefs-image.md 3.2, 5). A number tells a key, a rank its place in byte order.

import { noMemory } from './failure'
import { alloc, release } from './heap'
import { EROFS_XATTR_FILTER_SEED } from './layout'
import { plan } from './plan'
import { compare, copy, put32, put8, same, u32At, u8At } from './raw'
import { mergeSort } from './sort'
import { keyCount, keyLengthOf, keyNameOf } from './xattrs'
import { xxh32 } from '../xxh32'

/** Keys of the marks, in the order in which every image numbers them. */
export const REDIRECT: u32 = 0
export const METACOPY: u32 = 1
export const OPAQUE: u32 = 2
export const ESCAPED_WHITEOUT: u32 = 3
export const USER_WHITEOUT: u32 = 4
export const ESCAPED_WHITEOUTS: u32 = 5
export const USER_WHITEOUTS: u32 = 6
export const ESCAPED_OPAQUE: u32 = 7
export const USER_OPAQUE: u32 = 8
export const MARKS: u32 = 9

const OVERLAY = 'trusted.overlay.'
const ESCAPED = 'trusted.overlay.overlay.'
/** What escaping adds to a name, bytes. */
const ESCAPE: u32 = 8

/** Names of the marks, back to back. */
const MARK_TEXTS: usize = memory.data(512, 8)

@unmanaged
export class Key {
  name: usize
  /** What the image stores of the name. */
  suffix: usize
  nameLength: u32
  suffixLength: u32
  /** Base prefix by number. */
  index: u32
  /** The bit of the name filter that it clears. */
  filterBit: u32
  /** Position among all keys in byte order. */
  rank: u32
  isAcl: bool
  /** Whether the name is not the tree's. */
  isEscaped: bool
}
const KEY_SIZE: usize = 32

@inline
export function keyAt(key: u32): Key {
  return changetype<Key>(plan.keys + <usize>key * KEY_SIZE)
}

/** Key in the image of a key of the tree. */
@inline
export function imageKey(key: u32): u32 {
  return u32At(plan.keyOf + (<usize>key << 2))
}

/** Puts ASCII text at an address; answers its end. */
function putText(to: usize, text: string): usize {
  const length = <u32>text.length
  for (let i: u32 = 0; i < length; i++) put8(to + i, text.charCodeAt(i))
  return to + length
}

function begins(p: usize, length: u32, text: string): bool {
  const n = <u32>text.length
  if (length < n) return false
  for (let i: u32 = 0; i < n; i++) if (u8At(p + i) != <u32>text.charCodeAt(i)) return false
  return true
}

@inline
function take(key: Key, index: u32, prefix: string): bool {
  const n = <u32>prefix.length
  if (!begins(key.name, key.nameLength, prefix)) return false
  key.index = index
  key.suffix = key.name + n
  key.suffixLength = key.nameLength - n
  return true
}

/** Splits a full name as mkcomposefs does: first matching prefix wins, also where the prefix is a whole name. */
function addKey(name: usize, length: u32): void {
  const key = keyAt(plan.keyCount++)
  key.name = name
  key.nameLength = length
  key.rank = 0
  key.isAcl = false
  key.isEscaped = false
  if (take(key, 2, 'system.posix_acl_access') || take(key, 3, 'system.posix_acl_default')) {
    key.isAcl = key.suffixLength == 0
  } else if (!take(key, 1, 'user.') && !take(key, 4, 'trusted.') && !take(key, 6, 'security.')) {
    take(key, 0, '')
  }
  key.filterBit = xxh32(key.suffix, key.suffixLength, EROFS_XATTR_FILTER_SEED + key.index) & 31
}

function addMark(at: usize, prefix: string, name: string): usize {
  const end = putText(putText(at, prefix), name)
  addKey(at, <u32>(end - at))
  return end
}

function addMarks(): void {
  let at = addMark(MARK_TEXTS, OVERLAY, 'redirect')
  at = addMark(at, OVERLAY, 'metacopy')
  at = addMark(at, OVERLAY, 'opaque')
  at = addMark(at, ESCAPED, 'whiteout')
  at = addMark(at, 'user.overlay.', 'whiteout')
  at = addMark(at, ESCAPED, 'whiteouts')
  at = addMark(at, 'user.overlay.', 'whiteouts')
  at = addMark(at, ESCAPED, 'opaque')
  addMark(at, 'user.overlay.', 'opaque')
}

/** Adds a key of the tree under the name that the image has for it; answers its number there. */
function addOwn(name: usize, length: u32): u32 {
  for (let mark: u32 = 0; mark < MARKS; mark++) {
    const key = keyAt(mark)
    if (key.nameLength == length && same(key.name, name, length)) return mark
  }
  if (begins(name, length, 'security.selinux') && length == 16) plan.labelKey = plan.keyCount
  addKey(name, length)
  return plan.keyCount - 1
}

/** Makes the keys of the image at hand. 0 or -errno. */
export function makeKeys(): i32 {
  let escaped: u64 = 0
  for (let key: u32 = 0; key < keyCount; key++) {
    if (begins(keyNameOf(key), keyLengthOf(key), OVERLAY)) escaped += keyLengthOf(key) + ESCAPE
  }
  plan.keys = alloc(<u64>(MARKS + keyCount) * KEY_SIZE)
  plan.keyOf = alloc(<u64>keyCount << 2)
  plan.keyTexts = alloc(escaped)
  if (plan.keys == 0 || plan.keyOf == 0 || plan.keyTexts == 0) return noMemory()
  plan.labelKey = -1
  addMarks()
  let text = plan.keyTexts
  for (let key: u32 = 0; key < keyCount; key++) {
    let name = keyNameOf(key)
    let length = keyLengthOf(key)
    if (begins(name, length, OVERLAY)) {
      const rest = length - OVERLAY.length
      copy(putText(text, ESCAPED), name + OVERLAY.length, rest)
      name = text
      length += ESCAPE
      text += length
    }
    const number = addOwn(name, length)
    keyAt(number).isEscaped = name != keyNameOf(key)
    put32(plan.keyOf + (<usize>key << 2), number)
  }
  return rankKeys()
}

/** Names that lie in the tree's byte string have moved with it. */
export function moveKeys(moved: usize): void {
  for (let number = MARKS; number < plan.keyCount; number++) {
    const key = keyAt(number)
    if (key.isEscaped) continue
    key.name += moved
    key.suffix += moved
  }
}

function rankKeys(): i32 {
  const bytes = <usize>plan.keyCount << 2
  const list = alloc(<u64>bytes << 1)
  if (list == 0) return noMemory()
  for (let key: u32 = 0; key < plan.keyCount; key++) put32(list + (<usize>key << 2), key)
  mergeSort(list, list + bytes, plan.keyCount, (a: u32, b: u32) => {
    const x = keyAt(a)
    const y = keyAt(b)
    return compare(x.name, x.nameLength, y.name, y.nameLength) > 0
  })
  for (let rank: u32 = 0; rank < plan.keyCount; rank++) keyAt(u32At(list + (<usize>rank << 2))).rank = rank
  release(list)
  return 0
}
