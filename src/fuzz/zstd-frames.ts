// Zstandard frames by seed (RFC 8878, 3.1.1), with all that the format has and an encoder seldom or never writes, and the
// content that they stand for. What was written is counted, so that a test can tell that nothing was left out.

import {
  type Below,
  BitWriter,
  codedWeights,
  type FseTable,
  fseTable,
  huffmanStream,
  plainWeights,
  randomCounts,
  randomTree,
  singleTable,
  stateFor,
  type Tree,
  writeCounts,
} from './zstd-codes.js'

export type Kind = 'LL' | 'OF' | 'ML'
const KINDS: readonly Kind[] = ['LL', 'OF', 'ML']
const MOST = { LL: 35, OF: 20, ML: 52 }
const MAX_LOG = { LL: 9, OF: 8, ML: 9 }

const extra = (...runs: [count: number, width: number][]): number[] =>
  runs.flatMap(([n, width]) => new Array<number>(n).fill(width))
const upTo16 = (first: number): [number, number][] => Array.from({ length: 17 - first }, (_, i) => [1, first + i])
const LL_EXTRA = extra([16, 0], [4, 1], [2, 2], [2, 3], [1, 4], ...upTo16(6))
const ML_EXTRA = extra([32, 0], [4, 1], [2, 2], [2, 3], [2, 4], [1, 5], ...upTo16(7))
function bases(first: number, widths: readonly number[]): number[] {
  const found = [first]
  for (const width of widths) found.push(found[found.length - 1] + 2 ** width)
  return found
}
export const LL_BASES = bases(0, LL_EXTRA)
export const ML_BASES = bases(3, ML_EXTRA)

const ones = (n: number): number[] => new Array<number>(n).fill(1)
const rare = (n: number): number[] => new Array<number>(n).fill(-1)
const twos = (n: number): number[] => new Array<number>(n).fill(2)
export const DEFAULTS: Record<Kind, FseTable> = {
  LL: fseTable([4, 3, ...twos(11), ...ones(3), ...twos(9), 3, 2, ...ones(5), ...rare(4)], 6),
  OF: fseTable([...ones(6), ...twos(3), ...ones(15), ...rare(5)], 5),
  ML: fseTable([1, 4, 3, ...twos(6), ...ones(37), ...rare(7)], 6),
}

interface Sequence {
  /** Code, and what its extra bits are, of each kind. */
  readonly LL: readonly [number, number]
  readonly OF: readonly [number, number]
  readonly ML: readonly [number, number]
  readonly lits: number
  readonly match: number
  readonly offset: number
}

export interface Frame {
  readonly bytes: Uint8Array
  readonly content: Uint8Array
}

/** Widths of the extra bits of a code. */
export function widthOf(kind: Kind, code: number): number {
  return kind === 'LL' ? LL_EXTRA[code] : kind === 'ML' ? ML_EXTRA[code] : code
}

export function little(value: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256)
}

export class FrameWriter {
  readonly seen = new Map<string, number>()
  readonly #random: Below
  #content: number[] = []
  #tree: Tree | undefined
  #tables: Partial<Record<Kind, FseTable>> = {}
  #offsets = [1, 4, 8]

  constructor(random: Below) {
    this.#random = random
  }

  /** One frame; with many sequences in each block where asked for. */
  frame(sequences = this.#random(8) === 0 ? 300 : 12): Frame {
    this.#content = []
    this.#tree = undefined
    this.#tables = {}
    this.#offsets = [1, 4, 8]
    const random = this.#random
    const exponent = random(8)
    const mantissa = random(8)
    const window = 2 ** (10 + exponent) * (1 + mantissa / 8)
    const most = Math.min(window, 1 << 17)
    const blocks: number[][] = []
    for (let n = 1 + random(4); n > 0; n--) blocks.push(this.#block(most, n === 1, sequences))
    const largest = Math.max(...blocks.map(block => block.length))
    const single = this.#content.length >= largest && random(2) === 0
    const bytes = this.#header(single, (exponent << 3) | mantissa)
    if (!single && window > this.#content.length) this.#saw('window > content')
    if (!single && window < this.#content.length) this.#saw('window < content')
    const checksum = bytes[4] & 4 ? [1, 2, 3, 4] : []
    return { bytes: new Uint8Array([...bytes, ...blocks.flat(), ...checksum]), content: new Uint8Array(this.#content) }
  }

  #saw(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }

  #header(single: boolean, window: number): number[] {
    const random = this.#random
    const size = this.#content.length
    const widths = [2, 4, 8].filter(width => (width === 2 ? size >= 256 && size < 65792 : true))
    if (!single) widths.push(0)
    else if (size < 256) widths.push(1)
    const width = widths[random(widths.length)]
    const dictionary = random(6) === 0 ? 1 + random(3) : 0
    const checksum = random(4) === 0
    const flag = width < 2 ? 0 : Math.log2(width)
    this.#saw(`content size in ${width}`)
    this.#saw(single ? 'single segment' : 'window')
    if (dictionary > 0) this.#saw(`dictionary 0 in ${dictionary}`)
    if (checksum) this.#saw('checksum')
    const descriptor = (flag << 6) | (single ? 32 : 0) | (random(2) << 4) | (checksum ? 4 : 0) | dictionary
    return [
      ...[0x28, 0xb5, 0x2f, 0xfd, descriptor],
      ...(single ? [] : [window]),
      ...little(0, (1 << dictionary) >> 1),
      ...little(width === 2 ? size - 256 : size, width),
    ]
  }

  #block(most: number, last: boolean, sequences: number): number[] {
    const random = this.#random
    const head = (type: number, size: number) => little(size * 8 + type * 2 + (last ? 1 : 0), 3)
    const kind = random(8)
    if (kind > 1) {
      const room = random(3) === 0 ? most : Math.min(most, 2000)
      const offsets = [...this.#offsets]
      const seen = [...this.seen]
      const [tree, tables, length] = [this.#tree, { ...this.#tables }, this.#content.length]
      const bytes = this.#compressed(room, sequences)
      if (bytes.length <= most) {
        this.#saw('compressed block')
        return [...head(2, bytes.length), ...bytes]
      }
      this.#offsets = offsets
      this.#tree = tree
      this.#tables = tables
      this.#content.length = length
      this.seen.clear()
      for (const [what, n] of seen) this.seen.set(what, n)
    }
    const size = random(Math.min(most, random(10) === 0 ? 1 << 17 : 300) + 1)
    const bytes = Array.from({ length: size }, () => random(256))
    this.#saw(kind === 1 ? 'one-byte block' : 'raw block')
    if (kind === 1) bytes.fill(random(256))
    for (const byte of bytes) this.#content.push(byte)
    return kind === 1 ? [...head(1, size), bytes[0] ?? 7] : [...head(0, size), ...bytes]
  }

  #compressed(room: number, sequences: number): number[] {
    const random = this.#random
    const list = random(10) === 0 ? [] : this.#sequences(room, 1 + random(sequences))
    const taken = list.reduce((sum, { lits }) => sum + lits, 0)
    const made = list.reduce((sum, { lits, match }) => sum + lits + match, 0)
    const rest = random(3) === 0 ? 0 : random(Math.min(room - made, random(20) === 0 ? 20000 : 100) + 1)
    const [section, literals] = this.#literals(taken + rest)
    let at = 0
    for (const { lits, match, offset } of list) {
      for (let i = 0; i < lits; i++) this.#content.push(literals[at++])
      const from = this.#content.length - offset
      for (let i = 0; i < match; i++) this.#content.push(this.#content[from + i])
    }
    while (at < literals.length) this.#content.push(literals[at++])
    return [...section, ...this.#sequenceSection(list)]
  }

  /** A value with its code, among codes up to `most` that may be limited to one. */
  #value(kind: 'LL' | 'ML', only: number | undefined, left: number): [code: number, more: number, value: number] {
    const random = this.#random
    const table = kind === 'LL' ? LL_BASES : ML_BASES
    let code = only ?? random(random(3) === 0 ? MOST[kind] + 1 : random(2) === 0 ? 4 : 24)
    while (table[code] > left) code >>= 1
    const more = random(Math.min(2 ** widthOf(kind, code), left - table[code] + 1))
    return [code, more, table[code] + more]
  }

  #sequences(room: number, count: number): Sequence[] {
    const random = this.#random
    const onlyLits = random(5) === 0 ? random(20) : undefined
    const onlyMatch = random(5) === 0 ? random(36) : undefined
    const onlyOffset = random(5) === 0 ? random(3) : undefined
    const list: Sequence[] = []
    let out = this.#content.length
    let left = room
    while (list.length < count && left >= 4) {
      const [llCode, llMore, lits] = this.#value('LL', out === 0 ? 5 : onlyLits, out === 0 ? 8 : left - 3)
      if (lits + 3 > left) break
      const [mlCode, mlMore, match] = this.#value('ML', onlyMatch, left - lits)
      const chosen = this.#offset(out + lits, lits, onlyOffset)
      if (chosen === undefined) break
      const [code, more, offset] = chosen
      list.push({ LL: [llCode, llMore], OF: [code, more], ML: [mlCode, mlMore], lits, match, offset })
      out += lits + match
      left -= lits + match
    }
    return list
  }

  /** An offset that leads into what there is, as code and extra bits; the older offsets go on. */
  #offset(out: number, lits: number, only: number | undefined): [number, number, number] | undefined {
    const random = this.#random
    const [one, two, three] = this.#offsets
    for (let tries = 0; tries < 20; tries++) {
      const code =
        only ??
        (random(2) === 0 ? random(2) : 2 + random(Math.max(1, Math.min(MOST.OF, Math.floor(Math.log2(out + 3))) - 1)))
      const more = random(2 ** Math.min(code, random(2) === 0 ? 30 : 3))
      const value = 2 ** code + more
      if (value > 3) {
        if (value - 3 > out) continue
        this.#offsets = [value - 3, one, two]
        this.#saw(value - 3 < 8 ? `offset ${value - 3}` : value - 3 < 16 ? 'offset below 16' : 'offset')
        return [code, more, value - 3]
      }
      const which = value - (lits === 0 ? 0 : 1)
      const offset = [one, two, three, one - 1][which]
      if (offset > out || offset === 0) continue
      if (which === 1) this.#offsets = [two, one, three]
      else if (which > 1) this.#offsets = [offset, one, two]
      this.#saw(`repeat ${value}${lits === 0 ? ' without literals' : ''}`)
      return [code, more, offset]
    }
    return undefined
  }

  #literals(size: number): [section: number[], literals: number[]] {
    const random = this.#random
    const kind = random(6)
    if (size > 0 && kind > 1) {
      const treeless = this.#tree !== undefined && random(2) === 0
      const coded = this.#codedLiterals(size, treeless)
      if (coded !== undefined) return coded
    }
    const literals = Array.from({ length: size }, () => random(256))
    if (kind === 1) literals.fill(random(256))
    this.#saw(kind === 1 ? 'one-byte literals' : 'raw literals')
    const formats = [3, ...(size < 4096 ? [1] : []), ...(size < 32 ? [0, 0] : [])]
    const format = formats[random(formats.length)]
    const type = kind === 1 ? 1 : 0
    // The short form has but one bit for itself.
    const head = format === 0 ? [size * 8 + type] : little(size * 16 + format * 4 + type, format === 1 ? 2 : 3)
    this.#saw(`plain literals of format ${format}`)
    return [[...head, ...(kind === 1 ? [literals[0] ?? 9] : literals)], literals]
  }

  #codedLiterals(size: number, treeless: boolean): [number[], number[]] | undefined {
    const random = this.#random
    const among = random(2) === 0 ? 120 : 256
    const tree = (treeless ? this.#tree : undefined) ?? randomTree(2 + random(random(2) === 0 ? 5 : 100), among, random)
    const coded = codedWeights(tree, random)
    const plain = plainWeights(tree)
    const weights = treeless ? [] : random(2) === 0 ? (plain ?? coded) : (coded ?? plain)
    if (weights === undefined) return undefined
    const literals = Array.from({ length: size }, () => tree.symbols[random(tree.symbols.length)])
    const quarter = (size + 3) >> 2
    const four = size >= 6 && 3 * quarter <= size && random(2) === 0
    const pieces = four
      ? [0, 1, 2, 3].map(i => literals.slice(i * quarter, i === 3 ? size : (i + 1) * quarter))
      : [literals]
    const streams = pieces.map(piece => huffmanStream(tree, piece))
    const jumps = four ? streams.slice(0, 3).flatMap(stream => little(stream.length, 2)) : []
    const body = [...weights, ...jumps, ...streams.flat()]
    const limit = Math.max(size, body.length)
    if (limit >= 1 << (four ? 18 : 10) || (four && streams.some(stream => stream.length > 65535))) return undefined
    const formats = four ? [1, 2, 3].filter(format => limit < [0, 1 << 10, 1 << 14, 1 << 18][format]) : [0]
    const format = formats[random(formats.length)]
    const width = [10, 10, 14, 18][format]
    const value = (body.length * 2 ** width + size) * 16 + format * 4 + (treeless ? 3 : 2)
    this.#tree = tree
    this.#saw(`${treeless ? 'treeless' : 'coded'} literals in ${streams.length}`)
    if (!treeless) this.#saw(weights === plain ? 'plain weights' : 'coded weights')
    this.#saw(`literals of format ${format}`)
    return [[...little(value, format < 2 ? 3 : format + 2), ...body], literals]
  }

  #sequenceSection(list: readonly Sequence[]): number[] {
    const n = list.length
    const wide = n >= 0x7f00 ? 3 : n >= 128 || this.#random(8) === 0 ? 2 : 1
    this.#saw(n === 0 ? 'no sequences' : `number of sequences in ${wide}`)
    if (n === 0) return [0]
    const count = wide === 1 ? [n] : wide === 2 ? [(n >> 8) + 128, n & 255] : [255, ...little(n - 0x7f00, 2)]
    let modes = 0
    const tables: number[] = []
    for (const kind of KINDS) {
      const [mode, bytes] = this.#table(kind, new Set(list.map(sequence => sequence[kind][0])))
      modes |= mode << (6 - 2 * KINDS.indexOf(kind))
      tables.push(...bytes)
    }
    return [...count, modes, ...tables, ...this.#sequenceStream(list)]
  }

  /** Chooses how a table is told; it is the one of its kind from then on. */
  #table(kind: Kind, codes: ReadonlySet<number>): [mode: number, bytes: number[]] {
    const random = this.#random
    const fits = (table: FseTable | undefined) =>
      table !== undefined && [...codes].every(code => table.states.some(({ symbol }) => symbol === code))
    const modes = [2, ...(fits(DEFAULTS[kind]) ? [0] : []), ...(codes.size === 1 ? [1, 1] : [])]
    if (fits(this.#tables[kind])) modes.push(3, 3)
    const mode = modes[random(modes.length)]
    this.#saw(`${kind} mode ${mode}`)
    if (mode === 3) return [3, []]
    const [code] = codes
    let bytes: number[] = []
    if (mode === 0) this.#tables[kind] = DEFAULTS[kind]
    else if (mode === 1) {
      this.#tables[kind] = singleTable(code)
      bytes = [code]
    } else {
      const [counts, log] = randomCounts(codes, MOST[kind], MAX_LOG[kind], random)
      if (counts.includes(-1)) this.#saw('less than one')
      this.#tables[kind] = fseTable(counts, log)
      bytes = writeCounts(counts, log)
    }
    return [mode, bytes]
  }

  /** What a decoder reads last is written first. */
  #sequenceStream(list: readonly Sequence[]): number[] {
    const out = new BitWriter()
    const next: Partial<Record<Kind, number>> = {}
    for (let i = list.length - 1; i >= 0; i--) {
      const sequence = list[i]
      for (const kind of ['OF', 'ML', 'LL'] as const) {
        const table = this.#tables[kind]!
        const after = next[kind]
        const state = stateFor(table, sequence[kind][0], after)
        if (after !== undefined) out.add(after - table.states[state].base, table.states[state].width)
        next[kind] = state
      }
      for (const kind of ['LL', 'ML', 'OF'] as const) out.add(sequence[kind][1], widthOf(kind, sequence[kind][0]))
    }
    for (const kind of ['ML', 'OF', 'LL'] as const) out.add(next[kind]!, this.#tables[kind]!.log)
    return out.marked()
  }
}
