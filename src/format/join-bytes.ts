// Byte strings one behind the other.

/** Parts of `size` bytes in all, in one piece; a single one itself. */
export function joinBytes<T extends ArrayBufferLike>(
  parts: readonly Uint8Array<T>[],
  size: number,
): Uint8Array<T | ArrayBuffer> {
  if (parts.length === 1) return parts[0]
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
