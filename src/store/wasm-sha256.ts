// SHA-256 for hosts that have none that answers at once. In a file of its own, so that it is loaded where it is asked for,
// and so that a bundler still leaves out the rest of hash-wasm.

import { createSHA256 } from 'hash-wasm'
import type { Sha256 } from '../format/hash.js'

export async function wasmSha256(): Promise<Sha256> {
  const hasher = await createSHA256()
  return data => hasher.init().update(data).digest('binary')
}
