// Bytes of an upper that a directory keeps: a file for each, `data/N`. Not here: which inode has which (the log says it).
// A body that is given back is removed only when the log has said so (`removeFreed`), so that a log that was cut off names no
// body that is gone.

import fs from 'node:fs'
import { join } from 'node:path'
import { Fault, fault, isErrnoName, type Outcome } from '../format/errno.js'
import type { Bodies, Body, Quota } from '../overlay/body.js'

/** Files that are held open at a time. */
const MAX_OPEN = 128
const BLOCK = 4096
const MODE = 0o600

/** What a call of the host failed with, as an operation answers it. */
export function hostFault(error: unknown, what: string): Fault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const why = error instanceof Error ? error.message : String(error)
  if (code === 'EDQUOT') return new Fault('ENOSPC', why, error)
  return new Fault(isErrnoName(code) ? code : 'EIO', `${what}: ${why}`, error)
}

export class FileBody implements Body {
  readonly #home: FileBodies
  #size: number

  constructor(
    home: FileBodies,
    readonly id: number,
    size: number,
  ) {
    this.#home = home
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  get blocks(): number {
    return Math.ceil(this.#size / BLOCK) * (BLOCK / 512)
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const count = Math.max(0, Math.min(into.length, this.#size - position))
    try {
      const fd = this.#home.fd(this)
      for (let done = 0; done < count; ) {
        const n = fs.readSync(fd, into, done, count - done, position + done)
        if (n === 0) return new Fault('EIO', `${this.#home.pathOf(this.id)}: is shorter than it was`)
        done += n
      }
      return count
    } catch (error) {
      return hostFault(error, 'read')
    }
  }

  write(from: Uint8Array, position: number): Fault | undefined {
    const end = position + from.length
    const failed = this.#home.quota.take(Math.max(0, end - this.#size)) ? undefined : fault('ENOSPC')
    if (failed !== undefined) return failed
    try {
      const fd = this.#home.fd(this)
      for (let done = 0; done < from.length; ) {
        done += fs.writeSync(fd, from, done, from.length - done, position + done)
      }
      this.#size = Math.max(this.#size, end)
      return undefined
    } catch (error) {
      this.#home.quota.give(Math.max(0, end - this.#size))
      this.#cut(this.#size)
      return hostFault(error, 'write')
    }
  }

  truncate(size: number): Fault | undefined {
    if (size > this.#size && !this.#home.quota.take(size - this.#size)) return fault('ENOSPC')
    try {
      fs.ftruncateSync(this.#home.fd(this), size)
    } catch (error) {
      if (size > this.#size) this.#home.quota.give(size - this.#size)
      return hostFault(error, 'truncate')
    }
    if (size < this.#size) this.#home.quota.give(this.#size - size)
    this.#size = size
    return undefined
  }

  /** After a failure, which is what is told. */
  #cut(size: number): void {
    try {
      fs.ftruncateSync(this.#home.fd(this), size)
    } catch {}
  }

  /** Holes can't be asked for here. */
  dataFrom(position: number): number {
    return Math.min(position, this.#size)
  }

  sync(): Fault | undefined {
    try {
      fs.fdatasyncSync(this.#home.fd(this))
      return this.#home.syncNames()
    } catch (error) {
      return hostFault(error, 'fsync')
    }
  }

  free(): void {
    this.#home.quota.give(this.#size)
    this.#size = 0
    this.#home.free(this)
  }
}

export class FileBodies implements Bodies {
  readonly #directory: string
  /** Open files, the one used last at the end. */
  readonly #open = new Map<FileBody, number>()
  #nextId = 1
  #freed: number[] = []
  /** Whether files have been made that the directory may not know for good. */
  #unsyncedNames = false

  constructor(
    directory: string,
    readonly quota: Quota,
  ) {
    this.#directory = directory
  }

  pathOf(id: number): string {
    return join(this.#directory, String(id))
  }

  create(): Outcome<Body> {
    const body = new FileBody(this, this.#nextId++, 0)
    try {
      this.#keep(body, fs.openSync(this.pathOf(body.id), 'wx+', MODE))
      this.#unsyncedNames = true
      return body
    } catch (error) {
      return hostFault(error, 'open')
    }
  }

  /** One that is there already. EUCLEAN for one that is not, or no regular file; ENOSPC. */
  existing(id: number): Outcome<Body> {
    const stat = fs.lstatSync(this.pathOf(id), { throwIfNoEntry: false })
    if (stat?.isFile() !== true) return new Fault('EUCLEAN', `upper: ${this.pathOf(id)} is missing, or no regular file`)
    if (!this.quota.take(stat.size)) return fault('ENOSPC')
    this.#nextId = Math.max(this.#nextId, id + 1)
    return new FileBody(this, id, stat.size)
  }

  fd(body: FileBody): number {
    const fd = this.#open.get(body)
    if (fd === undefined) return this.#keep(body, fs.openSync(this.pathOf(body.id), fs.constants.O_RDWR | NO_LINKS))
    if (this.#open.size > MAX_OPEN / 2) {
      this.#open.delete(body)
      this.#open.set(body, fd)
    }
    return fd
  }

  #keep(body: FileBody, fd: number): number {
    this.#open.set(body, fd)
    if (this.#open.size > MAX_OPEN) {
      const [[oldest, its]] = this.#open
      this.#open.delete(oldest)
      fs.closeSync(its)
    }
    return fd
  }

  /** Makes the names of all files last. */
  syncNames(): Fault | undefined {
    if (!this.#unsyncedNames) return undefined
    const failed = syncDirectory(this.#directory)
    this.#unsyncedNames = failed !== undefined
    return failed
  }

  free(body: FileBody): void {
    const fd = this.#open.get(body)
    if (fd !== undefined) fs.closeSync(fd)
    this.#open.delete(body)
    this.#freed.push(body.id)
  }

  /** Removes files that nothing leads to. What can't be removed is found again at the next mount. */
  removeFreed(): void {
    for (const id of this.#freed) {
      try {
        fs.unlinkSync(this.pathOf(id))
      } catch {}
    }
    this.#freed = []
  }

  /** Removes all files but those of the ids. Throws the host's error. */
  removeOthers(ids: ReadonlySet<number>): void {
    for (const name of fs.readdirSync(this.#directory)) {
      const id = Number(name)
      if (ids.has(id) && String(id) === name) continue
      fs.rmSync(join(this.#directory, name), { recursive: true, force: true })
    }
  }

  closeAll(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd)
    this.#open.clear()
  }
}

const NO_LINKS = fs.constants.O_NOFOLLOW ?? 0

/** Makes names in a directory last. */
export function syncDirectory(path: string): Fault | undefined {
  let fd = -1
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY)
    fs.fsyncSync(fd)
    return undefined
  } catch (error) {
    // Windows has no such thing.
    return process.platform === 'win32' ? undefined : hostFault(error, 'fsync')
  } finally {
    if (fd >= 0) fs.closeSync(fd)
  }
}
