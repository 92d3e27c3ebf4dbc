// Attributes as an image stores them: behind an inode, and in the area of shared ones (spec composefs-image.md section 5).
//
//   body    u32 name filter | u8 shared count | 7 zeroes | u32 id per shared one | inline entries
//   entry   u8 length of the suffix | u8 name index | u16 length of the value | suffix | value | zeroes to 4 bytes

import { attributeAt, NOT_SHARED, Pair, pairAt, prefixLength } from './attributes'
import { keyAt, REDIRECT } from './keys'
import {
  DIGEST_SIZE,
  XE_E_NAME_INDEX,
  XE_E_NAME_LEN,
  XE_E_VALUE_SIZE,
  XE_SIZE,
  XH_H_NAME_FILTER,
  XH_H_SHARED_COUNT,
  XH_SIZE,
} from './layout'
import { advance, outEnd } from './out'
import { Inode, plan } from './plan'
import { copy, put16, put32, put64, put8 } from './raw'
import { entrySize, ID_SIZE, SHARED_MAX, sharedPair } from './share'

const SLASH: u32 = 0x2f
/** Version 0, length, flags 0, algorithm 1 (SHA-256). */
const METACOPY_HEAD: u32 = ((4 + DIGEST_SIZE) << 8) | (1 << 24)

/** Writes those behind an inode, in the bytes that were reserved; the shared area begins at `base` in its block. */
export function writeAttributes(inode: Inode, end: u32, base: u32): void {
  const body = outEnd()
  let filter: u32 = 0xffffffff
  let shared: u32 = 0
  for (let i = inode.attributes; i < end; i++) {
    const pair = pairAt(attributeAt(i))
    filter &= ~((<u32>1) << keyAt(pair.key).filterBit)
    if (pair.sharedAt != NOT_SHARED && shared < SHARED_MAX) shared++
  }
  put64(body, 0)
  put32(body + 8, 0)
  put32(body + XH_H_NAME_FILTER, filter)
  put8(body + XH_H_SHARED_COUNT, shared)
  let id = body + XH_SIZE
  let entry = id + ID_SIZE * shared
  for (let i = inode.attributes; i < end; i++) {
    const pair = pairAt(attributeAt(i))
    if (pair.sharedAt != NOT_SHARED && shared > 0) {
      shared--
      put32(id, <u32>((<u64>base + pair.sharedAt) / ID_SIZE))
      id += ID_SIZE
    } else {
      entry = writeEntry(pair, entry)
    }
  }
  advance(inode.xattrSize)
}

/** Writes one entry of the shared area, where they lie back to back. */
export function writeShared(i: u32): void {
  const at = outEnd()
  advance(writeEntry(sharedPair(i), at) - at)
}

/** Writes an entry; answers its end. */
function writeEntry(pair: Pair, at: usize): usize {
  const key = keyAt(pair.key)
  const prefix = prefixLength(pair)
  const size = entrySize(pair)
  const end = at + size
  // What is not written over is padding.
  put32(end - 4, 0)
  put8(at + XE_E_NAME_LEN, key.suffixLength)
  put8(at + XE_E_NAME_INDEX, key.index)
  put16(at + XE_E_VALUE_SIZE, prefix + pair.length)
  let to = at + XE_SIZE
  copy(to, key.suffix, key.suffixLength)
  to += key.suffixLength
  if (prefix > 0) {
    if (pair.key == REDIRECT) put8(to, SLASH)
    else put32(to, METACOPY_HEAD)
    to += prefix
  }
  copy(to, pair.value, pair.length)
  return end
}
