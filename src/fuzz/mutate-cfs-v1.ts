// Changes that know cfs v1: fields of its structures, references that overlap, overrun or lead among the inodes, loops, lies about
// counts, lengths and types, inodes from other images. There is no checksum to mend. Not here: where structures are (cfs-places.ts).

import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../format/cfs-v1-structs.js'
import { CONSTANTS, type Field, type Struct } from '../format/structs.js'
import { type CfsPlaces, cfsPlaces } from './cfs-places.js'
import { type Place, readField } from './erofs-places.js'
import { ODD_NUMBERS, putNumber } from './mutate-bytes.js'
import type { Random } from './random.js'
import type { Material, Mutator } from './target.js'

const C = CONSTANTS
const TYPES = [0, C.S_IFREG, C.S_IFDIR, C.S_IFLNK, C.S_IFCHR, C.S_IFIFO, C.S_IFMT]
const REFERENCE = CFS_V1_REFERENCE.fields

type Change = (input: Uint8Array, places: CfsPlaces, random: Random, material: Material) => Uint8Array | undefined

function put(input: Uint8Array, at: number, { offset, width }: Field, value: number): Uint8Array {
  putNumber(input, at + offset, width, Math.max(value, 0))
  return input
}

/** A number that may fit where an inode, an offset or a length is meant. */
function telling(places: CfsPlaces, input: Uint8Array, random: Random): number {
  switch (random.below(5)) {
    case 0:
      return random.pick(ODD_NUMBERS)
    case 1:
      return places.inodes.length + random.below(3) - 1
    case 2:
      return input.length - places.vdata + random.below(3) - 1
    case 3:
      return places.ranges.length === 0 ? 0 : random.pick(places.ranges).at - places.vdata
    default:
      return random.below(64)
  }
}

function those(places: CfsPlaces, ...structs: readonly Struct[]): Place[] {
  return places.structs.filter(({ struct }) => structs.includes(struct))
}

/** A change of one of some places; none where there are none. */
function at(
  find: (places: CfsPlaces) => readonly Place[],
  change: (place: Place, ...of: Parameters<Change>) => Uint8Array | undefined,
): Change {
  return (input, places, random, material) => {
    const found = find(places)
    return found.length === 0 ? undefined : change(random.pick(found), input, places, random, material)
  }
}

const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a field of a structure',
    at(
      places => places.structs,
      ({ struct, at: place }, input, places, random) =>
        put(input, place, random.pick(Object.values(struct.fields)), telling(places, input, random)),
    ),
  ],
  [
    'a bit of a field',
    at(
      places => places.structs,
      ({ struct, at: place }, input, _places, random) => {
        const { offset, width } = random.pick(Object.values(struct.fields))
        const byte = place + offset + random.below(width)
        if (byte < input.length) input[byte] ^= 1 << random.below(8)
        return input
      },
    ),
  ],
  [
    'a byte of a name or path',
    (input, places, random) => {
      if (places.ranges.length === 0) return undefined
      const { at: start, length } = random.pick(places.ranges)
      const byte = start + random.below(Math.max(length, 1))
      if (byte < input.length) input[byte] = random.pick([0, 0x2f, 0x2e, 0xff, random.next() & 0xff])
      return input
    },
  ],
  [
    'an entry leads elsewhere',
    at(
      places => places.dirents,
      ({ at: place }, input, places, random) =>
        put(input, place, CFS_V1_DIRENT.fields.inode_num, random.below(places.inodes.length + 1)),
    ),
  ],
  [
    'an entry for the root: a loop',
    at(
      places => places.dirents,
      ({ at: place }, input) => put(input, place, CFS_V1_DIRENT.fields.inode_num, 0),
    ),
  ],
  [
    'a name begins elsewhere, or has another length',
    at(
      places => places.dirents,
      ({ at: place }, input, _places, random) => {
        const field = random.pick([CFS_V1_DIRENT.fields.name_offset, CFS_V1_DIRENT.fields.name_len])
        return put(input, place, field, readField(input, place, field) + random.below(9) - 4)
      },
    ),
  ],
  [
    'two entries change places',
    at(
      places => places.dirents,
      ({ at: one }, input, places, random) => {
        const other = random.pick(places.dirents).at
        const kept = input.slice(one, one + CFS_V1_DIRENT.size)
        input.copyWithin(one, other, other + CFS_V1_DIRENT.size)
        if (other + kept.length <= input.length) input.set(kept, other)
        return input
      },
    ),
  ],
  [
    'a link to a name, its own for one: a loop',
    at(
      places => places.dirents,
      ({ at: place }, input, places, random) => {
        const named = random.once(2) ? place : random.pick(places.dirents).at
        // Names stand behind the entries.
        const names = Math.min(...places.ranges.map(({ at: from }) => (from > named ? from : Number.POSITIVE_INFINITY)))
        const { inode_num, name_offset, name_len, d_type } = CFS_V1_DIRENT.fields
        const inode = CFS_V1_SUPERBLOCK.size + readField(input, place, inode_num) * CFS_V1_INODE.size
        const { st_mode, variable_data } = CFS_V1_INODE.fields
        if (!Number.isFinite(names) || inode + CFS_V1_INODE.size > input.length) return undefined
        put(input, place, d_type, C.S_IFLNK >>> 12)
        put(input, inode, st_mode, C.S_IFLNK | 0o777)
        const reference = inode + variable_data.offset
        put(input, reference, REFERENCE.offset, names - places.vdata + readField(input, named, name_offset))
        return put(input, reference, REFERENCE.length, readField(input, named, name_len))
      },
    ),
  ],
  [
    'an entry of another type',
    at(
      places => places.dirents,
      ({ at: place }, input, _places, random) => put(input, place, CFS_V1_DIRENT.fields.d_type, random.below(16)),
    ),
  ],
  [
    'another type',
    at(
      places => places.inodes,
      ({ at: place }, input, _places, random) => {
        const { st_mode } = CFS_V1_INODE.fields
        return put(input, place, st_mode, (readField(input, place, st_mode) & 0o7777) | random.pick(TYPES))
      },
    ),
  ],
  [
    'another count',
    at(
      places => those(places, CFS_V1_DIR_HEADER, CFS_V1_XATTR_HEADER),
      ({ struct, at: place }, input, places, random) => {
        const [field] = Object.values(struct.fields)
        const near = readField(input, place, field) + random.below(5) - 2
        return put(input, place, field, random.once(2) ? near : telling(places, input, random))
      },
    ),
  ],
  [
    'another length of an attribute',
    at(
      places => those(places, CFS_V1_XATTR),
      ({ struct, at: place }, input, places, random) => {
        const field = random.pick(Object.values(struct.fields))
        const near = readField(input, place, field) + random.below(5) - 2
        return put(input, place, field, random.once(2) ? near : telling(places, input, random))
      },
    ),
  ],
  [
    'a reference elsewhere',
    at(
      places => places.references,
      ({ at: place }, input, places, random) => {
        const near = readField(input, place, REFERENCE.offset) + random.below(17) - 8
        return put(input, place, REFERENCE.offset, random.once(2) ? near : telling(places, input, random))
      },
    ),
  ],
  [
    'a reference of another length',
    at(
      places => places.references,
      ({ at: place }, input, places, random) => {
        const near = readField(input, place, REFERENCE.length) + random.below(17) - 8
        return put(input, place, REFERENCE.length, random.once(2) ? near : telling(places, input, random))
      },
    ),
  ],
  [
    'data of another: an overlap',
    at(
      places => places.references,
      ({ at: place }, input, places, random) => {
        const from = random.pick(places.references).at
        input.copyWithin(place, from, from + CFS_V1_REFERENCE.size)
        return input
      },
    ),
  ],
  [
    'the inodes end elsewhere',
    (input, places, random) => {
      const { vdata_offset } = CFS_V1_SUPERBLOCK.fields
      const near = places.vdata + (random.below(5) - 2) * random.pick([1, 4, CFS_V1_INODE.size])
      return put(input, 0, vdata_offset, random.once(3) ? telling(places, input, random) : near)
    },
  ],
  [
    'an inode from another image',
    at(
      places => places.inodes,
      ({ at: place }, input, _places, random, { other }) => {
        const theirs = placesOf(other).inodes
        if (theirs.length === 0 || place + CFS_V1_INODE.size > input.length) return undefined
        const from = random.pick(theirs).at
        input.set(other.subarray(from, from + CFS_V1_INODE.size), place)
        return input
      },
    ),
  ],
]

const KNOWN = new WeakMap<Uint8Array, CfsPlaces>()

/** Those of an input of the corpus are kept, since many are made of it. */
function placesOf(origin: Uint8Array): CfsPlaces {
  const known = KNOWN.get(origin)
  if (known !== undefined) return known
  const places = cfsPlaces(origin)
  KNOWN.set(origin, places)
  return places
}

/** Mutators of cfs v1 images. */
export function cfsV1Mutators(): Mutator[] {
  return CHANGES.map(([name, change]) => ({
    name,
    mutate: (input, random, material) => {
      const places = placesOf(material.origin)
      return places.inodes.length === 0 ? undefined : change(input, places, random, material)
    },
  }))
}
