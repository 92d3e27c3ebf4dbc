// Extended headers of a pax archive: what a tar header has no room or no form for. Not here: tar's own headers and framing, which
// are a library's (layer-tar.ts). Follows "pax Extended Header" of POSIX pax, and star's names for xattrs.
//
//   LENGTH " " KEYWORD "=" VALUE "\n"     LENGTH in decimal counts the whole record, itself too

import { binaryBytes, binaryString } from '../format/xattr-name.js'

/** Values are bytes, as text with a character a byte: paths and xattrs need not be UTF-8. */
export type PaxRecords = ReadonlyMap<string, string>

function record(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return length + rest
}

export function paxBytes(records: PaxRecords): Uint8Array {
  return binaryBytes(Array.from(records, ([keyword, value]) => record(keyword, value)).join(''))
}

/** Seconds as pax has them; nanoseconds are 0 … 999,999,999, also before 1970. */
export function paxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec)
  const digits = (of: number) => String(of).padStart(9, '0').replace(/0+$/, '')
  if (sec >= 0) return `${sec}.${digits(nsec)}`
  return `-${-sec - 1}.${digits(1_000_000_000 - nsec)}`
}

/** The records of extended attributes; a name with `=` can't be told from its value, and is left out. */
export function xattrRecords(xattrs: Iterable<readonly [string, Uint8Array]>): [string, string][] {
  const records: [string, string][] = []
  for (const [name, value] of xattrs) {
    if (!name.includes('=')) records.push([`SCHILY.xattr.${name}`, binaryString(value)])
  }
  return records
}
