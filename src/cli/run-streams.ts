// Standard input, output and error of the process as a program has them: read and written at once, since the program waits for
// each. Not here: how a program comes to them (src/wasi/streams.ts).

import fs from 'node:fs'
import { isatty } from 'node:tty'
import type { InputFunction, OutputFunction } from '../wasi/streams.js'
import { writeTo } from './standard-output.js'

/** Bytes of one read at most. */
const PIECE = 1 << 18
/** How long to wait for input of a pipe or terminal that another process has told not to wait, milliseconds: at first, and at most. */
const PAUSE = 1
const PAUSE_MAX = 16

interface ProcessStreams {
  readonly stdin: InputFunction
  readonly stdout: OutputFunction
  readonly stderr: OutputFunction
  readonly terminals: readonly number[]
}

/** Nothing at the end. Throws Node's error. */
function readInput(most: number): Uint8Array {
  const into = new Uint8Array(Math.min(most, PIECE))
  for (let pause = PAUSE; ; pause = Math.min(2 * pause, PAUSE_MAX)) {
    try {
      return into.subarray(0, fs.readSync(0, into))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      // So Node has it under Windows.
      if (code === 'EOF') return into.subarray(0, 0)
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
    }
  }
}

export function processStreams(): ProcessStreams {
  return {
    stdin: readInput,
    stdout: bytes => writeTo(1, bytes),
    stderr: bytes => writeTo(2, bytes),
    terminals: [0, 1, 2].filter(fd => isatty(fd)),
  }
}
