// Attributes of an image's inodes: the tree's own, and the marks that make files external and whiteouts
// (spec composefs-image.md 3, 5). They are put together an inode after the other. Not here: which inode gets which mark
// (rewrite.ts), what is shared (share.ts).

import { arena, i32Of, u16Of } from './columns'
import { fail, noMemory } from './failure'
import { alloc, resize } from './heap'
import {
  imageKey,
  keyAt,
  ESCAPED_OPAQUE,
  ESCAPED_WHITEOUT,
  ESCAPED_WHITEOUTS,
  MARKS,
  METACOPY,
  moveKeys,
  OPAQUE,
  REDIRECT,
  USER_OPAQUE,
  USER_WHITEOUT,
  USER_WHITEOUTS,
} from './keys'
import {
  COL_XATTR_COUNT,
  COL_XATTR_START,
  DIGEST_SIZE,
  ERANGE,
  NO_NO_MARK_ROOM,
  XATTR_ENTRY_COST,
  XATTR_FIRST_COST,
  XATTR_SPACE_MAX,
} from './layout'
import { plan } from './plan'
import { hashBytes, put32, put8, same, u32At } from './raw'
import { hashIs, rowAt } from './table'
import { keyOfPair, listed, pairCount, valueLengthOf, valueOf } from './xattrs'

/** Most marks that one inode gets, and one that is looked at before it is refused. */
const MARK_ROOM: u32 = 16

/** Values of marks. */
const CONSTANT_BYTES: usize = 16
const CONSTANTS: usize = memory.data(16, 8)

@unmanaged
export class Pair {
  /** Where the value lies; an image may store something before it, see prefixLength. */
  value: usize
  key: u32
  /** Inodes that have it. */
  uses: u32
  /** Offset in the shared area; NOT_SHARED. */
  sharedAt: u32
  length: u32
}
const PAIR_SIZE: usize = 20
export const NOT_SHARED: u32 = 0xffffffff
const REDIRECT_PREFIX: u32 = 1
const METACOPY_PREFIX: u32 = 4

/** Where those of the inode at hand begin, and what they count for: libcomposefs begins at 0 here, not at what there is. */
let first: u32 = 0
let space: i32 = 0

@inline
export function pairAt(pair: u32): Pair {
  return changetype<Pair>(plan.pairs + <usize>pair * PAIR_SIZE)
}

@inline
export function attributeAt(at: u32): u32 {
  return u32At(plan.attributes + (<usize>at << 2))
}

@inline
function setAttribute(at: u32, pair: u32): void {
  put32(plan.attributes + (<usize>at << 2), pair)
}

/** What an image stores before a value: the slash of a redirect; version, length, flags and algorithm of a metacopy. */
@inline
export function prefixLength(pair: Pair): u32 {
  if (pair.key == REDIRECT) return REDIRECT_PREFIX
  return pair.key == METACOPY && pair.length > 0 ? METACOPY_PREFIX : 0
}

/** The byte string has moved: so have the values, and keys, that lie in it. */
export function followArena(): void {
  const moved = arena - plan.arena
  for (let number: u32 = 0; number < plan.pairCount; number++) {
    const pair = pairAt(number)
    if (pair.value - CONSTANTS >= CONSTANT_BYTES) pair.value += moved
  }
  moveKeys(moved)
  plan.arena = arena
}

@inline
function hashOf(key: u32, value: usize, length: u32): u32 {
  return hashBytes(value, length, key)
}

/** Begins an image's attributes, with the tree's pairs under their own numbers; `externals` files get marks. */
export function beginAttributes(externals: u32): i32 {
  plan.pairRoom = pairCount + 2 * externals + MARK_ROOM
  plan.pairs = alloc(<u64>plan.pairRoom * PAIR_SIZE)
  if (plan.pairs == 0) return noMemory()
  const table = plan.pairIndex()
  if (!table.reserve(2 * externals + MARK_ROOM)) return noMemory()
  put8(CONSTANTS, 0x78)
  put8(CONSTANTS + 1, 0x79)
  for (let pair: u32 = 0; pair < pairCount; pair++) {
    const key = imageKey(keyOfPair(pair))
    addPair(key, valueOf(pair), valueLengthOf(pair))
    // Others meet no mark.
    if (key >= MARKS) continue
    if (!table.reserve(1)) return noMemory()
    table.add(hashOf(key, valueOf(pair), valueLengthOf(pair)), pair)
  }
  return 0
}

function addPair(key: u32, value: usize, length: u32): u32 {
  const number = plan.pairCount++
  const pair = pairAt(number)
  pair.value = value
  pair.key = key
  pair.uses = 0
  pair.sharedAt = NOT_SHARED
  pair.length = length
  return number
}

/** Pair of a mark; there is room for a new one. Or -errno. */
function markPair(key: u32, value: usize, length: u32): i32 {
  const table = plan.pairIndex()
  if (!table.reserve(1)) return noMemory()
  const hash = hashOf(key, value, length)
  for (let slot = table.first(hash); ; slot = table.next(slot)) {
    const number = rowAt(slot)
    if (number < 0) break
    if (!hashIs(slot, hash)) continue
    const pair = pairAt(number)
    if (pair.key == key && pair.length == length && same(pair.value, value, length)) return number
  }
  table.add(hash, plan.pairCount)
  return addPair(key, value, length)
}

function reserve(wanted: u32): bool {
  if (plan.attributeRoom - plan.attributeCount >= wanted) return true
  const room = max(plan.attributeCount + wanted, plan.attributeRoom + (plan.attributeRoom >> 1) + plan.inodeCount)
  const at = resize(plan.attributes, <usize>plan.attributeCount << 2, <u64>room << 2)
  if (at == 0) return false
  plan.attributes = at
  plan.attributeRoom = room
  return true
}

@inline
function push(pair: u32): void {
  setAttribute(plan.attributeCount++, pair)
}

/** Begins those of the next inode with a node's own, or with its SELinux label alone. 0 or -errno. */
export function beginInode(node: i32, labelOnly: bool): i32 {
  const start = <u32>i32Of(COL_XATTR_START, node)
  const count = u16Of(COL_XATTR_COUNT, node)
  first = plan.attributeCount
  space = 0
  if (!reserve(count + MARK_ROOM)) return noMemory()
  for (let i = start; i < start + count; i++) {
    const pair = listed(i)
    if (!labelOnly || <i32>pairAt(pair).key == plan.labelKey) push(pair)
  }
  return 0
}

/** Ends them. */
export function endInode(): void {
  for (let i = first; i < plan.attributeCount; i++) pairAt(attributeAt(i)).uses++
}

/** Adds a mark that no attribute of the tree has the key of, and for which there is always room. */
function addMark(key: u32, value: usize, length: u32): i32 {
  const pair = markPair(key, value, length)
  if (pair < 0) return pair
  push(pair)
  return 0
}

/** The data is an object's. `digest` and `payload` are 0 where there is none. */
export function markExternal(digest: usize, payload: usize, length: u32): i32 {
  const r = digest == 0 ? addMark(METACOPY, CONSTANTS, 0) : addMark(METACOPY, digest, DIGEST_SIZE)
  return r == 0 && length > 0 ? addMark(REDIRECT, payload, length) : r
}

@inline
function cost(number: u32): i32 {
  const pair = pairAt(number)
  return XATTR_ENTRY_COST + keyAt(pair.key).nameLength + prefixLength(pair) + pair.length
}

/**
 * Sets a mark. The sum is libcomposefs', which starts anew in its copy of the tree while the attributes stay: taking the
 * place of a longer value can bring it below zero, which counts as too much.
 */
function setMark(key: u32, value: usize, length: u32): i32 {
  for (let i = first; i < plan.attributeCount; i++) {
    const other = attributeAt(i)
    if (pairAt(other).key != key) continue
    space -= cost(other)
    setAttribute(i, attributeAt(--plan.attributeCount))
    if (plan.attributeCount == first) space = 0
    break
  }
  if (plan.pairCount == plan.pairRoom) return noMemory()
  const pair = markPair(key, value, length)
  if (pair < 0) return pair
  const sum = space + cost(pair) + (plan.attributeCount == first ? XATTR_FIRST_COST : 0)
  if (sum < 0 || sum > <i32>XATTR_SPACE_MAX) return fail(ERANGE, NO_NO_MARK_ROOM)
  push(pair)
  space = sum
  return 0
}

export function markWhiteout(): i32 {
  const r = setMark(ESCAPED_WHITEOUT, CONSTANTS, 0)
  return r == 0 ? setMark(USER_WHITEOUT, CONSTANTS, 0) : r
}

/** It is a directory with whiteouts in it. */
export function markWhiteouts(opaque: bool): i32 {
  let r = setMark(ESCAPED_WHITEOUTS, CONSTANTS, 0)
  if (r == 0) r = setMark(USER_WHITEOUTS, CONSTANTS, 0)
  if (!opaque || r < 0) return r
  r = setMark(ESCAPED_OPAQUE, CONSTANTS, 1)
  return r == 0 ? setMark(USER_OPAQUE, CONSTANTS, 1) : r
}

export function markRoot(): i32 {
  return setMark(OPAQUE, CONSTANTS + 1, 1)
}
