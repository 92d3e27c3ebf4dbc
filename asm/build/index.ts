// The build core's exports: what trees are made by, and images of them. An instance holds one tree. Functions answer >= 0
// or -errno, what was wrong being in the failure record (src/format/build-layout.ts). Addresses may be beyond 2^31, so none
// is an answer: they are in globals and handles.

import { count, reserveArena, reserveCtimes, reserveRows, takeArena } from './columns'
import { parseDump } from './dump'
import { FAILURE, fail, noMemory } from './failure'
import { nextPiece } from './image'
import { EINVAL, NO_NO_TREE } from './layout'
import { children, compareNodes, dropChildren, dropNames, findChild, findPath, sortChildren } from './names'
import { orderTree } from './order'
import { makeOut } from './out'
import { placeInodes } from './place'
import { dropPlan, newPlan, plan, usePlan } from './plan'
import { SEED, SEED_BYTES } from './raw'
import { rewriteTree } from './rewrite'
import { shareAttributes } from './share'
import { pairNumber, setPair } from './xattrs'

export { arena, arenaUsed, capacity, count, ctimes, rows } from './columns'
export { moves } from './heap'
export { addNode, addRoot, resolveLink, setContent, setDigest, setLink, setPayload } from './tree'
export { keyCount, keyRoom, keys, list, listLength, listRoom, pairCount, pairRoom, pairs } from './xattrs'
export { children, compareNodes, findChild, findPath, reserveArena, reserveCtimes, reserveRows, sortChildren, takeArena }

/** Addresses of fixed areas. */
export const failure: usize = FAILURE
export const seed: usize = SEED
export const seedBytes: u32 = SEED_BYTES

/** Handle of the image that was planned last. */
export let image: usize = 0

/** Reads the `length` bytes that the byte string begins with as a dump; the first NUL is at `textLength`, or none. */
export function readDump(length: u32, textLength: u32, strict: u32): i32 {
  const r = parseDump(length, textLength, strict != 0)
  dropNames()
  return r
}

/** Sets an attribute of a node; all that it has may take `limit` bytes. */
export function setXattr(node: i32, key: usize, keyLength: u32, value: usize, length: u32, limit: u32): i32 {
  const pair = pairNumber(key, keyLength, value, length)
  return pair < 0 ? pair : setPair(node, pair, limit)
}

/** Plans an image of the tree. */
export function planImage(minVersion: u32, maxVersion: u32): i32 {
  if (count == 0) return fail(EINVAL, NO_NO_TREE)
  if (!newPlan()) return noMemory()
  let r = orderTree()
  dropChildren()
  if (r == 0) r = rewriteTree(minVersion, maxVersion)
  if (r == 0) r = shareAttributes()
  plan.pairIndex().drop()
  if (r == 0) r = placeInodes()
  if (r == 0 && !makeOut()) r = noMemory()
  if (r < 0) dropPlan()
  else image = changetype<usize>(plan)
  return r
}

export function imageSize(handle: usize): f64 {
  usePlan(handle)
  return <f64>plan.size
}

export function imageVersion(handle: usize): u32 {
  usePlan(handle)
  return plan.version
}

/** Writes the next piece of an image; its length, 0 at the end. */
export function writePiece(handle: usize): i32 {
  usePlan(handle)
  return nextPiece()
}

/** Where the piece lies. */
export function pieceAt(handle: usize): usize {
  usePlan(handle)
  return plan.out
}

/** Gives an image's memory back. */
export function dropImage(handle: usize): void {
  usePlan(handle)
  dropPlan()
}
