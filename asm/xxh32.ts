// xxHash32, the hash behind EROFS' per-inode filter of xattr names (spec composefs-image.md 5.5).
// Of a name that the caller has checked is there; shared with the build core.

const P1: u32 = 2654435761
const P2: u32 = 2246822519
const P3: u32 = 3266489917
const P4: u32 = 668265263
const P5: u32 = 374761393

@inline
function lane(acc: u32, p: usize): u32 {
  return rotl<u32>(acc + load<u32>(p) * P2, 13) * P1
}

/** Hash of a name of at most 255 bytes. */
export function xxh32(p: usize, length: u32, seed: u32): u32 {
  const end = p + length
  let h: u32
  if (length >= 16) {
    let a = seed + P1 + P2
    let b = seed + P2
    let c = seed
    let d = seed - P1
    for (; p + 16 <= end; p += 16) {
      a = lane(a, p)
      b = lane(b, p + 4)
      c = lane(c, p + 8)
      d = lane(d, p + 12)
    }
    h = rotl<u32>(a, 1) + rotl<u32>(b, 7) + rotl<u32>(c, 12) + rotl<u32>(d, 18)
  } else {
    h = seed + P5
  }
  h += length
  for (; p + 4 <= end; p += 4) h = rotl<u32>(h + load<u32>(p) * P3, 17) * P4
  for (; p < end; p++) h = rotl<u32>(h + <u32>load<u8>(p) * P5, 11) * P1
  h = (h ^ (h >> 15)) * P2
  h = (h ^ (h >> 13)) * P3
  return h ^ (h >> 16)
}
