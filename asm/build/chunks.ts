// Chunks of an external file: libcomposefs gives it an array of null pointers, one for each chunk of a size that it picks
// by the file's (spec composefs-image.md 6.3). Not here: how the array lies in an image (image.ts).

const MIN_BITS: i32 = 12
const MAX_BITS: i32 = 43
/** More chunks than these are "file too large". */
const MAX_CHUNKS: u64 = 1024
const CHUNK: u64 = (<u64>1) << 43

/** log2 of the chunk size of a file of that many bytes, which are not 0. */
export function chunkBits(size: u64): u32 {
  const bits = 64 - <i32>clz<u64>((size - 1) | 1)
  return min(max(bits, MIN_BITS), MAX_BITS)
}

/**
 * Chunks of such a file, negative for too many. In the reference the sum wraps for sizes just below 2^64: it writes an inode whose
 * size is below zero, which neither the kernel nor a reader here takes.
 */
export function chunkCount(size: u64): i32 {
  if (size < CHUNK) return 1
  return size > MAX_CHUNKS * CHUNK ? -1 : <i32>((size + (CHUNK - 1)) / CHUNK)
}
