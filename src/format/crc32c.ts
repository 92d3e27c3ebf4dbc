// The checksum of an EROFS superblock: CRC-32C (Castagnoli), begun with all ones and not inverted at the end. Not here: over what
// (spec erofs.md 1.3).

const POLYNOMIAL = 0x82f63b78

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1))
  }
  return crc >>> 0
}
