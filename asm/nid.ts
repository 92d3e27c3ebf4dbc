// nids as they cross to the loader and back. Not here: where they lead (inode.ts).

/** Bit 63 says that a nid is of the metabox. */
export const NID_MASK: u64 = 0x7fffffffffffffff

/** nids cross as f64: one of the metabox (bit 63) as a negative number, -1 the first. */
@inline
export function nidOut(nid: u64): f64 {
  return FULL && nid >> 63 != 0 ? -1.0 - <f64>(nid & NID_MASK) : <f64>nid
}

/** A nid that came in so; what is none leads nowhere. */
@inline
export function nidIn(nid: f64): u64 {
  if (FULL && nid < 0 && nid > -9007199254740992) return <u64>(-1.0 - nid) | ~NID_MASK
  return nid >= 0 && nid < 9007199254740992 ? <u64>nid : NID_MASK
}
