// Changes that know what composefs puts into EROFS: redirects that leave the store, metacopy values that are none, whiteouts, opaque
// directories, the header. Not here: all that is EROFS' own (mutate-erofs.ts, whose mutators fit these images as well).

import { COMPOSEFS_HEADER, CONSTANTS, INODE_COMPACT, XATTR_ENTRY } from '../format/structs.js'
import { binaryBytes, XATTR_INDEX_TRUSTED } from '../format/xattr-name.js'
import { type Place, readField } from './erofs-places.js'
import { ODD_NUMBERS, putNumber } from './mutate-bytes.js'
import { type ErofsMutatorOptions, mendChecksum, placesOf } from './mutate-erofs.js'
import type { Random } from './random.js'
import type { Mutator } from './target.js'

const C = CONSTANTS
const REDIRECT = binaryBytes('overlay.redirect')
const METACOPY = binaryBytes('overlay.metacopy')
const OPAQUE = binaryBytes('overlay.opaque')
const NAMES = ['redirect', 'metacopy', 'opaque', 'whiteout', 'whiteouts', 'overlay.opaque', 'nlink', 'upper'].map(
  name => binaryBytes(`overlay.${name}`),
)
const PATHS = ['/../../etc/passwd', '/..', '/a//b', '/', '', 'aa/b', '/./x', '/a/../b', '/aa/\0', '/\xff\xfe', '////']

interface Xattr {
  readonly at: number
  readonly nameLength: number
  readonly valueLength: number
}

function xattrOf(input: Uint8Array, { at }: Place): Xattr {
  const { e_name_len, e_value_size } = XATTR_ENTRY.fields
  return { at, nameLength: readField(input, at, e_name_len), valueLength: readField(input, at, e_value_size) }
}

function nameIs(input: Uint8Array, { at, nameLength }: Xattr, name: Uint8Array): boolean {
  const start = at + XATTR_ENTRY.size
  return nameLength === name.length && name.every((byte, i) => input[start + i] === byte)
}

/** A change of an attribute in the place that it has; none where the image has none of that name. */
function xattr(
  names: readonly Uint8Array[] | undefined,
  change: (value: Uint8Array, random: Random, xattr: Xattr, input: Uint8Array) => void,
): Change {
  return (input, random, origin) => {
    const all = placesOf(origin).structs.filter(({ struct }) => struct === XATTR_ENTRY)
    const found = all
      .map(place => xattrOf(input, place))
      .filter(one => names === undefined || names.some(name => nameIs(input, one, name)))
    if (found.length === 0) return undefined
    const one = random.pick(found)
    const value = one.at + XATTR_ENTRY.size + one.nameLength
    change(input.subarray(value, value + one.valueLength), random, one, input)
    return input
  }
}

/** Puts as much of a text as there is room for. */
function putText(into: Uint8Array, text: Uint8Array): void {
  into.set(text.subarray(0, into.length))
}

type Change = (input: Uint8Array, random: Random, origin: Uint8Array) => Uint8Array | undefined

const CHANGES: readonly (readonly [string, Change])[] = [
  ['a redirect elsewhere', xattr([REDIRECT], (value, random) => putText(value, binaryBytes(random.pick(PATHS))))],
  [
    'a byte of a redirect or metacopy',
    xattr([REDIRECT, METACOPY], (value, random) => {
      if (value.length > 0) value[random.below(value.length)] = random.pick([0, 0x2f, 0x2e, 0xff, random.next() & 0xff])
    }),
  ],
  [
    'a metacopy with another head',
    // Version, length, flags, digest algorithm.
    xattr([METACOPY], (value, random) => {
      if (value.length > 0) value[random.below(Math.min(value.length, 4))] = random.pick([0, 1, 2, 36, 68, 255])
    }),
  ],
  [
    'a value of another length',
    xattr([REDIRECT, METACOPY, OPAQUE], (_value, random, { at, valueLength }, input) => {
      const { offset, width } = XATTR_ENTRY.fields.e_value_size
      const near = Math.max(valueLength + random.below(9) - 4, 0)
      putNumber(input, at + offset, width, random.once(2) ? near : random.pick(ODD_NUMBERS))
    }),
  ],
  [
    'an attribute becomes a mark',
    xattr(undefined, (value, random, { at, nameLength }, input) => {
      const name = random.pick(NAMES)
      const { e_name_index, e_name_len, e_value_size } = XATTR_ENTRY.fields
      const room = nameLength + value.length
      // What was changed before may have made the image shorter.
      if (room < name.length || at + XATTR_ENTRY.size + room > input.length) return
      putNumber(input, at + e_name_index.offset, e_name_index.width, XATTR_INDEX_TRUSTED)
      putNumber(input, at + e_name_len.offset, e_name_len.width, name.length)
      putNumber(input, at + e_value_size.offset, e_value_size.width, room - name.length)
      input.set(name, at + XATTR_ENTRY.size)
      if (room > name.length) input[at + XATTR_ENTRY.size + name.length] = random.pick([0x79, 0x78, 0x2f, 0])
    }),
  ],
  [
    'a whiteout',
    (input, random, origin) => {
      const { inodes } = placesOf(origin)
      const { at, struct } = random.pick(inodes)
      const { i_mode } = INODE_COMPACT.fields
      putNumber(input, at + i_mode.offset, i_mode.width, C.S_IFCHR | random.below(0o1000))
      putNumber(input, at + struct.fields.i_u.offset, struct.fields.i_u.width, random.once(4) ? 1 : 0)
      return input
    },
  ],
  [
    'another header',
    (input, random) => {
      const { offset, width } = random.pick(Object.values(COMPOSEFS_HEADER.fields))
      putNumber(input, offset, width, random.once(2) ? random.below(4) : random.pick(ODD_NUMBERS))
      return input
    },
  ],
]

/** Mutators of composefs images, beside those of EROFS. */
export function composefsMutators({ mend = false }: ErofsMutatorOptions = {}): Mutator[] {
  return CHANGES.map(([name, change]) => ({
    name,
    mutate: (input, random, { origin }) => {
      if (placesOf(origin).inodes.length === 0) return undefined
      const out = change(input, random, origin)
      if (mend && out !== undefined) mendChecksum(out)
      return out
    },
  }))
}
