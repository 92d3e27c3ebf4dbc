// Writes an upper as the kernel's overlayfs has it: whiteouts are character devices 0:0, marks are xattrs, a metacopy file is a hole
// of its size. `origin` is not written: it is a file handle of a file system that the kernel has mounted. Not here: reading one
// (kernel-upper-read.ts).

import fs from 'node:fs'
import { Fault, faultError } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, OVERLAY_PREFIX } from '../format/xattr-name.js'
import { lowerXattr } from '../overlay/lower.js'
import type { Upper } from '../overlay/upper.js'
import type { UpperInode } from '../overlay/upper-inode.js'
import { temporaryName } from '../store/directory-names.js'
import { done, MARKS, upperCalls, withNul } from './kernel-upper.js'
import type { UpperCalls } from './libc.js'

const { S_IFMT, S_IFCHR, S_IFLNK } = CONSTANTS
const PERMISSIONS = 0o7777
const PRIVATE = 0o700
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
/** Bytes copied at a time, and those that are looked at as one: a run of zeros that long stays a hole. */
const PIECE = 1 << 20
const STEP = 4096
const ZEROS = Buffer.alloc(STEP)

/**
 * Writes an upper to a directory that must not be there, or be empty. Throws ENOTSUP or EPERM where that can't be done here,
 * ENOTEMPTY, or what the host says; nothing is there then that was not before.
 */
export function writeKernelUpper(upper: Upper, directory: string): void {
  const calls = upperCalls('exportUpper')
  const names = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  if (names.length > 0) throw faultError(new Fault('ENOTEMPTY', `holds ${names[0]}`), directory)
  const temporary = `${directory.replace(/\/+$/, '')}${temporaryName()}`
  fs.mkdirSync(temporary, PRIVATE)
  try {
    new UpperWriter(calls).tree(upper.root, Buffer.from(temporary))
    const fd = fs.openSync(temporary, 'r')
    try {
      done(calls, calls.syncfs(fd), 'syncfs', Buffer.from(temporary))
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, directory)
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true })
    throw error
  }
}

class UpperWriter {
  readonly #calls: UpperCalls
  /** Where inodes are that may have further names. */
  readonly #written = new Map<UpperInode, Buffer>()
  readonly #buffer = Buffer.alloc(PIECE)
  readonly #times = Buffer.alloc(32)

  constructor(calls: UpperCalls) {
    this.#calls = calls
  }

  /** A directory that is there, and what is in it. */
  tree(top: UpperInode, path: Buffer): void {
    const way: [UpperInode, Buffer][] = [[top, path]]
    for (const [dir, at] of way) {
      for (const [name, entry] of dir.children ?? []) {
        const child = Buffer.concat([at, Buffer.from('/'), binaryBytes(name)])
        if (entry === null) done(this.#calls, this.#calls.mknod(withNul(child), S_IFCHR, 0), 'mknod', child)
        else if (entry.isDirectory) {
          fs.mkdirSync(child, PRIVATE)
          way.push([entry, child])
        } else this.#single(entry, child)
      }
    }
    // What is made in a directory changes its times.
    for (const [dir, at] of way.reverse()) this.#attributes(dir, at)
  }

  #single(inode: UpperInode, path: Buffer): void {
    const known = this.#written.get(inode)
    if (known !== undefined) {
      fs.linkSync(known, path)
      return
    }
    if (inode.nlink > 1) this.#written.set(inode, path)
    const type = inode.mode & S_IFMT
    if (inode.target !== undefined) fs.symlinkSync(Buffer.from(inode.target), path)
    else if (type === CONSTANTS.S_IFREG) this.#file(inode, path)
    else done(this.#calls, this.#calls.mknod(withNul(path), type | 0o600, inode.rdev), 'mknod', path)
    this.#attributes(inode, path)
  }

  #file(inode: UpperInode, path: Buffer): void {
    const fd = fs.openSync(path, 'wx', 0o600)
    try {
      if (inode.body !== undefined) this.#content(inode, fd)
      fs.ftruncateSync(fd, inode.body?.size ?? inode.size)
    } finally {
      fs.closeSync(fd)
    }
  }

  #content({ body }: UpperInode, fd: number): void {
    const size = body?.size ?? 0
    for (let at = body?.dataFrom(0) ?? 0; body !== undefined && at < size; at = body.dataFrom(at)) {
      const count = body.read(this.#buffer, at)
      if (count instanceof Fault) throw faultError(count, 'exportUpper')
      for (let from = 0; from < count; from += STEP) {
        const step = this.#buffer.subarray(from, Math.min(from + STEP, count))
        if (step.equals(ZEROS.subarray(0, step.length))) continue
        for (let n = 0; n < step.length; ) n += fs.writeSync(fd, step, n, step.length - n, at + from + n)
      }
      at += count
    }
  }

  /** Owner before mode, which it changes; times last. */
  #attributes(inode: UpperInode, path: Buffer): void {
    fs.lchownSync(path, inode.uid, inode.gid)
    if ((inode.mode & S_IFMT) !== S_IFLNK) fs.chmodSync(path, inode.mode & PERMISSIONS)
    for (const [name, value] of inode.xattrs ?? []) this.#xattr(path, lowerXattr(name), value)
    const { opaque, redirect, metacopy } = inode
    const mark = (name: string, value: Uint8Array) => this.#xattr(path, OVERLAY_PREFIX + name, value)
    if (opaque !== '') mark(MARKS.opaque, Buffer.from(opaque))
    if (redirect !== undefined) mark(MARKS.redirect, binaryBytes(redirect))
    if (metacopy !== undefined) mark(MARKS.metacopy, metacopy)
    if (inode.whiteout) mark(MARKS.whiteout, new Uint8Array(0))
    this.#setTimes(inode, path)
  }

  #xattr(path: Buffer, name: string, value: Uint8Array): void {
    const result = this.#calls.lsetxattr(withNul(path), withNul(name), Buffer.from(value), value.length, 0)
    done(this.#calls, result, `lsetxattr ${name}`, path)
  }

  #setTimes({ atimeSec, atimeNsec, mtimeSec, mtimeNsec }: UpperInode, path: Buffer): void {
    for (const [i, value] of [atimeSec, atimeNsec, mtimeSec, mtimeNsec].entries()) {
      this.#times.writeBigInt64LE(BigInt(value), 8 * i)
    }
    const result = this.#calls.utimensat(AT_FDCWD, withNul(path), this.#times, AT_SYMLINK_NOFOLLOW)
    done(this.#calls, result, 'utimensat', path)
  }
}
