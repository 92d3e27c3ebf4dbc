// What type of file mode bits mean (the kernel's S_IFMT). Not here: words for types (words.ts).

import type { EntryType } from '../../protocol.js'

const TYPES: readonly (EntryType | undefined)[] = [
  undefined,
  'fifo',
  'chr',
  undefined,
  'dir',
  undefined,
  'blk',
  undefined,
  'file',
  undefined,
  'symlink',
  undefined,
  'sock',
]

export function typeOf(mode: number): EntryType {
  return TYPES[(mode >>> 12) & 0xf] ?? 'unknown'
}
