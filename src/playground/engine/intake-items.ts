// What comes in: entries of a folder or an archive, with their bytes where they lie, and the limits that hold for all of them. Not
// here: where they come from, what becomes of them.

import { CONSTANTS } from '../../format/structs.js'
import { PlainError } from './plain-words.js'

/** Bytes of an entry that may still have to be unpacked. */
export interface Body {
  readonly size: number
  blob(): Promise<Blob>
}

export type ItemType = 'file' | 'dir' | 'symlink' | 'link' | 'chr' | 'blk' | 'fifo'

export interface Time {
  readonly seconds: number
  readonly nsec: number
}

/** One entry of a folder or archive. */
export interface Item {
  /** Names with a slash between; '' is the root. */
  readonly path: string
  readonly type: ItemType
  readonly body?: Body
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: Time
  /** Of a symlink; of a hard link the path of what it is another name of. */
  readonly target?: string
  readonly major?: number
  readonly minor?: number
  readonly xattrs?: Readonly<Record<string, Uint8Array>>
}

const { PATH_MAX } = CONSTANTS
/** Entries of one folder or archive. */
export const ITEMS_MAX = 1_000_000
/** Bytes that an archive may unpack to. */
export const UNPACKED_MAX = 16 * 2 ** 30
/** From so many bytes on, what unpacks to more than a thousand times its size is refused. */
const BOMB_FROM = 2 ** 28
const BOMB_RATIO = 1000

export function fileBody(file: Blob): Body {
  return { size: file.size, blob: async () => file }
}

/** Throws for what is too many. */
export function checkCount(count: number, name: string): void {
  if (count > ITEMS_MAX)
    throw new PlainError('EFBIG', `${name} has more than ${ITEMS_MAX.toLocaleString('en')} entries. Take a part of it.`)
}

/** Throws for an archive that unpacks to absurdly much. */
export function checkUnpacked(unpacked: number, packed: number, name: string): void {
  if (unpacked <= UNPACKED_MAX && (unpacked < BOMB_FROM || unpacked <= packed * BOMB_RATIO)) return
  throw new PlainError(
    'EFBIG',
    `${name} claims to unpack to ${Math.round(unpacked / 2 ** 20).toLocaleString('en')} MiB, which is more than is opened here. ` +
      'Unpack it yourself if you trust it, and open the folder.',
  )
}

/** The canonical form of an entry's path. Throws for one that leads out of what it is in, or that no system could unpack. */
export function itemPath(raw: string, archive: string): string {
  if (raw.length >= PATH_MAX)
    throw new PlainError(
      'ENAMETOOLONG',
      `${archive} has an entry whose path has ${raw.length} characters. Take a part of it.`,
    )
  const names = raw.split('/').filter(name => name !== '' && name !== '.')
  if (names.includes('..') || raw.includes('\0')) {
    throw new PlainError(
      'EINVAL',
      `${archive} has an entry that leads out of it (“..” in its name), and is not opened. Get it from a source you trust.`,
    )
  }
  return names.join('/')
}
