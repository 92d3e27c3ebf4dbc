// What the bits of a mode and a device number say, in words and numbers. Not here: modes as `ls` shows them (src/cli/mode-text.ts).

import { CONSTANTS } from './structs.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character device'],
  [S_IFBLK, 'block device'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'socket'],
])

export function typeName(mode: number): string {
  return TYPES.get(mode & S_IFMT) ?? 'unknown'
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
