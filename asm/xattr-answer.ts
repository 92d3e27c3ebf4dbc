// How xattrs are answered, whatever the format: records in the table, or a value in the scratch record.

import {
  REC_SIZE,
  SCR_DATA,
  SCR_DATA_LEN,
  XR_INDEX,
  XR_INFIX,
  XR_INFIX_LEN,
  XR_NAME,
  XR_NAME_LEN,
  XR_SIZE,
  XR_VALUE,
  XR_VALUE_LEN,
} from './layout'
import { MAX_RECORDS, RECORDS, SCRATCH } from './scratch'

/** Xattrs that the table of records can hold. */
export const XATTR_ROOM: u32 = (MAX_RECORDS * REC_SIZE) / XR_SIZE

/** Writes the name's base index and infix as the record `n`. */
@inline
export function putXattrPrefix(n: u32, index: u32, infix: usize, infixLength: u32): void {
  const rec = RECORDS + n * XR_SIZE
  store<u32>(rec + XR_INDEX, index)
  store<u32>(rec + XR_INFIX, <u32>infix)
  store<u32>(rec + XR_INFIX_LEN, infixLength)
}

/** Writes the rest of the name, and the value, as the record `n`. */
@inline
export function putXattr(n: u32, name: usize, nameLength: u32, value: usize, valueLength: u32): void {
  const rec = RECORDS + n * XR_SIZE
  store<u32>(rec + XR_NAME, <u32>name)
  store<u32>(rec + XR_NAME_LEN, nameLength)
  store<u32>(rec + XR_VALUE, <u32>value)
  store<u32>(rec + XR_VALUE_LEN, valueLength)
}

/** Answers with a value. */
export function putValue(value: usize, length: u32): i32 {
  store<u32>(SCRATCH + SCR_DATA, <u32>value)
  store<f64>(SCRATCH + SCR_DATA_LEN, <f64>length)
  return 0
}
