// What the fields of structures mean, in words: by struct and by field, as tables. Facts are those of the project's specs of
// EROFS and of cfs v1. Not here: reading fields (structures.ts).

import { CONSTANTS } from '../format/structs.js'
import { XATTR_PREFIXES } from '../format/xattr-name.js'
import { ALGORITHMS } from './compressed-facts.js'
import type { Meanings, Values } from './structures.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

/** By the number in i_format. */
export const LAYOUT_NAMES = [
  'flat-plain',
  'compressed-full',
  'flat-inline',
  'compressed-compact',
  'chunk-based',
] as const
const TYPES: Readonly<Record<number, string>> = {
  [S_IFREG]: 'regular file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFCHR]: 'character device',
  [S_IFBLK]: 'block device',
  [S_IFIFO]: 'FIFO',
  [S_IFSOCK]: 'socket',
}
/** By EROFS_FT_*. */
const FILE_TYPES = [
  'unknown',
  'regular file',
  'directory',
  'character device',
  'block device',
  'FIFO',
  'socket',
  'symlink',
]
/** Bits of feature_compat and feature_incompat; some have two names, of which the older one is given. */
const COMPAT = ['SB_CHKSUM', 'MTIME', 'XATTR_FILTER', 'SHARED_EA_IN_METABOX', 'PLAIN_XATTR_PFX', 'ISHARE_XATTRS']
const INCOMPAT = [
  'LZ4_0PADDING',
  'COMPR_CFGS',
  'CHUNKED_FILE',
  'DEVICE_TABLE',
  'ZTAILPACKING',
  'FRAGMENTS',
  'XATTR_PREFIXES',
  '48BIT',
  'METABOX',
]

function bits(value: number, names: readonly string[]): string {
  const found = names.filter((_, bit) => Math.floor(value / 2 ** bit) % 2 === 1)
  const rest = value - (value % 2 ** names.length)
  if (rest !== 0) found.push(`unknown 0x${rest.toString(16)}`)
  return found.length === 0 ? 'none' : found.join(', ')
}

function magic(wanted: number): (value: number) => string {
  return value => `0x${value.toString(16).padStart(8, '0')}${value === wanted ? '' : ', which is not the right one'}`
}

const hex = (value: number): string => `0x${value.toString(16)}`
const bytes = (value: number): string => `${value} byte${value === 1 ? '' : 's'}`

/** Seconds since 1970 as a date; '' for those that no Date has. */
export function dateText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z')
}

/** 64 bits as a signed number. */
export function signed(value: number | bigint | string): number {
  return Number(BigInt.asIntN(64, BigInt(value)))
}

export function typeName(mode: number): string {
  return TYPES[mode & S_IFMT] ?? 'unknown type'
}

export function modeText(mode: number): string {
  return `${typeName(mode)}, 0${(mode & 0o7777).toString(8).padStart(3, '0')}`
}

/** Major and minor number as the kernel keeps them in an inode. */
export function deviceText(rdev: number): string {
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
  return `device ${(rdev >>> 8) & 0xfff}:${minor}`
}

/** First 8 or 16 bytes of a field that is hex digits, as text up to its first NUL. */
function hexText(value: string): string {
  let text = ''
  for (let i = 0; i < value.length && value.slice(i, i + 2) !== '00'; i += 2) {
    const code = Number.parseInt(value.slice(i, i + 2), 16)
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?'
  }
  return text
}

export const HEADER_MEANINGS: Meanings = {
  magic: magic(CONSTANTS.LCFS_EROFS_MAGIC),
  version: value => `version ${value} of this header`,
  flags: value => bits(value, ['HAS_ACL']),
  composefs_version: value => `version ${value} of the image format`,
}

/** Those of the superblock; blocks are of `blockSize` bytes. */
export function superblockMeanings(blockSize: number): Meanings {
  const block = (value: number): string => `byte ${value * blockSize}`
  return {
    magic: magic(CONSTANTS.EROFS_SUPER_MAGIC_V1),
    checksum: hex,
    feature_compat: value => bits(value, COMPAT),
    blkszbits: value => `blocks of ${bytes(2 ** value)}`,
    sb_extslots: value => `${bytes(value * CONSTANTS.EROFS_SB_EXTSLOT_SIZE)} more of superblock`,
    rootnid_2b: () => 'nid of the root directory',
    inos: value => `${value} inodes`,
    epoch: (_, all) => `${dateText(signed(all['epoch']))}, from which compact inodes count`,
    fixed_nsec: () => 'nanoseconds of compact inodes',
    blocks_lo: value => bytes(value * blockSize),
    meta_blkaddr: value => `nid 0 stands at ${block(value)}`,
    xattr_blkaddr: value => `shared xattrs count from ${block(value)}`,
    volume_name: (_, all) => hexText(String(all['volume_name'])),
    feature_incompat: value => bits(value, INCOMPAT),
    available_compr_algs: (value, all) =>
      Number(all['feature_incompat']) & CONSTANTS.EROFS_FEATURE_INCOMPAT_COMPR_CFGS
        ? bits(value, ALGORITHMS)
        : `LZ4 looks back ${bytes(value === 0 ? 65535 : value)}`,
    extra_devices: value => (value === 0 ? 'all data is in this image' : `${value} further devices`),
    xattr_prefix_count: value => `${value} long prefixes of xattr names`,
    xattr_prefix_start: value => `their table begins at byte ${value * 4}`,
    packed_nid: value => (value === 0 ? 'no packed inode' : 'nid of the packed inode'),
    xattr_filter_reserved: value => (value === 0 ? '' : 'the name filter may not be used'),
  }
}

function layoutText(format: number): string {
  const layout = (format >> CONSTANTS.EROFS_I_DATALAYOUT_SHIFT) & CONSTANTS.EROFS_I_DATALAYOUT_MASK
  return LAYOUT_NAMES[layout] ?? `layout ${layout}`
}

function isChunked(all: Values): boolean {
  return layoutText(Number(all['i_format'])) === 'chunk-based'
}

function startText(value: number, all: Values, blockSize: number): string {
  const type = Number(all['i_mode']) & S_IFMT
  if (type === S_IFCHR || type === S_IFBLK) return deviceText(value)
  if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK) return ''
  if (isChunked(all)) {
    const kind = value & CONSTANTS.EROFS_CHUNK_FORMAT_INDEXES ? 'indexes of 8 bytes' : 'block numbers of 4 bytes'
    return `chunks of ${bytes(blockSize * 2 ** (value & CONSTANTS.EROFS_CHUNK_FORMAT_BLKBITS_MASK))}, ${kind}`
  }
  const layout = layoutText(Number(all['i_format']))
  if (layout.startsWith('compressed')) return `${value} blocks of compressed data`
  const size = Number(all['i_size'])
  if (size === 0) return 'no data'
  if (layout === 'flat-inline' && size <= blockSize) return 'all data is behind the inode'
  if (value === 0xffffffff) return 'no blocks: zeros'
  return `data begins at byte ${value * blockSize}`
}

/** Those of an inode of EROFS. */
export function inodeMeanings(blockSize: number, epochSec: number, nsec: number): Meanings {
  const isExtended = (all: Values): boolean => (Number(all['i_format']) & CONSTANTS.EROFS_I_VERSION_MASK) !== 0
  const isDir = (all: Values): boolean => (Number(all['i_mode']) & S_IFMT) === S_IFDIR
  return {
    i_format: (value, all) => {
      const more = value & CONSTANTS.EROFS_I_NLINK_1_BIT ? (isDir(all) ? ', no entry `.`' : ', one link') : ''
      return `${isExtended(all) ? 'extended' : 'compact'}, ${layoutText(value)}${more}`
    },
    i_xattr_icount: value => (value === 0 ? 'no xattrs' : `${bytes(12 + 4 * (value - 1))} of xattrs`),
    i_mode: modeText,
    i_nb: (value, all) => {
      const high = isExtended(all) || (!isDir(all) && (Number(all['i_format']) & CONSTANTS.EROFS_I_NLINK_1_BIT) !== 0)
      return high ? 'upper 16 bits of the block number' : `${value} link${value === 1 ? '' : 's'}`
    },
    i_size: bytes,
    i_mtime: (value, all) =>
      isExtended(all) ? dateText(signed(all['i_mtime'])) : `${dateText(epochSec + value)}, ${nsec} ns`,
    i_u: (value, all) => startText(value, all, blockSize),
    i_ino: () => 'inode number for 32-bit programs',
  }
}

export const XATTR_HEADER_MEANINGS: Meanings = {
  h_name_filter: value => `${hex(value)}: a set bit says that no xattr has a name of that hash`,
  h_shared_count: value => `${value} shared xattr${value === 1 ? '' : 's'}`,
}

export const XATTR_ENTRY_MEANINGS: Meanings = {
  e_name_len: bytes,
  e_name_index: value => {
    if (value & CONSTANTS.EROFS_XATTR_LONG_PREFIX) return `long prefix ${value & ~CONSTANTS.EROFS_XATTR_LONG_PREFIX}`
    return value === 0 ? 'no prefix' : (XATTR_PREFIXES[value] ?? 'unknown prefix')
  },
  e_value_size: bytes,
}

export const DIRENT_MEANINGS: Meanings = {
  nameoff: value => `the name begins at byte ${value} of its block`,
  file_type: value => FILE_TYPES[value] ?? 'unknown',
}

export function blockMeaning(block: number, blockSize: number, none: number): string {
  return block === none ? 'a hole: zeros' : `byte ${block * blockSize}`
}

export const CFS_SUPERBLOCK_MEANINGS: Meanings = {
  magic: magic(CONSTANTS.CFS_V1_MAGIC),
  vdata_offset: value => `variable data begins at byte ${value}`,
}

export const CFS_INODE_MEANINGS: Meanings = {
  st_mode: modeText,
  st_rdev: (value, all) => {
    const type = Number(all['st_mode']) & S_IFMT
    return type === S_IFCHR || type === S_IFBLK ? deviceText(value) : ''
  },
  st_size: bytes,
  st_mtim_sec: (_, all) => dateText(signed(all['st_mtim_sec'])),
  st_ctim_sec: (_, all) => dateText(signed(all['st_ctim_sec'])),
}

export const CFS_DIRENT_MEANINGS: Meanings = {
  name_offset: value => `the name begins at byte ${value} of the names`,
  d_type: value => TYPES[value << 12] ?? 'unknown',
}
