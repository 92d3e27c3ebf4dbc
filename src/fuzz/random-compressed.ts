// Random valid EROFS images with compressed files, in any of the ways that the format has for it: indexes and records of extents, all four
// algorithms, fragments, parts of clusters that others have, the metabox, further devices. Not here: the tree (random-tree.ts), plain
// layouts alone (random-erofs.ts). Follows the project's spec of EROFS.
//
//   superblock, configurations, device table | blocks of further devices | data | inodes | shared xattrs, table of prefixes

import { CONSTANTS, INODE_COMPACT, INODE_EXTENDED, XATTR_IBODY } from '../format/structs.js'
import { type Body, bodyOf, lateBytes, type NodeForm, randomForm } from './compressed-node.js'
import { CompressedSuper } from './compressed-super.js'
import { dirBytes, ErofsBytes, entryBytes, up, withDots } from './erofs-bytes.js'
import { DEVICE_BLOCKS, Grown, Pclusters } from './pclusters.js'
import type { Random } from './random.js'
import { type RandomTreeOptions, randomTree, type TreeInode, type TreeXattr } from './random-tree.js'

const C = CONSTANTS
const SLOT = 32
const PREFIXES_MAX = 4

/** One inode on its way into the image. */
interface Placed {
  readonly inode: TreeInode
  readonly directory: boolean
  readonly extended: boolean
  readonly boxed: boolean
  readonly size: number
  readonly form: NodeForm
  readonly xattrs: Uint8Array
  nlink: number
  parent: Placed | undefined
  at: number
}

export interface RandomCompressedErofs {
  readonly bytes: Uint8Array
  /** Further devices; without them what they hold is in the image. */
  readonly devices: readonly Uint8Array[]
  readonly root: TreeInode
  /** In words, what of the format it has. */
  readonly features: ReadonlySet<string>
}

export interface RandomCompressedOptions extends RandomTreeOptions {
  /** log2 of the block size; random unless given. */
  readonly blockBits?: number
  /** At most so many further devices; 2 unless given. */
  readonly devices?: number
}

class CompressedMaker {
  readonly #random: Random
  readonly #super: CompressedSuper
  readonly #room: Pclusters
  readonly #placed = new Map<TreeInode, Placed>()
  /** Inodes on the device, and those of the metabox. */
  readonly #meta = new Grown()
  readonly #box = new Grown()
  readonly #shared: { readonly xattr: TreeXattr; readonly at: number }[] = []
  readonly #prefixes: { readonly index: number; readonly infix: Uint8Array }[] = []

  constructor(random: Random, options: RandomCompressedOptions) {
    this.#random = random
    this.#super = new CompressedSuper(random, options)
    const { blockBits, algorithms, padded, devices, first } = this.#super
    this.#room = new Pclusters(random, { blockBits, first, devices, algorithms, padded })
    // No nid may be 0 that is looked for in the superblock.
    this.#meta.reach(SLOT)
  }

  make(root: TreeInode): RandomCompressedErofs {
    this.#findPrefixes(root, new Set())
    this.#take(root, undefined)
    const all = [...this.#placed.values()]
    for (const placed of all) if (!placed.directory) this.#place(placed)
    for (const placed of all) if (placed.directory) this.#reserve(placed)
    for (const placed of all) if (placed.directory) this.#fill(placed)
    return { ...this.#finish(root), root, features: this.#super.features }
  }

  #nid(inode: TreeInode): number {
    return this.#nidOf(this.#placed.get(inode) as Placed)
  }

  #nidOf({ at, boxed }: Placed): number {
    return boxed ? -1 - at / SLOT : at / SLOT
  }

  /** Some of what names of xattrs begin with. */
  #findPrefixes(inode: TreeInode, seen: Set<TreeInode>): void {
    if (seen.has(inode)) return
    seen.add(inode)
    for (const { index, name } of inode.xattrs) {
      const wanted = this.#super.prefixed && this.#prefixes.length < PREFIXES_MAX && name.length > 1
      if (wanted && this.#random.once(2)) {
        this.#prefixes.push({ index, infix: name.slice(0, 1 + this.#random.below(name.length - 1)) })
      }
    }
    for (const { inode: child } of inode.entries) this.#findPrefixes(child, seen)
  }

  #take(inode: TreeInode, parent: Placed | undefined): void {
    const known = this.#placed.get(inode)
    if (known !== undefined) {
      known.nlink++
      return
    }
    const random = this.#random
    const { block } = this.#room
    const directory = (inode.mode & C.S_IFMT) === C.S_IFDIR
    const size = directory ? dirBytes(withDots(inode, 0, 0), block).length : inode.data.length
    const children = inode.entries.filter(({ inode: child }) => (child.mode & C.S_IFMT) === C.S_IFDIR).length
    const placed: Placed = {
      inode,
      directory,
      extended: this.#super.needsExtended(inode) || random.once(2),
      boxed: this.#super.boxed && !random.once(4),
      size,
      form: this.#form(inode, size, directory),
      xattrs: this.#xattrs(inode.xattrs),
      nlink: directory ? 2 + children : 1,
      parent,
      at: 0,
    }
    this.#placed.set(inode, placed)
    for (const { inode: child } of inode.entries) this.#take(child, placed)
  }

  #form(inode: TreeInode, size: number, late: boolean): NodeForm {
    const { wide, packs, big } = this.#super
    const chunks = (inode.mode & C.S_IFMT) === C.S_IFREG
    const form = randomForm(this.#room, size, { wide, packs, big, late, chunks })
    this.#super.saw(form, late)
    return form
  }

  /** An xattr as its entry is: some of those with a prefix use it. */
  #entry({ index, name, value }: TreeXattr): TreeXattr {
    const item = this.#prefixes.findIndex(prefix => {
      return prefix.index === index && prefix.infix.every((byte, i) => byte === name[i])
    })
    if (item < 0 || this.#random.once(4)) return { index, name, value }
    this.#super.features.add('xattr with a long prefix')
    return { index: C.EROFS_XATTR_LONG_PREFIX | item, name: name.slice(this.#prefixes[item].infix.length), value }
  }

  /** The xattr body of an inode. Some of them become shared ones. */
  #xattrs(xattrs: readonly TreeXattr[]): Uint8Array {
    if (xattrs.length === 0) return new Uint8Array(0)
    const ids: number[] = []
    const own: TreeXattr[] = []
    for (const xattr of xattrs) {
      const entry = this.#entry(xattr)
      if (!this.#random.once(3)) own.push(entry)
      else {
        const last = this.#shared[this.#shared.length - 1]
        const at = last === undefined ? 0 : last.at + entryBytes(last.xattr)
        this.#shared.push({ xattr: entry, at })
        ids.push(at / 4)
      }
    }
    const size = own.reduce((sum, xattr) => sum + entryBytes(xattr), XATTR_IBODY.size + 4 * ids.length)
    const out = new ErofsBytes(new Uint8Array(size))
    out.put(0, XATTR_IBODY.fields.h_shared_count, ids.length)
    for (const [i, id] of ids.entries()) out.put(XATTR_IBODY.size + 4 * i, { offset: 0, width: 4 }, id)
    let at: number = XATTR_IBODY.size + 4 * ids.length
    for (const xattr of own) at = out.xattr(at, xattr)
    return out.bytes
  }

  #headBytes({ extended, xattrs }: Placed): number {
    return (extended ? INODE_EXTENDED.size : INODE_COMPACT.size) + xattrs.length
  }

  #areaOf({ boxed }: Placed): Grown {
    return boxed ? this.#box : this.#meta
  }

  /** Gives an inode the next place where what is inline stays in one block. */
  #settle(placed: Placed, bytes: number, inline: number): void {
    const { block } = this.#room
    const area = this.#areaOf(placed)
    const head = this.#headBytes(placed)
    let at = up(area.length, SLOT)
    while (inline > 0 && ((at + head + bytes) % block) + inline > block) at += SLOT
    placed.at = at
    area.reach(at + head + bytes + inline)
  }

  #place(placed: Placed): void {
    const body = bodyOf(this.#room, placed.form, placed.inode.data, this.#headBytes(placed) % SLOT)
    this.#settle(placed, body.bytes.length, body.inline.length)
    this.#write(placed, body)
  }

  #reserve(placed: Placed): void {
    const [bytes, inline] = lateBytes(this.#room, placed.form, placed.size, this.#headBytes(placed) % SLOT)
    this.#settle(placed, bytes, inline)
  }

  #fill(placed: Placed): void {
    const above = placed.parent ?? placed
    const entries = withDots(placed.inode, this.#nidOf(placed), this.#nidOf(above))
    const data = dirBytes(entries, this.#room.block, inode => this.#nid(inode))
    this.#write(placed, bodyOf(this.#room, placed.form, data, this.#headBytes(placed) % SLOT))
  }

  #write(placed: Placed, body: Body): void {
    const area = this.#areaOf(placed)
    const head = this.#headBytes(placed)
    area.put(placed.at, this.#super.inodeBytes({ ...placed, body, icount: icountOf(placed.xattrs) }))
    area.put(placed.at + head - placed.xattrs.length, placed.xattrs)
    area.put(placed.at + head, body.bytes)
    area.put(placed.at + head + body.bytes.length, body.inline)
  }

  /** Puts bytes behind all of an area, at the begin of a block or so aligned; answers where. */
  #append(area: Grown, bytes: Uint8Array, align: number): number {
    const at = up(area.length, align)
    area.put(at, bytes)
    return at
  }

  #sharedBytes(): Uint8Array {
    const last = this.#shared[this.#shared.length - 1]
    const out = new ErofsBytes(new Uint8Array(last === undefined ? 0 : last.at + entryBytes(last.xattr)))
    for (const { xattr, at } of this.#shared) out.xattr(at, xattr)
    return out.bytes
  }

  #prefixBytes(): Uint8Array {
    const out = new Grown()
    for (const { index, infix } of this.#prefixes) {
      out.put(up(out.length, 4), Uint8Array.of(infix.length + 1, 0, index, ...infix))
    }
    return out.bytes
  }

  /** An inode without a name, on the device. */
  #hidden(data: Uint8Array): number {
    const { wide, big } = this.#super
    const form = randomForm(this.#room, data.length, { wide, packs: false, big, late: false, chunks: false })
    const mode = C.S_IFREG | 0o644
    const inode = { mode, uid: 0, gid: 0, sec: 0, nsec: 0, rdev: 0, data, xattrs: [], entries: [] }
    const placed: Placed = {
      ...{ inode, directory: false, extended: true, boxed: false, size: data.length, form },
      ...{ xattrs: new Uint8Array(0), nlink: 1, parent: undefined, at: 0 },
    }
    this.#place(placed)
    return this.#nidOf(placed)
  }

  #finish(root: TreeInode): { bytes: Uint8Array; devices: Uint8Array[] } {
    const { block, packed, space } = this.#room
    const facts = this.#super
    const shared = this.#sharedBytes()
    const prefixes = this.#prefixBytes()
    let sharedAt = facts.sharesInBox ? this.#append(this.#box, shared, block) : 0
    const where = facts.prefixPlace(this.#prefixes.length)
    let prefixAt = 0
    if (where === 'metabox') prefixAt = this.#append(this.#box, prefixes, 4)
    if (where === 'packed') prefixAt = this.#append(packed, prefixes, 4)
    const packedNid = packed.length > 0 ? this.#hidden(packed.bytes) : 0
    // What an inode of the metabox could ask for beyond its end is no concern of a reader's.
    this.#box.reach(up(this.#box.length, SLOT) + SLOT)
    const boxNid = facts.boxed ? this.#hidden(this.#box.bytes) : 0
    const meta = this.#append(space, this.#meta.bytes, block)
    if (!facts.sharesInBox) sharedAt = this.#append(space, shared, block)
    if (where === 'device') prefixAt = this.#append(space, prefixes, 4)
    space.reach(up(space.length, block))
    const bytes = space.bytes.slice()
    const devices = facts.flat ? [] : this.#cutDevices(bytes)
    facts.write(bytes, {
      ...{ root: this.#nid(root), inos: this.#placed.size, meta: meta / block, shared: sharedAt / block },
      ...{ packedNid, boxNid, prefixes: this.#prefixes.length, prefixAt, uniaddr: i => this.#room.deviceAt(i) },
    })
    return { bytes, devices }
  }

  /** Takes the blocks of further devices out of the image. */
  #cutDevices(bytes: Uint8Array): Uint8Array[] {
    const { block } = this.#room
    return Array.from({ length: this.#super.devices }, (_, i) => {
      const from = this.#room.deviceAt(i) * block
      const device = bytes.slice(from, from + DEVICE_BLOCKS * block)
      bytes.fill(0xdd, from, from + device.length)
      return device
    })
  }
}

function icountOf(xattrs: Uint8Array): number {
  return xattrs.length === 0 ? 0 : (xattrs.length - XATTR_IBODY.size) / 4 + 1
}

/** A valid image, and the tree that is in it. */
export function randomCompressedErofs(random: Random, options: RandomCompressedOptions = {}): RandomCompressedErofs {
  const root = randomTree(random, { fileBytes: 8000, repeats: true, ...options })
  return new CompressedMaker(random, options).make(root)
}
