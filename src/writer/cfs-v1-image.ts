// The bytes of a cfs v1 image, the composefs kernel patches' own format (spec cfs-v1.md section 2): superblock, a table of
// inodes of one size, then variable data. Nothing of the tree is rewritten: no marks of an overlay, no whiteout table.
//
//   | superblock 128 | inode 0, 96 | inode 1 | … | vdata: dirents, paths, digests, then xattrs |

import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
  CONSTANTS,
} from '../format/structs.js'
import { DIGEST_SIZE, NONE, type Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { breadthFirst, NumberList, type Order } from './breadth-first.js'
import { ByteArena, sameBytes } from './byte-arena.js'
import { HashIndex, hashBytes } from './hash-index.js'
import { OutBuffer, PIECE } from './out-buffer.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = CONSTANTS
const TYPE_SHIFT = 12
const ALIGNMENT = 4
/** The upper half of 2^53, the largest size of a file in either format; a reader takes no larger one for what has no bytes either. */
const SIZE_HIGH_MAX = 2 ** 21

/** Where a piece of the variable data lies; length 0 is none. */
class References {
  readonly at = new NumberList(256)
  readonly length = new NumberList(256)

  push(at: number, length: number): void {
    this.at.push(at)
    this.length.push(length)
  }
}

/** The variable data, in which what is the same can be kept once. */
class VariableData {
  readonly arena = new ByteArena()
  readonly #index = new HashIndex()
  readonly #at = new NumberList(256)
  readonly #length = new NumberList(256)
  length = 0

  /** Appends bytes; with `dedup`, answers where the same have been put already, by whichever call. */
  append(source: Uint8Array, from: number, to: number, dedup: boolean, align: boolean): number {
    const length = to - from
    const hash = hashBytes(source, from, to, this.#index.seed)
    const known = this.#find(source, from, length, hash)
    if (dedup && known !== NONE) return this.#at.values[known]
    if (align) this.#pad()
    const at = this.arena.append(source, from, to)
    this.length = at + length
    if (known === NONE) {
      this.#index.add(hash, this.#at.length)
      this.#at.push(at)
      this.#length.push(length)
    }
    return at
  }

  #pad(): void {
    const rest = this.length % ALIGNMENT
    if (rest !== 0) this.length = this.arena.append(new Uint8Array(ALIGNMENT), 0, ALIGNMENT - rest) + ALIGNMENT - rest
  }

  #find(source: Uint8Array, from: number, length: number, hash: number): number {
    const { bytes } = this.arena
    for (let slot = this.#index.start(hash); ; slot = this.#index.after(slot)) {
      const row = this.#index.at(slot)
      if (row < 0) return NONE
      if (!this.#index.hashIs(slot, hash) || this.#length.values[row] !== length) continue
      if (sameBytes(bytes, this.#at.values[row], source, from, length)) return row
    }
  }
}

/** An image of a tree, ready to be written. Times that the tree has no ctime for are its mtime. */
export class CfsV1Image {
  readonly #tree: Tree
  readonly #order: Order
  readonly #data = new VariableData()
  readonly #variable = new References()
  readonly #digests = new References()
  readonly #xattrs = new References()

  /** Throws a TreeError (EINVAL) for what the format can not hold: content, a file with bytes but no backing file. */
  constructor(tree: Tree) {
    if (tree.count === 0) throw new TreeError('EINVAL', 'the tree has no root')
    this.#tree = tree
    this.#order = breadthFirst(
      tree,
      (entries, _directory, children, count) => {
        for (let i = 0; i < count; i++) entries.push(children[i])
      },
      () => false,
    )
    const inodes = this.#order.nodes
    for (let ino = 0; ino < inodes.length; ino++) this.#variableData(ino, inodes.values[ino])
    for (let ino = 0; ino < inodes.length; ino++) this.#xattrData(inodes.values[ino])
  }

  /** Bytes of the image. */
  get size(): number {
    return this.#vdataOffset + this.#data.length
  }

  get #vdataOffset(): number {
    return CFS_V1_SUPERBLOCK.size + CFS_V1_INODE.size * this.#order.nodes.length
  }

  /** The image piece by piece; a piece is good until the next one is asked for. */
  *pieces(): Generator<Uint8Array> {
    const out = new OutBuffer()
    this.#superblock(out)
    for (let ino = 0; ino < this.#order.nodes.length; ) {
      for (; ino < this.#order.nodes.length && !out.full; ino++) this.#inode(out, ino)
      yield out.take()
    }
    for (let at = 0; at < this.#data.length; at += PIECE) {
      yield this.#data.arena.bytes.subarray(at, Math.min(at + PIECE, this.#data.length))
    }
  }

  #variableData(ino: number, node: number): void {
    const tree = this.#tree
    const type = tree.mode[node] & S_IFMT
    const { bytes } = tree.arena
    const high = tree.sizeHigh[node]
    if (type !== S_IFDIR && (high > SIZE_HIGH_MAX || (high === SIZE_HIGH_MAX && tree.sizeLow[node] > 0))) {
      throw new TreeError('EFBIG', undefined, { node })
    }
    const from = tree.payloadAt[node]
    const length = from === NONE ? 0 : tree.payloadLength[node]
    if (type === S_IFDIR) this.#dirents(ino)
    else if (type === S_IFREG && tree.size(node) > 0) {
      if (length === 0) throw new TreeError('EINVAL', 'cfs v1 holds no content: the file needs a payload', { node })
      this.#variable.push(this.#data.append(bytes, from, from + length, true, false), length)
    } else if (type === S_IFLNK) {
      if (length === 0) throw new TreeError('EINVAL', 'a symlink needs a target', { node })
      this.#variable.push(this.#data.append(bytes, from, from + length, true, false), length)
    } else this.#variable.push(0, 0)
    const digest = tree.digestAt[node]
    if (digest === NONE) this.#digests.push(0, 0)
    else this.#digests.push(this.#data.append(bytes, digest, digest + DIGEST_SIZE, true, false), DIGEST_SIZE)
  }

  /** u32 number of entries | per entry: u32 inode, u32 offset of the name, u8 its length, u8 type, u16 0 | names. */
  #dirents(ino: number): void {
    const tree = this.#tree
    const { entries, entriesAt, entryCount, inodes } = this.#order
    const count = entryCount.values[ino]
    if (count === 0) {
      this.#variable.push(0, 0)
      return
    }
    const from = entriesAt.values[ino]
    const table = CFS_V1_DIR_HEADER.size + CFS_V1_DIRENT.size * count
    let names = 0
    for (let i = from; i < from + count; i++) names += tree.nameLength[entries.values[i]]
    const chunk = new Uint8Array(table + names)
    const view = new DataView(chunk.buffer)
    view.setUint32(0, count, true)
    const { fields } = CFS_V1_DIRENT
    let name = 0
    for (let i = 0; i < count; i++) {
      const entry = entries.values[from + i]
      const target = tree.resolved(entry)
      const length = tree.nameLength[entry]
      const at = CFS_V1_DIR_HEADER.size + CFS_V1_DIRENT.size * i
      view.setUint32(at + fields.inode_num.offset, inodes[target], true)
      view.setUint32(at + fields.name_offset.offset, name, true)
      view.setUint8(at + fields.name_len.offset, length)
      view.setUint8(at + fields.d_type.offset, (tree.mode[target] & S_IFMT) >>> TYPE_SHIFT)
      chunk.set(tree.arena.view(tree.nameAt[entry], length), table + name)
      name += length
    }
    this.#variable.push(this.#data.append(chunk, 0, chunk.length, false, true), chunk.length)
  }

  /** u16 number of attributes | per attribute: u16 length of the key, u16 of the value | keys and values, by key. */
  #xattrData(node: number): void {
    const { xattrs, arena } = this.#tree
    const count = node < xattrs.count.length ? xattrs.count[node] : 0
    if (count === 0) {
      this.#xattrs.push(0, 0)
      return
    }
    const from = xattrs.start[node]
    const pairs = Array.from(xattrs.list.subarray(from, from + count), pair => {
      const key = xattrs.pairKey[pair]
      return { name: xattrs.keyName(key), pair, keyAt: xattrs.keyAt[key], keyLength: xattrs.keyLength[key] }
    }).sort((a, b) => (a.name < b.name ? -1 : 1))
    let size = CFS_V1_XATTR_HEADER.size + CFS_V1_XATTR.size * count
    for (const { pair, keyLength } of pairs) size += keyLength + xattrs.valueLength[pair]
    const chunk = new Uint8Array(size)
    const view = new DataView(chunk.buffer)
    view.setUint16(0, count, true)
    let at = CFS_V1_XATTR_HEADER.size
    let data = at + CFS_V1_XATTR.size * count
    for (const { pair, keyAt, keyLength } of pairs) {
      view.setUint16(at + CFS_V1_XATTR.fields.key_length.offset, keyLength, true)
      view.setUint16(at + CFS_V1_XATTR.fields.value_length.offset, xattrs.valueLength[pair], true)
      at += CFS_V1_XATTR.size
      chunk.set(arena.view(keyAt, keyLength), data)
      chunk.set(arena.view(xattrs.valueAt[pair], xattrs.valueLength[pair]), data + keyLength)
      data += keyLength + xattrs.valueLength[pair]
    }
    this.#xattrs.push(this.#data.append(chunk, 0, size, true, true), size)
  }

  #superblock(out: OutBuffer): void {
    out.zeroes(CFS_V1_SUPERBLOCK.size)
    const { version, magic, vdata_offset } = CFS_V1_SUPERBLOCK.fields
    out.view.setUint32(version.offset, CONSTANTS.CFS_V1_VERSION, true)
    out.view.setUint32(magic.offset, CONSTANTS.CFS_V1_MAGIC, true)
    out.view.setBigUint64(vdata_offset.offset, BigInt(this.#vdataOffset), true)
  }

  #inode(out: OutBuffer, ino: number): void {
    const tree = this.#tree
    const node = this.#order.nodes.values[ino]
    const at = out.length
    const { view } = out
    out.zeroes(CFS_V1_INODE.size)
    const { fields } = CFS_V1_INODE
    view.setUint32(at + fields.st_mode.offset, tree.mode[node], true)
    view.setUint32(at + fields.st_nlink.offset, this.#nlink(ino, node), true)
    view.setUint32(at + fields.st_uid.offset, tree.uid[node], true)
    view.setUint32(at + fields.st_gid.offset, tree.gid[node], true)
    view.setUint32(at + fields.st_rdev.offset, tree.rdev[node], true)
    view.setUint32(at + fields.st_size.offset, tree.sizeLow[node], true)
    view.setUint32(at + fields.st_size.offset + 4, tree.sizeHigh[node], true)
    view.setUint32(at + fields.st_mtim_sec.offset, tree.mtimeLow[node], true)
    view.setInt32(at + fields.st_mtim_sec.offset + 4, tree.mtimeHigh[node], true)
    view.setUint32(at + fields.st_mtim_nsec.offset, tree.mtimeNsec[node], true)
    const { ctime } = tree
    view.setUint32(at + fields.st_ctim_sec.offset, ctime?.low[node] ?? tree.mtimeLow[node], true)
    view.setInt32(at + fields.st_ctim_sec.offset + 4, ctime?.high[node] ?? tree.mtimeHigh[node], true)
    view.setUint32(at + fields.st_ctim_nsec.offset, ctime?.nsec[node] ?? tree.mtimeNsec[node], true)
    const reference = (offset: number, { at: from, length }: References) => {
      // The high word stays 0: there are less than 2 GiB of variable data.
      view.setUint32(at + offset, from.values[ino], true)
      view.setUint32(at + offset + 8, length.values[ino], true)
    }
    reference(fields.variable_data.offset, this.#variable)
    reference(fields.xattrs.offset, this.#xattrs)
    reference(fields.digest.offset, this.#digests)
  }

  #nlink(ino: number, node: number): number {
    const tree = this.#tree
    if ((tree.mode[node] & S_IFMT) !== S_IFDIR) return tree.nlink[node]
    const { entries, entriesAt, entryCount } = this.#order
    let nlink = 2
    for (let i = entriesAt.values[ino]; i < entriesAt.values[ino] + entryCount.values[ino]; i++) {
      const entry = entries.values[i]
      if (!tree.isLink(entry) && (tree.mode[entry] & S_IFMT) === S_IFDIR) nlink++
    }
    return nlink
  }
}
