// Where a record's fields are in typed arrays over the table of records, relative to the record's first element: in units
// of the field's own width.

import { RECORD } from '../src/format/structs.js'

const R = RECORD.fields

/** Elements of a record, in units of 8, 4 and 2 bytes. */
export const DOUBLES = RECORD.size >> 3
export const WORDS = RECORD.size >> 2
export const HALVES = RECORD.size >> 1

export const NID = R.nid.offset >> 3
export const SIZE = R.i_size.offset >> 3
export const MTIME_LO = R.mtime_lo.offset >> 2
export const MTIME_HI = R.mtime_hi.offset >> 2
export const MTIME_NSEC = R.mtime_nsec.offset >> 2
export const MODE = R.mode.offset >> 2
export const NLINK = R.nlink.offset >> 2
export const UID = R.uid.offset >> 2
export const GID = R.gid.offset >> 2
export const RDEV = R.rdev.offset >> 2
export const FLAGS = R.flags.offset >> 2
export const NAME = R.name.offset >> 2
export const SLOT = R.slot.offset >> 2
export const NAME_LEN = R.name_len.offset >> 1
export const ERROR = R.error.offset >> 1
