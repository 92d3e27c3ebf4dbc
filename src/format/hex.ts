// Bytes as lower-case hex and back: digests in object names, options and messages.

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += PAIRS[bytes[i]]
  return text
}

/** The bytes that `text` stands for, digits in either case; undefined when it is malformed. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || /[^0-9a-f]/i.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** The name by which stores and images know an object: the hex digits of its digest, a slash behind the first two. */
export function objectName(digest: Uint8Array): string {
  const hex = toHex(digest)
  return `${hex.slice(0, 2)}/${hex.slice(2)}`
}
