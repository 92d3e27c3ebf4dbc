// The bytes of a regular file in an upper, and where they are kept. Not here: any kind of body (memory-body.ts; a directory's
// are the host's).

import type { Fault, Outcome } from '../format/errno.js'

/** A file's bytes. Holes read as zeros. */
export interface Body {
  /** Bytes. */
  readonly size: number
  /** Bytes that are really held, in units of 512 (st_blocks). */
  readonly blocks: number
  /** As OpenFile's read; upper bytes never give a Miss. */
  read(into: Uint8Array, position: number): Outcome<number>
  /** All of `from`, or nothing and ENOSPC, EFBIG, EIO. */
  write(from: Uint8Array, position: number): Fault | undefined
  truncate(size: number): Fault | undefined
  /** Where the next byte at or behind `position` is that need not be zero; `size` for nowhere. */
  dataFrom(position: number): number
  /** Whether its bytes, or where they are now, are told with the inode: then each change of them has to be. */
  readonly isTold?: boolean
  /** Makes the bytes last. */
  sync(): Fault | undefined
  /** Gives the bytes back: no name and no open file leads here any more. */
  free(): void
}

/** Where an upper keeps the bytes of its files. */
export interface Bodies {
  /** A new body without bytes. EIO, ENOSPC. */
  create(): Outcome<Body>
}

/** Bytes that an upper may take, and has taken. */
export class Quota {
  #used = 0

  constructor(
    /** Bytes; Infinity for no limit. */
    readonly limit: number,
  ) {}

  get used(): number {
    return this.#used
  }

  /** Takes `bytes`, unless they are more than what is left. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}
