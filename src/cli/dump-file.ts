// Dump text from a file or standard input, as a tree. Not here: the text itself (src/tree/dump-source.ts).

import fs from 'node:fs'
import { dumpBuffer, treeFromOwnDump } from '../tree/dump-source.js'
import type { Tree } from '../tree/tree.js'
import { TreeError } from '../tree/tree-error.js'
import { CommandError, failure, printable } from './failure.js'

const STANDARD_INPUT = 0
const PIECE = 1 << 20
/** Set, to whatever: dumps are read strictly. libcomposefs' name. */
const STRICT = 'CFS_PARSE_STRICT'

/** Reads all that a descriptor has, into one buffer that a tree can own. */
function readDump(fd: number): { bytes: Uint8Array; length: number } {
  const expected = fs.fstatSync(fd).size
  let bytes = dumpBuffer(Math.max(expected, PIECE))
  let length = 0
  for (;;) {
    // A byte more than is expected, to see that the file has ended.
    if (length + 1 > bytes.length - 1) {
      const grown = dumpBuffer(2 * bytes.length)
      grown.set(bytes)
      bytes = grown
    }
    const n = readSome(fd, bytes, length)
    if (n === 0) return { bytes, length }
    length += n
  }
}

function readSome(fd: number, into: Uint8Array, at: number): number {
  for (;;) {
    try {
      return fs.readSync(fd, into, at, into.length - 1 - at, null)
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
  let text: { bytes: Uint8Array; length: number }
  const fd = path === '-' ? STANDARD_INPUT : openDump(path)
  try {
    text = readDump(fd)
  } catch (error) {
    throw failure('read', path, error)
  } finally {
    if (fd !== STANDARD_INPUT) fs.closeSync(fd)
  }
  try {
    return treeFromOwnDump(text.bytes, text.length, { strict: process.env[STRICT] !== undefined })
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
