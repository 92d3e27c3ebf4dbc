// Standard input and output of a program, as it is handed them. Not here: descriptors of the process itself (src/cli/run-streams.ts).

import { Fault, fault, isErrnoName, type Outcome } from '../format/errno.js'

/** Bytes of what a program has written that are kept for its result; more is ENOSPC to it. */
export const KEPT_BYTES = 64 * 2 ** 20
const FIRST_BYTES = 1024

/** Gives the next bytes, at most so many; none at the end. What it throws with a `code` of the system is what the program is told. */
export type InputFunction = (most: number) => Uint8Array | undefined

/** Takes bytes, which are its own. What it throws with a `code` of the system is what the program is told. */
export type OutputFunction = (bytes: Uint8Array) => void

export type StdinOption = string | Uint8Array | InputFunction

export interface GuestInput {
  /** Bytes are copied to the front of `into`; 0 at the end. */
  read(into: Uint8Array): Outcome<number>
}

export interface GuestOutput {
  write(from: Uint8Array): Outcome<number>
}

/** Input that is all there. */
class GivenInput implements GuestInput {
  #left: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#left = bytes
  }

  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#left.length)
    into.set(this.#left.subarray(0, count))
    this.#left = this.#left.subarray(count)
    return count
  }
}

/** What a stream's function answers, or the Fault that it throws; other errors go on, through the program. */
function told<T>(call: () => T): T | Fault {
  try {
    return call()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (isErrnoName(code)) return fault(code)
    throw error
  }
}

/** Input that is asked for. What comes of it beyond what there was room for waits for the next call. */
class AskedInput implements GuestInput {
  readonly #ask: InputFunction
  #left: Uint8Array = new Uint8Array(0)

  constructor(ask: InputFunction) {
    this.#ask = ask
  }

  read(into: Uint8Array): Outcome<number> {
    if (into.length === 0) return 0
    if (this.#left.length === 0) {
      const asked = told(() => this.#ask(into.length))
      if (asked instanceof Fault) return asked
      this.#left = asked ?? this.#left
    }
    const count = Math.min(into.length, this.#left.length)
    into.set(this.#left.subarray(0, count))
    this.#left = this.#left.subarray(count)
    return count
  }
}

export function guestInput(given: StdinOption | undefined): GuestInput {
  if (typeof given === 'function') return new AskedInput(given)
  return new GivenInput(typeof given === 'string' ? new TextEncoder().encode(given) : (given ?? new Uint8Array(0)))
}

/** Output that is handed on. */
export class TakenOutput implements GuestOutput {
  readonly #take: OutputFunction

  constructor(take: OutputFunction) {
    this.#take = take
  }

  write(from: Uint8Array): Outcome<number> {
    // What the function answers counts for nothing: one that pushes to an array, or writes to a stream, has an answer too.
    const failed = told(() => void this.#take(from.slice()))
    return failed ?? from.length
  }
}

/** Output that is kept: in a buffer that doubles, since programs may write byte by byte. */
export class KeptOutput implements GuestOutput {
  #buffer = new Uint8Array(0)
  #length = 0

  write(from: Uint8Array): Outcome<number> {
    const length = this.#length + from.length
    if (length > KEPT_BYTES) return fault('ENOSPC')
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length, FIRST_BYTES))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(from, this.#length)
    this.#length = length
    return from.length
  }

  content(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }
}
