// The open files of one mount. Not here: opening (file-ops.ts). Descriptors start far above a process's own, so that
// one handed to the wrong `fs` by mistake is EBADF there and not somebody else's file; the lowest free one is taken, as
// POSIX has it.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Bytes, OpenFile } from '../overlay/layer.js'

/** The lowest descriptor. */
export const FD_BASE = 1 << 30
/** How many can be open at once. */
const FD_LIMIT = 1 << 20

/** An open file description. */
export interface Description {
  readonly node: object
  /** null for a directory. */
  readonly file: OpenFile | null
  readonly path: Bytes
  /** Where the next read or write without a position starts, in bytes. */
  cursor: number
  /** Whether it was opened for reading, for writing, and to write at the end only. */
  readonly reads: boolean
  readonly writes: boolean
  readonly append: boolean
  /** Ends the hold on a directory, in a tree that needs one. */
  readonly release?: (() => void) | undefined
}

export class FdTable {
  readonly #open: (Description | null)[] = []
  #free = 0
  #ended = false

  /** Takes the lowest free descriptor; EMFILE when there is none. */
  add(description: Description): number | Fault {
    // An open that was waiting when the mount ended.
    if (this.#ended) {
      description.file?.close()
      description.release?.()
      return fault('EBADF')
    }
    let at = this.#free
    while (at < this.#open.length && this.#open[at] !== null) at++
    if (at >= FD_LIMIT) return fault('EMFILE')
    this.#open[at] = description
    this.#free = at + 1
    return FD_BASE + at
  }

  get(fd: number): Outcome<Description> {
    return this.#open[fd - FD_BASE] ?? fault('EBADF')
  }

  /**
   * The file of a descriptor for a call that asks for it again after each wait: EBADF once it has been closed, although the
   * number may stand for another file by then.
   */
  follow(fd: number): () => Outcome<Description> {
    let first: Description | undefined
    return () => {
      const now = this.get(fd)
      if (now instanceof Fault) return now
      first ??= now
      return now === first ? now : fault('EBADF')
    }
  }

  close(fd: number): Outcome<undefined> {
    const found = this.#open[fd - FD_BASE]
    if (found === undefined || found === null) return fault('EBADF')
    this.#open[fd - FD_BASE] = null
    this.#free = Math.min(this.#free, fd - FD_BASE)
    found.file?.close()
    found.release?.()
    return undefined
  }

  /** Closes whatever is open, when the mount goes. */
  closeAll(): void {
    for (const description of this.#open) {
      description?.file?.close()
      description?.release?.()
    }
    this.#open.length = 0
    this.#free = 0
    this.#ended = true
  }
}
