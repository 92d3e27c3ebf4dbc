// Both hashes of fs-verity for tests, and data whose blocks all differ. Not here: SHA-256 alone, and one that counts
// (store-hash.ts).

import { createHash } from 'node:crypto'
import { type HashAlgorithm, sha256Algorithm, sha512Algorithm } from '../../src/format/hash.js'
import { noise } from './store-hash.js'

export const SHA256: HashAlgorithm = sha256Algorithm(data => createHash('sha256').update(data).digest())
export const SHA512: HashAlgorithm = sha512Algorithm(data => createHash('sha512').update(data).digest())
export const ALGORITHMS: readonly HashAlgorithm[] = [SHA256, SHA512]

/** The pattern of the specification's vectors. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i % 251
  return bytes
}

/** As `noise`, but soon there for large sizes: repeats itself save for a count every 512 bytes. */
export function muchNoise(size: number, seed = 1): Uint8Array {
  const part = noise(Math.min(size, 1 << 16), seed)
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += part.length) bytes.set(part.subarray(0, Math.min(part.length, size - at)), at)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= size; at += 512) view.setUint32(at, view.getUint32(at, true) ^ at, true)
  return bytes
}

/** Numbers in [0, 1), the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
