// What the build core (asm/build) and its loader agree on: the columns of a tree, the record of a failure, and the words
// that both number. The build writes it out as constants for asm/build (asm/build/layout.ts), so that no one writes a bare
// offset. Not here: what columns mean (src/tree/tree-columns.ts), how reasons read (src/tree/reasons.ts).

/** Columns with a row a node. Wide ones first: a column begins at capacity times the widths before it, and is aligned. */
export const COLUMNS = {
  mode: 'u32',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  rdev: 'u32',
  sizeLow: 'u32',
  sizeHigh: 'u32',
  mtimeLow: 'u32',
  mtimeHigh: 'i32',
  mtimeNsec: 'u32',
  nameAt: 'i32',
  parent: 'i32',
  xattrStart: 'i32',
  /** From here to the next narrower one, a new row has -1, elsewhere 0. */
  firstChild: 'i32',
  lastChild: 'i32',
  nextSibling: 'i32',
  payloadAt: 'i32',
  contentAt: 'i32',
  digestAt: 'i32',
  link: 'i32',
  payloadLength: 'u16',
  contentLength: 'u16',
  xattrCount: 'u16',
  nameLength: 'u8',
  /** Whether children were added out of order; the core's own. */
  unsorted: 'u8',
} as const

/** Columns of ctime, which most trees do not have. */
export const CTIME_COLUMNS = { low: 'u32', high: 'i32', nsec: 'u32' } as const

/** Columns of distinct xattr keys, and of distinct keys with values. */
export const KEY_COLUMNS = { keyAt: 'i32', keyLength: 'u8' } as const
export const PAIR_COLUMNS = { pairKey: 'i32', valueAt: 'i32', valueLength: 'u16' } as const

export type ColumnType = 'u32' | 'i32' | 'u16' | 'u8'
export const COLUMN_BYTES: Readonly<Record<ColumnType, number>> = { u32: 4, i32: 4, u16: 2, u8: 1 }

/** Rows are added in multiples of these. */
export const ROW_UNIT = 16

/** Fields of a dump's line, in the dump format's own words. */
export const DUMP_FIELDS = [
  '',
  'PATH',
  'SIZE',
  'MODE',
  'NLINK',
  'UID',
  'GID',
  'RDEV',
  'MTIME',
  'PAYLOAD',
  'CONTENT',
  'DIGEST',
  'XATTR',
] as const

/** Why something was refused. `a` and `b` of the record are the numbers in the words. */
export const REASONS = [
  'MEMORY',
  'ARENA_FULL',
  'SECOND_ROOT',
  'ROOT_NO_DIRECTORY',
  'NO_ROOT',
  'NAME_EMPTY',
  'NAME_LONG',
  'NAME_DOTS',
  'NAME_EXISTS',
  'NO_TYPE',
  'PARENT_NO_DIRECTORY',
  'PAYLOAD_LONG',
  'TARGET_MISSING',
  'CONTENT_LONG',
  'LINK_OF_DIRECTORY',
  'LINK_TO_DIRECTORY',
  'LINK_LOOP',
  'KEY_EMPTY',
  'KEY_LONG',
  'VALUE_LONG',
  'XATTRS_LONG',
  'NUL_BYTE',
  'DUMP_EMPTY',
  'NO_NEWLINE',
  'PATH_EMPTY',
  'PARENT_MISSING',
  'BAD_ESCAPE',
  'BAD_HEX_ESCAPE',
  'BAD_INTEGER',
  'NO_DOT',
  'RDEV_SET',
  'LINK_SIZE',
  'CONTENT_SIZE',
  'LINK_CONTENT',
  'FILE_TOO_LARGE',
  'BAD_DIGEST',
  'XATTR_AREA_LONG',
  'NO_EQUALS',
  'LINK_TARGET_EMPTY',
  'LINK_TARGET_MISSING',
  'NO_TREE',
  'NO_MARK_ROOM',
  'XATTRS_MANY',
  'INODES_MANY',
  'TREE_CHANGED',
] as const
export type Reason = (typeof REASONS)[number]

/** The record of the last failure, at the address that the core exports as `failure`: 32-bit words, then doubles. */
export const FAILURE = {
  reason: 0,
  /** Number of the line, from 1; 0 where there is none. */
  line: 4,
  field: 8,
  /** Node; -1 where there is none. */
  node: 12,
  a: 16,
  b: 24,
} as const
export const FAILURE_SIZE = 32

/** errno numbers that the core answers with, beside those of structs.ts. */
const ERRNOS = { ENOMEM: 12, EEXIST: 17, EFBIG: 27, ESTALE: 116 } as const

/** Limits of libcomposefs (spec composefs-image.md section 1). */
export const LIMITS = {
  /** Longest payload in bytes, a symlink's target included. */
  PAYLOAD_MAX: 4095,
  /** Longest content in bytes that an image holds itself. */
  CONTENT_MAX: 5000,
  /** Bytes of a fs-verity SHA-256 digest. */
  DIGEST_SIZE: 32,
  XATTR_KEY_MAX: 255,
  XATTR_VALUE_MAX: 65535,
  /** Longest part of a dump's line that is xattrs, as it is written. */
  XATTR_AREA_MAX: 65535,
  /** Most that the attributes of one node may take, as the costs below count; more when an image is read. */
  XATTR_SPACE_MAX: 32767,
  /** What one attribute takes beyond its key and value, and the first one of a node more. */
  XATTR_ENTRY_COST: 7,
  XATTR_FIRST_COST: 12,
  /** Positions in the byte string of a tree are 31-bit. */
  ARENA_MAX: 0x7fffffff,
} as const

/** What a table of columns comes to, per row. */
export function rowBytes(columns: Readonly<Record<string, ColumnType>>): number {
  return Object.values(columns).reduce((sum, type) => sum + COLUMN_BYTES[type], 0)
}

function upper(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

/** Everything above as name and value, for the build to write asm/build/layout.ts. */
export function buildConstants(): [string, number][] {
  const out: [string, number][] = []
  const tables = { COL: COLUMNS, CT: CTIME_COLUMNS, KEY: KEY_COLUMNS, PAIR: PAIR_COLUMNS }
  for (const [prefix, columns] of Object.entries(tables)) {
    let at = 0
    for (const [name, type] of Object.entries(columns)) {
      out.push([`${prefix}_${upper(name)}`, at])
      at += COLUMN_BYTES[type]
    }
    out.push([`${prefix}_ROW`, at])
  }
  DUMP_FIELDS.forEach((name, i) => {
    out.push([`IN_${name === '' ? 'NONE' : name}`, i])
  })
  REASONS.forEach((name, i) => {
    out.push([`NO_${name}`, i])
  })
  for (const [name, offset] of Object.entries(FAILURE)) out.push([`FAIL_${name.toUpperCase()}`, offset])
  out.push(['FAIL_SIZE', FAILURE_SIZE], ['ROW_UNIT', ROW_UNIT], ...Object.entries(LIMITS), ...Object.entries(ERRNOS))
  return out
}
