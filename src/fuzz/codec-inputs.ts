// What targets of decoders begin with: streams by the kit's encoders, of each algorithm. Not here: the targets (targets/codec.ts).

import { FUZZ_CODEC_CORE_BASE64, FUZZ_CODEC_CORE_EDGES } from '../../wasm/fuzz-codec-core-bytes.js'
import { COMPRESSION_CONSTANTS } from '../format/structs.js'
import type { FuzzModule } from './core-target.js'
import { encodeExtent } from './encode-extent.js'
import { Random } from './random.js'
import { FrameWriter } from './zstd-frames.js'

const C = COMPRESSION_CONSTANTS
const SEEDS = 24
const DATA_MAX = 180
const STREAM_MAX = 600
/** A dictionary of 4 KiB, as its logarithm. */
const DICTIONARY = 12
/** zlib's own block of codes of its own: no encoder here makes one. 149 bytes. */
const DYNAMIC = 'Zc0xEoAgEATBt+4VowcJmimvpwgXwo5akbVdCqAAWlR0J/A5y+0EHqfid2ZtuT/v8YzFCQ=='
const DYNAMIC_BYTES = 149

function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  return Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i))
}

/** The package's own decoders that are fuzzed. */
export function fuzzCodecModule(): FuzzModule {
  return {
    module: new WebAssembly.Module(fromBase64(FUZZ_CODEC_CORE_BASE64) as BufferSource),
    edges: FUZZ_CODEC_CORE_EDGES,
  }
}

function withHead(room: number, stream: Uint8Array): Uint8Array {
  return Uint8Array.from([Math.min(room, 255), DICTIONARY, ...stream])
}

/** Something that compresses, a little. */
function dataOf(random: Random): Uint8Array {
  const piece = random.bytes(1 + random.below(20))
  return Uint8Array.from({ length: 1 + random.below(DATA_MAX) }, (_, i) => {
    return random.once(12) ? random.next() : piece[i % piece.length]
  })
}

/** Inputs of a target of that algorithm. */
export function codecSeeds(algorithm: number): Uint8Array[] {
  const seeds: Uint8Array[] = []
  for (let seed = 0; seeds.length < SEEDS; seed++) {
    const random = new Random(seed)
    const data = dataOf(random)
    seeds.push(withHead(data.length, encodeExtent(algorithm, data, random)))
  }
  if (algorithm === C.Z_EROFS_COMPRESSION_DEFLATE) seeds.push(withHead(DYNAMIC_BYTES, fromBase64(DYNAMIC)))
  if (algorithm !== C.Z_EROFS_COMPRESSION_ZSTD) return seeds
  for (let seed = 0; seeds.length < 2 * SEEDS; seed++) {
    const random = new Random(seed)
    const { bytes, content } = new FrameWriter(limit => random.below(limit)).frame()
    if (bytes.length <= STREAM_MAX) seeds.push(withHead(content.length, bytes))
  }
  return seeds
}
