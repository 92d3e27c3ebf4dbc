// The leaf hashes of verified objects, by digest, for all who have such an object open and, as long as they fit, for
// who opens one again. Bounded by the clock algorithm (the oldest goes, unless it was used since it was last looked at):
// nearly least recently used, without touching the map's order at each use. What an open file holds stays. Not here:
// who computes them.

/** Leaf hashes of one digest; shared, so nobody writes to them. */
export interface Leaves {
  readonly key: string
  /** 32 bytes for each 4096-byte block. */
  readonly hashes: Uint8Array
  /** Bytes of the data that they belong to. */
  readonly size: number
}

interface Entry extends Leaves {
  /** Open files that hold it. */
  pins: number
  /** Found by another open since the hand last passed. */
  used: boolean
}

/** About what an entry costs beside its hashes: map slot, key, typed array. Most objects have few blocks. */
const ENTRY_COST = 320

/** Key of a digest: its bytes as characters, which is cheaper than hex. */
export function leafKey(digest: Uint8Array): string {
  return String.fromCharCode.apply(null, digest as unknown as number[])
}

export function keyBytes(key: string): Uint8Array {
  return Uint8Array.from({ length: key.length }, (_, i) => key.charCodeAt(i))
}

export class LeafCache {
  readonly #limit: number
  /** In the order in which the clock's hand passes them. */
  readonly #entries = new Map<string, Entry>()
  /** How many of them no file holds. */
  #idle = 0
  #bytes = 0

  /** `limit` in bytes. Entries in use count and may exceed it; others make room. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes that all entries take, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** The leaves of a digest, if held; they stay until `release`. */
  acquire(key: string): Leaves | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.pins === 0) this.#idle--
    entry.pins++
    entry.used = true
    return entry
  }

  /** Adds leaves, which stay until `release`; answers those that were there already, if any. */
  add(key: string, hashes: Uint8Array, size: number): Leaves {
    const present = this.acquire(key)
    if (present !== undefined) return present
    const entry: Entry = { key, hashes, size, pins: 1, used: false }
    this.#entries.set(key, entry)
    this.#bytes += hashes.length + ENTRY_COST
    if (this.#bytes > this.#limit) this.#trim()
    return entry
  }

  /** Ends one `acquire` or `add`. */
  release(leaves: Leaves): void {
    const entry = leaves as Entry
    if (--entry.pins > 0) return
    this.#idle++
    if (this.#bytes > this.#limit) this.#trim()
  }

  /** Ends: each turn of the hand that drops nothing takes away a `used`, and it passes over idle entries only twice. */
  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#limit || this.#idle === 0) return
      this.#entries.delete(key)
      if (entry.pins === 0 && !entry.used) {
        this.#idle--
        this.#bytes -= entry.hashes.length + ENTRY_COST
      } else {
        // To the end; the loop comes by again.
        entry.used = false
        this.#entries.set(key, entry)
      }
    }
  }
}
