// A program's memory as calls see it: every pointer that a program gives is checked here, and only here. Not here: what the calls
// mean.

import { IOVEC } from './abi.js'

/** Pieces that one call may read into or write from, as Linux has it (IOV_MAX). */
const IOVEC_LIMIT = 1024
/** Bytes of all pieces of one call: as many as an answer of 32 bits with a sign can tell. */
const SUM_LIMIT = 2 ** 31 - 1
const TWO_32 = 2 ** 32
/** 1e9 = NANO_HIGH * 2^16 + NANO_LOW, so that no product of a second's number leaves what a double holds. */
const NANO_HIGH = Math.floor(1e9 / 65536)
const NANO_LOW = 1e9 % 65536
/** Characters that String.fromCharCode is given at once. */
const TEXT_LIMIT = 4096

/** A pointer of a program leads out of its memory; the call answers EFAULT. Never leaves the room. */
export class BadPointer extends Error {}

/** More pieces than a call takes, more bytes in them than it can tell of, or none that it must have: EINVAL. Never leaves the room. */
export class BadCount extends Error {}

export class GuestMemory {
  #memory: WebAssembly.Memory | undefined
  #current = new DataView(new ArrayBuffer(0))
  #bytes = new Uint8Array(0)

  /** The memory of the program, which may grow: its buffer is then another one. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory
  }

  /** Throws BadPointer unless `size` bytes at a pointer are within. */
  check(pointer: number, size: number): number {
    const buffer = this.#memory?.buffer
    if (buffer !== undefined && buffer !== this.#bytes.buffer) {
      this.#current = new DataView(buffer)
      this.#bytes = new Uint8Array(buffer)
    }
    const at = pointer >>> 0
    if (at + size > this.#bytes.length) throw new BadPointer()
    return at
  }

  /** A view of the memory in which `size` bytes at a pointer are: asked for before it is used, since only then it is not an old one. */
  #view(pointer: number, size: number): DataView {
    this.check(pointer, size)
    return this.#current
  }

  /** The bytes themselves, valid until the program goes on. */
  bytes(pointer: number, length: number): Uint8Array {
    const at = this.check(pointer, length >>> 0)
    return this.#bytes.subarray(at, at + (length >>> 0))
  }

  u8(pointer: number): number {
    return this.#view(pointer, 1).getUint8(pointer >>> 0)
  }

  u16(pointer: number): number {
    return this.#view(pointer, 2).getUint16(pointer >>> 0, true)
  }

  u32(pointer: number): number {
    return this.#view(pointer, 4).getUint32(pointer >>> 0, true)
  }

  u64(pointer: number): bigint {
    return this.#view(pointer, 8).getBigUint64(pointer >>> 0, true)
  }

  putU8(pointer: number, value: number): void {
    this.#view(pointer, 1).setUint8(pointer >>> 0, value)
  }

  putU16(pointer: number, value: number): void {
    this.#view(pointer, 2).setUint16(pointer >>> 0, value, true)
  }

  putU32(pointer: number, value: number): void {
    this.#view(pointer, 4).setUint32(pointer >>> 0, value, true)
  }

  /** An integer that a double holds, as 64 bits; a negative one in two's complement. */
  putU64(pointer: number, value: number): void {
    const high = Math.floor(value / TWO_32)
    this.#put(pointer, value - high * TWO_32, high)
  }

  putBig(pointer: number, value: bigint): void {
    this.#view(pointer, 8).setBigUint64(pointer >>> 0, BigInt.asUintN(64, value), true)
  }

  /** Nanoseconds since 1970 as 64 bits; before that in two's complement. */
  putTime(pointer: number, sec: number, nsec: number): void {
    const upper = sec * NANO_HIGH
    const carried = Math.floor(upper / 65536)
    const low = (upper - carried * 65536) * 65536 + sec * NANO_LOW + nsec
    const high = Math.floor(low / TWO_32)
    this.#put(pointer, low - high * TWO_32, carried + high)
  }

  #put(pointer: number, low: number, high: number): void {
    const at = this.check(pointer, 8)
    this.#current.setUint32(at, low, true)
    this.#current.setUint32(at + 4, high, true)
  }

  /** What a list of iovecs names, all of it checked. Throws BadCount for too many, or too much in all. */
  pieces(iovs: number, count: number): Uint8Array[] {
    if (count >>> 0 > IOVEC_LIMIT) throw new BadCount()
    const { buf, buf_len } = IOVEC.fields
    const at = this.check(iovs, count * IOVEC.size)
    const out: Uint8Array[] = []
    let sum = 0
    for (let i = 0; i < count; i++) {
      const iov = at + i * IOVEC.size
      const piece = this.bytes(this.u32(iov + buf.offset), this.u32(iov + buf_len.offset))
      sum += piece.length
      out.push(piece)
    }
    if (sum > SUM_LIMIT) throw new BadCount()
    return out
  }
}

/** Bytes as a string where they are plain ASCII, which layers look up fastest; the bytes themselves otherwise. */
export function asText(bytes: Uint8Array): string | Uint8Array {
  if (bytes.length > TEXT_LIMIT) return bytes
  for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 0x80) return bytes
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}
