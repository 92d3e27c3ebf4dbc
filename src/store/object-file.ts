// What VerifiedObjects is asked for and what it answers. Here rather than in src/overlay, whose OpenFile has the same
// shape, because a store does not know what an overlay is.

import type { Fault, Outcome } from '../format/errno.js'

export interface Expected {
  /** fs-verity digest, 32 bytes; without one the object's bytes are taken as they are. */
  readonly digest?: Uint8Array
  /** Bytes; without it the object's own size is right. */
  readonly size?: number
}

/** A call that brings files' bytes for later. Those that one call has brought stay together until it ends. */
export interface KeepCall {
  readonly ended: boolean
  /** It has brought all, and asks once more whether it is there still: a Miss says that it is not. */
  readonly checking: boolean
}

/** An object open for reading; what src/overlay calls an OpenFile. */
export interface ObjectFile {
  /** Bytes: the size that was expected, or the object's own. */
  readonly size: number
  /**
   * Copies what lies at `position` to the front of `into`; fewer bytes only at the end. Answers their number, a Miss
   * for bytes that would have to be waited for, EIO (with an IntegrityError as cause) for wrong ones. After a Fault
   * `into` may hold a part of the answer: right bytes, never unchecked ones.
   */
  read(into: Uint8Array, position: number, wait: boolean): Outcome<number>
  /** The whole content, in a buffer that the caller owns. EFBIG from 2 GiB on. */
  readAll(wait: boolean): Outcome<Uint8Array>
  /**
   * Sees to it that who opens this object from now on reads it without waiting. A Miss, whose load brings and checks all
   * bytes; it rejects with ENOSPC when they do not fit in what is held for that.
   */
  keep(call: KeepCall): Fault | undefined
  close(): void
}
