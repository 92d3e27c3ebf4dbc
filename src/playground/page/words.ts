// Numbers, modes, times and types in words. Not here: failures (engine/plain-words.ts).

import { METABOX_FROM } from '../inspection.js'
import type { Badge, EntryType } from '../protocol.js'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

export function bytesText(bytes: number): string {
  if (!(bytes >= 1024)) return `${bytes} B`
  const unit = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1)
  const value = bytes / 1024 ** unit
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ${UNITS[unit]}`
}

/** A byte of the image, or of its metabox. */
export function placeText(offset: number): string {
  return offset >= METABOX_FROM
    ? `0x${(offset - METABOX_FROM).toString(16)} of the metabox`
    : `0x${offset.toString(16)}`
}

export function countText(count: number): string {
  return count.toLocaleString('en')
}

/** Seconds since 1970, in UTC. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const TYPE_LETTERS: Readonly<Record<EntryType, string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  chr: 'c',
  blk: 'b',
  fifo: 'p',
  sock: 's',
  unknown: '?',
}

/** As ls shows it: drwxr-xr-x. */
export function modeText(type: EntryType, mode: number): string {
  const bit = (mask: number, letter: string) => ((mode & mask) !== 0 ? letter : '-')
  const special = (mask: number, x: number, letter: string) =>
    (mode & mask) === 0 ? bit(x, 'x') : (mode & x) !== 0 ? letter : letter.toUpperCase()
  return [
    TYPE_LETTERS[type],
    bit(0o400, 'r'),
    bit(0o200, 'w'),
    special(0o4000, 0o100, 's'),
    bit(0o040, 'r'),
    bit(0o020, 'w'),
    special(0o2000, 0o010, 's'),
    bit(0o004, 'r'),
    bit(0o002, 'w'),
    special(0o1000, 0o001, 't'),
  ].join('')
}

export const TYPE_WORDS: Readonly<Record<EntryType, string>> = {
  file: 'file',
  dir: 'folder',
  symlink: 'symlink',
  chr: 'character device',
  blk: 'block device',
  fifo: 'FIFO',
  sock: 'socket',
  unknown: 'damaged entry',
}

export const BADGE_WORDS: Readonly<Record<Badge, string>> = {
  'hard-link': 'hard link: the file has other names',
  whiteout: 'whiteout: hides what is below it in an overlay',
  opaque: 'opaque: hides all that is in the folder below it in an overlay',
  setuid: 'setuid: runs as its owner',
  setgid: 'setgid',
  sticky: 'sticky',
  capability: 'has file capabilities',
  acl: 'has an access control list',
  added: 'added here',
  modified: 'changed here',
  broken: 'damaged: it can’t be read',
}
