// Whether an image may hold marks of an overlay at all: a search for the bytes that every such xattr's name has. Not here:
// what a mark means (view.ts; src/overlay/lower.ts).
// Horspool's search: most bytes of the image are never looked at, so 10 MB take a millisecond.

/** Where `needle` begins in `bytes` first, or first so that `accept` says yes; -1 for nowhere. */
export function searchBytes(bytes: Uint8Array, needle: string, accept = (_at: number): boolean => true): number {
  const length = needle.length
  const skip = new Uint8Array(256).fill(length)
  for (let i = 0; i < length - 1; i++) skip[needle.charCodeAt(i)] = length - 1 - i
  const last = needle.charCodeAt(length - 1)
  const end = bytes.length
  for (let at = length - 1; at < end; ) {
    const byte = bytes[at]
    if (byte === last) {
      let i = length - 2
      while (i >= 0 && bytes[at - length + 1 + i] === needle.charCodeAt(i)) i--
      if (i < 0 && accept(at - length + 1)) return at - length + 1
    }
    at += skip[byte]
  }
  return -1
}
