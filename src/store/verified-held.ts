// Checked bytes of whole objects, brought before anyone reads them (`prefetch`), for stores that can't be asked without
// waiting: who opens such an object then finds it here. Bounded: what was used longest ago goes, but not what a call that
// has not ended yet brought. Not here: bringing and checking.

import { Fault, type Outcome } from '../format/errno.js'
import { loadError } from './errors.js'
import { leafKey } from './leaf-cache.js'
import type { Expected, KeepCall, ObjectFile } from './object-file.js'

/** By which an object with a digest (its leaf key) is known. */
export function heldKey(name: string, digest: string | undefined): string {
  return digest === undefined ? name : `${name}\0${digest}`
}

interface Entry {
  /** Bytes, also while they are coming: then the room is only reserved. */
  readonly size: number
  bytes: Uint8Array | undefined
  coming: Promise<void> | undefined
  /** Those that want it. */
  readonly calls: Set<KeepCall>
}

export class HeldObjects {
  /** In bytes. */
  limit: number
  /** By object and digest; the one that was used longest ago first. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes held, those included that room is reserved for. */
  get bytes(): number {
    return this.#bytes
  }

  /** An object that is held, opened; undefined where it is not, or has another size than it should. */
  open(name: string, { digest, size }: Expected): ObjectFile | undefined {
    if (this.#entries.size === 0) return undefined
    const key = heldKey(name, digest === undefined ? undefined : leafKey(digest))
    const entry = this.#entries.get(key)
    if (entry?.bytes === undefined || (size !== undefined && size !== entry.size)) return undefined
    this.#use(key, entry)
    return new HeldFile(this, key, entry.bytes)
  }

  /** Holds `size` bytes that `bring` brings, if they are not held. Rejects with ENOSPC when there is no room for them. */
  async hold(key: string, size: number, call: KeepCall, bring: () => Promise<Uint8Array>): Promise<void> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.calls.add(call)
      this.#use(key, known)
      return known.coming
    }
    const full = this.#makeRoom(size)
    if (full !== undefined) throw loadError(full)
    const entry: Entry = { size, bytes: undefined, coming: undefined, calls: new Set([call]) }
    this.#entries.set(key, entry)
    this.#bytes += size
    entry.coming = bring().then(
      bytes => {
        entry.bytes = bytes
        entry.coming = undefined
      },
      error => {
        this.#drop(key, entry)
        throw error
      },
    )
    return entry.coming
  }

  /** The same for bytes that were held when a file was opened. */
  again(key: string, bytes: Uint8Array, call: KeepCall): Fault | undefined {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.calls.add(call)
      return undefined
    }
    const full = this.#makeRoom(bytes.length)
    if (full !== undefined) return full
    this.#entries.set(key, { size: bytes.length, bytes, coming: undefined, calls: new Set([call]) })
    this.#bytes += bytes.length
    return undefined
  }

  clear(): void {
    for (const [key, entry] of this.#entries) if (entry.coming === undefined) this.#drop(key, entry)
  }

  #use(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.size
  }

  #makeRoom(size: number): Fault | undefined {
    if (size > this.limit) return new Fault('ENOSPC', `${size} bytes do not fit: prefetchBytes is ${this.limit}`)
    for (const [key, entry] of this.#entries) {
      if (this.#bytes + size <= this.limit) return undefined
      for (const call of entry.calls) if (call.ended) entry.calls.delete(call)
      if (entry.calls.size === 0 && entry.coming === undefined) this.#drop(key, entry)
    }
    if (this.#bytes + size <= this.limit) return undefined
    const beside = `beside the ${this.#bytes} that are wanted as well`
    return new Fault('ENOSPC', `${size} bytes do not fit ${beside}: prefetchBytes is ${this.limit}`)
  }
}

/** An open object whose bytes are held; they stay with it whatever becomes of the entry. */
class HeldFile implements ObjectFile {
  readonly size: number
  readonly #held: HeldObjects
  readonly #key: string
  #bytes: Uint8Array | undefined

  constructor(held: HeldObjects, key: string, bytes: Uint8Array) {
    this.size = bytes.length
    this.#held = held
    this.#key = key
    this.#bytes = bytes
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const part = this.#bytes?.subarray(position, position + into.length)
    if (part === undefined) return this.#closed()
    into.set(part)
    return part.length
  }

  readAll(): Outcome<Uint8Array> {
    // slice() of a Buffer would share its memory.
    return this.#bytes === undefined ? this.#closed() : new Uint8Array(this.#bytes)
  }

  keep(call: KeepCall): Fault | undefined {
    return this.#bytes === undefined ? this.#closed() : this.#held.again(this.#key, this.#bytes, call)
  }

  close(): void {
    this.#bytes = undefined
  }

  #closed(): Fault {
    return new Fault('EBADF', 'object is closed')
  }
}
