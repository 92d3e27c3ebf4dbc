// Standard output of a command that writes much: text gathers in a buffer and goes out in large pieces, at once, since
// Node's own stream keeps what a pipe does not take at once in memory. Not here: what is written.

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

/** Writes all of it. Throws a CommandError; ends the process where no one reads. */
export function writeAll(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done, bytes.length - done)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EPIPE') process.exit(BROKEN_PIPE)
      if (code !== 'EAGAIN') throw failure('write', 'standard output', error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
    }
  }
}

export class StandardOutput {
  readonly text = new TextBuffer(PIECE + (32 << 10))

  /** Sends out what is there once it is much. Call it after each line. */
  spill(): void {
    if (this.text.length >= PIECE) this.flush()
  }

  flush(): void {
    writeAll(this.text.content())
    this.text.clear()
  }
}
