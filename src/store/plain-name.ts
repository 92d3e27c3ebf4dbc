// Object names spelt so that any keeper of names takes them: browsers' file systems, key-value stores, hosts that fold
// case or read dots, colons and `$` in their own way. Reversible; a digest's name (`xx/yyyy…`) is spelt as it is, so
// that what is kept lies as mkcomposefs lays it out. Not here: which names an object may have (object-name.ts).
//
//   component        a-z 0-9 -     as they are; every other byte of UTF-8 as _HH (two hex digits)
//   …_s              a component that others follow: an object and what lies below its name never collide
//   …_m              a component that is not whole: the next one goes on with it
//
// `_` with any other letter begins no spelt name, so that stores may have names of their own (`_tmp`).

import { Fault } from '../format/errno.js'
import { canonicalObjectName, isDigestName } from './object-name.js'

const FOLLOWED = '_s'
const MORE = '_m'
/** Characters in one piece of a component; hosts allow 255. */
const PIECE_MAX = 200
/** Two digits alone are where digests lie, and some hosts have devices of these names. */
const TAKEN = /^(?:[0-9a-f]{2}|con|prn|aux|nul|com\d|lpt\d)$/

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function escapedByte(byte: number): string {
  return `_${byte.toString(16).padStart(2, '0')}`
}

function isPlain(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d
}

/** Pieces of one component, the last without a mark. */
function spelt(component: string): string[] {
  let text = ''
  for (const byte of encoder.encode(component)) text += isPlain(byte) ? String.fromCharCode(byte) : escapedByte(byte)
  if (TAKEN.test(text)) text = escapedByte(text.charCodeAt(0)) + text.slice(1)
  const pieces: string[] = []
  for (; text.length > PIECE_MAX; text = text.slice(PIECE_MAX)) pieces.push(text.slice(0, PIECE_MAX) + MORE)
  return [...pieces, text]
}

/** A canonical object name as a path of plain components, which `/` parts. */
export function plainName(name: string): string {
  if (isDigestName(name)) return name
  const pieces = name.split('/').map(spelt)
  return pieces.map((one, at) => one.join('/') + (at === pieces.length - 1 ? '' : FOLLOWED)).join('/')
}

function unescaped(text: string): string | undefined {
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '_') {
      bytes.push(text.charCodeAt(at))
      continue
    }
    bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16))
    at += 2
  }
  try {
    return decoder.decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

/** The object name that is spelt so; undefined for what plainName never answers. */
export function nameOfPlain(plain: string): string | undefined {
  if (isDigestName(plain)) return plain
  const joined = plain.replaceAll(`${MORE}/`, '')
  const components = joined.split('/')
  const last = components.length - 1
  const parts = components.map((one, at) => unescaped(at < last && one.endsWith(FOLLOWED) ? one.slice(0, -2) : one))
  if (parts.includes(undefined)) return undefined
  const name = parts.join('/')
  if (canonicalObjectName(name) instanceof Fault || canonicalObjectName(name) !== name) return undefined
  return plainName(name) === plain ? name : undefined
}

/** The names that a name lies below: nothing is an object below an object. */
export function namesAbove(name: string): string[] {
  const above: string[] = []
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) above.push(name.slice(0, at))
  return above
}
