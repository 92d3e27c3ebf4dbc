// What an image has that is not read, in words: what stands behind an ENOTSUP of the core. Not here: what is corrupt
// (errorDetail of pool.ts).

import { Z_EROFS_ADVISE_EXTENTS } from '../src/format/compressed-structs.js'
import {
  COMPOSEFS_HEADER,
  CONSTANTS,
  ERROR_WHERE,
  type Field,
  INODE_COMPACT,
  INODE_EXTENDED,
  MAP_HEADER,
  SCRATCH,
  SUPERBLOCK,
  XATTR_IBODY,
} from '../src/format/structs.js'
import type { Core, CoreExports } from './core.js'

/** An image that the core was asked about. */
interface Asked {
  readonly core: Core
  readonly exports: CoreExports
  readonly handle: number
}

/** By Z_EROFS_COMPRESSION_*; there are no others (Z_EROFS_COMPRESSION_MAX). */
const ALGORITHMS = ['LZ4', 'MicroLZMA', 'DEFLATE', 'Zstandard']
/** The way out where the core that decodes is not here. */
const LOAD = 'await loadDecoders() before it is opened'
const LAYOUT_MASK = 7
/** Bits of an index that say how large clusters are; no form of one knows those of more. */
const CLUSTER_BITS = 15

const SB = CONSTANTS.EROFS_SUPER_OFFSET

/** Which structure was wrong at the last negative answer, and where in the image. */
export function errorAt(core: Core): { where: string; offset: number } {
  const where = ERROR_WHERE[core.u32[(core.scratch + SCRATCH.fields.error_where.offset) >>> 2]] ?? 'image'
  return { where, offset: core.f64[(core.scratch + SCRATCH.fields.error_offset.offset) >>> 3] }
}

/** Bytes of the image, or of its metabox, as the core sees them; undefined where they are not there. */
function bytesAt({ core, exports, handle }: Asked, offset: number, length: number): DataView | undefined {
  if (exports.peek(handle, offset, length) !== 0) return undefined
  const at = core.u32[(core.scratch + SCRATCH.fields.data.offset) >>> 2]
  return at === 0 ? undefined : new DataView(core.u8.buffer, at, length)
}

function algorithmName(algorithm: number): string {
  return ALGORITHMS[algorithm] ?? `algorithm ${algorithm}, which is not read`
}

/** What a map header has beyond what is known. */
function beyond(header: DataView): string {
  const algorithms = header.getUint8(MAP_HEADER.fields.h_algorithmtype.offset)
  const unknown = [algorithms & 15, algorithms >> 4].find(one => one >= ALGORITHMS.length)
  if (unknown !== undefined) return `compressed by ${algorithmName(unknown)}`
  const bits = header.getUint8(MAP_HEADER.fields.h_clusterbits.offset) & CLUSTER_BITS
  return `compressed in clusters of 2^${bits} blocks, or by an algorithm that is not read`
}

/** What the small core says of a compressed inode, by the inode and the map header behind it. */
function wantsDecoder(image: Asked, inode: number): string | undefined {
  const head = bytesAt(image, inode, INODE_COMPACT.size)
  if (head === undefined) return undefined
  const format = head.getUint16(INODE_COMPACT.fields.i_format.offset, true)
  const layout = (format >> CONSTANTS.EROFS_I_DATALAYOUT_SHIFT) & LAYOUT_MASK
  const { EROFS_INODE_COMPRESSED_FULL, EROFS_INODE_COMPRESSED_COMPACT } = CONSTANTS
  if (layout !== EROFS_INODE_COMPRESSED_FULL && layout !== EROFS_INODE_COMPRESSED_COMPACT) return undefined
  const xattrs = head.getUint16(INODE_COMPACT.fields.i_xattr_icount.offset, true)
  const size = format & 1 ? INODE_EXTENDED.size : INODE_COMPACT.size
  const end = inode + size + (xattrs === 0 ? 0 : XATTR_IBODY.size + 4 * (xattrs - 1))
  const header = bytesAt(image, Math.ceil(end / MAP_HEADER.size) * MAP_HEADER.size, MAP_HEADER.size)
  const advise = header?.getUint16(MAP_HEADER.fields.h_advise.offset, true) ?? 0
  // Of a fragment, and where there are records of extents, the header does not say which algorithm.
  const fragment = header !== undefined && header.getUint8(MAP_HEADER.size - 1) >> 7 !== 0
  const records = layout === EROFS_INODE_COMPRESSED_FULL && (advise & Z_EROFS_ADVISE_EXTENTS) !== 0
  if (header === undefined || fragment || records) return `compressed: ${LOAD}`
  const algorithm = header.getUint8(MAP_HEADER.fields.h_algorithmtype.offset) & 15
  return `compressed by ${algorithmName(algorithm)}: ${LOAD}`
}

/** Why the core's last answer about an inode of an image was ENOTSUP, if that is known. What it noted is gone then. */
export function notRead(image: Asked): string | undefined {
  const { where, offset } = errorAt(image.core)
  if (where === 'compression index') {
    const header = bytesAt(image, offset, MAP_HEADER.size)
    return header === undefined ? undefined : beyond(header)
  }
  return where === 'data' ? wantsDecoder(image, offset) : undefined
}

/** Why an image that begins so could not be opened, if that is known; `decodes` says whether the core was one that does. */
export function notOpened(core: Core, head: Uint8Array, decodes: boolean): string | undefined {
  const { where, offset } = errorAt(core)
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  const at = (field: Field) => where === 'superblock' && offset === SB + field.offset
  const { feature_incompat, extra_devices } = SUPERBLOCK.fields
  if (where === 'superblock' && offset === COMPOSEFS_HEADER.fields.version.offset) {
    return `version ${view.getUint32(offset, true)} of the composefs header is not read`
  }
  if (at(feature_incompat)) {
    const unknown = view.getUint32(offset, true) & ~CONSTANTS.EROFS_ALL_FEATURE_INCOMPAT
    if (unknown !== 0) return `feature_incompat has 0x${(unknown >>> 0).toString(16)}, which is not read`
    if (!decodes) return `it has a metabox: ${LOAD}`
  }
  if (at(extra_devices) && !decodes) return `it has further devices: ${LOAD}`
  return undefined
}
