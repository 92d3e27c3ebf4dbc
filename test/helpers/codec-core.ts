// The decoders of compressed clusters, alone in a core of their own: each call sees its input and its room between guard
// bytes, with exactly the slack that decoders may count on, filled with what means nothing.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as assert from 'uvu/assert'
import type { Random } from './cfs-v1-trees.js'
import { ROOT } from './paths.js'

export const LZ4 = 0
export const MICROLZMA = 1
export const DEFLATE = 2
export const ZSTD = 3
export const EUCLEAN = 117

const SLACK_IN = 16
const SLACK_OUT = 32
const GUARD = 64
const GUARD_BYTE = 0xa5
const PAGE = 65536

interface Build {
  codecCore(): Promise<Uint8Array<ArrayBuffer>>
}

interface Exports {
  readonly heap: WebAssembly.Global<'i32'>
  decode(algorithm: number, from: number, length: number, to: number, room: number, more: number): number
}

export interface Decoded {
  /** Bytes written, or -errno. */
  readonly answer: number
  readonly bytes: Uint8Array
}

export class CodecCore {
  readonly #memory: WebAssembly.Memory
  readonly #exports: Exports
  readonly #input: number
  /** What the slack behind the input is filled with; another one at each call. */
  #noise = 0

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 })
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.#memory } })
    this.#exports = instance.exports as unknown as Exports
    this.#input = Math.ceil((this.#exports.heap.value + GUARD) / 64) * 64
  }

  static async load(): Promise<CodecCore> {
    const { codecCore }: Build = await import(pathToFileURL(join(ROOT, '.ci/build.mjs')).href)
    return new CodecCore(await codecCore())
  }

  /** Decodes; fails where the decoder writes beyond what it may. */
  decode(algorithm: number, input: Uint8Array, room: number, more = 0): Decoded {
    const from = this.#input
    const to = from + Math.ceil((input.length + SLACK_IN) / 16) * 16 + GUARD
    const end = to + room + SLACK_OUT + GUARD
    const pages = Math.ceil(end / PAGE) - this.#memory.buffer.byteLength / PAGE
    if (pages > 0) this.#memory.grow(pages)
    const memory = new Uint8Array(this.#memory.buffer)
    memory.set(input, from)
    this.#noise = (this.#noise * 5 + 17) & 255
    memory.fill(this.#noise, from + input.length, from + input.length + SLACK_IN)
    memory.fill(GUARD_BYTE, to - GUARD, end)
    const answer = this.#exports.decode(algorithm, from, input.length, to, room, more)
    assert.ok(answer <= room && (answer >= 0 || answer === -EUCLEAN), `answer ${answer}`)
    for (let at = to - GUARD; at < to; at++) assert.is(memory[at], GUARD_BYTE, `byte ${at - to} before the room`)
    const slackEnd = to + room + SLACK_OUT
    for (let at = slackEnd; at < end; at++) assert.is(memory[at], GUARD_BYTE, `byte ${at - slackEnd} behind the slack`)
    return { answer, bytes: memory.slice(to, to + Math.max(answer, 0)) }
  }
}

/** One to four changes: bytes, runs, pieces moved, an end cut off. */
export function mutated(input: Uint8Array, random: Random): Uint8Array {
  // A copy, and no Buffer, whose slices are none.
  let bytes = new Uint8Array(input)
  for (let n = 1 + random(4); n > 0 && bytes.length > 0; n--) {
    const at = random(bytes.length)
    const kind = random(6)
    if (kind === 0) bytes[at] = random(256)
    else if (kind === 1) bytes[at] ^= 1 << random(8)
    else if (kind === 2) bytes.fill(random(2) * 255, at, at + 1 + random(8))
    else if (kind === 3) bytes.copyWithin(at, random(bytes.length), random(bytes.length))
    else if (kind === 4 && random(4) === 0) bytes = bytes.slice(0, at)
    else bytes[at] = [0, 1, 127, 128, 254, 255][random(6)]
  }
  return bytes
}
