// The tree view of a composefs image: what mkcomposefs was given, as dumps, diffs and writers see it. Entries come depth
// first, parent first, in byte order; an inode that is met again is a hard link to its first name.
// Follows spec composefs-image.md section 9 (libcomposefs' reader), save its defect 9.1; stricter in what
// spec hostile-images.md says. Of a cfs v1 image the fields are those that its inodes have, as they stand there (spec
// cfs-v1.md). A plain EROFS image has no such view.

import { CfsDetails } from '../../wasm/cfs-details.js'
import { peek } from '../../wasm/core-pieces.js'
import { linkTarget, readSmall, TOO_LARGE } from '../../wasm/records.js'
import type { DumpEntry, Span, XattrSpan } from '../format/dump-text.js'
import { Fault, type Outcome } from '../format/errno.js'
import { CFS_V1_INODE, CONSTANTS, INODE_EXTENDED, RECORD_FLAGS } from '../format/structs.js'
import type { Image } from './image.js'
import { type CursorOptions, manyNamed, TreeCursor } from './tree-cursor.js'
import { TreeXattrs } from './tree-xattrs.js'

const { S_IFMT, S_IFREG, S_IFLNK, S_IFCHR } = CONSTANTS
const { EROFS_INODE_FLAT_PLAIN, EROFS_INODE_FLAT_INLINE, EROFS_INODE_CHUNK_BASED } = CONSTANTS
const PERMISSIONS = 0o7777
/** Most bytes of content that a composefs image may hold for one file. */
const CONTENT_MAX = 5000
/** Of any file: 1024 chunks of 2^43 bytes. */
const SIZE_MAX = 2 ** 53

export interface TreeOptions {
  /** Keep only these names of the top directory, with all below them; a character a byte. */
  readonly filter?: ReadonlySet<string>
}

/** The entries one after another; the fields are those of the current one, good until the next step. */
export class TreeEntries implements DumpEntry {
  size = 0
  mode = 0
  nlink = 0
  uid = 0
  gid = 0
  rdev = 0
  mtimeLow = 0
  mtimeHigh = 0
  mtimeNsec = 0
  /** Does the image keep a ctime? EROFS does not; the three fields are the mtime's then. */
  readonly hasCtime: boolean
  ctimeLow = 0
  ctimeHigh = 0
  ctimeNsec = 0
  hardLink = false
  readonly payload: Span
  readonly content: Span
  readonly digest: Span
  readonly #image: Image
  readonly #cursor: TreeCursor
  readonly #xattrs: TreeXattrs
  readonly #contentBytes = new Uint8Array(CONTENT_MAX)
  readonly #linked: ReadonlySet<number>
  readonly #firstPaths = new Map<number, Uint8Array>()
  readonly #details = new CfsDetails()

  private constructor(image: Image, options: CursorOptions, linked: ReadonlySet<number>) {
    this.#image = image
    this.#cursor = new TreeCursor(image, options)
    this.#xattrs = new TreeXattrs(image)
    this.#linked = linked
    this.hasCtime = image.format === 'cfs-v1'
    const { bytes } = this.#cursor.records
    this.payload = { bytes, from: -1, to: -1 }
    this.digest = { bytes, from: -1, to: -1 }
    this.content = { bytes: this.#contentBytes, from: -1, to: -1 }
  }

  /**
   * Looks over the whole tree first: EUCLEAN, or the errno of an inode, for one that is none. EINVAL for plain EROFS, ENOTSUP
   * for a lazy image, whose names and values may go while an entry is looked at.
   */
  static open(image: Image, options: TreeOptions = {}): Outcome<TreeEntries> {
    if (image.lazy) return new Fault('ENOTSUP', 'the image is opened lazily, not whole')
    const view = image.treeView
    if (view === undefined) return new Fault('EINVAL', 'no composefs header')
    const all: CursorOptions = { hideDev0: view.hideDev0, filter: options.filter }
    const linked = manyNamed(image, all)
    return linked instanceof Fault ? linked : new TreeEntries(image, all, linked)
  }

  /** Absolute path, the first `pathLength` bytes. */
  get path(): Uint8Array {
    return this.#cursor.path
  }

  get pathLength(): number {
    return this.#cursor.pathLength
  }

  /** Directories above; 0 for the root. */
  get depth(): number {
    return this.#cursor.depth
  }

  get nid(): number {
    return this.#cursor.records.nid(this.#cursor.index)
  }

  get xattrs(): readonly XattrSpan[] {
    return this.#xattrs.list
  }

  get xattrCount(): number {
    return this.#xattrs.count
  }

  /** Goes to the next entry, the root first; false after the last one. */
  next(): Outcome<boolean> {
    const more = this.#cursor.next()
    if (more !== true) return more
    const bad = this.#read()
    if (bad === undefined) return true
    const path = new TextDecoder().decode(this.#cursor.pathBytes())
    return new Fault(bad.code, bad.detail === '' ? path : `${path}: ${bad.detail}`, bad.cause)
  }

  /** Reads the current entry again, where others may have moved the memory that its fields lie in. */
  again(): Fault | undefined {
    // The first name is not another name of itself.
    if (!this.hardLink) this.#firstPaths.delete(this.nid)
    return this.#read()
  }

  #read(): Fault | undefined {
    const { records, index } = this.#cursor
    this.mode = records.mode(index)
    this.size = records.size(index)
    this.nlink = records.nlink(index)
    this.uid = records.uid(index)
    this.gid = records.gid(index)
    this.rdev = records.rdev(index)
    this.mtimeLow = records.mtimeLow(index)
    this.mtimeHigh = records.mtimeHigh(index)
    this.mtimeNsec = records.mtimeNsec(index)
    this.ctimeLow = this.mtimeLow
    this.ctimeHigh = this.mtimeHigh
    this.ctimeNsec = this.mtimeNsec
    const type = this.mode & S_IFMT
    if (this.size >= SIZE_MAX && this.#isTooLarge()) return new Fault('EFBIG', 'a size that no image is written with')
    const bad = this.#xattrs.load(records, index, type === S_IFREG)
    if (bad !== undefined) return bad
    if (this.hasCtime) return this.#readDetails()
    this.#setRange(this.payload, this.#xattrs.payload.from, this.#xattrs.payload.to)
    this.#setRange(this.digest, this.#xattrs.digest.from, this.#xattrs.digest.to)
    const worse = this.#readData(type, records.flags(index) & RECORD_FLAGS.RF_LAYOUT_MASK)
    if (worse !== undefined) return worse
    if (this.#xattrs.whiteout) {
      this.mode = S_IFCHR | (this.mode & PERMISSIONS)
      this.size = this.rdev = 0
      // Present, but cut to the new size.
      this.content.to = Math.min(this.content.to, 0)
    }
    this.#linkTo(records.nid(index))
    return undefined
  }

  /** Of a size that may be 2^53: more than that is not exact, as a number, and could not be written as it is. */
  #isTooLarge(): boolean {
    if (this.size > SIZE_MAX) return true
    const { core } = this.#image
    const { st_size } = CFS_V1_INODE.fields
    const { i_size } = INODE_EXTENDED.fields
    const { records, index } = this.#cursor
    const at = records.slot(index) * 2 ** CONSTANTS.EROFS_ISLOTBITS + (this.hasCtime ? st_size : i_size).offset
    const low = peek(core, at, 4)
    return typeof low === 'number' || low.some(byte => byte !== 0)
  }

  /** What the inode of a cfs v1 image says itself. */
  #readDetails(): Fault | undefined {
    const details = this.#details
    const { nid } = this
    const r = details.load(this.#image.core, nid)
    if (r < 0) return this.#image.fault(r, 'inode')
    this.#setRange(this.payload, details.payload.from, details.payload.to)
    this.#setRange(this.digest, details.digest.from, details.digest.to)
    this.ctimeLow = details.ctimeLow
    this.ctimeHigh = details.ctimeHigh
    this.ctimeNsec = details.ctimeNsec
    this.#linkTo(nid)
    return undefined
  }

  #setRange(span: Span, from: number, to: number): void {
    span.bytes = this.#cursor.records.bytes
    span.from = from
    span.to = to
  }

  #readData(type: number, layout: number): Fault | undefined {
    this.content.from = this.content.to = -1
    if (type === S_IFLNK) {
      const r = linkTarget(this.#image.core, this.nid, this.payload)
      return r < 0 ? this.#image.fault(r, 'symlink') : undefined
    }
    if (type !== S_IFREG || this.size === 0 || layout === EROFS_INODE_CHUNK_BASED) return undefined
    if (layout !== EROFS_INODE_FLAT_PLAIN && layout !== EROFS_INODE_FLAT_INLINE) {
      return new Fault('EINVAL', 'a compressed file, which composefs has not')
    }
    const r = readSmall(this.#image.core, this.nid, this.size, this.#contentBytes)
    if (r === TOO_LARGE) return new Fault('EINVAL', `content of ${this.size} bytes, more than ${CONTENT_MAX}`)
    if (r < 0) return this.#image.fault(r, 'content')
    this.content.from = 0
    this.content.to = r
    return undefined
  }

  /** Makes the entry a hard link where the inode has a name already. */
  #linkTo(nid: number): void {
    this.hardLink = false
    if (!this.#linked.has(nid)) return
    const first = this.#firstPaths.get(nid)
    if (first === undefined) {
      this.#firstPaths.set(nid, this.#cursor.pathBytes())
      return
    }
    this.hardLink = true
    this.payload.bytes = first
    this.payload.from = 0
    this.payload.to = first.length
  }
}
