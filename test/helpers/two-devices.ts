// An EROFS image whose one file lies on a further device, put together by hand, so that a clone alone has one. Not here: those
// that mkfs.erofs makes (erofs-images.ts, the shared vectors).
import { CHUNK_INDEX, CONSTANTS, DEVICE_SLOT, INODE_COMPACT, SUPERBLOCK } from '../../src/format/structs.js'
import { putField } from './cfs-v1-encoder.js'
import { RawErofs } from './raw-erofs.js'

const BITS = 12
const BLOCK = 1 << BITS
const BLOCKS = 3
/** Behind the superblock, in slots. */
const TABLE = 16
const REGULAR = 1
const DIRECTORY = 2
const { EROFS_SUPER_OFFSET, S_IFREG } = CONSTANTS

export interface TwoDevices {
  readonly image: Uint8Array
  readonly blob: Uint8Array
  /** Of /file. */
  readonly content: Uint8Array
}

/** The two blocks of /file are on the further device, the second one first. */
export function twoDevices(): TwoDevices {
  const raw = new RawErofs(BLOCKS, BITS, BLOCK >>> CONSTANTS.EROFS_ISLOTBITS)
  const { bytes } = raw
  const { blocks_lo, feature_incompat, extra_devices, devt_slotoff } = SUPERBLOCK.fields
  const { EROFS_FEATURE_INCOMPAT_CHUNKED_FILE: chunked, EROFS_FEATURE_INCOMPAT_DEVICE_TABLE: table } = CONSTANTS
  putField(bytes, EROFS_SUPER_OFFSET, blocks_lo, BLOCKS)
  putField(bytes, EROFS_SUPER_OFFSET, feature_incompat, chunked | table)
  putField(bytes, EROFS_SUPER_OFFSET, extra_devices, 1)
  putField(bytes, EROFS_SUPER_OFFSET, devt_slotoff, TABLE)
  putField(bytes, TABLE * DEVICE_SLOT.size, DEVICE_SLOT.fields.blocks_lo, 2)
  putField(bytes, TABLE * DEVICE_SLOT.size, DEVICE_SLOT.fields.uniaddr_lo, BLOCKS)
  const [root, file] = [raw.nidAt(1), raw.nidAt(2)]
  raw.directory(root, [
    ['.', root, DIRECTORY],
    ['..', root, DIRECTORY],
    ['file', file, REGULAR],
  ])
  raw.inode(file, { mode: S_IFREG | 0o644, size: 2 * BLOCK, chunks: [] })
  putField(bytes, 2 * BLOCK, INODE_COMPACT.fields.i_u, CONSTANTS.EROFS_CHUNK_FORMAT_INDEXES)
  for (const [i, block] of [1, 0].entries()) {
    const at = 2 * BLOCK + INODE_COMPACT.size + i * CHUNK_INDEX.size
    putField(bytes, at, CHUNK_INDEX.fields.device_id, 1)
    putField(bytes, at, CHUNK_INDEX.fields.startblk_lo, block)
  }
  const blob = Uint8Array.from({ length: 2 * BLOCK }, (_, i) => (i * 7 + (i >>> 8)) & 0xff)
  const content = new Uint8Array([...blob.subarray(BLOCK), ...blob.subarray(0, BLOCK)])
  return { image: bytes, blob, content }
}
