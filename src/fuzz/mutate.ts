// A few changes to an input, one after the other: mutators without the loop that feeds on what they find (fuzzer.ts).

import type { Random } from './random.js'
import type { Mutator } from './target.js'

/** A copy with one to `most` changes, fewer where there is no place for them; `other` is what pieces may come from. */
export function mutated(
  input: Uint8Array,
  mutators: readonly Mutator[],
  random: Random,
  { most = 3, other = input }: { readonly most?: number; readonly other?: Uint8Array } = {},
): Uint8Array {
  // Not `slice`, by which a Buffer gives its own bytes.
  let out: Uint8Array = new Uint8Array(input)
  for (let left = 1 + random.below(most); left > 0; left--) {
    out = random.pick(mutators).mutate(out, random, { origin: input, other }) ?? out
  }
  return out
}
