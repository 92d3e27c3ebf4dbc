// Bytes of EROFS structures as the makers of random images put them down: integers, nids, xattr entries, directories. Not here: where in
// an image any of it stands (random-erofs.ts, random-compressed.ts).

import { crc32c } from '../format/crc32c.js'
import type { Field } from '../format/struct.js'
import { CONSTANTS, DIRENT, SUPERBLOCK, XATTR_ENTRY } from '../format/structs.js'
import { compareBytes, type TreeEntry, type TreeInode, type TreeXattr } from './random-tree.js'

const C = CONSTANTS

export const FILE_TYPES = new Map<number, number>([
  [C.S_IFREG, 1],
  [C.S_IFDIR, 2],
  [C.S_IFCHR, 3],
  [C.S_IFBLK, 4],
  [C.S_IFIFO, 5],
  [C.S_IFSOCK, 6],
  [C.S_IFLNK, 7],
])

export function up(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

export function isDeviceMode(mode: number): boolean {
  return (mode & C.S_IFMT) === C.S_IFCHR || (mode & C.S_IFMT) === C.S_IFBLK
}

export class ErofsBytes {
  constructor(readonly bytes: Uint8Array) {}

  /** An integer, little-endian; a negative one in two's complement. */
  put(at: number, { offset, width }: Field, value: number): void {
    let rest = value
    for (let i = 0; i < width; i++) {
      this.bytes[at + offset + i] = rest
      rest = Math.floor(rest / 256)
    }
  }

  /** A nid of eight bytes; one of the metabox as a negative number, -1 the first. */
  putNid(at: number, field: Field, nid: number): void {
    this.put(at, field, nid < 0 ? -1 - nid : nid)
    if (nid < 0) this.bytes[at + field.offset + 7] |= 0x80
  }

  /** An xattr entry; answers where the next one begins. */
  xattr(at: number, { index, name, value }: TreeXattr): number {
    const { e_name_len, e_name_index, e_value_size } = XATTR_ENTRY.fields
    this.put(at, e_name_len, name.length)
    this.put(at, e_name_index, index)
    this.put(at, e_value_size, value.length)
    this.bytes.set(name, at + XATTR_ENTRY.size)
    this.bytes.set(value, at + XATTR_ENTRY.size + name.length)
    return at + entryBytes({ name, value })
  }
}

export function entryBytes({ name, value }: Pick<TreeXattr, 'name' | 'value'>): number {
  return up(XATTR_ENTRY.size + name.length + value.length, 4)
}

/** Gives the superblock the checksum that it should have. */
export function sealSuperblock(bytes: Uint8Array): void {
  const at = C.EROFS_SUPER_OFFSET
  const { checksum, blkszbits } = SUPERBLOCK.fields
  const block = 2 ** (bytes[at + blkszbits.offset] & 31)
  const end = block <= at ? at + block : block
  bytes.fill(0, at + checksum.offset, at + checksum.offset + checksum.width)
  new ErofsBytes(bytes).put(at, checksum, crc32c(bytes.subarray(at, Math.min(end, bytes.length))))
}

export interface DirEntry {
  readonly name: Uint8Array
  readonly type: number
  readonly nid: number | TreeInode
}

/** A directory's entries with `.` and `..` at their place. */
export function withDots(inode: TreeInode, own: number, above: number): DirEntry[] {
  const dot = (count: number, nid: number) => ({ name: new Uint8Array(count).fill(0x2e), type: 2, nid })
  const entries = inode.entries.map(({ name, inode: child }: TreeEntry) => {
    return { name, type: FILE_TYPES.get(child.mode & C.S_IFMT) ?? 0, nid: child }
  })
  const before = entries.filter(({ name }) => name[0] < 0x2e)
  return [...before, dot(1, own), dot(2, above), ...entries.slice(before.length)].sort((a, b) =>
    compareBytes(a.name, b.name),
  )
}

/** The blocks of a directory. */
export function dirBytes(
  entries: readonly DirEntry[],
  block: number,
  nidOf: (inode: TreeInode) => number = () => 0,
): Uint8Array {
  const blocks: DirEntry[][] = [[]]
  let used = 0
  for (const entry of entries) {
    const bytes = DIRENT.size + entry.name.length
    if (used + bytes > block) {
      blocks.push([])
      used = 0
    }
    blocks[blocks.length - 1].push(entry)
    used += bytes
  }
  const out = new ErofsBytes(new Uint8Array((blocks.length - 1) * block + used))
  for (const [b, held] of blocks.entries()) {
    let name = held.length * DIRENT.size
    for (const [i, entry] of held.entries()) {
      const at = b * block + i * DIRENT.size
      out.putNid(at, DIRENT.fields.nid, typeof entry.nid === 'number' ? entry.nid : nidOf(entry.nid))
      out.put(at, DIRENT.fields.nameoff, name)
      out.put(at, DIRENT.fields.file_type, entry.type)
      out.bytes.set(entry.name, b * block + name)
      name += entry.name.length
    }
  }
  return out.bytes
}
