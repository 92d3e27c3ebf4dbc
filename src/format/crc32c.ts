// The checksum of an EROFS superblock: CRC-32C (Castagnoli), begun with all ones and not inverted at the end. Not here: over what
// (spec erofs.md 1.3).

const POLYNOMIAL = 0x82f63b78

/** What eight steps of the division leave of each byte. */
const AFTER_BYTE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (POLYNOMIAL & -(rest & 1))
  return rest
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ AFTER_BYTE[(crc ^ bytes[i]) & 0xff]
  return crc >>> 0
}
