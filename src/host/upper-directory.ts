// An upper that a directory keeps, for this mount and later ones:
//
//   log      what the upper is made of: names, inodes, marks (upper-log.ts says how)
//   data/N   the bytes of regular files that are not small: those are in the log (upper-body.ts)
//   lock-…   who has it mounted
//   spare    room for the log on a disk that becomes full
//
// Node can make neither devices nor xattrs, so marks are in the log beside the files, not in the kernel's form. Each operation is
// one line of the log, written when the operation ends: a process that is killed loses at most the times of files that it was
// writing. `fsync` makes the file and the log last, unmounting the log and what is in it. Not here: the kernel's form.

import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { Fault, faultError, orThrow } from '../format/errno.js'
import { Quota } from '../overlay/body.js'
import { rootOver } from '../overlay/copied-inode.js'
import type { Layer } from '../overlay/layer.js'
import type { LayerNode } from '../overlay/lower.js'
import { Upper } from '../overlay/upper.js'
import type { UpperInode } from '../overlay/upper-inode.js'
import { RecordReader, recordsOf } from '../overlay/upper-record.js'
import { makeDirectories } from '../store/directory-builds.js'
import { codeOf } from '../store/directory-names.js'
import { takeLock } from './lock-file.js'
import { FileBodies } from './upper-bodies.js'
import { bodyId } from './upper-body.js'
import { UpperKeeper } from './upper-keeper.js'
import { LogFile, readLog } from './upper-log.js'
import { Spare } from './upper-spare.js'

const COMPACT_FROM = 1 << 20
/** How often a directory is read that another may be writing to. */
const TRIES = 3

export interface DirectoryUpper {
  readonly upper: Upper
  /** Whether nothing has been changed in it yet. */
  readonly isNew: boolean
  /** Writes down what is left, and gives the directory back. Throws where not all could be written. */
  close(): void
}

/** What a directory keeps: as it is, or what a new upper over layers begins with. */
function load(directory: string, layers: readonly Layer<LayerNode>[], bodies: FileBodies, quota: Quota) {
  const log = readLog(join(directory, 'log'))
  if (log instanceof Fault && log.code === 'ENOENT')
    return { upper: emptyUpper(layers, bodies, quota), end: -1, needed: 0 }
  if (log instanceof Fault) throw faultError(log, directory)
  const reader = new RecordReader()
  for (const record of log.records) check(reader.add(record), directory)
  const ids = new Set<number>()
  const root = orThrow(
    reader.build(id => {
      if (typeof id === 'number') ids.add(id)
      return bodies.existing(id)
    }),
    directory,
  )
  const upper = new Upper(root, bodies, quota)
  upper.reserve(reader.last)
  check(upper.admit(reader.count, reader.charged), directory)
  // An inode is a record and a name, mostly.
  const share = Math.min(1, (2 * reader.count) / log.records.length)
  return { upper, end: log.end, needed: log.end * share, ids }
}

function emptyUpper(layers: readonly Layer<LayerNode>[], bodies: FileBodies, quota: Quota): Upper {
  return new Upper(orThrow(rootOver(layers), 'mount'), bodies, quota)
}

function check(failed: Fault | undefined, what: string): void {
  if (failed !== undefined) throw faultError(failed, what)
}

/** The uppers of directories that a process has mounted. */
export class DirectoryUppers {
  /** What each still has to do. */
  readonly #live = new Set<() => void>()
  #watched = false
  readonly #least: number

  /** Logs of fewer bytes than `least` are never written anew. */
  constructor(least = COMPACT_FROM) {
    this.#least = least
  }

  /**
   * Opens the upper that a directory keeps, or makes one there over layers (topmost first), with room for `limit` bytes. Throws
   * EBUSY where another mount has it, EUCLEAN for a damaged one, ENOTEMPTY for a directory of other things, ENOSPC for one that
   * takes more already, the host's error.
   */
  open(path: string, layers: readonly Layer<LayerNode>[], limit: number): DirectoryUpper {
    const directory = resolve(path)
    makeDirectories(directory)
    const unlock = locked(directory)
    try {
      const { close, ...found } = opened(directory, layers, new Quota(limit), this.#least)
      const ended = () => {
        this.#live.delete(ended)
        const failed = close()
        unlock()
        check(failed, directory)
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
      for (const ended of this.#live) {
        try {
          ended()
        } catch {
          // What failed before has been told; there is nobody left to tell the rest.
        }
      }
    })
  }
}

/** A full disk has room for one more file when the spare is gone. */
function locked(directory: string): () => void {
  const path = join(directory, 'lock')
  try {
    return takeLock(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC' || !new Spare(join(directory, 'spare')).release()) throw error
    return takeLock(path)
  }
}

function opened(directory: string, layers: readonly Layer<LayerNode>[], quota: Quota, least: number) {
  const path = join(directory, 'log')
  const data = dataOf(directory)
  const bodies = new FileBodies(data, quota)
  const { upper, end, needed, ids } = load(directory, layers, bodies, quota)
  const isNew = ids === undefined
  if (isNew) refuseOthers(directory)
  fs.mkdirSync(data, { recursive: true, mode: 0o700 })
  const file = isNew ? LogFile.write(path, recordsOf(upper.root, bodyId)) : LogFile.open(path, end)
  try {
    fs.rmSync(`${path}.new`, { force: true })
    bodies.removeOthers(ids ?? new Set(), () => check(file.sync(), directory))
  } catch (error) {
    file.close()
    throw error
  }
  const spare = new Spare(join(directory, 'spare'))
  const keeper = new UpperKeeper(directory, { upper, bodies, file, needed: isNew ? file.size : needed, spare, least })
  upper.log = keeper
  const close = () => {
    const failed = keeper.close()
    bodies.closeAll()
    return failed
  }
  return { upper, isNew: isUntouched(upper.root), close }
}

/** Every change in a root, and of it, sets its ctime; a mount that failed at its beginning leaves such a one. */
function isUntouched({ children, ctimeSec, ctimeNsec, birthtimeSec, birthtimeNsec }: UpperInode): boolean {
  return children?.size === 0 && ctimeSec === birthtimeSec && ctimeNsec === birthtimeNsec
}

/** Where bodies are. EUCLEAN for what leads elsewhere: what is there would be removed. */
function dataOf(directory: string): string {
  const data = join(directory, 'data')
  const stat = fs.lstatSync(data, { throwIfNoEntry: false })
  if (stat === undefined || stat.isDirectory()) return data
  throw faultError(new Fault('EUCLEAN', 'data is no directory'), directory)
}

/** What is no upper is not made one: its files would be taken for leftovers. */
function refuseOthers(directory: string): void {
  const other = fs.readdirSync(directory).find(name => !/^(?:lock[-.].*|log\.new|spare)$/.test(name))
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
  for (let tries = 1; ; tries++) {
    try {
      const { upper, ids } = load(directory, layers, new FileBodies(dataOf(directory), quota, true), quota)
      if (ids === undefined) throw faultError(new Fault('ENOENT', 'holds no upper'), directory)
      return upper
    } catch (error) {
      // A body may have gone since the log was read: then the log says so now.
      if (codeOf(error) !== 'EUCLEAN' || tries === TRIES) throw error
    }
  }
}
