// The small compressed images of the fixtures, what they hold, and ways to spoil one.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import {
  CONSTANTS,
  INODE_COMPACT,
  INODE_EXTENDED,
  MAP_HEADER,
  SUPERBLOCK,
  XATTR_IBODY,
} from '../../src/format/structs.js'
import { fixture } from './paths.js'
import { readTruth, type TruthEntry } from './truth.js'

const SB = CONSTANTS.EROFS_SUPER_OFFSET

function unpacked(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gunzipSync(readFileSync(fixture('compressed', name))))
}

export function compressedNames(): string[] {
  return readdirSync(fixture('compressed'))
    .filter(name => name.endsWith('.erofs.gz'))
    .map(name => name.slice(0, -'.erofs.gz'.length))
    .sort()
}

export function compressedImage(name: string): Uint8Array<ArrayBuffer> {
  return unpacked(`${name}.erofs.gz`)
}

/** Further devices of that image. */
export function devicesOf(name: string): Uint8Array<ArrayBuffer>[] {
  const file = `${name}.blob.gz`
  return readdirSync(fixture('compressed')).includes(file) ? [unpacked(file)] : []
}

/** What all of them hold. */
export function compressedTruth(): TruthEntry[] {
  return readTruth(fixture('compressed', 'truth.jsonl.gz'))
}

/** Sets fields of the superblock, which has no checksum afterwards. */
export function withSuperblock(
  image: Uint8Array<ArrayBuffer>,
  change: Partial<Record<'feature_incompat' | 'available_compr_algs', (old: number) => number>>,
): Uint8Array<ArrayBuffer> {
  const bytes = image.slice()
  const view = new DataView(bytes.buffer)
  const { feature_compat, feature_incompat, available_compr_algs } = SUPERBLOCK.fields
  const compat = view.getUint32(SB + feature_compat.offset, true)
  view.setUint32(SB + feature_compat.offset, compat & ~CONSTANTS.EROFS_FEATURE_COMPAT_SB_CHKSUM, true)
  const incompat = view.getUint32(SB + feature_incompat.offset, true)
  view.setUint32(SB + feature_incompat.offset, change.feature_incompat?.(incompat) ?? incompat, true)
  const algorithms = view.getUint16(SB + available_compr_algs.offset, true)
  const next = change.available_compr_algs?.(algorithms) ?? algorithms
  view.setUint16(SB + available_compr_algs.offset, next, true)
  return bytes
}

/** The map header of a compressed inode; its offset in the image. */
function mapHeader(bytes: Uint8Array, nid: number): number {
  const view = new DataView(bytes.buffer)
  const { blkszbits, meta_blkaddr } = SUPERBLOCK.fields
  const meta = view.getUint32(SB + meta_blkaddr.offset, true) << view.getUint8(SB + blkszbits.offset)
  const at = meta + (nid << CONSTANTS.EROFS_ISLOTBITS)
  const long = view.getUint16(at, true) & CONSTANTS.EROFS_I_VERSION_MASK
  const xattrs = view.getUint16(at + INODE_COMPACT.fields.i_xattr_icount.offset, true)
  const end = at + (long ? INODE_EXTENDED.size : INODE_COMPACT.size)
  const behind = end + (xattrs === 0 ? 0 : XATTR_IBODY.size + 4 * (xattrs - 1))
  return Math.ceil(behind / MAP_HEADER.size) * MAP_HEADER.size
}

/** Changes a byte of an inode's map header. */
export function withMapHeader(
  image: Uint8Array<ArrayBuffer>,
  nid: number,
  field: 'h_algorithmtype' | 'h_clusterbits',
  value: number,
): Uint8Array<ArrayBuffer> {
  const bytes = withSuperblock(image, {})
  bytes[mapHeader(bytes, nid) + MAP_HEADER.fields[field].offset] = value
  return bytes
}
