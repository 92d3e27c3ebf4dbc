// One file of an upper that a directory keeps, with its bytes. A small one is told whole with its inode, in the log, since to make a
// file of the host costs more than all else; it gets a file when it grows, or is written to again and again. What it takes of the
// quota are the blocks that it has, or would have: a hole takes none. Not here: where it lies, and what becomes of it
// (upper-bodies.ts).

import fs from 'node:fs'
import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Body, Quota } from '../overlay/body.js'

const BLOCK = 4096
/** Bytes up to which the log holds it. */
export const SMALL_MAX = 4096
/** Changes after which it gets a file all the same: each is told with all of the bytes. */
const SMALL_CHANGES = 8
const SECTOR = 512

/** Of a body without bytes, of which there can be many. */
export const NO_BYTES = new Uint8Array(0)

const wholeBlocks = (bytes: number) => Math.ceil(bytes / BLOCK) * BLOCK

/** What a body needs of where it lies. */
export interface BodyHome {
  readonly quota: Quota
  pathOf(id: number): string
  /** A descriptor of it, open for as long as no other body is asked for. */
  fd(body: FileBody): number
  /** Makes a file for it, under a number that none has had. Throws the host's error. */
  make(body: FileBody, id: number): number
  nextId(): number
  /** Whether so many more bytes may be held in memory, which then are; always where they become less. */
  holdSmall(bytes: number): boolean
  /** Whether the log can take what is told of it. */
  hasRoom(): boolean
  withRoom<T>(what: string, run: () => T): T | Fault
  syncNames(): Fault | undefined
  free(body: FileBody): void
  /** Closes and removes what was made in vain. */
  drop(body: FileBody): void
}

export class FileBody implements Body {
  readonly #home: BodyHome
  /** 0 while it has no file. */
  #id: number
  #size: number
  #held: number
  /** All of its bytes, while it has no file. */
  #small: Uint8Array | undefined
  #changes = 0
  /** Whether it has been said to last as long as it had no file: by `sync`, or by the unmounting before this mount. */
  #isLasting: boolean
  /** Whether it has got a file that nobody has been told of. */
  #isUntold = false
  /** Whether it may have holes: what it takes has to be asked for then. */
  #sparse: boolean

  constructor(home: BodyHome, id: number, size: number, sectors: number, small?: Uint8Array) {
    this.#home = home
    this.#id = id
    this.#size = size
    this.#small = small
    this.#isLasting = size > 0 && small !== undefined
    // Some file systems keep a few bytes elsewhere, others take more than there is.
    this.#held = size <= BLOCK && sectors === 0 ? wholeBlocks(size) : Math.min(sectors * SECTOR, wholeBlocks(size))
    this.#sparse = this.#held < wholeBlocks(size)
  }

  get size(): number {
    return this.#size
  }

  get id(): number {
    return this.#id
  }

  get isTold(): boolean {
    return this.#small !== undefined || this.#isUntold
  }

  /** What its inode's record says of it: the number of its file, or all of it, in base64. */
  told(): number | string {
    this.#isUntold = false
    return this.#small === undefined ? this.#id : Buffer.from(this.#small).toString('base64')
  }

  /** Bytes of the disk that it takes. */
  get held(): number {
    return this.#held
  }

  get blocks(): number {
    return Math.ceil(this.#held / SECTOR)
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const count = Math.max(0, Math.min(into.length, this.#size - position))
    if (this.#small !== undefined) {
      into.set(this.#small.subarray(position, position + count))
      return count
    }
    return this.#home.withRoom('read', () => {
      const fd = this.#home.fd(this)
      for (let done = 0; done < count; ) {
        const n = fs.readSync(fd, into, done, count - done, position + done)
        if (n === 0) return new Fault('EIO', `${this.#home.pathOf(this.id)}: is shorter than it was`)
        done += n
      }
      return count
    })
  }

  write(from: Uint8Array, position: number): Fault | undefined {
    const { quota } = this.#home
    const end = position + from.length
    const resized = this.#resizeSmall(Math.max(end, this.#size))
    if (resized !== 'file') {
      if (resized === undefined) this.#small?.set(from, position)
      return resized
    }
    if (position > this.#size) this.#sparse = true
    const most = this.#sparse ? wholeBlocks(from.length) + BLOCK : Math.max(0, wholeBlocks(end) - this.#held)
    if (!quota.take(most)) return fault('ENOSPC')
    const failed = this.#home.withRoom('write', () => {
      const fd = this.#home.fd(this)
      for (let done = 0; done < from.length; ) {
        done += fs.writeSync(fd, from, done, from.length - done, position + done)
      }
      return undefined
    })
    if (failed === undefined) this.#size = Math.max(this.#size, end)
    else this.#cut(this.#size)
    this.#settle(most)
    return failed
  }

  /** Gives it so many bytes while it has no file; makes one where it has to have one from now on. */
  #resizeSmall(size: number): Fault | 'file' | undefined {
    const before = this.#small
    if (before === undefined) return 'file'
    if (size > SMALL_MAX || this.#changes >= SMALL_CHANGES) return this.#makeFile(before) ?? 'file'
    const most = Math.max(0, wholeBlocks(size) - this.#held)
    if (!this.#home.quota.take(most)) return fault('ENOSPC')
    if (size >= before.length && !this.#home.hasRoom()) {
      this.#home.quota.give(most)
      return fault('ENOSPC')
    }
    if (!this.#home.holdSmall(size - before.length)) {
      this.#home.quota.give(most)
      return this.#makeFile(before) ?? 'file'
    }
    this.#changes++
    const bytes = new Uint8Array(size)
    bytes.set(before.subarray(0, size))
    this.#small = bytes
    this.#size = size
    this.#home.quota.give(this.#held + most - wholeBlocks(size))
    this.#held = wholeBlocks(size)
    return undefined
  }

  #makeFile(bytes: Uint8Array): Fault | undefined {
    const failed = this.#home.withRoom('open', () => {
      const id = this.#home.nextId()
      const fd = this.#home.make(this, id)
      this.#id = id
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, bytes.length - done, done)
      // Else what was said to last would be in a file that may be empty after the machine has stopped.
      if (this.#isLasting) fs.fdatasyncSync(fd)
    })
    if (failed instanceof Fault) {
      this.#home.drop(this)
      this.#id = 0
      return failed
    }
    this.#home.holdSmall(-bytes.length)
    this.#small = undefined
    this.#isUntold = true
    return this.#isLasting ? this.#home.syncNames() : undefined
  }

  truncate(size: number): Fault | undefined {
    const resized = this.#resizeSmall(size)
    if (resized !== 'file') return resized
    const failed = this.#home.withRoom('truncate', () => void fs.ftruncateSync(this.#home.fd(this), size))
    if (failed instanceof Fault) return failed
    if (wholeBlocks(size) > this.#held) this.#sparse = true
    this.#size = size
    this.#settle(0)
    return undefined
  }

  /** After a failure, which is what is told. */
  #cut(size: number): void {
    try {
      fs.ftruncateSync(this.#home.fd(this), size)
    } catch {}
  }

  /** Counts what it takes now; `taken` has been counted before. */
  #settle(taken: number): void {
    const before = this.#held
    const whole = wholeBlocks(this.#size)
    this.#held = this.#sparse ? Math.min(whole, this.#sectors() * SECTOR) : whole
    if (this.#held === whole) this.#sparse = false
    this.#home.quota.give(taken + before - this.#held)
  }

  #sectors(): number {
    try {
      return fs.fstatSync(this.#home.fd(this)).blocks
    } catch {
      return Math.ceil(this.#held / SECTOR)
    }
  }

  /** Where in a hole the next bytes are can't be asked for here. */
  dataFrom(position: number): number {
    return this.#held === 0 ? this.#size : Math.min(position, this.#size)
  }

  sync(): Fault | undefined {
    if (this.#small !== undefined) {
      this.#isLasting = true
      return undefined
    }
    const failed = this.#home.withRoom('fsync', () => void fs.fdatasyncSync(this.#home.fd(this)))
    return failed instanceof Fault ? failed : this.#home.syncNames()
  }

  free(): void {
    this.#home.quota.give(this.#held)
    if (this.#small === undefined) this.#home.free(this)
    else this.#home.holdSmall(-this.#small.length)
    this.#small = NO_BYTES
    this.#held = 0
    this.#size = 0
  }
}

/** What the record of an inode says of its body, which is one of these. */
export function bodyId(body: Body): number | string {
  return (body as FileBody).told()
}
