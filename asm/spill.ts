// Bytes that lie nowhere in one piece, put together for as long as a call lasts: what runs over the end of a page, what comes out
// of compressed data. And the note that a call is void, since it lacks something. Not here: pages (pages.ts), decoding
// (extents.ts).
//
//   [offset in the image u64][length u64][bytes, padded to 8] ...

import { ENOMEM, SPILL_BYTES } from './layout'
import { ownU64 } from './scratch'

const SPILL: usize = memory.data(<i32>(SPILLS ? SPILL_BYTES + 64 : 8), 8)
const HEAD: usize = 16

/** Errno that makes the call void: EAGAIN once it came upon a page that is not here, ENOMEM where the spill was full. */
export let missed: i32 = 0
let spilt: usize = 0

/** Begins a call, or its next part after a good one. */
@inline
export function beginSpill(): void {
  missed = 0
  spilt = 0
}

/** Notes that the call is void; what was noted first stays. */
export function lack(errno: i32): void {
  if (missed == 0) missed = errno
}

/** The same, whatever was noted before. */
export function setMissed(errno: i32): void {
  missed = errno
}

/** Room for `length` bytes that are those at `offset` of the image; 0 where there is none. */
export function spillRoom(offset: u64, length: u64): usize {
  if (length == 0) return SPILL
  const need = HEAD + <usize>((length + 7) & ~7)
  if (length > SPILL_BYTES || spilt + need > SPILL_BYTES) {
    // Nothing to wait for: what lies in so many pieces at once is more than any image that tools write has.
    lack(ENOMEM)
    return 0
  }
  const to = SPILL + spilt
  store<u64>(to, offset)
  store<u64>(to, length, 8)
  // Names are read eight bytes at a time, past their end.
  store<u64>(to + HEAD + <usize>((length + 7) & ~7) - 8, 0)
  spilt += need
  return to + HEAD
}

/** How much has been spilt; `unspill` goes back to it when what came after is no longer needed. */
@inline
export function spillMark(): usize {
  return spilt
}

@inline
export function unspill(mark: usize): void {
  spilt = mark
}

/** Is more than half of the spill in use? */
@inline
export function spillIsFull(): bool {
  return spilt > SPILL_BYTES / 2
}

@inline
export function isSpilt(p: usize): bool {
  return p >= SPILL && p < SPILL + SPILL_BYTES
}

/** Byte offset in the image of what a spilt pointer points to: for errors. */
export function spiltOffset(p: usize): u64 {
  for (let at = SPILL; at < SPILL + spilt; ) {
    const length = <usize>ownU64(at + 8)
    const first = at + HEAD
    if (p < first + length) return ownU64(at) + (p - first)
    at = first + ((length + 7) & ~7)
  }
  return 0
}
