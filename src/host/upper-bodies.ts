// Bytes of an upper that a directory keeps: a file for each, `data/N`. Not here: which inode has which (the log says it), and how
// one file is read and written (upper-body.ts). A body that is given back is removed only when the log says so for good
// (`removeFreed`), so that a log that was cut off names no body that is gone.

import fs from 'node:fs'
import { join } from 'node:path'
import { Fault, fault, faultError, isErrnoName, type Outcome } from '../format/errno.js'
import type { Bodies, Body, Quota } from '../overlay/body.js'
import { type BodyHome, FileBody, NO_BYTES, SMALL_MAX } from './upper-body.js'

/** Files that are held open at a time. */
const MAX_OPEN = 128
const MODE = 0o600
/** Bytes of bodies without a file that are held in memory. */
const MAX_SMALL_BYTES = 1 << 24
/** Bodies given back that wait for the log to be synced, and their bytes. */
const MAX_FREED = 256
const MAX_FREED_BYTES = 1 << 23

const { O_RDONLY, O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

/** What a call of the host failed with, as an operation answers it. */
export function hostFault(error: unknown, what: string): Fault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const why = error instanceof Error ? error.message : String(error)
  if (code === 'EDQUOT') return new Fault('ENOSPC', why, error)
  return new Fault(isErrnoName(code) ? code : 'EIO', `${what}: ${why}`, error)
}

export class FileBodies implements Bodies, BodyHome {
  readonly #directory: string
  readonly #readOnly: boolean
  /** Open files, the one used last at the end. */
  readonly #open = new Map<FileBody, number>()
  #nextId = 1
  #smallBytes = 0
  /** Given back since the operation under way began; before. */
  #freed: number[] = []
  #noted: number[] = []
  #freedBytes = 0
  /** Whether files have been made that the directory may not know for good. */
  #unsyncedNames = false
  #isClosed = false
  /** Makes room on a disk that is full; whether there may be some now. */
  reclaim: () => boolean = () => false
  /** Whether the log can take more. */
  hasRoom: () => boolean = () => true

  constructor(
    directory: string,
    readonly quota: Quota,
    readOnly = false,
  ) {
    this.#directory = directory
    this.#readOnly = readOnly
  }

  pathOf(id: number): string {
    return join(this.#directory, String(id))
  }

  create(): Body {
    return new FileBody(this, 0, 0, 0, NO_BYTES)
  }

  nextId(): number {
    return this.#nextId++
  }

  make(body: FileBody, id: number): number {
    this.drop(body)
    this.#checkOpen()
    const fd = this.#keep(body, fs.openSync(this.pathOf(id), 'wx+', MODE))
    this.#unsyncedNames = true
    return fd
  }

  drop(body: FileBody): void {
    const fd = this.#open.get(body)
    if (fd === undefined) return
    this.#open.delete(body)
    fs.closeSync(fd)
    try {
      fs.unlinkSync(this.pathOf(body.id))
    } catch {}
  }

  holdSmall(bytes: number): boolean {
    if (bytes > 0 && this.#smallBytes + bytes > MAX_SMALL_BYTES) return false
    this.#smallBytes += bytes
    return true
  }

  /** Does what the host may have no room for, a second time if some can be made. */
  withRoom<T>(what: string, run: () => T): T | Fault {
    try {
      return run()
    } catch (error) {
      const failed = hostFault(error, what)
      if (failed.code !== 'ENOSPC' || !this.reclaim()) return failed
    }
    try {
      return run()
    } catch (error) {
      return hostFault(error, what)
    }
  }

  /** One that a record tells of. EUCLEAN for one that is not there, or no regular file; ENOSPC. */
  existing(id: number | string): Outcome<Body> {
    if (typeof id === 'string') return this.#small(Buffer.from(id, 'base64'))
    const stat = fs.lstatSync(this.pathOf(id), { throwIfNoEntry: false })
    if (stat?.isFile() !== true) return new Fault('EUCLEAN', `upper: ${this.pathOf(id)} is missing, or no regular file`)
    const body = new FileBody(this, id, stat.size, stat.blocks)
    if (!this.quota.take(body.held)) return fault('ENOSPC')
    this.#nextId = Math.max(this.#nextId, id + 1)
    return body
  }

  #small(bytes: Uint8Array): Outcome<Body> {
    if (bytes.length > SMALL_MAX) return new Fault('EUCLEAN', 'upper: a small body that is none')
    const body = new FileBody(this, 0, bytes.length, 0, bytes)
    this.#smallBytes += bytes.length
    return this.quota.take(body.held) ? body : fault('ENOSPC')
  }

  fd(body: FileBody): number {
    this.#checkOpen()
    const fd = this.#open.get(body)
    const access = this.#readOnly ? O_RDONLY : O_RDWR
    if (fd === undefined) return this.#keep(body, fs.openSync(this.pathOf(body.id), access | O_NOFOLLOW | O_NONBLOCK))
    if (this.#open.size > MAX_OPEN / 2) {
      this.#open.delete(body)
      this.#open.set(body, fd)
    }
    return fd
  }

  /** What lies there may be another mount's. */
  #checkOpen(): void {
    if (this.#isClosed) throw faultError(fault('ESTALE'), this.#directory)
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
    this.#freedBytes += body.held
  }

  /** The log says by now of all that has been given back that nothing leads there; whether it is much. */
  freedNoted(): boolean {
    if (this.#freed.length > 0) this.#noted = this.#noted.concat(this.#freed)
    this.#freed = []
    return this.#noted.length > MAX_FREED || this.#freedBytes > MAX_FREED_BYTES
  }

  /** Whether something could be removed. */
  get hasFreed(): boolean {
    return this.#noted.length > 0
  }

  /** Removes files that nothing leads to. What can't be removed is found again at the next mount. */
  removeFreed(): void {
    for (const id of this.#noted) {
      try {
        fs.unlinkSync(this.pathOf(id))
      } catch {}
    }
    this.#noted = []
    this.#freedBytes = 0
  }

  /** Removes all files but those of the ids, after `first` if there are any. Throws the host's error. */
  removeOthers(ids: ReadonlySet<number>, first: () => void): void {
    let any = false
    for (const name of fs.readdirSync(this.#directory)) {
      const id = Number(name)
      if (ids.has(id) && String(id) === name) continue
      if (!any) first()
      any = true
      fs.rmSync(join(this.#directory, name), { recursive: true, force: true })
    }
  }

  closeAll(): void {
    this.#isClosed = true
    for (const fd of this.#open.values()) fs.closeSync(fd)
    this.#open.clear()
  }
}

/** Makes names in a directory last. */
export function syncDirectory(path: string): Fault | undefined {
  let fd = -1
  try {
    fd = fs.openSync(path, O_RDONLY)
    fs.fsyncSync(fd)
    return undefined
  } catch (error) {
    // Windows has no such thing.
    return process.platform === 'win32' ? undefined : hostFault(error, 'fsync')
  } finally {
    if (fd >= 0) fs.closeSync(fd)
  }
}
