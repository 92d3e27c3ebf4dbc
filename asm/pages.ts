// The pages of an image that are here, where the image is not resident: a table from page number to frame, and the list
// of pages that a call has missed. The loader brings pages and takes them away again between calls; during one they stay
// where they are, so a pointer into a frame is good until the call ends. Not here: which page goes (wasm/pages.ts).
// Bytes that run over the end of a page are copied together (spill.ts).
//
//   slot:   [page number + 1 u64][frame u32][0 u32]      open addressing, a power of two of them, at most half full
//   miss:   [first page f64][pages f64]

import { EAGAIN, MAX_MISSES, SCR_MISSES } from './layout'
import { SCRATCH } from './scratch'
import { isSpilt, setMissed, spillRoom, spiltOffset } from './spill'

const SLOT: usize = 16
export const MISSES: usize = memory.data(<i32>(MAX_MISSES * 16), 8)

let table: usize = 0
let mask: u32 = 0
/** A byte a frame: 1 once a call has looked into it. */
let used: usize = 0
let frames: usize = 0
let bits: u32 = 0

let misses: u32 = 0

/** The page looked at last. */
let lastPage: u64 = u64.MAX_VALUE
let lastFrame: usize = 0

export function usePages(slots: usize, slotMask: u32, usedBytes: usize, firstFrame: usize, pageBits: u32): void {
  table = slots
  mask = slotMask
  used = usedBytes
  frames = firstFrame
  bits = pageBits
  lastPage = u64.MAX_VALUE
}

/** Begins a call, or its next part after a good one. */
export function beginPages(): void {
  misses = 0
  store<u32>(SCRATCH + SCR_MISSES, 0)
}

@inline
function slotOf(page: u64): u32 {
  return <u32>((page * 0x9e3779b97f4a7c15) >> 32) & mask
}

@inline
function slotAt(slot: u32): usize {
  return table + <usize>slot * SLOT
}

/** Address of a page's frame; 0 where it is not here. */
function frameOf(page: u64): usize {
  if (page == lastPage) return lastFrame
  for (let slot = slotOf(page); ; slot = (slot + 1) & mask) {
    const entry = slotAt(slot)
    const key = load<u64>(entry)
    if (key == 0) return 0
    if (key != page + 1) continue
    const frame = load<u32>(entry, 8)
    store<u8>(used + frame, 1)
    lastPage = page
    lastFrame = frames + (<usize>frame << bits)
    return lastFrame
  }
}

/** Notes that pages are wanted. */
function miss(page: u64, count: u64): usize {
  setMissed(EAGAIN)
  if (misses == MAX_MISSES) return 0
  const at = MISSES + <usize>misses * 16
  store<f64>(at, <f64>page)
  store<f64>(at, <f64>count, 8)
  store<u32>(SCRATCH + SCR_MISSES, ++misses)
  return 0
}

/** Pointer to bytes inside the image; 0 where they are not all here. */
export function pageSpan(offset: u64, length: u64): usize {
  const page = offset >> bits
  const from = offset & ((<u64>1 << bits) - 1)
  if (length == 0) return spillRoom(offset, 0)
  if (from + length > <u64>1 << bits) return across(offset, length)
  const frame = frameOf(page)
  return frame ? frame + <usize>from : miss(page, 1)
}

/** Bytes on several pages, copied together. */
function across(offset: u64, length: u64): usize {
  const to = spillRoom(offset, length)
  return to && copyPages(offset, length, to) ? to : 0
}

/** Copies bytes inside the image, on any number of pages. False where they are not all here. */
export function copyPages(offset: u64, length: u64, to: usize): bool {
  const first = offset >> bits
  const last = (offset + length - 1) >> bits
  let here = true
  for (let page = first; page <= last; page++) if (!frameOf(page)) here = false
  if (!here) {
    miss(first, last - first + 1)
    return false
  }
  for (let done: u64 = 0; done < length; ) {
    const from = (offset + done) & ((<u64>1 << bits) - 1)
    const n = min((<u64>1 << bits) - from, length - done)
    memory.copy(to + <usize>done, frameOf((offset + done) >> bits) + <usize>from, <usize>n)
    done += n
  }
  return true
}

/** Bytes from `offset` to the end of its page. */
@inline
export function leftOfPage(offset: u64): u64 {
  return (<u64>1 << bits) - (offset & ((<u64>1 << bits) - 1))
}

/** Notes that a range of the image is wanted, if its first page is not here. False then. */
export function want(offset: u64, length: u64): bool {
  const page = offset >> bits
  if (frameOf(page)) return true
  miss(page, ((offset + max<u64>(length, 1) - 1) >> bits) - page + 1)
  return false
}

/** Byte offset in the image of a pointer that pageSpan gave: for errors. */
export function offsetInPages(p: usize): u64 {
  if (isSpilt(p)) return spiltOffset(p)
  const frame = <u32>((p - frames) >> bits)
  for (let slot: u32 = 0; slot <= mask; slot++) {
    const entry = slotAt(slot)
    if (load<u64>(entry) == 0 || load<u32>(entry, 8) != frame) continue
    return ((load<u64>(entry) - 1) << bits) + ((p - frames) & ((<usize>1 << bits) - 1))
  }
  return 0
}

/** Puts a page, which is not here yet, into a frame whose bytes are there. */
export function putPage(page: u64, frame: u32): void {
  let slot = slotOf(page)
  while (load<u64>(slotAt(slot)) != 0) slot = (slot + 1) & mask
  store<u64>(slotAt(slot), page + 1)
  store<u32>(slotAt(slot), frame, 8)
  store<u8>(used + frame, 1)
}

/** Frame of a page; -1 where it is not here. */
export function findPage(page: u64): i32 {
  const frame = frameOf(page)
  return frame ? <i32>((frame - frames) >> bits) : -1
}

/** Takes a page out; what stood behind it moves up, so that no look-up stops too soon. */
export function dropPage(page: u64): void {
  lastPage = u64.MAX_VALUE
  let hole = slotOf(page)
  while (load<u64>(slotAt(hole)) != page + 1) {
    if (load<u64>(slotAt(hole)) == 0) return
    hole = (hole + 1) & mask
  }
  for (let slot = (hole + 1) & mask; load<u64>(slotAt(slot)) != 0; slot = (slot + 1) & mask) {
    const home = slotOf(load<u64>(slotAt(slot)) - 1)
    // Whether its home lies (cyclically) behind the hole: then it may stay.
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue
    memory.copy(slotAt(hole), slotAt(slot), SLOT)
    hole = slot
  }
  store<u64>(slotAt(hole), 0)
}
