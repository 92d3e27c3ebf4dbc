// Finding rows by their bytes: a hash table of row numbers. The rows themselves, and what makes two of them the same,
// are their owner's; so a table of a million rows is one array.

const FIRST_SLOTS = 1 << 10
const EMPTY = -1
const FNV_PRIME = 0x01000193
const MIX = 0x85ebca6b

/** Hash of a byte string. `seed` tells apart what must not meet: equal names in different directories. */
export function hashBytes(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let h = seed | 0
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], FNV_PRIME)
  h = Math.imul(h ^ (h >>> 16), MIX)
  return h ^ (h >>> 13)
}

/**
 * Slots by linear probing, at most half of them used. To look up: `for (let slot = start(hash); (row = at(slot)) >= 0;
 * slot = after(slot))` and compare; a negative row ends the search.
 */
export class HashIndex {
  #slots = new Int32Array(FIRST_SLOTS).fill(EMPTY)
  #hashes = new Int32Array(FIRST_SLOTS)
  #used = 0
  /** So that no one can make rows that collide in every process. */
  readonly seed = (Math.random() * 2 ** 32) | 0

  start(hash: number): number {
    return hash & (this.#slots.length - 1)
  }

  after(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1)
  }

  /** Row in a slot, negative where there is none. */
  at(slot: number): number {
    return this.#slots[slot]
  }

  /** Whether the row in a slot has that hash: asked before its bytes are compared. */
  hashIs(slot: number, hash: number): boolean {
    return this.#hashes[slot] === hash
  }

  /** Adds a row that is not there yet. */
  add(hash: number, row: number): void {
    if (2 * ++this.#used > this.#slots.length) this.#grow()
    this.#put(hash, row)
  }

  #put(hash: number, row: number): void {
    let slot = this.start(hash)
    while (this.#slots[slot] !== EMPTY) slot = this.after(slot)
    this.#slots[slot] = row
    this.#hashes[slot] = hash
  }

  #grow(): void {
    const slots = this.#slots
    const hashes = this.#hashes
    this.#slots = new Int32Array(4 * slots.length).fill(EMPTY)
    this.#hashes = new Int32Array(4 * slots.length)
    for (let i = 0; i < slots.length; i++) if (slots[i] !== EMPTY) this.#put(hashes[i], slots[i])
  }
}
