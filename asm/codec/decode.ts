// Which decoder an algorithm has. Not here: what an inode says of its clusters.

import {
  EUCLEAN,
  Z_EROFS_COMPRESSION_DEFLATE,
  Z_EROFS_COMPRESSION_LZ4,
  Z_EROFS_COMPRESSION_LZMA,
  Z_EROFS_COMPRESSION_ZSTD,
} from '../layout'
import { decodeDeflate } from './deflate'
import { decodeLz4 } from './lz4'
import { decodeMicroLzma } from './microlzma'
import { decodeZstd } from './zstd'

/**
 * Bytes written at `to`, at most `room`, or -EUCLEAN. Up to 16 bytes behind the input may be read and up to 32 behind the
 * room written. `more` is the size of the dictionary for MicroLZMA.
 */
export function decode(algorithm: u32, from: usize, length: usize, to: usize, room: usize, more: u32): i32 {
  if (algorithm == Z_EROFS_COMPRESSION_LZ4) return decodeLz4(from, length, to, room)
  if (algorithm == Z_EROFS_COMPRESSION_LZMA) return decodeMicroLzma(from, length, to, room, more)
  if (algorithm == Z_EROFS_COMPRESSION_DEFLATE) return decodeDeflate(from, length, to, room)
  if (algorithm == Z_EROFS_COMPRESSION_ZSTD) return decodeZstd(from, length, to, room)
  return -(<i32>EUCLEAN)
}
