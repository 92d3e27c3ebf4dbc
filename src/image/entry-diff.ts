// What differs between an entry of one image and the entry of the same path in another. A directory's size and number of
// links only follow from what is in it, and a symlink's size from its target, so they are left out.

import type { Span } from '../format/dump-text.js'
import { writeEscaped } from '../format/dump-text.js'
import { isDevice, majorOf, minorOf, typeName } from '../format/file-type.js'
import type { Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { CONSTANTS } from '../format/structs.js'
import { TextBuffer } from '../format/text-buffer.js'
import { verityDigest } from '../format/verity.js'
import { binaryString } from '../format/xattr-name.js'
import type { TreeEntries } from './tree-entries.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = CONSTANTS
const PERMISSIONS = 0o7777
const ABSENT = 'none'

/** One thing that differs, in words. */
export interface EntryChange {
  readonly what: string
  readonly from: string
  readonly to: string
}

function spanText({ bytes, from, to }: Span): string {
  if (from < 0) return ABSENT
  const text = new TextBuffer(64)
  writeEscaped(text, bytes, from, to)
  return binaryString(text.content())
}

function octal(mode: number): string {
  return (mode & PERMISSIONS).toString(8).padStart(4, '0')
}

function time({ mtimeHigh, mtimeLow, mtimeNsec }: TreeEntries): string {
  return `${(BigInt(mtimeHigh) << 32n) | BigInt(mtimeLow)}.${String(mtimeNsec).padStart(9, '0')}`
}

function sameSpan(a: Span, b: Span): boolean {
  const length = a.to - a.from
  if (a.from < 0 || b.from < 0 || length !== b.to - b.from) return a.from < 0 && b.from < 0
  for (let i = 0; i < length; i++) if (a.bytes[a.from + i] !== b.bytes[b.from + i]) return false
  return true
}

/** Which bytes a regular file has: by digest where the image gives one or holds them, else by the object's name. */
export function contentName({ size, content, digest, payload }: TreeEntries, sha256: Sha256): string {
  if (size === 0) return 'empty'
  if (digest.from >= 0) return toHex(digest.bytes.subarray(digest.from, digest.to))
  if (content.from >= 0) return toHex(verityDigest(content.bytes.subarray(content.from, content.to), sha256))
  return spanText(payload)
}

function sameContent(a: TreeEntries, b: TreeEntries, sha256: Sha256): boolean {
  if (a.content.from >= 0 && b.content.from >= 0) return sameSpan(a.content, b.content)
  if (a.digest.from >= 0 && b.digest.from >= 0) return sameSpan(a.digest, b.digest)
  return contentName(a, sha256) === contentName(b, sha256)
}

/** Names and values, escaped. */
function xattrs({ xattrs: list, xattrCount }: TreeEntries): Map<string, string> {
  const found = new Map<string, string>()
  for (let i = 0; i < xattrCount; i++) {
    const { prefix, name, value } = list[i]
    const rest = spanText(name)
    found.set(binaryString(prefix) + rest, spanText(value))
  }
  return found
}

function xattrChanges(a: TreeEntries, b: TreeEntries, add: (what: string, from: string, to: string) => void): void {
  if (a.xattrCount === 0 && b.xattrCount === 0) return
  const [before, after] = [xattrs(a), xattrs(b)]
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    add(`xattr ${name}`, quoted(before.get(name)), quoted(after.get(name)))
  }
}

function quoted(value: string | undefined): string {
  return value === undefined ? ABSENT : `"${value}"`
}

/** What has changed from `a` to `b`; nothing where they are the same. */
export function entryChanges(a: TreeEntries, b: TreeEntries, sha256: Sha256): EntryChange[] {
  const changes: EntryChange[] = []
  const add = (what: string, from: string, to: string) => {
    if (from !== to) changes.push({ what, from, to })
  }
  if (a.hardLink || b.hardLink) {
    add('hard link to', a.hardLink ? spanText(a.payload) : ABSENT, b.hardLink ? spanText(b.payload) : ABSENT)
    if (a.hardLink && b.hardLink) return changes
  }
  const type = b.mode & S_IFMT
  add('type', typeName(a.mode), typeName(b.mode))
  const sameType = changes.every(({ what }) => what !== 'type')
  if (a.mode !== b.mode) add('mode', octal(a.mode), octal(b.mode))
  if (a.uid !== b.uid) add('uid', String(a.uid), String(b.uid))
  if (a.gid !== b.gid) add('gid', String(a.gid), String(b.gid))
  if (a.mtimeLow !== b.mtimeLow || a.mtimeHigh !== b.mtimeHigh || a.mtimeNsec !== b.mtimeNsec) {
    add('mtime', time(a), time(b))
  }
  if (sameType) {
    if (type !== S_IFDIR && a.nlink !== b.nlink) add('nlink', String(a.nlink), String(b.nlink))
    if (type === S_IFLNK && !sameSpan(a.payload, b.payload)) add('target', spanText(a.payload), spanText(b.payload))
    if (type === S_IFREG && a.size !== b.size) add('size', String(a.size), String(b.size))
    if (type === S_IFREG && !sameContent(a, b, sha256)) {
      add('content', contentName(a, sha256), contentName(b, sha256))
    }
    if (isDevice(b.mode) && a.rdev !== b.rdev) {
      add('device', `${majorOf(a.rdev)}:${minorOf(a.rdev)}`, `${majorOf(b.rdev)}:${minorOf(b.rdev)}`)
    }
  }
  xattrChanges(a, b, add)
  return changes
}
