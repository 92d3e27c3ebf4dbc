// Trees made by calls, for people: paths, text, dates and plain objects over the columns of tree.ts. Bytes of files are kept
// beside the tree until an image is built, which decides what the image holds itself and what a store gets.
// Not here: sources that are there already (dump-source.ts, fs-source.ts, image-source.ts).

import { LIMITS } from '../format/build-layout.js'
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
const U32_MAX = 2 ** 32 - 1
const { PAYLOAD_MAX, DIGEST_SIZE, XATTR_KEY_MAX, XATTR_SPACE_MAX, XATTR_ENTRY_COST, XATTR_FIRST_COST } = LIMITS
const NO_DATA = new Uint8Array(0)

/** What every entry has. */
export interface EntryAttributes {
  /** Permission bits; 0o755 for directories, 0o777 for symlinks, 0o644 for all else unless given. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds since 1970, or a Date, or seconds and nanoseconds (both whole); 0 unless given. */
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
  whole(major, 'major', MAJOR_MAX)
  whole(minor, 'minor', MINOR_MAX)
  return ((minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12)) >>> 0
}

/** Bytes of a symlink's target or an object's name. */
function payloadBytes(text: string): Uint8Array {
  const bytes = bytesOf(text)
  if (bytes.length > PAYLOAD_MAX) throw new TreeError('ENAMETOOLONG', `${bytes.length} bytes, more than ${PAYLOAD_MAX}`)
  if (bytes.includes(0)) throw new TreeError('EINVAL', 'a path can have no NUL')
  return bytes
}

/** Attributes as numbers and bytes. */
interface Facts {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly nsec: number
  /** Key and value in one, and where the value begins. */
  readonly xattrs: readonly { readonly bytes: Uint8Array; readonly key: number }[]
}

function whole(value: unknown, what: string, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new TreeError('EINVAL', `${what}: ${String(value)} is no whole number from 0 to ${most}`)
}

function timeOf(mtime: EntryAttributes['mtime']): { seconds: number; nsec: number } {
  // A Date's milliseconds are exact, a quotient of them is not.
  if (mtime instanceof Date) {
    const milliseconds = mtime.getTime()
    const seconds = Math.floor(milliseconds / 1000)
    return { seconds, nsec: (milliseconds - seconds * 1000) * 1_000_000 }
  }
  if (typeof mtime === 'object' && mtime !== null) return { seconds: mtime.seconds, nsec: mtime.nsec }
  const time = mtime ?? 0
  const seconds = Math.floor(time)
  return { seconds, nsec: Math.min(Math.round((time - seconds) * NS), NS - 1) }
}

function xattrsOf(xattrs: EntryAttributes['xattrs'] = {}): Facts['xattrs'] {
  let space = XATTR_FIRST_COST
  return Object.entries(xattrs).map(([name, value]) => {
    const key = bytesOf(name)
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
      throw new TreeError('EINVAL', `xattr ${name}: a value is text or bytes`)
    }
    const bytes = new Uint8Array([...key, ...bytesOf(value)])
    space += XATTR_ENTRY_COST + bytes.length
    if (key.length === 0 || key.length > XATTR_KEY_MAX || space > XATTR_SPACE_MAX) {
      throw new TreeError('ERANGE', `xattr ${name}: no such length of a key, or no room`)
    }
    if (key.includes(0)) throw new TreeError('EINVAL', 'xattr: a name can have no NUL')
    return { bytes, key: key.length }
  })
}

function factsOf(attributes: EntryAttributes, type: number, permissions: number): Facts {
  const { mode = permissions, uid = 0, gid = 0 } = attributes
  const { seconds, nsec } = timeOf(attributes.mtime)
  if (!Number.isSafeInteger(seconds)) throw new TreeError('EINVAL', `mtime: no time: ${String(seconds)}`)
  return {
    mode: type | (whole(mode, 'mode', U32_MAX) & PERMISSIONS),
    uid: whole(uid, 'uid', U32_MAX),
    gid: whole(gid, 'gid', U32_MAX),
    seconds,
    nsec: whole(nsec, 'nsec', NS - 1),
    xattrs: xattrsOf(attributes.xattrs),
  }
}

/** Every method throws a TreeError: ENOENT for a directory that lacks, EEXIST, ENOTDIR, EINVAL, ENAMETOOLONG, ERANGE. */
export class TreeBuilder {
  /** What has been added, save the bytes of files: those find their place when the builder is built, not its tree. */
  readonly tree = new Tree()
  /** Bytes of the regular files that were added with theirs. */
  readonly data = new Map<number, Uint8Array>()

  /** The root is there from the beginning. */
  constructor(root: EntryAttributes = {}) {
    const facts = factsOf(root, S_IFDIR, 0o755)
    this.#describe(this.tree.addRoot(facts.mode), facts)
  }

  addDirectory(path: string, attributes: EntryAttributes = {}): void {
    this.#add(path, S_IFDIR, 0o755, attributes)
  }

  /** `data`: the file's bytes (text as UTF-8), or where they are. */
  addFile(path: string, data: string | Uint8Array | ExternalFile = NO_DATA, attributes: EntryAttributes = {}): void {
    if (typeof data === 'string' || data instanceof Uint8Array) {
      const bytes = bytesOf(data)
      const node = this.#add(path, S_IFREG, 0o644, attributes)
      this.tree.setSize(node, bytes.length)
      if (bytes.length > 0) this.data.set(node, bytes)
      return
    }
    const { size, digest } = data
    if (!Number.isSafeInteger(size) || size < 0) throw new TreeError('EINVAL', `no size: ${size}`)
    if (digest !== undefined && digest.length !== DIGEST_SIZE) {
      throw new TreeError('EINVAL', `digest of ${digest.length} bytes, not ${DIGEST_SIZE}`)
    }
    const name = data.payload ?? (digest && objectName(digest))
    const payload = name === undefined ? undefined : payloadBytes(name)
    const node = this.#add(path, S_IFREG, 0o644, attributes)
    this.tree.setSize(node, size)
    if (digest !== undefined) this.tree.setDigest(node, digest, 0)
    if (payload !== undefined) this.tree.setPayload(node, payload, 0, payload.length)
  }

  addSymlink(path: string, target: string, attributes: EntryAttributes = {}): void {
    const bytes = payloadBytes(target)
    if (bytes.length === 0) throw new TreeError('EINVAL', 'a symlink needs a target')
    const node = this.#add(path, S_IFLNK, 0o777, attributes)
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
    if (device.type !== 'block' && device.type !== 'character') {
      throw new TreeError('EINVAL', `no type of a device: ${String(device.type)}`)
    }
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

  /** All that can be wrong with the attributes is found before the entry is there. */
  #add(path: string, type: number, permissions: number, attributes: EntryAttributes): number {
    const facts = factsOf(attributes, type, permissions)
    const node = this.#place(path, facts.mode)
    this.#describe(node, facts)
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

  #describe(node: number, { uid, gid, seconds, nsec, xattrs }: Facts): void {
    const { tree } = this
    tree.uid[node] = uid
    tree.gid[node] = gid
    tree.setMtime(node, seconds, nsec)
    for (const { bytes, key } of xattrs) {
      tree.setXattr(node, bytes, { from: 0, to: key }, { from: key, to: bytes.length })
    }
  }
}
