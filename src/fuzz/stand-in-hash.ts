// A hash for targets that check what is done with hashes and not the hash: fast, the same on every host, and nobody looks for two
// inputs with one value. No cryptographic hash: nothing but a fuzzer may use it. Mixes as MurmurHash3 does, by four lanes.

import type { HashAlgorithm, HashFunction } from '../format/hash.js'

const SEEDS = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f]
const FIRST = 0xcc9e2d51
const SECOND = 0x1b873593

function finish(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A hash of `digestSize` bytes. */
export function standInHash(digestSize: 32 | 64): HashFunction {
  return data => {
    const lanes = Int32Array.from(SEEDS)
    for (let i = 0; i < data.length; i++) {
      const lane = i & 3
      const mixed = Math.imul(Math.imul(data[i] + 1, FIRST) ^ (lanes[lane] >>> 15), SECOND)
      lanes[lane] = Math.imul((lanes[lane] << 13) | (lanes[lane] >>> 19), 5) ^ mixed ^ lanes[(lane + 1) & 3]
    }
    const out = new Uint8Array(digestSize)
    const view = new DataView(out.buffer)
    let last = data.length
    for (let at = 0; at < digestSize; at += 4) {
      last = finish(last ^ lanes[(at >> 2) & 3] ^ Math.imul(at + 1, FIRST))
      view.setUint32(at, last, true)
    }
    return out
  }
}

/** In place of SHA-256 or SHA-512. */
export function standInAlgorithm(digestSize: 32 | 64): HashAlgorithm {
  const hash = standInHash(digestSize)
  return digestSize === 32
    ? { name: 'sha256', number: 1, digestSize, hash }
    : { name: 'sha512', number: 2, digestSize, hash }
}
