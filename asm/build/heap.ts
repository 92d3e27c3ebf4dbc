// Memory for what grows: regions of any size, first fit by address, neighbours joined again when they are given back.
// There are some dozens of regions at a time, so a list will do. Answers 0 when there is no more memory; it never traps.
//
//   region   u32 size of it all | 12 bytes | what was asked for | room for an eight-byte load past the end
//   free     u32 size of it all | u32 next free one

import { copy, put32, u32At } from './raw'

const HEAD: usize = 16
const SLACK: usize = 16
const PAGE: u64 = 65536
/** Memory grows by at least that many pages, while it can. */
const GROWTH: i32 = 16
const LIMIT: u64 = 0xfffff000

let firstFree: usize = 0
/** End of what was ever given out. */
let top: usize = 0
/** How often a region moved, or all of memory in the eyes of the host: views laid before that are void. */
export let moves: u32 = 0

export function countMove(): void {
  moves++
}

@inline
function roundedSize(bytes: u64): u64 {
  return (bytes + HEAD + SLACK + 15) & ~(<u64>15)
}

/** Makes memory reach to an address. */
function reach(end: u64): bool {
  if (end > LIMIT) return false
  const now = <u64>memory.size() * PAGE
  if (end <= now) return true
  const pages = <i32>((end - now + PAGE - 1) / PAGE)
  moves++
  return memory.grow(max(pages, GROWTH)) >= 0 || memory.grow(pages) >= 0
}

/** A region of at least `bytes` bytes, its content undefined; 0 when there is no more memory. */
export function alloc(bytes: u64): usize {
  if (bytes >= LIMIT) return 0
  if (top == 0) top = (__heap_base + 15) & ~15
  const size = roundedSize(bytes)
  let before: usize = 0
  let at = firstFree
  while (at != 0 && <u64>u32At(at) < size) {
    before = at
    at = <usize>u32At(at + 4)
  }
  if (at == 0) {
    at = top
    if (!reach(<u64>at + size)) return 0
    top += <usize>size
    put32(at, <u32>size)
    return at + HEAD
  }
  const rest = u32At(at) - <u32>size
  let next = u32At(at + 4)
  if (rest >= 64) {
    const remainder = at + <usize>size
    put32(remainder, rest)
    put32(remainder + 4, next)
    next = <u32>remainder
    put32(at, <u32>size)
  }
  if (before == 0) firstFree = next
  else put32(before + 4, next)
  return at + HEAD
}

/** Takes a region back; 0 is none. */
export function release(p: usize): void {
  if (p == 0) return
  const at = p - HEAD
  let before: usize = 0
  let next = firstFree
  while (next != 0 && next < at) {
    before = next
    next = <usize>u32At(next + 4)
  }
  if (next != 0 && at + <usize>u32At(at) == next) {
    put32(at, u32At(at) + u32At(next))
    next = <usize>u32At(next + 4)
  }
  put32(at + 4, <u32>next)
  if (before == 0) {
    firstFree = at
  } else if (before + <usize>u32At(before) == at) {
    put32(before, u32At(before) + u32At(at))
    put32(before + 4, <u32>next)
  } else {
    put32(before + 4, <u32>at)
  }
}

/** A region with the first `used` bytes of another one, which is given back: the same where it can grow in place. */
export function resize(p: usize, used: usize, bytes: u64): usize {
  if (bytes >= LIMIT) return 0
  const at = p - HEAD
  const size = roundedSize(bytes)
  if (p != 0 && at + <usize>u32At(at) == top) {
    if (size <= u32At(at)) return p
    if (!reach(<u64>at + size)) return 0
    top = at + <usize>size
    put32(at, <u32>size)
    return p
  }
  const wider = alloc(bytes)
  if (wider == 0) return 0
  moves++
  copy(wider, p, used)
  release(p)
  return wider
}
