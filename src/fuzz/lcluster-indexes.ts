// The indexes of logical clusters, full and compact, of a file that has been cut into extents, with the map header before them. Not here:
// the cuts (extent-cuts.ts). Follows the project's spec of EROFS, sections 7 and 8.

import { COMPRESSION_CONSTANTS, LCLUSTER_INDEX, MAP_HEADER } from '../format/structs.js'
import { ErofsBytes, up } from './erofs-bytes.js'
import type { Extent, Form } from './extent-cuts.js'
import type { Pclusters } from './pclusters.js'

const C = COMPRESSION_CONSTANTS
const NONHEAD = C.Z_EROFS_LCLUSTER_TYPE_NONHEAD
const HEAD1 = C.Z_EROFS_LCLUSTER_TYPE_HEAD1
const PLAIN = C.Z_EROFS_LCLUSTER_TYPE_PLAIN
const FARTHEST = C.Z_EROFS_LI_D0_CBLKCNT - 1
const BASE = { offset: 0, width: 4 }

/** What stands behind an inode and its xattrs, with the inode's own facts of it. */
export interface Indexes {
  readonly bytes: Uint8Array
  /** What follows, and must not cross the end of a block. */
  readonly inline: Uint8Array
  readonly compact: boolean
}

interface Entry {
  readonly type: number
  /** Of a head: where its extent begins, its block, whether it is a part of what the pcluster decodes to. */
  readonly offset: number
  readonly block: number
  readonly partial: boolean
  /** Of another one: back to the head, on to the next one; blocks of the pcluster where it tells (0: it does not). */
  readonly back: number
  readonly on: number
  readonly blocks: number
}

/** Bytes from the map header on: they follow from the number of clusters, and from where the header stands. */
export function indexBytes(form: Form, clusters: number, header: number): number {
  if (form.layout === 'full') return 2 * MAP_HEADER.size + clusters * LCLUSTER_INDEX.size
  const { narrow } = packs(form, clusters, header)
  return MAP_HEADER.size + 2 * narrow + 4 * up(clusters - narrow, 2)
}

/** Entries of 4 bytes that come first, and of 2 bytes that follow, by where the header stands. */
function packs(form: Form, clusters: number, header: number): { readonly wide: number; readonly narrow: number } {
  const first = header + MAP_HEADER.size
  const before = ((32 - (first % 32)) / 4) % 8
  if (!form.narrow || before >= clusters) return { wide: clusters, narrow: 0 }
  return { wide: before, narrow: Math.floor((clusters - before) / 16) * 16 }
}

function entriesOf(room: Pclusters, form: Form, size: number, extents: readonly Extent[]): Entry[] {
  const clusters = Math.ceil(size / room.block)
  const heads = extents.map(({ start }) => Math.floor(start / room.block))
  const entries: Entry[] = []
  for (const [i, { start, type, address, blocks, partial }] of extents.entries()) {
    const head = heads[i]
    const next = heads[i + 1] ?? clusters
    const block = address / room.block
    entries.push({ type, offset: start % room.block, block, partial, back: 0, on: 0, blocks: 0 })
    for (let lcn = head + 1; lcn < next; lcn++) {
      const tells = lcn === head + 1 && form.big[type === HEAD1 ? 0 : 1]
      const [back, on] = [Math.min(lcn - head, FARTHEST), Math.min(next - lcn, FARTHEST)]
      entries.push({ type: NONHEAD, offset: 0, block: 0, partial: false, back, on, blocks: tells ? blocks : 0 })
    }
  }
  return terminated(room, size, extents, entries)
}

/** Some writers say with a head behind the end that the last extent ends there. */
function terminated(room: Pclusters, size: number, extents: readonly Extent[], entries: Entry[]): Entry[] {
  const last = entries.length - 1
  const { inline, fragment, address, blocks } = extents[extents.length - 1]
  const over = size % room.block
  const taken = entries[last].type !== NONHEAD || entries[last].blocks > 1
  if (inline !== undefined || fragment !== undefined || over === 0 || taken || !room.random.once(3)) return entries
  const block = address / room.block + blocks
  const offset = over + room.random.below(room.block - over)
  entries[last] = { type: PLAIN, offset, block, partial: false, back: 0, on: 0, blocks: 0 }
  // Those before it know how far it is, as they did of the end but one.
  return entries.map((entry, i) => {
    return entry.type === NONHEAD && entry.on === last + 1 - i ? { ...entry, on: last - i } : entry
  })
}

function full(out: ErofsBytes, at: number, { type, offset, block, partial, back, on, blocks }: Entry): void {
  const { di_advise, di_clusterofs, blkaddr, delta_0, delta_1 } = LCLUSTER_INDEX.fields
  out.put(at, di_advise, type | (partial ? C.Z_EROFS_LI_PARTIAL_REF : 0))
  if (type === NONHEAD) {
    out.put(at, delta_0, blocks > 0 ? C.Z_EROFS_LI_D0_CBLKCNT | blocks : back)
    out.put(at, delta_1, on)
    return
  }
  out.put(at, di_clusterofs, offset)
  out.put(at, blkaddr, block)
}

/** What an entry of a pack has beside its type. */
function low(entry: Entry, last: boolean): number {
  if (entry.type !== NONHEAD) return entry.offset
  if (entry.blocks > 0) return C.Z_EROFS_LI_D0_CBLKCNT | entry.blocks
  return last ? entry.on : entry.back
}

/** Blocks between a pack's base and the pcluster of its first head: those of the extent that goes on in it. */
function blocksBefore(pack: readonly Entry[], first: number, big: boolean): number {
  if (!big) return 1
  return first > 0 && pack[0].blocks > 0 ? pack[0].blocks : 0
}

function writePack(
  out: ErofsBytes,
  at: number,
  bytes: number,
  pack: readonly Entry[],
  form: Form,
  lobits: number,
): void {
  const count = bytes === 8 ? 2 : 16
  const width = ((bytes - 4) * 8) / count
  for (const [i, entry] of pack.entries()) {
    const value = low(entry, i === count - 1) | (entry.type << lobits)
    for (let bit = 0; bit < width; bit++) {
      const to = i * width + bit
      if ((value >> bit) & 1) out.bytes[at + (to >> 3)] |= 1 << (to & 7)
    }
  }
  const first = pack.findIndex(({ type }) => type !== NONHEAD)
  if (first < 0) return
  out.put(at + bytes - 4, BASE, pack[first].block - blocksBefore(pack, first, form.big[0]))
}

function writeCompact(out: ErofsBytes, entries: readonly Entry[], form: Form, header: number, bits: number): number {
  const { wide, narrow } = packs(form, entries.length, header)
  const lobits = Math.max(bits, 12)
  let at = MAP_HEADER.size as number
  for (let i = 0; i < entries.length; ) {
    const isNarrow = i >= wide && i < wide + narrow
    const [count, bytes] = isNarrow ? [16, 32] : [2, 8]
    writePack(out, at, bytes, entries.slice(i, i + count), form, lobits)
    i += count
    at += bytes
  }
  return at
}

function writeHeader(out: ErofsBytes, form: Form, extents: readonly Extent[]): void {
  const { h_fragmentoff, h_idata_size, h_advise, h_algorithmtype } = MAP_HEADER.fields
  const { inline, fragment } = extents[extents.length - 1]
  const narrow = form.layout === 'compact' && form.narrow
  const advise = [
    narrow ? C.Z_EROFS_ADVISE_COMPACTED_2B : 0,
    form.big[0] ? C.Z_EROFS_ADVISE_BIG_PCLUSTER_1 : 0,
    form.big[1] ? C.Z_EROFS_ADVISE_BIG_PCLUSTER_2 : 0,
    inline !== undefined ? C.Z_EROFS_ADVISE_INLINE_PCLUSTER : 0,
    form.interlaced ? C.Z_EROFS_ADVISE_INTERLACED_PCLUSTER : 0,
    fragment !== undefined ? C.Z_EROFS_ADVISE_FRAGMENT_PCLUSTER : 0,
  ]
  if (fragment !== undefined) out.put(0, h_fragmentoff, fragment)
  if (inline !== undefined) out.put(0, h_idata_size, inline.length)
  out.put(
    0,
    h_advise,
    advise.reduce((sum, bit) => sum | bit, 0),
  )
  out.put(0, h_algorithmtype, form.algorithms[0] | (form.algorithms[1] << 4))
}

/** Header and indexes of a file of `size` bytes; `header` is where they will stand, modulo 32. */
export function indexesOf(
  room: Pclusters,
  form: Form,
  { size, extents, header }: { readonly size: number; readonly extents: readonly Extent[]; readonly header: number },
): Indexes {
  const entries = entriesOf(room, form, size, extents)
  const out = new ErofsBytes(new Uint8Array(indexBytes(form, entries.length, header)))
  writeHeader(out, form, extents)
  const compact = form.layout === 'compact'
  if (compact) writeCompact(out, entries, form, header, room.blockBits)
  else for (const [i, entry] of entries.entries()) full(out, 2 * MAP_HEADER.size + i * LCLUSTER_INDEX.size, entry)
  const inline = extents[extents.length - 1].inline ?? new Uint8Array(0)
  return { bytes: out.bytes, inline, compact }
}
