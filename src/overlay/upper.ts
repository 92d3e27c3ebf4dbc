// An upper layer: a tree of inodes that every change goes through, so that whoever keeps it (a log) hears of each. Not here:
// what an overlay makes of it (overlay.ts), and where bytes lie (body.ts).

import { type Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Bodies, Body, Quota } from './body.js'
import type { Time } from './layer.js'
import { type UpperEntry, UpperInode } from './upper-inode.js'

const { S_IFDIR } = CONSTANTS
/** What an inode is taken to cost, in bytes, beside its content. */
const INODE_COST = 256
/** Numbers of inodes that are in no lower layer start here, above all of those. */
export const FIRST_INO = 2 ** 52

/** Hears of every change of an upper, in order. Between two calls of the overlay the upper is always whole. */
export interface UpperLog {
  /** An inode is new, or something of it has changed (its entries apart). */
  inode(inode: UpperInode): void
  /** A name of a directory stands for something else now; look there for what. */
  entry(dir: UpperInode, name: string): void
  /** An inode has neither names nor open files any more. */
  gone(inode: UpperInode): void
  /** Makes all of it last. */
  sync(): Fault | undefined
}

export class Upper {
  #nextIno = FIRST_INO
  /** Undefined where nothing needs to last. */
  log: UpperLog | undefined

  constructor(
    readonly root: UpperInode,
    readonly bodies: Bodies,
    readonly quota: Quota,
  ) {}

  /** The number that the next inode of its own will have. */
  get nextIno(): number {
    return this.#nextIno
  }

  /** Numbers below this one are in use. */
  reserve(ino: number): void {
    this.#nextIno = Math.max(this.#nextIno, ino)
  }

  /** A new inode without a name; `ino` where it is the copy of a lower one. ENOSPC. */
  make(mode: number, uid: number, gid: number, ino?: number): Outcome<UpperInode> {
    if (!this.quota.take(INODE_COST)) return fault('ENOSPC')
    return new UpperInode(ino ?? this.#nextIno++, mode, uid, gid)
  }

  /** Counts inodes that were not made here. ENOSPC. */
  admit(count: number): Fault | undefined {
    return this.quota.take(count * INODE_COST) ? undefined : fault('ENOSPC')
  }

  /** A body for an inode; EIO, ENOSPC. */
  body(inode: UpperInode): Outcome<Body> {
    return this.bodies.create(inode.ino)
  }

  /** Makes a name stand for an inode or a whiteout; what it stood for is dropped from there. */
  put(dir: UpperInode, name: string, entry: UpperEntry): void {
    const children = dir.children as Map<string, UpperEntry>
    this.#leave(dir, name, children.get(name))
    children.set(name, entry)
    if (entry !== null) {
      entry.parent = dir
      entry.name = name
      if (entry.children !== undefined) dir.directories++
    }
    this.log?.entry(dir, name)
  }

  /** Takes a name away. */
  remove(dir: UpperInode, name: string): void {
    const children = dir.children as Map<string, UpperEntry>
    this.#leave(dir, name, children.get(name))
    children.delete(name)
    this.log?.entry(dir, name)
  }

  #leave(dir: UpperInode, name: string, entry: UpperEntry | undefined): void {
    if (entry?.children === undefined) return
    dir.directories--
    // A directory that moves has its new place already.
    if (entry.parent === dir && entry.name === name) entry.parent = undefined
  }

  /** Something of an inode has changed. */
  changed(inode: UpperInode): void {
    this.log?.inode(inode)
  }

  /** Gives back what an inode holds once it has neither names nor open files. */
  release(inode: UpperInode): void {
    if (inode.nlink > 0 || inode.opened > 0) return
    this.quota.give(INODE_COST)
    inode.body?.free()
    this.log?.gone(inode)
  }

  sync(inode?: UpperInode): Fault | undefined {
    const failed = inode?.body?.sync()
    return failed ?? this.log?.sync()
  }
}

/** The root of a new upper. */
export function newRoot(ino: number, time: Time): UpperInode {
  const root = new UpperInode(ino, S_IFDIR | 0o755, 0, 0)
  root.born(time)
  return root
}

/** Now, as far as a host can tell. */
export function now(): Time {
  const ms = Date.now()
  const sec = Math.floor(ms / 1000)
  return { sec, nsec: (ms - sec * 1000) * 1e6 }
}
