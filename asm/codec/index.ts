// The decoders alone, as a core of their own for tests and measurements (.ci/build.mjs: codecCore). What ships has them in
// the core that reads images, which imports each by itself. Not here: what an inode says of its clusters.

import { EUCLEAN } from '../layout'
import { decodeDeflate } from './deflate'
import { decodeLz4 } from './lz4'
import { decodeMicroLzma } from './microlzma'
import { decodeZstd } from './zstd'

/** First byte that nothing here uses. */
export const heap: usize = __heap_base

/** Algorithms as an image numbers them. */
const LZ4: u32 = 0
const MICROLZMA: u32 = 1
const DEFLATE: u32 = 2
const ZSTD: u32 = 3

/**
 * Bytes written at `to`, at most `room`, or -EUCLEAN. Up to 16 bytes behind the input may be read and up to 32 behind the
 * room written. `more` is the size of the dictionary for MicroLZMA.
 */
export function decode(algorithm: u32, from: usize, length: usize, to: usize, room: usize, more: u32): i32 {
  if (algorithm == LZ4) return decodeLz4(from, length, to, room)
  if (algorithm == MICROLZMA) return decodeMicroLzma(from, length, to, room, more)
  if (algorithm == DEFLATE) return decodeDeflate(from, length, to, room)
  if (algorithm == ZSTD) return decodeZstd(from, length, to, room)
  return -(<i32>EUCLEAN)
}
