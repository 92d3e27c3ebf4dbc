// Extended attributes of the tree: each key once, each (key, value) once, and per node a run of pairs in a list, in the
// order in which they were set. Limits are those of libcomposefs (spec composefs-image.md 1.2). Not here: what a key means.

import { arena, i32Of, position, set16, set32, u16Of } from './columns'
import { fail, noMemory } from './failure'
import { alloc, countMove, release, resize } from './heap'
import {
  COL_XATTR_COUNT,
  COL_XATTR_START,
  EINVAL,
  ERANGE,
  KEY_KEY_AT,
  KEY_KEY_LENGTH,
  KEY_ROW,
  NO_KEY_EMPTY,
  NO_KEY_LONG,
  NO_VALUE_LONG,
  NO_XATTRS_LONG,
  PAIR_PAIR_KEY,
  PAIR_ROW,
  PAIR_VALUE_AT,
  PAIR_VALUE_LENGTH,
  XATTR_ENTRY_COST,
  XATTR_FIRST_COST,
  XATTR_KEY_MAX,
  XATTR_VALUE_MAX,
} from './layout'
import { copy, hashBytes, put16, put32, put8, same, u16At, u32At, u8At } from './raw'
import { hashIs, rowAt, Table } from './table'

const FIRST_ROWS: u32 = 64

export let keys: usize = 0
export let keyRoom: u32 = 0
export let keyCount: u32 = 0
export let pairs: usize = 0
export let pairRoom: u32 = 0
export let pairCount: u32 = 0
export let list: usize = 0
export let listRoom: u32 = 0
export let listLength: u32 = 0

const keyTable = changetype<Table>(memory.data(32, 8))
const pairTable = changetype<Table>(memory.data(32, 8))

@inline
export function keyNameOf(key: u32): usize {
  return arena + u32At(keys + <usize>KEY_KEY_AT * keyRoom + (<usize>key << 2))
}

@inline
export function keyLengthOf(key: u32): u32 {
  return u8At(keys + <usize>KEY_KEY_LENGTH * keyRoom + key)
}

@inline
export function keyOfPair(pair: u32): u32 {
  return u32At(pairs + <usize>PAIR_PAIR_KEY * pairRoom + (<usize>pair << 2))
}

@inline
export function valueOf(pair: u32): usize {
  return arena + u32At(pairs + <usize>PAIR_VALUE_AT * pairRoom + (<usize>pair << 2))
}

@inline
export function valueLengthOf(pair: u32): u32 {
  return u16At(pairs + <usize>PAIR_VALUE_LENGTH * pairRoom + (<usize>pair << 1))
}

@inline
export function listed(at: u32): u32 {
  return u32At(list + (<usize>at << 2))
}

@inline
function setListed(at: u32, pair: u32): void {
  put32(list + (<usize>at << 2), pair)
}

function growKeys(): bool {
  const room = max(FIRST_ROWS, keyRoom << 1)
  const wider = alloc(<u64>room * KEY_ROW)
  if (wider == 0) return false
  copy(wider, keys, <usize>keyCount << 2)
  copy(wider + <usize>KEY_KEY_LENGTH * room, keys + <usize>KEY_KEY_LENGTH * keyRoom, keyCount)
  release(keys)
  keys = wider
  keyRoom = room
  countMove()
  return true
}

function growPairs(): bool {
  const room = max(FIRST_ROWS, pairRoom << 1)
  const wider = alloc(<u64>room * PAIR_ROW)
  if (wider == 0) return false
  copy(wider, pairs, <usize>pairCount << 2)
  copy(wider + <usize>PAIR_VALUE_AT * room, pairs + <usize>PAIR_VALUE_AT * pairRoom, <usize>pairCount << 2)
  copy(wider + <usize>PAIR_VALUE_LENGTH * room, pairs + <usize>PAIR_VALUE_LENGTH * pairRoom, <usize>pairCount << 1)
  release(pairs)
  pairs = wider
  pairRoom = room
  countMove()
  return true
}

function growList(wanted: u32): bool {
  const room = max<u32>(max(wanted, listRoom << 1), FIRST_ROWS)
  const wider = resize(list, <usize>listLength << 2, <u64>room << 2)
  if (wider == 0) return false
  list = wider
  listRoom = room
  countMove()
  return true
}

/** Number of a key whose bytes lie in the byte string, or -errno. */
function keyNumber(name: usize, length: u32): i32 {
  if (length == 0) return fail(ERANGE, NO_KEY_EMPTY)
  if (length > XATTR_KEY_MAX) return fail(ERANGE, NO_KEY_LONG, length, XATTR_KEY_MAX)
  if (!keyTable.reserve(1)) return noMemory()
  const hash = hashBytes(name, length, 0)
  for (let slot = keyTable.first(hash); ; slot = keyTable.next(slot)) {
    const key = rowAt(slot)
    if (key < 0) break
    if (hashIs(slot, hash) && keyLengthOf(key) == length && same(keyNameOf(key), name, length)) return key
  }
  if (keyCount == keyRoom && !growKeys()) return noMemory()
  const key = keyCount++
  put32(keys + <usize>KEY_KEY_AT * keyRoom + (<usize>key << 2), position(name))
  put8(keys + <usize>KEY_KEY_LENGTH * keyRoom + key, length)
  keyTable.add(hash, key)
  return key
}

/** Number of a pair of a key and a value that lie in the byte string; new ones are added. Or -errno. */
export function pairNumber(name: usize, nameLength: u32, value: usize, length: u32): i32 {
  if (length > XATTR_VALUE_MAX) return fail(EINVAL, NO_VALUE_LONG, length, XATTR_VALUE_MAX)
  const key = keyNumber(name, nameLength)
  if (key < 0) return key
  if (!pairTable.reserve(1)) return noMemory()
  const hash = hashBytes(value, length, key)
  for (let slot = pairTable.first(hash); ; slot = pairTable.next(slot)) {
    const pair = rowAt(slot)
    if (pair < 0) break
    if (!hashIs(slot, hash) || keyOfPair(pair) != key || valueLengthOf(pair) != length) continue
    if (same(valueOf(pair), value, length)) return pair
  }
  if (pairCount == pairRoom && !growPairs()) return noMemory()
  const pair = pairCount++
  put32(pairs + <usize>PAIR_PAIR_KEY * pairRoom + (<usize>pair << 2), key)
  put32(pairs + <usize>PAIR_VALUE_AT * pairRoom + (<usize>pair << 2), position(value))
  put16(pairs + <usize>PAIR_VALUE_LENGTH * pairRoom + (<usize>pair << 1), length)
  pairTable.add(hash, pair)
  return pair
}

@inline
function cost(pair: u32): u32 {
  return XATTR_ENTRY_COST + keyLengthOf(keyOfPair(pair)) + valueLengthOf(pair)
}

/**
 * Gives a node a pair; the last one takes the place of another with the same key. -ERANGE when the node's attributes
 * would take more than `limit`.
 */
export function setPair(node: i32, pair: u32, limit: u32): i32 {
  const key = keyOfPair(pair)
  let start = <u32>i32Of(COL_XATTR_START, node)
  const count = u16Of(COL_XATTR_COUNT, node)
  let space = XATTR_FIRST_COST + cost(pair)
  let same: i32 = -1
  for (let i = start; i < start + count; i++) {
    const other = listed(i)
    if (keyOfPair(other) == key) same = i
    else space += cost(other)
  }
  if (space > limit) return fail(ERANGE, NO_XATTRS_LONG, space, limit)
  if (same >= 0) {
    setListed(same, listed(start + count - 1))
    setListed(start + count - 1, pair)
    return 0
  }
  // A run that is not the last one moves to the end, where it can get longer.
  const moves = start + count != listLength
  const wanted = listLength + (moves ? count : 0) + 1
  if (wanted > listRoom && !growList(wanted)) return noMemory()
  if (moves) {
    copy(list + (<usize>listLength << 2), list + (<usize>start << 2), <usize>count << 2)
    start = listLength
    listLength += count
    set32(COL_XATTR_START, node, start)
  }
  setListed(listLength++, pair)
  set16(COL_XATTR_COUNT, node, count + 1)
  return 0
}
