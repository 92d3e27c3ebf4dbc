// Changes that know compressed EROFS: map headers, indexes, packs and records of extents, configurations, device slots, pclusters; lies
// about lengths and distances, extents that go backward or overlap, loops. Not here: where all of it is (compressed-places.ts), changes of
// inodes and directories (mutate-erofs.ts).

import { COMPRESSION_CONSTANTS, CONSTANTS, EXTENT, LCLUSTER_INDEX, MAP_HEADER, SUPERBLOCK } from '../format/structs.js'
import { type CompressedInode, type CompressedPlaces, compressedPlaces } from './compressed-places.js'
import { readField } from './erofs-places.js'
import { ODD_NUMBERS, putNumber } from './mutate-bytes.js'
import { type ErofsMutatorOptions, mendChecksum } from './mutate-erofs.js'
import type { Random } from './random.js'
import type { Material, Mutator } from './target.js'

const C = { ...CONSTANTS, ...COMPRESSION_CONSTANTS }
const NONHEAD = C.Z_EROFS_LCLUSTER_TYPE_NONHEAD
const SLOT = 32
/** Sizes around what pclusters and extents may have at most. */
const LIMITS = [
  C.Z_EROFS_PCLUSTER_MAX_SIZE,
  C.Z_EROFS_PCLUSTER_MAX_SIZE + 1,
  C.Z_EROFS_PCLUSTER_MAX_SIZE - 1,
  C.Z_EROFS_PCLUSTER_MAX_DSIZE,
  C.Z_EROFS_PCLUSTER_MAX_DSIZE + 1,
  C.Z_EROFS_EXTENT_PLEN_MASK,
  2 ** 31,
  2 ** 32 + 5,
]

type Change = (
  input: Uint8Array,
  places: CompressedPlaces,
  random: Random,
  material: Material,
) => Uint8Array | undefined

interface Width {
  readonly offset: number
  readonly width: number
}

function put(input: Uint8Array, at: number, { offset, width }: Width, value: number): Uint8Array {
  putNumber(input, at + offset, width, value)
  return input
}

function some(places: CompressedPlaces, random: Random, kind?: CompressedInode['kind']): CompressedInode | undefined {
  const fitting = kind === undefined ? places.compressed : places.compressed.filter(one => one.kind === kind)
  return fitting.length === 0 ? undefined : random.pick(fitting)
}

function entryOf({ table, unit, count }: CompressedInode, random: Random): number {
  return table + unit * random.below(count)
}

/** A change to a map header. */
function ofHeader(change: (input: Uint8Array, at: number, random: Random) => Uint8Array): Change {
  return (input, places, random) => {
    const one = some(places, random)
    return one === undefined ? undefined : change(input, one.header, random)
  }
}

/** A change to an entry of an index, a pack of them, or a record. */
function ofEntry(
  kind: CompressedInode['kind'],
  change: (input: Uint8Array, at: number, random: Random, places: CompressedPlaces) => Uint8Array | undefined,
): Change {
  return (input, places, random) => {
    const one = some(places, random, kind)
    return one === undefined ? undefined : change(input, entryOf(one, random), random, places)
  }
}

const { h_advise, h_algorithmtype, h_clusterbits, h_fragmentoff, h_idata_size } = MAP_HEADER.fields
const { di_advise, di_clusterofs, blkaddr, delta_0, delta_1 } = LCLUSTER_INDEX.fields
const { plen, pstart_lo, lstart_lo } = EXTENT.fields

const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a bit of what a map header advises',
    ofHeader((input, at, random) => {
      const value = readField(input, at, h_advise) ^ (1 << random.below(random.once(4) ? 16 : 6))
      return put(input, at, h_advise, value)
    }),
  ],
  ['other algorithms', ofHeader((input, at, random) => put(input, at, h_algorithmtype, random.next() & 0x77))],
  [
    'other bits of a cluster, or a whole fragment',
    ofHeader((input, at, random) => put(input, at, h_clusterbits, random.pick([0, 1, 2, 5, 15, 0x80, random.next()]))),
  ],
  [
    'another offset of a fragment, or number of records',
    ofHeader((input, at, random) => put(input, at, h_fragmentoff, random.pick([...ODD_NUMBERS, random.below(4096)]))),
  ],
  [
    'another size of inline data',
    ofHeader((input, at, random) => put(input, at, h_idata_size, random.pick([0, 1, 511, 513, random.below(1024)]))),
  ],
  ['another type of cluster', ofEntry('full', (input, at, random) => put(input, at, di_advise, random.below(4)))],
  [
    'a part of a cluster',
    ofEntry('full', (input, at) => put(input, at, di_advise, readField(input, at, di_advise) ^ 0x8000)),
  ],
  [
    'an extent begins elsewhere in its cluster',
    ofEntry('full', (input, at, random) => put(input, at, di_clusterofs, random.once(4) ? 0xffff : random.below(1024))),
  ],
  [
    'another block',
    ofEntry('full', (input, at, random, { pclusters, blockSize }) => {
      if (random.once(3)) return put(input, at, blkaddr, random.pick(ODD_NUMBERS))
      return put(input, at, blkaddr, Math.floor(random.pick(pclusters) / blockSize) + random.below(3) - 1)
    }),
  ],
  [
    'other distances: loops, leaps, numbers of blocks',
    ofEntry('full', (input, at, random) => {
      if (random.once(2)) put(input, at, di_advise, NONHEAD)
      const distance = random.pick([
        0,
        1,
        2,
        0x7ff,
        0x800,
        0x801,
        0xfff,
        0xffff,
        random.below(40),
        0x800 + random.below(2050),
      ])
      return put(input, at, random.once(2) ? delta_0 : delta_1, distance)
    }),
  ],
  [
    'an entry of a pack',
    ofEntry('compact', (input, at, random) => {
      if (random.once(3)) return put(input, at, { offset: 0, width: 2 }, random.next())
      const byte = at + random.below(8)
      if (byte < input.length) input[byte] ^= 1 << random.below(8)
      return input
    }),
  ],
  [
    'another base of a pack',
    ofEntry('compact', (input, at, random) => put(input, at, { offset: 4, width: 4 }, random.pick(ODD_NUMBERS))),
  ],
  [
    'entries change places',
    (input, places, random) => {
      const one = some(places, random)
      if (one === undefined) return undefined
      const [a, b] = [entryOf(one, random), entryOf(one, random)]
      const kept = input.slice(a, a + one.unit)
      input.copyWithin(a, b, b + one.unit)
      if (b + kept.length <= input.length) input.set(kept, b)
      return input
    },
  ],
  [
    'another length of a record',
    ofEntry('records', (input, at, random) => {
      const before = readField(input, at, plen)
      const length = random.once(2) ? random.pick(LIMITS) : before + random.below(129) - 64
      return put(input, at, plen, random.once(2) ? length : (before & 0xf8000000) + (Math.max(length, 0) % 2 ** 21))
    }),
  ],
  [
    'another format of a record',
    ofEntry('records', (input, at, random) => {
      const bits = random.once(3) ? 2 ** 27 : random.below(16) * 2 ** 28
      return put(input, at, plen, (readField(input, at, plen) % 2 ** 21) + bits)
    }),
  ],
  [
    'another address of a record',
    ofEntry('records', (input, at, random, { pclusters }) => {
      const address = random.once(2) || pclusters.length === 0 ? random.pick(ODD_NUMBERS) : random.pick(pclusters)
      return put(input, at, pstart_lo, address + random.below(5) - 2)
    }),
  ],
  [
    'another start of a record: backward, overlapping, far',
    ofEntry('records', (input, at, random) => {
      const before = readField(input, at, lstart_lo)
      const next = random.once(2) ? random.pick([...ODD_NUMBERS, ...LIMITS]) : before + random.below(2001) - 1000
      return put(input, at, lstart_lo, next)
    }),
  ],
  [
    'a size beyond what an extent may have',
    (input, places, random) => {
      const one = some(places, random)
      if (one === undefined) return undefined
      return put(input, one.inode.at, one.inode.struct.fields.i_size, random.pick(LIMITS))
    },
  ],
  [
    'a configuration',
    (input, { configurations: { at, length } }, random) => {
      const byte = at + random.below(random.once(2) ? 8 : length)
      if (byte < input.length) input[byte] = random.pick([0, 1, 0xff, random.next()])
      return input
    },
  ],
  [
    'other algorithms of the image',
    (input, _places, random) =>
      put(input, C.EROFS_SUPER_OFFSET, SUPERBLOCK.fields.available_compr_algs, random.below(32)),
  ],
  [
    'a device slot',
    (input, { slots }, random) => {
      if (slots.length === 0) return undefined
      const { struct, at } = random.pick(slots)
      return put(input, at, random.pick(Object.values(struct.fields)), random.pick(ODD_NUMBERS))
    },
  ],
  [
    'the packed inode or the metabox is another',
    (input, { compressed }, random) => {
      if (compressed.length === 0) return undefined
      const { meta_blkaddr, blkszbits, packed_nid } = SUPERBLOCK.fields
      const block = 2 ** (readField(input, C.EROFS_SUPER_OFFSET, blkszbits) & 15)
      const meta = readField(input, C.EROFS_SUPER_OFFSET, meta_blkaddr) * block
      const nid = random.once(4) ? random.pick(ODD_NUMBERS) : (random.pick(compressed).inode.at - meta) / SLOT
      const field = random.once(2) ? packed_nid : { offset: C.SB_METABOX_NID, width: 8 }
      return put(input, C.EROFS_SUPER_OFFSET, field, Math.max(nid, 0))
    },
  ],
  [
    'bytes of a pcluster',
    (input, { pclusters, blockSize }, random) => {
      if (pclusters.length === 0) return undefined
      // Streams stand at the end.
      const at = random.pick(pclusters) + (random.once(2) ? blockSize - 1 - random.below(64) : random.below(blockSize))
      if (at < input.length) input[at] = random.once(2) ? random.next() : input[at] ^ (1 << random.below(8))
      return input
    },
  ],
  [
    'a pcluster in the place of another',
    (input, { pclusters, blockSize }, random, { other, origin }) => {
      const from = random.once(2) ? other : origin
      const theirs = placesOf(from).pclusters
      if (pclusters.length === 0 || theirs.length === 0) return undefined
      const [source, to] = [random.pick(theirs), random.pick(pclusters)]
      if (to >= input.length || source >= from.length) return undefined
      input.set(from.subarray(source, Math.min(source + blockSize, source + input.length - to)), to)
      return input
    },
  ],
]

const KNOWN = new WeakMap<Uint8Array, CompressedPlaces>()

/** Those of an input of the corpus are kept, since many are made of it. */
function placesOf(origin: Uint8Array): CompressedPlaces {
  const known = KNOWN.get(origin)
  if (known !== undefined) return known
  const places = compressedPlaces(origin)
  KNOWN.set(origin, places)
  return places
}

/** Mutators of EROFS images with compressed files, beside those of any EROFS image. */
export function compressedMutators({ mend = false }: ErofsMutatorOptions = {}): Mutator[] {
  return CHANGES.map(([name, change]) => ({
    name,
    mutate: (input, random, material) => {
      const places = placesOf(material.origin)
      const out = change(input, places, random, material)
      if (mend && out !== undefined) mendChecksum(out)
      return out
    },
  }))
}
