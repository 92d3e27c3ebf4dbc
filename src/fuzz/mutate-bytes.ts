// Changes that know nothing of what they change: bits, bytes, numbers of each width, pieces moved, cut, doubled and taken from elsewhere.
// Not here: changes that know a format.

import type { Random } from './random.js'
import type { Mutator } from './target.js'

/** Where integers go wrong: around powers of two, and signs. */
export const ODD_NUMBERS: readonly number[] = [
  0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 0x7fff, 0x8000,
  0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]

/** Puts the lowest bytes of a number, little-endian. */
export function putNumber(input: Uint8Array, at: number, width: number, value: number): void {
  let rest = value
  for (let i = 0; i < width && at + i < input.length; i++) {
    input[at + i] = rest & 0xff
    rest = Math.floor(rest / 256)
  }
}

function getNumber(input: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = Math.min(width, input.length - at) - 1; i >= 0; i--) value = value * 256 + input[at + i]
  return value
}

function mutator(name: string, mutate: Mutator['mutate']): Mutator {
  return {
    name,
    mutate: (input, random, material) => (input.length === 0 ? undefined : mutate(input, random, material)),
  }
}

/** Where a piece begins, and how long it is: mostly short. */
function piece(input: Uint8Array, random: Random): { at: number; length: number } {
  const at = random.below(input.length)
  const most = input.length - at
  return { at, length: 1 + random.below(Math.min(most, random.once(8) ? most : 64)) }
}

export const BYTE_MUTATORS: readonly Mutator[] = [
  mutator('flip a bit', (input, random) => {
    input[random.below(input.length)] ^= 1 << random.below(8)
    return input
  }),
  mutator('another byte', (input, random) => {
    input[random.below(input.length)] = random.next()
    return input
  }),
  mutator('an odd number', (input, random) => {
    putNumber(input, random.below(input.length), 1 << random.below(4), random.pick(ODD_NUMBERS))
    return input
  }),
  mutator('a little more or less', (input, random) => {
    const width = 1 << random.below(3)
    const at = random.below(input.length)
    putNumber(input, at, width, getNumber(input, at, width) + random.below(71) - 35)
    return input
  }),
  mutator('cut', (input, random) => {
    const { at, length } = piece(input, random)
    input.copyWithin(at, at + length)
    return input.subarray(0, input.length - length)
  }),
  mutator('double', (input, random) => {
    const { at, length } = piece(input, random)
    const out = new Uint8Array(input.length + length)
    out.set(input.subarray(0, at + length))
    out.set(input.subarray(at), at + length)
    return out
  }),
  mutator('copy over', (input, random) => {
    const { at, length } = piece(input, random)
    input.copyWithin(random.below(input.length), at, at + length)
    return input
  }),
  mutator('take from another', (input, random, { other }) => {
    if (other.length === 0) return undefined
    const { at, length } = piece(other, random)
    const to = random.once(2) ? Math.min(at, input.length - 1) : random.below(input.length)
    input.set(other.subarray(at, Math.min(at + length, at + input.length - to)), to)
    return input
  }),
  mutator('end sooner', (input, random) => input.subarray(0, random.below(input.length))),
  mutator('zeros', (input, random) => {
    const { at, length } = piece(input, random)
    return input.fill(random.once(3) ? 0xff : 0, at, at + length)
  }),
]
