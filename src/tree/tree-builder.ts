// Trees made by calls, for people: paths, text, dates and plain objects over the columns of tree.ts. Bytes of files are kept
// beside the tree until an image is built, which decides what the image holds itself and what a store gets.
// Not here: sources that are there already (dump-source.ts, fs-source.ts, image-source.ts).

import { utf8Binary } from '../format/call-path.js'
import { objectName } from '../format/hex.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes } from '../format/xattr-name.js'
import { NONE, ROOT, Tree } from './tree.js'
import { TreeError } from './tree-error.js'

const { S_IFMT, S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK, S_IFSOCK } = CONSTANTS
const NS = 1_000_000_000
const MAJOR_MAX = 0xfff
const MINOR_MAX = 0xfffff
const PERMISSIONS = 0o7777
const NO_DATA = new Uint8Array(0)

/** What every entry has. */
export interface EntryAttributes {
  /** Permission bits; 0o755 for directories, 0o777 for symlinks, 0o644 for all else unless given. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds since 1970, or a Date, or seconds and nanoseconds; 0 unless given. */
  readonly mtime?: number | Date | { readonly seconds: number; readonly nsec: number }
  /** Extended attributes by their full name. */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>
}

/** A file whose bytes are an object already. */
export interface ExternalFile {
  /** Bytes. */
  readonly size: number
  /** fs-verity SHA-256 digest, 32 bytes. */
  readonly digest?: Uint8Array
  /** Name of the object; that of the digest unless given. */
  readonly payload?: string
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? binaryBytes(utf8Binary(text)) : text
}

/** Linux' user-space number of a device: `gnu_dev_makedev` of glibc, its low 32 bits. */
export function deviceNumber(major: number, minor: number): number {
  if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX) {
    throw new TreeError('EINVAL', `no device is ${major}:${minor}`)
  }
  return ((minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12)) >>> 0
}

/** Every method throws a TreeError: ENOENT for a directory that lacks, EEXIST, ENOTDIR, EINVAL, ENAMETOOLONG, ERANGE. */
export class TreeBuilder {
  readonly tree = new Tree()
  /** Bytes of the regular files that were added with theirs. */
  readonly data = new Map<number, Uint8Array>()

  /** The root is there from the beginning. */
  constructor(root: EntryAttributes = {}) {
    this.#describe(this.tree.addRoot(S_IFDIR | ((root.mode ?? 0o755) & PERMISSIONS)), root)
  }

  addDirectory(path: string, attributes: EntryAttributes = {}): void {
    this.#add(path, S_IFDIR, 0o755, attributes)
  }

  /** `data`: the file's bytes (text as UTF-8), or where they are. */
  addFile(path: string, data: string | Uint8Array | ExternalFile = NO_DATA, attributes: EntryAttributes = {}): void {
    const node = this.#add(path, S_IFREG, 0o644, attributes)
    if (typeof data === 'string' || data instanceof Uint8Array) {
      const bytes = bytesOf(data)
      this.tree.setSize(node, bytes.length)
      if (bytes.length > 0) this.data.set(node, bytes)
      return
    }
    if (!Number.isSafeInteger(data.size) || data.size < 0)
      throw new TreeError('EINVAL', `no size: ${data.size}`, { node })
    this.tree.setSize(node, data.size)
    this.#external(node, data)
  }

  addSymlink(path: string, target: string, attributes: EntryAttributes = {}): void {
    const node = this.#add(path, S_IFLNK, 0o777, attributes)
    const bytes = bytesOf(target)
    this.tree.setPayload(node, bytes, 0, bytes.length)
  }

  addFifo(path: string, attributes: EntryAttributes = {}): void {
    this.#add(path, S_IFIFO, 0o644, attributes)
  }

  addSocket(path: string, attributes: EntryAttributes = {}): void {
    this.#add(path, S_IFSOCK, 0o644, attributes)
  }

  /** A character device 0:0 is an overlay's whiteout. */
  addDevice(
    path: string,
    device: { readonly type: 'character' | 'block'; readonly major: number; readonly minor: number },
    attributes: EntryAttributes = {},
  ): void {
    const rdev = deviceNumber(device.major, device.minor)
    const node = this.#add(path, device.type === 'block' ? S_IFBLK : S_IFCHR, 0o644, attributes)
    this.tree.rdev[node] = rdev
  }

  /** A further name of what `target` names, whose number of links grows by one. */
  addHardLink(path: string, target: string): void {
    const { tree } = this
    const to = bytesOf(target)
    const node = tree.lookup(to, 0, to.length)
    if (node === NONE) throw new TreeError('ENOENT', `${target}: nothing to link to`)
    const inode = tree.resolved(node)
    if ((tree.mode[inode] & S_IFMT) === S_IFDIR)
      throw new TreeError('EINVAL', `${target}: a directory has one name only`)
    tree.setLink(this.#place(path, tree.mode[inode]), inode)
    tree.nlink[inode]++
  }

  #add(path: string, type: number, permissions: number, attributes: EntryAttributes): number {
    const node = this.#place(path, type | ((attributes.mode ?? permissions) & PERMISSIONS))
    this.#describe(node, attributes)
    return node
  }

  #place(path: string, mode: number): number {
    const { tree } = this
    const bytes = bytesOf(path.replace(/\/+$/, ''))
    const slash = bytes.lastIndexOf(0x2f)
    const parent = slash < 0 ? ROOT : tree.lookup(bytes, 0, slash)
    if (parent === NONE) throw new TreeError('ENOENT', `${path}: no directory to put it in`)
    if (bytes.includes(0)) throw new TreeError('EINVAL', `${JSON.stringify(path)}: a name can have no NUL`)
    try {
      return tree.add(parent, bytes, slash + 1, bytes.length, mode)
    } catch (error) {
      throw error instanceof TreeError ? new TreeError(error.code, `${path}: ${error.why}`, { cause: error }) : error
    }
  }

  #describe(node: number, { uid = 0, gid = 0, mtime = 0, xattrs = {} }: EntryAttributes): void {
    const { tree } = this
    tree.uid[node] = uid
    tree.gid[node] = gid
    if (typeof mtime === 'object' && !(mtime instanceof Date)) tree.setMtime(node, mtime.seconds, mtime.nsec)
    else {
      const time = mtime instanceof Date ? mtime.getTime() / 1000 : mtime
      if (!Number.isFinite(time)) throw new TreeError('EINVAL', 'no time', { node })
      const seconds = Math.floor(time)
      tree.setMtime(node, seconds, Math.min(Math.round((time - seconds) * NS), NS - 1))
    }
    for (const [name, value] of Object.entries(xattrs)) {
      const key = bytesOf(name)
      const both = new Uint8Array([...key, ...bytesOf(value)])
      tree.setXattr(node, both, { from: 0, to: key.length }, { from: key.length, to: both.length })
    }
  }

  #external(node: number, { digest, payload }: ExternalFile): void {
    if (digest !== undefined) {
      if (digest.length !== 32) throw new TreeError('EINVAL', `digest of ${digest.length} bytes, not 32`, { node })
      this.tree.setDigest(node, digest, 0)
    }
    const name = payload ?? (digest && objectName(digest))
    if (name === undefined) return
    const bytes = bytesOf(name)
    this.tree.setPayload(node, bytes, 0, bytes.length)
  }
}
