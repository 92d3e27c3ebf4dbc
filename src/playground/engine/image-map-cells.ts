// What the squares of a picture of an image hold, in stripes: a kind has as many stripes of a square as it has a share of its bytes,
// about where they are. Not here: the map itself (src/anatomy).

import type { ImageMap } from '../../anatomy/anatomy.js'
import type { Squares } from '../inspection.js'

/** Adds the bytes of each kind from `start` to `end`; `i` is the range at `start`. Answers the one at `end`. */
function add(
  map: ImageMap,
  numbers: ReadonlyMap<string, number>,
  bytes: Float64Array,
  i: number,
  start: number,
  end: number,
) {
  let at = i
  for (; ; at++) {
    const kind = numbers.get(map.kind(at)) ?? 0
    bytes[kind] += Math.min(map.end(at), end) - Math.max(map.start(at), start)
    if (map.end(at) >= end) break
  }
  return map.end(at) === end && at < map.count - 1 ? at + 1 : at
}

/**
 * Numbers of kinds, by `numbers`, of the stripes of some squares. Each stripe shows the kind of which most bytes have not been shown
 * yet in its square. Stripes behind the image's end are left out.
 */
export function cellsOf(map: ImageMap, numbers: ReadonlyMap<string, number>, squares: Squares): Uint8Array {
  const { from, unit, count, stripes } = squares
  const size = unit / stripes
  const cells = new Uint8Array(Math.max(0, Math.min(count * stripes, Math.ceil((map.byteLength - from) / size))))
  const owed = new Float64Array(numbers.size)
  let i = map.indexAt(from)
  for (let cell = 0; cell < cells.length; cell++) {
    const start = from + cell * size
    const end = Math.min(start + size, map.byteLength)
    if (cell % stripes === 0) owed.fill(0)
    // One range takes all of a square.
    if (cell % stripes === 0 && map.end(i) >= start + unit) {
      cells.fill(numbers.get(map.kind(i)) ?? 0, cell, cell + stripes)
      cell += stripes - 1
      if (map.end(i) === start + unit && i < map.count - 1) i++
      continue
    }
    i = add(map, numbers, owed, i, start, end)
    let best = 0
    for (let kind = 1; kind < owed.length; kind++) if (owed[kind] > owed[best]) best = kind
    owed[best] -= end - start
    cells[cell] = best
  }
  return cells
}
