// An entry's numbers as the object that every `--json` prints. Not here: xattrs and objects (stat.ts adds those).

import { linkTarget, type Records } from '../../wasm/records.js'
import { isDevice, majorOf, minorOf, typeName } from '../format/file-type.js'
import { toHex } from '../format/hex.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'

const { S_IFMT, S_IFLNK } = CONSTANTS
const PERMISSIONS = 0o7777

/** Bytes as a string; where they are not UTF-8, also as hex under `<key>Hex`. */
export function bytesJson(key: string, bytes: Uint8Array): Record<string, string> {
  try {
    return { [key]: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { [key]: new TextDecoder().decode(bytes), [`${key}Hex`]: toHex(bytes) }
  }
}

/** Seconds and nanoseconds, as `seconds.nanoseconds`: a number would not hold them. */
export function timeText(records: Records, i: number): string {
  const seconds = (BigInt(records.mtimeHigh(i)) << 32n) | BigInt(records.mtimeLow(i))
  return `${seconds}.${String(records.mtimeNsec(i)).padStart(9, '0')}`
}

export interface EntryJson {
  readonly path: string
  readonly type: string
  readonly mode: string
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: string
  readonly nid: number
}

/** undefined when a symlink's target can't be read. */
export function entryJson(image: Image, records: Records, i: number, path: Uint8Array): EntryJson | undefined {
  const mode = records.mode(i)
  const rdev = records.rdev(i)
  const target = { from: 0, to: 0 }
  const isLink = (mode & S_IFMT) === S_IFLNK
  if (isLink && linkTarget(image.core, records.nid(i), target) < 0) return undefined
  const entry: EntryJson = {
    ...(bytesJson('path', path) as { path: string }),
    type: typeName(mode),
    mode: (mode & PERMISSIONS).toString(8).padStart(4, '0'),
    nlink: records.nlink(i),
    uid: records.uid(i),
    gid: records.gid(i),
    size: records.size(i),
    mtime: timeText(records, i),
    nid: records.nid(i),
    ...(isDevice(mode) ? { major: majorOf(rdev), minor: minorOf(rdev) } : {}),
    ...(isLink ? bytesJson('target', records.bytes.subarray(target.from, target.to)) : {}),
  }
  return entry
}
