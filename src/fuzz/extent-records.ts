// A file's data cut into extents that are listed as records of 4, 8, 16 or 32 bytes, and those records with the map header before them. Not
// here: indexes of logical clusters (lcluster-indexes.ts). Follows the project's spec of EROFS, section 10.

import { COMPRESSION_CONSTANTS, EXTENT, MAP_HEADER } from '../format/structs.js'
import { ErofsBytes, up } from './erofs-bytes.js'
import { Grown, type Pclusters } from './pclusters.js'

const C = COMPRESSION_CONSTANTS
const FORMAT = 2 ** C.Z_EROFS_EXTENT_PLEN_FMT_BIT
const PARTIAL = 2 ** 27
const FIRST_ADDRESS = { offset: 0, width: 8 }
/** What is shorter is not worth a reference to another's pcluster. */
const SHARED_LEAST = 24

export interface RecordForm {
  readonly layout: 'records'
  /** Bytes of a record. */
  readonly record: 4 | 8 | 16 | 32
  /** Of records without a start: bits of an extent beyond those of a block. */
  readonly clusterBits: number
  readonly interlaced: boolean
  readonly tail: 'none' | 'fragment'
}

interface Record {
  readonly start: number
  /** The word that has length and format. */
  readonly word: number
  readonly address: number
}

/** Bytes from the map header on for records of one length; where the header stands matters. */
export function recordBytes(form: RecordForm, count: number, header: number): number {
  const table = up(header + MAP_HEADER.size, form.record) - header
  return table + (form.record === 4 ? 8 : 0) + count * form.record
}

class RecordCuts {
  readonly #room: Pclusters
  readonly #form: RecordForm
  readonly #data: Uint8Array
  /** Of extents that lie one behind the other. */
  readonly run = new Grown()
  fragment = false

  constructor(room: Pclusters, form: RecordForm, data: Uint8Array) {
    this.#room = room
    this.#form = form
    this.#data = data
  }

  cut(): Record[] {
    const { random, block } = this.#room
    const { record, clusterBits, tail } = this.#form
    const records: Record[] = []
    for (let at = 0; at < this.#data.length; ) {
      const length = record <= 8 ? block << clusterBits : 1 + random.below(random.once(4) ? 9000 : 900)
      let end = Math.min(at + length, this.#data.length)
      const shared = record > 8 ? this.#shared(at) : undefined
      if (shared !== undefined) end = shared.end
      const isTail = end === this.#data.length && tail === 'fragment' && (record <= 8 || random.once(2))
      records.push(isTail ? this.#tail(at) : (shared ?? this.#record(at, end)))
      at = end
    }
    return records
  }

  #tail(start: number): Record {
    this.fragment = true
    // Lower half in one field, upper half, which is 0, in the other.
    return { start, word: this.#room.fragment(this.#data.subarray(start)), address: 0 }
  }

  #shared(start: number): (Record & { readonly end: number }) | undefined {
    const { random, known } = this.#room
    if (known.length === 0 || !random.once(2)) return undefined
    const { address, length, algorithm, content } = random.pick(known)
    let same = 0
    while (same < content.length && content[same] === this.#data[start + same]) same++
    if (same < SHARED_LEAST) return undefined
    const end = start + same - random.below(same - SHARED_LEAST + 1)
    const partial = end - start < content.length ? PARTIAL : 0
    return { start, end, word: length + partial + FORMAT * (algorithm + 1), address }
  }

  #record(start: number, end: number): Record {
    const { random, algorithms, known } = this.#room
    const data = this.#data.subarray(start, end)
    if (data.every(byte => byte === 0) && random.once(2)) return { start, word: 0, address: 0 }
    if (random.once(4)) return this.#plain(start, end)
    const algorithm = random.pick(algorithms)
    const partial = random.once(6)
    const content = new Uint8Array(data.length + (partial ? 1 + random.below(100) : 0))
    content.set(this.#data.subarray(start, start + content.length))
    const stream = this.#room.encode(algorithm, content)
    // Zeros in front are looked for in one block.
    const canFill = this.#form.record > 4 || this.run.length % this.#room.block === 0
    const filled = canFill && random.once(2) ? up(stream.length, this.#room.block) : stream.length
    const { address, length } = this.#put(this.#room.filled(algorithm, stream, filled), filled > stream.length)
    // One whose address is not known yet is no use to others.
    if (this.#form.record > 4) known.push({ address, length, algorithm, content })
    return { start, word: length + (partial ? PARTIAL : 0) + FORMAT * (algorithm + 1), address }
  }

  #plain(start: number, end: number): Record {
    const { random, block } = this.#room
    const size = end - start
    const whole = random.once(2)
    // One of whole blocks at the begin of a block is interlaced where any is.
    const length = whole ? up(size, block) : size + (size % block === 0 ? 1 : 0)
    const aligned = whole && (this.#form.record !== 4 || this.run.length % block === 0)
    const out = new Uint8Array(length)
    const over = start % block
    const first = this.#form.interlaced && aligned ? Math.min(block - over, size) : 0
    out.set(this.#data.subarray(start + first, end))
    if (first > 0) out.set(this.#data.subarray(start, start + first), length - block + over)
    const { address } = this.#put(out, whole)
    return { start, word: length, address }
  }

  /** Puts bytes where any byte may be the first, or at the begin of a block. */
  #put(bytes: Uint8Array, aligned: boolean): { readonly address: number; readonly length: number } {
    if (this.#form.record === 4) {
      this.run.put(this.run.length, bytes)
      return { address: 0, length: bytes.length }
    }
    return { address: this.#room.put(bytes, aligned ? this.#room.block : 1), length: bytes.length }
  }
}

function write(out: ErofsBytes, at: number, { start, word, address }: Record, record: number): void {
  const { plen, pstart_lo, pstart_hi, lstart_lo, lstart_hi } = EXTENT.fields
  out.put(at, plen, word)
  if (record >= 8) out.put(at, pstart_lo, address)
  if (record >= 16) {
    out.put(at, pstart_hi, Math.floor(address / 2 ** 32))
    out.put(at, lstart_lo, start)
  }
  if (record === 32) out.put(at, lstart_hi, Math.floor(start / 2 ** 32))
}

/** Header and records of a file's data; `header` is where they will stand, modulo 32. */
export function recordsOf(room: Pclusters, form: RecordForm, data: Uint8Array, header: number): Uint8Array {
  const cuts = new RecordCuts(room, form, data)
  const records = cuts.cut()
  const { record } = form
  const out = new ErofsBytes(new Uint8Array(recordBytes(form, records.length, header)))
  const table = up(header + MAP_HEADER.size, record) - header
  const { h_fragmentoff, h_advise, h_clusterbits } = MAP_HEADER.fields
  const advise =
    C.Z_EROFS_ADVISE_EXTENTS |
    ((31 - Math.clz32(record / 4)) << 1) |
    (form.interlaced ? C.Z_EROFS_ADVISE_INTERLACED_PCLUSTER : 0) |
    (cuts.fragment ? C.Z_EROFS_ADVISE_FRAGMENT_PCLUSTER : 0)
  out.put(0, h_advise, advise)
  if (record <= 8) out.put(0, h_clusterbits, form.clusterBits)
  else out.put(0, h_fragmentoff, records.length)
  if (record === 4) out.put(table, FIRST_ADDRESS, room.put(cuts.run.bytes, room.block))
  const first = table + (record === 4 ? 8 : 0)
  for (const [i, one] of records.entries()) write(out, first + i * record, one, record)
  return out.bytes
}
