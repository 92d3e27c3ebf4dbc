// Where each probability of a MicroLZMA stream stands, and how they begin and move. Not here: what is decided by them
// (microlzma.ts).
//
//   a decision by state: [u16 x 12]         by state and low bits of the position: [[u16 x 16] x 12]
//   a tree of k bits: [u16 x 2^k], of which the first is unused; a literal has three of 8 bits
//   a length: [is it long? u16][is it longer? u16][[tree of 3 bits] x 16][[tree of 3 bits] x 16][tree of 8 bits]

export const LC_LP_MAX: u32 = 4
export const PB_MAX: u32 = 4
export const ALIGN_BITS: u32 = 4
/** What a literal's probabilities take, in bytes. */
export const LITERAL_BYTES: usize = 2 * 0x300

/** A probability is that of a 0, of 2048; it moves by a 32nd of what is missing. */
const ONE: u32 = 2048
/** Four that are even. */
const EVEN: u64 = 0x0400040004000400
const BY_STATE: usize = 2 * 12
const BY_POSITION: usize = BY_STATE << PB_MAX
const SLOTS_BYTES: usize = 4 * 2 * 64
const DISTANCES_BYTES: usize = 2 * 128
const ALIGN_BYTES: usize = 2 << ALIGN_BITS
const SHORT_BYTES: usize = 2 * 8 << PB_MAX
const LENGTH_BYTES: usize = 4 + 2 * SHORT_BYTES + 2 * 256
const TREE_BYTES: usize = SLOTS_BYTES + DISTANCES_BYTES + ALIGN_BYTES + 2 * LENGTH_BYTES
const MODEL_BYTES: usize = 2 * BY_POSITION + 4 * BY_STATE + TREE_BYTES + (LITERAL_BYTES << LC_LP_MAX)
const MODEL: usize = memory.data(<i32>MODEL_BYTES, 64)

export const IS_MATCH: usize = MODEL
export const IS_REP0_LONG: usize = IS_MATCH + BY_POSITION
export const IS_REP: usize = IS_REP0_LONG + BY_POSITION
export const IS_REP_G0: usize = IS_REP + BY_STATE
export const IS_REP_G1: usize = IS_REP_G0 + BY_STATE
export const IS_REP_G2: usize = IS_REP_G1 + BY_STATE
export const SLOTS: usize = IS_REP_G2 + BY_STATE
export const DISTANCES: usize = SLOTS + SLOTS_BYTES
export const ALIGN: usize = DISTANCES + DISTANCES_BYTES
export const LENGTHS: usize = ALIGN + ALIGN_BYTES
export const REP_LENGTHS: usize = LENGTHS + LENGTH_BYTES
export const LITERALS: usize = REP_LENGTHS + LENGTH_BYTES

/** Inside a length. */
export const LOW: usize = 4
export const MID: usize = LOW + SHORT_BYTES
export const HIGH: usize = MID + SHORT_BYTES

/** All that streams of such properties use. */
export function resetModel(lcLp: u32): void {
  const end = LITERALS + (LITERAL_BYTES << lcLp)
  for (let at = MODEL; at < end; at += 8) store<u64>(at, EVEN)
}

/** What of a range means a 0. */
@inline
export function boundOf(range: u32, p: u32): u32 {
  return (range >> 11) * p
}

/** After a 0. */
@inline
export function grown(p: u32): u32 {
  return p + ((ONE - p) >> 5)
}

/** After a 1. */
@inline
export function shrunk(p: u32): u32 {
  return p - (p >> 5)
}
