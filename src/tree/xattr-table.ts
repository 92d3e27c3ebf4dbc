// Extended attributes of a tree: each (key, value) once, and per node a list of them in the order in which they were set.
// Limits are those of libcomposefs (spec composefs-image.md 1.2). Not here: what a key means, how it is stored in an image.

import { type ByteArena, sameBytes } from './byte-arena.js'
import { HashIndex, hashBytes } from './hash-index.js'
import { TreeError } from './tree-error.js'

const KEY_MAX = 255
const VALUE_MAX = 65535
/** Most that the attributes of one node may take, as the costs below count; more when an image is read. */
export const XATTR_SPACE_MAX = 32767
export const XATTR_SPACE_MAX_READ = 65535
/** What one attribute takes beyond its key and value, and the first one of a node more. */
export const XATTR_ENTRY_COST = 7
export const XATTR_FIRST_COST = 12

const FIRST_ROWS = 64

export function grown<T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(column: T, rows: number): T {
  const wider = new (column.constructor as new (length: number) => T)(rows)
  wider.set(column)
  return wider
}

export class XattrTable {
  readonly #arena: ByteArena
  readonly #index = new HashIndex()
  readonly #keyIndex = new HashIndex()
  /** Per key: where its bytes lie. */
  keyCount = 0
  keyAt = new Int32Array(FIRST_ROWS)
  keyLength = new Uint8Array(FIRST_ROWS)
  /** Per pair: its key, and where the value lies. */
  pairCount = 0
  pairKey = new Int32Array(FIRST_ROWS)
  valueAt = new Int32Array(FIRST_ROWS)
  valueLength = new Uint16Array(FIRST_ROWS)
  /** Per node: where its run in `list` begins, and how many pairs it has. Short of nodes that have none. */
  start = new Int32Array(FIRST_ROWS)
  count = new Uint16Array(FIRST_ROWS)
  list = new Int32Array(FIRST_ROWS)
  listLength = 0

  constructor(arena: ByteArena) {
    this.#arena = arena
  }

  /**
   * Number of a key and value; new ones are added. The bytes are copied, or stay where they are when they lie in the
   * arena. Throws a TreeError (ERANGE, EINVAL) for a length that no attribute can have.
   */
  pair(source: Uint8Array, keyFrom: number, keyTo: number, valueFrom: number, valueTo: number): number {
    const length = valueTo - valueFrom
    if (length > VALUE_MAX) throw new TreeError('EINVAL', `value of ${length} bytes, more than ${VALUE_MAX}`)
    const key = this.#key(source, keyFrom, keyTo)
    const hash = hashBytes(source, valueFrom, valueTo, this.#index.seed ^ key)
    for (let slot = this.#index.start(hash); ; slot = this.#index.after(slot)) {
      const pair = this.#index.at(slot)
      if (pair < 0) break
      if (!this.#index.hashIs(slot, hash) || this.pairKey[pair] !== key || this.valueLength[pair] !== length) continue
      if (sameBytes(this.#arena.bytes, this.valueAt[pair], source, valueFrom, length)) return pair
    }
    const pair = this.pairCount++
    if (pair === this.pairKey.length) this.#growPairs()
    this.pairKey[pair] = key
    this.valueAt[pair] = this.#placed(source, valueFrom, valueTo)
    this.valueLength[pair] = length
    this.#index.add(hash, pair)
    return pair
  }

  /** Key of a pair, a character a byte. */
  keyName(key: number): string {
    return String.fromCharCode(...this.#arena.view(this.keyAt[key], this.keyLength[key]))
  }

  /**
   * Gives a node a pair; the last one takes the place of another with the same key. Throws a TreeError (ERANGE) when
   * the node's attributes would take more than `limit`.
   */
  set(node: number, pair: number, limit: number): void {
    if (node >= this.start.length) this.#growNodes(node)
    const key = this.pairKey[pair]
    const start = this.start[node]
    const count = this.count[node]
    let space = XATTR_FIRST_COST + this.#cost(pair)
    let same = -1
    for (let i = start; i < start + count; i++) {
      if (this.pairKey[this.list[i]] === key) same = i
      else space += this.#cost(this.list[i])
    }
    if (space > limit) throw new TreeError('ERANGE', `attributes of ${space} bytes, more than ${limit}`)
    if (same >= 0) {
      this.list[same] = this.list[start + count - 1]
      this.list[start + count - 1] = pair
      return
    }
    if (start + count !== this.listLength) this.start[node] = this.#move(start, count)
    if (this.listLength === this.list.length) this.list = grown(this.list, 2 * this.list.length)
    this.list[this.listLength++] = pair
    this.count[node]++
  }

  #cost(pair: number): number {
    return XATTR_ENTRY_COST + this.keyLength[this.pairKey[pair]] + this.valueLength[pair]
  }

  /** Moves a run to the end, where it can get longer. */
  #move(start: number, count: number): number {
    const at = this.listLength
    if (at + count > this.list.length) this.list = grown(this.list, 2 * (at + count))
    this.list.copyWithin(at, start, start + count)
    this.listLength += count
    return at
  }

  #key(source: Uint8Array, from: number, to: number): number {
    const length = to - from
    if (length === 0 || length > KEY_MAX) {
      throw new TreeError('ERANGE', length === 0 ? 'empty key' : `key of ${length} bytes, more than ${KEY_MAX}`)
    }
    const hash = hashBytes(source, from, to, this.#keyIndex.seed)
    for (let slot = this.#keyIndex.start(hash); ; slot = this.#keyIndex.after(slot)) {
      const key = this.#keyIndex.at(slot)
      if (key < 0) break
      if (!this.#keyIndex.hashIs(slot, hash) || this.keyLength[key] !== length) continue
      if (sameBytes(this.#arena.bytes, this.keyAt[key], source, from, length)) return key
    }
    const key = this.keyCount++
    if (key === this.keyAt.length) {
      this.keyAt = grown(this.keyAt, 2 * key)
      this.keyLength = grown(this.keyLength, 2 * key)
    }
    this.keyAt[key] = this.#placed(source, from, to)
    this.keyLength[key] = length
    this.#keyIndex.add(hash, key)
    return key
  }

  #placed(source: Uint8Array, from: number, to: number): number {
    return source === this.#arena.bytes ? from : this.#arena.append(source, from, to)
  }

  #growNodes(node: number): void {
    const rows = Math.max(node + 1, 2 * this.start.length)
    this.start = grown(this.start, rows)
    this.count = grown(this.count, rows)
  }

  #growPairs(): void {
    const rows = 2 * this.pairKey.length
    this.pairKey = grown(this.pairKey, rows)
    this.valueAt = grown(this.valueAt, rows)
    this.valueLength = grown(this.valueLength, rows)
  }
}
