// Decodes raw DEFLATE (RFC 1951), as fs/erofs/decompressor_deflate.c has zlib do it: no zlib or gzip wrapper, a window of
// 32 KiB. What zlib's inflate refuses is refused here: codes that are over-subscribed, or incomplete with more than one
// bit, a code without end-of-block, more than 286 or 30 symbols, distances before the first byte of output.
// Not here: which bytes of an image make a stream (the mapping), nor what to do where less came out than was hoped for.
//
// Bounded by construction. Input is loaded at from .. from + length alone. A turn of the fast loop puts out at most two
// literals and a match of 258 bytes, and is begun where those fit; wide stores go up to 15 bytes beyond. The careful loop
// takes what the fast one leaves, near the end of either, symbol by symbol. Each turn eats at least one bit.
//
//   stream: block .. block      block: [last u1][type u2] then
//     0 stored:  [to a byte's edge][LEN u16][~LEN u16][bytes]
//     1 fixed:   symbols, end-of-block
//     2 dynamic: [HLIT u5][HDIST u5][HCLEN u4][lengths of the code of lengths u3 ..][lengths ..] symbols, end-of-block

import { EUCLEAN } from '../layout'
import { buildTable, CODE_BITS, DIST_BITS, KIND_CODE, KIND_DIST, KIND_LIT, LENGTHS, LIT_BITS } from './deflate-table'
import { CODES, DISTS, EXCEPTION, LITS, STOP, SUBTABLE, useFixed } from './deflate-table'
import { copyMatch } from './match-copy'

const BAD: i32 = -(<i32>EUCLEAN)
/** What a loop over symbols ends with: near an end, at end-of-block, with the room full. */
const NEAR: i32 = 0
const ENDED: i32 = 1
const FULL: i32 = 2

/** Input that one turn of the fast loop may load, output that it may make. */
const FAST_IN: usize = 16
const FAST_OUT: usize = 2 + 258

/** Order in which the lengths of the code of lengths stand. */
const ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])

// The state between loops: within them it is in locals.
let next: usize = 0
let inEnd: usize = 0
let bits: u64 = 0
let count: u32 = 0
let out: usize = 0
let start: usize = 0
let outEnd: usize = 0

@inline
function litEntry(b: u64): u32 {
  return load<u32>(LITS + (<usize>(b & ((1 << LIT_BITS) - 1)) << 2))
}

/** The entry of a subtable, once the bits of the primary table are gone. */
@inline
function subEntry(table: usize, e: u32, b: u64): u32 {
  return load<u32>(table + (((<usize>e >> 16) + (<usize>b & ((1 << ((e >> 8) & 15)) - 1))) << 2))
}

/** The base of a length or distance, and its extra bits. */
@inline
function valueOf(e: u32, b: u64): u32 {
  return ((e >> 16) & 0x7fff) + ((<u32>b & ((<u32>1 << (e & 31)) - 1)) >> ((e >> 8) & 15))
}

/** Symbols as long as neither end is near. */
function fast(): i32 {
  const lastIn = inEnd - FAST_IN
  const lastOut = outEnd - FAST_OUT
  let from = next
  let b = bits
  let n = count
  let to = out
  let r = NEAR
  while (from <= lastIn && to <= lastOut) {
    // At least 56 bits; what is above n is what will be there.
    b |= load<u64>(from) << <u64>n
    from += (63 - n) >> 3
    n |= 56
    let e = litEntry(b)
    if (<i32>e < 0) {
      store<u8>(to++, e >> 16)
      b >>= <u64>e
      n -= e & 63
      e = litEntry(b)
      if (<i32>e < 0) {
        store<u8>(to++, e >> 16)
        b >>= <u64>e
        n -= e & 63
        e = litEntry(b)
      }
    }
    if (e & EXCEPTION) {
      if (e & SUBTABLE) {
        b >>= <u64>LIT_BITS
        n -= LIT_BITS
        e = subEntry(LITS, e, b)
      }
      if (e & EXCEPTION) {
        b >>= <u64>e
        n -= e & 63
        r = e & STOP ? ENDED : BAD
        break
      }
    }
    if (<i32>e < 0) {
      store<u8>(to++, e >> 16)
      b >>= <u64>e
      n -= e & 63
      continue
    }
    const length = valueOf(e, b)
    b >>= <u64>e
    n -= e & 63
    b |= load<u64>(from) << <u64>n
    from += (63 - n) >> 3
    n |= 56
    e = load<u32>(DISTS + (<usize>(b & ((1 << DIST_BITS) - 1)) << 2))
    if (e & SUBTABLE) {
      b >>= <u64>DIST_BITS
      n -= DIST_BITS
      e = subEntry(DISTS, e, b)
    }
    const distance = valueOf(e, b)
    b >>= <u64>e
    n -= e & 63
    if ((e & EXCEPTION) | u32(<usize>distance > to - start)) return BAD
    copyMatch(to, distance, length)
    to += length
  }
  next = from
  bits = b
  count = n
  out = to
  return r
}

/** Symbols one by one, with every end checked, up to the end of the block or of the room. */
function careful(): i32 {
  while (out < outEnd) {
    refill()
    let e = litEntry(bits)
    if (e & SUBTABLE) {
      if (!eat(LIT_BITS)) return BAD
      e = subEntry(LITS, e, bits)
    }
    const value = valueOf(e, bits)
    if (!eat(e & 63)) return BAD
    if (<i32>e < 0) {
      store<u8>(out++, value)
      continue
    }
    if (e & EXCEPTION) return e & STOP ? ENDED : BAD
    refill()
    e = load<u32>(DISTS + (<usize>(bits & ((1 << DIST_BITS) - 1)) << 2))
    if (e & SUBTABLE) {
      if (!eat(DIST_BITS)) return BAD
      e = subEntry(DISTS, e, bits)
    }
    const distance = <usize>valueOf(e, bits)
    if (!eat(e & 63) || e & EXCEPTION || distance > out - start) return BAD
    const stop = out + min(<usize>value, outEnd - out)
    for (; out < stop; out++) store<u8>(out, load<u8>(out - distance))
  }
  return FULL
}

/** Fills the bits up byte by byte, as far as there is input. */
function refill(): void {
  while (count <= 56 && next < inEnd) {
    bits |= <u64>load<u8>(next++) << <u64>count
    count += 8
  }
}

/** Drops `n` bits; not where they are not there. */
@inline
function eat(n: u32): bool {
  if (n > count) return false
  bits >>= <u64>n
  count -= n
  return true
}

/** The bytes of a stored block, of which those that were taken into the bits come first. */
function stored(): i32 {
  // What is above count would be taken for what comes later.
  next -= count >> 3
  bits = 0
  count = 0
  if (inEnd - next < 4) return BAD
  const length = <usize>load<u16>(next)
  if (length != (<usize>load<u16>(next, 2) ^ 0xffff)) return BAD
  next += 4
  const n = min(length, outEnd - out)
  if (n > inEnd - next) return BAD
  memory.copy(out, next, n)
  out += n
  next += n
  return n < length ? FULL : ENDED
}

/** The codes of a dynamic block. 0 or BAD. */
function dynamic(): i32 {
  refill()
  const lits: u32 = 257 + (<u32>bits & 31)
  const dists: u32 = 1 + ((<u32>bits >> 5) & 31)
  const codes: u32 = 4 + ((<u32>bits >> 10) & 15)
  if (!eat(14) || lits > 286 || dists > 30) return BAD
  memory.fill(LENGTHS, 0, 19)
  for (let i: u32 = 0; i < codes; i++) {
    if (count < 3) refill()
    store<u8>(LENGTHS + load<u8>(ORDER + i), <u8>bits & 7)
    if (!eat(3)) return BAD
  }
  if (!buildTable(KIND_CODE, CODES, LENGTHS, 19)) return BAD
  const all = lits + dists
  let i: u32 = 0
  while (i < all) {
    if (count < 14) refill()
    const e = load<u32>(CODES + (<usize>(bits & ((1 << CODE_BITS) - 1)) << 2))
    if (e & EXCEPTION || !eat(e & 63)) return BAD
    const symbol = e >> 16
    if (symbol < 16) {
      store<u8>(LENGTHS + i++, symbol)
      continue
    }
    if (symbol == 16 && i == 0) return BAD
    const width: u32 = symbol == 18 ? 7 : symbol - 14
    const times: u32 = (symbol == 18 ? 11 : 3) + (<u32>bits & ((1 << width) - 1))
    if (!eat(width) || times > all - i) return BAD
    memory.fill(LENGTHS + i, symbol == 16 ? load<u8>(LENGTHS + i - 1) : 0, times)
    i += times
  }
  if (load<u8>(LENGTHS + 256) == 0) return BAD
  if (!buildTable(KIND_LIT, LITS, LENGTHS, lits)) return BAD
  return buildTable(KIND_DIST, DISTS, LENGTHS + lits, dists) ? 0 : BAD
}

/** A block whose header's first three bits are eaten. */
function block(type: u32): i32 {
  if (type == 0) return stored()
  if (type == 3) return BAD
  if (type == 1) useFixed()
  else if (dynamic() < 0) return BAD
  const r = fast()
  return r == NEAR ? careful() : r
}

/**
 * Decodes a stream of `length` bytes at `from` into at most `room` bytes at `to`. Bytes written, or -EUCLEAN where the
 * input is bad; decoding stops as soon as the room is full, whatever follows. Behind the room 32 bytes may be written.
 */
export function decodeDeflate(from: usize, length: usize, to: usize, room: usize): i32 {
  next = from
  inEnd = from + length
  bits = 0
  count = 0
  out = start = to
  outEnd = to + room
  while (out < outEnd) {
    refill()
    const header = <u32>bits
    if (!eat(3)) return BAD
    const r = block((header >> 1) & 3)
    if (r < 0) return r
    if (r == FULL || header & 1) break
  }
  return <i32>(out - start)
}
