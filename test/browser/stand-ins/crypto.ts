// Of node:crypto what tests use, by the package's own dependency.
import { createSHA256, createSHA512 } from 'hash-wasm'
import { Buffer } from './globals.js'

const HASHERS = { sha256: await createSHA256(), sha512: await createSHA512() }

type Algorithm = keyof typeof HASHERS

function digestOf(algorithm: Algorithm, pieces: readonly Uint8Array[]): Uint8Array {
  const hasher = HASHERS[algorithm].init()
  for (const piece of pieces) hasher.update(piece)
  return Buffer.from(hasher.digest('binary'))
}

export const sha256 = (data: Uint8Array): Uint8Array => digestOf('sha256', [data])
export const sha512 = (data: Uint8Array): Uint8Array => digestOf('sha512', [data])

export function hash(algorithm: Algorithm, data: string | Uint8Array, encoding: 'buffer' | 'hex' = 'hex'): unknown {
  const found = digestOf(algorithm, [Buffer.from(data as Uint8Array)])
  return encoding === 'buffer' ? found : Buffer.from(found).toString(encoding)
}

export function createHash(algorithm: Algorithm) {
  const pieces: Uint8Array[] = []
  const hasher = {
    update: (data: string | Uint8Array) => {
      pieces.push(Buffer.from(data as Uint8Array))
      return hasher
    },
    digest: (encoding?: BufferEncoding) => {
      const found = digestOf(algorithm, pieces)
      return encoding === undefined ? found : Buffer.from(found).toString(encoding)
    },
  }
  return hasher
}
