// Lines of `ls -ln --time-style=full-iso` in UTC: columns as wide as the widest entry of a directory needs, names, targets
// of symlinks. Follows GNU ls (print_long_format). Here and not in the commands since formatting a hundred thousand lines
// is over before a JavaScript engine has warmed up to it. Not here: which entries, in which order, headings.

import { copyOut } from './bytes'
import { isLink, readInode } from './inode'
import {
  REC_ERROR,
  REC_FLAGS,
  REC_GID,
  REC_I_SIZE,
  REC_MODE,
  REC_MTIME_LO,
  REC_MTIME_NSEC,
  REC_NAME,
  REC_NAME_LEN,
  REC_NID,
  REC_NLINK,
  REC_RDEV,
  REC_SIZE,
  REC_UID,
  RF_XATTRS,
  SCR_COOKIE,
  SCR_DATA,
  SCR_DATA_LEN,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './layout'
import { linkLength, linkTarget } from './path'
import { NAME, ownF64, ownU16, ownU32, ownU64, RECORDS, SCRATCH, lastError } from './scratch'
import { getXattr } from './xattr'

/** Lines are handed out when there are this many bytes of them; one more fits behind. */
const FULL: u32 = 1 << 16
/** A path of PATH_MAX as name, a target as long, and the columns. */
const LINES: usize = memory.data((1 << 16) + 4096 * 2 + 1024, 8)

const SPACE: u32 = 0x20
const DOT: u32 = 0x2e
const PLUS: u32 = 0x2b
const NO_ID: u32 = 0xffffffff
const OVERFLOW_ID: u32 = 65534
const DAY: i64 = 86400
/** Days from 0000-03-01 to 1970-01-01, and in 400 years. */
const EPOCH_SHIFT: i64 = 719468
const ERA: i64 = 146097
/** Years that struct tm can hold. */
const YEAR_MAX: i64 = 2147483647 + 1900
const YEAR_MIN: i64 = -2147483648 + 1900
/** Seconds beyond which no year fits. */
const SECONDS_MAX: i64 = 1 << 56
/** Characters of a time in the year 1970, which bare seconds are padded to. */
const TIME_WIDTH: u32 = 35
/** An ACL with more than the three entries that the mode has already; bytes. */
const PLAIN_ACL: f64 = 28

/** The greatest number of each column, for one directory. */
let wNlink: u32 = 0
let wUid: u32 = 0
let wGid: u32 = 0
let wSize: u64 = 0
let wMajor: u32 = 0
let wMinor: u32 = 0
let wDevices: bool = false
let wMarked: bool = false
/** Does the mount have ACLs? */
let acls: bool = false

let at: usize = LINES

export function clearWidths(withAcls: bool): void {
  wNlink = wUid = wGid = wMajor = wMinor = 0
  wSize = 0
  wDevices = wMarked = false
  acls = withAcls
}

@inline
function shownId(id: u32): u32 {
  return id == NO_ID ? OVERFLOW_ID : id
}

@inline
function isDevice(mode: u32): bool {
  return (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK
}

@inline
function majorOf(rdev: u32): u32 {
  return (rdev >> 8) & 0xfff
}

@inline
function minorOf(rdev: u32): u32 {
  return (rdev & 0xff) | ((rdev >> 12) & 0xfff00)
}

/** Length of the value of an xattr of the decoded inode, whose rest of the name is in NAME; 0 without it. */
function valueLength(index: u32, length: u32): f64 {
  return getXattr(index, length) == 0 ? ownF64(SCRATCH + SCR_DATA_LEN) : 0
}

/** The character that ls puts behind the mode: `+` for an ACL, `.` for a security context, else a blank. */
function markOf(rec: usize): u32 {
  if (!(ownU32(rec + REC_FLAGS) & RF_XATTRS)) return SPACE
  if (readInode(<u64>ownF64(rec + REC_NID)) < 0) return SPACE
  const type = ownU32(rec + REC_MODE) & S_IFMT
  if (acls && type != S_IFLNK) {
    if (valueLength(2, 0) > PLAIN_ACL) return PLUS
    if (type == S_IFDIR && valueLength(3, 0) >= PLAIN_ACL) return PLUS
  }
  store<u64>(NAME, 0x0078756e696c6573) // selinux
  const length = valueLength(6, 7)
  if (length == 0) return SPACE
  return isUnlabeled(<usize>ownU32(SCRATCH + SCR_DATA), <u32>length) ? SPACE : DOT
}

/** A context that says that there is none. */
function isUnlabeled(value: usize, length: u32): bool {
  if (length < 9) return false
  copyOut(NAME + 32, value, 10)
  const head = ownU64(NAME + 32)
  const tail = ownU16(NAME + 40)
  // "unlabele" "d", then the end or a NUL.
  return head == 0x656c6562616c6e75 && (tail & 0xff) == 0x64 && (length == 9 || tail >> 8 == 0)
}

/** Makes the columns wide enough for the records `from`…`to` of the table. */
export function fitWidths(from: u32, to: u32): void {
  for (let i = from; i < to; i++) {
    const rec = RECORDS + i * REC_SIZE
    if (ownU16(rec + REC_ERROR) != 0) continue
    wNlink = max(wNlink, ownU32(rec + REC_NLINK))
    wUid = max(wUid, shownId(ownU32(rec + REC_UID)))
    wGid = max(wGid, shownId(ownU32(rec + REC_GID)))
    if (isDevice(ownU32(rec + REC_MODE))) {
      const rdev = ownU32(rec + REC_RDEV)
      wDevices = true
      wMajor = max(wMajor, majorOf(rdev))
      wMinor = max(wMinor, minorOf(rdev))
    } else {
      wSize = max(wSize, <u64>ownF64(rec + REC_I_SIZE))
    }
    if (!wMarked && markOf(rec) != SPACE) wMarked = true
  }
}

function digitsOf(value: u64): u32 {
  let n: u32 = 1
  for (; value >= 10; value /= 10) n++
  return n
}

@inline
function put(byte: u32): void {
  store<u8>(at++, byte)
}

/** A number, blanks before it. */
function putNumber(value: u64, width: u32): void {
  let n = digitsOf(value)
  for (let i = n; i < width; i++) put(SPACE)
  at += n
  for (let p = at; n > 0; n--, value /= 10) store<u8>(--p, 0x30 + <u32>(value % 10))
}

/** A number, zeros before it. */
function putPadded(value: u32, width: u32): void {
  const end = at + max(width, digitsOf(value))
  for (let p = end; p > at; value /= 10) store<u8>(--p, 0x30 + (value % 10))
  at = end
}

function putTriple(bits: u32, special: bool, letter: u32): void {
  put(bits & 4 ? 0x72 : 0x2d)
  put(bits & 2 ? 0x77 : 0x2d)
  if (special) put(bits & 1 ? letter : letter - 0x20)
  else put(bits & 1 ? 0x78 : 0x2d)
}

function putMode(mode: u32): void {
  const type = mode & S_IFMT
  if (type == S_IFREG) put(0x2d)
  else if (type == S_IFDIR) put(0x64)
  else if (type == S_IFLNK) put(0x6c)
  else if (type == S_IFCHR) put(0x63)
  else if (type == S_IFBLK) put(0x62)
  else put(type == S_IFIFO ? 0x70 : 0x73)
  putTriple(mode >> 6, (mode & 0o4000) != 0, 0x73)
  putTriple(mode >> 3, (mode & 0o2000) != 0, 0x73)
  putTriple(mode, (mode & 0o1000) != 0, 0x74)
}

/** Rounds down, unlike the operator. */
@inline
function floorDiv(a: i64, b: i64): i64 {
  return a >= 0 ? a / b : -((b - 1 - a) / b)
}

function putTime(seconds: i64, nsec: u32): void {
  const day = floorDiv(seconds, DAY)
  // The year begins in March here, so that the leap day is its last one.
  const shifted = day + EPOCH_SHIFT
  const era = floorDiv(shifted, ERA)
  const dayOfEra = shifted - era * ERA
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  const march = (5 * dayOfYear + 2) / 153
  const month = march < 10 ? march + 3 : march - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX || year > YEAR_MAX || year < YEAR_MIN) {
    putSeconds(seconds)
    return
  }
  if (year < 0) put(0x2d)
  putPadded(<u32>(year < 0 ? -year : year), year < 0 ? 3 : 4)
  put(0x2d)
  putPadded(<u32>month, 2)
  put(0x2d)
  putPadded(<u32>(dayOfYear - (153 * march + 2) / 5 + 1), 2)
  const second = <u32>(seconds - day * DAY)
  put(SPACE)
  putPadded(second / 3600, 2)
  put(0x3a)
  putPadded((second / 60) % 60, 2)
  put(0x3a)
  putPadded(second % 60, 2)
  put(DOT)
  putPadded(nsec, 9)
  // " +0000"
  store<u32>(at, 0x30302b20)
  store<u16>(at + 4, 0x3030)
  at += 6
}

function putSeconds(seconds: i64): void {
  const magnitude = <u64>(seconds < 0 ? -seconds : seconds)
  const length = digitsOf(magnitude) + (seconds < 0 ? 1 : 0)
  for (let i = length; i < TIME_WIDTH; i++) put(SPACE)
  if (seconds < 0) put(0x2d)
  putNumber(magnitude, 0)
}

/** What stands for the numbers of an entry whose inode can't be read. */
function putUnknown(): void {
  for (let i = 0; i < 10; i++) put(0x3f)
  for (let i = 0; i < 4; i++) {
    put(SPACE)
    put(0x3f)
  }
  for (let i = 0; i < 35; i++) put(SPACE)
  put(0x3f)
  put(SPACE)
}

function putColumns(rec: usize): void {
  const mode = ownU32(rec + REC_MODE)
  const major = digitsOf(wMajor)
  const minor = digitsOf(wMinor)
  const size = max(digitsOf(wSize), wDevices ? major + 2 + minor : 1)
  putMode(mode)
  if (wMarked) put(markOf(rec))
  put(SPACE)
  putNumber(ownU32(rec + REC_NLINK), digitsOf(wNlink))
  put(SPACE)
  putNumber(shownId(ownU32(rec + REC_UID)), digitsOf(wUid))
  put(SPACE)
  putNumber(shownId(ownU32(rec + REC_GID)), digitsOf(wGid))
  put(SPACE)
  if (isDevice(mode)) {
    const rdev = ownU32(rec + REC_RDEV)
    putNumber(majorOf(rdev), size - 2 - minor)
    put(0x2c)
    put(SPACE)
    putNumber(minorOf(rdev), minor)
  } else {
    putNumber(<u64>ownF64(rec + REC_I_SIZE), size)
  }
  put(SPACE)
  putTime(<i64>ownU64(rec + REC_MTIME_LO), ownU32(rec + REC_MTIME_NSEC))
  put(SPACE)
}

/** ` -> target`; a target that can't be read becomes the record's error. */
function putTarget(rec: usize): void {
  let r = readInode(<u64>ownF64(rec + REC_NID))
  let p: usize = 0
  if (r == 0 && isLink()) {
    p = linkTarget()
    if (!p) r = lastError()
  }
  if (!p) {
    store<u16>(rec + REC_ERROR, <u16>-r)
    return
  }
  store<u32>(at, 0x203e2d20)
  copyOut(at + 4, p, linkLength)
  at += 4 + linkLength
}

/**
 * Writes the lines of the records `from`…`to`, as many as there is room for: answers the index of the next one, and
 * leaves where the lines are in the scratch record, and as its cookie how many of the records have an error.
 */
export function writeLines(from: u32, to: u32): u32 {
  at = LINES
  let errors: u32 = 0
  let i = from
  for (; i < to && at < LINES + FULL; i++) {
    const rec = RECORDS + i * REC_SIZE
    const broken = ownU16(rec + REC_ERROR) != 0
    if (broken) putUnknown()
    else putColumns(rec)
    const length = ownU16(rec + REC_NAME_LEN)
    copyOut(at, <usize>ownU32(rec + REC_NAME), length)
    at += length
    if (!broken && (ownU32(rec + REC_MODE) & S_IFMT) == S_IFLNK) putTarget(rec)
    put(0x0a)
    if (ownU16(rec + REC_ERROR) != 0) errors++
  }
  store<f64>(SCRATCH + SCR_COOKIE, <f64>errors)
  store<u32>(SCRATCH + SCR_DATA, <u32>LINES)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>(at - LINES))
  return i
}
