// The buffer that an image is written through: byte strings and padding one after another, handed on piece by piece.
// Not here: where the pieces go, and what is in them.

import { alloc } from './heap'
import { plan } from './plan'
import { copy, copyName, fill } from './raw'

/** Bytes that make a piece; one can be longer, by what is put in at once. */
const PIECE: usize = 1 << 18
/** Most that is put in before it is asked again whether there is a piece: an inode, all its xattrs, its tail, padding. */
const LARGEST_UNIT: usize = 1 << 19
const SHORT: u32 = 64

export function makeOut(): bool {
  plan.out = alloc(PIECE + LARGEST_UNIT)
  return plan.out != 0
}

@inline
export function isFull(): bool {
  return plan.length >= PIECE
}

/** Address of what comes next. */
@inline
export function outEnd(): usize {
  return plan.out + plan.length
}

/** That many bytes have been put there. */
@inline
export function advance(bytes: usize): void {
  plan.length += bytes
}

@inline
export function putBytes(from: usize, length: u32): void {
  if (length < SHORT) copyName(outEnd(), from, length)
  else copy(outEnd(), from, length)
  plan.length += length
}

export function putFill(byte: u8, length: u32): void {
  fill(outEnd(), byte, length)
  plan.length += length
}

/** Zeroes up to a position in the image that is not far ahead. */
@inline
export function padTo(position: u64): void {
  const length = <u32>(position - plan.taken - plan.length)
  if (length != 0) putFill(0, length)
}
