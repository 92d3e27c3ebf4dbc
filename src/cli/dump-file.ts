// Dump text from a file or standard input, as a tree. Not here: the text itself (src/tree/dump-source.ts).

import fs from 'node:fs'
import { DumpText } from '../tree/dump-source.js'
import type { Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { CommandError, failure, printable } from './failure.js'

const STANDARD_INPUT = 0
const PIECE = 1 << 20
/** Set, to whatever: dumps are read strictly. libcomposefs' name. */
const STRICT = 'CFS_PARSE_STRICT'

/** Reads all that a descriptor has into a tree's own memory; answers its length in bytes. */
function readDump(fd: number, dump: DumpText): number {
  // A byte more than is expected, to see that the file has ended.
  let bytes = dump.room(Math.max(fs.fstatSync(fd).size + 1, PIECE))
  let length = 0
  for (;;) {
    if (length === bytes.length) bytes = dump.room(2 * length)
    const n = readSome(fd, bytes, length)
    if (n === 0) return length
    length += n
  }
}

function readSome(fd: number, into: Uint8Array, at: number): number {
  for (;;) {
    try {
      return fs.readSync(fd, into, at, into.length - at, null)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      // Windows' word for the end of a pipe; a terminal or socket that has nothing yet.
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    }
  }
}

/** Throws a CommandError that names line and field. */
export function treeFromDumpFile(path: string): Tree {
  const fd = path === '-' ? STANDARD_INPUT : openDump(path)
  const dump = new DumpText()
  let length: number
  try {
    length = readDump(fd, dump)
  } catch (error) {
    throw failure('read', path, error)
  } finally {
    if (fd !== STANDARD_INPUT) fs.closeSync(fd)
  }
  try {
    return dump.tree(length, { strict: process.env[STRICT] !== undefined })
  } catch (error) {
    throw failure('dump', path, error)
  }
}

function openDump(path: string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY)
  } catch (error) {
    throw failure('open', path, error)
  }
}

/** What went wrong when a tree became an image, by the line of the dump that its node came from, where there is one. */
export function dumpFailure(path: string, error: unknown): unknown {
  if (!(error instanceof TreeError)) return error
  if (error.node === undefined) return failure('dump', path, error)
  return new CommandError(`dump: ${printable(path)}: line ${error.node + 1}: ${error.message}`)
}
