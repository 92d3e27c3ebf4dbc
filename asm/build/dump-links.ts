// Hard links of a dump, which may come before their target: kept until all nodes are there.
//
//   link   i32 node | u32 position and u32 length of the target's path, position NO_PATH for none

import { arena, NONE, position } from './columns'
import { atField, fail, noMemory } from './failure'
import { release, resize } from './heap'
import { EINVAL, ENOENT, IN_PAYLOAD, NO_LINK_TARGET_EMPTY, NO_LINK_TARGET_MISSING } from './layout'
import { findPath } from './names'
import { i32At, put32, u32At } from './raw'
import { setLink } from './tree'

const LINK: u32 = 12
const NO_PATH: u32 = 0xffffffff

let links: usize = 0
let used: u32 = 0
let room: u32 = 0

/** Keeps a link; `from` is 0 where the line names no target. */
export function keepLink(node: i32, from: usize, to: usize): i32 {
  if (used == room) {
    const wider = max<u32>(256, 2 * room)
    const at = resize(links, <usize>used * LINK, <u64>wider * LINK)
    if (at == 0) return noMemory()
    links = at
    room = wider
  }
  const link = links + <usize>(used++) * LINK
  put32(link, node)
  put32(link + 4, from == 0 ? NO_PATH : position(from))
  put32(link + 8, <u32>(to - from))
  return 0
}

/** Last line first, as mkcomposefs does: so it decides which of two wrong lines is named. 0 or -errno. */
export function resolveLinks(): i32 {
  let r = 0
  while (used > 0 && r == 0) {
    const link = links + <usize>(--used) * LINK
    const node = i32At(link)
    r = resolveOne(node, u32At(link + 4), u32At(link + 8))
    if (r < 0) atField(r, <u32>node + 1, IN_PAYLOAD, node)
  }
  release(links)
  links = 0
  used = room = 0
  return r
}

function resolveOne(node: i32, path: u32, length: u32): i32 {
  if (path == NO_PATH) return fail(EINVAL, NO_LINK_TARGET_EMPTY)
  const target = findPath(arena + path, arena + path + length)
  if (target < NONE) return target + 1
  return target == NONE ? fail(ENOENT, NO_LINK_TARGET_MISSING) : setLink(node, target)
}
