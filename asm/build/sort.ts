// Sorting lists of numbers, u32 each, by what they stand for. A merge sort: stable, and never slower than n log n.

import { copy, put32, u32At } from './raw'

/** Does the first come after the second? */
export type After = (a: u32, b: u32) => bool

function merge(from: usize, middle: usize, end: usize, to: usize, after: After): void {
  let left = from
  let right = middle
  while (left < middle && right < end) {
    const a = u32At(left)
    const b = u32At(right)
    if (after(a, b)) {
      put32(to, b)
      right += 4
    } else {
      put32(to, a)
      left += 4
    }
    to += 4
  }
  copy(to, left, middle - left)
  copy(to + (middle - left), right, end - right)
}

/** Sorts `count` numbers at `list`; `room` has room for as many. */
export function mergeSort(list: usize, room: usize, count: u32, after: After): void {
  const bytes = <usize>count << 2
  let from = list
  let to = room
  for (let run: usize = 4; run < bytes; run <<= 1) {
    for (let at: usize = 0; at < bytes; at += run << 1) {
      const middle = min(at + run, bytes)
      const end = min(at + (run << 1), bytes)
      merge(from + at, from + middle, from + end, to + at, after)
    }
    const other = from
    from = to
    to = other
  }
  if (from != list) copy(list, from, bytes)
}
