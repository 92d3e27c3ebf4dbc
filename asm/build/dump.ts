// The tree from composefs dump text, as mkcomposefs --from-file reads it (spec composefs-dump.md sections 1 to 3.1). The
// text is unescaped where it lies and is the tree's own byte string, so names and payloads are never copied. A line makes
// just one node, line N node N - 1: so an error of a later step still finds its line.
//
// Stricter than libcomposefs where that one is only careless: a malformed GID or RDEV is an error with any UID, a hard link
// may not name a directory, an external file needs a whole digest or none.

import { chunkCount } from './chunks'
import { arena, count, i32Of, NONE, reserveRows, set32, setSize, sizeOf, takeArena } from './columns'
import { keepLink, resolveLinks } from './dump-links'
import { place } from './dump-place'
import { readXattrs } from './dump-xattrs'
import { atField } from './failure'
import {
  absent,
  at,
  beginLine,
  from,
  here,
  hexField,
  line,
  lineEnd,
  NEWLINE,
  skipField,
  stringField,
  textField,
  to,
  wrong,
} from './fields'
import { hexInPlace, isHex } from './hex'
import { integerField, modeField, secondsField, value } from './integers'
import {
  COL_CONTENT_AT,
  COL_GID,
  COL_MTIME_HIGH,
  COL_MTIME_LOW,
  COL_MTIME_NSEC,
  COL_NLINK,
  COL_RDEV,
  COL_UID,
  CONTENT_MAX,
  DIGEST_SIZE,
  EFBIG,
  EINVAL,
  IN_CONTENT,
  IN_DIGEST,
  IN_GID,
  IN_MODE,
  IN_MTIME,
  IN_NLINK,
  IN_PATH,
  IN_PAYLOAD,
  IN_RDEV,
  IN_SIZE,
  IN_UID,
  IN_XATTR,
  NO_BAD_DIGEST,
  NO_BAD_INTEGER,
  NO_CONTENT_LONG,
  NO_CONTENT_SIZE,
  NO_DUMP_EMPTY,
  NO_FILE_TOO_LARGE,
  NO_LINK_CONTENT,
  NO_LINK_OF_DIRECTORY,
  NO_LINK_SIZE,
  NO_NO_NEWLINE,
  NO_NO_TYPE,
  NO_NUL_BYTE,
  NO_PATH_EMPTY,
  NO_PAYLOAD_LONG,
  NO_RDEV_SET,
  NO_TARGET_MISSING,
  PAYLOAD_MAX,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './layout'
import { eight, exactZeroes, put8, u64At, u8At } from './raw'
import { fail } from './failure'
import { isFileType, setContent, setDigest, setPayload } from './tree'

const NEWLINES = eight(0x0a)
const SKIPPED_OF_LINK = 5

/** Bytes whose lines are counted, to see how many there will be. */
const SAMPLE: u32 = 1 << 20

let strict: bool = false

/** About how many lines there are; no line that is one is shorter than 16 bytes. */
function estimateLines(length: u32): u32 {
  const sampled = min(length, SAMPLE) & ~7
  if (sampled == 0) return 1
  let newlines: u32 = 0
  for (let i: u32 = 0; i < sampled; i += 8) newlines += <u32>popcnt(exactZeroes(u64At(arena + i) ^ NEWLINES))
  const lines = <u32>(((<u64>newlines + (newlines >> 5)) * length) / sampled)
  return min(lines, length >> 4) + 1
}

/**
 * Reads the `length` bytes that the byte string begins with, behind which there is room; they are text up to the first NUL,
 * at `textLength`. 0 or -errno.
 */
export function parseDump(length: u32, textLength: u32, isStrict: bool): i32 {
  const end = arena + length
  const firstNul = arena + textLength
  takeArena(length)
  strict = isStrict
  const unterminated = length > 0 && u8At(end - 1) != NEWLINE
  put8(end, NEWLINE)
  let r = reserveRows(estimateLines(length))
  let p = arena
  let number: u32 = 0
  for (; p < firstNul && r == 0; p = lineEnd(at) + 1) {
    beginLine(p, ++number)
    r = entry()
  }
  if (r < 0) return r
  if (firstNul < end) {
    const inLast = p > firstNul
    return atField(fail(EINVAL, NO_NUL_BYTE), inLast ? number : number + 1, IN_PATH, NONE)
  }
  if (count == 0) return atField(fail(EINVAL, NO_DUMP_EMPTY), 1, IN_PATH, NONE)
  if (unterminated && strict) return wrong(IN_XATTR, NO_NO_NEWLINE)
  return resolveLinks()
}

/** One line. */
function entry(): i32 {
  let r = stringField(IN_PATH)
  if (r < 0) return r
  const pathFrom = from
  const pathTo = to
  if (pathTo == pathFrom) return wrong(IN_PATH, NO_PATH_EMPTY)
  // Which fields there are depends on the mode behind the size.
  const badSize = integerField(IN_SIZE) < 0
  if (badSize) skipField()
  const size = value
  const hardLink = modeField(IN_MODE)
  if (hardLink < 0) return hardLink
  const mode = <u32>value
  if (!isFileType(mode)) return wrong(IN_MODE, NO_NO_TYPE, mode)
  const node = place(pathFrom, pathTo, mode)
  if (node < 0) return node
  if (hardLink == 1) return linkEntry(node, mode)
  if (badSize) return wrong(IN_SIZE, NO_BAD_INTEGER)
  setSize(node, size)
  const type = mode & S_IFMT
  r = numbers(node, type)
  if (r == 0) r = payload(node, type, size)
  if (r == 0) r = content(node, type, size)
  if (r == 0) r = digest(node, type)
  return r == 0 ? readXattrs(node) : r
}

function numbers(node: i32, type: u32): i32 {
  let r = integerField(IN_NLINK)
  if (r < 0) return r
  set32(COL_NLINK, node, <u32>value)
  r = integerField(IN_UID)
  if (r < 0) return r
  set32(COL_UID, node, <u32>value)
  r = integerField(IN_GID)
  if (r < 0) return r
  set32(COL_GID, node, <u32>value)
  r = integerField(IN_RDEV)
  if (r < 0) return r
  if (type == S_IFCHR || type == S_IFBLK) set32(COL_RDEV, node, <u32>value)
  else if (strict && value != 0) return wrong(IN_RDEV, NO_RDEV_SET)
  r = secondsField(IN_MTIME)
  if (r < 0) return r
  set32(COL_MTIME_LOW, node, <u32>value)
  set32(COL_MTIME_HIGH, node, <u32>(value >> 32))
  r = integerField(IN_MTIME)
  if (r < 0) return r
  set32(COL_MTIME_NSEC, node, <u32>value)
  return 0
}

function linkEntry(node: i32, mode: u32): i32 {
  if ((mode & S_IFMT) == S_IFDIR) return wrong(IN_MODE, NO_LINK_OF_DIRECTORY)
  for (let i = 0; i < SKIPPED_OF_LINK; i++) skipField()
  const r = stringField(IN_PAYLOAD)
  return r < 0 ? r : keepLink(node, absent ? 0 : from, to)
}

function payload(node: i32, type: u32, size: u64): i32 {
  const r = stringField(IN_PAYLOAD)
  if (r < 0) return r
  const length = <u32>(to - from)
  const symlink = type == S_IFLNK
  if (symlink && (absent || length == 0)) return wrong(IN_PAYLOAD, NO_TARGET_MISSING)
  if (absent) return 0
  if (length > PAYLOAD_MAX) return wrong(IN_PAYLOAD, NO_PAYLOAD_LONG, length, PAYLOAD_MAX)
  if (symlink && strict && size != <u64>length) return wrong(IN_SIZE, NO_LINK_SIZE, <f64>size, length)
  return setPayload(node, from, length)
}

function content(node: i32, type: u32, size: u64): i32 {
  const r = textField(IN_CONTENT)
  if (r < 0) return r
  if (absent) return 0
  const length = <u32>(to - from)
  if (<u64>length != size) return wrong(IN_CONTENT, NO_CONTENT_SIZE, length)
  if (type == S_IFLNK) return strict && length > 0 ? wrong(IN_CONTENT, NO_LINK_CONTENT) : 0
  if (length > CONTENT_MAX) return wrong(IN_CONTENT, NO_CONTENT_LONG, length, CONTENT_MAX)
  return setContent(node, from, length)
}

function digest(node: i32, type: u32): i32 {
  const size = sizeOf(node)
  const external = type == S_IFREG && size != 0 && i32Of(COL_CONTENT_AT, node) == NONE
  if (external && chunkCount(size) < 0) return here(fail(EFBIG, NO_FILE_TOO_LARGE), IN_SIZE)
  if (hexField(DIGEST_SIZE)) {
    setDigest(node, from)
    return 0
  }
  const r = stringField(IN_DIGEST)
  if (r < 0 || absent) return r
  // Its digits may have been escaped, and what follows 64 of them does not count.
  if (<u32>(to - from) >= 2 * DIGEST_SIZE && isHex(from, DIGEST_SIZE)) {
    hexInPlace(from, DIGEST_SIZE)
    setDigest(node, from)
  } else if (external) return wrong(IN_DIGEST, NO_BAD_DIGEST)
  return 0
}
