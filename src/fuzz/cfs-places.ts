// Where the structures of a cfs v1 image are, as far as they can be found: read without trust, by rules of its own and not by the core's,
// since it is the core that is fuzzed. Not here: what is changed there (mutate-cfs-v1.ts).

import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../format/cfs-v1-structs.js'
import { CONSTANTS, type Field } from '../format/structs.js'
import { type Place, readField } from './erofs-places.js'

/** Inodes that are looked at, and entries of one directory or attributes of one inode. */
const INODES_MAX = 512
const ENTRIES_MAX = 256
const REFERENCES = ['variable_data', 'xattrs', 'digest'] as const

export interface CfsPlaces {
  /** Byte offset of the variable data. */
  readonly vdata: number
  /** All of the following, and the superblock, directory headers, attribute headers and attributes. */
  readonly structs: readonly Place[]
  readonly inodes: readonly Place[]
  /** Those of inodes that lead somewhere. */
  readonly references: readonly Place[]
  readonly dirents: readonly Place[]
  /** Byte ranges of names, paths, digests and attributes. */
  readonly ranges: readonly { readonly at: number; readonly length: number }[]
}

class Finder {
  readonly #bytes: Uint8Array
  readonly #vdata: number
  readonly structs: Place[] = []
  readonly inodes: Place[] = []
  readonly references: Place[] = []
  readonly dirents: Place[] = []
  readonly ranges: { at: number; length: number }[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#vdata = readField(bytes, 0, CFS_V1_SUPERBLOCK.fields.vdata_offset)
  }

  find(): CfsPlaces {
    this.structs.push({ struct: CFS_V1_SUPERBLOCK, at: 0 })
    const end = Math.min(this.#vdata, this.#bytes.length)
    for (let at = CFS_V1_SUPERBLOCK.size; at + CFS_V1_INODE.size <= end; at += CFS_V1_INODE.size) {
      if (this.inodes.length === INODES_MAX) break
      this.#inode(at)
    }
    this.structs.push(...this.inodes, ...this.references, ...this.dirents)
    const { structs, inodes, references, dirents, ranges } = this
    return { vdata: this.#vdata, structs, inodes, references, dirents, ranges }
  }

  #inode(at: number): void {
    this.inodes.push({ struct: CFS_V1_INODE, at })
    const directory = (readField(this.#bytes, at, CFS_V1_INODE.fields.st_mode) & CONSTANTS.S_IFMT) === CONSTANTS.S_IFDIR
    for (const name of REFERENCES) {
      const reference = at + CFS_V1_INODE.fields[name].offset
      const length = readField(this.#bytes, reference, CFS_V1_REFERENCE.fields.length)
      const data = this.#vdata + readField(this.#bytes, reference, CFS_V1_REFERENCE.fields.offset)
      if (length === 0 || !(data + length <= this.#bytes.length)) continue
      this.references.push({ struct: CFS_V1_REFERENCE, at: reference })
      if (name === 'xattrs') this.#xattrs(data, length)
      else if (name === 'variable_data' && directory) this.#entries(data, length)
      else this.ranges.push({ at: data, length })
    }
  }

  #entries(at: number, length: number): void {
    this.structs.push({ struct: CFS_V1_DIR_HEADER, at })
    const count = this.#count(at, CFS_V1_DIR_HEADER.fields.n_dirents, length / CFS_V1_DIRENT.size)
    const first = at + CFS_V1_DIR_HEADER.size
    for (let i = 0; i < count; i++) this.dirents.push({ struct: CFS_V1_DIRENT, at: first + i * CFS_V1_DIRENT.size })
    const names = first + count * CFS_V1_DIRENT.size
    this.ranges.push({ at: names, length: Math.max(at + length - names, 0) })
  }

  #xattrs(at: number, length: number): void {
    this.structs.push({ struct: CFS_V1_XATTR_HEADER, at })
    const count = this.#count(at, CFS_V1_XATTR_HEADER.fields.n_attr, length / CFS_V1_XATTR.size)
    const first = at + CFS_V1_XATTR_HEADER.size
    for (let i = 0; i < count; i++) this.structs.push({ struct: CFS_V1_XATTR, at: first + i * CFS_V1_XATTR.size })
    const keys = first + count * CFS_V1_XATTR.size
    this.ranges.push({ at: keys, length: Math.max(at + length - keys, 0) })
  }

  #count(at: number, field: Field, most: number): number {
    return Math.min(readField(this.#bytes, at, field), Math.floor(most), ENTRIES_MAX)
  }
}

export function cfsPlaces(bytes: Uint8Array): CfsPlaces {
  return new Finder(bytes).find()
}
