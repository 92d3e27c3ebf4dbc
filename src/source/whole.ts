// All bytes of a ByteSource, and the name of what stands beside a file.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from './byte-source.js'

/** What a file may have at most: nearly all of a 32-bit WebAssembly memory. */
const WHOLE_MAX = 2 ** 32 - 2 ** 24
/** Bytes of one read, and how many go on at once. */
const PIECE = 4 << 20
const PIECES = 4

/** Rejects with EFBIG, EIO (a read that brings less), or as the source does. The source stays open. */
export async function readWhole(source: ByteSource): Promise<Uint8Array> {
  const { size } = source
  if (size > WHOLE_MAX) throw faultError(new Fault('EFBIG', `${size} bytes`), 'image')
  const whole = new Uint8Array(size)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < size) {
      const from = next
      const length = Math.min(PIECE, size - from)
      next += length
      const bytes = await source.read(from, length)
      if (bytes.length !== length)
        throw faultError(new Fault('EIO', `${bytes.length} bytes came, not ${length}`), 'image')
      whole.set(bytes, from)
    }
  }
  await Promise.all(Array.from({ length: PIECES }, lane))
  return whole
}

/** The name of the Merkle tree that stands beside what a path or URL names. A query stays: it may be what lets one in. Of `s3:` all is a name. */
export function besideName(name: string): string {
  if (!/^(?:https?|file):\/\//i.test(name)) return `${name}.verity`
  const url = new URL(name)
  url.pathname += '.verity'
  return url.href
}
