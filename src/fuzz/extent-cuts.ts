// A file's data cut into extents at random, in ways that an index of logical clusters can tell of: at most one begins in each of them.
// Not here: the indexes (lcluster-indexes.ts), extents that are listed as records (extent-records.ts).

import { COMPRESSION_CONSTANTS } from '../format/structs.js'
import { Grown, type Pclusters } from './pclusters.js'

const C = COMPRESSION_CONSTANTS
const PLAIN = C.Z_EROFS_LCLUSTER_TYPE_PLAIN
const HEAD1 = C.Z_EROFS_LCLUSTER_TYPE_HEAD1
const HEAD2 = C.Z_EROFS_LCLUSTER_TYPE_HEAD2
/** Blocks of the largest pcluster that is made. */
const BLOCKS_MAX = 12
/** What an inline pcluster leaves of its block, so that there is a place for its inode. */
const INLINE_LEFT = 96
/** An extent is seldom of more clusters. */
const CLUSTERS = 6
const MANY_CLUSTERS = 60
/** What is shorter is not worth a reference to another's pcluster. */
const SHARED_LEAST = 24

/** How the indexes of a file are written. */
export interface Form {
  readonly layout: 'full' | 'compact'
  /** Algorithms of the two types of heads. */
  readonly algorithms: readonly [number, number]
  /** May pclusters of the first head type, and those of the others, be of several blocks? */
  readonly big: readonly [boolean, boolean]
  readonly interlaced: boolean
  /** Packs of 2-byte entries where there are enough. */
  readonly narrow: boolean
  readonly tail: 'none' | 'inline' | 'fragment'
}

export interface Extent {
  readonly start: number
  readonly end: number
  /** Z_EROFS_LCLUSTER_TYPE_*. */
  readonly type: number
  /** Its pcluster, of whole blocks; where that is not there, it is another extent's at `address`. */
  readonly stored?: Uint8Array
  /** Byte address. */
  address: number
  readonly blocks: number
  readonly partial: boolean
  /** All that its pcluster decodes to, if that is compressed, and by which algorithm. */
  readonly content?: Uint8Array
  readonly algorithm?: number
  /** Its pcluster stands behind the indexes, or it is a fragment, at that offset. */
  readonly inline?: Uint8Array
  readonly fragment?: number
}

export class IndexedCuts {
  readonly #room: Pclusters
  readonly #form: Form
  readonly #data: Uint8Array
  readonly #bits: number
  readonly #last: number

  constructor(room: Pclusters, form: Form, data: Uint8Array) {
    this.#room = room
    this.#form = form
    this.#data = data
    this.#bits = room.blockBits
    this.#last = Math.ceil(data.length / room.block) - 1
  }

  cut(): Extent[] {
    const extents: Extent[] = []
    for (let at = 0; at < this.#data.length; ) {
      const extent = this.#tail(at) ?? this.#shared(at) ?? this.#compressed(at) ?? this.#plain(at)
      extents.push(extent)
      if (this.#form.layout === 'full') this.#place([extent])
      at = extent.end
    }
    // Compact indexes have one address for a pack, so that pclusters stand in their order.
    if (this.#form.layout === 'compact') this.#place(extents)
    return extents
  }

  /** Puts pclusters one behind the other. */
  #place(extents: readonly Extent[]): void {
    const stored = extents.flatMap(extent => extent.stored ?? [])
    if (stored.length === 0) return
    const run = new Grown()
    for (const bytes of stored) run.put(run.length, bytes)
    let address = this.#room.put(run.bytes, this.#room.block)
    for (const extent of extents) {
      if (extent.stored === undefined) {
        // Where the next one would be.
        if (extent.address === 0) extent.address = address
        continue
      }
      extent.address = address
      const { length } = extent.stored
      address += length
      const { algorithm, content } = extent
      if (algorithm !== undefined && content !== undefined) {
        this.#room.known.push({ address: extent.address, length, algorithm, content })
      }
    }
  }

  #cluster(at: number): number {
    return at >> this.#bits
  }

  /** May a pcluster of the extent be of several blocks: is its type's big, and does another cluster than its first one say of how many? */
  #hasRoom(start: number, end: number, type: number): boolean {
    const { big } = this.#form
    if (!big[type === HEAD1 ? 0 : 1]) return false
    const first = this.#cluster(start)
    return end === this.#data.length ? first < this.#last : this.#cluster(end) >= first + 2
  }

  #tail(start: number): Extent | undefined {
    const { random, block } = this.#room
    const { tail, interlaced, algorithms } = this.#form
    const end = this.#data.length
    if (tail === 'none' || end - start > 4 * block || !random.once(2)) return undefined
    const rest = this.#data.subarray(start)
    const common = { start, end, blocks: 1, address: 0, partial: false }
    if (tail === 'fragment') {
      return { ...common, type: HEAD1, fragment: this.#room.fragment(rest) }
    }
    const plain = !interlaced && random.once(3)
    const inline = plain ? rest : this.#room.encode(algorithms[0], rest)
    if (inline.length > block - INLINE_LEFT) return undefined
    return { ...common, type: plain ? PLAIN : HEAD1, inline }
  }

  /** An extent of what another pcluster decodes to, or the first part of it. Only full indexes can tell of such a part. */
  #shared(start: number): Extent | undefined {
    const { random, known, block } = this.#room
    if (this.#form.layout !== 'full' || known.length === 0 || !random.once(2)) return undefined
    const from = random.below(known.length)
    for (let i = 0; i < known.length; i++) {
      const { address, length, algorithm, content } = known[(from + i) % known.length]
      if (address % block !== 0 || length % block !== 0) continue
      let same = 0
      while (same < content.length && content[same] === this.#data[start + same]) same++
      const type = this.#form.algorithms.indexOf(algorithm) === 0 ? HEAD1 : HEAD2
      const whole = same === content.length && !random.once(4)
      const end = start + (whole ? same : same - random.below(Math.max(same - SHARED_LEAST, 1)))
      const inOne = end < this.#data.length && this.#cluster(end) === this.#cluster(start)
      if (same < SHARED_LEAST || inOne || !this.#form.algorithms.includes(algorithm)) continue
      if (length > block && !this.#hasRoom(start, end, type)) continue
      return { start, end, type, address, blocks: length / block, partial: end - start < content.length }
    }
    return undefined
  }

  #compressed(start: number): Extent | undefined {
    const { random, block } = this.#room
    if (random.once(8)) return undefined
    const type = random.once(3) ? HEAD2 : HEAD1
    const algorithm = this.#form.algorithms[type === HEAD1 ? 0 : 1]
    let clusters = 1 + random.below(random.once(6) ? MANY_CLUSTERS : CLUSTERS)
    for (; clusters > 0; clusters >>= 1) {
      const end = this.#endOf(start, clusters)
      // What of the pcluster is not used may be what comes next, or anything.
      const partial = this.#form.layout === 'full' && random.once(6)
      const more = partial ? 1 + random.below(200) : 0
      const content = new Uint8Array(end - start + more)
      content.set(this.#data.subarray(start, end + more))
      const stream = this.#room.encode(algorithm, content)
      const blocks = Math.ceil(stream.length / block)
      if (blocks > (this.#hasRoom(start, end, type) ? BLOCKS_MAX : 1)) continue
      const stored = this.#room.filled(algorithm, stream, blocks * block)
      return { start, end, type, stored, address: 0, blocks, partial, content, algorithm }
    }
    return undefined
  }

  /** The end of an extent of so many clusters: at the end of one, or in the next. */
  #endOf(start: number, clusters: number): number {
    const { random, block } = this.#room
    const whole = (this.#cluster(start) + clusters) * block
    const end = whole + (random.once(2) ? random.below(block) : 0)
    return Math.min(end, this.#data.length)
  }

  #plain(start: number): Extent {
    const { random, block } = this.#room
    const { length } = this.#data
    let blocks = random.once(2) ? 1 : 1 + random.below(4)
    let end = Math.min(start + blocks * block, length)
    if (blocks > 1 && !this.#hasRoom(start, end, PLAIN)) {
      blocks = 1
      end = Math.min(start + block, length)
    }
    // May end anywhere behind the begin of the next cluster.
    const next = (this.#cluster(start) + blocks) * block
    if (random.once(2) && end > next) end = next + random.below(end - next)
    if (blocks > 1 && !this.#hasRoom(start, end, PLAIN)) end = Math.min(start + blocks * block, length)
    const stored = this.#stored(start, end, blocks * block)
    return { start, end, type: PLAIN, stored, address: 0, blocks, partial: false }
  }

  /** A pcluster that is not compressed. An interlaced one ends with the extent's first bytes, up to where a block of the file ends. */
  #stored(start: number, end: number, length: number): Uint8Array {
    const { random, block } = this.#room
    const out = random.once(2) ? new Uint8Array(length) : random.bytes(length)
    const over = start % block
    const first = this.#form.interlaced ? Math.min(block - over, end - start) : 0
    out.set(this.#data.subarray(start + first, end))
    if (first > 0) out.set(this.#data.subarray(start, start + first), length - block + over)
    return out
  }
}
