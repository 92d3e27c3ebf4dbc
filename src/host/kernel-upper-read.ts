// Reads an upper directory of the kernel's overlayfs into a snapshot: both forms of whiteouts, opaque, redirect and metacopy marks.
// What only the kernel has a use for (`origin`, `impure`, `nlink`, `uuid`) is left out: nothing read here is known to be a copy. Not here:
// writing one (kernel-upper-write.ts).

import fs from 'node:fs'
import { Fault, faultError, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString, OVERLAY_PREFIX } from '../format/xattr-name.js'
import { type Body, Quota } from '../overlay/body.js'
import { shownXattr } from '../overlay/lower.js'
import { MemoryBodies } from '../overlay/memory-body.js'
import { writeSnapshot } from '../overlay/snapshot.js'
import { ROOT_ID, Upper } from '../overlay/upper.js'
import { UpperInode } from '../overlay/upper-inode.js'
import type { XattrSource } from '../tree/fs-source.js'
import { MARKS, upperCalls } from './kernel-upper.js'
import type { UpperCalls } from './libc.js'
import { hostFault } from './upper-bodies.js'
import { hostXattrs } from './xattrs.js'

const { S_IFMT, S_IFREG, S_IFCHR } = CONSTANTS
const NANO = 1_000_000_000n
const SEEK_DATA = 3
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOATIME = 0 } = fs.constants

/** A snapshot of what an upper directory holds. Throws ENOTSUP or EPERM where that can't be read here, or what the host says. */
export function readKernelUpper(directory: string): Uint8Array {
  const calls = upperCalls('importUpper')
  const quota = new Quota(Number.POSITIVE_INFINITY)
  const top = Buffer.from(directory)
  const reader = new UpperReader(calls, hostXattrs())
  const root = new UpperInode(ROOT_ID, 0, 0o040755, 0, 0)
  const upper = new Upper(root, new MemoryBodies(quota), quota)
  const stat = fs.statSync(top, { bigint: true })
  if (!stat.isDirectory()) throw faultError(new Fault('ENOTDIR'), directory)
  reader.facts(root, stat, Buffer.concat([top, Buffer.from('/.')]))
  reader.tree(upper, top)
  const snapshot = writeSnapshot(upper)
  if (snapshot instanceof Fault) throw faultError(snapshot, directory)
  return snapshot
}

class UpperReader {
  readonly #calls: UpperCalls
  readonly #xattrs: XattrSource
  readonly #known = new Map<string, UpperInode>()

  constructor(calls: UpperCalls, xattrs: XattrSource) {
    this.#calls = calls
    this.#xattrs = xattrs
  }

  tree(upper: Upper, top: Buffer): void {
    const way: [UpperInode, Buffer][] = [[upper.root, top]]
    for (const [dir, at] of way) {
      for (const name of fs.readdirSync(at, { encoding: 'buffer' })) {
        const path = Buffer.concat([at, Buffer.from('/'), name])
        const stat = fs.lstatSync(path, { bigint: true })
        const entry = this.#entry(upper, stat, path)
        upper.put(dir, binaryString(name), entry)
        if (entry?.isDirectory === true) way.push([entry, path])
      }
    }
  }

  #entry(upper: Upper, stat: fs.BigIntStats, path: Buffer): UpperInode | null {
    const type = Number(stat.mode) & S_IFMT
    if (type === S_IFCHR && stat.rdev === 0n) return null
    const key = `${stat.dev} ${stat.ino}`
    const known = stat.isDirectory() ? undefined : this.#known.get(key)
    if (known !== undefined) {
      known.nlink++
      return known
    }
    const inode = upper.make(Number(stat.mode), 0, 0)
    if (inode instanceof Fault) throw faultError(inode, path.toString())
    if (stat.nlink > 1n) this.#known.set(key, inode)
    this.facts(inode, stat, path)
    inode.rdev = Number(stat.rdev)
    if (stat.isSymbolicLink()) inode.target = fs.readlinkSync(path, { encoding: 'buffer' })
    if (type === S_IFREG && inode.metacopy === undefined && !inode.whiteout) {
      inode.body = new HostBody(this.#calls, path, Number(stat.size))
      inode.written = true
    }
    return inode
  }

  /** What stat and xattrs say of an inode. */
  facts(inode: UpperInode, stat: fs.BigIntStats, path: Buffer): void {
    inode.mode = Number(stat.mode)
    inode.uid = Number(stat.uid)
    inode.gid = Number(stat.gid)
    for (const name of ['atime', 'mtime', 'ctime', 'birthtime'] as const) {
      const ns = stat[`${name}Ns`]
      const nsec = ((ns % NANO) + NANO) % NANO
      inode[`${name}Nsec`] = Number(nsec)
      inode[`${name}Sec`] = Number((ns - nsec) / NANO)
    }
    const at = binaryString(path)
    for (const name of this.#xattrs.list(at)) {
      const shown = shownXattr(name)
      const value = new Uint8Array(this.#xattrs.get(at, name))
      if (shown === undefined) this.#mark(inode, stat, name.slice(OVERLAY_PREFIX.length), value)
      else {
        inode.xattrs ??= new Map()
        inode.xattrs.set(shown, value)
      }
    }
  }

  #mark(inode: UpperInode, stat: fs.BigIntStats, name: string, value: Uint8Array): void {
    const text = binaryString(value)
    const isFile = stat.isFile()
    if (name === MARKS.opaque && inode.isDirectory && (text === 'x' || text === 'y')) inode.opaque = text
    else if (name === MARKS.redirect) inode.redirect = text
    else if (name === MARKS.whiteout && isFile && stat.size === 0n) inode.whiteout = true
    else if (name === MARKS.metacopy && isFile) {
      inode.metacopy = value
      inode.size = Number(stat.size)
    }
  }
}

/** A file of the host that is read as it is. */
class HostBody implements Body {
  readonly #calls: UpperCalls
  readonly #path: Buffer
  readonly blocks = 0
  #known: readonly [position: number, data: number] = [0, 0]

  constructor(
    calls: UpperCalls,
    path: Buffer,
    readonly size: number,
  ) {
    this.#calls = calls
    this.#path = path
  }

  #opened<T>(action: (fd: number) => T): Outcome<T> {
    let fd = -1
    try {
      fd = fs.openSync(this.#path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME)
      return action(fd)
    } catch (error) {
      return hostFault(error, 'read')
    } finally {
      if (fd >= 0) fs.closeSync(fd)
    }
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    const count = Math.max(0, Math.min(into.length, this.size - position))
    return this.#opened(fd => {
      for (let done = 0; done < count; ) {
        const n = fs.readSync(fd, into, done, count - done, position + done)
        if (n === 0) return new Fault('EIO', `${this.#path}: became shorter`)
        done += n
      }
      return count
    }) as Outcome<number>
  }

  dataFrom(position: number): number {
    const [from, data] = this.#known
    if (position >= from && position <= data) return data
    const found = this.#opened(fd => this.#calls.lseek(fd, position, SEEK_DATA))
    // ENXIO: nothing follows.
    const next = found instanceof Fault ? position : found < 0 ? this.size : found
    this.#known = [position, next]
    return next
  }

  write(): Fault {
    return new Fault('EROFS')
  }

  truncate(): Fault {
    return new Fault('EROFS')
  }

  sync(): undefined {
    return undefined
  }

  free(): void {}
}
