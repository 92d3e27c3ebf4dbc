// Changes that know EROFS: fields of its structures, loops, overlaps, lies about lengths and types, inodes spliced in from other images.
// Each leaves the superblock's checksum wrong, where there is one, unless it is asked to mend it. Not here: where structures are
// (erofs-places.ts).

import { CONSTANTS, DIRENT, type Field, INODE_COMPACT, type Struct, SUPERBLOCK } from '../format/structs.js'
import { sealSuperblock } from './erofs-bytes.js'
import { type ErofsPlaces, erofsPlaces, type Place, readField } from './erofs-places.js'
import { ODD_NUMBERS, putNumber } from './mutate-bytes.js'
import type { Random } from './random.js'
import type { Material, Mutator } from './target.js'

const C = CONSTANTS
const SLOT = 32
const LAYOUTS = [0, 1, 2, 3, 4, 7]
const TYPES = [0, C.S_IFREG, C.S_IFDIR, C.S_IFLNK, C.S_IFCHR, C.S_IFIFO, C.S_IFMT]

type Change = (input: Uint8Array, places: ErofsPlaces, random: Random, material: Material) => Uint8Array | undefined

function put(input: Uint8Array, at: number, field: Field, value: number): Uint8Array {
  putNumber(input, at + field.offset, field.width, value)
  return input
}

function fieldOf(struct: Struct, random: Random): Field {
  return random.pick(Object.values(struct.fields))
}

/** A number that may fit where a nid, a block or a length is meant. */
function telling(places: ErofsPlaces, input: Uint8Array, random: Random): number {
  switch (random.below(5)) {
    case 0:
      return random.pick(ODD_NUMBERS)
    case 1:
      return Math.floor(((random.pick(places.inodes)?.at ?? 0) - places.meta) / SLOT)
    case 2:
      return Math.floor(input.length / places.blockSize) + random.below(3) - 1
    case 3:
      return input.length - random.below(64)
    default:
      return random.below(64)
  }
}

function nidOf(place: Place, places: ErofsPlaces): number {
  return (place.at - places.meta) / SLOT
}

const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a field of a structure',
    (input, places, random) => {
      const { struct, at } = random.pick(places.structs)
      return put(input, at, fieldOf(struct, random), telling(places, input, random))
    },
  ],
  [
    'a bit of a field',
    (input, places, random) => {
      const { struct, at } = random.pick(places.structs)
      const { offset, width } = fieldOf(struct, random)
      const byte = at + offset + random.below(width)
      if (byte < input.length) input[byte] ^= 1 << random.below(8)
      return input
    },
  ],
  [
    'a byte of a name or value',
    (input, places, random) => {
      const { at, length } = random.pick(places.ranges)
      const byte = at + random.below(Math.max(length, 1))
      if (byte < input.length) input[byte] = random.pick([0, 0x2f, 0x2e, 0xff, random.next()])
      return input
    },
  ],
  [
    'an entry leads elsewhere',
    (input, places, random) => {
      if (places.dirents.length === 0) return undefined
      const nid = random.once(4) ? telling(places, input, random) : nidOf(random.pick(places.inodes), places)
      return put(input, random.pick(places.dirents).at, DIRENT.fields.nid, nid)
    },
  ],
  [
    'an entry for the root: a loop',
    (input, places, random) => {
      if (places.dirents.length === 0) return undefined
      const { rootnid_2b } = SUPERBLOCK.fields
      const root = readField(input, C.EROFS_SUPER_OFFSET, rootnid_2b)
      return put(input, random.pick(places.dirents).at, DIRENT.fields.nid, root)
    },
  ],
  [
    'two entries change places',
    (input, places, random) => {
      if (places.dirents.length < 2) return undefined
      const [a, b] = [random.pick(places.dirents).at, random.pick(places.dirents).at]
      const kept = input.slice(a, a + DIRENT.size)
      input.copyWithin(a, b, b + DIRENT.size)
      if (b + DIRENT.size <= input.length) input.set(kept, b)
      return input
    },
  ],
  [
    'a name begins elsewhere',
    (input, places, random) => {
      if (places.dirents.length === 0) return undefined
      const { at } = random.pick(places.dirents)
      const { nameoff } = DIRENT.fields
      const value = random.once(2)
        ? readField(input, at, nameoff) + random.below(9) - 4
        : telling(places, input, random)
      return put(input, at, nameoff, value)
    },
  ],
  [
    'another layout',
    (input, places, random) => {
      const { at } = random.pick(places.inodes)
      const { i_format } = INODE_COMPACT.fields
      const before = readField(input, at, i_format) & ~(C.EROFS_I_DATALAYOUT_MASK << C.EROFS_I_DATALAYOUT_SHIFT)
      return put(input, at, i_format, before | (random.pick(LAYOUTS) << C.EROFS_I_DATALAYOUT_SHIFT))
    },
  ],
  [
    'another type',
    (input, places, random) => {
      const { at } = random.pick(places.inodes)
      const { i_mode } = INODE_COMPACT.fields
      return put(input, at, i_mode, (readField(input, at, i_mode) & 0o7777) | random.pick(TYPES))
    },
  ],
  [
    'another size',
    (input, places, random) => {
      const { struct, at } = random.pick(places.inodes)
      const { i_size } = struct.fields
      const before = readField(input, at, i_size)
      const near = before + random.below(2 * places.blockSize) - places.blockSize
      return put(input, at, i_size, random.once(2) ? Math.max(near, 0) : telling(places, input, random))
    },
  ],
  [
    'data of another: an overlap',
    (input, places, random) => {
      const [one, other] = [random.pick(places.inodes), random.pick(places.inodes)]
      return put(input, one.at, one.struct.fields.i_u, readField(input, other.at, other.struct.fields.i_u))
    },
  ],
  [
    'data among the inodes',
    (input, places, random) => {
      const { struct, at } = random.pick(places.inodes)
      const block = Math.floor(random.pick(places.inodes).at / places.blockSize)
      return put(input, at, struct.fields.i_u, block)
    },
  ],
  [
    'an inode from another image',
    (input, places, random, { other }) => {
      const theirs = placesOf(other)
      if (theirs.inodes.length === 0) return undefined
      const from = random.pick(theirs.inodes).at
      const to = random.pick(places.inodes).at
      const length = Math.min(SLOT * (1 + random.below(8)), input.length - to)
      if (length <= 0) return undefined
      input.set(other.subarray(from, from + length), to)
      return input
    },
  ],
]

const KNOWN = new WeakMap<Uint8Array, ErofsPlaces>()

/** Those of an input of the corpus are kept, since many are made of it. */
export function placesOf(origin: Uint8Array): ErofsPlaces {
  const known = KNOWN.get(origin)
  if (known !== undefined) return known
  const places = erofsPlaces(origin)
  KNOWN.set(origin, places)
  return places
}

export interface ErofsMutatorOptions {
  /** The superblock's checksum is right again after each change, so that what is behind it is met. */
  readonly mend?: boolean
}

/** Mutators of EROFS images, those of composefs among them. */
export function erofsMutators({ mend = false }: ErofsMutatorOptions = {}): Mutator[] {
  return CHANGES.map(([name, change]) => ({
    name,
    mutate: (input, random, material) => {
      const places = placesOf(material.origin)
      if (places.inodes.length === 0) return undefined
      const out = change(input, places, random, material)
      if (mend && out !== undefined) mendChecksum(out)
      return out
    },
  }))
}

/** Gives a superblock that says it has a checksum the right one. */
export function mendChecksum(image: Uint8Array): void {
  if (image.length < C.EROFS_SUPER_OFFSET + SUPERBLOCK.size) return
  const compat = readField(image, C.EROFS_SUPER_OFFSET, SUPERBLOCK.fields.feature_compat)
  if ((compat & C.EROFS_FEATURE_COMPAT_SB_CHKSUM) !== 0) sealSuperblock(image)
}
