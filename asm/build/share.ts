// Which attributes inodes share, and where those lie; how many bytes the others take (spec composefs-image.md section 5).

import { attributeAt, NOT_SHARED, Pair, pairAt, prefixLength } from './attributes'
import { fail, noMemory } from './failure'
import { alloc, release } from './heap'
import { keyAt } from './keys'
import { EINVAL, NO_XATTRS_MANY, XE_SIZE, XH_SIZE } from './layout'
import { Inode, plan } from './plan'
import { compare, put32, u32At } from './raw'
import { mergeSort } from './sort'

/** References to shared attributes that one inode makes at most. */
export const SHARED_MAX: u32 = 128
export const ID_SIZE: u32 = 4
const ICOUNT_MAX: u32 = 65535
const INSERTION_MAX: u32 = 32

@inline
export function sharedPair(i: u32): Pair {
  return pairAt(u32At(plan.shared + (<usize>i << 2)))
}

/** Bytes of an entry. */
@inline
export function entrySize(pair: Pair): u32 {
  return (XE_SIZE + keyAt(pair.key).suffixLength + prefixLength(pair) + pair.length + 3) & ~(<u32>3)
}

@inline
function rankOf(pair: u32): u32 {
  return keyAt(pairAt(pair).key).rank
}

/** Does a pair come after another: by key, by length of the value, by value? */
function comesAfter(a: u32, b: u32): bool {
  const x = pairAt(a)
  const y = pairAt(b)
  const rank = keyAt(x.key).rank
  const otherRank = keyAt(y.key).rank
  if (rank != otherRank) return rank > otherRank
  const length = prefixLength(x) + x.length
  const otherLength = prefixLength(y) + y.length
  if (length != otherLength) return length > otherLength
  return compare(x.value, x.length, y.value, y.length) > 0
}

/** All inodes have their attributes: decides what is shared, and where. 0 or -errno. */
export function shareAttributes(): i32 {
  if (!sortRuns()) return noMemory()
  let shared: u32 = 0
  for (let pair: u32 = 0; pair < plan.pairCount; pair++) {
    const uses = pairAt(pair).uses
    if (uses > 1) shared++
    if (uses > 0 && keyAt(pairAt(pair).key).isAcl) plan.hasAcl = true
  }
  const bytes = <usize>shared << 2
  plan.shared = alloc(bytes)
  const room = alloc(bytes)
  if (plan.shared == 0 || room == 0) {
    release(room)
    return noMemory()
  }
  for (let pair: u32 = 0; pair < plan.pairCount; pair++) {
    if (pairAt(pair).uses > 1) put32(plan.shared + (<usize>(plan.sharedCount++) << 2), pair)
  }
  // They lie in descending order.
  mergeSort(plan.shared, room, shared, (a: u32, b: u32) => comesAfter(b, a))
  release(room)
  for (let i: u32 = 0; i < shared; i++) {
    const pair = sharedPair(i)
    pair.sharedAt = <u32>plan.sharedSize
    plan.sharedSize += entrySize(pair)
  }
  return 0
}

/** Sorts each inode's by key; they are few, so mostly by insertion. */
function sortRuns(): bool {
  for (let ino: u32 = 0; ino < plan.inodeCount; ino++) {
    const from = plan.inode(ino).attributes
    const to = plan.inode(ino + 1).attributes
    if (to - from > INSERTION_MAX) {
      if (!sortLongRun(from, to)) return false
      continue
    }
    for (let i = from + 1; i < to; i++) {
      const pair = attributeAt(i)
      const rank = rankOf(pair)
      let at = i
      for (; at > from && rankOf(attributeAt(at - 1)) > rank; at--) put(at, attributeAt(at - 1))
      put(at, pair)
    }
  }
  return true
}

@inline
function put(at: u32, pair: u32): void {
  put32(plan.attributes + (<usize>at << 2), pair)
}

function sortLongRun(from: u32, to: u32): bool {
  const room = alloc((to - from) << 2)
  if (room == 0) return false
  mergeSort(plan.attributes + (<usize>from << 2), room, to - from, (a: u32, b: u32) => rankOf(a) > rankOf(b))
  release(room)
  return true
}

/** Bytes that the attributes of an inode take behind it, or -EINVAL when they are too many. */
export function attributesSize(inode: Inode, end: u32): i32 {
  const from = inode.attributes
  if (from == end) return 0
  let size: u64 = XH_SIZE
  let shared: u32 = 0
  for (let i = from; i < end; i++) {
    const pair = pairAt(attributeAt(i))
    if (pair.sharedAt != NOT_SHARED && shared < SHARED_MAX) {
      shared++
      size += ID_SIZE
    } else {
      size += entrySize(pair)
    }
  }
  return (size - XH_SIZE) / 4 + 1 > <u64>ICOUNT_MAX ? fail(EINVAL, NO_XATTRS_MANY) : <i32>size
}
