// Bytes as text that hides nothing: printable ASCII as it is, everything else and the backslash as \xHH. Not here: text for
// people to read a file by.

const FIRST = 0x20
const LAST = 0x7e
const BACKSLASH = 0x5c

/** At most `most` bytes; dots say that there are more. */
export function escaped(bytes: Uint8Array, most = 256): string {
  let text = ''
  for (const byte of bytes.subarray(0, most)) {
    const plain = byte >= FIRST && byte <= LAST && byte !== BACKSLASH
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return bytes.length > most ? `${text}…` : text
}
