// Modes as `ls` and `stat` show them. Not here: whole lines of a listing (wasm/long-lines.ts).

import { CONSTANTS } from '../format/structs.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS
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
