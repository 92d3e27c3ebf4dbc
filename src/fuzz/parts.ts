// Several byte strings as one input: data beside its tree, an image beside what is asked of it, two images. Any bytes at all can be
// taken apart, so that mutators that know nothing of it do no harm. Not here: what is in the parts.
//
//   | u32 length of part 0 | u32 length of part 1 | … | part 0 | part 1 | … | last part |     lengths but the last one's

import type { Mutator } from './target.js'

const LENGTH = 4

export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const head = LENGTH * (parts.length - 1)
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head))
  const view = new DataView(out.buffer)
  let at = head
  for (const [i, part] of parts.entries()) {
    if (i < parts.length - 1) view.setUint32(i * LENGTH, part.length, true)
    out.set(part, at)
    at += part.length
  }
  return out
}

/** So many parts; views. A length beyond the end is cut, one that is not there is 0. */
export function splitParts(input: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const parts: Uint8Array[] = []
  let at = Math.min(LENGTH * (count - 1), input.length)
  for (let i = 0; i < count; i++) {
    const known = i < count - 1 && (i + 1) * LENGTH <= input.length
    const length = known ? view.getUint32(i * LENGTH, true) : i < count - 1 ? 0 : input.length
    const end = Math.min(at + length, input.length)
    parts.push(input.subarray(at, end))
    at = end
  }
  return parts
}

/** Mutators of one part of an input; what they take from others is from the same part, or another one that is told. */
export class PartMutators {
  readonly #count: number
  /** Parts of inputs of the corpus, so that mutators know them again. */
  readonly #known = new WeakMap<Uint8Array, readonly Uint8Array[]>()

  /** `count`: parts of an input. */
  constructor(count: number) {
    this.#count = count
  }

  of(part: number, mutators: readonly Mutator[], from = part): Mutator[] {
    return mutators.map(({ name, mutate }) => ({
      name: `${name}, in part ${part}`,
      mutate: (input, random, { origin, other }) => {
        const parts = splitParts(input, this.#count)
        const material = { origin: this.#parts(origin)[part], other: this.#parts(other)[from] }
        const changed = mutate(parts[part].slice(), random, material)
        if (changed === undefined) return undefined
        parts[part] = changed
        return joinParts(parts)
      },
    }))
  }

  #parts(input: Uint8Array): readonly Uint8Array[] {
    const known = this.#known.get(input)
    if (known !== undefined) return known
    const parts = splitParts(input, this.#count)
    this.#known.set(input, parts)
    return parts
  }
}
