// An image as text, every byte of it accounted for: its ranges in order, and the fields of the structures in them. For tests, and
// for who compares two images by eye. Not here: which ranges there are (image-map.ts), fields (fields.ts).

import { Fault, type Outcome } from '../format/errno.js'
import type { Image } from '../image/image.js'
import { entriesOf, fieldsAt, fieldsOf, frameFields } from './fields.js'
import type { ImageMap } from './image-map.js'
import type { Field, Structure } from './structures.js'

const OFFSET_DIGITS = 8
/** Kinds that hold entries of a directory. */
const ENTRIES = new Set(['inline-entries', 'directory-block', 'cfs-entries'])

function offsetText(offset: number): string {
  return offset.toString(16).padStart(OFFSET_DIGITS, '0')
}

function* fieldLines(fields: readonly Field[], indent: string): Generator<string> {
  for (const { name, offset, width, value, meaning } of fields) {
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
    yield `${indent}${offsetText(offset)} +${width} ${name} = ${text}${meaning === '' ? '' : `  (${meaning})`}`
  }
}

/** Structures that begin in a range. */
function within(structures: readonly Structure[], start: number, end: number): Structure[] {
  return structures.filter(one => one.start >= start && one.start < end && one.kind !== 'shared-xattr')
}

function* entryLines(image: Image, nid: number, { start, end }: { start: number; end: number }): Generator<string> {
  for (let block = 0, blocks = 1; block < blocks; block++) {
    const found = entriesOf(image, nid, block)
    if (found instanceof Fault) {
      yield `    ${found.code} ${found.detail}`
      return
    }
    blocks = found.blocks
    for (const entry of found.entries) {
      if (entry.start < start || entry.start >= end) continue
      const values = Object.fromEntries(entry.fields.map(({ name, value }) => [name, value]))
      const type = entry.fields.find(({ name }) => name === 'file_type' || name === 'd_type')?.meaning
      yield `    ${offsetText(entry.start)} ${JSON.stringify(values['name'])} -> ${values['nid'] ?? values['inode_num']}, ${type}`
    }
  }
}

/** Lines of the text, a range after the other. */
export function* dumpLines(image: Image, map: ImageMap): Generator<string> {
  const frame = frameFields(image)
  yield `${image.format}, ${map.byteLength} bytes, ${map.inodes} inodes, ${map.count} ranges`
  for (let i = 0; i < map.count; i++) {
    const range = map.range(i)
    const owner = range.nid === undefined ? '' : ` of nid ${range.nid}`
    yield `${offsetText(range.start)} +${range.end - range.start} ${range.kind}${owner}`
    for (const other of map.alsoAt(range.start)) yield `  also ${other.kind} of nid ${other.nid ?? '-'}`
    const found: Outcome<readonly Structure[]> = range.nid === undefined ? frame : structuresOf(image, range.nid)
    if (range.kind === 'shared-xattr') yield* sharedLines(image, map, range.start)
    if (found instanceof Fault) {
      yield `  ${found.code} ${found.detail}`
      continue
    }
    for (const structure of within(found, range.start, range.end)) {
      if (structure.start !== range.start)
        yield `  ${offsetText(structure.start)} +${structure.length} ${structure.kind}`
      if (!ENTRIES.has(structure.kind)) yield* fieldLines(structure.fields, '    ')
    }
    if (range.nid !== undefined && ENTRIES.has(range.kind)) yield* entryLines(image, range.nid, range)
  }
}

function* sharedLines(image: Image, map: ImageMap, start: number): Generator<string> {
  const shared = fieldsAt(image, start, map)
  if (shared instanceof Fault) yield `    ${shared.code} ${shared.detail}`
  else yield* fieldLines(shared?.structure.fields ?? [], '    ')
}

function structuresOf(image: Image, nid: number): Outcome<readonly Structure[]> {
  const found = fieldsOf(image, nid)
  return found instanceof Fault ? found : found.structures
}
