// Zstandard frames of given data: raw and one-byte blocks, and blocks of raw literals with sequences by the predefined tables. Not here:
// frames with everything that the format has, whose content is none that one could choose (zstd-frames.ts).

import { greedySteps, type Step } from './greedy.js'
import type { Random } from './random.js'
import { BitWriter, stateFor } from './zstd-codes.js'
import { DEFAULTS, type Kind, LL_BASES, little, ML_BASES, widthOf } from './zstd-frames.js'

const BLOCK_MAX = 1 << 17
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]

function codeOf(value: number, bases: readonly number[]): readonly [code: number, more: number] {
  let code = bases.findLastIndex(base => base <= value)
  // What stands behind the last code's base is no code's.
  if (code === bases.length - 1) code--
  return [code, value - bases[code]]
}

/** Codes and further bits of one sequence. */
function coded({ literals, offset, length }: Step): Record<Kind, readonly [number, number]> {
  const value = offset + 3
  const code = 31 - Math.clz32(value)
  return { LL: codeOf(literals.length, LL_BASES), ML: codeOf(length, ML_BASES), OF: [code, value - 2 ** code] }
}

/** What a decoder reads last is written first. */
function sequenceBytes(steps: readonly Step[]): number[] {
  const out = new BitWriter()
  const next: Partial<Record<Kind, number>> = {}
  for (const step of [...steps].reverse()) {
    const codes = coded(step)
    for (const kind of ['OF', 'ML', 'LL'] as const) {
      const { states } = DEFAULTS[kind]
      const after = next[kind]
      const state = stateFor(DEFAULTS[kind], codes[kind][0], after)
      if (after !== undefined) out.add(after - states[state].base, states[state].width)
      next[kind] = state
    }
    for (const kind of ['LL', 'ML', 'OF'] as const) out.add(codes[kind][1], widthOf(kind, codes[kind][0]))
  }
  for (const kind of ['ML', 'OF', 'LL'] as const) out.add(next[kind] ?? 0, DEFAULTS[kind].log)
  return out.marked()
}

function blockHead(type: number, size: number, last: boolean): number[] {
  return little(size * 8 + type * 2 + (last ? 1 : 0), 3)
}

function compressedBlock(data: Uint8Array): number[] {
  // A match may be of this block alone, as no window is kept here.
  const steps = greedySteps(data, { longest: 65000 })
  const literals = steps.flatMap(step => [...step.literals])
  const sequences = steps.slice(0, -1)
  const count = sequences.length
  const counted = count < 128 ? [count] : [(count >> 8) + 128, count & 255]
  const head = little(literals.length * 16 + 3 * 4, 3)
  const body = count === 0 ? [0] : [...counted, 0, ...sequenceBytes(sequences)]
  return [...head, ...literals, ...body]
}

/** A frame of a single segment. */
export function zstdFrame(data: Uint8Array, random: Random): Uint8Array {
  const out = [...MAGIC, 0b10100000, ...little(data.length, 4)]
  for (let at = 0; at < data.length || at === 0; ) {
    const left = Math.min(data.length - at, BLOCK_MAX)
    const length = random.once(4) ? Math.min(left, 1 + random.below(300)) : left
    const piece = data.subarray(at, at + length)
    at += length
    const last = at >= data.length
    const coded = random.once(8) ? undefined : compressedBlock(piece)
    if (length > 0 && piece.every(byte => byte === piece[0])) out.push(...blockHead(1, length, last), piece[0])
    else if (coded === undefined || coded.length >= length) out.push(...blockHead(0, length, last), ...piece)
    else out.push(...blockHead(2, coded.length, last), ...coded)
    if (last) break
  }
  return Uint8Array.from(out)
}
