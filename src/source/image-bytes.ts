// The bytes of a whole image that is about to be opened. Not here: opening.

/** Bytes of an image that a host has found: their number, and a function that writes them to a place. */
export interface ImageBytes {
  readonly size: number
  /** The first bytes, `length` of them at most. */
  head(length: number): Uint8Array
  fill(into: Uint8Array): void
  done?(): void
}

/** Those that are in memory. */
export function imageBytes(bytes: Uint8Array): ImageBytes {
  return { size: bytes.length, head: length => bytes.subarray(0, length), fill: into => into.set(bytes) }
}
