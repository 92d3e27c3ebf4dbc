// What the cells of a picture of an image hold: each the kind that takes most of its bytes. Not here: the map itself (src/anatomy).

import type { ImageMap } from '../../anatomy/anatomy.js'

/**
 * Numbers of kinds, by their place in `kinds`, of `count` cells of `size` bytes from byte `from` on. Cells behind the image's end
 * are left out.
 */
export function cellsOf(map: ImageMap, kinds: ReadonlyMap<string, number>, from: number, size: number, count: number) {
  const cells = new Uint8Array(Math.max(0, Math.min(count, Math.ceil((map.byteLength - from) / size))))
  const bytes = new Float64Array(kinds.size)
  let i = map.indexAt(from)
  for (let cell = 0; cell < cells.length; cell++) {
    const start = from + cell * size
    const end = Math.min(start + size, map.byteLength)
    // One range takes all of most cells: nothing is to be added up.
    if (map.end(i) < end) {
      bytes.fill(0)
      let most = -1
      let best = 0
      for (; i < map.count; i++) {
        const kind = kinds.get(map.kind(i)) ?? 0
        bytes[kind] += Math.min(map.end(i), end) - Math.max(map.start(i), start)
        if (bytes[kind] > most) {
          most = bytes[kind]
          best = kind
        }
        if (map.end(i) >= end) break
      }
      cells[cell] = best
    } else {
      cells[cell] = kinds.get(map.kind(i)) ?? 0
    }
    if (i < map.count - 1 && map.end(i) === end) i++
  }
  return cells
}
