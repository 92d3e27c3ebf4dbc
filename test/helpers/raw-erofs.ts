// EROFS images put together inode by inode, for shapes that no tool writes. Not here: whether anything fits.
import { COMPOSEFS_HEADER, CONSTANTS, DIRENT, INODE_COMPACT, SUPERBLOCK } from '../../src/format/structs.js'
import { putField } from './cfs-v1-encoder.js'

const { EROFS_SUPER_OFFSET, EROFS_SUPER_MAGIC_V1, EROFS_ISLOTBITS, EROFS_I_DATALAYOUT_SHIFT } = CONSTANTS

export interface RawInode {
  readonly mode: number
  readonly size?: number
  /** First block of its data; without one the data stands behind the inode. */
  readonly block?: number
  /** The block of each of its chunks, which are of a block; -1 for zeros. */
  readonly chunks?: readonly number[]
}

export type RawEntry = readonly [name: string, nid: number, type: number]

export class RawErofs {
  readonly bytes: Uint8Array
  readonly #bits: number

  constructor(blocks: number, bits: number, root: number, composefs = false) {
    this.#bits = bits
    this.bytes = new Uint8Array(blocks * 2 ** bits)
    const { magic, blkszbits, rootnid_2b } = SUPERBLOCK.fields
    putField(this.bytes, EROFS_SUPER_OFFSET, magic, EROFS_SUPER_MAGIC_V1)
    putField(this.bytes, EROFS_SUPER_OFFSET, blkszbits, bits)
    putField(this.bytes, EROFS_SUPER_OFFSET, rootnid_2b, root)
    if (!composefs) return
    putField(this.bytes, 0, COMPOSEFS_HEADER.fields.magic, CONSTANTS.LCFS_EROFS_MAGIC)
    putField(this.bytes, 0, COMPOSEFS_HEADER.fields.version, CONSTANTS.LCFS_EROFS_VERSION)
  }

  /** nid of an inode at the begin of a block. */
  nidAt(block: number): number {
    return (block * 2 ** this.#bits) >>> EROFS_ISLOTBITS
  }

  inode(nid: number, { mode, size = 0, block, chunks }: RawInode): void {
    const at = nid << EROFS_ISLOTBITS
    const { i_format, i_mode, i_nb, i_size, i_u } = INODE_COMPACT.fields
    const flat = block === undefined ? CONSTANTS.EROFS_INODE_FLAT_INLINE : CONSTANTS.EROFS_INODE_FLAT_PLAIN
    const layout = chunks === undefined ? flat : CONSTANTS.EROFS_INODE_CHUNK_BASED
    putField(this.bytes, at, i_format, layout << EROFS_I_DATALAYOUT_SHIFT)
    putField(this.bytes, at, i_mode, mode)
    putField(this.bytes, at, i_nb, 2)
    putField(this.bytes, at, i_size, size)
    putField(this.bytes, at, i_u, block ?? 0)
    const map = at + INODE_COMPACT.size
    for (const [i, chunk] of (chunks ?? []).entries()) putField(this.bytes, map, { offset: 4 * i, width: 4 }, chunk)
  }

  /** A block of a directory; answers how many bytes it takes. */
  entries(at: number, entries: readonly RawEntry[]): number {
    let name = entries.length * DIRENT.size
    for (const [i, [text, nid, type]] of entries.entries()) {
      const entry = at + i * DIRENT.size
      putField(this.bytes, entry, DIRENT.fields.nid, BigInt(nid))
      putField(this.bytes, entry, DIRENT.fields.nameoff, name)
      putField(this.bytes, entry, DIRENT.fields.file_type, type)
      this.bytes.set(new TextEncoder().encode(text), at + name)
      name += text.length
    }
    return name
  }

  /** A directory whose entries stand behind its inode. */
  directory(nid: number, entries: readonly RawEntry[]): void {
    const size = this.entries((nid << EROFS_ISLOTBITS) + INODE_COMPACT.size, entries)
    this.inode(nid, { mode: CONSTANTS.S_IFDIR | 0o755, size })
  }
}
