// The tables by which DEFLATE's codes are looked up: a primary one by the next bits of the input, and behind it subtables
// for longer codes. An entry holds all that a symbol needs, so that a length or distance is one load and some shifts.
// Built from the lengths of the codes (RFC 1951, 3.2.2). Not here: where those stand in a stream (deflate.ts).
//
//   entry: [bits to eat, extra ones too u6][..][bits of the code u4 at 8][STOP][SUBTABLE][EXCEPTION u1 at 15]
//          [base of a length or distance, literal, symbol u15 at 16][literal u1 at 31]
//   SUBTABLE: the first entry's index in place of the base, the subtable's bits in place of the code's

export const LIT_BITS: u32 = 11
export const DIST_BITS: u32 = 9
export const CODE_BITS: u32 = 7
export const EXCEPTION: u32 = 0x8000
export const SUBTABLE: u32 = 0x4000
export const STOP: u32 = 0x2000
const LITERAL: u32 = 0x80000000

export const KIND_CODE: u32 = 0
export const KIND_LIT: u32 = 1
export const KIND_DIST: u32 = 2

const MAX_BITS: u32 = 15
/** More than any complete code needs: 2342 entries for 288 symbols, 594 for 32. */
const LIT_ENTRIES: u32 = 2432
const DIST_ENTRIES: u32 = 640
const CODE_ENTRIES: u32 = 128

export const LITS: usize = memory.data(2432 * 4, 64)
export const DISTS: usize = memory.data(640 * 4, 64)
export const CODES: usize = memory.data(128 * 4, 64)
/** Lengths of codes as they come out of a block's header: of 286 + 30 symbols. */
export const LENGTHS: usize = memory.data(320, 8)
const SORTED: usize = memory.data(288 * 2, 8)
const COUNTS: usize = memory.data(16 * 4, 8)
const OFFSETS: usize = memory.data(16 * 4, 8)

const LENGTH_BASES: usize = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
])
const LENGTH_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
])
const DIST_BASES: usize = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
])

/** Do LITS and DISTS hold the fixed codes? */
let fixed: bool = false

/** What an entry says of a symbol, whatever its code. */
@inline
function meaning(kind: u32, symbol: u32): u32 {
  if (kind == KIND_CODE) return symbol << 16
  if (kind == KIND_DIST) {
    if (symbol >= 30) return EXCEPTION
    return (<u32>load<u16>(DIST_BASES + (symbol << 1)) << 16) | (symbol < 4 ? 0 : (symbol >> 1) - 1)
  }
  if (symbol < 256) return LITERAL | (symbol << 16)
  if (symbol == 256) return EXCEPTION | STOP
  if (symbol > 285) return EXCEPTION
  return (<u32>load<u16>(LENGTH_BASES + ((symbol - 257) << 1)) << 16) | <u32>load<u8>(LENGTH_EXTRA + (symbol - 257))
}

/** Sorts the symbols by the length of their codes. Entries that are missing from a complete code; -1 where too many are. */
function sortSymbols(lengths: usize, symbols: u32): i32 {
  memory.fill(COUNTS, 0, 64)
  for (let i: u32 = 0; i < symbols; i++) {
    const p = COUNTS + (<usize>load<u8>(lengths + i) << 2)
    store<u32>(p, load<u32>(p) + 1)
  }
  let left: i32 = 1
  let at: u32 = 0
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    const n = load<u32>(COUNTS + (length << 2))
    store<u32>(OFFSETS + (length << 2), at)
    at += n
    left = (left << 1) - <i32>n
    if (left < 0) return -1
  }
  for (let i: u32 = 0; i < symbols; i++) {
    const length = <usize>load<u8>(lengths + i)
    if (length == 0) continue
    const slot = load<u32>(OFFSETS + (length << 2))
    store<u16>(SORTED + (slot << 1), i)
    store<u32>(OFFSETS + (length << 2), slot + 1)
  }
  // One code of one bit may stand alone, and there may be none at all.
  return left > 0 && at > load<u32>(COUNTS + 4) ? -1 : left > 0 && at > 1 ? -1 : <i32>at
}

/** The code after one, both with their bits reversed. */
@inline
function afterCode(code: u32, length: u32): u32 {
  const zeros = ~code & ((1 << length) - 1)
  if (zeros == 0) return 0
  const bit: u32 = 0x80000000 >> clz<u32>(zeros)
  return (code & (bit - 1)) | bit
}

/** Bits of the subtable that begins with a code of this length, of which so many are left. */
function subtableBits(primary: u32, length: u32, left: i32): u32 {
  let width = length - primary
  let room = (<i32>1 << width) - left
  while (room > 0 && width + primary < MAX_BITS) {
    width++
    room = (room << 1) - <i32>load<u32>(COUNTS + ((width + primary) << 2))
  }
  return width
}

/** Codes longer than the primary table's bits. */
function buildSubtables(kind: u32, table: usize, capacity: u32, primary: u32, first: i32, code: u32): bool {
  let at = first
  let prefix: u32 = 0xffffffff
  let begin: u32 = 0
  let end: u32 = 1 << primary
  for (let length = primary + 1; length <= MAX_BITS; length++) {
    for (let n = <i32>load<u32>(COUNTS + (length << 2)); n > 0; n--) {
      if ((code & ((1 << primary) - 1)) != prefix) {
        prefix = code & ((1 << primary) - 1)
        const width = subtableBits(primary, length, n)
        begin = end
        end += 1 << width
        if (end > capacity) return false
        store<u32>(table + (prefix << 2), EXCEPTION | SUBTABLE | (begin << 16) | (width << 8) | primary)
      }
      const shown = length - primary
      const e = meaning(kind, <u32>load<u16>(SORTED + (at++ << 1))) + (shown << 8) + shown
      for (let i = begin + (code >> primary); i < end; i += 1 << shown) store<u32>(table + (i << 2), e)
      code = afterCode(code, length)
    }
  }
  return true
}

/** Builds the table of one code; false where the lengths make none. */
export function buildTable(kind: u32, table: usize, lengths: usize, symbols: u32): bool {
  if (kind != KIND_CODE) fixed = false
  const used = sortSymbols(lengths, symbols)
  // A code of lengths must be whole: of one bit or none at all, there is nothing to be said.
  if (used < 0 || (kind == KIND_CODE && used < 2)) return false
  const primary = kind == KIND_LIT ? LIT_BITS : kind == KIND_DIST ? DIST_BITS : CODE_BITS
  const capacity = kind == KIND_LIT ? LIT_ENTRIES : kind == KIND_DIST ? DIST_ENTRIES : CODE_ENTRIES
  // What no code leads to.
  store<u32>(table, EXCEPTION)
  let code: u32 = 0
  let at: i32 = 0
  for (let length: u32 = 1; length <= primary; length++) {
    // What shorter codes have said holds whatever the further bit is.
    const half: usize = <usize>4 << (length - 1)
    memory.copy(table + half, table, half)
    for (let n = load<u32>(COUNTS + (length << 2)); n > 0; n--) {
      const e = meaning(kind, <u32>load<u16>(SORTED + (at++ << 1))) + (length << 8) + length
      store<u32>(table + (code << 2), e)
      code = afterCode(code, length)
    }
  }
  return at == used || buildSubtables(kind, table, capacity, primary, at, code)
}

/** The fixed codes (RFC 1951, 3.2.6). */
export function useFixed(): void {
  if (fixed) return
  memory.fill(LENGTHS, 8, 144)
  memory.fill(LENGTHS + 144, 9, 112)
  memory.fill(LENGTHS + 256, 7, 24)
  memory.fill(LENGTHS + 280, 8, 8)
  buildTable(KIND_LIT, LITS, LENGTHS, 288)
  memory.fill(LENGTHS, 5, 32)
  buildTable(KIND_DIST, DISTS, LENGTHS, 32)
  fixed = true
}
