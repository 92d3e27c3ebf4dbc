// One file of an upper that a directory keeps, with its bytes. What it takes of the quota are the blocks that it has: a hole takes
// none. Not here: where it lies, and what becomes of it (upper-bodies.ts).

import fs from 'node:fs'
import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Body, Quota } from '../overlay/body.js'

const BLOCK = 4096
const SECTOR = 512

const wholeBlocks = (bytes: number) => Math.ceil(bytes / BLOCK) * BLOCK

/** What a body needs of where it lies. */
export interface BodyHome {
  readonly quota: Quota
  pathOf(id: number): string
  /** A descriptor of it, open for as long as no other body is asked for. */
  fd(body: FileBody): number
  withRoom<T>(what: string, run: () => T): T | Fault
  syncNames(): Fault | undefined
  free(body: FileBody): void
}

export class FileBody implements Body {
  readonly #home: BodyHome
  #size: number
  #held: number
  /** Whether it may have holes: what it takes has to be asked for then. */
  #sparse: boolean

  constructor(
    home: BodyHome,
    readonly id: number,
    size: number,
    sectors: number,
  ) {
    this.#home = home
    this.#size = size
    // Some file systems keep a few bytes elsewhere, others take more than there is.
    this.#held = size <= BLOCK && sectors === 0 ? wholeBlocks(size) : Math.min(sectors * SECTOR, wholeBlocks(size))
    this.#sparse = this.#held < wholeBlocks(size)
  }

  get size(): number {
    return this.#size
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

  truncate(size: number): Fault | undefined {
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
    const failed = this.#home.withRoom('fsync', () => void fs.fdatasyncSync(this.#home.fd(this)))
    return failed instanceof Fault ? failed : this.#home.syncNames()
  }

  free(): void {
    this.#home.quota.give(this.#held)
    this.#home.free(this)
    this.#held = 0
    this.#size = 0
  }
}
