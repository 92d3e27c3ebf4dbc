// An upper layer: a tree of inodes that every change goes through, so that whoever keeps it (a log) hears of each. Not here:
// what an overlay makes of it (overlay.ts), and where bytes lie (body.ts).

import { type Fault, fault, type Outcome } from '../format/errno.js'
import type { Bodies, Quota } from './body.js'
import { FIRST_OWN_INO, type Time } from './layer.js'
import { type UpperEntry, UpperInode } from './upper-inode.js'

/** What an inode is taken to cost, in bytes, beside its content. */
const INODE_COST = 256
/** The root's id; others have higher ones. */
export const ROOT_ID = 0

/** Hears of every change of an upper, in order. What lies between two calls of `end` is to last whole or not at all. */
export interface UpperLog {
  /** An inode is new, or something of it has changed (its entries apart). */
  inode(inode: UpperInode): void
  /** Times of an inode have changed with its bytes: worth noting when something else is. */
  touched(inode: UpperInode): void
  /** A name of a directory stands for something else now; look there for what. */
  entry(dir: UpperInode, name: string): void
  /** An inode has neither names nor open files any more. */
  gone(inode: UpperInode): void
  /** All that is below a root, and its attributes, are to take the place of all that there is. EIO, ENOSPC: nothing has been noted. */
  replaced(root: UpperInode): Fault | undefined
  /** Whether there is room to note more than what frees some. */
  hasRoom(): boolean
  /** An operation has come to its end. EIO, ENOSPC: it has happened, and is noted with the next. */
  end(): Fault | undefined
  /** Makes all of it last. */
  sync(): Fault | undefined
}

export class Upper {
  #nextId = ROOT_ID + 1
  /** Another for every change of a name. */
  version = 0
  /** Undefined where nothing needs to last. */
  log: UpperLog | undefined

  constructor(
    readonly root: UpperInode,
    readonly bodies: Bodies,
    readonly quota: Quota,
  ) {}

  /** Ids up to this one are in use. */
  reserve(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1)
  }

  /** A new inode without a name; `ino` where it is the copy of a lower one. ENOSPC. */
  make(mode: number, uid: number, gid: number, ino?: number): Outcome<UpperInode> {
    if (this.log?.hasRoom() === false || !this.quota.take(INODE_COST)) return fault('ENOSPC')
    const id = this.#nextId++
    return new UpperInode(id, ino ?? ownIno(id), mode, uid, gid)
  }

  /** Counts inodes that were not made here, and what their xattrs cost. ENOSPC. */
  admit(count: number, charged: number): Fault | undefined {
    return this.quota.take(count * INODE_COST + charged) ? undefined : fault('ENOSPC')
  }

  /** Says how many bytes the xattrs of an inode cost by now; false where that is more than what is left. */
  charge(inode: UpperInode, cost: number): boolean {
    const more = cost - inode.charged
    if (more > 0 && !this.quota.take(more)) return false
    if (more < 0) this.quota.give(-more)
    inode.charged = cost
    return true
  }

  /** Makes a name stand for an inode or a whiteout; what it stood for is dropped from there. */
  put(dir: UpperInode, name: string, entry: UpperEntry): void {
    const children = dir.children as Map<string, UpperEntry>
    this.version++
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
    this.version++
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

  /** Bytes of an inode have changed, and times with them; it was `written` before. */
  touched(inode: UpperInode): void {
    this.log?.touched(inode)
  }

  /** Gives back what an inode holds once it has neither names nor open files. */
  release(inode: UpperInode): void {
    if (inode.nlink > 0 || inode.opened > 0) return
    this.quota.give(INODE_COST + inode.charged)
    inode.body?.free()
    this.log?.gone(inode)
  }

  /** Gives back all that an inode has taken which nothing has been noted of; its id too, unless others were made since. */
  unmake(inode: UpperInode): void {
    inode.nlink = 0
    this.release(inode)
    if (inode.id === this.#nextId - 1) this.#nextId--
  }

  /** Says that an operation has come to its end: what it answers, or why it could not be noted. */
  ended<T>(answer: T): T | Fault {
    return this.log === undefined ? answer : (this.log.end() ?? answer)
  }

  /** The root is to become another, and all below it: notes that first. EIO, ENOSPC. */
  replaced(root: UpperInode): Fault | undefined {
    return this.log?.replaced(root)
  }

  sync(inode?: UpperInode): Fault | undefined {
    const failed = inode?.body?.sync()
    return failed ?? this.log?.sync()
  }
}

/** The number of an inode that is in no lower layer. */
export function ownIno(id: number): number {
  return FIRST_OWN_INO + id
}

/** Now, as far as a host can tell. */
export function now(): Time {
  const ms = Date.now()
  const sec = Math.floor(ms / 1000)
  return { sec, nsec: (ms - sec * 1000) * 1e6 }
}
