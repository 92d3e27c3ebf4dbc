// What a file is, by its first bytes: a table of what kinds begin with, then whether it is text, and in which encoding. A name is
// never believed; it only tells kinds of text apart. Not here: languages, which the editor tells by itself.

import type { ContentKind, Encoding } from '../contents-protocol.js'

/** So many bytes are looked at. */
export const HEAD = 8192

type Rule = readonly [at: number, magic: string, kind: ContentKind['kind'], about: string, mime: string]

/** The magic's characters are bytes; `?` is any. */
const RULES: readonly Rule[] = [
  [0, '\x89PNG\r\n\x1a\n', 'picture', 'PNG picture', 'image/png'],
  [0, '\xff\xd8\xff', 'picture', 'JPEG picture', 'image/jpeg'],
  [0, 'GIF87a', 'picture', 'GIF picture', 'image/gif'],
  [0, 'GIF89a', 'picture', 'GIF picture', 'image/gif'],
  [0, 'RIFF????WEBP', 'picture', 'WebP picture', 'image/webp'],
  [4, 'ftypavif', 'picture', 'AVIF picture', 'image/avif'],
  [4, 'ftypavis', 'picture', 'AVIF animation', 'image/avif'],
  [0, 'BM??????\0\0', 'picture', 'BMP picture', 'image/bmp'],
  [0, '\0\0\x01\0', 'picture', 'icon', 'image/x-icon'],
  [0, 'RIFF????WAVE', 'audio', 'WAV sound', 'audio/wav'],
  [0, 'fLaC', 'audio', 'FLAC sound', 'audio/flac'],
  [0, 'ID3', 'audio', 'MP3 sound', 'audio/mpeg'],
  [28, '\x01vorbis', 'audio', 'Ogg Vorbis sound', 'audio/ogg'],
  [28, 'OpusHead', 'audio', 'Ogg Opus sound', 'audio/ogg'],
  [4, 'ftypM4A', 'audio', 'MPEG-4 sound', 'audio/mp4'],
  [4, 'ftyp', 'video', 'MPEG-4 film', 'video/mp4'],
  [0, '\x1a\x45\xdf\xa3', 'video', 'Matroska or WebM film', 'video/webm'],
  [0, '\x7fELF', 'binary', 'ELF program or library', 'application/x-elf'],
  [0, '\0asm', 'binary', 'WebAssembly module', 'application/wasm'],
  [0, '\x1f\x8b', 'binary', 'gzip archive', 'application/gzip'],
  [0, '\x28\xb5\x2f\xfd', 'binary', 'Zstandard archive', 'application/zstd'],
  [0, '\xfd7zXZ\0', 'binary', 'xz archive', 'application/x-xz'],
  [0, 'BZh', 'binary', 'bzip2 archive', 'application/x-bzip2'],
  [0, 'PK\x03\x04', 'binary', 'zip archive', 'application/zip'],
  [257, 'ustar', 'binary', 'tar archive', 'application/x-tar'],
  [0, '!<arch>\n', 'binary', 'ar archive', 'application/x-archive'],
  [0, '\xed\xab\xee\xdb', 'binary', 'RPM package', 'application/x-rpm'],
  [0, '%PDF-', 'binary', 'PDF document', 'application/pdf'],
  [0, 'SQLite format 3\0', 'binary', 'SQLite database', 'application/vnd.sqlite3'],
  [0, 'TZif', 'binary', 'time zone', 'application/tzif'],
  [0, 'wOF2', 'binary', 'WOFF2 font', 'font/woff2'],
  [0, 'OTTO', 'binary', 'OpenType font', 'font/otf'],
  [0, '\0\x01\0\0\0', 'binary', 'TrueType font', 'font/ttf'],
  [0, '\xde\x12\x04\x95', 'binary', 'message catalogue', 'application/x-gettext-translation'],
  [0, '\x1a\x01', 'binary', 'terminfo entry', 'application/x-terminfo'],
  [0, '\x9a\x62\x78\xd0', 'binary', 'composefs image', 'application/x-composefs'],
  [0, '\x29\xa6\x78\xd0', 'binary', 'composefs image', 'application/x-composefs'],
  [1024, '\xe2\xe1\xf5\xe0', 'binary', 'EROFS image', 'application/x-erofs'],
  [0, 'hsqs', 'binary', 'squashfs image', 'application/x-squashfs'],
]

const BINARY: ContentKind = { kind: 'binary', about: 'binary file', mime: 'application/octet-stream' }
const EMPTY: ContentKind = { kind: 'empty', about: 'empty file', mime: 'text/plain', encoding: 'utf-8' }

/** Kinds of text that names tell apart. */
const TEXT_NAMES: readonly (readonly [RegExp, string, string])[] = [
  [/\.(?:md|markdown)$/i, 'Markdown text', 'text/markdown'],
  [/\.html?$/i, 'HTML text', 'text/html'],
  [/\.css$/i, 'CSS text', 'text/css'],
  [/\.[mc]?js$/i, 'JavaScript text', 'text/javascript'],
  [/\.csv$/i, 'CSV text', 'text/csv'],
  [/\.xml$/i, 'XML text', 'application/xml'],
  [/\.ya?ml$/i, 'YAML text', 'application/yaml'],
  [/\.toml$/i, 'TOML text', 'application/toml'],
]

function begins(head: Uint8Array, [at, magic]: Rule): boolean {
  if (head.length < at + magic.length) return false
  for (let i = 0; i < magic.length; i++) {
    if (magic[i] !== '?' && head[at + i] !== magic.charCodeAt(i)) return false
  }
  return true
}

/** Whether it is UTF-8 as far as it goes; `whole`: it is not cut. */
function isUtf8(head: Uint8Array, whole: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !whole })
    return true
  } catch {
    return false
  }
}

/** Characters that no text has but those of terminals. */
function controls(head: Uint8Array): number {
  let count = 0
  for (const byte of head) if ((byte < 0x20 && (byte < 7 || byte > 13) && byte !== 0x1b) || byte === 0x7f) count++
  return count
}

/** undefined for what is no text. */
export function encodingOf(head: Uint8Array, whole: boolean): Encoding | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (head.includes(0)) return undefined
  if (isUtf8(head, whole)) return controls(head) * 10 > head.length ? undefined : 'utf-8'
  return controls(head) === 0 ? 'windows-1252' : undefined
}

function isSvg(text: string): boolean {
  const bare = text
    .replace(/^\uFEFF/, '')
    .replace(/^(?:\s+|<\?[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE\s+svg[^>[]*(?:\[[^\]]*\])?>)*/i, '')
  return /^<(?:svg:)?svg[\s>]/.test(bare)
}

/** What a file is of which these are the first bytes. */
export function kindOf(head: Uint8Array, size: number, name: string): ContentKind {
  if (size === 0) return EMPTY
  const rule = RULES.find(one => begins(head, one))
  if (rule !== undefined) return { kind: rule[2], about: rule[3], mime: rule[4] }
  const encoding = encodingOf(head, head.length >= size)
  if (encoding === undefined) return BINARY
  const text = new TextDecoder(encoding).decode(head)
  if (isSvg(text)) return { kind: 'picture', about: 'SVG drawing', mime: 'image/svg+xml', encoding }
  if (
    /^\s*[[{]/.test(text) &&
    (/\.(?:json|map|webmanifest|geojson|ipynb)$/i.test(name) || looksLikeJson(text, head.length >= size))
  )
    return { kind: 'json', about: 'JSON', mime: 'application/json', encoding }
  const named = TEXT_NAMES.find(([pattern]) => pattern.test(name))
  const how =
    encoding === 'utf-8'
      ? ''
      : `, ${encoding === 'windows-1252' ? 'not UTF-8, read as Windows-1252' : encoding.toUpperCase()}`
  return { kind: 'text', about: `${named?.[1] ?? 'text'}${how}`, mime: named?.[2] ?? 'text/plain', encoding }
}

/** Of a file that does not say so by its name. */
function looksLikeJson(text: string, whole: boolean): boolean {
  if (!whole) return /^\s*(?:\[\s*)*\{\s*"[^"\n]*"\s*:/.test(text)
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
