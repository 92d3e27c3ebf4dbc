// Encoded extents: compressed inodes that list their extents as records, by bytes. Not here: indexes of logical clusters
// (compressed.ts).
// Follows z_erofs_map_blocks_ext (fs/erofs/zmap.c); section 10 of the project's spec of EROFS.
//
//   4 bytes    [first address u64][plen u32] …              extents of one length, one behind the other
//   8          [plen u32][address u32] …                    extents of one length
//   16, 32     [plen u32][address u64][lstart u32|u64] …    sorted by lstart

import { outside, span, u32At, u64At } from './bytes'
import { setExtent, setFragment } from './extents'
import { image } from './image'
import { iSize } from './inode'
import {
  AT_COMPRESSION_INDEX,
  EOPNOTSUPP,
  EUCLEAN,
  Z_EROFS_ADVISE_FRAGMENT_PCLUSTER,
  Z_EROFS_ADVISE_INTERLACED_PCLUSTER,
  Z_EROFS_COMPRESSION_INTERLACED,
  Z_EROFS_COMPRESSION_MAX,
  Z_EROFS_COMPRESSION_SHIFTED,
  Z_EROFS_EXTENT_PLEN_FMT_BIT,
  Z_EROFS_EXTENT_PLEN_MASK,
  Z_EROFS_FRAGMENT,
  Z_EROFS_HOLE,
  Z_EROFS_PCLUSTER_MAX_DSIZE,
  Z_EROFS_PCLUSTER_MAX_SIZE,
  ZH_SIZE,
  ZX_LSTART_HI,
  ZX_LSTART_LO,
  ZX_PLEN,
  ZX_PSTART_LO,
} from './layout'
import { badIndex, hAdvise, hAt, hBits, place } from './map-header'
import { fail } from './scratch'
import { spillMark, unspill } from './spill'

const COUNT_MASK: u64 = 0xffffffff

/** The record loaded last. */
let rLength: u32 = 0
let rAddress: u64 = 0
let rStart: u64 = 0

/** Where a sum of lengths was left off: of which image and table, at which record, at which address. */
let sumImage: u32 = 0
let sumTable: u64 = 0
let sumRecord: u64 = 0
let sumAddress: u64 = 0

/** Finds the extent that holds byte `at` by the records; `header` is the map header, of which they have taken parts. */
export function mapRecords(at: u64, header: u64): i32 {
  const size = <u64>4 << ((hAdvise >> 1) & 3)
  const table = (hAt + ZH_SIZE + size - 1) & ~(size - 1)
  return size <= 8 ? mapEven(at, table, size) : mapSorted(at, table, size, (header & COUNT_MASK) | (header >> 48 << 32))
}

function load(at: u64, size: u64): i32 {
  const mark = spillMark()
  const p = span(at, size)
  if (!p) return outside(AT_COMPRESSION_INDEX, at, EUCLEAN)
  rLength = u32At(p, ZX_PLEN)
  if (size == 8) {
    rAddress = u32At(p, ZX_PSTART_LO)
  } else if (size > 8) {
    rAddress = u64At(p, ZX_PSTART_LO)
    rStart = u32At(p, ZX_LSTART_LO)
    if (size > 16) rStart |= <u64>u32At(p, ZX_LSTART_HI) << 32
  }
  unspill(mark)
  return 0
}

/** Extents of one length. */
function mapEven(at: u64, table: u64, size: u64): i32 {
  if (hBits > 30) return fail(EOPNOTSUPP, AT_COMPRESSION_INDEX, hAt)
  const record = at >> hBits
  const start = record << hBits
  const end = min(start + (<u64>1 << hBits), iSize)
  const r = size == 4 ? sumUp(record, table) : load(table + record * size, size)
  if (r < 0) return r
  return put(start, end, end == iSize, size)
}

/** Extents that lie one behind the other. */
function sumUp(record: u64, table: u64): i32 {
  let at: u64 = 0
  if (sumImage == image.number && sumTable == table && sumRecord <= record) {
    at = sumRecord
  } else {
    const mark = spillMark()
    const p = span(table, 8)
    if (!p) return outside(AT_COMPRESSION_INDEX, table, EUCLEAN)
    sumAddress = u64At(p, 0)
    unspill(mark)
  }
  sumImage = 0
  let address = sumAddress
  for (; ; at++) {
    const r = load(table + 8 + (at << 2), 4)
    if (r < 0) return r
    rAddress = address
    if (at == record) break
    address += rLength & Z_EROFS_EXTENT_PLEN_MASK
  }
  sumImage = image.number
  sumTable = table
  sumRecord = record
  sumAddress = address
  return 0
}

function mapSorted(at: u64, table: u64, size: u64, count: u64): i32 {
  if (count == 0 || count > image.size + image.boxSize) return badIndex()
  let low: u64 = 0
  let high = count
  let end = iSize
  while (low < high) {
    const middle = low + ((high - low) >> 1)
    const r = load(table + middle * size, size)
    if (r < 0) return r
    if (rStart > at) {
      // Those that follow can't begin before it.
      if (rStart > end) return badIndex()
      end = rStart
      high = middle
    } else {
      low = middle + 1
    }
  }
  if (low == 0) return badIndex()
  const r = load(table + (low - 1) * size, size)
  if (r < 0) return r
  if (rStart > at || at >= end) return badIndex()
  return put(rStart, end, low == count, size)
}

/** Makes the record loaded last the extent found. */
function put(start: u64, end: u64, last: bool, size: u64): i32 {
  if (last && hAdvise & Z_EROFS_ADVISE_FRAGMENT_PCLUSTER) {
    setFragment(start, end, Z_EROFS_FRAGMENT, size == 4 ? rLength : <u64>rLength | (rAddress << 32))
    return 0
  }
  const length = rLength & Z_EROFS_EXTENT_PLEN_MASK
  if (length == 0) {
    setExtent(start, end, Z_EROFS_HOLE, 0, 0)
    return 0
  }
  const format = rLength >> Z_EROFS_EXTENT_PLEN_FMT_BIT
  if (length > Z_EROFS_PCLUSTER_MAX_SIZE || end - start > Z_EROFS_PCLUSTER_MAX_DSIZE) return badIndex()
  if (format == 0) {
    const whole = ((rAddress | length) & ((<u64>1 << image.blkszbits) - 1)) == 0
    const interlaced = whole && (hAdvise & Z_EROFS_ADVISE_INTERLACED_PCLUSTER) != 0
    return place(start, end, interlaced ? Z_EROFS_COMPRESSION_INTERLACED : Z_EROFS_COMPRESSION_SHIFTED, rAddress, length)
  }
  if (format > Z_EROFS_COMPRESSION_MAX) return fail(EOPNOTSUPP, AT_COMPRESSION_INDEX, hAt)
  if (((image.algorithms >> (format - 1)) & 1) == 0) return badIndex()
  return place(start, end, format - 1, rAddress, length)
}
