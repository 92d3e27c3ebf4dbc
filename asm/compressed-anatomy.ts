// Anatomy of compressed inodes: the map header, the indexes or records behind it, and every extent with what it is stored in. Not
// here: finding an extent (compressed.ts, records.ts), what inodes have besides (anatomy.ts).
// Follows sections 7 to 10 of the project's spec of EROFS.
//
//   [inode][xattr body][pad][map header 8][pad][indexes | packs | records][inline pcluster]      pclusters elsewhere

import { span, u16At, u64At, u8At } from './bytes'
import { mapCompressed } from './compressed'
import { eAddress, eEnd, eForm, eFragment, eLength, eStart } from './extents'
import { image } from './image'
import { iEnd, iLayout, iSize } from './inode'
import {
  EROFS_INODE_COMPRESSED_COMPACT,
  EXTENT_SHIFT,
  K_COMPRESSED_DATA,
  K_COMPRESSED_INLINE,
  K_COMPRESSION_HEADER,
  K_COMPRESSION_INDEXES,
  K_FRAGMENT,
  K_HOLE,
  PF_EXTENTS,
  PF_NO_CHUNKS,
  Z_EROFS_ADVISE_COMPACTED_2B,
  Z_EROFS_ADVISE_EXTENTS,
  Z_EROFS_ADVISE_INLINE_PCLUSTER,
  Z_EROFS_FRAGMENT,
  Z_EROFS_HOLE,
  ZH_H_ADVISE,
  ZH_H_CLUSTERBITS,
  ZH_SIZE,
  ZI_SIZE,
} from './layout'
import { badIndex } from './map-header'
import { addPiece, leftOut, PIECE_ROOM, pieceCount, putPiece } from './pieces'
import { lastError } from './scratch'
import { spillMark, unspill } from './spill'

/** Extents that one call looks at. */
const EXTENTS_AT_ONCE: u32 = 1 << 16
const WHOLE_FRAGMENT: u64 = 1 << 63
/** Bits that a count of clusters is shifted by at most; larger clusters are not read. */
const BITS_MAX: u64 = 30

/** Behind the indexes of the decoded inode, where a pcluster may lie inline; 0 where none does. */
let inlineAt: u64 = 0

/**
 * Adds the pieces of the decoded inode, which is compressed, from byte `from` of its data on. The answer is the byte to go on with,
 * -1 at the end. With PF_EXTENTS there is one piece for every extent, those that are in no place of the image too, and nothing else.
 */
export function addCompressed(from: u64, flags: u32): f64 {
  const only = (flags & PF_EXTENTS) != 0
  const header = (iEnd + ZH_SIZE - 1) & ~(<u64>ZH_SIZE - 1)
  if (!only && from == 0) addPiece(K_COMPRESSION_HEADER, header, ZH_SIZE, 0, 0)
  if (iSize == 0) return -1
  const mark = spillMark()
  const p = span(header, ZH_SIZE)
  if (!p) return -1
  const word = u64At(p, 0)
  const advise = u16At(p, ZH_H_ADVISE)
  const bits = <u64>image.blkszbits + (u8At(p, ZH_H_CLUSTERBITS) & 15)
  unspill(mark)
  inlineAt = 0
  if ((word & WHOLE_FRAGMENT) == 0) addTable(header, word, advise, bits, !only && from == 0)
  return flags & PF_NO_CHUNKS ? -1 : addExtents(from, only)
}

/** Finds the indexes, and adds them if they are `wanted`. */
function addTable(header: u64, word: u64, advise: u32, bits: u64, wanted: bool): void {
  const compact = iLayout == EROFS_INODE_COMPRESSED_COMPACT
  let first = header + ZH_SIZE
  let length: u64
  let unit: u32 = 0
  if (!compact && advise & Z_EROFS_ADVISE_EXTENTS) {
    unit = 4 << ((advise >> 1) & 3)
    first = (first + unit - 1) & ~(<u64>unit - 1)
    // Of the small records the clusters have one each, of the others the header has the number.
    if (unit <= 8 && bits > BITS_MAX) return
    const records = unit <= 8 ? ((iSize - 1) >> bits) + 1 : (word & 0xffffffff) | (word >> 48 << 32)
    length = records * unit + (unit == 4 ? 8 : 0)
  } else {
    if (bits > BITS_MAX) return
    const clusters = ((iSize - 1) >> bits) + 1
    if (compact) {
      const before: u64 = ((32 - (first & 31)) >> 2) & 7
      const narrow = advise & Z_EROFS_ADVISE_COMPACTED_2B && before < clusters ? (clusters - before) & ~15 : 0
      length = ((clusters << 2) - (narrow << 1) + 7) & ~7
    } else {
      first += ZH_SIZE
      length = clusters * ZI_SIZE
      unit = 1
    }
    if (advise & Z_EROFS_ADVISE_INLINE_PCLUSTER) inlineAt = first + length
  }
  if (wanted) addPiece(K_COMPRESSION_INDEXES, first, length, 0, unit)
}

function addExtents(from: u64, only: bool): f64 {
  let left = EXTENTS_AT_ONCE
  for (let at = from; at < iSize; at = eEnd) {
    if (left-- == 0 || pieceCount == PIECE_ROOM) return <f64>at
    if (mapCompressed(at) < 0) {
      leftOut(lastError())
      return -1
    }
    if (at != from && eStart != at) {
      // It began before the last one ended.
      leftOut(badIndex())
      return -1
    }
    if (eForm == Z_EROFS_FRAGMENT) {
      if (only) putPiece(K_FRAGMENT, eFragment, eEnd - eStart, eStart, eForm)
    } else if (eForm == Z_EROFS_HOLE) {
      if (only) putPiece(K_HOLE, 0, eEnd - eStart, eStart, eForm)
    } else {
      const inline = inlineAt != 0 && eAddress == inlineAt && eEnd == iSize
      const kind = inline ? K_COMPRESSED_INLINE : K_COMPRESSED_DATA
      if (only) putPiece(kind, eAddress, eLength, eStart, eForm | (<u32>(eEnd - eStart) << EXTENT_SHIFT))
      else addPiece(kind, eAddress, eLength, eStart, eForm)
    }
  }
  return -1
}
