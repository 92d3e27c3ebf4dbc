// Which bytes of the image belong to which field: what the hex view colours, and what a byte leads to. Not here: drawing it.

import type { ShownStructure } from '../../inspection.js'

export interface Mark {
  /** Place of the structure among those that are shown, and of the field in it: also what the page's elements are named by. */
  readonly key: string
  /** Byte offsets; `end` is behind the last byte. */
  readonly start: number
  readonly end: number
  readonly kind: string
  readonly structure: string
  readonly field: string
  readonly value: string
}

/** In the order of their bytes; of two that share one the first keeps it. */
export function marksOf(structures: readonly ShownStructure[]): Mark[] {
  const all = structures.flatMap((structure, s) =>
    structure.fields.map((field, f) => ({
      key: `${s}.${f}`,
      start: field.offset,
      end: field.offset + field.width,
      kind: structure.kind,
      structure: structure.label,
      field: field.name,
      value: field.meaning === '' ? field.value : `${field.value} (${field.meaning})`,
    })),
  )
  const sorted = all.filter(one => one.end > one.start).sort((a, b) => a.start - b.start)
  const marks: Mark[] = []
  for (const one of sorted) {
    const start = Math.max(one.start, marks.at(-1)?.end ?? 0)
    if (one.end > start) marks.push({ ...one, start })
  }
  return marks
}

/** Place in `marks` of the first that ends behind a byte. */
export function markFrom(marks: readonly Mark[], offset: number): number {
  let [low, high] = [0, marks.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (marks[middle].end <= offset) low = middle + 1
    else high = middle
  }
  return low
}

export function markAt(marks: readonly Mark[], offset: number): Mark | undefined {
  const mark = marks[markFrom(marks, offset)]
  return mark !== undefined && mark.start <= offset ? mark : undefined
}

/** Bytes of a row that belong to one mark, or to none. */
export interface Segment {
  /** Of the row. */
  readonly from: number
  readonly to: number
  readonly mark: Mark | undefined
  /** Neighbours have different ones. */
  readonly odd: boolean
}

export function segmentsOf(marks: readonly Mark[], start: number, length: number): Segment[] {
  const segments: Segment[] = []
  let at = 0
  for (let i = markFrom(marks, start); at < length; i++) {
    const mark = marks[i]
    const from = mark === undefined ? length : Math.min(length, Math.max(at, mark.start - start))
    if (from > at) segments.push({ from: at, to: from, mark: undefined, odd: false })
    if (mark === undefined || from === length) break
    const to = Math.min(length, mark.end - start)
    segments.push({ from, to, mark, odd: i % 2 === 1 })
    at = to
  }
  return segments
}
