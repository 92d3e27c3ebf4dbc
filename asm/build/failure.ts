// What was wrong, for the loader to make words of: errno as the negative answer of a function, the rest in a record.

import { put32, putF64 } from './raw'
import { ENOMEM, FAIL_A, FAIL_B, FAIL_FIELD, FAIL_LINE, FAIL_NODE, FAIL_REASON, FAIL_SIZE, IN_NONE, NO_MEMORY } from './layout'

export const FAILURE: usize = memory.data(<i32>FAIL_SIZE, 8)

/** Notes a reason, and the numbers in its words; answers -errno. */
export function fail(errno: i32, reason: u32, a: f64 = 0, b: f64 = 0): i32 {
  put32(FAILURE + FAIL_REASON, reason)
  put32(FAILURE + FAIL_LINE, 0)
  put32(FAILURE + FAIL_FIELD, IN_NONE)
  put32(FAILURE + FAIL_NODE, <u32>-1)
  putF64(FAILURE + FAIL_A, a)
  putF64(FAILURE + FAIL_B, b)
  return -errno
}

export function noMemory(): i32 {
  return fail(ENOMEM, NO_MEMORY)
}

/** Adds which node is meant. */
export function atNode(result: i32, node: i32): i32 {
  put32(FAILURE + FAIL_NODE, <u32>node)
  return result
}

/** Adds where in a dump it is. */
export function atField(result: i32, line: u32, field: u32, node: i32): i32 {
  put32(FAILURE + FAIL_LINE, line)
  put32(FAILURE + FAIL_FIELD, field)
  return atNode(result, node)
}
