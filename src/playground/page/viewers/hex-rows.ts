// Bytes as rows of a hex view: digits, ASCII, and which character of a row stands for which byte. Not here: what is drawn.

/** One row: where it begins, and its bytes. */
export interface HexRow {
  readonly offset: number
  readonly bytes: Uint8Array
}

export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

export function asciiText(bytes: Uint8Array): string {
  return Array.from(bytes, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
}

export function offsetText(offset: number, digits: number): string {
  return offset.toString(16).padStart(digits, '0')
}

/** What is typed as an offset: decimal, or hex with 0x before or h behind; undefined for what is none. */
export function parsedOffset(text: string): number | undefined {
  const bare = text.trim().replace(/[_,\s]/g, '')
  const hex = /^(?:0x([0-9a-f]+)|([0-9a-f]+)h)$/i.exec(bare)
  if (hex !== null) return safe(Number.parseInt(hex[1] ?? hex[2], 16))
  return /^\d+$/.test(bare) ? safe(Number(bare)) : undefined
}

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined
}

/** What the bytes at a place mean as numbers, for people. */
export function meaningsOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const all: string[] = []
  if (bytes.length >= 1) all.push(`u8 ${bytes[0]}`)
  if (bytes.length >= 2) all.push(`u16 ${view.getUint16(0, true)}`)
  if (bytes.length >= 4) all.push(`u32 ${view.getUint32(0, true)}`)
  if (bytes.length >= 8) all.push(`u64 ${view.getBigUint64(0, true)}`)
  return all.join(', ')
}
