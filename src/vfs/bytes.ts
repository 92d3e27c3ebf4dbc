// Bytes to text and back in the encodings that Node names. Not here: which of them a call asks for.
// With Node's Buffer its own methods do the work; without one (a browser), answers are Uint8Arrays and the few
// encodings are written out below.

import { HostBuffer } from './host.js'

const NAMES = [
  'utf8',
  'utf-8',
  'hex',
  'base64',
  'base64url',
  'latin1',
  'binary',
  'ascii',
  'ucs2',
  'ucs-2',
  'utf16le',
  'utf-16le',
]

/** Whether Node knows an encoding by this name. */
export function isEncoding(name: string): boolean {
  return HostBuffer !== undefined ? HostBuffer.isEncoding(name) : NAMES.includes(name.toLowerCase())
}

/** The same memory as the host's Buffer; the array itself where there is none. */
export function asBuffer(data: Uint8Array): Uint8Array {
  if (HostBuffer === undefined || HostBuffer.isBuffer(data)) return data
  return HostBuffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Any view of memory as bytes. */
export function viewBytes(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })
const ENCODER = new TextEncoder()

/** UTF-8, an invalid sequence as U+FFFD, a byte order mark as itself. */
export function utf8Text(data: Uint8Array): string {
  return DECODER.decode(data)
}

export function utf8Bytes(text: string): Uint8Array {
  return ENCODER.encode(text)
}

const CHUNK = 0x2000

function latin1(data: Uint8Array, mask: number): string {
  let text = ''
  for (let at = 0; at < data.length; at += CHUNK) {
    text += String.fromCharCode(...data.subarray(at, at + CHUNK).map(byte => byte & mask))
  }
  return text
}

function textWithoutBuffer(data: Uint8Array, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'hex':
      return Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('')
    case 'base64':
      return btoa(latin1(data, 0xff))
    case 'base64url':
      return btoa(latin1(data, 0xff)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
    case 'latin1':
    case 'binary':
      return latin1(data, 0xff)
    case 'ascii':
      return latin1(data, 0x7f)
    case 'utf8':
    case 'utf-8':
      return utf8Text(data)
    default:
      return new TextDecoder('utf-16le', { ignoreBOM: true }).decode(data.subarray(0, data.length & ~1))
  }
}

/** Bytes as text in one of the encodings of `isEncoding`. */
export function textIn(data: Uint8Array, encoding: string): string {
  const buffer = asBuffer(data) as { toString(encoding: string): string }
  return HostBuffer === undefined ? textWithoutBuffer(data, encoding) : buffer.toString(encoding)
}

/** What a call with this `encoding` option hands out for a name: text, or the bytes for `buffer`. */
export function encoded(data: Uint8Array, encoding: string | undefined): string | Uint8Array {
  return encoding === 'buffer' ? asBuffer(data) : textIn(data, encoding || 'utf8')
}
