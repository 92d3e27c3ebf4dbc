// Objects checked against their digests, over a store that lies in any way that a layout can tell. Invariants:
// - right bytes: what is handed out is what the digest was made of, as much as was asked for, or there is a Fault
// - untouched: what the layout leaves as it is is read
// - within: the store is never asked for a name that could lead out of it
// - no throw: nothing is thrown; nothing has to be waited for in a store that answers at once

import { Fault, Miss } from '../../format/errno.js'
import { objectName } from '../../format/hex.js'
import { merkleTree } from '../../format/merkle-tree.js'
import { verityDigest } from '../../format/verity.js'
import { treeName } from '../../store/object-name.js'
import { VerifiedObjects } from '../../store/verified.js'
import { BYTE_MUTATORS } from '../mutate-bytes.js'
import { decodeLayout, encodeLayout, type LayoutEntry, storeMutators } from '../mutate-store.js'
import { joinParts, PartMutators, splitParts } from '../parts.js'
import { Random } from '../random.js'
import { compareBytes } from '../random-tree.js'
import { standInHash } from '../stand-in-hash.js'
import { type Mutator, type Target, Violation } from '../target.js'
import { HostileStore } from './hostile-store.js'

const PARTS = 2
/** The last one is read by its tree where the store has that. */
const SIZES = [0, 5, 4096, 10_000, 70_001, (1 << 20) + 5000]
/** u8 object, u24 offset, u16 length; from 128 on the object is read whole as well. */
const READ = 6
/** As many as to be read whole, and to be the same one. */
const WHOLE = 22 * SIZES.length
const WHOLE_FROM = 128
const READS_MAX = 12
const SEEDS = 12

interface Known {
  readonly name: string
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

/** Some part of some object, as an input tells it. */
function readOf(random: Random): number[] {
  const object = random.once(6) ? SIZES.length - 1 : random.below(SIZES.length - 1)
  const [at, length] = [random.below(SIZES[object] + 1), random.below(9000)]
  // The largest takes a while.
  const whole = object < SIZES.length - 1 && random.once(4) ? WHOLE : 0
  return [object + whole, at & 0xff, (at >> 8) & 0xff, at >> 16, length & 0xff, length >> 8]
}

const ANOTHER_READ: Mutator = {
  name: 'another read',
  mutate: (input, random) => {
    const read = readOf(random)
    if (input.length < READ) return Uint8Array.from(read)
    input.set(read, random.below(Math.floor(input.length / READ)) * READ)
    return input
  },
}

function plain(name: string, object: number): LayoutEntry {
  return { name, object, behaviour: 'plain', more: 0, lie: 0, patches: [] }
}

export class StoreTarget implements Target {
  readonly name = 'store'
  readonly invariants = [
    'right bytes: what is handed out is what the digest was made of, as much as was asked for; or there is a Fault',
    'untouched: what the layout leaves as it is is read',
    'within: the store is never asked for a name that could lead out of it',
    'no throw: nothing is thrown, and nothing has to be waited for',
  ]
  readonly maxBytes = 1 << 14
  readonly #hash = standInHash(32)
  readonly #known: readonly Known[]
  /** Those and the trees of the large ones. */
  readonly #objects: readonly Uint8Array[]
  readonly seeds: readonly Uint8Array[]
  readonly mutators = [
    ...new PartMutators(PARTS).of(0, [...BYTE_MUTATORS, ...BYTE_MUTATORS.map(() => ANOTHER_READ)]),
    ...new PartMutators(PARTS).of(1, [...storeMutators(), ...storeMutators(), ...BYTE_MUTATORS]),
  ]

  constructor() {
    this.#known = SIZES.map(size => {
      const bytes = new Random(size).bytes(size)
      const digest = verityDigest(bytes, this.#hash)
      return { name: objectName(digest), digest, bytes }
    })
    const trees = this.#known.map(({ bytes }) => merkleTree(bytes, this.#hash))
    this.#objects = [...this.#known.map(({ bytes }) => bytes), ...trees]
    const layout = encodeLayout([
      ...this.#known.map(({ name }, i) => plain(name, i)),
      ...this.#known.map(({ name }, i) => plain(treeName(name), SIZES.length + i)),
    ])
    this.seeds = Array.from({ length: SEEDS }, (_, i) => joinParts([this.#asked(new Random(i)), layout]))
  }

  #asked(random: Random): Uint8Array {
    return Uint8Array.from(Array.from({ length: 6 }, () => readOf(random)).flat())
  }

  run(input: Uint8Array): boolean {
    const [asked, layout] = splitParts(input, PARTS)
    const entries = decodeLayout(layout)
    const objects = new VerifiedObjects(new HostileStore(entries, this.#objects), this.#hash)
    let read = false
    for (let at = 0, left = READS_MAX; at + READ <= asked.length && left > 0; at += READ, left--) {
      const object = asked[at] % this.#known.length
      const offset = asked[at + 1] + asked[at + 2] * 256 + asked[at + 3] * 65536
      const length = asked[at + 4] + asked[at + 5] * 256
      const whole = this.#untouched(entries, object)
      try {
        read = this.#read(objects, object, { offset, length, all: asked[at] >= WHOLE_FROM }, whole) || read
      } catch (error) {
        if (error instanceof Violation) throw error
        throw new Violation('no throw', error instanceof Error ? (error.stack ?? error.message) : String(error))
      }
    }
    objects.close()
    return read
  }

  /** Is the object as it should be? Its tree may not be: what it says is not believed then. */
  #untouched(entries: readonly LayoutEntry[], object: number): boolean {
    const entry = entries.findLast(({ name }) => name === this.#known[object].name)
    if (entry === undefined || entry.object === undefined) return false
    const { behaviour, more, lie, patches } = entry
    const harmless = patches.every(({ at, xor }) => xor === 0 || at >= SIZES[object])
    return (
      entry.object % this.#objects.length === object && behaviour === 'plain' && more === 0 && lie === 0 && harmless
    )
  }

  #read(
    objects: VerifiedObjects,
    object: number,
    { offset, length, all }: { offset: number; length: number; all: boolean },
    whole: boolean,
  ): boolean {
    const { name, digest, bytes } = this.#known[object]
    const refused = (fault: Fault): boolean => {
      if (fault instanceof Miss) throw new Violation('no throw', `has to be waited for: ${fault.detail}`)
      if (whole) throw new Violation('untouched', `object ${object}: ${fault.code} ${fault.detail}`)
      return false
    }
    const file = objects.open(name, { digest, size: bytes.length }, true)
    if (file instanceof Fault) return refused(file)
    try {
      const into = new Uint8Array(length)
      const count = file.read(into, offset, true)
      if (count instanceof Fault) return refused(count)
      if (compareBytes(into.subarray(0, count), bytes.subarray(offset, offset + length)) !== 0) {
        throw new Violation('right bytes', `object ${object}: ${count} bytes from ${offset}`)
      }
      if (!all) return true
      const content = file.readAll(true)
      if (content instanceof Fault) return refused(content)
      if (compareBytes(content, bytes) !== 0) throw new Violation('right bytes', `all of object ${object}`)
      return true
    } finally {
      file.close()
    }
  }
}
