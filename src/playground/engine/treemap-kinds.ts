// What a file is, guessed by its name and mode, for colours. Not here: what its bytes say.

import { CONSTANTS } from '../../format/structs.js'
import type { FileKind } from '../reports.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = CONSTANTS

export const KINDS: readonly FileKind[] = [
  'folder',
  'program',
  'library',
  'source',
  'text',
  'media',
  'archive',
  'link',
  'special',
  'other',
]

const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  library: ['so', 'a', 'ko', 'la', 'o', 'dll', 'dylib', 'wasm', 'pyc', 'elc', 'jar', 'class'],
  source:
    'c h cc cpp hpp cxx hh go rs py pl pm rb js mjs ts tsx jsx java sh bash lua el php cs swift sql css vim tcl m4 s'.split(
      ' ',
    ),
  text: 'txt md html htm xml json toml yaml yml conf cfg ini log csv rst tex po pot desktop service rules list 1 3 5 7 8'.split(
    ' ',
  ),
  media: 'png jpg jpeg gif svg webp ico bmp ttf otf woff woff2 pcf pfb mp3 ogg wav flac mp4 webm mkv avi pdf ps'.split(
    ' ',
  ),
  archive: 'gz xz bz2 zst lz4 zip tar tgz rpm deb cpio 7z iso img squashfs erofs cfs'.split(' '),
}

const BY_EXTENSION: ReadonlyMap<string, FileKind> = new Map(
  Object.entries(EXTENSIONS).flatMap(([kind, list]) => list.map(one => [one, kind as FileKind] as const)),
)

export function kindOf(name: string, mode: number): FileKind {
  const type = mode & S_IFMT
  if (type === S_IFDIR) return 'folder'
  if (type === S_IFLNK) return 'link'
  if (type !== S_IFREG) return 'special'
  if (/\.so(?:\.[\d.]+)?$/.test(name)) return 'library'
  const dot = name.lastIndexOf('.')
  const known = dot > 0 ? BY_EXTENSION.get(name.slice(dot + 1).toLowerCase()) : undefined
  return known ?? ((mode & 0o111) !== 0 ? 'program' : 'other')
}
