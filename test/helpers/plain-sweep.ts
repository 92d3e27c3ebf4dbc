// The plain decoder's sweeps over a whole image (plain-decoder.ts), for the bench's batch rows: one that makes a string
// and an object of each entry, one that makes neither. Not an oracle.
import type { PlainDecoder, PlainInode } from '../../src/fuzz/plain-decoder.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000
const S_IFCHR = 0o020000

/** Every inode with its name, breadth first and without paths. */
export function sweepObjects(decoder: PlainDecoder): { names: string[]; inodes: PlainInode[] } {
  const names = ['']
  const inodes = [decoder.inode(decoder.root)]
  for (let i = 0; i < inodes.length; i++) {
    if (!inodes[i].isDirectory) continue
    for (const entry of decoder.readdir(inodes[i])) {
      names.push(entry.name)
      inodes.push(decoder.inode(entry.nid))
    }
  }
  return { names, inodes }
}

/** Numbers that `sweepNumbers` writes for an entry. */
export const NUMBERS = 9

/**
 * Mode, nlink, uid, gid, size, mtime (s, ns), the name's place and its length, of every entry but the root; a name's
 * length is only bounded by its block where it is the last. Answers how many entries.
 */
export function sweepNumbers(decoder: PlainDecoder, into: Float64Array): number {
  const { view, blockSize } = decoder
  const stack = [decoder.root]
  let count = 0
  for (let nid = stack.pop(); nid !== undefined; nid = stack.pop()) {
    const dir = decoder.inode(nid)
    const blocks = Math.ceil(dir.size / blockSize)
    for (let index = 0; index < blocks; index++) {
      const at = decoder.blockAt(dir, index, blocks)
      const table = at + view.getUint16(at + 8, true)
      const length = Math.min(blockSize, dir.size - index * blockSize)
      for (let record = at; record < table; record += 12) {
        const from = at + view.getUint16(record + 8, true)
        const to = record + 12 < table ? at + view.getUint16(record + 20, true) : at + length
        if (isDots(decoder, from, to - from)) continue
        const child = view.getUint32(record, true) + view.getUint32(record + 4, true) * 2 ** 32
        const type = numbers(decoder, child, into, count * NUMBERS)
        if (type < 0) continue
        into[count * NUMBERS + 7] = from
        into[count * NUMBERS + 8] = to - from
        count++
        if (type === S_IFDIR) stack.push(child)
      }
    }
  }
  return count
}

function isDots({ buffer }: PlainDecoder, at: number, length: number): boolean {
  if (length > 2 || buffer[at] !== 0x2e) return false
  return length === 1 || buffer[at + 1] === 0x2e
}

/** The inode's type, or -1 where the mount hides it. */
function numbers(decoder: PlainDecoder, nid: number, into: Float64Array, to: number): number {
  const { view } = decoder
  const at = decoder.metaBase + nid * 32
  const extended = (view.getUint16(at, true) & 1) !== 0
  const mode = view.getUint16(at + 4, true)
  const type = mode & S_IFMT
  if (type === S_IFCHR && decoder.composefs && view.getUint32(at + 16, true) === 0) return -1
  into[to] = mode
  if (extended) {
    into[to + 1] = view.getUint32(at + 44, true)
    into[to + 2] = view.getUint32(at + 24, true)
    into[to + 3] = view.getUint32(at + 28, true)
    into[to + 4] = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32
    into[to + 5] = view.getUint32(at + 32, true) + view.getInt32(at + 36, true) * 2 ** 32
    into[to + 6] = view.getUint32(at + 40, true)
  } else {
    into[to + 1] = view.getUint16(at + 6, true)
    into[to + 2] = view.getUint16(at + 24, true)
    into[to + 3] = view.getUint16(at + 26, true)
    into[to + 4] = view.getUint32(at + 8, true)
    into[to + 5] = decoder.epoch + view.getUint32(at + 12, true)
    into[to + 6] = decoder.epochNsec
  }
  return type
}
