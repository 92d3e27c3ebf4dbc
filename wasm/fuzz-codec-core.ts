// The decoders alone with edge counters (.ci/instrument.mjs): the room lies at the very end of memory with the slack that decoders may count
// on, so that who writes far beyond traps. Not here: what is decoded, and what becomes of the counts.

/** As .ci/instrument.mjs has them. */
const STEPS_AT = 16
const COUNTERS_AT = 64
const PAGE = 65536
/** Pages of the core's own: counters, tables. */
const OWN_PAGES = 17
/** What may be read behind the input, and written behind the room. */
const SLACK_IN = 16
const SLACK_OUT = 32
const GUARD = 64
const GUARD_BYTE = 0xa5

interface CodecExports {
  readonly heap: WebAssembly.Global<'i32'>
  decode(algorithm: number, from: number, length: number, to: number, room: number, more: number): number
}

export class FuzzCodecCore {
  readonly #exports: CodecExports
  readonly #u8: Uint8Array
  readonly #u32: Uint32Array
  readonly #input: number
  #length = 0
  #to = 0
  /** A byte for each edge: how often it was taken since `begin`, at most 255. */
  readonly counters: Uint8Array

  /** `most`: bytes of the largest input, and of the largest room. */
  constructor(module: WebAssembly.Module, edges: number, most: number) {
    const pages = OWN_PAGES + Math.ceil((2 * most + 4 * GUARD) / PAGE)
    const memory = new WebAssembly.Memory({ initial: pages, maximum: PAGE })
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as CodecExports
    this.#u8 = new Uint8Array(memory.buffer)
    this.#u32 = new Uint32Array(memory.buffer)
    this.#input = Math.ceil((this.#exports.heap.value + GUARD) / GUARD) * GUARD
    this.counters = this.#u8.subarray(COUNTERS_AT, COUNTERS_AT + edges)
  }

  /** Forgets all counts. The decoders may make that many turns of loops from now on; more is a trap. */
  begin(steps: number): void {
    this.counters.fill(0)
    this.#u32[STEPS_AT >>> 2] = steps
  }

  get stepsLeft(): number {
    return this.#u32[STEPS_AT >>> 2]
  }

  /** Bytes written, or -errno. `noise` fills what means nothing: the slack, and the room before it is written to. */
  decode(algorithm: number, input: Uint8Array, room: number, more: number, noise: number): number {
    const u8 = this.#u8
    const from = this.#input
    this.#length = input.length
    this.#to = u8.length - SLACK_OUT - room
    u8.set(input, from)
    u8.fill(noise, from + input.length, from + input.length + SLACK_IN)
    u8.fill(GUARD_BYTE, this.#to - GUARD, this.#to)
    u8.fill(noise, this.#to)
    return this.#exports.decode(algorithm, from, input.length, this.#to, room, more)
  }

  /** What the last call wrote, as a view that the next one overwrites. */
  written(length: number): Uint8Array {
    return this.#u8.subarray(this.#to, this.#to + length)
  }

  /** Has the last call left alone what is in front of its room, and its input? */
  isClean(input: Uint8Array): boolean {
    for (let at = this.#to - GUARD; at < this.#to; at++) if (this.#u8[at] !== GUARD_BYTE) return false
    for (let i = 0; i < this.#length; i++) if (this.#u8[this.#input + i] !== input[i]) return false
    return true
  }
}
