// Lines of `ls -ln --time-style=full-iso`: modes, and columns that are as wide as the widest entry of a directory needs.
// Follows GNU ls (print_long_format). Not here: which entries, and in which order (ls.ts).

import { type Records, XattrProbe } from '../../wasm/records.js'
import { CONSTANTS, RECORD_FLAGS } from '../format/structs.js'
import { digitsOf, TextBuffer } from '../format/text-buffer.js'
import type { Image } from '../image/image.js'
import { FullIso } from './full-iso.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS
const SPACE = 0x20
const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, '-'],
  [S_IFDIR, 'd'],
  [S_IFLNK, 'l'],
  [S_IFCHR, 'c'],
  [S_IFBLK, 'b'],
  [S_IFIFO, 'p'],
  [S_IFSOCK, 's'],
])

function triple(bits: number, special: boolean, letter: string): string {
  const last = special ? ((bits & 1) !== 0 ? letter : letter.toUpperCase()) : (bits & 1) !== 0 ? 'x' : '-'
  return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`
}

/** Ten characters: `drwxr-xr-x`. */
export function modeText(mode: number): string {
  const owner = triple(mode >> 6, (mode & 0o4000) !== 0, 's')
  const group = triple(mode >> 3, (mode & 0o2000) !== 0, 's')
  return (TYPES.get(mode & S_IFMT) ?? '?') + owner + group + triple(mode, (mode & 0o1000) !== 0, 't')
}

/** As glibc's makedev puts them together. */
export function majorOf(rdev: number): number {
  return (rdev >>> 8) & 0xfff
}

export function minorOf(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
}

export function isDevice(mode: number): boolean {
  return (mode & S_IFMT) === S_IFCHR || (mode & S_IFMT) === S_IFBLK
}

/** The id that Linux keeps for "none" is shown as that of nobody (overflowuid). */
function shownId(id: number): number {
  return id === 0xffffffff ? 65534 : id
}

/** An ACL with more than the three entries that the mode has already. */
const ACL_HEAD = 4
const ACL_ENTRY = 8
const PLAIN_ACL = ACL_HEAD + 3 * ACL_ENTRY
const XATTR_ACL_ACCESS = 2
const XATTR_ACL_DEFAULT = 3
const XATTR_SECURITY = 6

/** The character that ls puts behind the mode: `+` for an ACL, `.` for a security context, else a blank. */
class AccessMark {
  readonly #context: XattrProbe
  readonly #access: XattrProbe
  readonly #inherited: XattrProbe
  readonly #acls: boolean

  constructor(image: Image) {
    this.#context = new XattrProbe(image.core, XATTR_SECURITY, 'selinux')
    this.#access = new XattrProbe(image.core, XATTR_ACL_ACCESS, '')
    this.#inherited = new XattrProbe(image.core, XATTR_ACL_DEFAULT, '')
    // Flag 0 of the composefs header; without it the image is mounted with `noacl`.
    this.#acls = image.format !== 'composefs' || (image.superblock.composefsFlags & 1) !== 0
  }

  /** To be called once before entries are asked for, since the core keeps the name that is asked about. */
  prepare(): this {
    this.#context.prepare()
    return this
  }

  of(records: Records, i: number): number {
    if ((records.flags(i) & RECORD_FLAGS.RF_XATTRS) === 0) return SPACE
    const nid = records.nid(i)
    if (this.#acls) {
      if (this.#hasAcl(nid, records.mode(i))) return 0x2b
      this.#context.prepare()
    }
    if (this.#context.find(nid) !== 1 || this.#context.length === 0) return SPACE
    return this.#isUnlabeled(records.bytes) ? SPACE : 0x2e
  }

  #hasAcl(nid: number, mode: number): boolean {
    if ((mode & S_IFMT) === S_IFLNK) return false
    if (this.#access.prepare().find(nid) === 1 && this.#access.length > PLAIN_ACL) return true
    if ((mode & S_IFMT) !== S_IFDIR) return false
    return this.#inherited.prepare().find(nid) === 1 && this.#inherited.length >= PLAIN_ACL
  }

  /** A context that says that there is none. */
  #isUnlabeled(bytes: Uint8Array): boolean {
    const { from, length } = this.#context
    const text = new TextDecoder('latin1').decode(bytes.subarray(from, from + Math.min(length, 16)))
    return text === 'unlabeled' || text.startsWith('unlabeled\0')
  }
}

/** Widths for one directory, and the lines of its entries up to their names. */
export class LongFormat {
  readonly #marks: AccessMark
  readonly #time = new FullIso()
  readonly #modes = new Map<number, string>()
  // The greatest number of each column.
  #nlink = 0
  #uid = 0
  #gid = 0
  #size = 0
  #major = 0
  #minor = 0
  #devices = false
  #marked = false
  // What neighbours have in common is kept as bytes: all before the size, and the time with the blanks around it.
  readonly #head = new TextBuffer(128)
  #headMode = -1
  #headMark = SPACE
  #headNlink = 0
  #headUid = 0
  #headGid = 0
  readonly #tail = new TextBuffer(64)
  #tailLow = -1
  #tailHigh = 0
  #tailNsec = 0
  /** Digits of the size column and of its two parts for devices; 0 until they are wanted. */
  #sizeWidth = 0
  #majorWidth = 0
  #minorWidth = 0

  constructor(image: Image) {
    this.#marks = new AccessMark(image)
  }

  /** Forgets the widths. */
  clear(): void {
    this.#nlink = this.#uid = this.#gid = this.#size = this.#major = this.#minor = 0
    this.#devices = this.#marked = false
    this.#headMode = -1
    this.#sizeWidth = 0
  }

  /** Makes the columns wide enough for records `from`…`to`. */
  fit(records: Records, from: number, to: number): void {
    let { nlink, uid, gid, size } = { nlink: this.#nlink, uid: this.#uid, gid: this.#gid, size: this.#size }
    this.#marks.prepare()
    for (let i = from; i < to; i++) {
      if (records.error(i) !== 0) continue
      const links = records.nlink(i)
      if (links > nlink) nlink = links
      const owner = shownId(records.uid(i))
      if (owner > uid) uid = owner
      const group = shownId(records.gid(i))
      if (group > gid) gid = group
      if (isDevice(records.mode(i))) this.#fitDevice(records.rdev(i))
      else {
        const length = records.size(i)
        if (length > size) size = length
      }
      if (!this.#marked && this.#marks.of(records, i) !== SPACE) this.#marked = true
    }
    this.#nlink = nlink
    this.#uid = uid
    this.#gid = gid
    this.#size = size
  }

  #fitDevice(rdev: number): void {
    this.#devices = true
    this.#major = Math.max(this.#major, majorOf(rdev))
    this.#minor = Math.max(this.#minor, minorOf(rdev))
  }

  /** Writes what stands before the name of an entry. */
  write(out: TextBuffer, records: Records, i: number): void {
    const mode = records.mode(i)
    const mark = this.#marked ? this.#marks.prepare().of(records, i) : SPACE
    if (
      mode !== this.#headMode ||
      mark !== this.#headMark ||
      records.nlink(i) !== this.#headNlink ||
      records.uid(i) !== this.#headUid ||
      records.gid(i) !== this.#headGid
    ) {
      this.#setHead(records, i, mark)
    }
    out.block(this.#head.view, 0, this.#head.length)
    if (isDevice(mode)) this.#device(out, records.rdev(i))
    else out.decimalPadded(records.size(i), this.#sizeWidth)
    const low = records.mtimeLow(i)
    const high = records.mtimeHigh(i)
    const nsec = records.mtimeNsec(i)
    if (low !== this.#tailLow || high !== this.#tailHigh || nsec !== this.#tailNsec) this.#setTail(low, high, nsec)
    out.block(this.#tail.view, 0, this.#tail.length)
  }

  #device(out: TextBuffer, rdev: number): void {
    const blanks = this.#sizeWidth - (this.#majorWidth + 2 + this.#minorWidth)
    out.decimalPadded(majorOf(rdev), this.#majorWidth + Math.max(0, blanks))
    out.latin1(', ')
    out.decimalPadded(minorOf(rdev), this.#minorWidth)
  }

  #setHead(records: Records, i: number, mark: number): void {
    if (this.#sizeWidth === 0) this.#setWidths()
    const head = this.#head
    head.clear()
    this.#headMode = records.mode(i)
    this.#headMark = mark
    this.#headNlink = records.nlink(i)
    this.#headUid = records.uid(i)
    this.#headGid = records.gid(i)
    head.latin1(this.#modeText(this.#headMode))
    if (this.#marked) head.byte(mark)
    head.byte(SPACE)
    head.decimalPadded(this.#headNlink, digitsOf(this.#nlink))
    head.byte(SPACE)
    head.decimalPadded(shownId(this.#headUid), digitsOf(this.#uid))
    head.byte(SPACE)
    head.decimalPadded(shownId(this.#headGid), digitsOf(this.#gid))
    head.byte(SPACE)
  }

  #modeText(mode: number): string {
    let text = this.#modes.get(mode)
    if (text === undefined) {
      text = modeText(mode)
      this.#modes.set(mode, text)
    }
    return text
  }

  #setWidths(): void {
    this.#majorWidth = digitsOf(this.#major)
    this.#minorWidth = digitsOf(this.#minor)
    this.#sizeWidth = Math.max(digitsOf(this.#size), this.#devices ? this.#majorWidth + 2 + this.#minorWidth : 1)
  }

  #setTail(low: number, high: number, nsec: number): void {
    this.#tailLow = low
    this.#tailHigh = high
    this.#tailNsec = nsec
    this.#tail.clear()
    this.#tail.byte(SPACE)
    this.#time.write(this.#tail, low, high, nsec)
    this.#tail.byte(SPACE)
  }
}
