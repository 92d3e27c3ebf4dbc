// Which extent of a compressed inode holds a byte: the map header, and the indexes of logical clusters. Not here: encoded extents
// (records.ts), decoding (extents.ts).
// Follows fs/erofs/zmap.c; sections 7 and 8 of the project's spec of EROFS.
//
//   layout 1   iEnd, aligned to 8:  [map header 8][reserved 8][index 8] * lclusters  [inline pcluster]
//   layout 3   iEnd, aligned to 8:  [map header 8][pack of 2 * 4 bytes]…[pack of 16 * 2 bytes]…[pack of 2 * 4]…  [inline pcluster]
//   pack       [clusterofs or distance, type] * n  [base block u32]

import { outside, span, u8At, u16At, u32At, u64At } from './bytes'
import { IN_INDEX, sing } from './canary'
import { setExtent, setFragment } from './extents'
import { image } from './image'
import { iEnd, iLayout, iSize } from './inode'
import {
  AT_COMPRESSION_INDEX,
  EOPNOTSUPP,
  EROFS_INODE_COMPRESSED_COMPACT,
  EUCLEAN,
  Z_EROFS_ADVISE_BIG_PCLUSTER_1,
  Z_EROFS_ADVISE_BIG_PCLUSTER_2,
  Z_EROFS_ADVISE_COMPACTED_2B,
  Z_EROFS_ADVISE_EXTENTS,
  Z_EROFS_ADVISE_FRAGMENT_PCLUSTER,
  Z_EROFS_ADVISE_INLINE_PCLUSTER,
  Z_EROFS_ADVISE_INTERLACED_PCLUSTER,
  Z_EROFS_COMPRESSION_INTERLACED,
  Z_EROFS_COMPRESSION_MAX,
  Z_EROFS_COMPRESSION_SHIFTED,
  Z_EROFS_FRAGMENT,
  Z_EROFS_LCLUSTER_TYPE_HEAD1,
  Z_EROFS_LCLUSTER_TYPE_NONHEAD,
  Z_EROFS_LCLUSTER_TYPE_PLAIN,
  Z_EROFS_LI_D0_CBLKCNT,
  Z_EROFS_LI_LCLUSTER_TYPE_MASK,
  Z_EROFS_PCLUSTER_MAX_DSIZE,
  Z_EROFS_PCLUSTER_MAX_SIZE,
  ZH_H_ADVISE,
  ZH_H_ALGORITHMTYPE,
  ZH_H_CLUSTERBITS,
  ZH_H_FRAGMENTOFF,
  ZH_H_IDATA_SIZE,
  ZH_SIZE,
  ZI_BLKADDR,
  ZI_DELTA_0,
  ZI_DELTA_1,
  ZI_DI_ADVISE,
  ZI_DI_CLUSTEROFS,
  ZI_SIZE,
} from './layout'
import { badIndex, hAdvise, hAlgorithms, hAt, hBits, place, setHeader } from './map-header'
import { mapRecords } from './records'
import { fail } from './scratch'
import { spillMark, unspill } from './spill'

/** The logical cluster loaded last. */
let lType: u32 = 0
/** Of a head: where in the cluster its extent begins, and its block. */
let lOffset: u32 = 0
let lBlock: u32 = 0
/** Of another one: clusters back to the head and on to the next one, and the blocks of the pcluster if it says so (0: it does not). */
let lBack: u64 = 0
let lNext: u64 = 0
let lBlocks: u32 = 0
/** Where what follows its index or pack begins. */
let lAfter: u64 = 0

const FRAGMENT_INODE: u64 = 1 << 63

/** Finds the extent of the decoded inode, which is compressed, that holds byte `at` (below iSize). 0 or -errno. */
export function mapCompressed(at: u64): i32 {
  const mark = spillMark()
  const header = (iEnd + ZH_SIZE - 1) & ~(<u64>ZH_SIZE - 1)
  const p = span(header, ZH_SIZE)
  if (!p) return outside(AT_COMPRESSION_INDEX, header, EUCLEAN)
  const word = u64At(p, 0)
  setHeader(header, u16At(p, ZH_H_ADVISE), u8At(p, ZH_H_ALGORITHMTYPE), image.blkszbits + (u8At(p, ZH_H_CLUSTERBITS) & 15))
  const inlined = hAdvise & Z_EROFS_ADVISE_INLINE_PCLUSTER ? u16At(p, ZH_H_IDATA_SIZE) : 0
  const fragment = u32At(p, ZH_H_FRAGMENTOFF)
  unspill(mark)
  if (word & FRAGMENT_INODE) {
    setFragment(0, iSize, Z_EROFS_FRAGMENT, word & ~FRAGMENT_INODE)
    return 0
  }
  const compact = iLayout == EROFS_INODE_COMPRESSED_COMPACT
  if (!compact && hAdvise & Z_EROFS_ADVISE_EXTENTS) return mapRecords(at, word)
  if ((hAlgorithms & 15) >= Z_EROFS_COMPRESSION_MAX || hAlgorithms >> 4 >= Z_EROFS_COMPRESSION_MAX || hBits > 30) {
    return fail(EOPNOTSUPP, AT_COMPRESSION_INDEX, hAt)
  }
  const big = hAdvise & (Z_EROFS_ADVISE_BIG_PCLUSTER_1 | Z_EROFS_ADVISE_BIG_PCLUSTER_2)
  if (compact && big != 0 && big != (Z_EROFS_ADVISE_BIG_PCLUSTER_1 | Z_EROFS_ADVISE_BIG_PCLUSTER_2)) return badIndex()
  return mapIndexed(at, inlined, fragment)
}

/** Clusters of the decoded inode. */
@inline
function clusters(): u64 {
  return ((iSize - 1) >> hBits) + 1
}

function load(cluster: u64): i32 {
  const mark = spillMark()
  const r = iLayout == EROFS_INODE_COMPRESSED_COMPACT ? loadCompact(cluster) : loadFull(cluster)
  unspill(mark)
  if (r < 0) return r
  if (lType != Z_EROFS_LCLUSTER_TYPE_NONHEAD && <u64>lOffset >= <u64>1 << hBits) return badIndex()
  return 0
}

function mapIndexed(at: u64, inlined: u32, fragment: u32): i32 {
  const home = at >> hBits
  let cluster = home
  let r = load(cluster)
  if (r < 0) return r
  if (lType != Z_EROFS_LCLUSTER_TYPE_NONHEAD && <u64>lOffset > (at & ((<u64>1 << hBits) - 1))) {
    // The extent of the head before.
    if (cluster == 0) return badIndex()
    r = load(--cluster)
    if (r < 0) return r
  }
  while (lType == Z_EROFS_LCLUSTER_TYPE_NONHEAD) {
    if (lBack == 0 || lBack > cluster) return badIndex()
    cluster -= lBack
    if ((home - cluster) << hBits > Z_EROFS_PCLUSTER_MAX_DSIZE) return badIndex()
    r = load(cluster)
    if (r < 0) return r
  }
  const type = lType
  const block = lBlock
  const start = (cluster << hBits) + lOffset
  const end = endOf(cluster)
  if (end == 0) return badIndex()
  if (at < start || at >= end || end - start > Z_EROFS_PCLUSTER_MAX_DSIZE) return badIndex()
  if (end == iSize && hAdvise & Z_EROFS_ADVISE_FRAGMENT_PCLUSTER) {
    const high: u64 = iLayout == EROFS_INODE_COMPRESSED_COMPACT ? 0 : <u64>block << 32
    setFragment(start, end, Z_EROFS_FRAGMENT, high | fragment)
    return 0
  }
  return setPcluster(start, end, type, block, cluster, end == iSize ? inlined : 0)
}

/** Where the extent that begins in a cluster ends; 0 where that can't be told. */
function endOf(head: u64): u64 {
  const all = clusters()
  for (let next = head + 1; next < all; next += max<u64>(lNext, 1)) {
    if ((next - head - 1) << hBits > Z_EROFS_PCLUSTER_MAX_DSIZE || load(next) < 0) return 0
    if (lType != Z_EROFS_LCLUSTER_TYPE_NONHEAD) return min((next << hBits) + lOffset, iSize)
  }
  return iSize
}

/** Blocks of the pcluster of the head in a cluster; 0 where its successor does not say. */
function blocksOf(type: u32, head: u64): u32 {
  const big = type == Z_EROFS_LCLUSTER_TYPE_HEAD1 ? Z_EROFS_ADVISE_BIG_PCLUSTER_1 : Z_EROFS_ADVISE_BIG_PCLUSTER_2
  if ((hAdvise & big) == 0 || head + 1 >= clusters()) return 1
  if (load(head + 1) < 0) return 0
  return lType == Z_EROFS_LCLUSTER_TYPE_NONHEAD ? lBlocks : 1
}

function setPcluster(start: u64, end: u64, type: u32, block: u32, head: u64, inlined: u32): i32 {
  let form = type == Z_EROFS_LCLUSTER_TYPE_HEAD1 ? hAlgorithms & 15 : hAlgorithms >> 4
  if (type == Z_EROFS_LCLUSTER_TYPE_PLAIN) {
    const interlaced = hAdvise & Z_EROFS_ADVISE_INTERLACED_PCLUSTER
    form = interlaced ? Z_EROFS_COMPRESSION_INTERLACED : Z_EROFS_COMPRESSION_SHIFTED
  } else if (((image.algorithms >> form) & 1) == 0) {
    return badIndex()
  }
  if (inlined != 0) {
    const r = load(clusters() - 1)
    if (r < 0) return r
    const bits = <u64>image.blkszbits
    if (lAfter >> bits != (lAfter + inlined - 1) >> bits) return badIndex()
    setExtent(start, end, form == Z_EROFS_COMPRESSION_INTERLACED ? Z_EROFS_COMPRESSION_SHIFTED : form, lAfter, inlined)
    return 0
  }
  const blocks = blocksOf(type, head)
  const length = <u64>blocks << image.blkszbits
  if (blocks == 0 || length > Z_EROFS_PCLUSTER_MAX_SIZE) return badIndex()
  return place(start, end, form, <u64>block << image.blkszbits, <u32>length)
}

function loadFull(cluster: u64): i32 {
  const at = hAt + 2 * ZH_SIZE + cluster * ZI_SIZE
  const p = span(at, ZI_SIZE)
  if (!p) return outside(AT_COMPRESSION_INDEX, at, EUCLEAN)
  lAfter = at + ZI_SIZE
  lType = u16At(p, ZI_DI_ADVISE) & Z_EROFS_LI_LCLUSTER_TYPE_MASK
  if (lType == Z_EROFS_LCLUSTER_TYPE_NONHEAD) {
    const back = u16At(p, ZI_DELTA_0)
    const counts = (back & Z_EROFS_LI_D0_CBLKCNT) != 0
    lBlocks = counts ? back & ~Z_EROFS_LI_D0_CBLKCNT : 0
    if (CANARY == IN_INDEX && lBlocks > 64) sing()
    lBack = counts ? 1 : back
    lNext = u16At(p, ZI_DELTA_1)
  } else {
    lOffset = u16At(p, ZI_DI_CLUSTEROFS)
    lBlock = u32At(p, ZI_BLKADDR)
  }
  return 0
}

/** Of the pack taken last: its bytes, entries, bits an entry, and bits of a value. */
let pStart: usize = 0
let pCount: i32 = 0
let pWidth: u32 = 0
let pLow: u32 = 0

@inline
function entry(i: i32): u32 {
  const bit = <u32>i * pWidth
  return (u32At(pStart, bit >> 3) >> (bit & 7)) & ((1 << (pLow + 2)) - 1)
}

@inline
function lowOf(e: u32): u32 {
  return e & ((1 << pLow) - 1)
}

@inline
function typeOf(e: u32): u32 {
  return e >> pLow
}

function loadCompact(cluster: u64): i32 {
  const first = hAt + ZH_SIZE
  const all = clusters()
  const before = ((32 - (first & 31)) >> 2) & 7
  const narrow = hAdvise & Z_EROFS_ADVISE_COMPACTED_2B && before < all ? (all - before) & ~15 : 0
  let at = first + (cluster << 2)
  let shift: u64 = 2
  if (cluster >= before + narrow) {
    at -= narrow << 1
  } else if (cluster >= before) {
    at = first + (before << 2) + ((cluster - before) << 1)
    shift = 1
  }
  if (hBits > (shift == 1 ? 12 : 14)) return fail(EOPNOTSUPP, AT_COMPRESSION_INDEX, hAt)
  const bytes: u64 = shift == 1 ? 32 : 8
  const pack = at & ~(bytes - 1)
  const p = span(pack, bytes)
  if (!p) return outside(AT_COMPRESSION_INDEX, pack, EUCLEAN)
  lAfter = pack + bytes
  pStart = p
  pCount = shift == 1 ? 16 : 2
  pWidth = shift == 1 ? 14 : 16
  pLow = max(<u32>hBits, 12)
  return takeEntry(<i32>((at - pack) >> shift), u32At(p, <usize>bytes - 4))
}

function takeEntry(i: i32, base: u32): i32 {
  const e = entry(i)
  lType = typeOf(e)
  if (lType == Z_EROFS_LCLUSTER_TYPE_NONHEAD) return takeNonhead(i, lowOf(e))
  lOffset = lowOf(e)
  const blocks = hAdvise & Z_EROFS_ADVISE_BIG_PCLUSTER_1 ? bigBlocksBefore(i) : blocksBefore(i)
  if (blocks < 0) return badIndex()
  lBlock = base + <u32>blocks
  return 0
}

function takeNonhead(i: i32, low: u32): i32 {
  const counts = (low & Z_EROFS_LI_D0_CBLKCNT) != 0
  lBlocks = counts ? low & ~Z_EROFS_LI_D0_CBLKCNT : 0
  lBack = counts ? 1 : low
  // The last one of a pack has the way on in place of the way back, which is one more than its neighbour's.
  if (i == pCount - 1 && !counts) {
    const before = entry(i - 1)
    const back = lowOf(before)
    lBack = typeOf(before) != Z_EROFS_LCLUSTER_TYPE_NONHEAD ? 1 : 1 + (back & Z_EROFS_LI_D0_CBLKCNT ? 1 : back)
  }
  lNext = wayOn(i)
  return 0
}

/** Clusters from entry `i` to the next head: it may be in another pack. */
function wayOn(i: i32): u64 {
  let n: u64 = 0
  let e: u32 = 0
  for (let k = i; k < pCount; k++, n++) {
    e = entry(k)
    if (typeOf(e) != Z_EROFS_LCLUSTER_TYPE_NONHEAD) return n
  }
  const low = lowOf(e)
  return low & Z_EROFS_LI_D0_CBLKCNT ? n : n + low - 1
}

/** Blocks between the pack's base and the pcluster of head `i`, where each pcluster is of one. */
function blocksBefore(i: i32): i32 {
  let blocks = 1
  for (let k = i; k > 0; ) {
    const e = entry(--k)
    if (typeOf(e) == Z_EROFS_LCLUSTER_TYPE_NONHEAD) k -= <i32>lowOf(e)
    if (k >= 0) blocks++
  }
  return blocks
}

/** The same where each says of how many it is; -1 where one does not. */
function bigBlocksBefore(i: i32): i32 {
  let blocks = 0
  for (let k = i; k > 0; ) {
    const e = entry(--k)
    if (typeOf(e) != Z_EROFS_LCLUSTER_TYPE_NONHEAD) {
      blocks++
      continue
    }
    const low = lowOf(e)
    if (low & Z_EROFS_LI_D0_CBLKCNT) {
      blocks += <i32>(low & ~Z_EROFS_LI_D0_CBLKCNT)
      k--
    } else {
      if (low <= 1) return -1
      k -= <i32>low - 2
    }
  }
  return blocks
}
