// Inodes that were reached, by their slots of 32 bytes: those of the image, and those of the metabox, which come behind them. A bit
// each. Not here: where slots are (the core says).

import { peek } from '../../wasm/core-pieces.js'
import { CFS_V1_SUPERBLOCK, CONSTANTS, SUPERBLOCK } from '../format/structs.js'
import type { Image } from '../image/image.js'

const SLOT_BITS = CONSTANTS.EROFS_ISLOTBITS
/** An image says itself how large its metabox is: inodes beyond that many bytes of it are not told apart. */
const BOX_MOST = 2 ** 32

function slots(bytes: number): number {
  return Math.ceil(bytes / 2 ** SLOT_BITS)
}

/** Byte at which nid 0 stands. */
function firstByte(image: Image): number {
  if (image.format === 'cfs-v1') return CFS_V1_SUPERBLOCK.size
  const { meta_blkaddr } = SUPERBLOCK.fields
  const bytes = peek(image.core, CONSTANTS.EROFS_SUPER_OFFSET + meta_blkaddr.offset, meta_blkaddr.width)
  // It was there when the image was opened.
  if (typeof bytes === 'number') return 0
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) * image.superblock.blockSize
}

export class Slots {
  /** Inodes that were marked. */
  count = 0
  /** Slots of the image. */
  readonly #own: number
  readonly #bits: Uint8Array
  /** Slot of nid 0, and slots from one nid to the next. */
  readonly #first: number
  readonly #stride: number

  constructor(image: Image) {
    this.#own = slots(image.byteLength)
    this.#bits = new Uint8Array(Math.ceil((this.#own + slots(Math.min(image.core.boxSize, BOX_MOST))) / 8) + 1)
    this.#stride = image.format === 'cfs-v1' ? 3 : 1
    this.#first = firstByte(image) / 2 ** SLOT_BITS
  }

  /** nids of all that are marked, byte by byte, in the order in which they stand. */
  *nids(): Generator<readonly [part: number, nids: readonly number[]], void> {
    const bits = this.#bits
    for (let byte = 0; byte < bits.length; byte++) {
      if (bits[byte] === 0) continue
      const nids: number[] = []
      for (let bit = 0; bit < 8; bit++) if ((bits[byte] & (1 << bit)) !== 0) nids.push(this.#nidOf(byte * 8 + bit))
      yield [byte / bits.length, nids]
    }
  }

  #nidOf(slot: number): number {
    return slot < this.#own ? (slot - this.#first) / this.#stride : this.#own - slot - 1
  }

  /** Whether it was not marked before; undefined for one that is too far away. */
  mark(slot: number): boolean | undefined {
    const byte = slot >>> 3
    if (byte >= this.#bits.length) return undefined
    const bit = 1 << (slot & 7)
    const before = this.#bits[byte]
    if ((before & bit) !== 0) return false
    this.#bits[byte] = before | bit
    this.count++
    return true
  }
}
