// What an upper layer is made of: inodes with all that an overlay needs of them, marks included, which are fields here and
// xattrs in the kernel's form (spec overlayfs.md 2). Names, paths and xattr names have a character a byte. Not here: what
// the marks mean (overlay.ts), and how an upper lasts (UpperLog).

import { CONSTANTS } from '../format/structs.js'
import type { Body } from './body.js'
import type { Time } from './layer.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
/** Seconds. */
const DAY = 86400

/** What a name in an upper directory stands for: an inode, or null, a whiteout. */
export type UpperEntry = UpperInode | null

export class UpperInode {
  nlink = 1
  rdev = 0
  /** Bytes, of a metacopy file: others have a body, a target or nothing. */
  size = 0
  atimeSec = 0
  atimeNsec = 0
  mtimeSec = 0
  mtimeNsec = 0
  ctimeSec = 0
  ctimeNsec = 0
  birthtimeSec = 0
  birthtimeNsec = 0
  /** Full names as users of the overlay see them: nothing is escaped, no mark is among them. */
  xattrs: Map<string, Uint8Array> | undefined
  /** Of a directory. */
  children: Map<string, UpperEntry> | undefined
  /** Subdirectories among the children. */
  directories = 0
  /** Of a regular file that is not metacopy. */
  body: Body | undefined
  /** Of a symlink. */
  target: Uint8Array | undefined
  /** Of a directory: `y` where nothing below is merged, `x` where it may hold whiteouts in attribute form. */
  opaque: '' | 'x' | 'y' = ''
  /** A name or a path from the root under which the search goes on below; undefined for the same name. */
  redirect: string | undefined
  /** The value of the metacopy mark of a regular file whose data is below. */
  metacopy: Uint8Array | undefined
  /** An empty regular file that is a whiteout in attribute form. */
  whiteout = false
  /** The number of the lower inode that it is a copy of. */
  origin: number | undefined
  /** Whether its content has been written to since it was made or copied. */
  written = false
  /**
   * The directory that holds a directory; undefined for the root and for what has been removed. Of another inode the
   * directory where it was last given a name, whether it still has it or not.
   */
  parent: UpperInode | undefined
  /** The name there. */
  name = ''
  /** Open files that read or write the body. */
  opened = 0
  /** Bytes that its xattrs have taken of the quota. */
  charged = 0
  /** What an overlay has found below, for as long as it is mounted; undefined where it has not looked. */
  below: readonly object[] | undefined

  constructor(
    /** By which records of it name it: no other inode of the upper has had the same. */
    readonly id: number,
    /** As stat shows it: the number of the lower inode that it is the only copy of, or one of its own. */
    readonly ino: number,
    /** Type and permission bits. */
    public mode: number,
    public uid: number,
    public gid: number,
  ) {
    if ((mode & S_IFMT) === S_IFDIR) this.children = new Map()
  }

  /** Takes over all that another directory, which nobody else knows, says of itself and has below it; it stays the copy that it is. */
  become(other: UpperInode): void {
    const { id, ino, origin, parent, name, opened, below, nlink, ...rest } = other
    Object.assign(this, rest)
    for (const child of this.children?.values() ?? []) if (child?.parent === other) child.parent = this
  }

  /** Whether the inode is the copy of a lower one. */
  get copied(): boolean {
    return this.origin !== undefined
  }

  get isDirectory(): boolean {
    return this.children !== undefined
  }

  /** Sets mtime and ctime: the content has changed. */
  modified(time: Time): void {
    this.mtimeSec = time.sec
    this.mtimeNsec = time.nsec
    this.changed(time)
  }

  /** Sets ctime: the inode has changed. */
  changed(time: Time): void {
    this.ctimeSec = time.sec
    this.ctimeNsec = time.nsec
  }

  /**
   * Sets atime if it was not set since the last change, or was a day ago (the kernel's relatime_need_update); whether it did.
   */
  accessed({ sec, nsec }: Time): boolean {
    const isNewer = (aSec: number, aNsec: number) =>
      this.atimeSec > aSec || (this.atimeSec === aSec && this.atimeNsec > aNsec)
    const isRecent = isNewer(this.mtimeSec, this.mtimeNsec) && isNewer(this.ctimeSec, this.ctimeNsec)
    if (isRecent && sec - this.atimeSec < DAY) return false
    if (this.atimeSec === sec && this.atimeNsec === nsec) return false
    this.atimeSec = sec
    this.atimeNsec = nsec
    return true
  }

  /** Sets all times: it has just been made. */
  born(time: Time): void {
    this.atimeSec = this.birthtimeSec = time.sec
    this.atimeNsec = this.birthtimeNsec = time.nsec
    this.modified(time)
  }
}

/** What xattrs are taken to cost, in bytes. */
export function xattrCost(xattrs: ReadonlyMap<string, Uint8Array> | undefined): number {
  let cost = 0
  for (const [name, value] of xattrs ?? []) cost += name.length + value.length
  return cost
}

/** The path of an upper directory, a character a byte; empty for the root. */
export function upperPath(dir: UpperInode): string {
  let path = ''
  for (let at = dir; at.parent !== undefined; at = at.parent) path = `/${at.name}${path}`
  return path
}
