// Goes through a whole image and claims what its structures take: first the tree, to learn which inodes there are, then the
// inodes in the order in which they stand in the image. What can't be read is noted and passed over. Not here: who gets bytes
// that several claim (cover.ts).
// Bounded whatever an image says: each inode and each shared xattr counts once, and there is an end to the entries and chunk
// indexes that are looked at, which is above what any image holds whose structures do not overlap.

import { Pieces } from '../../wasm/core-pieces.js'
import { Records, readBatch } from '../../wasm/records.js'
import { PIECE_FLAGS, PIECE_KINDS, type PieceKind } from '../format/anatomy-structs.js'
import { errnoName, type Fault } from '../format/errno.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { Claims } from './claims.js'
import type { MapFault } from './image-map.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
const FAULTS_MOST = 100
/** Steps between two looks at the clock of whoever drives this. */
const STEPS = 4096
/** Entries and chunk indexes that are looked at: so many for each byte of the image, and some. */
const LOOKS_PER_BYTE = 1
const LOOKS_LEAST = 1 << 20
/** Slots of 32 bytes, at which inodes stand. */
const SLOT_BITS = CONSTANTS.EROFS_ISLOTBITS

function kindOf(name: PieceKind): number {
  return PIECE_KINDS.indexOf(name)
}

const CHUNK_INDEXES = kindOf('chunk-indexes')
const COMPRESSION_HEADER = kindOf('compression-header')
const SHARED = kindOf('shared-xattr')
/** By kind, how certain it is that a claim is right: what stands at its place, what follows that, what lies apart. */
const FIXED = 0
const BEHIND = 1
const APART = 2
const CERTAINTY = Uint8Array.from(PIECE_KINDS, kind => {
  if (/^(?:directory-block|symlink-block|file-data|cfs-)/.test(kind)) return APART
  return /^inode-xattrs|^inline-|^chunk-|^compression-header/.test(kind) ? BEHIND : FIXED
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
  inodes = 0
  /** Whether some inode's data is compressed: then bytes that nobody claims may be its. */
  compressed = false
  readonly #image: Image
  readonly #pieces: Pieces
  readonly #bits: Uint8Array
  readonly #sharedSeen: Uint8Array
  /** Slot of nid 0, and slots from one nid to the next. */
  readonly #firstSlot: number
  readonly #rootSlot: number
  readonly #stride: number
  #looks: number

  constructor(image: Image) {
    const size = image.byteLength
    this.#image = image
    this.#pieces = new Pieces(image.core)
    this.#fixed = new Claims(size)
    this.#behind = new Claims(size)
    this.#apart = new Claims(size)
    this.#shared = new Claims(size)
    this.#lists = [this.#fixed, this.#behind, this.#apart]
    this.#bits = new Uint8Array(Math.ceil(size / 32 / 8) + 1)
    this.#sharedSeen = new Uint8Array(Math.ceil(size / 4 / 8) + 1)
    this.#looks = size * LOOKS_PER_BYTE + LOOKS_LEAST
    // The root was read when the image was opened.
    image.core.stat(image.rootNid)
    this.#stride = image.format === 'cfs-v1' ? 3 : 1
    this.#rootSlot = image.core.position() / 2 ** SLOT_BITS
    this.#firstSlot = this.#rootSlot - image.rootNid * this.#stride
  }

  /** The claims, those first that keep their bytes whatever others claim. */
  get claims(): readonly Claims[] {
    return [this.#fixed, this.#behind, this.#shared, this.#apart]
  }

  /** Goes through it all; stops now and then, and says how far it is (0 to 1). */
  *run(): Generator<number, void> {
    yield* this.#tree()
    this.#take(this.#pieces.frame(), 0)
    const unnamed = this.#pieces.cookie
    if (unnamed >= 0) this.#reach(unnamed)
    yield* this.#inodes()
  }

  #note(nid: number | undefined, code: string, what: string): void {
    this.faultCount++
    if (this.faults.length < FAULTS_MOST) this.faults.push({ nid, code, what })
  }

  /** Says that something was left out since there was no end to it; once for each such thing, so there is room for it. */
  #noteLimit(nid: number, what: string): void {
    this.faultCount++
    this.faults.push({ nid, code: 'EUCLEAN', what })
  }

  #noteFault(nid: number, fault: Fault): void {
    this.#note(nid, fault.code, fault.detail)
  }

  /** Marks an inode without a name. */
  #reach(nid: number): void {
    const { core } = this.#image
    const r = core.stat(nid)
    if (r < 0) this.#noteFault(nid, this.#image.fault(r, 'packed inode'))
    else this.#mark(core.position() / 2 ** SLOT_BITS)
  }

  #mark(slot: number): boolean {
    const bit = 1 << (slot & 7)
    const before = this.#bits[slot >>> 3]
    this.#bits[slot >>> 3] = before | bit
    if ((before & bit) !== 0) return false
    this.inodes++
    return true
  }

  #nidOf(slot: number): number {
    return (slot - this.#firstSlot) / this.#stride
  }

  /** Marks all inodes that have a name. */
  *#tree(): Generator<number, void> {
    const image = this.#image
    const records = new Records(image.core)
    const waiting: number[] = [image.rootNid]
    this.#mark(this.#rootSlot)
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
      else if (this.#mark(records.slot(i)) && (records.mode(i) & S_IFMT) === S_IFDIR) waiting.push(records.nid(i))
    }
  }

  /** Claims for all marked inodes. */
  *#inodes(): Generator<number, void> {
    const bits = this.#bits
    this.#looks = this.#image.byteLength * LOOKS_PER_BYTE + LOOKS_LEAST
    let steps = 0
    for (let byte = 0; byte < bits.length; byte++) {
      if (bits[byte] === 0) continue
      for (let bit = 0; bit < 8; bit++) {
        if ((bits[byte] & (1 << bit)) === 0) continue
        this.#inode(this.#nidOf(byte * 8 + bit))
        steps++
      }
      if (steps < STEPS) continue
      steps = 0
      yield byte / bits.length
    }
  }

  #inode(nid: number): void {
    const pieces = this.#pieces
    let told = false
    for (let at = 0; at >= 0; at = pieces.cookie) {
      const flags = this.#looks < 0 ? PIECE_FLAGS.PF_NO_CHUNKS : 0
      const r = pieces.load(nid, at, flags)
      if (r < 0) {
        this.#noteFault(nid, this.#image.fault(r, 'inode'))
        return
      }
      this.#take(r, nid + 1)
      if (pieces.error !== 0 && !told) {
        told = true
        const detail = this.#image.core.errorDetail()
        this.#note(nid, errnoName(pieces.error), detail === '' ? 'a part of an inode can not be read' : detail)
      }
      if (flags !== 0 || pieces.cookie < 0) break
    }
  }

  /** Makes claims of the first `count` pieces. */
  #take(count: number, owner: number): void {
    const pieces = this.#pieces
    for (let i = 0; i < count; i++) {
      const kind = pieces.kind(i)
      const start = pieces.start(i)
      const end = start + pieces.size(i)
      if (kind === SHARED) this.#sharedXattr(start, end)
      else this.#lists[CERTAINTY[kind]].add(start, end, kind, owner)
      if (kind === CHUNK_INDEXES) this.#chunks(owner - 1, end - start, pieces.detail(i))
      if (kind === COMPRESSION_HEADER) this.compressed = true
    }
  }

  #chunks(nid: number, bytes: number, width: number): void {
    if (this.#looks < 0) return
    this.#looks -= bytes / width
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
