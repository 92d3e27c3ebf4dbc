// Standard output (or error) of a command that writes much: text gathers in a buffer and goes out in large pieces, at once,
// since Node's own stream keeps what a pipe does not take at once in memory. Not here: what is written.

import fs from 'node:fs'
import { TextBuffer } from '../format/text-buffer.js'
import { failure } from './failure.js'

/** Bytes that are gathered before they go out. */
const PIECE = 128 << 10
/** How long to wait for a pipe that takes no more, milliseconds. */
const PAUSE = 2
/** What a shell reports of a program that wrote to a pipe that no one reads any more. */
const BROKEN_PIPE = 141

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Writes all of it to 1 or 2. Throws Node's error; ends the process where no one reads. */
export function writeTo(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(fd, bytes, done, bytes.length - done)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EPIPE') process.exit(BROKEN_PIPE)
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
    }
  }
}

/** The same. Throws a CommandError. */
export function writeAll(bytes: Uint8Array, fd = 1): void {
  try {
    writeTo(fd, bytes)
  } catch (error) {
    throw failure('write', fd === 1 ? 'standard output' : 'standard error', error)
  }
}

export class StandardOutput {
  readonly text = new TextBuffer(PIECE + (32 << 10))
  readonly #fd: number

  constructor(fd = 1) {
    this.#fd = fd
  }

  /** Sends out what is there once it is much. Call it after each line. */
  spill(): void {
    if (this.text.length >= PIECE) this.flush()
  }

  flush(): void {
    writeAll(this.text.content(), this.#fd)
    this.text.clear()
  }
}
