// Where a random compressed image puts bytes: blocks of data, some of them on further devices, and the data of the packed inode. What was
// compressed before is remembered, so that other extents can refer to it. Not here: which bytes (extent-cuts.ts).

import { COMPRESSION_CONSTANTS } from '../format/structs.js'
import { encodeExtent } from './encode-extent.js'
import { up } from './erofs-bytes.js'
import type { Random } from './random.js'

/** Blocks that a further device has. */
export const DEVICE_BLOCKS = 12

/** A growing run of bytes. */
export class Grown {
  #bytes = new Uint8Array(4096)
  length = 0

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  /** Puts bytes at a place at or behind the end; what lies between is zeros. */
  put(at: number, bytes: Uint8Array): void {
    this.reach(at + bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Is at least so long from now on. */
  reach(length: number): void {
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(2 * length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.length = Math.max(this.length, length)
  }
}

function findBytes(where: Uint8Array, what: Uint8Array): number {
  for (
    let at = where.indexOf(what[0]);
    at >= 0 && at + what.length <= where.length;
    at = where.indexOf(what[0], at + 1)
  ) {
    let same = 1
    while (same < what.length && where[at + same] === what[same]) same++
    if (same === what.length) return at
  }
  return -1
}

/** What was compressed: where it lies, and what it decodes to. */
export interface Known {
  readonly address: number
  readonly length: number
  readonly algorithm: number
  readonly content: Uint8Array
}

export interface PclusterOptions {
  readonly blockBits: number
  /** Blocks in front of the first one that is free. */
  readonly first: number
  readonly devices: number
  readonly algorithms: readonly number[]
  /** Are streams of LZ4 at the end of their cluster? */
  readonly padded: boolean
}

export class Pclusters {
  readonly random: Random
  readonly blockBits: number
  readonly block: number
  readonly algorithms: readonly number[]
  readonly padded: boolean
  /** The image from its first byte to the end of all data; those of further devices come before the rest. */
  readonly space = new Grown()
  readonly packed = new Grown()
  readonly known: Known[] = []
  readonly #ends: number[] = []
  readonly #first: number

  constructor(random: Random, { blockBits, first, devices, algorithms, padded }: PclusterOptions) {
    this.random = random
    this.blockBits = blockBits
    this.block = 2 ** blockBits
    this.algorithms = algorithms
    this.padded = padded
    this.#first = first
    for (let i = 0; i < devices; i++) this.#ends.push(this.deviceAt(i) * this.block)
    this.space.reach(this.deviceAt(devices) * this.block)
  }

  /** First block of a further device, 0 the first, in the space of all. */
  deviceAt(device: number): number {
    return this.#first + device * DEVICE_BLOCKS
  }

  /** Puts bytes on some device; their address in the space of all. */
  put(bytes: Uint8Array, align: number): number {
    const device = this.random.below(this.#ends.length + 1)
    if (device < this.#ends.length) {
      const at = up(this.#ends[device], align)
      if (at + bytes.length <= this.deviceAt(device + 1) * this.block) {
        this.#ends[device] = at + bytes.length
        this.space.put(at, bytes)
        return at
      }
    }
    const at = up(this.space.length, align)
    this.space.put(at, bytes)
    return at
  }

  /** The further device that an address is on, and its first byte; undefined on the first device. */
  deviceOf(address: number): { readonly id: number; readonly from: number } | undefined {
    const index = this.#ends.findIndex((_, i) => {
      return address >= this.deviceAt(i) * this.block && address < this.deviceAt(i + 1) * this.block
    })
    return index < 0 ? undefined : { id: index + 1, from: this.deviceAt(index) * this.block }
  }

  /** Offset in the packed inode's data of bytes that are put there, unless they are there already. */
  fragment(data: Uint8Array): number {
    const { packed, random } = this
    const there = findBytes(packed.bytes, data)
    if (there >= 0) return there
    const at = packed.length + (random.once(3) ? random.below(9) : 0)
    packed.put(at, data)
    return at
  }

  /** The stream that decodes to the data. */
  encode(algorithm: number, data: Uint8Array): Uint8Array {
    return encodeExtent(algorithm, data, this.random)
  }

  /** A stream filled up to a length, at the side where the format wants it. */
  filled(algorithm: number, stream: Uint8Array, length: number): Uint8Array {
    const atEnd = this.padded || algorithm !== COMPRESSION_CONSTANTS.Z_EROFS_COMPRESSION_LZ4
    if (!atEnd) {
      const out = this.random.bytes(length)
      out.set(stream)
      return out
    }
    const out = new Uint8Array(length)
    out.set(stream, length - stream.length)
    return out
  }
}
