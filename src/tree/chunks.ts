// Chunks of an external file: libcomposefs gives it an array of null pointers, one for each chunk of a size that it picks
// by the file's (spec composefs-image.md 6.3). Not here: how the array lies in an image (src/writer).

const MIN_BITS = 12
const MAX_BITS = 43
/** More chunks than these are "file too large". */
const MAX_CHUNKS = 1024
const CHUNK_HIGH = 2 ** (MAX_BITS - 32)

/** log2 of the chunk size of a file of that many bytes, given as low and high word; the size is not 0. */
export function chunkBits(sizeLow: number, sizeHigh: number): number {
  const low = (sizeLow - 1) >>> 0
  const high = sizeLow === 0 ? sizeHigh - 1 : sizeHigh
  const bits = high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low | 1)
  return Math.min(Math.max(bits, MIN_BITS), MAX_BITS)
}

/** Chunks of such a file, negative for too many. Sizes just below 2^64 have none: there the reference's sum wraps. */
export function chunkCount(sizeLow: number, sizeHigh: number): number {
  if (sizeHigh < CHUNK_HIGH) return 1
  const wraps = sizeHigh >= 2 ** 32 - CHUNK_HIGH && !(sizeHigh === 2 ** 32 - CHUNK_HIGH && sizeLow === 0)
  if (wraps) return 0
  const whole = Math.floor(sizeHigh / CHUNK_HIGH)
  const count = sizeHigh % CHUNK_HIGH === 0 && sizeLow === 0 ? whole : whole + 1
  return count > MAX_CHUNKS ? -1 : count
}
