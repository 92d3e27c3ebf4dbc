// Data as one of the compressed streams that a cluster may hold, by small encoders of the kit's own. Not here: where the stream is put
// (pclusters.ts).

import { COMPRESSION_CONSTANTS } from '../format/structs.js'
import { deflated } from './deflate-encoder.js'
import { greedySteps } from './greedy.js'
import { Lz4Encoder } from './lz4-encoder.js'
import { LzmaEncoder } from './lzma-encoder.js'
import type { Random } from './random.js'
import { zstdFrame } from './zstd-encoder.js'

const C = COMPRESSION_CONSTANTS
/** What LZ4's own decoders rely on. */
const LZ4_LAST_START = 12
const LZ4_LAST_END = 5
const LZMA_LONGEST = 273

function lz4Block(data: Uint8Array): Uint8Array {
  const encoder = new Lz4Encoder()
  const steps = greedySteps(data, { lastStart: LZ4_LAST_START, lastEnd: LZ4_LAST_END })
  for (const { literals, offset, length } of steps.slice(0, -1)) encoder.sequence(literals, offset, length)
  return encoder.finish(steps[steps.length - 1].literals)
}

function microLzma(data: Uint8Array, random: Random): Uint8Array {
  const lc = random.below(5)
  const encoder = new LzmaEncoder({ lc, lp: random.below(5 - lc), pb: random.below(5) })
  for (const { literals, offset, length } of greedySteps(data, { longest: LZMA_LONGEST, window: 4096 })) {
    for (const byte of literals) {
      const same = encoder.size > 0 && encoder.output[encoder.size - encoder.distance(0)] === byte
      if (same && encoder.distance(0) <= encoder.size) encoder.shortRep()
      else encoder.literal(byte)
    }
    const rep = [0, 1, 2, 3].find(which => encoder.distance(which) === offset)
    if (length === 0) continue
    if (rep === undefined) encoder.match(offset, length)
    else encoder.rep(rep, length)
  }
  return encoder.finish()
}

/** The stream. Its first byte is not 0, since what is in front of it in a cluster is zeros. */
export function encodeExtent(algorithm: number, data: Uint8Array, random: Random): Uint8Array {
  if (algorithm === C.Z_EROFS_COMPRESSION_LZ4) return lz4Block(data)
  if (algorithm === C.Z_EROFS_COMPRESSION_LZMA) return microLzma(data, random)
  if (algorithm === C.Z_EROFS_COMPRESSION_DEFLATE) return deflated(data, random)
  return zstdFrame(data, random)
}
