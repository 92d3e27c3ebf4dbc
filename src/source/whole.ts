// All bytes of a ByteSource, and the name of what stands beside a file.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from './byte-source.js'

/** What a file may have at most: nearly all of a 32-bit WebAssembly memory. */
export const WHOLE_MAX = 2 ** 32 - 2 ** 24
/** Bytes of one read, and how many go on at once. */
const PIECE = 4 << 20
const PIECES = 4

function checkSize(size: number): void {
  if (size > WHOLE_MAX) throw faultError(new Fault('EFBIG', `${size} bytes`), 'image')
}

function checkLength(bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return
  throw faultError(new Fault('EIO', `${bytes.length} bytes came, not ${length}`), 'image')
}

/** Rejects with EFBIG, EIO (a read that brings less), or as the source does. The source stays open. */
export async function readWhole(source: ByteSource): Promise<Uint8Array> {
  const { size } = source
  checkSize(size)
  const whole = new Uint8Array(size)
  let next = 0
  const lane = async (): Promise<void> => {
    try {
      while (next < size) {
        const from = next
        const length = Math.min(PIECE, size - from)
        next += length
        const bytes = await source.read(from, length)
        checkLength(bytes, length)
        whole.set(bytes, from)
      }
    } finally {
      // Where one read failed, the others need not go on.
      next = size
    }
  }
  await Promise.all(Array.from({ length: PIECES }, lane))
  return whole
}

/** The same at once; EAGAIN from a source that can't. */
export function readWholeSync(source: ByteSource): Uint8Array {
  const { size } = source
  if (source.readSync === undefined) throw faultError(new Fault('EAGAIN', 'can only be read asynchronously'), 'image')
  checkSize(size)
  const whole = source.readSync(0, size)
  checkLength(whole, size)
  return whole
}

/** The name of the Merkle tree that stands beside what a path or URL names. A query stays: it may be what lets one in. Of `s3:` all is a name. */
export function besideName(name: string): string {
  if (!/^(?:https?|file):\/\//i.test(name)) return `${name}.verity`
  // Not the platform's error, which quotes all of it.
  if (!URL.canParse(name)) throw faultError(new Fault('EINVAL', 'malformed'), 'URL')
  const url = new URL(name)
  url.pathname += '.verity'
  return url.href
}
