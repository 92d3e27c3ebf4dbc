// Why the build core refuses something, in words: it answers with numbers. Not here: what it refuses (asm/build).

import type { BuildCore, Refusal } from '../../wasm/build-core.js'
import { DUMP_FIELDS, LIMITS, REASONS, type Reason } from '../format/build-layout.js'
import { errnoName } from '../format/errno.js'
import { TreeError } from './tree-error.js'

/** `a` and `b` are the numbers that the core gives with a reason. */
const WORDS: Readonly<Record<Reason, (a: number, b: number) => string>> = {
  MEMORY: () => 'not enough memory',
  ARENA_FULL: () => 'names and values of more than 2 GiB',
  SECOND_ROOT: () => 'there is a root already',
  ROOT_NO_DIRECTORY: () => 'the root must be a directory',
  NO_ROOT: () => 'the first entry must be the root',
  NAME_EMPTY: () => 'empty name',
  NAME_LONG: a => `name of ${a} bytes, more than 255`,
  NAME_DOTS: () => 'name is . or ..',
  NAME_EXISTS: () => 'the name exists already',
  NO_TYPE: a => `mode ${a.toString(8)} has no file type`,
  PARENT_NO_DIRECTORY: () => 'what it is in is not a directory',
  PAYLOAD_LONG: (a, b) => `${a} bytes, more than ${b}`,
  TARGET_MISSING: () => 'a symlink needs a target',
  CONTENT_LONG: (a, b) => `content of ${a} bytes, more than ${b}`,
  LINK_OF_DIRECTORY: () => 'a directory can not be hard linked',
  LINK_TO_DIRECTORY: () => 'the target is a directory, which can have no second name',
  LINK_LOOP: () => 'the hard link leads back to itself',
  KEY_EMPTY: () => 'empty key',
  KEY_LONG: (a, b) => `key of ${a} bytes, more than ${b}`,
  VALUE_LONG: (a, b) => `value of ${a} bytes, more than ${b}`,
  XATTRS_LONG: (a, b) => `attributes of ${a} bytes, more than ${b}`,
  NUL_BYTE: () => 'NUL byte',
  DUMP_EMPTY: () => 'no files: the dump is empty',
  NO_NEWLINE: () => 'the last line has no newline',
  PATH_EMPTY: () => 'empty path',
  PARENT_MISSING: () => 'parent directory missing',
  BAD_ESCAPE: () => 'bad escape',
  BAD_HEX_ESCAPE: () => 'bad \\x escape',
  BAD_INTEGER: () => 'invalid integer',
  NO_DOT: () => 'no seconds.nanoseconds',
  RDEV_SET: () => 'a device number on what is no device',
  LINK_SIZE: (a, b) => `${a} for a symlink to ${b} bytes`,
  CONTENT_SIZE: a => `${a} bytes where SIZE says otherwise`,
  LINK_CONTENT: () => 'a symlink can not have content',
  FILE_TOO_LARGE: () => 'file too large',
  BAD_DIGEST: () => `not ${2 * LIMITS.DIGEST_SIZE} hex digits`,
  XATTR_AREA_LONG: (a, b) => `${a} bytes, more than ${b}`,
  NO_EQUALS: () => 'no = in it',
  LINK_TARGET_EMPTY: () => 'a hard link needs a target',
  LINK_TARGET_MISSING: () => 'no target of that path',
  NO_TREE: () => 'the tree has no root',
  NO_MARK_ROOM: () => 'no room for the marks of the overlay',
  XATTRS_MANY: () => 'too many attributes',
  INODES_MANY: () => 'more inodes than one image can hold',
  TREE_CHANGED: () => 'the tree has changed while its image was written',
}

function treeError(answer: number, { reason, line, field, node, a, b }: Refusal): TreeError {
  return new TreeError(errnoName(-answer), WORDS[REASONS[reason]](a, b), {
    line: line === 0 ? undefined : line,
    field: DUMP_FIELDS[field] || undefined,
    node: node < 0 ? undefined : node,
  })
}

/** Passes on what the core answered. Throws a TreeError when it is a refusal, -errno. */
export function accepted(core: BuildCore, answer: number): number {
  if (answer < 0) throw treeError(answer, core.refusal)
  return answer
}

/** A host that gives no memory throws a RangeError. */
export function outOfMemory(cause: unknown): unknown {
  return cause instanceof RangeError ? new TreeError('ENOMEM', WORDS.MEMORY(0, 0), { cause }) : cause
}
