// Store layouts as inputs: what lies in a store, told relative to objects that are known, so that a store of megabytes is an input of some
// bytes; and changes of such layouts. Any bytes are a layout. Not here: a store (targets/store.ts), what it is asked for.
//
//   entry: | u8 object + 1, or 0 for none | u8 behaviour | u8 length of the name | u8 patches | i32 bytes more or less |
//          | i32 size more or less than that, by its own word | name | patches: u32 offset, u8 exclusive or |

import { binaryBytes, binaryString } from '../format/xattr-name.js'
import { ODD_NUMBERS } from './mutate-bytes.js'
import type { Random } from './random.js'
import type { Mutator } from './target.js'

/** How an entry answers. */
export const BEHAVIOURS = [
  'plain',
  /** Reads give a byte less than was asked for. */
  'short',
  /** Reads give a byte more. */
  'long',
  /** Every second read has a bit flipped: what was checked once may be another thing later. */
  'changing',
  /** Reads throw an error with a code. */
  'failing',
  /** Reads throw an error without a code. */
  'throwing',
  /** Opening throws. */
  'closed',
] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

export interface LayoutEntry {
  readonly name: string
  /** Index of the known object whose bytes these begin as. */
  readonly object: number | undefined
  readonly behaviour: Behaviour
  /** Bytes more (zeros) or less (of its end) than that has. */
  readonly more: number
  /** How much more its size is by its own word. */
  readonly lie: number
  readonly patches: readonly { readonly at: number; readonly xor: number }[]
}

const HEAD = 12
const PATCH = 5
const ENTRIES_MAX = 64

export function encodeLayout(entries: readonly LayoutEntry[]): Uint8Array {
  const out: number[] = []
  const word = (value: number) =>
    out.push(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff)
  for (const { name, object, behaviour, more, lie, patches } of entries) {
    const bytes = binaryBytes(name).subarray(0, 255)
    out.push(object === undefined ? 0 : object + 1, BEHAVIOURS.indexOf(behaviour), bytes.length, patches.length)
    word(more)
    word(lie)
    out.push(...bytes)
    for (const { at, xor } of patches) {
      word(at)
      out.push(xor)
    }
  }
  return Uint8Array.from(out)
}

export function decodeLayout(input: Uint8Array): LayoutEntry[] {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const entries: LayoutEntry[] = []
  for (let at = 0; at + HEAD <= input.length && entries.length < ENTRIES_MAX; ) {
    const [object, behaviour, nameLength, count] = input.subarray(at, at + 4)
    const [more, lie] = [view.getInt32(at + 4, true), view.getInt32(at + 8, true)]
    const name = binaryString(input.subarray(at + HEAD, at + HEAD + nameLength))
    at += HEAD + nameLength
    const patches: { at: number; xor: number }[] = []
    for (let left = count; left > 0 && at + PATCH <= input.length; left--, at += PATCH) {
      patches.push({ at: view.getUint32(at, true), xor: input[at + 4] })
    }
    const known = BEHAVIOURS[behaviour % BEHAVIOURS.length]
    entries.push({ name, object: object === 0 ? undefined : object - 1, behaviour: known, more, lie, patches })
  }
  return entries
}

type Change = (entry: LayoutEntry, random: Random, all: readonly LayoutEntry[]) => LayoutEntry

const LENGTHS = [-1, 1, -4096, 4096, -64, 64]

const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a bit flipped',
    (entry, random) => {
      const patch = { at: random.below(random.once(2) ? 1 << 21 : 8192), xor: 1 << random.below(8) }
      return { ...entry, patches: [...entry.patches, patch].slice(-255) }
    },
  ],
  ['cut or longer', (entry, random) => ({ ...entry, more: entry.more + random.pick(LENGTHS) })],
  ['cut to almost nothing', (entry, random) => ({ ...entry, more: -random.pick(ODD_NUMBERS.slice(0, 27)) })],
  ['a size that is a lie', (entry, random) => ({ ...entry, lie: random.pick([...LENGTHS, -(2 ** 31), 2 ** 31 - 1]) })],
  ['bytes of another object', (entry, random, all) => ({ ...entry, object: random.pick(all).object })],
  ['no bytes', entry => ({ ...entry, object: undefined })],
  ['another behaviour', (entry, random) => ({ ...entry, behaviour: random.pick(BEHAVIOURS) })],
  [
    'another name',
    (entry, random, all) => ({
      ...entry,
      name: random.pick([random.pick(all).name, `${entry.name}.verity`, entry.name.toUpperCase(), '', '..', 'a/../b']),
    }),
  ],
]

const OF_ALL: readonly (readonly [
  string,
  (entries: LayoutEntry[], random: Random, other: LayoutEntry[]) => LayoutEntry[],
])[] = [
  ['missing', (entries, random) => entries.filter(entry => entry !== random.pick(entries))],
  [
    'one more',
    (entries, random, other) => [...entries, { ...random.pick(other.length > 0 ? other : entries), name: 'zz/extra' }],
  ],
  [
    'two change names',
    (entries, random) => {
      const [one, other] = [random.below(entries.length), random.below(entries.length)]
      const names = entries.map(({ name }) => name)
      ;[names[one], names[other]] = [names[other], names[one]]
      return entries.map((entry, i) => ({ ...entry, name: names[i] }))
    },
  ],
]

/** Mutators of layouts. */
export function storeMutators(): Mutator[] {
  const ofOne = CHANGES.map(([name, change]): Mutator => {
    const mutate: Mutator['mutate'] = (input, random) => {
      const entries = decodeLayout(input)
      if (entries.length === 0) return undefined
      const at = random.below(entries.length)
      entries[at] = change(entries[at], random, entries)
      return encodeLayout(entries)
    }
    return { name, mutate }
  })
  const ofAll = OF_ALL.map(([name, change]): Mutator => {
    const mutate: Mutator['mutate'] = (input, random, { other }) => {
      const entries = decodeLayout(input)
      return entries.length === 0 ? undefined : encodeLayout(change(entries, random, decodeLayout(other)))
    }
    return { name, mutate }
  })
  return [...ofOne, ...ofAll]
}
