// One instance of the build core: a tree's memory, as typed columns, and the calls that change it. Beside wasm/core.ts the
// only place that knows pointers. Not here: what columns mean (src/tree), how a refusal reads (src/tree/reasons.ts).
// Calls may move regions and grow memory, which voids every view; `settle` lays them anew, and each call that can do so
// ends with it.

import {
  COLUMN_BYTES,
  COLUMNS,
  type ColumnType,
  CTIME_COLUMNS,
  FAILURE,
  KEY_COLUMNS,
  PAIR_COLUMNS,
} from '../src/format/build-layout.js'
import { BUILD_CORE_BASE64 } from './build-core-bytes.js'

interface Global {
  readonly value: number
}

interface BuildExports {
  readonly failure: Global
  readonly seed: Global
  readonly seedBytes: Global
  readonly moves: Global
  readonly rows: Global
  readonly capacity: Global
  readonly count: Global
  readonly ctimes: Global
  readonly arena: Global
  readonly arenaUsed: Global
  readonly keys: Global
  readonly keyRoom: Global
  readonly keyCount: Global
  readonly pairs: Global
  readonly pairRoom: Global
  readonly pairCount: Global
  readonly list: Global
  readonly listRoom: Global
  readonly listLength: Global
  readonly children: Global
  readonly image: Global
  reserveArena(bytes: number): number
  reserveRows(rows: number): number
  reserveCtimes(): number
  takeArena(bytes: number): void
  readDump(length: number, textLength: number, strict: number): number
  addRoot(mode: number): number
  addNode(parent: number, name: number, length: number, mode: number): number
  findChild(parent: number, name: number, length: number): number
  findPath(from: number, to: number): number
  setPayload(node: number, at: number, length: number): number
  setContent(node: number, at: number, length: number): number
  setDigest(node: number, at: number): void
  setLink(node: number, target: number): number
  resolveLink(node: number): number
  setXattr(node: number, key: number, keyLength: number, value: number, length: number, limit: number): number
  compareNodes(a: number, b: number): number
  sortChildren(directory: number): number
  planImage(minVersion: number, maxVersion: number): number
  imageSize(handle: number): number
  imageVersion(handle: number): number
  writePiece(handle: number): number
  pieceAt(handle: number): number
  dropImage(handle: number): void
}

interface ArrayOf {
  u32: Uint32Array
  i32: Int32Array
  u16: Uint16Array
  u8: Uint8Array
}
type Table = Readonly<Record<string, ColumnType>>
export type Views<T extends Table> = { -readonly [K in keyof T]: ArrayOf[T[K]] }
export type TreeColumns = Views<typeof COLUMNS>
export type CtimeColumns = Views<typeof CTIME_COLUMNS>
export type XattrColumns = Views<typeof KEY_COLUMNS> & Views<typeof PAIR_COLUMNS> & { list: Int32Array }

const ARRAYS = { u32: Uint32Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array } as const
const MAX_PAGES = 65536
const FIRST_PAGES = 2

/** Lays columns one after the other over `rows` rows at an address. */
function lay<T extends Table>(table: T, buffer: ArrayBuffer, at: number, rows: number): Views<T> {
  const out: Record<string, ArrayOf[ColumnType]> = {}
  let from = at
  for (const [name, type] of Object.entries(table)) {
    out[name] = new ARRAYS[type](buffer, from, rows)
    from += COLUMN_BYTES[type] * rows
  }
  return out as Views<T>
}

/** What the core says of a refusal, in numbers: see src/format/build-layout.ts. */
export interface Refusal {
  readonly reason: number
  /** From 1; 0 where no line is meant. */
  readonly line: number
  readonly field: number
  /** -1 where no node is meant. */
  readonly node: number
  readonly a: number
  readonly b: number
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  // Where there is a Buffer it is ten times as fast.
  if (typeof Buffer !== 'undefined') return new Uint8Array(Buffer.from(BUILD_CORE_BASE64, 'base64'))
  return Uint8Array.from(atob(BUILD_CORE_BASE64), c => c.charCodeAt(0))
}

/** What a core may have in the place of its own: one that counts what it does has a module and a memory of that kind. */
export interface BuildCoreParts {
  readonly module?: WebAssembly.Module
  /** All zero where the module's data are. */
  readonly memory?: WebAssembly.Memory
  /** Numbers from 0 to 1, which tables of names are mixed with, so that nobody can make names that collide. */
  readonly random?: () => number
}

export class BuildCore {
  /** Compiled when the first tree is made, for all: a constant that is not always wanted. */
  static #module: WebAssembly.Module | undefined
  readonly exports: BuildExports
  /** Good until the next call that can change the tree. */
  u8!: Uint8Array
  columns!: TreeColumns
  /** Undefined where no ctime was set. */
  ctime: CtimeColumns | undefined
  xattrs!: XattrColumns
  /** Address of the byte string. */
  arena = 0
  readonly #memory: WebAssembly.Memory
  #moves = -1

  /** Throws a RangeError when the host has no memory for it. */
  constructor({ module, memory, random = Math.random }: BuildCoreParts = {}) {
    this.#memory = memory ?? new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MAX_PAGES })
    const compiled = module ?? BuildCore.#own()
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } })
    this.exports = instance.exports as unknown as BuildExports
    const { seed, seedBytes } = this.exports
    const words = new Uint32Array(this.#memory.buffer, seed.value, seedBytes.value / 4)
    for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32
    this.settle()
  }

  static #own(): WebAssembly.Module {
    BuildCore.#module ??= new WebAssembly.Module(moduleBytes())
    return BuildCore.#module
  }

  /** Lays the views anew where something moved. */
  settle(): void {
    const moves = this.exports.moves.value
    if (moves === this.#moves) return
    this.#moves = moves
    const { exports } = this
    const { buffer } = this.#memory
    const at = (address: Global) => address.value >>> 0
    this.u8 = new Uint8Array(buffer)
    this.arena = at(exports.arena)
    const rows = exports.capacity.value
    this.columns = lay(COLUMNS, buffer, at(exports.rows), rows)
    this.ctime = at(exports.ctimes) === 0 ? undefined : lay(CTIME_COLUMNS, buffer, at(exports.ctimes), rows)
    this.xattrs = {
      ...lay(KEY_COLUMNS, buffer, at(exports.keys), exports.keyRoom.value),
      ...lay(PAIR_COLUMNS, buffer, at(exports.pairs), exports.pairRoom.value),
      list: new Int32Array(buffer, at(exports.list), exports.listRoom.value),
    }
  }

  /** A call's answer after its views were laid anew. */
  settled(answer: number): number {
    this.settle()
    return answer
  }

  /** Bytes of the byte string. */
  get arenaUsed(): number {
    return this.exports.arenaUsed.value >>> 0
  }

  /** Position of the first NUL among the first bytes of the byte string, or their number. */
  firstNul(length: number): number {
    const text = this.u8.subarray(this.arena, this.arena + length)
    // Nothing finds a byte as fast as Node's Buffer.
    const bytes = typeof Buffer === 'undefined' ? text : Buffer.from(text.buffer, text.byteOffset, length)
    const at = bytes.indexOf(0)
    return at < 0 ? length : at
  }

  get refusal(): Refusal {
    const view = new DataView(this.#memory.buffer, this.exports.failure.value)
    return {
      reason: view.getUint32(FAILURE.reason, true),
      line: view.getUint32(FAILURE.line, true),
      field: view.getUint32(FAILURE.field, true),
      node: view.getInt32(FAILURE.node, true),
      a: view.getFloat64(FAILURE.a, true),
      b: view.getFloat64(FAILURE.b, true),
    }
  }

  /**
   * Address of bytes, which are put behind the byte string unless they are part of it already: they become that only when
   * they are taken. -errno when there is no room, with the refusal.
   */
  place(source: Uint8Array, from: number, to: number): number {
    if (source.buffer === this.u8.buffer) {
      const at = source.byteOffset + from
      if (at >= this.arena && at + to - from <= this.arena + this.arenaUsed) return at
      // Memory may move before they are copied.
      return this.place(source.slice(from, to), 0, to - from)
    }
    const { exports } = this
    const answer = this.settled(exports.reserveArena(to - from))
    if (answer < 0) return answer
    const at = this.arena + this.arenaUsed
    const { u8 } = this
    // A call costs more than copying a name.
    if (to - from < 64) for (let i = from, into = at; i < to; i++) u8[into++] = source[i]
    else u8.set(source.subarray(from, to), at)
    return at
  }

  /** Makes what `place` has put there part of the byte string. */
  take(at: number, length: number): void {
    if (at === this.arena + this.arenaUsed) this.exports.takeArena(length)
  }

  /** The children of the directory that were listed last; a view. */
  children(count: number): Int32Array {
    return new Int32Array(this.#memory.buffer, this.exports.children.value >>> 0, count)
  }

  /** The piece of an image that was written last; a view. */
  piece(handle: number, length: number): Uint8Array {
    const at = this.exports.pieceAt(handle) >>> 0
    return this.u8.subarray(at, at + length)
  }
}
