// Memory that two threads share, in which one answers while the other waits: slots, each for one answer at a time, and a
// number that goes up as long as the answering thread lives. Not here: what is asked, and how long anyone waits.
//
// A slot is eight words of 32 bits and the bytes behind them. The first word becomes the number of the call once all else is
// written.

import type { Answer } from './protocol.js'
import { type Thrown, thrownOf } from './thrown.js'

const WORDS = 8
const HEAD = WORDS * 4
const DONE = 0
const LENGTH = 1
const FLAGS = 2
/** A double; in units of eight bytes. */
const SIZE = 2

const THREW = 1
const HAS_BYTES = 2
const HAS_SIZE = 4
const RENEWABLE = 8

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Beat {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  give(): void {
    Atomics.add(this.#words, 0, 1)
  }

  get count(): number {
    return Atomics.load(this.#words, 0)
  }
}

export class SharedSlots {
  readonly buffer: SharedArrayBuffer
  readonly count: number
  /** Bytes that an answer may have. */
  readonly capacity: number
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #bytes: Uint8Array
  readonly #stride: number

  constructor(buffer: SharedArrayBuffer, count: number) {
    this.buffer = buffer
    this.count = count
    this.#stride = Math.floor(buffer.byteLength / count / 8) * 8
    this.capacity = this.#stride - HEAD
    this.#words = new Int32Array(buffer)
    this.#doubles = new Float64Array(buffer)
    this.#bytes = new Uint8Array(buffer)
  }

  /** Of `count` slots that take `capacity` bytes each. Pages that nobody writes to cost no memory. */
  static make(count: number, capacity: number): SharedSlots {
    return new SharedSlots(new SharedArrayBuffer((Math.ceil(capacity / 8) * 8 + HEAD) * count), count)
  }

  answer(slot: number, id: number, { size, renewable, bytes }: Answer): void {
    if (bytes !== undefined && bytes.length > this.capacity) {
      this.fail(slot, id, { code: 'EIO', message: `${bytes.length} bytes came, where ${this.capacity} have room` })
      return
    }
    if (size !== undefined) this.#doubles[(slot * this.#stride) / 8 + SIZE] = size
    if (bytes !== undefined) this.#bytes.set(bytes, slot * this.#stride + HEAD)
    const flags =
      (bytes === undefined ? 0 : HAS_BYTES) | (size === undefined ? 0 : HAS_SIZE) | (renewable === true ? RENEWABLE : 0)
    this.#finish(slot, id, flags, bytes?.length ?? 0)
  }

  fail(slot: number, id: number, thrown: Thrown): void {
    const text = encoder.encode(JSON.stringify(thrown))
    const fits = text.length <= this.capacity
    const bytes = fits ? text : encoder.encode(JSON.stringify({ code: thrown.code, message: thrown.code }))
    this.#bytes.set(bytes, slot * this.#stride + HEAD)
    this.#finish(slot, id, THREW, bytes.length)
  }

  /** Waits until the answer to a call is there, but no longer than `ms`. Throws where this thread may not wait. */
  wait(slot: number, id: number, ms: number): boolean {
    const at = (slot * this.#stride) / 4 + DONE
    const was = Atomics.load(this.#words, at)
    if (was === id) return true
    Atomics.wait(this.#words, at, was, ms)
    return Atomics.load(this.#words, at) === id
  }

  /** What was answered; bytes of a range are put `into` where that is given. */
  take(slot: number, into?: Uint8Array): Answer | { readonly thrown: Thrown } {
    const at = slot * this.#stride
    const flags = this.#words[at / 4 + FLAGS]
    const shared = this.#bytes.subarray(at + HEAD, at + HEAD + this.#words[at / 4 + LENGTH])
    // Copied before it is decoded, since browsers decode no shared memory.
    if ((flags & THREW) !== 0) return { thrown: JSON.parse(decoder.decode(shared.slice())) as Thrown }
    const size = (flags & HAS_SIZE) === 0 ? undefined : this.#doubles[at / 8 + SIZE]
    const renewable = (flags & RENEWABLE) !== 0
    if ((flags & HAS_BYTES) === 0) return { size, renewable }
    if (into === undefined) return { size, renewable, bytes: shared.slice() }
    if (shared.length > into.length) return { thrown: thrownOf('more bytes came than were asked for') }
    into.set(shared)
    return { size, renewable, bytes: into.subarray(0, shared.length) }
  }

  #finish(slot: number, id: number, flags: number, length: number): void {
    const at = (slot * this.#stride) / 4
    this.#words[at + FLAGS] = flags
    this.#words[at + LENGTH] = length
    Atomics.store(this.#words, at + DONE, id)
    Atomics.notify(this.#words, at + DONE)
  }
}

/** Is there memory that threads share? Browsers have it on pages that are isolated from those of other origins. */
export function canShare(): boolean {
  return typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false
}

/** May this thread wait for another one? All of Node may, and workers of a browser. */
export function canWait(): boolean {
  if (!canShare()) return false
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)
    return true
  } catch {
    return false
  }
}
