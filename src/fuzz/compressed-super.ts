// What a random compressed image is as a whole: which features it has, its superblock with what follows that, and the form of its inodes.
// Not here: their data (compressed-node.ts), where anything stands (random-compressed.ts).

import {
  COMPRESSION_CONSTANTS,
  CONSTANTS,
  DEVICE_SLOT,
  INODE_COMPACT,
  INODE_EXTENDED,
  SUPERBLOCK,
} from '../format/structs.js'
import type { Body, NodeForm } from './compressed-node.js'
import { ErofsBytes, isDeviceMode, sealSuperblock, up } from './erofs-bytes.js'
import { DEVICE_BLOCKS } from './pclusters.js'
import type { Random } from './random.js'
import type { TreeInode } from './random-tree.js'

const C = { ...CONSTANTS, ...COMPRESSION_CONSTANTS }
const SLOT = 32
const EPOCH = 1_000_000_000
const NAMES = ['LZ4', 'MicroLZMA', 'DEFLATE', 'Zstandard']
const ZTAILPACKING = 0x10
const DICTIONARY = 4096
const NID = { offset: 0, width: 8 }

export interface SuperFacts {
  readonly root: number
  readonly inos: number
  /** Blocks. */
  readonly meta: number
  readonly shared: number
  readonly packedNid: number
  readonly boxNid: number
  readonly prefixes: number
  /** Byte offset. */
  readonly prefixAt: number
  readonly uniaddr: (device: number) => number
}

interface InodeFacts {
  readonly inode: TreeInode
  readonly extended: boolean
  readonly directory: boolean
  readonly size: number
  readonly nlink: number
  readonly at: number
  readonly body: Body
  readonly icount: number
}

function algorithmsOf(random: Random): number[] {
  const all = [0, 1, 2, 3].filter(() => random.once(2))
  return all.length === 0 ? [random.below(4)] : all
}

export class CompressedSuper {
  readonly features = new Set<string>()
  readonly blockBits: number
  /** Are there records of configurations? */
  readonly big: boolean
  readonly algorithms: readonly number[]
  readonly padded: boolean
  readonly wide: boolean
  readonly boxed: boolean
  readonly sharesInBox: boolean
  readonly packs: boolean
  readonly prefixed: boolean
  readonly #plainPrefixes: boolean
  readonly devices: number
  /** Is what further devices hold in the image itself? */
  readonly flat: boolean
  readonly #random: Random
  readonly #nsec: number
  readonly #records: Uint8Array
  readonly #slots: number

  constructor(random: Random, { blockBits, devices = 2 }: { readonly blockBits?: number; readonly devices?: number }) {
    this.#random = random
    this.blockBits = blockBits ?? (random.once(3) ? random.pick([10, 11, 12]) : 9)
    this.big = !random.once(4)
    this.algorithms = this.big ? algorithmsOf(random) : [C.Z_EROFS_COMPRESSION_LZ4]
    this.padded = !random.once(4)
    this.wide = random.once(2)
    this.boxed = this.wide && random.once(2)
    this.sharesInBox = this.boxed && random.once(2)
    this.packs = random.once(2)
    this.prefixed = random.once(2)
    this.#plainPrefixes = random.once(2)
    this.devices = random.once(3) ? random.below(devices + 1) : 0
    this.flat = this.devices === 0 || random.once(2)
    this.#nsec = random.once(2) ? 0 : random.below(1e9)
    this.#records = this.big ? this.#configurations() : new Uint8Array(0)
    this.#slots = this.boxed ? 1 : 0
    this.#name()
  }

  #name(): void {
    const { features } = this
    for (const algorithm of this.algorithms) features.add(NAMES[algorithm])
    features.add(`blocks of ${2 ** this.blockBits}`)
    features.add(this.padded ? 'padding' : 'no padding')
    if (!this.big) features.add('no configurations')
    if (this.boxed) features.add('metabox')
    if (this.sharesInBox) features.add('shared xattrs in the metabox')
    if (this.devices > 0) features.add(this.flat ? 'flat devices' : 'further devices')
  }

  /** Notes how a file is stored. */
  saw(form: NodeForm, directory: boolean): void {
    const { features } = this
    features.add(form.layout)
    if (form.layout === 'records') {
      features.add(`records of ${form.record}`)
      if (form.tail === 'fragment') features.add('fragment behind records')
      if (form.interlaced) features.add('interlaced records')
    }
    if (form.layout === 'full' || form.layout === 'compact') {
      if (directory) features.add('compressed directory')
      if (form.tail !== 'none') features.add(`${form.layout}, ${form.tail} tail`)
      if (form.big[0] || form.big[1]) features.add(`${form.layout}, big pclusters`)
      if (form.interlaced) features.add(`${form.layout}, interlaced`)
      if (form.layout === 'compact' && form.narrow) features.add('compact, narrow')
      if (form.algorithms[0] !== form.algorithms[1]) features.add('two algorithms in a file')
    }
  }

  /** Where the table of prefixes is. */
  prefixPlace(count: number): 'none' | 'device' | 'metabox' | 'packed' {
    if (count === 0) return 'none'
    const place = this.#plainPrefixes ? 'device' : this.boxed ? 'metabox' : this.packs ? 'packed' : 'device'
    this.features.add(`prefixes: ${place}`)
    return place
  }

  needsExtended({ uid, gid, sec, nsec }: TreeInode): boolean {
    const offset = sec - EPOCH
    return uid > 0xffff || gid > 0xffff || offset < 0 || offset >= 2 ** 32 || nsec !== this.#nsec
  }

  /** One record for each algorithm. */
  #configurations(): Uint8Array {
    const out: number[] = []
    for (const algorithm of this.algorithms) {
      while (out.length % 4 !== 0) out.push(0)
      const more = this.#random.below(2) * 2
      const record = [
        [255, 255, 16, 0, ...new Array<number>(10).fill(0)],
        [DICTIONARY & 255, DICTIONARY >> 8, 0, 0, ...new Array<number>(10).fill(0)],
        [15, 0, 0, 0, 0, 0],
        [0, 10, 0, 0, 0, 0],
      ][algorithm]
      out.push(record.length + more, 0, ...record, ...new Array<number>(more).fill(0))
    }
    return Uint8Array.from(out)
  }

  get #recordsAt(): number {
    return C.EROFS_SUPER_OFFSET + SUPERBLOCK.size + this.#slots * C.EROFS_SB_EXTSLOT_SIZE
  }

  get #tableAt(): number {
    return up(this.#recordsAt + this.#records.length, DEVICE_SLOT.size)
  }

  /** The first block that nothing of this is in. */
  get first(): number {
    return Math.ceil((this.#tableAt + this.devices * DEVICE_SLOT.size) / 2 ** this.blockBits)
  }

  inodeBytes({ inode, extended, directory, size, nlink, at, body, icount }: InodeFacts): Uint8Array {
    const { fields } = extended ? INODE_EXTENDED : INODE_COMPACT
    const out = new ErofsBytes(new Uint8Array(extended ? INODE_EXTENDED.size : INODE_COMPACT.size))
    const single = !extended && !directory && nlink === 1 && this.#random.once(2)
    const layout = body.layout << C.EROFS_I_DATALAYOUT_SHIFT
    out.put(0, fields.i_format, (extended ? 1 : 0) | layout | (single ? C.EROFS_I_NLINK_1_BIT : 0))
    out.put(0, fields.i_xattr_icount, icount)
    out.put(0, fields.i_mode, inode.mode)
    out.put(0, fields.i_nb, extended || single ? body.high : nlink)
    out.put(0, fields.i_size, size)
    out.put(0, fields.i_u, isDeviceMode(inode.mode) ? inode.rdev : body.u)
    out.put(0, fields.i_ino, at / SLOT)
    out.put(0, fields.i_uid, inode.uid)
    out.put(0, fields.i_gid, inode.gid)
    if (!extended) {
      out.put(0, INODE_COMPACT.fields.i_mtime, inode.sec - EPOCH)
      return out.bytes
    }
    out.put(0, INODE_EXTENDED.fields.i_mtime, inode.sec)
    out.put(0, INODE_EXTENDED.fields.i_mtime_nsec, inode.nsec)
    out.put(0, INODE_EXTENDED.fields.i_nlink, nlink)
    return out.bytes
  }

  #incompat(prefixes: number): number {
    return [
      this.padded ? C.EROFS_FEATURE_INCOMPAT_ZERO_PADDING : 0,
      this.big ? C.EROFS_FEATURE_INCOMPAT_COMPR_CFGS : 0,
      C.EROFS_FEATURE_INCOMPAT_CHUNKED_FILE,
      // The same bit says that there may be a second algorithm in a file.
      C.EROFS_FEATURE_INCOMPAT_DEVICE_TABLE,
      ZTAILPACKING,
      C.EROFS_FEATURE_INCOMPAT_FRAGMENTS,
      prefixes > 0 ? C.EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES : 0,
      this.wide ? C.EROFS_FEATURE_INCOMPAT_48BIT : 0,
      this.boxed ? C.EROFS_FEATURE_INCOMPAT_METABOX : 0,
    ].reduce((sum, bit) => sum + bit, 0)
  }

  write(bytes: Uint8Array, facts: SuperFacts): void {
    const { fields } = SUPERBLOCK
    const out = new ErofsBytes(bytes)
    const put = (field: { offset: number; width: number }, value: number) => out.put(C.EROFS_SUPER_OFFSET, field, value)
    const sealed = this.#random.once(2)
    const inBox = this.sharesInBox ? C.EROFS_FEATURE_COMPAT_SHARED_EA_IN_METABOX : 0
    const plain = this.#plainPrefixes && facts.prefixes > 0 ? C.EROFS_FEATURE_COMPAT_PLAIN_XATTR_PFX : 0
    put(fields.magic, C.EROFS_SUPER_MAGIC_V1)
    put(fields.feature_compat, (sealed ? C.EROFS_FEATURE_COMPAT_SB_CHKSUM : 0) | inBox | plain)
    put(fields.blkszbits, this.blockBits)
    put(fields.sb_extslots, this.#slots)
    if (this.wide) out.putNid(C.EROFS_SUPER_OFFSET, fields.rootnid_8b, facts.root)
    else put(fields.rootnid_2b, facts.root)
    put(fields.inos, facts.inos)
    put(fields.epoch, EPOCH)
    put(fields.fixed_nsec, this.#nsec)
    put(fields.blocks_lo, bytes.length / 2 ** this.blockBits)
    put(fields.meta_blkaddr, facts.meta)
    put(fields.xattr_blkaddr, facts.shared)
    put(fields.feature_incompat, this.#incompat(facts.prefixes))
    const algorithms = this.algorithms.reduce((sum, algorithm) => sum | (1 << algorithm), 0)
    put(fields.available_compr_algs, this.big ? algorithms : 0)
    put(fields.extra_devices, this.devices)
    put(fields.devt_slotoff, this.#tableAt / DEVICE_SLOT.size)
    put(fields.xattr_prefix_count, facts.prefixes)
    put(fields.xattr_prefix_start, facts.prefixAt / 4)
    put(fields.packed_nid, facts.packedNid)
    if (this.boxed) out.put(C.EROFS_SUPER_OFFSET + C.SB_METABOX_NID, NID, facts.boxNid)
    bytes.set(this.#records, this.#recordsAt)
    for (let i = 0; i < this.devices; i++) {
      const slot = this.#tableAt + i * DEVICE_SLOT.size
      out.put(slot, DEVICE_SLOT.fields.blocks_lo, DEVICE_BLOCKS)
      out.put(slot, DEVICE_SLOT.fields.uniaddr_lo, facts.uniaddr(i))
    }
    if (sealed) sealSuperblock(bytes)
  }
}
