// What targets begin with, and what changes it: seeds and mutators for each kind of input. Not here: targets.

import type { CoreTargetOptions } from './core-target.js'
import { BYTE_MUTATORS } from './mutate-bytes.js'
import { cfsV1Mutators } from './mutate-cfs-v1.js'
import { composefsMutators } from './mutate-composefs.js'
import { compressedMutators } from './mutate-compressed.js'
import { dumpMutators } from './mutate-dump.js'
import { erofsMutators } from './mutate-erofs.js'
import { joinParts, PartMutators } from './parts.js'
import { Random } from './random.js'
import { randomCfsV1, randomComposefs } from './random-composefs.js'
import { randomCompressedErofs } from './random-compressed.js'
import { randomDump } from './random-dump.js'
import { randomErofs } from './random-erofs.js'
import type { Mutator } from './target.js'
import { WASI_CALLS } from './targets/wasi.js'

const SEEDS = 24
const IMAGE_BYTES = 1 << 15
/** Bytes of the largest seed: small ones are run more often. */
const SEED_BYTES = 4096
/** The same of those with compressed files, which have more to them. */
const COMPRESSED_BYTES = 12288
const DUMP_BYTES = 1 << 14

/** Some that are small enough, by their number. */
function small(make: (random: Random) => Uint8Array, most: number, first = 0): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let i = first; found.length < SEEDS; i++) {
    const bytes = make(new Random(i))
    if (bytes.length <= most) found.push(bytes)
  }
  return found
}

function erofsSeeds(first = 0): Uint8Array[] {
  return small(random => randomErofs(random, { inodes: 6, fileBytes: 600 }).bytes, SEED_BYTES, first)
}

function composefsSeeds(first = 0): Uint8Array[] {
  return small(random => randomComposefs(random, { lines: 8 }).bytes, IMAGE_BYTES, first)
}

/** Half of them know the format, so that most runs get beyond the superblock. */
function erofsChanges(): Mutator[] {
  return [...erofsMutators({ mend: true }), ...erofsMutators()]
}

function composefsChanges(): Mutator[] {
  return [...composefsMutators({ mend: true }), ...composefsMutators({ mend: true }), ...erofsChanges()]
}

/** Plain EROFS in all of its layouts. */
export function erofsInputs(): CoreTargetOptions {
  return { seeds: erofsSeeds(), mutators: [...BYTE_MUTATORS, ...erofsChanges()], maxBytes: IMAGE_BYTES }
}

/** EROFS with compressed files, in all of their layouts. Its further devices are in the image. */
export function compressedInputs(): CoreTargetOptions {
  const options = { inodes: 6, fileBytes: 2500, blockBits: 9, devices: 1 }
  const seeds = small(random => {
    const { bytes, devices } = randomCompressedErofs(random, options)
    return devices.length > 0 ? new Uint8Array(COMPRESSED_BYTES + 1) : bytes
  }, COMPRESSED_BYTES)
  const changes = [...compressedMutators({ mend: true }), ...compressedMutators({ mend: true })]
  return { seeds, mutators: [...BYTE_MUTATORS, ...erofsChanges(), ...changes], maxBytes: IMAGE_BYTES }
}

export function composefsInputs(): CoreTargetOptions {
  return { seeds: composefsSeeds(), mutators: [...BYTE_MUTATORS, ...composefsChanges()], maxBytes: 2 * IMAGE_BYTES }
}

export function cfsV1Inputs(): CoreTargetOptions {
  const seeds = small(random => randomCfsV1(random, { lines: 10 }).bytes, SEED_BYTES)
  return { seeds, mutators: [...BYTE_MUTATORS, ...cfsV1Mutators(), ...cfsV1Mutators()], maxBytes: IMAGE_BYTES }
}

export function dumpInputs(): CoreTargetOptions {
  const seeds = small(random => randomDump(random, { lines: 10 }), SEED_BYTES)
  return { seeds, mutators: [...BYTE_MUTATORS, ...dumpMutators(), ...dumpMutators()], maxBytes: DUMP_BYTES }
}

/** Two images of any kind, the upper one first. */
export function pairInputs(): CoreTargetOptions {
  const [plain, more, composefs] = [erofsSeeds(), erofsSeeds(1000), composefsSeeds()]
  const cfs = cfsV1Inputs().seeds
  const pairs = plain.map((image, i) => {
    const below = [more[i], image, composefs[i], cfs[i]][i % 4]
    return joinParts(i % 8 === 2 ? [below, image] : [image, below])
  })
  const parts = new PartMutators(2)
  const mutators = [0, 1].flatMap(part => [
    ...parts.of(part, composefsChanges()),
    ...parts.of(part, erofsMutators({ mend: true }), 1 - part),
    ...parts.of(part, cfsV1Mutators()),
    ...parts.of(part, BYTE_MUTATORS),
  ])
  return { seeds: pairs, mutators, maxBytes: 4 * IMAGE_BYTES }
}

/** An image, and calls on it. */
export function callInputs(): CoreTargetOptions {
  const images = [...erofsSeeds().slice(0, 16), ...composefsSeeds().slice(0, 4), ...cfsV1Inputs().seeds.slice(0, 4)]
  const names = Object.keys(WASI_CALLS)
  const seeds = images.map((image, i) => {
    const random = new Random(i)
    // Opened first, then used.
    const opens = [0, 1, 2].flatMap(path => [names.indexOf('path_open'), 3, 1, path, path === 2 ? 1 : 0, 0, 0, 0, 0])
    return joinParts([image, Uint8Array.from([...opens, ...random.bytes(120)])])
  })
  const parts = new PartMutators(2)
  const mutators = [
    ...parts.of(0, [...composefsChanges(), ...cfsV1Mutators()]),
    ...[0, 1, 2].flatMap(() => parts.of(1, BYTE_MUTATORS)),
  ]
  return { seeds, mutators, maxBytes: 2 * IMAGE_BYTES }
}
