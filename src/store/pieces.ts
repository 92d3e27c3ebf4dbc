// Bytes, or chunks of any lengths, as pieces of one length: for stores that write so. Not here: where they go.

import { joinBytes } from '../format/join-bytes.js'

/** Pieces of `length` bytes, the last one shorter, none for no bytes. Each is the receiver's: no view of what was given. */
export async function* pieces(
  data: Uint8Array | AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (data instanceof Uint8Array) {
    for (let at = 0; at < data.length; at += length) yield new Uint8Array(data.subarray(at, at + length))
    return
  }
  // Small objects are the usual ones: no whole piece is allocated for them.
  let held: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const chunk of data) {
    for (let at = 0; at < chunk.length; ) {
      // Copied at once: a source may fill the same buffer again.
      const part = new Uint8Array(chunk.subarray(at, at + length - size))
      held.push(part)
      size += part.length
      at += part.length
      if (size < length) continue
      yield joinBytes(held, size)
      held = []
      size = 0
    }
  }
  if (size > 0) yield joinBytes(held, size)
}
