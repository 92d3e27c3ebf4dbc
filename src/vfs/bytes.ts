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

/** A copy, of the same class. */
export function ownBytes(data: Uint8Array): Uint8Array {
  const copy = new Uint8Array(data)
  return HostBuffer?.isBuffer(data) ? asBuffer(copy) : copy
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

function bytesWithoutBuffer(text: string, encoding: string): Uint8Array {
  switch (encoding.toLowerCase()) {
    case 'hex': {
      const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)?.[0] ?? ''
      return Uint8Array.from({ length: pairs.length / 2 }, (_one, i) =>
        Number.parseInt(pairs.slice(2 * i, 2 * i + 2), 16),
      )
    }
    case 'base64':
    case 'base64url': {
      const plain = text
        .replace(/-/g, '+')
        .replace(/_/g, '/')
        .replace(/[^A-Za-z0-9+/]/g, '')
      return Uint8Array.from(atob(plain.slice(0, plain.length - (plain.length % 4 === 1 ? 1 : 0))), c =>
        c.charCodeAt(0),
      )
    }
    case 'latin1':
    case 'binary':
    case 'ascii':
      return Uint8Array.from(text, c => c.charCodeAt(0))
    case 'ucs2':
    case 'ucs-2':
    case 'utf16le':
    case 'utf-16le': {
      const bytes = new Uint8Array(2 * text.length)
      const view = new DataView(bytes.buffer)
      for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true)
      return bytes
    }
    default:
      return utf8Bytes(text)
  }
}

/** Text as bytes in one of the encodings of `isEncoding`; one that is not known is taken for UTF-8, as Node does. */
export function bytesIn(text: string, encoding: string): Uint8Array {
  if (encoding === 'utf8' || encoding === 'utf-8') return utf8Bytes(text)
  if (HostBuffer === undefined) return bytesWithoutBuffer(text, encoding)
  return HostBuffer.from(text, HostBuffer.isEncoding(encoding) ? encoding : 'utf8')
}

/** What Buffer.from makes of a value that is neither text nor a view; undefined, or its error, for what it takes not. */
export function bytesFrom(value: unknown, encoding: string): Uint8Array | undefined {
  if (HostBuffer !== undefined) return HostBuffer.from(value as string, encoding)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return Array.isArray(value) ? Uint8Array.from(value) : undefined
}
