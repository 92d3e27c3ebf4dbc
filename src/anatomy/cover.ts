// Who gets which byte: lists of claims that may overlap become ranges that do not. A list before has precedence over one after
// it; in a list the claim that begins first keeps its bytes, and the next one gets what sticks out. Whoever gets less than
// was claimed, or nothing, is kept in `also`. Not here: making claims (survey.ts), reading the result (image-map.ts).

import { Claims } from './claims.js'

/** Claims between two stops. */
const STEPS = 65536

/** Adds to `also` the claim `i` of a list. */
function note(also: Claims, claims: Claims, i: number): void {
  also.add(claims.starts[i], claims.ends[i], claims.kinds[i], claims.owners[i])
}

/** Ranges of `before`, which do not overlap, and what is left for the claims of a list; both in order. */
function* merge(size: number, before: Claims, claims: Claims, also: Claims): Generator<void, Claims> {
  const out = new Claims(size)
  let at = 0
  // Adds the ranges of `before` that begin before a byte.
  const takeBefore = (limit: number): void => {
    const from = at
    while (at < before.length && before.starts[at] < limit) at++
    if (at > from) out.addRun(before, from, at)
  }
  let done = 0
  for (let i = 0; i < claims.length; i++) {
    const end = claims.ends[i]
    let from = Math.max(claims.starts[i], done)
    let whole = from === claims.starts[i]
    takeBefore(from + 1)
    if (at > 0 && before.ends[at - 1] > from) {
      from = Math.min(before.ends[at - 1], Math.max(end, from))
      whole = false
    }
    while (from < end) {
      const next = at < before.length ? Math.min(before.starts[at], end) : end
      if (next > from) out.add(from, next, claims.kinds[i], claims.owners[i])
      if (next === end) break
      whole = false
      takeBefore(next + 1)
      from = before.ends[at - 1]
    }
    done = Math.max(done, end)
    if (!whole) note(also, claims, i)
    if (i % STEPS === STEPS - 1) yield
  }
  takeBefore(Number.POSITIVE_INFINITY)
  return out
}

export interface Cover {
  /** In order, with gaps. */
  readonly ranges: Claims
  /** Claims that did not get all. */
  readonly also: Claims
}

/** What covers an image of `size` bytes. Stops now and then. */
export function* cover(size: number, lists: readonly Claims[]): Generator<void, Cover> {
  const also = new Claims(size)
  let ranges = new Claims(size)
  for (const claims of lists) {
    claims.sort()
    ranges = yield* merge(size, ranges, claims, also)
    yield
  }
  also.sort()
  also.trim()
  return { ranges, also }
}
