// Copies of the core's records that outlive its next answer: the entries of directories, and the xattrs of an inode.
// What reads whole trees (dump, ls -R, verify) takes them in batches from here. Names and values are not copied; they
// are given as ranges of `bytes`, good until the next image is opened. Not here: what a record means in which view.

import {
  CONSTANTS,
  INODE_COMPACT,
  INODE_EXTENDED,
  RECORD,
  RECORD_FLAGS,
  SCRATCH,
  XATTR_ENTRY,
  XATTR_IBODY,
  XATTR_RECORD,
} from '../src/format/structs.js'
import type { Core } from './core.js'
import type { CoreImage } from './core-image.js'
import {
  DOUBLES,
  ERROR,
  FLAGS,
  GID,
  HALVES,
  MODE,
  MTIME_HI,
  MTIME_LO,
  MTIME_NSEC,
  NAME,
  NAME_LEN,
  NID,
  NLINK,
  RDEV,
  SIZE,
  SLOT,
  UID,
  WORDS,
} from './record-fields.js'

const X = XATTR_RECORD.fields
const S = SCRATCH.fields

const SLOT_SIZE = 1 << CONSTANTS.EROFS_ISLOTBITS
/** Records that fit before the buffer grows. */
const FIRST_ROOM = 512

/** A list of inode records, kept as the core wrote them. */
export class Records {
  length = 0
  readonly #core: Core
  #room = FIRST_ROOM
  #u8 = new Uint8Array(FIRST_ROOM * RECORD.size)
  #u16 = new Uint16Array(this.#u8.buffer)
  #u32 = new Uint32Array(this.#u8.buffer)
  #i32 = new Int32Array(this.#u8.buffer)
  #f64 = new Float64Array(this.#u8.buffer)

  constructor(image: CoreImage) {
    this.#core = image.core
  }

  /** What ranges of names lie in. */
  get bytes(): Uint8Array {
    return this.#core.u8
  }

  /** Appends the first `count` records of the core's table. */
  append(count: number): void {
    if (this.length + count > this.#room) this.#grow(this.length + count)
    const { u8, records } = this.#core
    this.#u8.set(u8.subarray(records, records + count * RECORD.size), this.length * RECORD.size)
    this.length += count
  }

  /** Keeps the first `length` records only. */
  truncate(length: number): void {
    this.length = length
  }

  #grow(wanted: number): void {
    while (this.#room < wanted) this.#room *= 2
    const old = this.#u8
    this.#u8 = new Uint8Array(this.#room * RECORD.size)
    this.#u8.set(old)
    this.#u16 = new Uint16Array(this.#u8.buffer)
    this.#u32 = new Uint32Array(this.#u8.buffer)
    this.#i32 = new Int32Array(this.#u8.buffer)
    this.#f64 = new Float64Array(this.#u8.buffer)
  }

  nid(i: number): number {
    return this.#f64[i * DOUBLES + NID]
  }

  /** Bytes. */
  size(i: number): number {
    return this.#f64[i * DOUBLES + SIZE]
  }

  /** Seconds since the epoch: low and (signed) high word of 64 bits. */
  mtimeLow(i: number): number {
    return this.#u32[i * WORDS + MTIME_LO]
  }

  mtimeHigh(i: number): number {
    return this.#i32[i * WORDS + MTIME_HI]
  }

  mtimeNsec(i: number): number {
    return this.#u32[i * WORDS + MTIME_NSEC]
  }

  mode(i: number): number {
    return this.#u32[i * WORDS + MODE]
  }

  nlink(i: number): number {
    return this.#u32[i * WORDS + NLINK]
  }

  uid(i: number): number {
    return this.#u32[i * WORDS + UID]
  }

  gid(i: number): number {
    return this.#u32[i * WORDS + GID]
  }

  rdev(i: number): number {
    return this.#u32[i * WORDS + RDEV]
  }

  /** Bits of RECORD_FLAGS. */
  flags(i: number): number {
    return this.#u32[i * WORDS + FLAGS]
  }

  /** Where the name begins in `bytes`. */
  nameFrom(i: number): number {
    return this.#u32[i * WORDS + NAME]
  }

  nameLength(i: number): number {
    return this.#u16[i * HALVES + NAME_LEN]
  }

  /** errno with which the inode can't be read; 0. */
  error(i: number): number {
    return this.#u16[i * HALVES + ERROR]
  }

  /** Position of the inode in the image, in units of 32 bytes. */
  slot(i: number): number {
    return this.#u32[i * WORDS + SLOT]
  }
}

/** Which directory a batch of its records is of, and where the next one begins: -1 after the last. */
export function readBatch(
  image: CoreImage,
  nid: number,
  cookie: number,
  flags: number,
): { count: number; cookie: number } {
  const { core } = image
  const count = image.exports.readdir(image.handle, nid, cookie, flags)
  return { count, cookie: count < 0 ? -1 : core.f64[(core.scratch + S.cookie.offset) >>> 3] }
}

/** readSmall's answer for data that does not fit: -EFBIG. */
export const TOO_LARGE = -27

/** Data of an inode copied to the front of `into`; its length, -errno, or TOO_LARGE. */
export function readSmall(image: CoreImage, nid: number, size: number, into: Uint8Array): number {
  if (size > into.length) return TOO_LARGE
  return image.read(nid, into.subarray(0, size), 0)
}

/** The target of a symlink as a range of the records' bytes: `[from, to]`, or -errno. */
export function linkTarget(image: CoreImage, nid: number, out: { from: number; to: number }): number {
  const { core } = image
  const r = image.exports.readlink(image.handle, nid)
  if (r < 0) return r
  out.from = core.u32[(core.scratch + S.data.offset) >>> 2]
  out.to = out.from + core.f64[(core.scratch + S.data_len.offset) >>> 3]
  return 0
}

const XATTR_WORDS = XATTR_RECORD.size >> 2
const X_INDEX = X.index.offset >> 2
const X_INFIX = X.infix.offset >> 2
const X_INFIX_LENGTH = X.infix_len.offset >> 2
const X_NAME = X.name.offset >> 2
const X_NAME_LENGTH = X.name_len.offset >> 2
const X_VALUE = X.value.offset >> 2
const X_VALUE_LENGTH = X.value_len.offset >> 2

/** The xattrs of one inode, inline ones first, in disk order; good until the core's next answer. */
export class XattrRecords {
  length = 0
  readonly #image: CoreImage
  readonly #room: number
  readonly #firstByte: number
  /** The core's own table, or a copy where it was full. */
  #u32: Uint32Array
  #base = 0

  constructor(image: CoreImage) {
    const { core, handle } = image
    this.#image = image
    this.#u32 = core.u32
    this.#room = (core.exports.maxRecords.value * RECORD.size) / XATTR_RECORD.size
    this.#firstByte = handle + core.exports.imageHead.value
  }

  /** Reads those of an inode. Their number, or -errno. */
  load(nid: number): number {
    const { core, exports, handle } = this.#image
    const count = exports.listxattr(handle, nid, 0)
    this.length = Math.max(count, 0)
    this.#u32 = core.u32
    this.#base = core.records >>> 2
    return count < this.#room ? count : this.#loadMany(nid)
  }

  #loadMany(nid: number): number {
    const { core, exports, handle } = this.#image
    const parts: Uint32Array[] = []
    let length = 0
    for (let count = this.length; count > 0; count = exports.listxattr(handle, nid, length)) {
      const from = core.records >>> 2
      parts.push(core.u32.slice(from, from + count * XATTR_WORDS))
      length += count
    }
    this.#u32 = new Uint32Array(length * XATTR_WORDS)
    this.#base = 0
    let at = 0
    for (const part of parts) {
      this.#u32.set(part, at)
      at += part.length
    }
    this.length = length
    return length
  }

  /** Base index of the name (EROFS_XATTR_INDEX_*). */
  index(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_INDEX]
  }

  infixFrom(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_INFIX]
  }

  infixLength(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_INFIX_LENGTH]
  }

  /** The name behind base prefix and infix, as a range of the records' bytes. */
  nameFrom(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_NAME]
  }

  nameLength(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_NAME_LENGTH]
  }

  valueFrom(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_VALUE]
  }

  valueLength(i: number): number {
    return this.#u32[this.#base + i * XATTR_WORDS + X_VALUE_LENGTH]
  }

  /**
   * Is entry `i` the last inline one and as small as can be (no name, no value)? libcomposefs does not see such a one.
   * `slot` and `flags` are those of the inode's record. The first inline entry stands behind as many ids as there are
   * shared entries, which tells how many there are of each.
   */
  isUnseen(i: number, slot: number, flags: number): boolean {
    if (this.nameLength(i) !== 0 || this.valueLength(i) !== 0 || this.infixLength(i) !== 0) return false
    const inode = (flags & RECORD_FLAGS.RF_EXTENDED) !== 0 ? INODE_EXTENDED.size : INODE_COMPACT.size
    const ids = this.#firstByte + slot * SLOT_SIZE + inode + XATTR_IBODY.size
    const shared = (this.nameFrom(0) - XATTR_ENTRY.size - ids) / 4
    return Number.isInteger(shared) && shared >= 0 && i === this.length - shared - 1
  }
}
