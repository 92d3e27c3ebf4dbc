// One inode of a random compressed image: how its data is stored, and what therefore stands behind it. Not here: where it stands, and the
// rest of the image (random-compressed.ts).

import { CHUNK_INDEX, CONSTANTS, MAP_HEADER } from '../format/structs.js'
import { ErofsBytes, up } from './erofs-bytes.js'
import { type Form, IndexedCuts } from './extent-cuts.js'
import { type RecordForm, recordBytes, recordsOf } from './extent-records.js'
import { indexBytes, indexesOf } from './lcluster-indexes.js'
import type { Pclusters } from './pclusters.js'
import type { Random } from './random.js'

const C = CONSTANTS
/** What an inline tail leaves of its block, so that there is a place for its inode. */
const INLINE_LEFT = 96
const NO_BLOCK = 0xffffffff

export interface ChunkForm {
  readonly layout: 'chunks'
  readonly bits: number
  readonly indexes: boolean
  readonly wide: boolean
}

interface PlainForm<Layout extends string> {
  readonly layout: Layout
}

export type NodeForm =
  | Form
  | RecordForm
  | ChunkForm
  | PlainForm<'plain'>
  | PlainForm<'inline'>
  | PlainForm<'whole-fragment'>

/** What stands behind inode and xattrs. */
export interface Body {
  /** EROFS_INODE_*. */
  readonly layout: number
  readonly bytes: Uint8Array
  /** What follows it, and must not cross the end of a block. */
  readonly inline: Uint8Array
  /** i_u, and the upper half of a start block. */
  readonly u: number
  readonly high: number
}

export interface FormOptions {
  readonly wide: boolean
  /** Is there a packed inode that may have a part of it? */
  readonly packs: boolean
  /** Are there records that say how large clusters may be? */
  readonly big: boolean
  /** Its content is not known when its place is. */
  readonly late: boolean
  readonly chunks: boolean
}

function recordForm(random: Random, { packs, late }: FormOptions): RecordForm {
  return {
    layout: 'records',
    record: late ? random.pick([4, 8] as const) : random.pick([4, 8, 16, 32] as const),
    clusterBits: random.below(4),
    interlaced: random.once(3),
    tail: packs && !late && random.once(2) ? 'fragment' : 'none',
  }
}

function indexedForm(room: Pclusters, { packs, big, late }: FormOptions): Form {
  const { random, algorithms } = room
  const layout = random.once(2) ? 'full' : 'compact'
  const first = big && random.once(2)
  const second = layout === 'compact' ? first : big && random.once(2)
  const tails = late ? (['none'] as const) : (['none', 'inline', packs ? 'fragment' : 'inline'] as const)
  return {
    layout,
    algorithms: [random.pick(algorithms), random.pick(algorithms)],
    big: [first, second],
    interlaced: random.once(4),
    narrow: !random.once(3),
    tail: random.pick(tails),
  }
}

/** How data of so many bytes is stored. */
export function randomForm(room: Pclusters, size: number, options: FormOptions): NodeForm {
  const { random, block } = room
  if (size === 0) return { layout: 'plain' }
  const kind = random.below(12)
  const tail = size - (Math.ceil(size / block) - 1) * block
  if (kind === 0) return { layout: 'plain' }
  if (kind === 1) return { layout: tail <= block - INLINE_LEFT ? 'inline' : 'plain' }
  if (kind === 2 && options.chunks) {
    const indexes = random.once(2)
    return { layout: 'chunks', bits: random.below(3), indexes, wide: indexes && options.wide && random.once(2) }
  }
  if (kind === 3 && options.packs && !options.late) return { layout: 'whole-fragment' }
  return options.wide && random.once(2) ? recordForm(random, options) : indexedForm(room, options)
}

/** Bytes of what will stand behind, and of what follows it; for those alone whose content does not matter for that. */
export function lateBytes(room: Pclusters, form: NodeForm, size: number, end: number): readonly [number, number] {
  const { block } = room
  const header = up(end, MAP_HEADER.size)
  if (form.layout === 'full' || form.layout === 'compact') {
    return [header - end + indexBytes(form, Math.ceil(size / block), header), 0]
  }
  if (form.layout === 'records') {
    return [header - end + recordBytes(form, Math.ceil(size / (block << form.clusterBits)), header), 0]
  }
  return [0, form.layout === 'inline' ? size - (Math.ceil(size / block) - 1) * block : 0]
}

const EMPTY = new Uint8Array(0)

/** Stores data; `end` is where inode and xattrs end, modulo 32. */
export function bodyOf(room: Pclusters, form: NodeForm, data: Uint8Array, end: number): Body {
  if (form.layout === 'plain' || form.layout === 'inline') return flatBody(room, form.layout === 'inline', data)
  if (form.layout === 'chunks') return chunkBody(room, form, data, end)
  const header = up(end, MAP_HEADER.size)
  const behind = (bytes: Uint8Array) => {
    const out = new Uint8Array(header - end + bytes.length)
    out.set(bytes, header - end)
    return out
  }
  const common = { u: Math.ceil(data.length / room.block), high: 0, inline: EMPTY }
  if (form.layout === 'records') {
    return { ...common, layout: C.EROFS_INODE_COMPRESSED_FULL, bytes: behind(recordsOf(room, form, data, header)) }
  }
  if (form.layout === 'whole-fragment') {
    const word = new ErofsBytes(new Uint8Array(MAP_HEADER.size))
    word.putNid(0, { offset: 0, width: MAP_HEADER.size }, -1 - room.fragment(data))
    const layout = room.random.once(2) ? C.EROFS_INODE_COMPRESSED_FULL : C.EROFS_INODE_COMPRESSED_COMPACT
    return { ...common, layout, bytes: behind(word.bytes) }
  }
  const extents = new IndexedCuts(room, form, data).cut()
  const { bytes, inline, compact } = indexesOf(room, form, { size: data.length, extents, header })
  const layout = compact ? C.EROFS_INODE_COMPRESSED_COMPACT : C.EROFS_INODE_COMPRESSED_FULL
  return { ...common, layout, bytes: behind(bytes), inline }
}

function flatBody(room: Pclusters, inlines: boolean, data: Uint8Array): Body {
  const { block } = room
  const layout = inlines ? C.EROFS_INODE_FLAT_INLINE : C.EROFS_INODE_FLAT_PLAIN
  const cut = inlines ? (Math.ceil(data.length / block) - 1) * block : data.length
  const u = cut === 0 ? 0 : room.put(data.subarray(0, cut), block) / block
  return { layout, bytes: EMPTY, inline: data.subarray(cut), u, high: 0 }
}

function chunkBody(room: Pclusters, { bits, indexes, wide }: ChunkForm, data: Uint8Array, end: number): Body {
  const { block, random } = room
  const entry = indexes ? CHUNK_INDEX.size : 4
  const chunk = block << bits
  const first = up(end, entry) - end
  const out = new ErofsBytes(new Uint8Array(first + Math.ceil(data.length / chunk) * entry))
  const { startblk_hi, device_id, startblk_lo } = CHUNK_INDEX.fields
  for (let i = 0; i * chunk < data.length; i++) {
    const piece = data.subarray(i * chunk, (i + 1) * chunk)
    const hole = piece.every(byte => byte === 0)
    const address = hole ? 0 : room.put(piece, block)
    const device = hole || !indexes || random.once(3) ? undefined : room.deviceOf(address)
    const number = hole ? NO_BLOCK : (address - (device?.from ?? 0)) / block
    const at = first + i * entry
    out.put(at, indexes ? startblk_lo : { offset: 0, width: 4 }, number)
    if (indexes) out.put(at, device_id, device?.id ?? 0)
    // Without the wide addresses nobody looks at it.
    if (indexes && hole) out.put(at, startblk_hi, 0xffff)
  }
  const format = bits | (indexes ? C.EROFS_CHUNK_FORMAT_INDEXES : 0) | (wide ? C.EROFS_CHUNK_FORMAT_48BIT : 0)
  return { layout: C.EROFS_INODE_CHUNK_BASED, bytes: out.bytes, inline: EMPTY, u: format, high: 0 }
}
