// Calls that this thread waits for without letting anything else run, and for a bounded time: the answer comes in shared
// memory. After a wait that came to nothing that memory is given up, since the late answer may still be written to it. Not
// here: the answering side, calls that are awaited (bridge.ts).

import { Fault, faultError } from '../format/errno.js'
import type { Answer, Call, Message, Notice } from './protocol.js'
import { Beat, SharedSlots } from './shared-slots.js'
import { errorOf } from './thrown.js'

export interface Patience {
  /** Milliseconds that a call may take. */
  readonly timeout: number
  /** Milliseconds without a sign of life from the thread that answers. */
  readonly silence: number
}

/** Slots: so many pieces of a large read are under way at once. */
const SLOTS = 4
/** Milliseconds between looks at whether the other thread lives. */
const LOOK_MS = 100

function late(why: string): Error {
  return faultError(new Fault('ETIMEDOUT', why), 'bridge')
}

/** Time that this thread has spent waiting; while it, or the machine, stood still none passes. */
class Patient {
  readonly #patience: Patience
  readonly #beat: Beat
  #waited = 0
  #silent = 0
  #count: number
  #last = performance.now()

  constructor(patience: Patience, beat: Beat) {
    this.#patience = patience
    this.#beat = beat
    this.#count = beat.count
  }

  /** How long to wait until the next look. */
  get next(): number {
    const { timeout, silence } = this.#patience
    return Math.max(1, Math.min(LOOK_MS, timeout - this.#waited, silence - this.#silent))
  }

  get isSilent(): boolean {
    return this.#silent >= this.#patience.silence
  }

  /** After a wait: is the other thread still to be waited for? Throws ETIMEDOUT if not. */
  look(): void {
    const now = performance.now()
    const passed = Math.min(now - this.#last, 2 * LOOK_MS)
    this.#last = now
    this.#waited += passed
    const { count } = this.#beat
    this.#silent = count === this.#count ? this.#silent + passed : 0
    this.#count = count
    const { timeout, silence } = this.#patience
    if (this.isSilent) throw late(`no sign of life from the serving thread for ${silence} ms`)
    if (this.#waited >= timeout) throw late(`no answer within ${timeout} ms`)
  }
}

export class SharedCalls {
  readonly #send: (message: Message) => void
  readonly #patience: Patience
  readonly #pieceBytes: number
  readonly #beat = new Beat()
  #slots: SharedSlots | undefined
  #id = 0
  /** How far the beat was when the other thread was given up; it lives again if the beat has gone on. */
  #givenUpAt: number | undefined

  constructor(send: (message: Message) => void, patience: Patience, bufferBytes: number) {
    this.#send = send
    this.#patience = patience
    this.#pieceBytes = Math.ceil(bufferBytes / SLOTS)
  }

  call(call: Call): Answer {
    const slots = this.#ready()
    const id = this.#ask(0, call)
    this.#wait(slots, 0, id)
    return this.#take(slots, 0)
  }

  /** Bytes of an object, in pieces; fewer where a piece had fewer. Throws EFBIG for more than can be allocated. */
  read(object: number, offset: number, length: number): Uint8Array {
    const into = allocate(length)
    const slots = this.#ready()
    const piece = this.#pieceBytes
    const ids: number[] = []
    const ask = (at: number): void => {
      const part = Math.min(piece, length - at)
      const slot = (at / piece) % SLOTS
      ids[slot] = this.#ask(slot, { op: 'read', object, offset: offset + at, length: part })
    }
    for (let at = 0; at < Math.min(length, SLOTS * piece); at += piece) ask(at)
    for (let at = 0; at < length; at += piece) {
      const slot = (at / piece) % SLOTS
      const part = Math.min(piece, length - at)
      this.#wait(slots, slot, ids[slot])
      const isLast = at + piece >= length
      const { bytes } = this.#take(slots, slot, into.subarray(at, at + part), isLast)
      const got = bytes?.length ?? 0
      if (got < part) {
        if (!isLast) this.forget()
        return into.slice(0, at + got)
      }
      if (at + SLOTS * piece < length) ask(at + SLOTS * piece)
    }
    return into
  }

  #ask(slot: number, call: Call): number {
    // Never 0, which a new slot has.
    this.#id = (this.#id % 0x7fffffff) + 1
    this.#send({ id: this.#id, slot, call })
    return this.#id
  }

  #wait(slots: SharedSlots, slot: number, id: number): void {
    const patient = new Patient(this.#patience, this.#beat)
    try {
      while (!slots.wait(slot, id, patient.next)) patient.look()
    } catch (error) {
      if (patient.isSilent) this.#givenUpAt = this.#beat.count
      this.forget()
      throw error
    }
  }

  /** With `isLast` no other slot is waited for. */
  #take(slots: SharedSlots, slot: number, into?: Uint8Array, isLast = true): Answer {
    const taken = slots.take(slot, into)
    if (!('thrown' in taken)) return taken
    if (!isLast) this.forget()
    throw errorOf(taken.thrown)
  }

  /** Gives up the memory: something may still be written to it, or nothing will be asked any more. */
  forget(): void {
    this.#slots = undefined
  }

  /** The memory, shared anew where it was given up. Throws ETIMEDOUT as long as a thread that was given up is silent. */
  #ready(): SharedSlots {
    if (this.#givenUpAt !== undefined && this.#givenUpAt === this.#beat.count) {
      throw late('the serving thread has not been heard of since a call to it took too long')
    }
    this.#givenUpAt = undefined
    if (this.#slots === undefined) {
      this.#slots = SharedSlots.make(SLOTS, this.#pieceBytes)
      const notice: Notice = { op: 'share', beat: this.#beat.buffer, slots: this.#slots.buffer, count: SLOTS }
      this.#send({ notice })
    }
    return this.#slots
  }
}

function allocate(length: number): Uint8Array {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw faultError(new Fault('EFBIG', `${length} bytes at once`, cause), 'bridge')
  }
}
