// A decoder of compressed clusters, alone. Invariants:
// - no trap: no input ends in a WebAssembly trap, which one that writes behind the room and its slack of 32 bytes gets
// - no hang: not more turns of loops than 2^17, or 64 for each byte of input and room
// - answer: from 0 to the room, or -EUCLEAN
// - bounds: what is in front of the room, and the input, stay as they are
// - same: the same answer and bytes again, whatever is behind the input and in the room before
// - prefix: a smaller room gets the first part of it
//
//   input:  [room u8][dictionary u8][stream]

import { FuzzCodecCore } from '../../../wasm/fuzz-codec-core.js'
import { errnoOf } from '../../format/errno.js'
import type { FuzzModule } from '../core-target.js'
import { BYTE_MUTATORS } from '../mutate-bytes.js'
import { type Target, Violation } from '../target.js'

const EUCLEAN = errnoOf('EUCLEAN')
const HEAD = 2
const MAX_BYTES = 2048
const STEPS_LEAST = 1 << 17
const STEPS_PER_BYTE = 64
/** Rooms below this are told byte by byte, larger ones in steps. */
const EXACT = 200
const STEP = 16

/** Bytes of room that a byte stands for. */
export function roomOf(byte: number): number {
  return byte < EXACT ? byte : EXACT + (byte - EXACT) * STEP
}

const ROOM_MAX = roomOf(255)

export class CodecTarget implements Target {
  readonly invariants = [
    'no trap: no input ends in a WebAssembly trap, as one that writes behind the room and its slack does',
    'no hang: not more turns of loops than 2^17, or 64 for each byte of input and room',
    'answer: from 0 to the room, or EUCLEAN',
    'bounds: what is in front of the room, and the input, stay as they are',
    'same: the same answer and bytes again, whatever is behind the input and in the room before',
    'prefix: a smaller room gets the first part of it',
  ]
  readonly maxBytes = MAX_BYTES
  readonly mutators = BYTE_MUTATORS
  readonly counters: Uint8Array
  readonly #core: FuzzCodecCore
  readonly #kept = new Uint8Array(ROOM_MAX)

  constructor(
    readonly name: string,
    /** As images number them. */
    readonly algorithm: number,
    { module, edges }: FuzzModule,
    readonly seeds: readonly Uint8Array[],
  ) {
    this.#core = new FuzzCodecCore(module, edges, Math.max(MAX_BYTES, ROOM_MAX))
    this.counters = this.#core.counters
  }

  run(input: Uint8Array): boolean {
    if (input.length < HEAD) return false
    const room = roomOf(input[0])
    const more = 2 ** (input[1] & 31)
    const stream = input.subarray(HEAD)
    this.#core.begin(Math.max(STEPS_LEAST, 2 * STEPS_PER_BYTE * (stream.length + room)))
    const answer = this.#decode(stream, room, more, 0x5a)
    if (answer < 0) {
      if (this.#decode(stream, room, more, 0xc3) !== answer) throw new Violation('same', `${answer} the first time`)
      return false
    }
    this.#kept.set(this.#core.written(answer))
    // One in four gets the same room again.
    const less = (input[1] & 0x60) === 0 ? room : Math.max(0, answer - (input[1] >> 5))
    const wanted = less === room ? answer : Math.min(less, answer)
    const again = this.#decode(stream, less, more, 0xc3)
    const invariant = less === room ? 'same' : 'prefix'
    if (again !== wanted) throw new Violation(invariant, `${again} in ${less}, ${answer} in ${room}`)
    const bytes = this.#core.written(again)
    for (let i = 0; i < again; i++) {
      if (bytes[i] !== this.#kept[i]) throw new Violation(invariant, `byte ${i} of ${answer}`)
    }
    return answer > 0
  }

  #decode(stream: Uint8Array, room: number, more: number, noise: number): number {
    let answer = 0
    try {
      answer = this.#core.decode(this.algorithm, stream, room, more, noise)
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error
      if (this.#core.stepsLeft === 0) throw new Violation('no hang', `${stream.length} bytes into ${room}`)
      throw new Violation('no trap', error.message)
    }
    if (answer > room || (answer < 0 && answer !== -EUCLEAN)) throw new Violation('answer', `${answer} of ${room}`)
    if (!this.#core.isClean(stream)) throw new Violation('bounds', `${stream.length} bytes into ${room}`)
    return answer
  }
}
