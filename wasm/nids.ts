// Inode numbers of images with a metabox: bit 31 says that an inode is in it, and what stands there and above moves up. nids of the
// metabox are negative here, -1 the first (asm/nid.ts).
// Follows erofs_nid_to_ino64 of fs/erofs/internal.h.

const BIT31 = 2 ** 31
const HIGH = 2 ** 32

export function inoOfNid(nid: number): number {
  const n = nid < 0 ? -1 - nid : nid
  return Math.floor(n / BIT31) * HIGH + (n % BIT31) + (nid < 0 ? BIT31 : 0)
}

export function nidOfIno(ino: number): number {
  const n = Math.floor(ino / HIGH) * BIT31 + (ino % BIT31)
  return Math.floor(ino / BIT31) % 2 === 1 ? -1 - n : n
}
