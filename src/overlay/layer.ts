// The waist of the hour-glass: what a tree has to answer so that a host (`fs`, WASI, the tools) can be drawn over it.
// An image with its store is a Layer; so is an overlay of Layers. Not here: how any of them does it.
// Inode-level, as the kernel's inode_operations are; paths are resolved below this line because an image does it in
// one call. A layer that can be written to answers mutations too, each of them whole or not at all.

import type { InodeNumbers } from '../../wasm/core-image.js'
import type { Fault, Outcome } from '../format/errno.js'
import type { KeepCall } from '../store/object-file.js'

/** A path or name as bytes, or as a string that stands for its UTF-8 bytes (the fast case). */
export type Bytes = string | Uint8Array

/** What stat answers. A caller owns the record and passes it in, so that a look-up allocates nothing. */
export interface Attr extends InodeNumbers {
  /** 512-byte units. */
  blocks: number
  /** Preferred I/O size in bytes. */
  blksize: number
  atimeSec: number
  atimeNsec: number
  ctimeSec: number
  ctimeNsec: number
  birthtimeSec: number
  birthtimeNsec: number
}

/**
 * Numbers that an overlay gives to inodes start here, above those of all images. Those of an overlay that is a layer of another are
 * shown from half of that on, and so on: no two inodes have one, and all stay exact.
 */
export const FIRST_OWN_INO = 2 ** 52

export function newAttr(): Attr {
  return {
    ino: 0,
    mode: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 0,
    blocks: 0,
    blksize: 4096,
    mtimeSec: 0,
    mtimeNsec: 0,
    atimeSec: 0,
    atimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    birthtimeSec: 0,
    birthtimeNsec: 0,
  }
}

/** A directory's entries in byte order of their names, without `.` and `..`. */
export interface DirList {
  /** Names decoded as UTF-8, an invalid sequence as U+FFFD (as Node's readdir does). */
  readonly names: string[]
  /** mode & S_IFMT of each entry, shifted right by 12 (the kernel's DT_*); 0 where unknown. */
  readonly types: ArrayLike<number>
  /** `ino` of each entry, as `stat` answers it, where the listing knows them. */
  readonly inos?: ArrayLike<number>
  /** The bytes of those names that are not valid UTF-8, by index; null when there is none. */
  readonly raw: ReadonlyMap<number, Uint8Array> | null
}

export type { KeepCall }

/** One open regular file. Reads are positioned; there is no cursor here. */
export interface OpenFile {
  /** Bytes. */
  readonly size: number
  /**
   * Copies what lies at `position` to the front of `into` (at most its length; fewer bytes only at the end of file).
   * Answers the number of bytes. With `wait` false, bytes that would have to be waited for (also on a disk) give a
   * Miss; with true they are fetched synchronously where the store can, and give a Miss only where it can't.
   */
  read(into: Uint8Array, position: number, wait: boolean): Outcome<number>
  /** The whole content, in a buffer that the caller owns. */
  readAll(wait: boolean): Outcome<Uint8Array>
  /**
   * Sees to it that who opens the file from now on reads it without waiting. Answers a Miss for as long as there is something
   * to be waited for; ENOSPC where the bytes can't all be held. Files that are always at hand have none.
   */
  keep?(call: KeepCall): Fault | undefined
  close(): void
}

/** What statfs answers, in units of `bsize` bytes; the numbers are signed 64-bit ones, as statfs64's are to Node. */
export interface FsInfo {
  type: number
  bsize: number
  blocks: number
  bfree: number
  bavail: number
  files: number
  ffree: number
}

export type Patiently = <T>(question: () => T) => T

/**
 * A read-only tree. `N` is the layer's own handle of an inode, opaque to callers, valid as long as the layer is.
 * No call throws for what an image or a store holds: it answers a Fault (a Miss being one).
 */
export interface Layer<N extends object = object> {
  readonly root: N
  /** How many overlays stand one above the other in it, which give numbers of their own to inodes; none unless given. */
  readonly overlays?: number
  /** Whether metadata may have to be waited for. */
  readonly waits?: boolean
  /** There where names may be read at once, blocking: asks something during which they are a Miss nevertheless. */
  readonly patiently?: Patiently
  /**
   * Resolves a path from the root, symlinks included (40 at most, then ELOOP), `..` physically, as the kernel's path
   * walk does. A leading slash changes nothing; the empty path is ENOENT; a trailing slash asks for a directory. With
   * `follow` false a symlink in last place is answered itself.
   */
  resolve(path: Bytes, follow: boolean): Outcome<N>
  /** resolve and stat in one: the hot path. */
  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined
  /** One name in one directory; `.` and `..` too. */
  lookup(dir: N, name: Bytes): Outcome<N>
  stat(node: N, out: Attr): Fault | undefined
  readdir(dir: N): Outcome<DirList>
  /** resolve (following) and the names of readdir in one, in an array that the caller owns: the other hot path. */
  namesAt(path: Bytes): Outcome<string[]>
  /** EINVAL for what is not a symlink. */
  readlink(node: N): Outcome<Uint8Array>
  /** Full names, in the layer's order. */
  listxattr(node: N): Outcome<Uint8Array[]>
  /** ENODATA for a missing name. */
  getxattr(node: N, name: Bytes): Outcome<Uint8Array>
  /** Opens a regular file for reading (EISDIR, ENXIO for others). ENOENT, naming it, when its object is missing. */
  open(node: N, wait: boolean): Outcome<OpenFile>
  /** resolve (following) and open in one, for whoever closes the file before anything else is asked: a hot path. */
  openBriefly?(path: Bytes, wait: boolean): Outcome<OpenFile>
  statfs(): FsInfo
  /**
   * Keeps a handle valid whatever becomes of its entry's names, until the function that it answers is called: for an open
   * directory (an open file does so itself). Only where names can change.
   */
  hold?(node: N): () => void
}

/** An object that a layer says a file's bytes are in. */
export interface KnownObject {
  /** Its name in a store, which is made of the digest. */
  readonly name: string
  /** fs-verity SHA-256 digest. */
  readonly digest: Uint8Array
}

/** A layer that may know the object behind a regular file, so that whoever writes images need not read it. */
export interface ObjectLayer<N extends object = object> {
  /** undefined where the bytes are elsewhere, the image gives no digest, or the object is named otherwise. EIO, EUCLEAN. */
  objectOf(node: N): Outcome<KnownObject | undefined>
  /** ENOENT for a regular file whose object a store that answers at once does not have; what can't be told so is no fault. */
  dataFault(node: N): Fault | undefined
}

export function knowsObjects<N extends object>(layer: Layer<N>): layer is Layer<N> & ObjectLayer<N> {
  return 'objectOf' in layer
}

/** An inode that is to be made. */
export interface NewInode {
  /** S_IFMT and permission bits; `umask` is still to be taken off (a default ACL of the directory stands in its place). */
  readonly mode: number
  readonly umask: number
  readonly uid: number
  readonly gid: number
  /** Of a CHR or BLK, as st_rdev has it. */
  readonly rdev?: number
  /** Of a LNK. */
  readonly target?: Uint8Array
}

/** A point in time; nanoseconds are 0 … 999,999,999, also before 1970. */
export interface Time {
  readonly sec: number
  readonly nsec: number
}

/** What setAttr changes; what is left out stays. chown clears setuid and setgid as the kernel does. */
export interface AttrChange {
  /** Permission bits; the type stays. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly atime?: Time
  readonly mtime?: Time
}

/** An open regular file that can be written to. All that it changes is there for every reader at once. */
export interface WritableFile extends OpenFile {
  /**
   * Writes all of `from` at `position`, at the end of the file for null. `dropIds`: the writer is not root, so setuid and
   * setgid go (file_remove_privs). ENOSPC, EFBIG: nothing has been written then.
   */
  write(from: Uint8Array, position: number | null, dropIds: boolean): Fault | undefined
  /** Sets the size, in bytes; what is new reads as zeros. EFBIG, ENOSPC. */
  truncate(size: number): Fault | undefined
}

/** renameat2's flags. */
export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2
export const RENAME_WHITEOUT = 4
/** setxattr's flags. */
export const XATTR_CREATE = 1
export const XATTR_REPLACE = 2

/** What a watcher is told: what inotify calls modify or attrib (`change`), or that a name came or went (`rename`). */
export type ChangeListener = (kind: 'rename' | 'change', path: string) => void

/**
 * A tree that can be changed. `wait` is as for `open`: data of a lower file that is not here gives a Miss, and nothing has
 * changed then; asking again goes on where it stopped. Names are single ones, neither empty nor `.` nor `..`.
 */
export interface WritableLayer<N extends object = object> extends Layer<N> {
  readonly writable: true
  /** Makes an inode of any type. EEXIST, ENOENT (directory removed), ENAMETOOLONG, EPERM (a whiteout), ENOSPC. */
  create(dir: N, name: Bytes, inode: NewInode, wait: boolean): Outcome<N>
  /** A further name for an inode that is no directory. EEXIST, EPERM (a directory), EXDEV (spec overlayfs.md 7.6). */
  link(node: N, dir: N, name: Bytes, wait: boolean): Fault | undefined
  /** EISDIR, ENOENT. */
  unlink(dir: N, name: Bytes): Fault | undefined
  /** ENOTDIR, ENOENT, ENOTEMPTY. */
  rmdir(dir: N, name: Bytes): Fault | undefined
  /** What removing a name would have to wait for, beside what its look-up and that of what is in it do. */
  lacksToRemove?(dir: N, name: Bytes): Fault | undefined
  /** RENAME_* flags; the order of errors is that of spec overlayfs.md 7.5. */
  rename(from: N, name: Bytes, to: N, newName: Bytes, flags: number, wait: boolean): Fault | undefined
  setAttr(node: N, change: AttrChange, wait: boolean): Fault | undefined
  /** XATTR_* flags: EEXIST, ENODATA. ENOTSUP (no such namespace), EPERM (`user.*` of what holds no data), ERANGE, E2BIG. */
  setxattr(node: N, name: Bytes, value: Uint8Array, flags: number, wait: boolean): Fault | undefined
  removexattr(node: N, name: Bytes, wait: boolean): Fault | undefined
  /** Opens a regular file for writing, its data copied up first; with `truncate` it is emptied instead. */
  openWritable(node: N, truncate: boolean, wait: boolean): Outcome<WritableFile>
  /** Makes all that has happened to an inode (of the whole tree, without one) last, as far as the upper can. */
  sync(node?: N): Fault | undefined
  /** Tells of every change from now on, until the function that it answers is called. Paths are from `/`, in UTF-8. */
  watch(listener: ChangeListener): () => void
}

export function isWritable<N extends object>(layer: Layer<N>): layer is WritableLayer<N> {
  return 'writable' in layer
}
