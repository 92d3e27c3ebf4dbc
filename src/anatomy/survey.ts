// Goes through a whole image and claims what its structures take: first the tree, to learn which inodes there are, then the
// inodes in the order in which they stand in the image. What can't be read is noted and passed over. Not here: who gets bytes
// that several claim (cover.ts).
// Bounded whatever an image says: each inode and each shared xattr counts once, and there is an end to the entries and chunk
// indexes that are looked at, which is above what any image holds whose structures do not overlap.

import { BOX_BASE, Pieces } from '../../wasm/core-pieces.js'
import { Records, readBatch } from '../../wasm/records.js'
import { PIECE_FLAGS, PIECE_KINDS, type PieceKind } from '../format/anatomy-structs.js'
import { errnoName, type Fault } from '../format/errno.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { Claims, ownerOf } from './claims.js'
import type { MapFault } from './image-map.js'
import { Slots } from './slots.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
const FAULTS_MOST = 100
/** Steps between two looks at the clock of whoever drives this. */
const STEPS = 4096
/** Entries and chunk indexes that are looked at: so many for each byte of the image, and some. */
const LOOKS_PER_BYTE = 1
const LOOKS_LEAST = 1 << 20
/** Bytes of the shortest index of an extent. */
const INDEX_LEAST = 2

function kindOf(name: PieceKind): number {
  return PIECE_KINDS.indexOf(name)
}

const CHUNK_INDEXES = kindOf('chunk-indexes')
const COMPRESSION_HEADER = kindOf('compression-header')
const COMPRESSION_INDEXES = kindOf('compression-indexes')
const SHARED = kindOf('shared-xattr')
/** By kind, how certain it is that a claim is right: what stands at its place, what follows that, what lies apart. */
const FIXED = 0
const BEHIND = 1
const APART = 2
const CERTAINTY = Uint8Array.from(PIECE_KINDS, kind => {
  if (/^(?:directory-block|symlink-block|file-data|compressed-data|cfs-)/.test(kind)) return APART
  return /^inode-xattrs|^inline-|^chunk-|^compression-(?:header|indexes)|^compressed-inline/.test(kind) ? BEHIND : FIXED
})

export class Survey {
  /** What stands at its place for certain: what belongs to the image, and inodes. */
  readonly #fixed: Claims
  /** What follows inodes. A lie about its length must not hide other inodes. */
  readonly #behind: Claims
  /** Data that is elsewhere. */
  readonly #apart: Claims
  /** Shared xattrs. */
  readonly #shared: Claims
  /** By CERTAINTY. */
  readonly #lists: readonly Claims[]
  readonly faults: MapFault[] = []
  faultCount = 0
  /** Whether some compressed inode can't be read: then bytes that nobody claims may be its. */
  unread = false
  readonly #image: Image
  readonly #pieces: Pieces
  readonly #sharedSeen: Uint8Array
  readonly #slots: Slots
  #looks: number
  /** Whether the inode that was looked at last is compressed. */
  #compressed = false

  constructor(image: Image) {
    const size = image.byteLength
    this.#image = image
    this.#pieces = new Pieces(image.core)
    this.#fixed = new Claims(size)
    this.#behind = new Claims(size)
    this.#apart = new Claims(size)
    this.#shared = new Claims(size)
    this.#lists = [this.#fixed, this.#behind, this.#apart]
    this.#slots = new Slots(image)
    this.#sharedSeen = new Uint8Array(Math.ceil(size / 4 / 8) + 1)
    this.#looks = size * LOOKS_PER_BYTE + LOOKS_LEAST
  }

  /** Inodes that were reached. */
  get inodes(): number {
    return this.#slots.count
  }

  /** The claims, those first that keep their bytes whatever others claim. */
  get claims(): readonly Claims[] {
    return [this.#fixed, this.#behind, this.#shared, this.#apart]
  }

  /** Goes through it all; stops now and then, and says how far it is (0 to 1). */
  *run(): Generator<number, void> {
    yield* this.#tree()
    this.#take(this.#pieces.frame(), undefined)
    const { cookie: packed, metabox } = this.#pieces
    if (packed !== 0) this.#reach(packed, 'packed inode')
    if (metabox !== 0) this.#reach(metabox, 'metabox')
    yield* this.#inodes()
  }

  #note(nid: number | undefined, code: string, what: string): void {
    this.faultCount++
    if (this.faults.length < FAULTS_MOST) this.faults.push({ nid, code, what })
  }

  /** Says that something was left out since there was no end to it; once for each such thing, so there is room for it. */
  #noteLimit(nid: number | undefined, what: string): void {
    this.faultCount++
    this.faults.push({ nid, code: 'EUCLEAN', what })
  }

  #noteFault(nid: number, fault: Fault): void {
    this.#note(nid, fault.code, fault.detail)
  }

  /** Marks an inode without a name. */
  #reach(nid: number, what: string): void {
    const { core } = this.#image
    const r = core.stat(nid)
    if (r < 0) this.#noteFault(nid, this.#image.fault(r, what))
    else this.#mark(nid, core.position() / 2 ** CONSTANTS.EROFS_ISLOTBITS)
  }

  #mark(nid: number, slot: number): boolean {
    const isNew = this.#slots.mark(slot)
    if (isNew === undefined) this.#note(nid, 'EFBIG', 'an inode too far into the metabox')
    return isNew === true
  }

  /** Marks all inodes that have a name. */
  *#tree(): Generator<number, void> {
    const image = this.#image
    const records = new Records(image.core)
    const waiting: number[] = [image.rootNid]
    this.#reach(image.rootNid, 'root')
    let steps = 0
    for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
      for (let cookie = 0; cookie >= 0; ) {
        const batch = readBatch(image.core, dir, cookie, QUERY_FLAGS.Q_STAT)
        cookie = batch.cookie
        if (batch.count < 0) {
          this.#noteFault(dir, image.fault(batch.count, 'directory'))
          break
        }
        records.truncate(0)
        records.append(batch.count)
        this.#entries(records, waiting)
        steps += batch.count + 1
      }
      if (this.#looks < 0) {
        this.#noteLimit(dir, 'directories hold more entries than the image has room for; some are left out')
        return
      }
      if (steps < STEPS) continue
      steps = 0
      yield 0
    }
  }

  #entries(records: Records, waiting: number[]): void {
    this.#looks -= records.length + 1
    for (let i = 0; i < records.length; i++) {
      const error = records.error(i)
      if (error !== 0) this.#note(records.nid(i), errnoName(error), 'the inode of an entry can not be read')
      else if (this.#mark(records.nid(i), records.slot(i)) && (records.mode(i) & S_IFMT) === S_IFDIR)
        waiting.push(records.nid(i))
    }
  }

  /** Claims for all marked inodes. */
  *#inodes(): Generator<number, void> {
    this.#looks = this.#image.byteLength * LOOKS_PER_BYTE + LOOKS_LEAST
    let steps = 0
    for (const [part, nids] of this.#slots.nids()) {
      for (const nid of nids) this.#inode(nid)
      steps += nids.length
      if (steps < STEPS) continue
      steps = 0
      yield part
    }
  }

  #inode(nid: number): void {
    const pieces = this.#pieces
    let told = false
    this.#compressed = false
    for (let at = 0; at >= 0; at = pieces.cookie) {
      const flags = this.#looks < 0 ? PIECE_FLAGS.PF_NO_CHUNKS : 0
      const r = pieces.load(nid, at, flags)
      if (r < 0) {
        this.#noteFault(nid, this.#image.fault(r, 'inode'))
        return
      }
      this.#take(r, nid)
      if (pieces.error !== 0 && !told) {
        told = true
        if (this.#compressed) this.unread = true
        const detail = this.#image.core.errorDetail()
        this.#note(nid, errnoName(pieces.error), detail === '' ? 'a part of an inode can not be read' : detail)
      }
      if (flags !== 0 || pieces.cookie < 0) break
    }
  }

  /** Makes claims of the first `count` pieces; what lies in the metabox is in what that is stored in. */
  #take(count: number, nid: number | undefined): void {
    const pieces = this.#pieces
    const owner = ownerOf(nid)
    for (let i = 0; i < count; i++) {
      const kind = pieces.kind(i)
      const start = pieces.start(i)
      const end = start + pieces.size(i)
      if (kind === CHUNK_INDEXES) this.#indexes(nid, (end - start) / pieces.detail(i))
      if (kind === COMPRESSION_INDEXES) this.#indexes(nid, (end - start) / INDEX_LEAST)
      if (kind === COMPRESSION_HEADER) this.#compressed = true
      if (start >= BOX_BASE) continue
      if (kind === SHARED) this.#sharedXattr(start, end)
      else this.#lists[CERTAINTY[kind]].add(start, end, kind, owner)
    }
  }

  #indexes(nid: number | undefined, count: number): void {
    if (this.#looks < 0) return
    this.#looks -= count
    if (this.#looks < 0)
      this.#noteLimit(nid, 'inodes have more chunk indexes than the image has room for; data of some is left out')
  }

  #sharedXattr(start: number, end: number): void {
    const unit = Math.floor(start / 4)
    const bit = 1 << (unit & 7)
    const byte = Math.floor(unit / 8)
    if ((this.#sharedSeen[byte] & bit) !== 0) return
    this.#sharedSeen[byte] |= bit
    this.#shared.add(start, end, SHARED, 0)
  }
}
