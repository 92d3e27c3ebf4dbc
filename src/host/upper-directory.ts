// An upper that a directory keeps, for this mount and later ones:
//
//   log     what the upper is made of: names, inodes, marks (upper-log.ts says how)
//   data/N  the bytes of regular files
//   lock    who has it mounted
//
// Node can make neither devices nor xattrs, so marks are in the log beside the files, not in the kernel's form. Each operation is
// one line of the log, written when the operation ends: a process that is killed loses at most the times of files that it was
// writing. `fsync` makes the file and the log last, as does unmounting. Not here: the kernel's form.

import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { Fault, faultError, type Outcome } from '../format/errno.js'
import { type Body, Quota } from '../overlay/body.js'
import { rootOver } from '../overlay/copied-inode.js'
import type { Layer } from '../overlay/layer.js'
import type { LayerNode } from '../overlay/lower.js'
import { Upper, type UpperLog } from '../overlay/upper.js'
import type { UpperInode } from '../overlay/upper-inode.js'
import { inodeRecord, nameRecord, RecordReader, recordsOf } from '../overlay/upper-record.js'
import { makeDirectories } from '../store/directory-builds.js'
import { takeLock } from './lock-file.js'
import { FileBodies, type FileBody, hostFault } from './upper-bodies.js'
import { LogFile, readLog } from './upper-log.js'

/** A log of fewer bytes is never written anew. */
const COMPACT_FROM = 1 << 20
/** One that has grown to this many times what it was when it was written is. */
const COMPACT_GROWTH = 4

const bodyId = (body: Body) => (body as FileBody).id

/** Keeps what is told of an upper in its log. */
class DirectoryLog implements UpperLog {
  readonly #directory: string
  readonly #upper: Upper
  readonly #bodies: FileBodies
  #file: LogFile
  #written: number
  /** What has been told since the last line, in order: inodes whose record is due, and records of names. */
  readonly #inodes = new Map<UpperInode, number>()
  #records: unknown[] = []
  readonly #touched = new Set<UpperInode>()

  constructor(directory: string, upper: Upper, bodies: FileBodies, file: LogFile) {
    this.#directory = directory
    this.#upper = upper
    this.#bodies = bodies
    this.#file = file
    this.#written = file.size
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
    for (const inode of this.#touched) this.inode(inode)
    for (const [inode, at] of this.#inodes) this.#records[at] = inodeRecord(inode, bodyId)
    const failed = this.#records.length === 0 ? undefined : this.#file.append(this.#records)
    if (failed !== undefined) return failed
    this.#inodes.clear()
    this.#records = []
    this.#bodies.removeFreed()
    const grown = this.#file.size > Math.max(COMPACT_FROM, COMPACT_GROWTH * this.#written)
    return grown ? this.replaced() : undefined
  }

  replaced(): Fault | undefined {
    try {
      const file = LogFile.write(join(this.#directory, 'log'), recordsOf(this.#upper.root, bodyId))
      this.#file.close()
      this.#file = file
      this.#written = file.size
    } catch (error) {
      return hostFault(error, 'write')
    }
    this.#inodes.clear()
    this.#touched.clear()
    this.#records = []
    this.#bodies.removeFreed()
    return undefined
  }

  sync(): Fault | undefined {
    return this.end() ?? this.#bodies.syncNames() ?? this.#file.sync()
  }

  close(): void {
    this.end()
    this.#file.sync()
    this.#file.close()
  }
}

export interface DirectoryUpper {
  readonly upper: Upper
  /** Whether the directory held none before. */
  readonly isNew: boolean
  /** Writes down what is left, and gives the directory back. */
  close(): void
}

/** What a directory keeps: as it is, or what a new upper over layers begins with. */
function load(directory: string, layers: readonly Layer<LayerNode>[], bodies: FileBodies, quota: Quota) {
  const log = readLog(join(directory, 'log'))
  if (log instanceof Fault && log.code === 'ENOENT') return { upper: emptyUpper(layers, bodies, quota), end: -1 }
  if (log instanceof Fault) throw faultError(log, directory)
  const reader = new RecordReader()
  for (const record of log.records) check(reader.add(record), directory)
  const ids = new Set<number>()
  const root = orThrow(
    reader.build(id => {
      ids.add(id)
      return bodies.existing(id)
    }),
    directory,
  )
  const upper = new Upper(root, bodies, quota)
  upper.reserve(reader.last)
  check(upper.admit(reader.count, reader.charged), directory)
  return { upper, end: log.end, ids }
}

function emptyUpper(layers: readonly Layer<LayerNode>[], bodies: FileBodies, quota: Quota): Upper {
  return new Upper(orThrow(rootOver(layers), 'mount'), bodies, quota)
}

function orThrow<T>(outcome: Outcome<T>, what: string): T {
  if (outcome instanceof Fault) throw faultError(outcome, what)
  return outcome
}

function check(failed: Fault | undefined, what: string): void {
  if (failed !== undefined) throw faultError(failed, what)
}

/** The uppers of directories that a process has mounted. */
export class DirectoryUppers {
  /** What each still has to do. */
  readonly #live = new Set<() => void>()
  #watched = false

  /**
   * Opens the upper that a directory keeps, or makes one there over layers (topmost first), with room for `limit` bytes. Throws
   * EBUSY where another mount has it, EUCLEAN for a damaged one, ENOTEMPTY for a directory of other things, ENOSPC for one that
   * takes more already, the host's error.
   */
  open(path: string, layers: readonly Layer<LayerNode>[], limit: number): DirectoryUpper {
    const directory = resolve(path)
    makeDirectories(directory)
    const unlock = takeLock(join(directory, 'lock'))
    try {
      const { close, ...found } = opened(directory, layers, new Quota(limit))
      const ended = () => {
        this.#live.delete(ended)
        close()
        unlock()
      }
      this.#watch()
      this.#live.add(ended)
      return { ...found, close: ended }
    } catch (error) {
      unlock()
      throw error
    }
  }

  /** A process that exits without unmounting still writes down what it knows. */
  #watch(): void {
    if (this.#watched) return
    this.#watched = true
    process.once('exit', () => {
      for (const ended of this.#live) ended()
    })
  }
}

function opened(directory: string, layers: readonly Layer<LayerNode>[], quota: Quota): DirectoryUpper {
  const data = join(directory, 'data')
  const bodies = new FileBodies(data, quota)
  const { upper, end, ids } = load(directory, layers, bodies, quota)
  const isNew = ids === undefined
  if (isNew) refuseOthers(directory)
  fs.mkdirSync(data, { recursive: true, mode: 0o700 })
  bodies.removeOthers(ids ?? new Set())
  const file = isNew
    ? LogFile.write(join(directory, 'log'), recordsOf(upper.root, bodyId))
    : LogFile.open(join(directory, 'log'), end)
  const log = new DirectoryLog(directory, upper, bodies, file)
  upper.log = log
  const close = () => {
    log.close()
    bodies.closeAll()
  }
  return { upper, isNew, close }
}

/** What is no upper is not made one: its files would be taken for leftovers. */
function refuseOthers(directory: string): void {
  const other = fs.readdirSync(directory).find(name => !/^(?:lock.*|log\.new)$/.test(name))
  if (other === undefined || (other === 'data' && fs.readdirSync(join(directory, other)).length === 0)) return
  throw faultError(new Fault('ENOTEMPTY', `holds ${other}, and no upper`), directory)
}

/** Whether a directory keeps an upper. */
export function holdsUpper(path: string): boolean {
  return fs.existsSync(join(path, 'log'))
}

/** The upper that a directory keeps, to be looked at only: nothing is written, and whoever has it mounted may go on. */
export function readDirectoryUpper(path: string, layers: readonly Layer<LayerNode>[]): Upper {
  const directory = resolve(path)
  const quota = new Quota(Number.POSITIVE_INFINITY)
  const { upper, ids } = load(directory, layers, new FileBodies(join(directory, 'data'), quota), quota)
  if (ids === undefined) throw faultError(new Fault('ENOENT', 'holds no upper'), directory)
  return upper
}
