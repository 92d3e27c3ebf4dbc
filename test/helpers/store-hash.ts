// SHA-256 for the tests of stores, and one that counts.

import * as crypto from 'node:crypto'
import { createHash } from 'node:crypto'
import type { Sha256 } from '../../src/format/hash.js'

/** Node's own; the one-shot form, where there is one (20.12), is the faster. */
export const sha256: Sha256 =
  typeof crypto.hash === 'function'
    ? data => crypto.hash('sha256', data, 'buffer')
    : data => createHash('sha256').update(data).digest()

export interface CountingHash {
  readonly sha256: Sha256
  /** Calls since the last `reset`. */
  calls: number
  reset(): void
}

export function countingHash(): CountingHash {
  const counter: CountingHash = {
    calls: 0,
    sha256: data => {
      counter.calls++
      return sha256(data)
    },
    reset: () => {
      counter.calls = 0
    },
  }
  return counter
}

/** `size` bytes that look like nothing; the same for the same seed. */
export function noise(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = (seed * 2654435761) >>> 0 || 1
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}
