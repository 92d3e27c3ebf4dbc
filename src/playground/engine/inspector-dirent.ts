// The entry of a directory that a name stands in, found by its place among the names. Not here: look-ups as a mount does them.

import { entriesOf, type Structure } from '../../anatomy/anatomy.js'
import { bytesAt } from '../../anatomy/structures.js'
import { Fault, type Outcome } from '../../format/errno.js'
import type { Image } from '../../image/image.js'

/** Blocks that are looked through where names are not in order. */
const BLOCKS_MAX = 64

function compared(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

function nameOf(image: Image, entry: Structure): Outcome<Uint8Array> {
  const field = entry.fields.find(one => one.name === 'name')
  return field === undefined ? new Uint8Array(0) : bytesAt(image, field.offset, field.width)
}

/** The entry in one block, if it is there; else on which side of the block it would be. */
function inBlock(image: Image, entries: readonly Structure[], name: Uint8Array): Outcome<Structure | number> {
  let side = 1
  for (const entry of entries) {
    const found = nameOf(image, entry)
    if (found instanceof Fault) return found
    side = compared(name, found)
    if (side === 0) return entry
    if (side < 0 && entry === entries[0]) return -1
  }
  return side < 0 ? 0 : 1
}

/** The entry of a name in a directory; undefined where it is not found. */
export function direntOf(image: Image, dir: number, name: Uint8Array): Outcome<Structure | undefined> {
  const first = entriesOf(image, dir, 0)
  if (first instanceof Fault) return first
  let [low, high] = [0, first.blocks - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const block = middle === 0 ? first : entriesOf(image, dir, middle)
    if (block instanceof Fault) return block
    const found = inBlock(image, block.entries, name)
    if (found instanceof Fault || typeof found === 'object') return found
    if (found === 0) break
    if (found < 0) high = middle - 1
    else low = middle + 1
  }
  for (let at = 0; at < Math.min(first.blocks, BLOCKS_MAX); at++) {
    const block = entriesOf(image, dir, at)
    if (block instanceof Fault) return block
    const found = inBlock(image, block.entries, name)
    if (found instanceof Fault || typeof found === 'object') return found
  }
  return undefined
}
