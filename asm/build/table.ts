// Finding rows by their bytes: hash tables of row numbers, by linear probing. What makes two rows the same is their
// owner's to say, so the owner walks the slots:
//
//   for (let slot = table.first(hash); ; slot = table.next(slot)) {
//     const row = rowAt(slot)
//     if (row < 0) break
//     if (hashIs(slot, hash) && …) return row
//   }
//
//   slot   u32 row + 1, 0 where there is none | u32 hash

import { alloc, release } from './heap'
import { fill, put32, u32At } from './raw'

const SLOT_BITS: u32 = 3
const SLOT: usize = 8
const FIRST_SLOTS: u32 = 256
const MAX_SLOTS: u32 = 1 << 28

@inline
export function rowAt(slot: usize): i32 {
  return <i32>u32At(slot) - 1
}

@inline
export function hashIs(slot: usize, hash: u32): bool {
  return u32At(slot + 4) == hash
}

/** Lies in static data or in a plan. All zero is an empty table, on which only `reserve` may be called. */
@unmanaged
export class Table {
  slots: usize
  end: usize
  mask: u32
  used: u32

  @inline
  first(hash: u32): usize {
    return this.slots + (<usize>(hash & this.mask) << SLOT_BITS)
  }

  @inline
  next(slot: usize): usize {
    const next = slot + SLOT
    return next == this.end ? this.slots : next
  }

  /** Makes room for rows beyond those that there are; false when there is no more memory. */
  @inline
  reserve(rows: u32): bool {
    return this.slots != 0 && this.used + rows <= this.mask - (this.mask >> 2) ? true : this.grow(rows)
  }

  private grow(rows: u32): bool {
    let slots = FIRST_SLOTS
    while (slots - (slots >> 2) <= this.used + rows) {
      slots <<= 1
      if (slots > MAX_SLOTS) return false
    }
    const bytes = <usize>slots << SLOT_BITS
    const old = this.slots
    const oldEnd = this.end
    const at = alloc(bytes)
    if (at == 0) return false
    fill(at, 0, bytes)
    this.slots = at
    this.end = at + bytes
    this.mask = slots - 1
    for (let slot = old; slot < oldEnd; slot += SLOT) if (u32At(slot) != 0) this.put(u32At(slot + 4), u32At(slot))
    release(old)
    return true
  }

  private put(hash: u32, value: u32): void {
    let slot = this.first(hash)
    while (u32At(slot) != 0) slot = this.next(slot)
    put32(slot, value)
    put32(slot + 4, hash)
  }

  /** Adds a row that is not there yet, for which there is room. */
  add(hash: u32, row: u32): void {
    this.used++
    this.put(hash, row + 1)
  }

  drop(): void {
    release(this.slots)
    this.slots = this.end = 0
    this.mask = this.used = 0
  }
}
