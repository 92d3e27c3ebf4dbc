// xxHash32, the hash behind EROFS' per-inode filter of xattr names (spec composefs-image.md 5.5).
// Not here: the core's own, which reads images (asm/xattr.ts).

const P1 = 2654435761
const P2 = 2246822519
const P3 = 3266489917
const P4 = 668265263
const P5 = 374761393

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** Hash of a byte string as an unsigned number of 32 bits. */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const lane = (state: number, at: number) => Math.imul(rotated(state + Math.imul(word(bytes, at), P2), 13), P1)
  const { length } = bytes
  let at = 0
  let h = seed + P5
  if (length >= 16) {
    let [a, b, c, d] = [seed + P1 + P2, seed + P2, seed, seed - P1]
    for (; at + 16 <= length; at += 16) {
      a = lane(a, at)
      b = lane(b, at + 4)
      c = lane(c, at + 8)
      d = lane(d, at + 12)
    }
    h = rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)
  }
  h = (h + length) | 0
  for (; at + 4 <= length; at += 4) h = Math.imul(rotated(h + Math.imul(word(bytes, at), P3), 17), P4)
  for (; at < length; at++) h = Math.imul(rotated(h + Math.imul(bytes[at], P5), 11), P1)
  h = Math.imul(h ^ (h >>> 15), P2)
  h = Math.imul(h ^ (h >>> 13), P3)
  return (h ^ (h >>> 16)) >>> 0
}
