// Keeps what is told of an upper in the log of its directory. Each operation becomes a line when it ends; a log that has grown is
// written anew. Where the disk is full, bodies that nothing leads to go first, then the spare room. Not here: what a log looks like
// (upper-log.ts).

import { join } from 'node:path'
import { type Fault, fault, faultError } from '../format/errno.js'
import type { Body } from '../overlay/body.js'
import type { Upper, UpperLog } from '../overlay/upper.js'
import type { UpperInode } from '../overlay/upper-inode.js'
import { type InodeRecord, inodeRecord, nameRecord, recordsOf } from '../overlay/upper-record.js'
import { type FileBodies, hostFault } from './upper-bodies.js'
import { bodyId } from './upper-body.js'
import { LogFile } from './upper-log.js'
import type { Spare } from './upper-spare.js'

/** One that has grown to this many times what it was when it was written is. */
const COMPACT_GROWTH = 4

/** The same for a log that destroys what has lasted so far: what takes its place has to last as well then. */
function lastingId(body: Body): number | string {
  const failed = body.sync()
  if (failed !== undefined) throw faultError(failed, 'fsync')
  return bodyId(body)
}

/** What there is to keep, and where. */
export interface Kept {
  readonly upper: Upper
  readonly bodies: FileBodies
  /** The log as it is. */
  readonly file: LogFile
  /** The bytes that it had if it were written anew. */
  readonly needed: number
  readonly spare: Spare
  /** A log of fewer bytes is never written anew. */
  readonly least: number
}

export class UpperKeeper implements UpperLog {
  readonly #path: string
  readonly #upper: Upper
  readonly #bodies: FileBodies
  readonly #spare: Spare
  #file: LogFile
  readonly #least: number
  /** Bytes from which on the log is written anew. */
  #most: number
  /** Whether the log can't be gone on with: what it is said to hold may not be there. */
  #isStale = false
  /** Whether the directory may be another's by now, and the descriptor another file's. */
  #isClosed = false
  /** What has been told since the last line, in order: inodes whose record is due, and records of names. */
  readonly #inodes = new Map<UpperInode, number>()
  #records: unknown[] = []
  readonly #touched = new Set<UpperInode>()

  constructor(directory: string, { upper, bodies, file, needed, spare, least }: Kept) {
    this.#path = join(directory, 'log')
    this.#least = least
    this.#upper = upper
    this.#bodies = bodies
    this.#spare = spare
    this.#file = file
    this.#most = this.#mostFor(needed)
    spare.ready()
    bodies.reclaim = () => this.#reclaim()
    bodies.hasRoom = () => this.hasRoom()
  }

  hasRoom(): boolean {
    return this.#isClosed || this.#spare.ready() || (this.#reclaim() && this.#spare.ready())
  }

  inode(inode: UpperInode): void {
    this.#touched.delete(inode)
    // Without a name it is in no log; after a restore its id may be another's.
    if (inode.nlink === 0) return
    // Its place among the records is that of its first mention, what it says that of the end.
    if (!this.#inodes.has(inode)) this.#inodes.set(inode, this.#records.push(undefined) - 1)
  }

  touched(inode: UpperInode): void {
    if (inode.nlink > 0 && !this.#inodes.has(inode)) this.#touched.add(inode)
  }

  entry(dir: UpperInode, name: string): void {
    this.#records.push(nameRecord(dir, name))
  }

  gone(inode: UpperInode): void {
    this.#touched.delete(inode)
  }

  end(): Fault | undefined {
    if (this.#isClosed) return fault('ESTALE')
    if (this.#isStale) return this.replaced(this.#upper.root)
    for (const inode of this.#touched) this.inode(inode)
    for (const [inode, at] of this.#inodes) this.#records[at] = inodeRecord(inode, bodyId)
    const failed = this.#records.length === 0 ? undefined : this.#append()
    if (failed !== undefined) return failed
    this.#forget()
    // What fails here is tried again later, and no operation's business.
    if (this.#bodies.freedNoted()) this.#removeFreed()
    if (this.#file.size > this.#most && this.replaced(this.#upper.root) !== undefined) {
      this.#most = COMPACT_GROWTH * this.#file.size
    }
    return undefined
  }

  #append(): Fault | undefined {
    const failed = this.#file.append(this.#records)
    if (failed?.code !== 'ENOSPC') return failed
    if (this.#reclaim()) {
      const again = this.#file.append(this.#records)
      if (again?.code !== 'ENOSPC') return again
    }
    return this.#spare.release() ? this.#file.append(this.#records) : failed
  }

  #forget(): void {
    if (this.#records.length === 0) return
    this.#inodes.clear()
    this.#touched.clear()
    this.#records = []
  }

  replaced(root: UpperInode): Fault | undefined {
    if (this.#isClosed) return fault('ESTALE')
    const before = this.#bodies.syncNames()
    if (before !== undefined) return before
    let file: LogFile
    try {
      file = LogFile.write(this.#path, this.#recordsOf(root))
    } catch (error) {
      return hostFault(error, 'write')
    }
    this.#file.close()
    this.#file = file
    this.#most = this.#mostFor(file.size)
    this.#isStale = false
    this.#forget()
    if (root === this.#upper.root) this.#bodies.freedNoted()
    return undefined
  }

  /** The root keeps its number whatever it becomes. */
  *#recordsOf(root: UpperInode): Generator<unknown> {
    for (const record of recordsOf(root, root === this.#upper.root ? bodyId : lastingId)) {
      yield 'i' in record && record.i === root.id
        ? ({ ...record, p: this.#upper.root.ino, n: undefined } as InodeRecord)
        : record
    }
  }

  /** Removes bodies that nothing leads to, as soon as the log says so for good. */
  #removeFreed(): boolean {
    if (!this.#bodies.hasFreed || this.#syncFile() !== undefined) return false
    this.#bodies.removeFreed()
    return true
  }

  #reclaim(): boolean {
    return !this.#isStale && this.#removeFreed()
  }

  /** After a failure nobody knows what is there: the log is to be written anew then. */
  #syncFile(): Fault | undefined {
    const failed = this.#file.sync()
    if (failed !== undefined) this.#isStale = true
    return failed
  }

  sync(): Fault | undefined {
    return this.end() ?? this.#bodies.syncNames() ?? this.#syncFile()
  }

  /** Ends it: whoever still has the tree (a mount over it, a stream) finds it stale. What could not be noted is answered. */
  close(): Fault | undefined {
    if (this.#isClosed) return undefined
    const failed = this.sync()
    if (failed === undefined) this.#removeFreed()
    this.#isClosed = true
    this.#file.close()
    return failed
  }

  #mostFor(size: number): number {
    return Math.max(this.#least, COMPACT_GROWTH * size)
  }
}
