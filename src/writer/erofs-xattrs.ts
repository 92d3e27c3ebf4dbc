// Extended attributes as a composefs image stores them: the tree's own, escaped where they would be read as the overlay's,
// and the marks that make files external and whiteouts; which are shared, and where (spec composefs-image.md 3, 5).
// Not here: which node gets which mark (erofs-plan.ts), writing them out (erofs-image.ts).

import { CONSTANTS, XATTR_ENTRY, XATTR_IBODY } from '../format/structs.js'
import { binaryBytes, OVERLAY_ESCAPED_PREFIX, OVERLAY_PREFIX, splitXattrName } from '../format/xattr-name.js'
import { xxh32 } from '../format/xxh32.js'
import { compareBytes, sameBytes } from '../tree/byte-arena.js'
import { HashIndex, hashBytes } from '../tree/hash-index.js'
import { DIGEST_SIZE, NONE, type Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { grown, XATTR_ENTRY_COST, XATTR_FIRST_COST, XATTR_SPACE_MAX } from '../tree/xattr-table.js'
import { NumberList } from './breadth-first.js'

/** References to shared attributes that one inode makes at most. */
const SHARED_MAX = 128
const ICOUNT_MAX = 65535
const ID_SIZE = 4
const INSERTION_MAX = 32

/** Values of marks. A value that lies at -1 - i is here at i, any other in the tree's byte string. */
const CONSTANT_VALUES = binaryBytes('xy')
const EMPTY = { at: -1, length: 0 }
const X = { at: -1, length: 1 }
const Y = { at: -2, length: 1 }

/** What stands before a value of these keys: the slash of a redirect, version, length, flags, algorithm of a metacopy. */
const REDIRECT_PREFIX = binaryBytes('/')
const METACOPY_PREFIX = new Uint8Array([0, 4 + DIGEST_SIZE, 0, 1])
const NO_PREFIX = new Uint8Array(0)

/** Keys of the marks, in the order in which every image numbers them. */
const REDIRECT = 0
const METACOPY = 1
const OPAQUE = 2
const ESCAPED_WHITEOUT = 3
const USER_WHITEOUT = 4
const ESCAPED_WHITEOUTS = 5
const USER_WHITEOUTS = 6
const ESCAPED_OPAQUE = 7
const USER_OPAQUE = 8
const MARKS = [
  `${OVERLAY_PREFIX}redirect`,
  `${OVERLAY_PREFIX}metacopy`,
  `${OVERLAY_PREFIX}opaque`,
  `${OVERLAY_ESCAPED_PREFIX}whiteout`,
  'user.overlay.whiteout',
  `${OVERLAY_ESCAPED_PREFIX}whiteouts`,
  'user.overlay.whiteouts',
  `${OVERLAY_ESCAPED_PREFIX}opaque`,
  'user.overlay.opaque',
]
const ACL_KEYS = ['system.posix_acl_access', 'system.posix_acl_default']
const SELINUX = 'security.selinux'

interface Key {
  readonly name: string
  readonly index: number
  /** What the image stores of the name. */
  readonly suffix: Uint8Array
  /** The bit of the name filter that it clears. */
  readonly filterBit: number
  /** Position among all keys in byte order. */
  rank: number
}

function roundUp(value: number): number {
  return (value + 3) & ~3
}

export class ErofsXattrs {
  readonly #tree: Tree
  readonly #keys: Key[] = []
  readonly #keyOf = new Map<string, number>()
  readonly #index = new HashIndex()
  /** Per pair of the tree: its number here, NONE before it was met. */
  readonly #own: Int32Array
  #count = 0
  #pairKey = new Int32Array(256)
  #valueAt = new Int32Array(256)
  #valueLength = new Uint16Array(256)
  #uses = new Uint32Array(256)
  /** Per pair: offset in the shared area; NONE where it is not shared. */
  #sharedAt = new Int32Array(0)
  #entrySize = new Int32Array(0)
  #shared: number[] = []
  /** Attributes of the inodes, in ascending key order once they are placed. */
  readonly #list: NumberList
  readonly #runs: NumberList
  /** Those of the node at hand, and what they count for: libcomposefs begins at 0 here, not at what there is. */
  #node = NONE
  #now: number[] = []
  #space = 0
  /** Bytes of the shared area. */
  sharedSize = 0

  constructor(tree: Tree) {
    this.#tree = tree
    this.#own = new Int32Array(tree.xattrs.pairCount).fill(NONE)
    this.#list = new NumberList(tree.count)
    this.#runs = new NumberList(tree.count + 257)
    for (const name of MARKS) this.#key(name)
  }

  /** Begins the attributes of the next inode with those of a node of the tree. */
  begin(node: number): void {
    const { start, count, list } = this.#tree.xattrs
    this.#node = node
    this.#now.length = 0
    this.#space = 0
    const from = node < start.length ? start[node] : 0
    const to = node < start.length ? from + count[node] : 0
    for (let i = from; i < to; i++) this.#now.push(this.#imported(list[i]))
  }

  /** Begins them with one alone: the node's SELinux label, where it has one. */
  beginWithLabel(node: number): void {
    this.begin(node)
    this.#now = this.#now.filter(pair => this.#keys[this.#pairKey[pair]].name === SELINUX)
  }

  /** The data is an object's. */
  markExternal(payloadAt: number, payloadLength: number, digestAt: number): void {
    // No attribute of the tree has these keys once it is escaped, and there is always room for them.
    if (digestAt === NONE) this.#now.push(this.#pair(METACOPY, EMPTY.at, 0))
    else this.#now.push(this.#pair(METACOPY, digestAt, DIGEST_SIZE))
    if (payloadLength > 0) this.#now.push(this.#pair(REDIRECT, payloadAt, payloadLength))
  }

  markWhiteout(): void {
    this.#set(ESCAPED_WHITEOUT, EMPTY.at, 0)
    this.#set(USER_WHITEOUT, EMPTY.at, 0)
  }

  /** It is a directory with whiteouts in it. */
  markWhiteouts(opaque: boolean): void {
    this.#set(ESCAPED_WHITEOUTS, EMPTY.at, 0)
    this.#set(USER_WHITEOUTS, EMPTY.at, 0)
    if (!opaque) return
    this.#set(ESCAPED_OPAQUE, X.at, X.length)
    this.#set(USER_OPAQUE, X.at, X.length)
  }

  markRoot(): void {
    this.#set(OPAQUE, Y.at, Y.length)
  }

  /** Ends the attributes of the inode. */
  end(): void {
    this.#runs.push(this.#list.length)
    for (const pair of this.#now) {
      this.#list.push(pair)
      this.#uses[pair]++
    }
  }

  /** Whether any inode has an access control list. */
  get hasAcl(): boolean {
    const acl = new Set(ACL_KEYS.map(name => this.#keyOf.get(name)))
    for (let pair = 0; pair < this.#count; pair++) if (this.#uses[pair] > 0 && acl.has(this.#pairKey[pair])) return true
    return false
  }

  /** All inodes have ended: decides what is shared, and where. */
  place(): void {
    this.#runs.push(this.#list.length)
    const byName = this.#keys.map((_, key) => key).sort((a, b) => (this.#keys[a].name < this.#keys[b].name ? -1 : 1))
    for (const [rank, key] of byName.entries()) this.#keys[key].rank = rank
    const ranks = Int32Array.from(this.#keys, key => key.rank)
    this.#sortRuns(ranks)
    this.#entrySize = new Int32Array(this.#count)
    this.#sharedAt = new Int32Array(this.#count).fill(NONE)
    for (let pair = 0; pair < this.#count; pair++) {
      const key = this.#pairKey[pair]
      this.#entrySize[pair] = roundUp(XATTR_ENTRY.size + this.#keys[key].suffix.length + this.#length(pair))
      if (this.#uses[pair] > 1) this.#shared.push(pair)
    }
    this.#shared.sort((a, b) => this.#order(b, a, ranks))
    for (const pair of this.#shared) {
      this.#sharedAt[pair] = this.sharedSize
      this.sharedSize += this.#entrySize[pair]
    }
  }

  /** Bytes that the attributes of an inode take behind it. Throws a TreeError (EINVAL) when they are too many. */
  size(ino: number): number {
    const from = this.#runs.values[ino]
    const to = this.#runs.values[ino + 1]
    if (from === to) return 0
    let size: number = XATTR_IBODY.size
    for (let i = from, shared = 0; i < to; i++) {
      const pair = this.#list.values[i]
      if (this.#sharedAt[pair] !== NONE && shared < SHARED_MAX) {
        shared++
        size += ID_SIZE
      } else size += this.#entrySize[pair]
    }
    if ((size - XATTR_IBODY.size) / 4 + 1 > ICOUNT_MAX) throw new TreeError('EINVAL', 'too many attributes')
    return size
  }

  /**
   * Writes them as they lie behind the inode, in `size(ino)` bytes; shared ones are numbered from `sharedBase`, where the
   * shared area begins in its block.
   *
   *   u32 name filter | u8 shared count | 7 zeroes | u32 id per shared one | inline entries
   */
  write(ino: number, sharedBase: number, into: Uint8Array, view: DataView, at: number): void {
    const list = this.#list.values
    const from = this.#runs.values[ino]
    const to = this.#runs.values[ino + 1]
    let filter = 0xffffffff
    let shared = 0
    for (let i = from; i < to; i++) {
      filter &= ~(1 << this.#keys[this.#pairKey[list[i]]].filterBit)
      if (this.#sharedAt[list[i]] !== NONE && shared < SHARED_MAX) shared++
    }
    into.fill(0, at, at + XATTR_IBODY.size)
    view.setUint32(at + XATTR_IBODY.fields.h_name_filter.offset, filter >>> 0, true)
    view.setUint8(at + XATTR_IBODY.fields.h_shared_count.offset, shared)
    let id = at + XATTR_IBODY.size
    let entry = id + ID_SIZE * shared
    for (let i = from; i < to; i++) {
      const pair = list[i]
      if (this.#sharedAt[pair] !== NONE && shared > 0) {
        shared--
        view.setUint32(id, (sharedBase + this.#sharedAt[pair]) / ID_SIZE, true)
        id += ID_SIZE
      } else entry = this.#writeEntry(pair, into, view, entry)
    }
  }

  get sharedCount(): number {
    return this.#shared.length
  }

  /** Writes one entry of the shared area, they lie back to back; answers its end. */
  writeShared(i: number, into: Uint8Array, view: DataView, at: number): number {
    return this.#writeEntry(this.#shared[i], into, view, at)
  }

  #key(name: string): number {
    const known = this.#keyOf.get(name)
    if (known !== undefined) return known
    const { index, rest } = splitXattrName(name)
    const suffix = binaryBytes(rest)
    const filterBit = xxh32(suffix, (CONSTANTS.EROFS_XATTR_FILTER_SEED + index) >>> 0) & 31
    this.#keyOf.set(name, this.#keys.length)
    return this.#keys.push({ name, index, suffix, filterBit, rank: 0 }) - 1
  }

  /** A pair of the tree, escaped where the overlay would take it for its own. */
  #imported(pair: number): number {
    if (this.#own[pair] === NONE) {
      const { xattrs } = this.#tree
      const name = xattrs.keyName(xattrs.pairKey[pair])
      const stored = name.startsWith(OVERLAY_PREFIX) ? OVERLAY_ESCAPED_PREFIX + name.slice(OVERLAY_PREFIX.length) : name
      this.#own[pair] = this.#pair(this.#key(stored), xattrs.valueAt[pair], xattrs.valueLength[pair])
    }
    return this.#own[pair]
  }

  #pair(key: number, at: number, length: number): number {
    const source = this.#bytes(at)
    const from = at < 0 ? -1 - at : at
    const hash = hashBytes(source, from, from + length, this.#index.seed ^ Math.imul(key, 0x9e3779b1))
    for (let slot = this.#index.start(hash); ; slot = this.#index.after(slot)) {
      const pair = this.#index.at(slot)
      if (pair < 0) break
      if (!this.#index.hashIs(slot, hash) || this.#pairKey[pair] !== key || this.#valueLength[pair] !== length) continue
      const other = this.#valueAt[pair]
      if (sameBytes(this.#bytes(other), other < 0 ? -1 - other : other, source, from, length)) return pair
    }
    const pair = this.#count++
    if (pair === this.#pairKey.length) this.#grow()
    this.#pairKey[pair] = key
    this.#valueAt[pair] = at
    this.#valueLength[pair] = length
    this.#index.add(hash, pair)
    return pair
  }

  #grow(): void {
    const rows = 2 * this.#pairKey.length
    this.#pairKey = grown(this.#pairKey, rows)
    this.#valueAt = grown(this.#valueAt, rows)
    this.#valueLength = grown(this.#valueLength, rows)
    this.#uses = grown(this.#uses, rows)
  }

  /**
   * Sets a mark. The sum is libcomposefs', which starts anew in its copy of the tree while the attributes stay: taking
   * the place of a longer value can bring it below zero, which counts as too much.
   */
  #set(key: number, at: number, length: number): void {
    const now = this.#now
    const same = now.findIndex(pair => this.#pairKey[pair] === key)
    if (same >= 0) {
      this.#space -= this.#cost(now[same])
      now[same] = now[now.length - 1]
      now.pop()
      if (now.length === 0) this.#space = 0
    }
    const pair = this.#pair(key, at, length)
    const space = this.#space + this.#cost(pair) + (now.length === 0 ? XATTR_FIRST_COST : 0)
    if (space < 0 || space > XATTR_SPACE_MAX) {
      throw new TreeError('ERANGE', 'no room for the marks of the overlay', { node: this.#node })
    }
    now.push(pair)
    this.#space = space
  }

  #cost(pair: number): number {
    return XATTR_ENTRY_COST + this.#keys[this.#pairKey[pair]].name.length + this.#length(pair)
  }

  #bytes(at: number): Uint8Array {
    return at < 0 ? CONSTANT_VALUES : this.#tree.arena.bytes
  }

  #prefix(pair: number): Uint8Array {
    const key = this.#pairKey[pair]
    if (key === REDIRECT) return REDIRECT_PREFIX
    return key === METACOPY && this.#valueLength[pair] > 0 ? METACOPY_PREFIX : NO_PREFIX
  }

  /** Bytes of a value as it is stored. */
  #length(pair: number): number {
    return this.#prefix(pair).length + this.#valueLength[pair]
  }

  /** Ascending: key, length of the value, value. */
  #order(a: number, b: number, ranks: Int32Array): number {
    const order = ranks[this.#pairKey[a]] - ranks[this.#pairKey[b]] || this.#length(a) - this.#length(b)
    if (order !== 0) return order
    const [from, other] = [this.#valueAt[a], this.#valueAt[b]]
    const length = this.#valueLength[a]
    const [at, otherAt] = [from < 0 ? -1 - from : from, other < 0 ? -1 - other : other]
    return compareBytes(this.#bytes(from), at, length, this.#bytes(other), otherAt, length)
  }

  /** By insertion, runs being short: sorting a view of each would cost more than all else here. */
  #sortRuns(ranks: Int32Array): void {
    const list = this.#list.values
    const runs = this.#runs.values
    const pairKey = this.#pairKey
    for (let ino = 0; ino + 1 < this.#runs.length; ino++) {
      const from = runs[ino]
      const to = runs[ino + 1]
      if (to - from > INSERTION_MAX) {
        list.subarray(from, to).sort((a, b) => ranks[pairKey[a]] - ranks[pairKey[b]])
        continue
      }
      for (let i = from + 1; i < to; i++) {
        const pair = list[i]
        const rank = ranks[pairKey[pair]]
        let at = i
        for (; at > from && ranks[pairKey[list[at - 1]]] > rank; at--) list[at] = list[at - 1]
        list[at] = pair
      }
    }
  }

  /** u8 length of the suffix | u8 name index | u16 length of the value | suffix | value | zeroes to 4 bytes. */
  #writeEntry(pair: number, into: Uint8Array, view: DataView, at: number): number {
    const { index, suffix } = this.#keys[this.#pairKey[pair]]
    const prefix = this.#prefix(pair)
    const end = at + this.#entrySize[pair]
    const { e_name_len, e_name_index, e_value_size } = XATTR_ENTRY.fields
    view.setUint8(at + e_name_len.offset, suffix.length)
    view.setUint8(at + e_name_index.offset, index)
    view.setUint16(at + e_value_size.offset, this.#length(pair), true)
    let to = at + XATTR_ENTRY.size
    for (let i = 0; i < suffix.length; i++) into[to++] = suffix[i]
    for (let i = 0; i < prefix.length; i++) into[to++] = prefix[i]
    const value = this.#valueAt[pair]
    const bytes = this.#bytes(value)
    const from = value < 0 ? -1 - value : value
    for (let i = from; i < from + this.#valueLength[pair]; i++) into[to++] = bytes[i]
    while (to < end) into[to++] = 0
    return end
  }
}
